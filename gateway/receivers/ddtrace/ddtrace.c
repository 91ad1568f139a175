/* ddtrace.c: The ddtrace receiver: its options and its routes.
 * Owns the receiver's context. The pipeline opens and closes it; handlers run on HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/ddtrace/ddtrace.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/fanout.h"
#include "core/delivery/span_services.h"
#include "core/delivery/trace_ids.h"
#include "gateway/receivers/common/datakit_request.h"

#define GW_CONF struct ddtrace_conf
static const struct gw_opt opts[] = {DDTRACE_OPTS(GW_ROW) GW_OPT_END};

/* No-op since long ago, but a tracer of that time must not get 404. */
static void services(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                     struct gw_http_reply *r)
{
    r->type = "text/plain";
    r->body = GW_STR("OK\n");
}

/* Agents ask whether their key is good: it was asked for before this is called (auth.h). */
static void validate(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                     struct gw_http_reply *r)
{
    r->type = "application/json";
    r->body = GW_STR("{\"valid\":true}");
}

enum { SEND = GW_HTTP_PUT | GW_HTTP_POST };
static const struct gw_http_route routes[] = {
    {.path = "/v0.4/traces",
     .methods = SEND,
     .tag = DDTRACE_V04,
     .may_delay = true,
     .handle = ddtrace_traces},
    {.path = "/v0.5/traces",
     .methods = SEND,
     .tag = DDTRACE_V05,
     .may_delay = true,
     .handle = ddtrace_traces},
    {.path = "/v0.3/traces",
     .methods = SEND,
     .tag = DDTRACE_V03,
     .may_delay = true,
     .handle = ddtrace_traces},
    {.path = "/v0.2/traces",
     .methods = SEND,
     .tag = DDTRACE_V02,
     .may_delay = true,
     .handle = ddtrace_traces},
    {.path = "/v0.7/traces",
     .methods = SEND,
     .tag = DDTRACE_V07,
     .may_delay = true,
     .handle = ddtrace_traces},
    {.path = "/v1.0/traces",
     .methods = SEND,
     .tag = DDTRACE_V10,
     .may_delay = true,
     .handle = ddtrace_traces},
    {.path = "/api/v0.2/traces",
     .methods = SEND,
     .tag = DDTRACE_AGENT,
     .may_delay = true,
     .handle = ddtrace_traces},
    {.path = "/v0.1/spans", .methods = SEND, .tag = DDTRACE_V01, .may_delay = true, .handle = ddtrace_traces},
    {.path = "/spans", .methods = SEND, .tag = DDTRACE_V01, .may_delay = true, .handle = ddtrace_traces},
    {.path = "/v1/write/tracing", .methods = SEND, .may_delay = true, .handle = ddtrace_points},
    /* proxies of tests ask by POST (ddapm-test-agent) */
    {.path = "/info",
     .methods = GW_HTTP_GET | GW_HTTP_HEAD | SEND,
     .ignores_body = true,
     .handle = ddtrace_info},
    {.path = "/api/v1/validate",
     .methods = GW_HTTP_GET | GW_HTTP_HEAD,
     .ignores_body = true,
     .handle = validate},
    {.path = "/services", .methods = SEND, .ignores_body = true, .handle = services},
    {.path = "/v0.1/services", .methods = SEND, .ignores_body = true, .handle = services},
    {.path = "/v0.2/services", .methods = SEND, .ignores_body = true, .handle = services},
    {.path = "/v0.3/services", .methods = SEND, .ignores_body = true, .handle = services},
    {.path = "/v0.4/services", .methods = SEND, .ignores_body = true, .handle = services},
};
_Static_assert(sizeof routes / sizeof *routes + DDTRACE_QUIETS <= DDTRACE_ROUTES, "room for all routes");

/* Without the option there is no sampler, and nothing costs anything. */
static void open_sampling(struct ddtrace *d, struct gw_diagnostics *diagnostics)
{
    const struct dd_sampler_conf conf = {.target = (uint64_t)d->conf.sampling_target,
                                         .rates = d->conf.sampling_rates};
    char option[GW_OPTION_PATH];
    for (size_t i = 0; i < conf.rates.n; i++) {
        const char *why = dd_sampler_mistake(&conf, i);
        gw_str key = conf.rates.items[i].key;
        gw_option_path(option, d->open.path, "sampling.rates");
        if (why)
            gw_config_error(diagnostics, option, "\"%.*s\" %s", GW_FMT(key), why);
    }
    if (conf.target || conf.rates.n || d->conf.sampling_keep_errors)
        d->sampler = dd_sampler_new(&conf);
}

