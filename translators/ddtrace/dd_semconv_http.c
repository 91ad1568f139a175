/* HTTP: method, status, URL, route, ports, error.type, and the span's name.
 *
 * Keeps no state; works on a span's dd_fields. Called by dd_derive.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_semconv.h"

#include "translators/ddtrace/dd_url.h"

static const gw_str OTHER_METHOD = GW_LIT("_OTHER");

static bool known_method(gw_str m)
{
    switch (m.len) {
    case 3:
        return gw_str_eq(m, GW_STR("GET")) || gw_str_eq(m, GW_STR("PUT"));
    case 4:
        return gw_str_eq(m, GW_STR("POST")) || gw_str_eq(m, GW_STR("HEAD"));
    case 5:
        return gw_str_eq(m, GW_STR("PATCH")) || gw_str_eq(m, GW_STR("TRACE")) ||
               gw_str_eq(m, GW_STR("QUERY"));
    case 6:
        return gw_str_eq(m, GW_STR("DELETE"));
    case 7:
        return gw_str_eq(m, GW_STR("OPTIONS")) || gw_str_eq(m, GW_STR("CONNECT"));
    default:
        return false;
    }
}

/* The method goes to http.request.method_original only. */
static bool other_method(struct dd_fields *f, gw_str raw)
{
    return !dd_is_set(f, DD_A_HTTP_REQUEST_METHOD) &&
           (dd_set_text(f, DD_A_HTTP_METHOD_ORIGINAL, raw, DD_DERIVED) ||
            gw_str_eq(dd_set_text_of(f, DD_A_HTTP_METHOD_ORIGINAL), raw));
}

static void set_method(struct dd_fields *f)
{
    gw_str raw = dd_text_of(f, DD_T_HTTP_METHOD), upper = dd_upper(f->arena, raw);
    if (known_method(upper))
        dd_rename_as(f, DD_T_HTTP_METHOD, upper);
    else if (raw.len && other_method(f, raw))
        dd_rename_as(f, DD_T_HTTP_METHOD, OTHER_METHOD);
}

/* Client spans also contain the default port of the scheme; a port in a tag wins over it. */
static void set_port(struct dd_fields *f, int port, gw_str scheme)
{
    int implied = dd_url_default_port(scheme);
    if (f->kind == DD_KIND_SERVER && port == implied)
        return;
    if (port)
        dd_set_int(f, DD_A_SERVER_PORT, port, DD_RENAMED);
    else if (implied && f->kind != DD_KIND_SERVER)
        dd_set_int(f, DD_A_SERVER_PORT, implied, DD_DERIVED);
}

/* Returns false if the attribute has another value. */
static bool set_url_part(struct dd_fields *f, unsigned attr, gw_str text)
{
    return !text.len || dd_set_text(f, attr, text, DD_RENAMED) || gw_str_eq(dd_set_text_of(f, attr), text);
}

/* Sets the attributes for the parts of the tag's URL. */
static void split_url(struct dd_fields *f, unsigned tag, const struct dd_url *u)
{
    bool whole = set_url_part(f, DD_A_URL_SCHEME, u->scheme);
    whole &= set_url_part(f, DD_A_URL_PATH, dd_url_path(u));
    whole &=
        set_url_part(f, DD_A_URL_QUERY, f->obfuscate ? dd_url_redact_query(f->arena, u->query) : u->query);
    if (whole)
        dd_use(f, tag);
}

/* Reads the tag's text and removes its secrets. Returns false if it is a number or empty. */
static bool read_url(struct dd_fields *f, unsigned tag, struct dd_url *u)
{
    struct dd_said *said = &f->value[tag];
    if (!dd_has(f, tag) || said->number || !said->text.len)
        return false;
    dd_url_split(said->text, u);
    if (f->obfuscate)
        said->text = dd_url_redact(f->arena, said->text);
    return true;
}

static void set_url(struct dd_fields *f)
{
    struct dd_url u;
    if (!read_url(f, DD_T_HTTP_URL, &u))
        return;
    if (f->kind == DD_KIND_SERVER || !u.absolute)
        split_url(f, DD_T_HTTP_URL, &u);
    else
        dd_rename_as(f, DD_T_HTTP_URL, f->value[DD_T_HTTP_URL].text);
    dd_set_text(f, DD_A_SERVER_ADDRESS, u.host, DD_RENAMED);
    set_port(f, u.port, u.scheme);
}

