/* log_http.c: The log_http receiver: its options, its routes, its opening and closing. Owns the receiver's
 * context. Called by the pipeline, on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/log_http/log_http.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/fanout.h"
#include "gateway/receivers/common/datakit_request.h"

#define GW_CONF struct log_http_conf
static const struct gw_opt opts[] = {LOG_HTTP_OPTS(GW_ROW) GW_OPT_END};
static const char component[] = "receiver=http";

enum { SEND = GW_HTTP_PUT | GW_HTTP_POST };
static const struct gw_http_route routes[] = {
    {.path = "/api/v2/logs", .methods = SEND, .tag = 202, .may_delay = true, .handle = log_http_intake},
    {.path = "/v1/input", .methods = SEND, .tag = 200, .may_delay = true, .handle = log_http_intake},
    {.path = "/v1/input/",
     .prefix = true,
     .ends_in_key = true,
     .methods = SEND,
     .tag = 200,
     .may_delay = true,
     .handle = log_http_intake},
    {.path = "/v1/write/logstreaming", .methods = SEND, .may_delay = true, .handle = log_http_streaming},
    {.path = "/v1/write/logging", .methods = SEND, .may_delay = true, .handle = log_http_write},
    {.path = "/v1/write/metric", .methods = SEND, .may_delay = true, .handle = log_http_metrics},
    {.path = "/v1/ping",
     .methods = GW_HTTP_GET | GW_HTTP_HEAD,
     .ignores_body = true,
     .handle = log_http_ping},
    {.path = "/api/v1/validate",
     .methods = GW_HTTP_GET | GW_HTTP_HEAD,
     .ignores_body = true,
     .handle = log_http_validate},
};

static void word_error(void *ctx, const struct gw_http_request *q, const struct gw_err *err,
                       struct gw_http_reply *r)
{
    (void)ctx;
    datakit_word_error(q, err, r);
}

static void describe_site(struct log_http *h)
{
    const struct log_http_conf *c = &h->conf;
    h->options = (struct log_options){LOG_OPTS(GW_OPT_COPY)};
    h->site = (struct gw_http_site){
        .component = component,
        .routes = routes,
        .routes_n = sizeof routes / sizeof *routes,
        .ctx = h,
        .limits = GW_HTTP_LIMITS(c),
        .word_error = word_error,
        .auth_arg = "dd-api-key",
        .delay = {gw_fanout_delays_now, h->host->fanout, GW_LOGS, GW_HTTP_LONGEST_DELAY},
    };
}

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path,
                          struct gw_diagnostics *diagnostics)
{
    struct log_http *h = ctx;
    const struct log_http_conf *c = &h->conf;
    const struct gw_listener_access_conf access = {GW_LISTENER_ACCESS_OPTS(GW_OPT_COPY)};
    h->host = host;
    h->opened = gw_now();
    h->open = (struct gw_http_open){.host = host, .site = &h->site, .path = path};
    describe_site(h);
    h->logs = log_conf_new(&h->options, &host->logs, path, "http", diagnostics);
    if (!h->logs)
        return GW_INTERNAL;
    gw_http_open_access(&h->open, &h->access, &access, &h->conf.listen, diagnostics);
    gw_http_open_all(&h->open, &h->conf.listen, LOG_HTTP_LISTEN, diagnostics);
    if (h->open.listeners == 0 && host->unasked)
        gw_config_warning(diagnostics, path, "no address is left for logs over HTTP: they are not taken");
    else if (h->open.listeners == 0 && gw_diagnostics_errors(diagnostics) == 0)
        gw_config_error(diagnostics, path, "there is no address left to listen on");
    return GW_OK;
}

static void start(void *ctx)
{
    struct log_http *h = ctx;
    h->batches_n = gw_http_threads(h->host->http);
    h->batches = calloc(h->batches_n, sizeof(struct log_batch *));
    GW_ASSERT(h->batches);
    for (unsigned i = 0; i < h->batches_n; i++) {
        h->batches[i] = log_batch_new(h->logs);
        GW_ASSERT(h->batches[i]);
    }
}

static void stop(void *ctx)
{
    const struct log_http *h = ctx;
    gw_log(GW_DEBUG, component,
           "requests=%llu bytes=%llu inflated_bytes=%llu payloads=%llu probes=%llu records=%llu",
           (unsigned long long)h->site.counts.requests, (unsigned long long)h->site.counts.wire_bytes,
           (unsigned long long)h->site.counts.body_bytes, (unsigned long long)h->counts.payloads,
           (unsigned long long)h->counts.probes, (unsigned long long)h->counts.records);
}

static void hint(void *ctx, FILE *to)
{
    const struct log_http *h = ctx;
    if (h->open.port)
        fprintf(to, "  curl -d '{\"service\":\"web\",\"message\":\"hello\"}' http%s://%s:%d/api/v2/logs\n",
                h->access.tls ? "s" : "", h->open.host_text, h->open.port);
}

static void close_(void *ctx)
{
    struct log_http *h = ctx;
    for (unsigned i = 0; i < h->batches_n; i++)
        log_batch_drop(h->batches[i]);
    free(h->batches);
    h->batches = NULL;
    h->batches_n = 0;
    log_conf_drop(h->logs);
    h->logs = NULL;
    gw_listener_access_close(&h->access);
}

static const struct gw_metric metrics[] = {
    GW_COUNTER_AT(struct log_http, counts.payloads, "log_http_payloads_total",
                  "Requests with records that were taken."),
    GW_COUNTER_AT(struct log_http, counts.probes, "log_http_probes_total",
                  "Requests without a record, by which senders ask who is there."),
    GW_COUNTER_AT(struct log_http, counts.records, "log_http_records_total",
                  "Records of well-formed requests."),
    GW_COUNTER_AT(struct log_http, counts.metric_points, "log_http_metric_points_total",
                  "Numbers of points that came to Datakit's /v1/write/metric."),
    GW_COUNTER_AT(struct log_http, counts.text_fields, "log_http_text_fields_total",
                  "Fields of such points that are no numbers, and were left out."),
    GW_METRICS_END,
};

static void describe(void *ctx, FILE *to)
{
    const struct log_http *h = ctx;
    if (h->logs)
        log_conf_describe(h->logs, to);
}

const struct gw_receiver gw_receiver_http = {
    .name = "http",
    .summary = "Logs over HTTP: Datadog's intake (/api/v2/logs, /v1/input) and Datakit's "
               "(/v1/write/logstreaming, /v1/write/logging); Datakit's metrics (/v1/write/metric).",
    .by_default = true,
    .on_http = true,
    .opts = opts,
    .conf_size = sizeof(struct log_http_conf),
    .ctx_size = sizeof(struct log_http),
    .open = open_,
    .start = start,
    .stop = stop,
    .close = close_,
    .hint = hint,
    .describe = describe,
    .metrics = metrics,
};