/* OpenTelemetry's SDKs that were given the port of an agent. */
static const char *elsewhere(gw_str path)
{
    bool of_sdk = gw_str_eq(path, GW_STR("/v1/traces")) || gw_str_eq(path, GW_STR("/v1/logs")) ||
                  gw_str_eq(path, GW_STR("/v1/metrics"));
    return of_sdk ? "this port takes what Datadog's tracers send; OTLP is for the receiver otlp, over HTTP "
                    "on port 4318"
                  : NULL;
}

static void word_error(void *ctx, const struct gw_http_request *q, const struct gw_err *err,
                       struct gw_http_reply *r)
{
    (void)ctx;
    datakit_word_error(q, err, r);
}

/* Statistics are always read, because a reload may add an exporter that takes metrics. Until then they are
 * answered like requests that are not translated. */
static void route_stats(struct gw_http_route *quiet, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (quiet[i].tag == DDTRACE_QUIET_STATS || quiet[i].tag == DDTRACE_QUIET_AGENT_STATS) {
            quiet[i].ignores_body = quiet[i].as_sent = false;
            quiet[i].handle = ddtrace_stats;
        }
}

static void describe_site(struct ddtrace *d)
{
    size_t n = sizeof routes / sizeof *routes;
    memcpy(d->routes, routes, sizeof routes);
    size_t quiet = ddtrace_quiet_routes(d, d->routes + n);
    route_stats(d->routes + n, quiet);
    n += quiet;
    d->headers[0] = (struct gw_http_header){"Datadog-Agent-Version", DDTRACE_AGENT_VERSION};
    d->headers[1] = (struct gw_http_header){"Datadog-Agent-State", NULL};
    d->site = (struct gw_http_site){
        .component = "receiver=ddtrace",
        .routes = d->routes,
        .routes_n = n,
        .headers = d->headers,
        .headers_n = 2,
        .header_now = ddtrace_info_state,
        .ctx = d,
        .refused = ddtrace_refused,
        .word_error = word_error,
        .elsewhere = elsewhere,
        .limits = GW_HTTP_LIMITS(&d->conf),
        .delay = {gw_fanout_delays_now, d->host->fanout, GW_TRACES, GW_HTTP_LONGEST_DELAY},
    };
}

static void open_listeners(struct ddtrace *d, struct gw_diagnostics *diagnostics)
{
    gw_str socket = d->conf.socket;
    char where[GW_OPTION_PATH];
    gw_option_path(where, d->open.path, "socket");
    gw_http_open_all(&d->open, &d->conf.listen, DDTRACE_LISTEN, diagnostics);
    bool asked = gw_diagnostics_is_written(diagnostics, where) || !gw_str_eq(socket, GW_STR(DDTRACE_SOCKET));
    if (socket.len &&
        (asked || gw_http_is_free(&d->open, socket))) /* the first of several has the default one */
        d->has_socket = gw_http_open_one(&d->open, socket, !asked, "socket", diagnostics);
    if (d->open.listeners == 0 &&
        gw_diagnostics_errors(diagnostics) == 0) /* otherwise the mistake was reported */
        gw_config_error(diagnostics, d->open.path, "there is no address left to listen on");
}

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path,
                          struct gw_diagnostics *diagnostics)
{
    struct ddtrace *d = ctx;
    const struct ddtrace_conf *c = &d->conf;
    const struct gw_listener_access_conf access = {GW_LISTENER_ACCESS_OPTS(GW_OPT_COPY)};
    const struct ddtrace_proxy_conf proxy = {DDTRACE_PROXY_OPTS(GW_OPT_COPY)};
    const struct ddtrace_profiles_conf profiles = {DDTRACE_PROFILES_OPTS(GW_OPT_COPY)};
    const struct ddtrace_span_metrics_conf span_metrics = {DDTRACE_SPAN_METRICS_OPTS(GW_OPT_COPY)};
    d->host = host;
    gw_span_services_offer(gw_trace_ids_services(host->ids));
    d->open = (struct gw_http_open){.host = host, .site = &d->site, .path = path};
    d->cgroups = ddtrace_cgroups_new(c->proc_root.ptr, c->cgroup_root.ptr);
    if (!d->cgroups || ddtrace_proxy_open(&d->proxy, &proxy, host->budget, path, diagnostics))
        return GW_INTERNAL;
    if (ddtrace_profiles_open(&d->profiles, &profiles, c->max_inflated, &c->listen, host, path, diagnostics))
        return GW_INTERNAL;
    ddtrace_span_metrics_open(&d->span_metrics, &span_metrics, host, path, diagnostics);
    d->privacy = ddtrace_privacy(c, &d->privacy_counts, path, diagnostics);
    d->options = ddtrace_options(c);
    d->options.labels = ddtrace_span_metrics_labels(&d->span_metrics);
    open_sampling(d, diagnostics);
    describe_site(d);
    gw_http_open_access(&d->open, &d->access, &access, &d->conf.listen, diagnostics);
    if (d->conf.threads)
        gw_http_want_threads(host->http, (int)d->conf.threads);
    if (d->conf.socket.len && d->conf.socket.ptr[0] != '/')
        gw_config_error(diagnostics, path, "socket must be an absolute path");
    else
        open_listeners(d, diagnostics);
    return GW_OK;
}