/* Rack's http.url is only a path; http.base_url is the part before it. */
static void set_base_url(struct dd_fields *f)
{
    struct dd_url u;
    if (!read_url(f, DD_T_HTTP_BASE_URL, &u) || !u.absolute)
        return;
    bool whole = set_url_part(f, DD_A_URL_SCHEME, u.scheme);
    whole &= set_url_part(f, DD_A_SERVER_ADDRESS, u.host);
    set_port(f, u.port, u.scheme);
    if (whole)
        dd_use(f, DD_T_HTTP_BASE_URL);
}

/* Older conventions: "/path?query". */
static void set_target(struct dd_fields *f)
{
    struct dd_url u;
    if (read_url(f, DD_T_HTTP_TARGET, &u))
        split_url(f, DD_T_HTTP_TARGET, &u);
}

static void set_query_string(struct dd_fields *f)
{
    if (f->value[DD_T_HTTP_QUERY_STRING].number)
        return;
    gw_str raw = f->value[DD_T_HTTP_QUERY_STRING].text;
    gw_str safe = f->obfuscate ? dd_url_redact_query(f->arena, raw) : raw;
    f->value[DD_T_HTTP_QUERY_STRING] = (struct dd_said){.text = safe};
    dd_rename_as(f, DD_T_HTTP_QUERY_STRING, safe);
}

/* A user's own url.full or url.query may contain secrets too. */
static void redact_explicit(struct dd_fields *f, unsigned attr, gw_str redact(struct gw_arena *, gw_str))
{
    if (!dd_has(f, attr) || f->value[attr].number || !f->obfuscate)
        return;
    gw_str safe = redact(f->arena, f->value[attr].text);
    f->value[attr].text = safe;
    if (dd_is_set(f, attr))
        f->out[attr].s = safe;
}

/* Splits "host:80" into server.address and server.port. */
static void set_host(struct dd_fields *f, unsigned tag)
{
    gw_str text = dd_text_of(f, tag), name;
    int number;
    if (!text.len)
        return;
    dd_url_authority(text, &name, &number);
    if (dd_rename_as(f, tag, name))
        set_port(f, number, dd_set_text_of(f, DD_A_URL_SCHEME));
}

/* Uses the requested host if nothing else names the server (.NET). */
static void host_of_header(struct dd_fields *f)
{
    gw_str name;
    int number;
    for (const struct dd_header *h = f->headers; h && !dd_is_set(f, DD_A_SERVER_ADDRESS); h = h->next)
        if (gw_str_eq(h->key, GW_STR("http.request.header.host"))) {
            dd_url_authority(h->value, &name, &number);
            dd_set_text(f, DD_A_SERVER_ADDRESS, name, DD_DERIVED);
            set_port(f, number, dd_set_text_of(f, DD_A_URL_SCHEME));
        }
}

static void set_hosts(struct dd_fields *f)
{
    set_host(f, DD_T_HTTP_HOST);
    set_host(f, DD_T_HTTP_HOSTNAME);
    set_host(f, DD_T_HTTP_SERVER_NAME);
    if (f->kind == DD_KIND_SERVER && f->rare)
        set_host(f, DD_T_NET_HOST_NAME);
    if (f->kind == DD_KIND_SERVER && f->headers)
        host_of_header(f);
}

/* Accepts "1.1" and "HTTP/1.1". */
static void set_version(struct dd_fields *f, unsigned tag)
{
    gw_str v = dd_text_of(f, tag);
    if (v.len > 5 && gw_str_ieq(gw_str_n(v.ptr, 5), GW_STR("http/")))
        v = gw_str_from(v, 5);
    if (dd_rename_as(f, tag, v))
        dd_set_text(f, DD_A_NETWORK_PROTOCOL_NAME, GW_STR("http"), DD_DERIVED);
}

/* Envoy's tag names are generic, so they are used only for HTTP spans, and the sizes only for spans of Envoy. */
static void set_proxy(struct dd_fields *f)
{
    static const gw_str proxy = GW_LIT("proxy");
    if (!dd_is_set(f, DD_A_HTTP_REQUEST_METHOD) && !dd_has(f, DD_T_HTTP_URL))
        return;
    if (dd_has(f, DD_T_PLAIN_USER_AGENT))
        dd_rename(f, DD_T_PLAIN_USER_AGENT);
    if (!dd_has(f, DD_T_COMPONENT) || !gw_str_eq(dd_text_of(f, DD_T_COMPONENT), proxy))
        return;
    if (dd_has(f, DD_T_REQUEST_SIZE))
        dd_rename(f, DD_T_REQUEST_SIZE);
    if (dd_has(f, DD_T_RESPONSE_SIZE))
        dd_rename(f, DD_T_RESPONSE_SIZE);
}

