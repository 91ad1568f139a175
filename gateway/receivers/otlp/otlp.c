/* otlp.c: The otlp receiver: its options, its routes, its opening and closing. Owns the receiver's context. Called
 * by the pipeline, on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/otlp/otlp_receiver.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/fanout.h"

#define GW_CONF struct otlp_conf
static const struct gw_opt opts[] = {OTLP_OPTS(GW_ROW) GW_OPT_END};
static const char component[] = "receiver=otlp";

static const struct gw_http_route routes[] = {
    {.path = "/v1/traces",
     .methods = GW_HTTP_POST,
     .tag = GW_TRACES,
     .may_delay = true,
     .handle = otlp_http_export},
    {.path = "/v1/logs",
     .methods = GW_HTTP_POST,
     .tag = GW_LOGS,
     .may_delay = true,
     .handle = otlp_http_export},
    {.path = "/v1/metrics",
     .methods = GW_HTTP_POST,
     .tag = GW_METRICS,
     .may_delay = true,
     .handle = otlp_http_export},
    {.path = "/v1development/profiles",
     .methods = GW_HTTP_POST,
     .tag = GW_PROFILES,
     .may_delay = true,
     .handle = otlp_http_export},
};

/* Tracers of Datadog that were given this port, and SDKs that were given it without the path of their signal. */
static const char *elsewhere(gw_str path)
{
    bool of_sdk = gw_str_eq(path, GW_STR("/")) || gw_str_starts(path, GW_STR("/v1/"));
    bool of_tracer = gw_str_starts(path, GW_STR("/v0.")) || gw_str_starts(path, GW_STR("/v1.0/")) ||
                     gw_str_eq(path, GW_STR("/info"));
    if (of_tracer)
        return "this port takes OTLP; Datadog's tracers are for the receiver ddtrace, on port 8126";
    return of_sdk ? "OTLP is taken at /v1/traces, /v1/logs and /v1/metrics; an SDK uses the endpoint of one "
                    "signal as it stands, path included"
                  : NULL;
}

static void describe_site(struct otlp_receiver *o)
{
    o->site = (struct gw_http_site){
        .component = component,
        .routes = routes,
        .routes_n = sizeof routes / sizeof *routes,
        .ctx = o,
        .word_error = otlp_http_word_error,
        .elsewhere = elsewhere,
        .grpc = &o->grpc,
        .cors = &o->cors,
        .limits = GW_HTTP_LIMITS(&o->conf),
        .delay = {gw_fanout_delays_now, o->host->fanout, GW_TRACES, GW_HTTP_LONGEST_DELAY},
    };
}

static bool is_local(gw_str address, int *port)
{
    struct gw_address all[GW_LISTEN_ADDRESSES];
    struct gw_listen_error ignored;
    size_t n = 0;
    if (gw_listen_resolve(address, all, &n, &ignored) != GW_LISTEN_OK)
        return false;
    *port = n ? gw_listen_port(&all[0]) : 0;
    for (size_t i = 0; i < n; i++)
        if (gw_listen_is_local((const struct sockaddr *)&all[i].sa))
            return true;
    return n && (gw_str_starts(address, GW_STR(":")) || gw_str_starts(address, GW_STR("*")) ||
                 gw_str_starts(address, GW_STR("0.0.0.0")) || gw_str_starts(address, GW_STR("[::]")));
}

/* The list is not opened: an exporter sends to one of its ports, be it a collector that is not there yet. */
static bool is_own_target(const struct otlp_receiver *o, const struct gw_list *list, const char *option,
                          bool usual, struct gw_diagnostics *diagnostics)
{
    int port;
    for (size_t i = 0; i < list->n && o->host->sends_to; i++) {
        if (!is_local(list->items[i], &port) || !o->host->sends_to(o->host->exporters, port))
            continue;
        if (usual)
            gw_log(GW_INFO, component, "%.*s does not take OTLP: an exporter sends to that address",
                   GW_FMT(list->items[i]));
        else
            gw_option_error(diagnostics, o->open.path, option,
                            "an exporter sends to %.*s: ddgate would send to itself, without end",
                            GW_FMT(list->items[i]));
        return true;
    }
    return false;
}

static void open_listeners(struct otlp_receiver *o, struct gw_diagnostics *diagnostics)
{
    const struct gw_list *http = &o->conf.http, *grpc = &o->conf.grpc;
    bool usual = gw_list_is(http, OTLP_HTTP_LISTEN), usual_grpc = gw_list_is(grpc, OTLP_GRPC_LISTEN);
    bool none = is_own_target(o, http, "http", usual, diagnostics),
         no_grpc = is_own_target(o, grpc, "grpc", usual_grpc, diagnostics);
    for (size_t i = 0; i < http->n && !none; i++)
        gw_http_open_one(&o->open, http->items[i], usual, "http", diagnostics);
    for (size_t i = 0; i < grpc->n && !no_grpc; i++)
        gw_http_open_one(&o->open_grpc, grpc->items[i], usual_grpc, "grpc", diagnostics);
}

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path,
                          struct gw_diagnostics *diagnostics)
{
    struct otlp_receiver *o = ctx;
    const struct otlp_conf *c = &o->conf;
    const struct gw_listener_access_conf access = {GW_LISTENER_ACCESS_OPTS(GW_OPT_COPY)};
    const struct otlp_intake_conf intake = {OTLP_INTAKE_OPTS(GW_OPT_COPY)};
    o->host = host;
    o->open = (struct gw_http_open){.host = host, .site = &o->site, .path = path};
    o->open_grpc = (struct gw_http_open){.host = host, .site = &o->site, .path = path, .grpc = true};
    otlp_grpc_describe(o);
    describe_site(o);
    gw_cors_read(&o->cors, &c->cors_origins, &c->cors_headers, path, diagnostics);
    otlp_intake_open(&o->intake, host, component, &intake, path, diagnostics);
    gw_http_open_access(&o->open, &o->access, &access, &o->conf.http, diagnostics);
    open_listeners(o, diagnostics);
    bool none = o->open.listeners + o->open_grpc.listeners == 0 && !host->check;
    if (none && host->unasked)
        gw_config_warning(diagnostics, path, "no address is left for OTLP: it is not taken");
    else if (none && gw_diagnostics_errors(diagnostics) == 0)
        gw_config_error(diagnostics, path, "there is no address left to listen on");
    return GW_OK;
}

