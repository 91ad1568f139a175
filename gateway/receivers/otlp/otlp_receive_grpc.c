/* otlp_receive_grpc.c: Calls over gRPC: Export of the services of OTLP, and the table of all methods. Owns nothing beyond the
 * call. Called by HTTP workers (gateway/http/grpc.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "core/base/log.h"
#include "core/delivery/fanout.h"
#include "core/delivery/recent.h"
#include "gateway/http/grpc.h"
#include "gateway/receivers/otlp/otlp_receiver.h"

static const char component[] = "receiver=otlp";

/* --- refusals --- */

static int status_of(enum gw_code code)
{
    switch (code) {
    case GW_TIMEOUT:
        return GW_GRPC_DEADLINE_EXCEEDED;
    case GW_UNSUPPORTED_ENCODING:
        return GW_GRPC_UNIMPLEMENTED;
    default:
        return otlp_answer_code(code);
    }
}

/* Replaces texts of the HTTP server that speak of bodies and paths. */
static gw_str words_of(const struct gw_err *err, struct gw_arena *arena)
{
    char text[1024];
    if (err->code == GW_NOT_FOUND)
        return GW_STR("this is a port of OTLP: Export of TraceService, LogsService and MetricsService");
    if (err->code == GW_TIMEOUT || (err->code == GW_BAD_REQUEST && err->what[0]))
        return gw_arena_dup(arena, gw_str_z(err->what));
    if (err->code == GW_TOO_LARGE && err->what[0])
        return gw_arena_printf(arena, "%s: %s", gw_code_text(err->code), err->what);
    gw_http_error_text(err, text, sizeof text);
    gw_str words = gw_str_z(text);
    words.len = gw_str_find(words, '\n'); /* the advice is in the documentation */
    return gw_arena_dup(arena, words);
}

static void refuse(void *ctx, const struct gw_err *err, struct gw_arena *arena, struct gw_grpc_reply *r)
{
    const struct otlp_receiver *o = ctx;
    int http = gw_code_http(err->code);
    int seconds = http == 429 || http == 503 ? gw_fanout_retry_after(o->host->fanout, gw_now()) : 0;
    r->status = status_of(err->code);
    r->words = words_of(err, arena);
    r->detail = otlp_answer_status(err, seconds, false, arena);
    bool said = err->code == GW_PEER_LIMIT || http == 401 || http == 403; /* by who checks it */
    if (!said)
        gw_log(http >= 429 ? GW_INFO : GW_WARNING, component, "a request over gRPC is answered %d: %.*s",
               r->status, GW_FMT(r->words));
}

static void log_stranger(void *ctx, const char *peer, bool tls, char *out, size_t size)
{
    const struct otlp_receiver *o = ctx;
    char where[64] = "at no port of this gateway", body[256];
    if (o->open.port)
        snprintf(where, sizeof where, "at port %d", o->open.port);
    if (tls)
        gw_log(GW_WARNING, component,
               "%s uses TLS on a plain port for OTLP over gRPC: write http:// in its endpoint, or set "
               "tls.cert here",
               peer);
    else
        gw_log(
            GW_WARNING, component,
            "%s speaks no HTTP/2 to a port of OTLP over gRPC: OTEL_EXPORTER_OTLP_PROTOCOL=grpc there; OTLP "
            "over HTTP is taken %s, Datadog's tracers on 8126",
            peer, where);
    int n =
        snprintf(body, sizeof body,
                 "this port takes OTLP over gRPC; OTLP over HTTP is taken %s; Datadog's tracers are for the "
                 "receiver ddtrace, on port 8126\n",
                 where);
    snprintf(out, size,
             "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
             "Connection: close\r\n\r\n%s",
             n, body);
}

/* --- Export --- */

static void export(void *ctx, const struct gw_grpc_method *m, const struct gw_grpc_call *call,
                   struct gw_grpc_reply *r)
{
    struct otlp_receiver *o = ctx;
    enum gw_signal signal = (enum gw_signal)m->tag;
    struct otlp_taken taken;
    struct gw_err err = {0};
    if (gw_recent_wanted())
        gw_recent_begin(&(struct gw_recent_entry){.kind = GW_RECENT_REQUEST,
                                                  .signal = (uint8_t)signal,
                                                  .parts = {[GW_REQUEST_RECEIVER] = GW_STR("otlp"),
                                                            [GW_REQUEST_PROTOCOL] = GW_STR("otlp/grpc"),
                                                            [GW_REQUEST_TRANSPORT] = GW_STR("grpc")}});
    err.code = otlp_intake_take(&o->intake, &o->threads[call->worker], signal, call->message, call->arena,
                                &taken, &err);
    gw_recent_end();
    if (err.code) {
        refuse(o, &err, call->arena, r);
        return;
    }
    otlp_fleet_note(o, signal, call->message, GW_STR("grpc"), GW_STR("tcp"));
    if (taken.refused)
        otlp_intake_log_faults(&o->intake, &taken, gw_signal_name(signal));
    r->body = otlp_answer_taken(&taken, signal, false, call->arena);
}

static const struct gw_grpc_method methods[] = {
    {.path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
     .tag = GW_TRACES,
     .may_delay = true,
     .handle = export},
    {.path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
     .tag = GW_LOGS,
     .may_delay = true,
     .handle = export},
    {.path = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
     .tag = GW_METRICS,
     .may_delay = true,
     .handle = export},
    {.path = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
     .tag = GW_PROFILES,
     .may_delay = true,
     .handle = export},
    {.path = "/grpc.health.v1.Health/Check", .handle = otlp_grpc_health},
    {.path = "/grpc.health.v1.Health/List", .handle = otlp_grpc_health_list},
    {.path = "/grpc.health.v1.Health/Watch", .kind = GW_GRPC_WATCH, .handle = otlp_grpc_health},
    {.path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
     .kind = GW_GRPC_STREAM,
     .handle = otlp_grpc_reflect},
    {.path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
     .kind = GW_GRPC_STREAM,
     .handle = otlp_grpc_reflect},
};

void otlp_grpc_describe(struct otlp_receiver *o)
{
    o->grpc = (struct gw_grpc){.methods = methods,
                               .methods_n = sizeof methods / sizeof *methods,
                               .max_message = o->conf.max_message,
                               .refuse = refuse,
                               .stranger = log_stranger};
}
