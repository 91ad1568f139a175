/* ddtrace_quiet.c: answers requests that ddgate does not translate (ddtrace_untranslated.def): the body is
 * read and discarded, the request is counted, and the log names, once for each language, the setting that
 * turns such requests off. Owns nothing beyond the request. Called by HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "core/base/log.h"
#include "gateway/dogstatsd_proxy.h"
#include "gateway/fleet.h"
#include "gateway/receivers/ddtrace/ddtrace.h"

enum { READ = GW_HTTP_GET | GW_HTTP_HEAD, SEND = GW_HTTP_PUT | GW_HTTP_POST };

static const struct row {
    const char *path;
    bool prefix;
    unsigned methods;
    unsigned status;
    const char *body;
    bool listed;
    const char *what, *off;
} rows[] = {
#define QUIET(id, path, prefix, methods, status, body, listed, what, off)                                    \
    [DDTRACE_QUIET_##id] = {path, prefix, methods, status, body, listed, what, off},
#include "gateway/receivers/ddtrace/ddtrace_untranslated.def"
};

/* The sender, by the tracer's header, else by that of its telemetry, else by its HTTP client. */
struct client {
    gw_str lang, telemetry_lang, agent, version, telemetry_version;
};

static void see_header(void *cookie, gw_str name, gw_str value)
{
    struct client *c = cookie;
    const struct {
        gw_str name;
        gw_str *value;
    } known[] = {
        {GW_LIT("datadog-meta-lang"), &c->lang},
        {GW_LIT("datadog-meta-tracer-version"), &c->version},
        {GW_LIT("dd-client-library-language"), &c->telemetry_lang},
        {GW_LIT("dd-client-library-version"), &c->telemetry_version},
        {GW_LIT("user-agent"), &c->agent},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gw_str_ieq(name, known[i].name))
            *known[i].value = value;
}

/* Languages by the words that headers have for them; what none of them is in is one more. */
static unsigned language_of(gw_str text)
{
    static const char *const words[] = {"python", "node", "javascript", "go",  "jvm", "java", "ruby",
                                        "php",    ".net", "dotnet",     "cpp", "c++", "rust"};
    unsigned n = sizeof words / sizeof *words;
    for (unsigned i = 0; i < n; i++)
        if (gw_str_ieq(gw_str_n(text.ptr, text.len < strlen(words[i]) ? text.len : strlen(words[i])),
                       gw_str_z(words[i])))
            return i;
    return n;
}

/* Returns true once for each row and language. */
static bool is_first(struct ddtrace_quiet *q, gw_str lang)
{
    unsigned bit = 1u << language_of(lang);
    return !(atomic_load_explicit(&q->said, memory_order_relaxed) & bit) &&
           !(atomic_fetch_or_explicit(&q->said, bit, memory_order_relaxed) & bit);
}

static gw_str shortened(gw_str s)
{
    enum { SHOWN = 40 };
    return s.len > SHOWN ? gw_str_n(s.ptr, SHOWN) : s;
}

static void log_once(const struct row *r, struct ddtrace_quiet *q, const struct gw_http_request *request)
{
    struct client c = {0};
    gw_http_headers(request, see_header, &c);
    gw_str lang = c.lang.len ? c.lang : c.telemetry_lang.len ? c.telemetry_lang : c.agent;
    gw_str version = c.version.len ? c.version : c.telemetry_version;
    if (!is_first(q, lang))
        return;
    lang = lang.len ? shortened(lang) : GW_STR("of an unknown language");
    version = shortened(version);
    gw_log_each(GW_INFO, "receiver=ddtrace", "the application (%.*s%s%.*s) %s%s%s%s", GW_FMT(lang),
                version.len ? " " : "", GW_FMT(version), r->what, r->off[0] ? ": " : "", r->off,
                r->off[0] ? " saves its work" : "");
}

static void drop(struct ddtrace *d, const struct gw_http_route *route, const struct gw_http_request *request,
                 struct gw_http_reply *reply)
{
    const struct row *r = &rows[route->tag];
    struct ddtrace_quiet *q = &d->quiet[route->tag];
    atomic_fetch_add_explicit(&q->requests, 1, memory_order_relaxed);
    log_once(r, q, request);
    if (route->tag == DDTRACE_QUIET_PROFILES)
        ddtrace_profiles_unread(d->host, GW_REASON_NOT_KEPT);
    reply->status = r->status;
    reply->type = r->body[0] ? "application/json" : NULL;
    reply->body = gw_str_z(r->body);
}

/* As an agent does, telemetry is taken at once: tracers do not look at what becomes of it. */
static void forward(struct ddtrace *d, const struct gw_http_route *route,
                    const struct gw_http_request *request, struct gw_http_reply *reply)
{
    const struct row *r = &rows[route->tag];
    bool at_once = route->tag == DDTRACE_QUIET_TELEMETRY;
    struct gw_err err = {0};
    const struct ddtrace_forward f = {
        .request = request,
        .row = (enum ddtrace_quiet_row)route->tag,
        .container = ddtrace_origin_of_peer(d, request->peer)->container,
        .at_once = at_once,
        .counts = &d->quiet[route->tag].proxy,
    };
    if (ddtrace_proxy_forward(d->proxy, &f, &err)) {
        gw_http_reply_error(reply, request->arena, &err, 1);
    } else if (at_once) {
        reply->status = r->status;
        reply->type = "application/json";
        reply->body = gw_str_z(r->body);
    }
}

