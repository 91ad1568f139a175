/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/ddtrace.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/log.h"

#define GW_CONF struct ddtrace_conf
static const struct gw_opt opts[] = {DDTRACE_OPTS(GW_ROW) GW_OPT_END};

/* No-op since long ago, but a tracer of that time must not get 404. */
static void services(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q, struct gw_http_reply *r)
{
    r->type = "text/plain";
    r->body = GW_STR("OK\n");
}

/* Tracers' reports about themselves: taken, so that Java and Go do not warn. */
static void telemetry(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q, struct gw_http_reply *r)
{
    r->status = 202;
    r->type = "application/json";
    r->body = GW_STR("{}");
}

static void diagnostics(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q, struct gw_http_reply *r)
{
}

enum { SEND = GW_HTTP_PUT | GW_HTTP_POST };
static const struct gw_http_route routes[] = {
    {.path = "/v0.4/traces", .methods = SEND, .tag = DDTRACE_V04, .handle = ddtrace_traces},
    {.path = "/v0.5/traces", .methods = SEND, .tag = DDTRACE_V05, .handle = ddtrace_traces},
    {.path = "/v0.3/traces", .methods = SEND, .tag = DDTRACE_V03, .handle = ddtrace_traces},
    {.path = "/v0.2/traces", .methods = SEND, .tag = DDTRACE_V02, .handle = ddtrace_traces},
    {.path = "/v0.1/spans", .methods = SEND, .tag = DDTRACE_V01, .handle = ddtrace_traces},
    {.path = "/spans", .methods = SEND, .tag = DDTRACE_V01, .handle = ddtrace_traces},
    {.path = "/info", .methods = GW_HTTP_GET | GW_HTTP_HEAD, .ignores_body = true, .handle = ddtrace_info},
    {.path = "/services", .methods = SEND, .ignores_body = true, .handle = services},
    {.path = "/v0.1/services", .methods = SEND, .ignores_body = true, .handle = services},
    {.path = "/v0.2/services", .methods = SEND, .ignores_body = true, .handle = services},
    {.path = "/v0.3/services", .methods = SEND, .ignores_body = true, .handle = services},
    {.path = "/v0.4/services", .methods = SEND, .ignores_body = true, .handle = services},
    {.path = "/telemetry/proxy/", .prefix = true, .methods = SEND, .ignores_body = true, .handle = telemetry},
    {.path = "/debugger/v1/diagnostics", .methods = SEND, .ignores_body = true, .handle = diagnostics},
};

static void set_options(struct ddtrace *d)
{
    const struct ddtrace_conf *c = &d->conf;
    d->options = (struct dd_options){
        .span_name = (enum dd_span_name)c->span_name,
        .service_override = (enum dd_service_override)c->service_override,
        .keep_rejected = c->keep_rejected,
        .resource = c->resource,
        .promote = c->promote,
        .strip = c->strip,
        .trace_id_bits = c->trace_id_bits == 0 ? 128 : 64,
        .obfuscate = c->obfuscate,
    };
}

static void describe_site(struct ddtrace *d)
{
    d->headers[0] = (struct gw_http_header){"Datadog-Agent-Version", DDTRACE_AGENT_VERSION};
    d->headers[1] = (struct gw_http_header){"Datadog-Agent-State", d->state};
    d->site = (struct gw_http_site){
        .component = "receiver=ddtrace",
        .routes = routes,
        .routes_n = sizeof routes / sizeof *routes,
        .headers = d->headers,
        .headers_n = 2,
        .ctx = d,
        .limits = {d->conf.max_body, d->conf.max_inflated, d->conf.receive_timeout, d->conf.idle_timeout, d->conf.connections},
        .auth = &d->door.auth,
    };
}

/* The rows' own values are only wished for: what cannot be had of them is said, and is no reason to stop. */
static bool is_default_listen(const struct gw_list *listen)
{
    gw_str rest = GW_STR(DDTRACE_LISTEN), item;
    for (size_t i = 0; i < listen->n; i++)
        if (!gw_str_next(&rest, ',', &item) || !gw_str_eq(gw_str_trim(item), listen->items[i]))
            return false;
    return rest.len == 0;
}

/* What applications on this machine are told: a wildcard address is reached by loopback. */
static void note_port(struct ddtrace *d, const struct gw_address *a)
{
    char name[128];
    d->port = gw_listen_port(a);
    gw_listen_name(a, name, sizeof name);
    gw_str host = gw_str_n(name, strlen(name) - strlen(strrchr(name, ':') ? strrchr(name, ':') : ""));
    if (gw_str_eq(host, GW_STR("0.0.0.0")) || gw_str_eq(host, GW_STR("[::]")))
        host = GW_STR("127.0.0.1");
    snprintf(d->host_text, sizeof d->host_text, "%.*s", GW_FMT(host));
}

/* `ddgate check` only reads the address: a gateway may be running on it. */
static enum gw_listen_result try_address(struct ddtrace *d, gw_str address, struct gw_address *first, struct gw_listen_why *why)
{
    struct gw_address all[GW_LISTEN_ADDRESSES];
    size_t n;
    if (d->host->check)
        return gw_listen_resolve(address, all, &n, why);
    return gw_http_listen(d->host->http, address, &d->site, first, why);
}