/* http.route is for servers only; on a client's span the value is url.template. */
static void set_route(struct dd_fields *f)
{
    gw_str said = dd_set_text_of(f, DD_A_HTTP_ROUTE);
    if (said.len && f->kind == DD_KIND_CLIENT) {
        if (!dd_set_text(f, DD_A_URL_TEMPLATE, said, DD_RENAMED) &&
            !gw_str_eq(dd_set_text_of(f, DD_A_URL_TEMPLATE), said))
            return;
        f->set[DD_A_HTTP_ROUTE / 64] &= ~((uint64_t)1 << (DD_A_HTTP_ROUTE % 64));
    } else if (!said.len && f->kind == DD_KIND_SERVER) {
        static const unsigned others[] = {DD_T_FLASK_URL_RULE, DD_T_ASPNET_ROUTE, DD_T_ASPNET_ROUTE_OLD,
                                          DD_T_SINATRA_ROUTE,  DD_T_GRAPE_ROUTE,  DD_T_APP_ROUTE};
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            dd_set_text(f, DD_A_HTTP_ROUTE, dd_text_of(f, others[i]), DD_DERIVED);
    }
}

static void set_error_type(struct dd_fields *f)
{
    static const char digits[] = "0123456789";
    const struct dd_out *status = &f->out[DD_A_HTTP_RESPONSE_STATUS_CODE];
    int64_t least = f->kind == DD_KIND_SERVER ? 500 : 400;
    if (!f->span->error || !dd_is_set(f, DD_A_HTTP_RESPONSE_STATUS_CODE) || status->type != DD_TY_INT ||
        status->i < least || status->i > 999)
        return;
    char *text = gw_arena_raw(f->arena, 3, 1);
    if (!text)
        return;
    text[0] = digits[status->i / 100];
    text[1] = digits[status->i / 10 % 10];
    text[2] = digits[status->i % 10];
    dd_set_text(f, DD_A_ERROR_TYPE, gw_str_n(text, 3), DD_DERIVED);
}

static void propose_http_name(struct dd_fields *f)
{
    gw_str verb = dd_set_text_of(f, DD_A_HTTP_REQUEST_METHOD), path = GW_NOSTR;
    if (!verb.len && !(gw_str_starts(dd_set_text_of(f, DD_A_URL_SCHEME), GW_STR("ws")) ||
                       gw_str_starts(dd_set_text_of(f, DD_A_URL_FULL), GW_STR("ws"))))
        return;
    if (!verb.len || gw_str_eq(verb, OTHER_METHOD))
        verb = GW_STR("HTTP");
    if (f->kind == DD_KIND_SERVER) {
        path = dd_set_text_of(f, DD_A_HTTP_ROUTE);
        if (!path.len)
            path = dd_text_of(f, DD_T_HTTP_ENDPOINT);
    } else {
        path = dd_set_text_of(f, DD_A_URL_TEMPLATE);
    }
    dd_propose_call_name(f, verb, path);
}

void dd_http(struct dd_fields *f)
{
    if (dd_has(f, DD_T_HTTP_METHOD))
        set_method(f);
    if (dd_has(f, DD_T_HTTP_STATUS_CODE))
        dd_rename(f, DD_T_HTTP_STATUS_CODE);
    redact_explicit(f, DD_A_URL_FULL, dd_url_redact);
    redact_explicit(f, DD_A_URL_QUERY, dd_url_redact_query);
    set_url(f);
    if (f->rare) {
        set_base_url(f);
        set_target(f);
    }
    if (dd_has(f, DD_T_HTTP_SCHEME))
        dd_rename(f, DD_T_HTTP_SCHEME);
    if (dd_has(f, DD_T_HTTP_QUERY_STRING))
        set_query_string(f);
    set_hosts(f);
    if (dd_has(f, DD_T_HTTP_VERSION))
        set_version(f, DD_T_HTTP_VERSION);
    if (f->rare) {
        set_version(f, DD_T_HTTP_FLAVOR);
        set_version(f, DD_T_HTTP_PROTOCOL);
        set_proxy(f);
    }
    set_route(f);
    if (f->span->error)
        set_error_type(f);
    if (f->kind == DD_KIND_SERVER || f->kind == DD_KIND_CLIENT)
        propose_http_name(f);
}