static void note_client(struct ddtrace *d, enum ddtrace_quiet_row row, bool forwarded,
                        const struct gw_http_request *request)
{
    if (row == DDTRACE_QUIET_TELEMETRY)
        ddtrace_fleet_other(d, request, GW_FLEET_TELEMETRY);
    else if (row == DDTRACE_QUIET_PROFILES)
        ddtrace_fleet_other(d, request, forwarded ? GW_FLEET_PROFILES : GW_FLEET_DROPPED_PROFILES);
    else if (row == DDTRACE_QUIET_STATS)
        ddtrace_fleet_other(d, request, forwarded ? GW_FLEET_STATISTICS : GW_FLEET_DROPPED_STATISTICS);
}

void ddtrace_quiet_answer(void *ctx, const struct gw_http_route *route, const struct gw_http_request *request,
                          struct gw_http_reply *reply)
{
    struct ddtrace *d = ctx;
    bool forwarded = ddtrace_proxy_takes(d->proxy, (enum ddtrace_quiet_row)route->tag);
    note_client(d, (enum ddtrace_quiet_row)route->tag, forwarded, request);
    if (forwarded)
        forward(d, route, request, reply);
    else
        drop(d, route, request, reply);
}

enum { MOST_LINES = 100000 /* of DogStatsD in one request, as of an agent */ };

static bool too_many_lines(gw_str body)
{
    size_t n = 0;
    for (gw_str line; gw_str_next(&body, '\n', &line);)
        n++;
    return n > MOST_LINES;
}

static bool is_dogstatsd(int row)
{
    return row == DDTRACE_QUIET_STATSD || row == DDTRACE_QUIET_STATSD_V2;
}

/* DogStatsD over HTTP, for clients that reach nothing else: to the upstream of the proxy, else to the receiver
 * dogstatsd. */
static void dogstatsd(void *ctx, const struct gw_http_route *route, const struct gw_http_request *request,
                      struct gw_http_reply *reply)
{
    struct ddtrace *d = ctx;
    bool forwarded = ddtrace_proxy_takes(d->proxy, (enum ddtrace_quiet_row)route->tag);
    if (!forwarded && too_many_lines(request->body))
        reply->status = 413;
    else if (forwarded || !d->host->dogstatsd ||
             !gw_dogstatsd_proxy_take(d->host->dogstatsd, request->body, request->peer->local))
        ddtrace_quiet_answer(ctx, route, request, reply);
}

/* By option profiles, which comes before the proxy. */
static void profiles(void *ctx, const struct gw_http_route *route, const struct gw_http_request *request,
                     struct gw_http_reply *reply)
{
    struct ddtrace *d = ctx;
    ddtrace_fleet_other(d, request, GW_FLEET_PROFILES);
    ddtrace_profiles_take(&d->profiles, request, ddtrace_origin_of_peer(d, request->peer)->container, reply);
}

static void route_profiles(const struct ddtrace *d, struct gw_http_route *to)
{
    *to = (struct gw_http_route){.path = rows[DDTRACE_QUIET_PROFILES].path,
                                 .methods = SEND,
                                 .max_body = d->conf.profiles_max_upload,
                                 .tag = DDTRACE_QUIET_PROFILES,
                                 .handle = profiles};
}

size_t ddtrace_quiet_routes(const struct ddtrace *d, struct gw_http_route *to)
{
    for (int i = 0; i < DDTRACE_QUIETS; i++) {
        bool forwarded = ddtrace_proxy_takes(d->proxy, (enum ddtrace_quiet_row)i);
        to[i] = (struct gw_http_route){.path = rows[i].path,
                                       .methods = forwarded ? READ | SEND : rows[i].methods,
                                       .prefix = rows[i].prefix,
                                       .ignores_body = !forwarded && !is_dogstatsd(i),
                                       .as_sent = forwarded,
                                       .tag = i,
                                       .handle = is_dogstatsd(i) ? dogstatsd : ddtrace_quiet_answer};
    }
    if (ddtrace_profiles_wanted(&d->profiles))
        route_profiles(d, &to[DDTRACE_QUIET_PROFILES]);
    return DDTRACE_QUIETS;
}

/* Forwarded paths work, so they are listed as an agent lists them. Exceptions: statistics, which are listed
 * if they become metrics (ddtrace_info.c), and a path of old agents. */
const char *ddtrace_quiet_listed(const struct ddtrace *d, enum ddtrace_quiet_row row)
{
    bool forwarded = ddtrace_proxy_takes(d->proxy, row), taken = false;
    if (is_dogstatsd((int)row) && d->host->dogstatsd)
        (void)gw_dogstatsd_port(d->host->dogstatsd, &taken);
    if (taken || (row == DDTRACE_QUIET_PROFILES && ddtrace_profiles_wanted(&d->profiles)))
        return rows[row].path;
    if (forwarded && row == DDTRACE_QUIET_EVENTS)
        return "/evp_proxy/v1/,/evp_proxy/v2/,/evp_proxy/v3/,/evp_proxy/v4/";
    if (forwarded && row != DDTRACE_QUIET_STATS && row != DDTRACE_QUIET_APPSEC)
        return rows[row].path;
    return rows[row].listed ? rows[row].path : "";
}
