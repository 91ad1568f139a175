/* ddtrace_profile_request.c: Reads targets of the option profiles.forward and makes requests for them. Owns nothing. Called by
 * ddtrace_profile_forward.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/ddtrace/ddtrace_profile_request.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/url.h"
#include "gateway/receivers/ddtrace/ddtrace_target.h"

/* --- targets --- */

static bool has_path(gw_str url)
{
    size_t scheme = gw_str_starts(url, GW_STR("https://")) ? 8 : 7;
    gw_str rest = gw_str_from(url, scheme);
    size_t slash = gw_str_find(rest, '/');
    return slash + 1 < rest.len;
}

enum gw_code ddtrace_profile_target_read(struct ddtrace_profile_target *t, gw_str text, struct gw_err *err)
{
    struct ddtrace_upstream u;
    enum gw_code code = ddtrace_upstream_read(&u, text, err);
    *t = (struct ddtrace_profile_target){.is_site = u.site[0]};
    if (code)
        return code;
    if (text.len >= sizeof t->base || gw_str_find(text, '?') < text.len || gw_str_find(text, '#') < text.len)
        return gw_fail(err, GW_BAD_REQUEST, 0, "a URL with a query, or one that is too long");
    snprintf(t->base, sizeof t->base, "%.*s", GW_FMT(text));
    gw_str base = gw_str_z(u.base);
    if (u.site[0])
        snprintf(t->url, sizeof t->url, "https://intake.profile.%s/api/v2/profile", u.site);
    else
        snprintf(t->url, sizeof t->url, "%s%s", u.base, has_path(base) ? "" : "/profiling/v1/input");
    if (gw_str_ends(base, GW_STR("/ingest")))
        t->form = DDTRACE_PROFILE_PYROSCOPE;
    return GW_OK;
}

/* --- the block: headers and body --- */

struct maker {
    struct ddtrace_profile_request *r;
    char *at;
    unsigned headers;
};

static struct ddtrace_profile_request *make(struct maker *m, size_t texts, gw_str body)
{
    size_t cost = sizeof *m->r + texts + body.len;
    m->r = calloc(1, cost);
    if (!m->r)
        return NULL;
    m->r->cost = cost;
    if (body.len)
        memcpy(m->r->block, body.ptr, body.len);
    m->r->body = gw_str_n(m->r->block, body.len);
    m->at = m->r->block + body.len;
    return m->r;
}

static size_t header_size(gw_str name, gw_str value)
{
    return name.len + value.len + 3;
}

/* The room was counted by header_size. */
static void add(struct maker *m, gw_str name, gw_str value)
{
    if (m->headers + 1 == DDTRACE_PROFILE_HEADERS || !value.len)
        return;
    m->r->headers[m->headers++] = m->at;
    m->at += snprintf(m->at, header_size(name, value), "%.*s: %.*s", GW_FMT(name), GW_FMT(value)) + 1;
}

/* --- as it came --- */

/* What an agent passes on of a profiler's headers. */
static const gw_str passed[] = {GW_LIT("Datadog-Container-ID"),  GW_LIT("Datadog-Entity-ID"),
                                GW_LIT("Datadog-External-Env"),  GW_LIT("DD-EVP-ORIGIN"),
                                GW_LIT("DD-EVP-ORIGIN-VERSION"), GW_LIT("User-Agent")};
enum { PASSED = sizeof passed / sizeof *passed };

static void see_header(void *cookie, gw_str name, gw_str value)
{
    gw_str *values = cookie;
    for (size_t i = 0; i < PASSED; i++)
        if (gw_str_ieq(name, passed[i]))
            values[i] = value;
}

struct ddtrace_profile_request *ddtrace_profile_as_sent(const struct ddtrace_profile_target *t,
                                                        gw_str api_key, const struct ddtrace_profile *p,
                                                        const struct gw_http_request *q,
                                                        const char *container)
{
    const gw_str type = GW_STR("Content-Type"), key = GW_STR("DD-API-KEY"), via = GW_STR("Via");
    gw_str values[PASSED] = {{NULL, 0}};
    struct maker m = {NULL, NULL, 0};
    gw_http_headers(q, see_header, values);
    if (!values[0].len && !values[1].len)
        values[0] = gw_str_z(container);
    size_t texts = header_size(type, q->content_type) + header_size(key, api_key) + 32;
    for (size_t i = 0; i < PASSED; i++)
        texts += header_size(passed[i], values[i]);
    if (!make(&m, texts, q->body))
        return NULL;
    add(&m, type, q->content_type);
    add(&m, key, api_key);
    add(&m, via, GW_STR("1.1 ddgate"));
    for (size_t i = 0; i < PASSED; i++)
        add(&m, passed[i], values[i]);
    snprintf(m.r->url, sizeof m.r->url, "%s", t->url);
    m.r->items = p->items;
    return m.r;
}

