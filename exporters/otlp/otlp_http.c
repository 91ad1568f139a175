/* Sends OTLP over HTTP/1.1, as protobuf or JSON: the OTLP part of the requests of http_post.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/config/config_diagnostic.h"
#include "core/delivery/exporter.h"
#include "exporters/encoding/otlp_json_request.h"
#include "exporters/otlp/http_targets.h"

#define OPTS(X)                                                                                              \
    OTLP_ENDPOINTS_OPTS(X)                                                                                   \
    X(choice, encoding, "encoding", "protobuf", "protobuf|json", "",                                         \
      "Encoding of the body: OTLP/HTTP backends accept protobuf, some only JSON.")                           \
    X(choice, http_version, "http_version", "1.1", "1.1|2", "",                                              \
      "2 is offered over TLS only; it costs about twice the CPU of 1.1.")                                    \
    X(str, traces_endpoint, "traces_endpoint", "", "", "",                                                   \
      "Whole URL for traces, used unchanged instead of endpoint + /v1/traces.")                              \
    X(str, logs_endpoint, "logs_endpoint", "", "", "",                                                       \
      "Whole URL for logs, used unchanged instead of endpoint + /v1/logs.")                                  \
    X(str, metrics_endpoint, "metrics_endpoint", "", "", "",                                                 \
      "Whole URL for metrics, used unchanged instead of endpoint + /v1/metrics.")                            \
    X(str, profiles_endpoint, "profiles_endpoint", "", "", "",                                               \
      "Whole URL for profiles, used unchanged instead of endpoint + /v1development/profiles.")

#define GW_CONF struct conf
OTLP_CONF(OPTS);

enum { PROTOBUF, JSON };
enum { MAX_URL = 1024 };
enum { JSON_LIMIT = 64 * 1024 * 1024 /* the largest body; JSON is larger than protobuf */ };

struct ctx {
    struct conf conf;
    /* Constant after open. */
    char component[80];
    struct otlp_endpoint target; /* the first of the endpoints; it has the members that all share */
    struct otlp_endpoints endpoints;
    struct http_dialect dialect;
    char url[GW_SIGNALS][MAX_URL];
    /* Used by the sender's thread only. */
    struct http_post post;
    struct http_targets targets;
};
_Static_assert(offsetof(struct ctx, conf) == 0, "the pipeline fills conf");

static const char *const signal_path[GW_SIGNALS] = {"/v1/traces", "/v1/logs", "/v1/metrics",
                                                    "/v1development/profiles"};

/* --- the body in JSON --- */

/* Makes one OTLP/JSON request from all frames. */
static enum http_body make_json(const struct gw_batch *batch, void *ctx, uint8_t **body, size_t *len,
                                uint64_t *rejected)
{
    static const enum http_body bodies[] = {[OTLP_JSON_MADE] = HTTP_BODY_MADE,
                                            [OTLP_JSON_TOO_LARGE] = HTTP_BODY_TOO_LARGE,
                                            [OTLP_JSON_NO_MEMORY] = HTTP_BODY_NO_MEMORY};
    gw_str text = GW_NOSTR;
    (void)ctx;
    (void)rejected;
    uint8_t *all = malloc(batch->bytes + 1);
    size_t at = 0;
    if (!all)
        return HTTP_BODY_NO_MEMORY;
    for (size_t i = 0; i < batch->n; at += batch->frames[i++]->len)
        memcpy(all + at, batch->frames[i]->data, batch->frames[i]->len);
    enum otlp_json_made made =
        otlp_json_request(batch->signal, gw_str_n((const char *)all, at), JSON_LIMIT, &text);
    free(all);
    *body = (uint8_t *)text.ptr;
    *len = text.len;
    return bodies[made];
}

/* --- open --- */

static bool good_url(const char *url)
{
    CURLU *u = curl_url();
    bool good = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK;
    curl_url_cleanup(u);
    return good && (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0);
}

