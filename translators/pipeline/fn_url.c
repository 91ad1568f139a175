/* fn_url.c: Implements the builtins url_parse and url_decode, by the rules of Go's net/url, which the
 * reference engine uses. Results are in the record's arena. Called by the evaluator.
 * docs/notes/0007-url-parsing-in-scripts.md explains why libcurl's URL API is not used.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/hex.h"
#include "translators/pipeline/script_internal.h"

/* Decodes %41 and, in queries, + for a blank. False with the place of an invalid escape. */
static bool unescape(struct gw_arena *a, gw_str s, bool query, gw_str *out, size_t *bad)
{
    struct gw_text b = {.arena = a};
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '%') {
            gw_text_put_char(&b, query && s.ptr[i] == '+' ? ' ' : s.ptr[i]);
            continue;
        }
        int byte = gw_hex_byte(gw_str_from(s, i + 1));
        if (byte < 0) {
            *bad = i;
            return false;
        }
        gw_text_put_char(&b, (char)byte);
        i += 2;
    }
    *out = gw_text_result(&b);
    return true;
}

bool fn_url_decode(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    gw_str s, plain;
    size_t bad;
    (void)out;
    if (!sc_get_text(r, call->kid[0], &s))
        return true;
    if (!unescape(r->arena, s, true, &plain, &bad))
        return sc_run_fail(r, call->pos, "invalid URL escape \"%.*s\"",
                           (int)(s.len - bad < 3 ? s.len - bad : 3), s.ptr + bad);
    sc_point_set(r->point, call->kid[0]->key, sc_str(plain));
    return true;
}

bool check_url_parse(struct sc_check *c, struct sc_node *call)
{
    const struct sc_node *key = call->kid[0];
    return key->kind == SN_IDENT || key->kind == SN_ATTR ||
           sc_check_fail(c, key->pos, "url_parse: expected an identifier or a.b");
}

struct url {
    gw_str scheme, host, port, path, query;
};

/* "https:" of s, which moves after it; false when s begins with a colon. */
static bool take_scheme(struct gw_arena *a, gw_str *s, gw_str *scheme)
{
    for (size_t i = 0; i < s->len; i++) {
        char c = s->ptr[i];
        if (gw_is_letter(c))
            continue;
        if (i && (gw_is_digit(c) || c == '+' || c == '-' || c == '.'))
            continue;
        if (c != ':')
            return true;
        if (!i)
            return false;
        char *low = (char *)gw_arena_dup(a, gw_str_n(s->ptr, i)).ptr;
        for (size_t k = 0; low && k < i; k++)
            low[k] = gw_lower(low[k]);
        *scheme = gw_str_n(low, low ? i : 0);
        *s = gw_str_n(s->ptr + i + 1, s->len - i - 1);
        return true;
    }
    return true;
}

static bool port_ok(gw_str port)
{
    for (size_t i = 1; i < port.len; i++)
        if (port.ptr[i] < '0' || port.ptr[i] > '9')
            return false;
    return !port.len || *port.ptr == ':';
}

static bool in_set(const char *set, char c)
{
    return gw_str_find(gw_str_z(set), c) < strlen(set);
}

/* name:password */
static const char *check_user(struct gw_arena *a, gw_str s)
{
    gw_str plain;
    size_t bad;
    for (size_t i = 0; i < s.len; i++)
        if (!gw_is_letter(s.ptr[i]) && !(s.ptr[i] >= '0' && s.ptr[i] <= '9') &&
            !in_set("-._:~!$&'()*+,;=%@", s.ptr[i]))
            return "invalid userinfo";
    return unescape(a, s, false, &plain, &bad) ? NULL : "invalid URL escape";
}

/* Decodes a host's escapes, which are allowed for bytes beyond ASCII or %, and in the zone of an address for
 * any byte. NULL, or the mistake. */
static const char *plain_host(struct gw_arena *a, gw_str host, gw_str *out)
{
    bool zone = false;
    size_t bad;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool percent = gw_str_starts(gw_str_from(host, i), GW_STR("%25"));
        zone |= percent && *host.ptr == '[';
        if (c == '%' && !zone && !percent && (host.len - i < 3 || gw_hex_digit(host.ptr[i + 1]) < 8))
            return "invalid URL escape";
        if (in_set(" \\^`{|}", c) && !zone)
            return "invalid character in host name";
    }
    return unescape(a, host, false, out, &bad) ? NULL : "invalid URL escape";
}