/* --- Pyroscope --- */

/* Letters, digits and '_': what Pyroscope takes as the key of a label; the rest becomes '_'. */
static void put_key(char *to, size_t room, gw_str s)
{
    size_t n = strlen(to);
    for (size_t i = 0; i < s.len && n + 1 < room; i++)
        to[n++] = gw_is_letter(s.ptr[i]) || (i && gw_is_digit(s.ptr[i])) ? s.ptr[i] : '_';
    to[n] = '\0';
}

/* Returns whether the tag is the same in every upload of a process; other tags would make each upload a
 * series of its own. */
static bool is_label(gw_str key)
{
    static const gw_str labels[] = {GW_LIT("env"),       GW_LIT("version"), GW_LIT("host"),
                                    GW_LIT("language"),  GW_LIT("runtime"), GW_LIT("region"),
                                    GW_LIT("runtime-id")};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (gw_str_eq(key, labels[i]))
            return true;
    return false;
}

/* Letters, digits and -._/ are what Pyroscope takes in the name of a service: it refuses the profile for any other
 * character. Each becomes '_'. */
static void put_service(char *to, size_t room, gw_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        bool allowed = gw_is_letter(s.ptr[i]) || gw_is_digit(s.ptr[i]) || memchr("-._/", s.ptr[i], 4);
        bool inside = ((unsigned char)s.ptr[i] & 0xC0) == 0x80; /* of a character of several bytes */
        if (allowed || !inside)
            gw_url_add(to, room, allowed ? gw_str_n(s.ptr + i, 1) : GW_STR("_"));
    }
}

/* "shop{env=prod,version=1.2}" */
static void put_name(char *to, size_t room, const struct profile_upload *u)
{
    bool first = true;
    put_service(to, room, u->service.len ? u->service : GW_STR("unnamed-service"));
    gw_url_add(to, room, GW_STR("{"));
    for (size_t i = 0; i < u->tags_n; i++) {
        size_t colon = gw_str_find(u->tags[i], ':');
        gw_str key = gw_str_n(u->tags[i].ptr, colon), value = gw_str_from(u->tags[i], colon + 1);
        /* a value that would end the label is left out */
        if (!value.len || !is_label(key) || gw_str_find(value, ',') < value.len ||
            gw_str_find(value, '}') < value.len)
            continue;
        gw_url_add(to, room, first ? GW_NOSTR : GW_STR(","));
        put_key(to, room, key);
        gw_url_add(to, room, GW_STR("="));
        gw_url_add(to, room, value);
        first = false;
    }
    gw_url_add(to, room, GW_STR("}"));
}

struct ddtrace_profile_request *ddtrace_profile_pyroscope(const struct ddtrace_profile_target *t,
                                                          gw_str api_key, const struct ddtrace_profile *p,
                                                          const struct ddtrace_profile_file *f)
{
    const gw_str type = GW_STR("Content-Type"), bytes = GW_STR("application/octet-stream"),
                 key = GW_STR("Authorization"), via = GW_STR("Via");
    const struct profile_upload *u = p->upload;
    bool jfr = f->sent->kind == PROFILE_FILE_JFR;
    int64_t end = u->end ? u->end : p->arrived, start = u->start ? u->start : end;
    struct maker m = {NULL, NULL, 0};
    /* Pyroscope reads pprof with gzip and without; JFR only without, unless it is part of a form. */
    gw_str body = f->packing == PROFILE_GZIP && !jfr ? f->sent->body : f->plain;
    char bearer[512] = "";
    if (api_key.len)
        snprintf(bearer, sizeof bearer, "Bearer %.*s", GW_FMT(api_key));
    if (!make(&m, header_size(type, bytes) + header_size(key, gw_str_z(bearer)) + 32, body))
        return NULL;
    add(&m, type, bytes);
    add(&m, key, gw_str_z(bearer));
    add(&m, via, GW_STR("1.1 ddgate"));
    char *url = m.r->url;
    int n = snprintf(url, sizeof m.r->url, "%s?format=%s&from=%lld&until=%lld&name=", t->url,
                     jfr ? "jfr" : "pprof", (long long)(start / GW_SEC), (long long)(end / GW_SEC));
    if (n > 0)
        put_name(url, sizeof m.r->url, u);
    m.r->items = 1;
    return m.r;
}