/* The signal's own URL, if it has one. */
static gw_str whole_url(const struct ctx *c, enum gw_signal signal)
{
    const gw_str whole[GW_SIGNALS] = {c->conf.traces_endpoint, c->conf.logs_endpoint,
                                      c->conf.metrics_endpoint, c->conf.profiles_endpoint};
    return whole[signal];
}

static enum gw_code make_urls(struct ctx *c, const char *path, struct gw_diagnostics *diagnostics)
{
    static const char *const names[GW_SIGNALS] = {"traces_endpoint", "logs_endpoint", "metrics_endpoint",
                                                  "profiles_endpoint"};
    enum gw_code code = GW_OK;
    for (int s = 0; s < GW_SIGNALS; s++) {
        gw_str whole = whole_url(c, (enum gw_signal)s);
        if (whole.len && (whole.len >= MAX_URL || !good_url(whole.ptr))) {
            gw_option_error(diagnostics, path, names[s], "\"%.*s\" is not an http:// or https:// URL",
                            GW_FMT(whole));
            code = GW_BAD_REQUEST;
        } else if (whole.len) {
            memcpy(c->url[s], whole.ptr, whole.len + 1);
        } else if (!c->target.off) {
            const char *host = c->conf.tls_server_name.len ? c->conf.tls_server_name.ptr : NULL;
            snprintf(c->url[s], MAX_URL, "%s://%s%s%s", c->target.tls ? "https" : "http",
                     host ? host : c->target.authority, c->target.path, signal_path[s]);
        }
    }
    return code;
}

/* Warns that signals without a URL are not sent. */
static void warn_of_none(const struct ctx *c, unsigned signals, const char *path,
                         struct gw_diagnostics *diagnostics)
{
    char names[64] = "";
    size_t n = 0;
    bool any = false;
    for (int s = 0; s < GW_SIGNALS; s++)
        if (c->url[s][0])
            any = true;
        else if (signals & 1u << s)
            n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "",
                                  gw_signal_name((enum gw_signal)s));
    if (n && any)
        gw_option_warning(diagnostics, path, "endpoint",
                          "is empty, and %s have no endpoint of their own: they are not sent, and count as "
                          "discarded (see option signals)",
                          names);
    else if (n)
        gw_option_warning(diagnostics, path, "endpoint",
                          "is empty: nothing is uploaded, and everything counts as discarded");
}

/* Headers, TLS and compression are those of the first endpoint. */
static enum gw_code open_endpoints(struct ctx *c, const char *path, struct gw_diagnostics *diagnostics)
{
    static const struct otlp_protocol protocol = {"OTLP/HTTP", 4318, true, true};
    struct otlp_endpoint_conf conf;
    memcpy(&conf, &c->conf, sizeof conf); /* the target's options are the first members of conf */
    bool read = otlp_endpoints_read(&c->endpoints, &c->conf.endpoints, &c->conf.failover, c->conf.endpoint,
                                    &protocol, path, diagnostics);
    if (c->conf.endpoints.n)
        conf.endpoint = read ? c->conf.endpoints.items[0] : GW_NOSTR;
    enum gw_code code = otlp_endpoint_open(&c->target, &conf, &protocol, path, diagnostics);
    return read ? code : GW_BAD_REQUEST;
}

static void open_targets(struct ctx *c)
{
    const struct http_targets_conf conf = {.endpoints = &c->endpoints,
                                           .signal_path = signal_path,
                                           .server_name = c->conf.tls_server_name,
                                           .resolve_interval = c->conf.resolve_interval,
                                           .post = &c->post,
                                           .component = c->component};
    if (c->endpoints.n)
        http_targets_open(&c->targets, &conf);
}