/* host:port, with [::1] in brackets. */
static const char *take_host(struct gw_arena *a, struct url *u, gw_str authority)
{
    size_t at = authority.len;
    while (at && authority.ptr[at - 1] != '@')
        at--;
    gw_str host = gw_str_from(authority, at), port;
    size_t colon = host.len;
    if (host.len && *host.ptr == '[') {
        size_t close = gw_str_find(host, ']');
        if (close == host.len)
            return "missing ']' in host";
        colon = close + 1;
    } else {
        while (colon && host.ptr[colon - 1] != ':')
            colon--;
        colon = colon ? colon - 1 : host.len;
    }
    port = gw_str_from(host, colon);
    if (!port_ok(port))
        return "invalid port after host";
    const char *wrong = at ? check_user(a, gw_str_n(authority.ptr, at - 1)) : NULL;
    if (wrong)
        return wrong;
    u->port = gw_str_from(port, 1);
    return plain_host(a, host, &u->host);
}

/* NULL, or the mistake. */
static const char *parse(struct gw_arena *a, gw_str s, struct url *u)
{
    size_t bad;
    *u = (struct url){.scheme = GW_STR("")};
    size_t sharp = gw_str_find(s, '#');
    gw_str fragment;
    if (!unescape(a, gw_str_from(s, sharp + 1), false, &fragment, &bad))
        return "invalid URL escape";
    s = gw_str_n(s.ptr, sharp);
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7F)
            return "invalid control character in URL";
    bool first_colon = gw_str_find(s, ':') < s.len;
    if (!take_scheme(a, &s, &u->scheme))
        return "missing protocol scheme";
    size_t question = gw_str_find(s, '?');
    u->query = gw_str_from(s, question + 1);
    s = gw_str_n(s.ptr, question);
    if (s.len && *s.ptr != '/') {
        if (u->scheme.len)
            return NULL; /* opaque: mailto:x */
        if (first_colon && gw_str_find(s, ':') < gw_str_find(s, '/'))
            return "first path segment in URL cannot contain colon";
    }
    if (gw_str_starts(s, GW_STR("//")) && (u->scheme.len || !gw_str_starts(s, GW_STR("///")))) {
        gw_str rest = gw_str_from(s, 2);
        size_t slash = gw_str_find(rest, '/');
        const char *wrong = take_host(a, u, gw_str_n(rest.ptr, slash));
        if (wrong)
            return wrong;
        s = gw_str_from(rest, slash);
    }
    return unescape(a, s, false, &u->path, &bad) ? NULL : "invalid URL escape";
}

static void add_param(struct gw_arena *a, struct sc_map *params, gw_str pair)
{
    size_t equal = gw_str_find(pair, '='), bad;
    gw_str name, value;
    if (!pair.len || gw_str_find(pair, ';') < pair.len ||
        !unescape(a, gw_str_n(pair.ptr, equal), true, &name, &bad) ||
        !unescape(a, gw_str_from(pair, equal + 1), true, &value, &bad))
        return;
    const struct sc_val *before = sc_map_get(params, name);
    if (before)
        value = gw_arena_printf(a, "%.*s,%.*s", GW_FMT(before->s), GW_FMT(value));
    sc_map_set(a, params, name, sc_str(value));
}

static struct sc_val text(gw_str s)
{
    return sc_str(s.ptr ? s : GW_STR(""));
}

bool fn_url_parse(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_map *m = sc_map_new(r->arena), *params = sc_map_new(r->arena);
    struct url u;
    gw_str s, pair;
    if (!sc_get_text(r, call->kid[0], &s) || !m || !params)
        return true;
    const char *wrong = parse(r->arena, s, &u);
    if (wrong)
        return sc_run_fail(r, call->pos, "failed to parse url %.*s: %s", (int)(s.len < 200 ? s.len : 200),
                           s.ptr, wrong);
    while (gw_str_next(&u.query, '&', &pair))
        add_param(r->arena, params, pair);
    sc_map_set(r->arena, m, GW_STR("scheme"), text(u.scheme));
    sc_map_set(r->arena, m, GW_STR("host"), text(u.host));
    sc_map_set(r->arena, m, GW_STR("port"), text(u.port));
    sc_map_set(r->arena, m, GW_STR("path"), text(u.path));
    sc_map_set(r->arena, m, GW_STR("params"), (struct sc_val){.type = SC_MAP, .m = params});
    *out = (struct sc_val){.type = SC_MAP, .m = m};
    return true;
}