static void start(void *ctx)
{
    struct otlp_receiver *o = ctx;
    o->threads_n = gw_http_threads(o->host->http);
    o->threads = calloc(o->threads_n, sizeof *o->threads);
    GW_ASSERT(o->threads);
}

static void stop(void *ctx)
{
    const struct otlp_receiver *o = ctx;
    const struct gw_http_counts *h = &o->site.counts;
    gw_log(GW_DEBUG, component, "requests=%llu bytes=%llu inflated_bytes=%llu malformed=%llu",
           (unsigned long long)h->requests, (unsigned long long)h->wire_bytes,
           (unsigned long long)h->body_bytes, (unsigned long long)o->intake.counts.malformed);
}

static void hint(void *ctx, FILE *to)
{
    const struct otlp_receiver *o = ctx;
    if (o->open_grpc.port)
        fprintf(to,
                "  OTEL_EXPORTER_OTLP_ENDPOINT=http%s://localhost:%d opentelemetry-instrument python app.py  "
                "  # gRPC\n",
                o->access.tls ? "s" : "", o->open_grpc.port);
    if (o->open.port)
        fprintf(to,
                "  OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_ENDPOINT=http%s://%s:%d "
                "opentelemetry-instrument python app.py\n",
                o->access.tls ? "s" : "", o->open.host_text, o->open.port);
}

static void close_(void *ctx)
{
    struct otlp_receiver *o = ctx;
    for (unsigned i = 0; i < o->threads_n; i++)
        otlp_intake_thread_fini(&o->threads[i]);
    free(o->threads);
    o->threads = NULL;
    o->threads_n = 0;
    otlp_intake_close(&o->intake);
    gw_listener_access_close(&o->access);
}

static const struct gw_metric metrics[] = {
    GW_COUNTER_FOR(struct otlp_receiver, intake.counts.requests[GW_TRACES], "otlp_requests_total", "signal",
                   "traces", "Requests that were taken, whole or in part."),
    GW_COUNTER_FOR(struct otlp_receiver, intake.counts.requests[GW_LOGS], "otlp_requests_total", "signal",
                   "logs", "Requests that were taken, whole or in part."),
    GW_COUNTER_FOR(struct otlp_receiver, intake.counts.requests[GW_METRICS], "otlp_requests_total", "signal",
                   "metrics", "Requests that were taken, whole or in part."),
    GW_COUNTER_FOR(struct otlp_receiver, intake.counts.requests[GW_PROFILES], "otlp_requests_total", "signal",
                   "profiles", "Requests that were taken, whole or in part."),
    GW_COUNTER_AT(struct otlp_receiver, intake.counts.faulty, "otlp_partial_requests_total",
                  "Requests of which some items were refused: the answer's partial_success says why."),
    GW_COUNTER_AT(struct otlp_receiver, intake.counts.malformed, "otlp_malformed_requests_total",
                  "Requests that are not well-formed, and of which nothing was used."),
    GW_COUNTER_AT(struct otlp_receiver, intake.counts.datadog, "otlp_datadog_requests_total",
                  "Requests of Datadog's SDKs, which are translated as what tracers send."),
    GW_COUNTER_AT(struct otlp_receiver, intake.privacy_counts.replaced, "otlp_privacy_replaced_total",
                  "Values of spans of Datadog's SDKs that a rule of option privacy changed."),
    GW_COUNTER_AT(struct otlp_receiver, intake.privacy_counts.gave_up, "otlp_privacy_gave_up_total",
                  "Values of such spans that a rule of option privacy took too long on: they became ?."),
    GW_COUNTER_AT(struct otlp_receiver, intake.counts.credentials, "otlp_credentials_total",
                  "Credentials (sls.otel.*) that were taken out of resources."),
    GW_METRICS_END,
};

const struct gw_receiver gw_receiver_otlp = {
    .name = "otlp",
    .summary = "Traces, logs and metrics from OpenTelemetry's SDKs and collectors: OTLP over gRPC and HTTP.",
    .by_default = true,
    .on_http = true,
    .opts = opts,
    .conf_size = sizeof(struct otlp_conf),
    .ctx_size = sizeof(struct otlp_receiver),
    .open = open_,
    .start = start,
    .stop = stop,
    .close = close_,
    .hint = hint,
    .metrics = metrics,
};