static enum gw_code open_http(void *ctx, const struct gw_export_host *host, const char *path,
                              struct gw_diagnostics *diagnostics)
{
    struct ctx *c = ctx;
    bool json = c->conf.encoding == JSON;
    snprintf(c->component, sizeof c->component, "exporter=%.60s", host->name ? host->name : "otlp_http");
    enum gw_code code = open_endpoints(c, path, diagnostics);
    enum gw_code urls = make_urls(c, path, diagnostics);
    if (code == GW_OK && urls == GW_OK)
        warn_of_none(c, host->signals, path, diagnostics);
    c->dialect = (struct http_dialect){.content_type = json ? "application/json" : "application/x-protobuf",
                                       .body = json ? make_json : NULL,
                                       .outcome = otlp_http_outcome};
    const struct http_post_conf post = {&c->target, &c->dialect, &c->conf.headers,
                                        c->target.off ? GW_NOSTR : c->conf.tls_server_name,
                                        c->conf.http_version == 1};
    if (!http_post_open(&c->post, &post))
        return GW_INTERNAL;
    if (code == GW_OK && urls == GW_OK)
        open_targets(c);
    return code != GW_OK ? code : urls;
}

static void close_http(void *ctx)
{
    struct ctx *c = ctx;
    http_targets_close(&c->targets);
    http_post_close(&c->post);
    otlp_endpoints_close(&c->endpoints);
    otlp_endpoint_close(&c->target);
}

/* --- the sender's side --- */

static void send_http(void *ctx, const struct gw_batch *batch, gw_nsec timeout, gw_done_f *done, void *cookie)
{
    struct ctx *c = ctx;
    const char *url = c->url[batch->signal];
    if (c->endpoints.n && !whole_url(c, batch->signal).len)
        http_targets_send(&c->targets, batch, timeout, done, cookie);
    else if (*url)
        http_post_send(&c->post, url, NULL, batch, timeout, done, cookie);
    else /* without an endpoint nothing is sent */
        http_post_fail(done, cookie, GW_DISCARDED, "");
}

static void wait_http(void *ctx, gw_nsec until)
{
    struct ctx *c = ctx;
    http_post_wait(&c->post, until);
}

static void wake_http(void *ctx)
{
    struct ctx *c = ctx;
    http_post_wake(&c->post);
}

static void cancel_http(void *ctx)
{
    struct ctx *c = ctx;
    c->targets.cancelled = true;
    http_post_cancel(&c->post);
}

static void describe(void *ctx, FILE *to)
{
    const struct ctx *c = ctx;
    const struct otlp_endpoint *t = &c->target;
    const char *separator = "";
    if (c->endpoints.n)
        otlp_endpoints_describe(&c->endpoints, to);
    else if (!t->off)
        fprintf(to, "%s://%s%s", t->tls ? "https" : "http", t->authority, t->path);
    if (!t->off)
        separator = ", ";
    for (int s = 0; s < GW_SIGNALS; s++)
        if (whole_url(c, (enum gw_signal)s).len) {
            fprintf(to, "%s%s to %.*s", separator, gw_signal_name((enum gw_signal)s),
                    GW_FMT(whole_url(c, (enum gw_signal)s)));
            separator = ", ";
        }
    if (*separator)
        fprintf(to, ", compression %s", otlp_endpoint_compression(t));
    else
        fputs("nowhere: nothing is uploaded", to);
}

const struct gw_exporter gw_exporter_otlp_http = {
    .name = "otlp_http",
    .summary = "Sends OTLP over HTTP, as protobuf or JSON, to any OpenTelemetry backend.",
    .signals = 1u << GW_TRACES | 1u << GW_LOGS | 1u << GW_METRICS | 1u << GW_PROFILES,
    .opts = opts,
    .wants = (const char *const[]){"endpoint", "endpoints", "traces_endpoint", "logs_endpoint",
                                   "metrics_endpoint", "profiles_endpoint", NULL},
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .remote = true,
    .open = open_http,
    .close = close_http,
    .send = send_http,
    .wait = wait_http,
    .cancel = cancel_http,
    .wake = wake_http,
    .describe = describe,
};