static void start(void *ctx)
{
    struct ddtrace *d = ctx;
    GW_ASSERT(ddtrace_info_make(d));
    d->threads_n = gw_http_threads(d->host->http);
    d->threads = calloc(d->threads_n, sizeof *d->threads);
    GW_ASSERT(d->threads);
    for (unsigned i = 0; i < d->threads_n; i++) {
        d->threads[i].translator = dd_translator_new(&d->options);
        d->threads[i].privacy = dd_privacy_thread_new(d->privacy);
        GW_ASSERT(d->threads[i].translator && (d->threads[i].privacy || !d->privacy));
    }
    ddtrace_profiles_start(&d->profiles);
    ddtrace_span_metrics_start(&d->span_metrics);
    if (d->proxy && !ddtrace_proxy_start(d->proxy)) { /* it was logged; untranslated requests are dropped */
        ddtrace_proxy_close(d->proxy);
        d->proxy = NULL;
    }
}

static void reloaded(void *ctx)
{
    if (!ddtrace_info_make(ctx))
        gw_log(GW_ERROR, "receiver=ddtrace", "/info stays as it was: no memory");
}

static void log_counts_of(const struct ddtrace *d)
{
    const struct ddtrace_counts *c = &d->counts;
    const struct gw_http_counts *h = &d->site.counts;
    uint64_t payloads = 0;
    for (int i = 0; i < DD_FORMATS; i++)
        payloads += c->payloads[i];
    gw_log(GW_DEBUG, "receiver=ddtrace",
           "requests=%llu bytes=%llu inflated_bytes=%llu payloads=%llu probes=%llu chunks=%llu",
           (unsigned long long)h->requests, (unsigned long long)h->wire_bytes,
           (unsigned long long)h->body_bytes, (unsigned long long)payloads, (unsigned long long)c->probes,
           (unsigned long long)c->chunks);
    for (unsigned i = 0; i < GW_HTTP_STATUSES; i++)
        if (h->status[i])
            gw_log(GW_DEBUG, "receiver=ddtrace", "answers status=%s n=%llu", gw_http_status_name(i),
                   (unsigned long long)h->status[i]);
    gw_log(GW_DEBUG, "receiver=ddtrace",
           "lost_chunks=%llu count_mismatches=%llu dropped_p0_traces=%llu dropped_p0_spans=%llu "
           "malformed_tid=%llu conflicting_tid=%llu "
           "bad_links=%llu bad_events=%llu bad_struct=%llu repaired_text=%llu bad_times=%llu "
           "bad_tracestate=%llu "
           "empty_keys=%llu",
           (unsigned long long)c->lost_chunks, (unsigned long long)c->count_mismatches,
           (unsigned long long)c->dropped_p0_traces, (unsigned long long)c->dropped_p0_spans,
           (unsigned long long)c->malformed_tid, (unsigned long long)c->conflicting_tid,
           (unsigned long long)c->bad_links, (unsigned long long)c->bad_events,
           (unsigned long long)c->bad_struct, (unsigned long long)c->repaired_text,
           (unsigned long long)c->bad_times, (unsigned long long)c->bad_tracestate,
           (unsigned long long)c->empty_keys);
}

static void stop(void *ctx)
{
    struct ddtrace *d = ctx;
    ddtrace_proxy_stop(d->proxy);
    ddtrace_profiles_stop(&d->profiles);
    ddtrace_span_metrics_stop(&d->span_metrics);
    log_counts_of(d);
}

/* The variables that point an application here: by TCP when a port is open, else by the socket. */
static void hint(void *ctx, FILE *to)
{
    const struct ddtrace *d = ctx;
    if (d->open.port)
        fprintf(to, "  DD_AGENT_HOST=%s DD_TRACE_AGENT_PORT=%d ddtrace-run python app.py\n",
                d->open.host_text, d->open.port);
    if (d->has_socket)
        fprintf(to, "  DD_TRACE_AGENT_URL=unix://%.*s ddtrace-run python app.py\n", GW_FMT(d->conf.socket));
}

