/* otlp_grpc.c: the exporter that sends OTLP over gRPC, to one backend or to several that share the load.
 *
 *   send ─▶ parts and targets (grpc_request.h) ─▶ slices over the frames' own bytes, or one gzip buffer ─▶ calls (otlp_calls.h)
 *
 * A slice holds a reference to its frame, which gRPC Core may drop on any of its threads after the call has
 * ended.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <curl/curl.h>
#include <grpc/slice.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/config/config_diagnostic.h"
#include "core/delivery/exporter.h"
#include "exporters/otlp/compression_trial.h"
#include "exporters/otlp/grpc_request.h"
#include "exporters/otlp/otlp_endpoints.h"
#include "exporters/otlp/tls_probe.h"
#include "exporters/sender/compress.h"

#define OPTS(X)                                                                                              \
    OTLP_ENDPOINTS_OPTS(X)                                                                                   \
    X(choice, balance, "balance", "requests", "requests|trace_id", "",                                       \
      "requests: each request goes to the backend with the fewest open ones. trace_id: all spans and log "   \
      "records of a trace go to the same backend, as tail samplers require.")                                \
    X(duration, keepalive_time, "keepalive.time", "30s", "0s", "24h",                                        \
      "A connection with open requests is probed after this time without data; 0s: never. Servers may "      \
      "close connections that are probed too often.")                                                        \
    X(duration, keepalive_timeout, "keepalive.timeout", "10s", "100ms", "10m",                               \
      "The connection is closed if a probe is not answered within this time.")

#define GW_CONF struct conf
OTLP_CONF(OPTS);

static const struct otlp_protocol protocol = {.name = "gRPC", .default_port = 4317};

static const gw_nsec PROBE_AGAIN = 60 * GW_SEC;

/* The values of balance. */
enum { BALANCE_REQUESTS, BALANCE_TRACE_ID };

struct ctx {
    struct conf conf;
    /* Constant after open. */
    bool started;
    char component[80];
    struct otlp_endpoint target; /* the first of the endpoints; it has the members that all share */
    struct otlp_endpoints endpoints;
    struct gw_compressor *compressor; /* from here on used by the sender's thread; NULL: no compression */
    struct otlp_trial trial;
    const char *certificate_remedy; /* result of the last probe; NULL: none */
    gw_nsec probed_at;              /* 0: never */
    struct otlp_calls calls;
    struct grpc_targets targets;
    struct grpc_requests requests;
};
_Static_assert(offsetof(struct ctx, conf) == 0, "the pipeline fills conf");

/* --- bodies --- */

static void unpin_frame(void *frame)
{
    gw_frame_unpin(frame);
}

/* Makes a request of the frames' own bytes, concatenated without a copy. */
static grpc_byte_buffer *plain_request(const struct gw_batch *batch)
{
    grpc_slice *slices = malloc(batch->n * sizeof *slices);
    if (!slices)
        return NULL;
    for (size_t i = 0; i < batch->n; i++) {
        struct gw_frame *f = gw_frame_pin(batch->frames[i]);
        slices[i] = grpc_slice_new_with_user_data(f->data, f->len, unpin_frame, f);
    }
    /* It takes references of its own. */
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(slices, batch->n);
    for (size_t i = 0; i < batch->n; i++)
        grpc_slice_unref(slices[i]);
    free(slices);
    return buffer;
}

static grpc_byte_buffer *gzip_request(struct gw_compressor *compressor, const struct gw_batch *batch)
{
    uint8_t *data;
    size_t len;
    if (!gw_compress(compressor, batch->frames, batch->n, &data, &len))
        return NULL;
    grpc_slice slice = grpc_slice_new_with_user_data(data, len, free, data);
    grpc_byte_buffer *buffer = grpc_raw_compressed_byte_buffer_create(&slice, 1, GRPC_COMPRESS_GZIP);
    grpc_slice_unref(slice);
    return buffer;
}

static grpc_byte_buffer *make_body(void *ctx, const struct gw_batch *batch, bool *gzip)
{
    struct ctx *c = ctx;
    grpc_byte_buffer *body = NULL;
    if (otlp_trial_compresses(&c->trial, &c->target, batch))
        body = gzip_request(c->compressor, batch);
    *gzip = body;
    return body ? body : plain_request(batch);
}

/* --- answers --- */

/* gRPC does not report why it rejected a certificate, so a probe finds out, at most once a minute. */
static void explain_certificate(struct ctx *c, struct gw_outcome *o)
{
    gw_nsec now = gw_now();
    if (!c->target.tls || !o->remedy || !strstr(o->text, "ertificate verify failed"))
        return;
    if (!c->probed_at || now - c->probed_at > PROBE_AGAIN) {
        c->certificate_remedy = otlp_tls_probe(&c->target, c->conf.tls_server_name);
        c->probed_at = now;
    }
    if (c->certificate_remedy)
        o->remedy = c->certificate_remedy;
}

static void judge(void *ctx, bool gzip, struct gw_outcome *outcome)
{
    struct ctx *c = ctx;
    explain_certificate(c, outcome);
    if (gzip)
        otlp_trial_judge(&c->trial, &c->target, outcome);
}

/* --- open and close --- */

/* Headers, TLS and compression are those of the first endpoint. */
static enum gw_code open_target(struct ctx *c, const char *path, struct gw_diagnostics *diagnostics)
{
    struct otlp_endpoint_conf conf;
    memcpy(&conf, &c->conf, sizeof conf); /* the target's options are the first member of conf */
    bool read = otlp_endpoints_read(&c->endpoints, &c->conf.endpoints, &c->conf.failover, c->conf.endpoint,
                                    &protocol, path, diagnostics);
    if (c->conf.endpoints.n)
        conf.endpoint = read ? c->conf.endpoints.items[0] : GW_NOSTR;
    enum gw_code code = otlp_endpoint_open(&c->target, &conf, &protocol, path, diagnostics);
    return read ? code : GW_BAD_REQUEST;
}