static bool listen_on(struct ddtrace *d, gw_str address, bool wished, const char *path, const char *option, struct gw_problems *problems)
{
    struct gw_address first = {0};
    struct gw_listen_why why;
    char where[160];
    snprintf(where, sizeof where, "%s.%s", path, option);
    enum gw_listen_result r = try_address(d, address, &first, &why);
    if (r == GW_LISTEN_OK) {
        d->listeners++;
        if (!d->port)
            note_port(d, &first);
    } else if (!wished) {
        gw_problem(problems, where, "%s", why.text);
    } else if (r != GW_LISTEN_ABSENT) { /* a machine without IPv6, or without the agent's folder, is nothing to warn of */
        gw_warning(problems, where, "%s", why.text);
    }
    return r == GW_LISTEN_OK;
}

static void open_door(struct ddtrace *d, const char *path, struct gw_problems *problems)
{
    const struct gw_door_conf conf = GW_DOOR_CONF(d->conf);
    gw_door_open(&d->door, &conf, d->site.component, path, problems);
    d->site.tls = d->door.tls;
    d->site.peers = d->door.peers;
    for (size_t i = 0; i < d->conf.listen.n; i++)
        if (gw_door_warn(&d->door, d->conf.listen.items[i], path, problems))
            return;
}

static void open_listeners(struct ddtrace *d, const char *path, struct gw_problems *problems)
{
    const struct ddtrace_conf *c = &d->conf;
    bool wished = is_default_listen(&c->listen);
    for (size_t i = 0; i < c->listen.n; i++)
        listen_on(d, c->listen.items[i], wished, path, "listen", problems);
    bool wished_socket = gw_str_eq(c->socket, GW_STR(DDTRACE_SOCKET));
    if (c->socket.len)
        d->has_socket = listen_on(d, c->socket, wished_socket, path, "socket", problems);
    if (d->listeners == 0)
        gw_problem(problems, path, "there is no address left to listen on");
}

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path, struct gw_problems *problems)
{
    struct ddtrace *d = ctx;
    d->host = host;
    set_options(d);
    describe_site(d);
    open_door(d, path, problems);
    if (d->conf.threads)
        gw_http_want_threads(host->http, (int)d->conf.threads);
    if (d->conf.socket.len && d->conf.socket.ptr[0] != '/')
        gw_problem(problems, path, "socket must be an absolute path");
    else
        open_listeners(d, path, problems);
    ddtrace_info_make(d);
    return GW_OK;
}

static void start(void *ctx)
{
    struct ddtrace *d = ctx;
    d->threads_n = gw_http_threads(d->host->http);
    d->threads = calloc(d->threads_n, sizeof *d->threads);
    GW_ASSERT(d->threads);
    for (unsigned i = 0; i < d->threads_n; i++) {
        d->threads[i].translator = dd_translator_new(&d->options);
        GW_ASSERT(d->threads[i].translator);
    }
}

static void say_counts(const struct ddtrace *d)
{
    const struct ddtrace_counts *c = &d->counts;
    const struct gw_http_counts *h = &d->site.counts;
    gw_log(GW_DEBUG, "receiver=ddtrace", "requests=%llu bytes=%llu inflated_bytes=%llu payloads=%llu probes=%llu chunks=%llu",
           (unsigned long long)h->requests, (unsigned long long)h->wire_bytes, (unsigned long long)h->body_bytes,
           (unsigned long long)c->payloads, (unsigned long long)c->probes, (unsigned long long)c->chunks);
    for (unsigned i = 0; i < GW_HTTP_STATUSES; i++)
        if (h->status[i])
            gw_log(GW_DEBUG, "receiver=ddtrace", "answers status=%s n=%llu", gw_http_status_name(i), (unsigned long long)h->status[i]);
    gw_log(GW_DEBUG, "receiver=ddtrace",
           "lost_chunks=%llu count_mismatches=%llu dropped_p0_traces=%llu dropped_p0_spans=%llu malformed_tid=%llu conflicting_tid=%llu "
           "bad_links=%llu bad_events=%llu bad_struct=%llu repaired_text=%llu",
           (unsigned long long)c->lost_chunks, (unsigned long long)c->count_mismatches, (unsigned long long)c->dropped_p0_traces,
           (unsigned long long)c->dropped_p0_spans, (unsigned long long)c->malformed_tid, (unsigned long long)c->conflicting_tid,
           (unsigned long long)c->bad_links, (unsigned long long)c->bad_events, (unsigned long long)c->bad_struct,
           (unsigned long long)c->repaired_text);
}

static void stop(void *ctx)
{
    say_counts(ctx);
}

/* The variables that point an application here: by TCP when a port is open, else by the socket. */
static void hint(void *ctx, FILE *to)
{
    const struct ddtrace *d = ctx;
    if (d->port)
        fprintf(to, "  DD_AGENT_HOST=%s DD_TRACE_AGENT_PORT=%d ddtrace-run python app.py\n", d->host_text, d->port);
    if (d->has_socket)
        fprintf(to, "  DD_TRACE_AGENT_URL=unix://%.*s ddtrace-run python app.py\n", GW_FMT(d->conf.socket));
}

static void close_(void *ctx)
{
    struct ddtrace *d = ctx;
    for (unsigned i = 0; i < d->threads_n; i++)
        dd_translator_drop(d->threads[i].translator);
    free(d->threads);
    d->threads = NULL;
    d->threads_n = 0;
    gw_door_close(&d->door);
}

const struct gw_receiver gw_receiver_ddtrace = {
    .name = "ddtrace",
    .summary = "Traces from Datadog's tracers (ddtrace, dd-trace-*), as a Datadog agent takes them.",
    .by_default = true,
    .opts = opts,
    .conf_size = sizeof(struct ddtrace_conf),
    .ctx_size = sizeof(struct ddtrace),
    .open = open_,
    .start = start,
    .stop = stop,
    .close = close_,
    .hint = hint,
};