static void close_(void *ctx)
{
    struct ddtrace *d = ctx;
    for (unsigned i = 0; i < d->threads_n; i++) {
        dd_translator_drop(d->threads[i].translator);
        dd_privacy_thread_drop(d->threads[i].privacy);
    }
    free(d->threads);
    d->threads = NULL;
    d->threads_n = 0;
    ddtrace_proxy_close(d->proxy);
    d->proxy = NULL;
    ddtrace_profiles_close(&d->profiles);
    ddtrace_cgroups_drop(d->cgroups);
    d->cgroups = NULL;
    ddtrace_span_metrics_close(&d->span_metrics);
    dd_privacy_drop(d->privacy);
    d->privacy = NULL;
    dd_sampler_drop(d->sampler);
    d->sampler = NULL;
    gw_listener_access_close(&d->access);
    ddtrace_info_drop(d);
}

enum { SPAN_METRICS_ROWS = 5 };
static const struct gw_metric metrics[] = {
    DDTRACE_SPAN_METRICS_ROWS,
    DDTRACE_PROFILES_ROWS,
#define PAYLOADS(format, name)                                                                               \
    GW_COUNTER_FOR(struct ddtrace, counts.payloads[format], "ddtrace_payloads_total", "format", name,        \
                   "Trace payloads that held something, by format.")
    PAYLOADS(DD_V01_JSON, "v0.1 json"),
    PAYLOADS(DD_V04_JSON, "v0.4 json"),
    PAYLOADS(DD_V04_MSGPACK, "v0.4"),
    PAYLOADS(DD_V05_MSGPACK, "v0.5"),
    PAYLOADS(DD_V07_MSGPACK, "v0.7"),
    PAYLOADS(DD_V10_MSGPACK, "v1.0"),
    PAYLOADS(DD_AGENT_PROTOBUF, "agent"),
    GW_COUNTER_FOR(struct ddtrace, counts.point_payloads, "ddtrace_payloads_total", "format", "datakit",
                   "Trace payloads that held something, by format."),
    GW_COUNTER_AT(struct ddtrace, counts.probes, "ddtrace_probes_total",
                  "Empty payloads, by which tracers ask what works here."),
    GW_COUNTER_AT(struct ddtrace, counts.chunks, "ddtrace_chunks_total", "Trace chunks received."),
    GW_COUNTER_AT(struct ddtrace, counts.lost_chunks, "ddtrace_lost_chunks_total",
                  "Chunks of payloads that were refused, as X-Datadog-Trace-Count names them."),
    GW_COUNTER_AT(struct ddtrace, counts.count_mismatches, "ddtrace_count_mismatches_total",
                  "Payloads with another number of chunks than X-Datadog-Trace-Count says."),
    GW_COUNTER_AT(struct ddtrace, counts.dropped_p0_traces, "ddtrace_tracer_dropped_traces_total",
                  "Unsampled traces that tracers kept to themselves, by their own count."),
    GW_COUNTER_AT(struct ddtrace, counts.dropped_p0_spans, "ddtrace_tracer_dropped_spans_total",
                  "Unsampled spans that tracers kept to themselves, by their own count."),
    GW_COUNTER_AT(struct ddtrace, counts.gateway_sampled, "ddtrace_gateway_sampled_chunks_total",
                  "Chunks of traces that the rates of option sampling decided against here."),
    GW_COUNTER_AT(struct ddtrace, counts.kept_errors, "ddtrace_kept_errors_chunks_total",
                  "Chunks with an error that sampling.keep_errors took out of the sampling."),
    GW_COUNTER_AT(struct ddtrace, privacy_counts.replaced, "ddtrace_privacy_replaced_total",
                  "Values that a rule of option privacy changed."),
    GW_COUNTER_AT(struct ddtrace, privacy_counts.gave_up, "ddtrace_privacy_gave_up_total",
                  "Values that a rule of option privacy took too long on: they became ?."),
    GW_COUNTER_AT(struct ddtrace, counts.malformed_tid, "ddtrace_malformed_tid_total",
                  "Values of _dd.p.tid that are no upper half of an id."),
    GW_COUNTER_AT(struct ddtrace, counts.conflicting_tid, "ddtrace_conflicting_tid_total",
                  "Chunks with two different values of _dd.p.tid."),
    GW_COUNTER_AT(struct ddtrace, counts.bad_links, "ddtrace_bad_links_total",
                  "Span links that cannot be read; their text stays a tag."),
    GW_COUNTER_AT(struct ddtrace, counts.bad_events, "ddtrace_bad_events_total",
                  "Span events that cannot be read; their text stays a tag."),
    GW_COUNTER_AT(struct ddtrace, counts.bad_struct, "ddtrace_bad_struct_total",
                  "Values of meta_struct that cannot be read."),
    GW_COUNTER_AT(struct ddtrace, counts.repaired_text, "ddtrace_repaired_text_total",
                  "Texts that were not UTF-8 and were repaired."),
    GW_COUNTER_AT(
        struct ddtrace, counts.bad_times, "ddtrace_bad_times_total",
        "Starts, durations and times of events that are negative or past 2^63 ns: the duration is 0, a "
        "start the chunk's earliest, an event's time its span's start."),
    GW_COUNTER_AT(
        struct ddtrace, counts.bad_tracestate, "ddtrace_bad_tracestate_total",
        "Values of tracestate, of spans and links, that W3C's grammar does not take: left out whole."),
    GW_COUNTER_AT(
        struct ddtrace, counts.empty_keys, "ddtrace_empty_keys_total",
        "Tags, and attributes of links and events, with an empty key, which OTLP has no place for."),
    GW_COUNTER_AT(struct ddtrace, counts.stats_payloads, "ddtrace_stats_payloads_total",
                  "Payloads of statistics of spans, of tracers and agents."),
    GW_COUNTER_AT(struct ddtrace, counts.stats_groups, "ddtrace_stats_groups_total",
                  "Groups of spans in them."),
    GW_COUNTER_AT(struct ddtrace, counts.stats_counts_only, "ddtrace_stats_counts_only_total",
                  "Groups that an old agent sent a second time, without sketches; they are left out."),
#define FAULT(id, label, text)                                                                               \
    GW_COUNTER_FOR(struct ddtrace, counts.refused_groups[DD_STATS_##id],                                     \
                   "ddtrace_refused_stats_groups_total", "reason", label,                                    \
                   "Groups of spans in statistics that were refused, by reason."),
    DD_STATS_FAULTS(FAULT)
#undef FAULT
#define COUNT(id, path, field, name, help)                                                                   \
    GW_COUNTER_FOR(struct ddtrace, quiet[DDTRACE_QUIET_##id].field, name, "path", path, help),
#define QUIET(id, path, prefix, methods, status, body, listed, what, off)                                    \
    COUNT(id, path, requests, "ddtrace_untranslated_requests_total",                                         \
          "Requests with what ddgate does not translate, by path: they are answered, and dropped.")
#include "gateway/receivers/ddtrace/ddtrace_untranslated.def"
#define QUIET(id, path, prefix, methods, status, body, listed, what, off)                                    \
    COUNT(id, path, proxy.forwarded, "ddtrace_proxy_forwarded_total",                                        \
          "Requests that the upstream of the proxy has answered, whatever it said.")
#include "gateway/receivers/ddtrace/ddtrace_untranslated.def"
#define QUIET(id, path, prefix, methods, status, body, listed, what, off)                                    \
    COUNT(id, path, proxy.refused, "ddtrace_proxy_refused_total",                                            \
          "Requests that were not forwarded: too much waits (429), or they name no intake (400).")
#include "gateway/receivers/ddtrace/ddtrace_untranslated.def"
#define QUIET(id, path, prefix, methods, status, body, listed, what, off)                                    \
    COUNT(id, path, proxy.failed, "ddtrace_proxy_failed_total",                                              \
          "Requests that the upstream did not answer (502, 504, or 503 at a stop).")
#include "gateway/receivers/ddtrace/ddtrace_untranslated.def"
        GW_METRICS_END,
};

static void measure(void *ctx, struct gw_metrics *to)
{
    const struct ddtrace *d = ctx;
    ddtrace_span_metrics_measure(&d->span_metrics, metrics, to);
    ddtrace_profiles_measure(&d->profiles, metrics + SPAN_METRICS_ROWS, to);
}

const struct gw_receiver gw_receiver_ddtrace = {
    .name = "ddtrace",
    .summary = "Traces from Datadog's tracers (ddtrace, dd-trace-*), as a Datadog agent takes them.",
    .by_default = true,
    .on_http = true,
    .opts = opts,
    .conf_size = sizeof(struct ddtrace_conf),
    .ctx_size = sizeof(struct ddtrace),
    .open = open_,
    .start = start,
    .stop = stop,
    .reloaded = reloaded,
    .close = close_,
    .hint = hint,
    .metrics = metrics,
    .measure = measure,
};