static void wake_calls(void *calls)
{
    otlp_calls_wake(calls);
}

static bool open_targets(struct ctx *c, const char *path, struct gw_diagnostics *diagnostics)
{
    bool several = c->conf.endpoints.n > 0,
         gzip = c->target.compression == GW_COMPRESS_GZIP || c->target.may_compress;
    if (several) { /* Members that make the connections of this endpoint. */
        struct otlp_endpoint *first = &c->endpoints.all[0];
        first->ca = c->target.ca;
        first->cert = c->target.cert;
        first->key = c->target.key;
    }
    const struct grpc_targets_conf conf = {
        .endpoints = several ? c->endpoints.all : &c->target,
        .n = several ? c->endpoints.n : 1,
        .backups = c->endpoints.backups,
        .resolves = several,
        .resolve_interval = c->conf.resolve_interval,
        .options = {c->conf.tls_server_name, c->conf.keepalive_time, c->conf.keepalive_timeout},
        .component = c->component,
        .wake = wake_calls,
        .arg = &c->calls};
    c->requests = (struct grpc_requests){.targets = &c->targets,
                                         .calls = &c->calls,
                                         .by_trace = several && c->conf.balance == BALANCE_TRACE_ID,
                                         .body = make_body,
                                         .judge = judge,
                                         .ctx = c};
    if (gzip)
        c->compressor = gw_compressor_new(GW_COMPRESS_GZIP);
    return (c->compressor || !gzip) && grpc_targets_open(&c->targets, &conf, path, diagnostics) &&
           otlp_calls_poll(&c->calls);
}

static enum gw_code grpc_open(void *ctx, const struct gw_export_host *host, const char *path,
                              struct gw_diagnostics *diagnostics)
{
    struct ctx *c = ctx;
    gw_grpc_start();
    curl_global_init(CURL_GLOBAL_DEFAULT); /* counted; needed by tls_probe.h */
    c->started = true;
    snprintf(c->component, sizeof c->component, "exporter=%.60s", host->name ? host->name : "otlp_grpc");
    enum gw_code code = open_target(c, path, diagnostics);
    if (otlp_calls_open(&c->calls, &c->conf.headers, path, diagnostics) != GW_OK)
        code = GW_BAD_REQUEST;
    if (c->target.off && code == GW_OK)
        gw_option_warning(diagnostics, path, "endpoint",
                          "is empty: nothing is uploaded, and everything counts as discarded");
    if (code != GW_OK || c->target.off)
        return code;
    return open_targets(c, path, diagnostics) ? GW_OK : GW_INTERNAL;
}

/* Closes in the order that Core needs: calls (none is open any more) and their queue, channels, library. */
static void grpc_close(void *ctx)
{
    struct ctx *c = ctx;
    if (!c->started)
        return;
    grpc_targets_close(&c->targets);
    otlp_calls_close(&c->calls);
    if (c->compressor)
        gw_compressor_drop(c->compressor);
    otlp_endpoints_close(&c->endpoints);
    otlp_endpoint_close(&c->target);
    curl_global_cleanup();
    gw_grpc_stop();
    *c = (struct ctx){.conf = c->conf};
}

/* --- the sender's side --- */

static void grpc_send(void *ctx, const struct gw_batch *batch, gw_nsec timeout, gw_done_f *done, void *cookie)
{
    static const struct gw_outcome discarded = {.verdict = GW_DISCARDED};
    struct ctx *c = ctx;
    if (c->target.off) /* nothing is sent and nothing is retried */
        done(cookie, &discarded);
    else
        grpc_request_send(&c->requests, batch, timeout, done, cookie);
}

static void grpc_wait(void *ctx, gw_nsec until)
{
    struct ctx *c = ctx;
    otlp_calls_wait(&c->calls, until);
}

static void grpc_wake(void *ctx)
{
    struct ctx *c = ctx;
    otlp_calls_wake(&c->calls);
}

static void grpc_cancel(void *ctx)
{
    struct ctx *c = ctx;
    c->requests.cancelled = true;
    otlp_calls_cancel(&c->calls);
}

static void grpc_describe(void *ctx, FILE *to)
{
    const struct ctx *c = ctx;
    if (c->target.off) {
        fputs("nowhere: nothing is uploaded", to);
        return;
    }
    if (c->endpoints.n)
        otlp_endpoints_describe(&c->endpoints, to);
    else
        fprintf(to, "%s://%s", c->target.tls ? "https" : "http", c->target.authority);
    fprintf(to, ", compression %s%s", otlp_endpoint_compression(&c->target),
            c->requests.by_trace ? ", by trace id" : "");
}

const struct gw_exporter gw_exporter_otlp_grpc = {
    .name = "otlp_grpc",
    .summary = "Sends OTLP over gRPC to a collector or any backend that accepts it.",
    .signals = 1u << GW_TRACES | 1u << GW_LOGS | 1u << GW_METRICS | 1u << GW_PROFILES,
    .opts = opts,
    .wants = (const char *const[]){"endpoint", "endpoints", NULL},
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .library_threads = 8, /* threads that gRPC starts */
    .remote = true,
    .open = grpc_open,
    .close = grpc_close,
    .send = grpc_send,
    .wait = grpc_wait,
    .cancel = grpc_cancel,
    .wake = grpc_wake,
    .describe = grpc_describe,
};
