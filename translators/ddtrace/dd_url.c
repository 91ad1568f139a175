/* Splits a URL into its parts, and removes secrets from it (dd_url.h).
 *
 * Keeps no state; results are views, or in the arena. Called by dd_semconv_http.c, dd_learn.c and
 * dd_write_cached.c.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memrchr */
#include "translators/ddtrace/dd_url.h"

/* ---- parts ---- */

static bool is_alnum(char c)
{
    return gw_is_digit(c) || gw_is_letter(c);
}

/* Returns the index of the first of / ? # in s, or s.len. */
static size_t authority_len(gw_str s)
{
    size_t i = 0;
    while (i < s.len && s.ptr[i] != '/' && s.ptr[i] != '?' && s.ptr[i] != '#')
        i++;
    return i;
}

static bool in_scheme(gw_str rest)
{
    char c = *rest.ptr;
    return is_alnum(c) || c == '+' || c == '-' || c == '.' ||
           (c == ':' && !gw_str_starts(rest, GW_STR("://")));
}

/* Returns the length of "scheme://" at the front of url, or 0. Compound ones ("jdbc:mysql://") count as one
 * scheme. */
static size_t scheme_len(gw_str url)
{
    size_t i = 0;
    if (url.len == 0 || gw_lower(*url.ptr) < 'a' || gw_lower(*url.ptr) > 'z')
        return 0;
    while (i < url.len && in_scheme(gw_str_from(url, i)))
        i++;
    return gw_str_starts(gw_str_from(url, i), GW_STR("://")) ? i + 3 : 0;
}

/* Returns the index of the '@' that ends the userinfo, or s.len. */
static size_t userinfo_len(gw_str authority)
{
    const char *at = authority.len ? memrchr(authority.ptr, '@', authority.len) : NULL;
    return at ? (size_t)(at - authority.ptr) : authority.len;
}

static int port_of(gw_str digits)
{
    uint64_t port;
    return gw_str_u64(digits, &port) && port <= 65535 ? (int)port : 0;
}

void dd_url_authority(gw_str text, gw_str *host, int *port)
{
    size_t close = gw_str_find(text, ']'), colon;
    *port = 0;
    if (text.len && *text.ptr == '[' && close < text.len) {
        *host = gw_str_n(text.ptr + 1, close - 1);
        if (close + 1 < text.len && text.ptr[close + 1] == ':')
            *port = port_of(gw_str_from(text, close + 2));
        return;
    }
    colon = gw_str_find(text, ':');
    *host = text;
    if (colon == text.len || memchr(text.ptr + colon + 1, ':', text.len - colon - 1))
        return;
    host->len = colon;
    *port = port_of(gw_str_from(text, colon + 1));
}

void dd_url_split(gw_str url, struct dd_url *out)
{
    size_t scheme = scheme_len(url), at;
    out->absolute = scheme != 0;
    out->port = 0;
    out->scheme = out->userinfo = out->host = GW_NOSTR;
    if (scheme) {
        out->scheme = gw_str_n(url.ptr, scheme - 3);
        url = gw_str_from(url, scheme);
        gw_str authority = gw_str_n(url.ptr, authority_len(url));
        if ((at = userinfo_len(authority)) < authority.len) {
            out->userinfo = gw_str_n(authority.ptr, at);
            authority = gw_str_from(authority, at + 1);
        }
        dd_url_authority(authority, &out->host, &out->port);
        url = gw_str_from(url, authority_len(url));
    }
    at = gw_str_find(url, '#');
    out->fragment = gw_str_from(gw_str_from(url, at), 1);
    url.len = at;
    at = gw_str_find(url, '?');
    out->query = gw_str_from(gw_str_from(url, at), 1);
    url.len = at;
    out->path = url;
}

int dd_url_default_port(gw_str scheme)
{
    if (gw_str_ieq(scheme, GW_STR("http")) || gw_str_ieq(scheme, GW_STR("ws")))
        return 80;
    return gw_str_ieq(scheme, GW_STR("https")) || gw_str_ieq(scheme, GW_STR("wss")) ? 443 : 0;
}

/* ---- redaction ---- */

/* Output that is first measured (ptr is NULL) and then written. */
struct out {
    char *ptr;
    size_t len;
    bool changed;
};

static void append_text(struct out *o, gw_str s)
{
    if (o->ptr && s.len)
        memcpy(o->ptr + o->len, s.ptr, s.len);
    o->len += s.len;
}

static void put_redacted(struct out *o)
{
    append_text(o, GW_STR("REDACTED"));
    o->changed = true;
}

/* Keys in normal form: letters and digits, lower case, %XX decoded ("user%5BNew-Password%5D" is
 * "usernewpassword"). */
static const gw_str secret_keys[] = {
    GW_LIT("sig"),           GW_LIT("sign"),           GW_LIT("pass"),   GW_LIT("auth"),   GW_LIT("jwt"),
    GW_LIT("authorization"), GW_LIT("authentication"), GW_LIT("bearer"), GW_LIT("sesskey")};
static const gw_str secret_endings[] = {
    GW_LIT("password"),    GW_LIT("passwd"),      GW_LIT("pwd"),       GW_LIT("passphrase"),
    GW_LIT("secret"),      GW_LIT("token"),       GW_LIT("signature"), GW_LIT("credential"),
    GW_LIT("credentials"), GW_LIT("apikey"),      GW_LIT("accesskey"), GW_LIT("accesskeyid"),
    GW_LIT("secretkey"),   GW_LIT("privatekey"),  GW_LIT("appkey"),    GW_LIT("applicationkey"),
    GW_LIT("sessionid"),   GW_LIT("consumerkey"),
};

enum { KEY_MAX = 64 /* of a longer key only the end is compared */ };

static gw_str plain_key(gw_str key, char *out)
{
    size_t n = 0;
    uint64_t code;
    if (key.len > KEY_MAX)
        key = gw_str_from(key, key.len - KEY_MAX);
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        if (c == '%' && key.len - i > 2 && gw_str_hex64(gw_str_n(key.ptr + i + 1, 2), &code)) {
            c = (char)code;
            i += 2;
        }
        if (is_alnum(c))
            out[n++] = gw_lower(c);
    }
    return gw_str_n(out, n);
}

static bool is_secret(gw_str key)
{
    char room[KEY_MAX];
    key = plain_key(key, room);
    if (key.len < 3) /* shorter than the shortest word */
        return false;
    for (size_t i = 0; i < sizeof secret_keys / sizeof *secret_keys; i++)
        if (key.len == secret_keys[i].len && gw_str_eq(key, secret_keys[i]))
            return true;
    char last = key.ptr[key.len - 1];
    for (size_t i = 0; i < sizeof secret_endings / sizeof *secret_endings; i++)
        if (last == secret_endings[i].ptr[secret_endings[i].len - 1] && gw_str_ends(key, secret_endings[i]))
            return true;
    return false;
}

/* "k=v&k=v" */
static void put_pairs(struct out *o, gw_str pairs)
{
    gw_str pair;
    bool first = true;
    while (gw_str_next(&pairs, '&', &pair)) {
        size_t at = gw_str_find(pair, '=');
        if (!first)
            append_text(o, GW_STR("&"));
        first = false;
        if (at + 1 < pair.len && is_secret(gw_str_n(pair.ptr, at))) {
            append_text(o, gw_str_n(pair.ptr, at + 1));
            put_redacted(o);
        } else {
            append_text(o, pair);
        }
    }
}

/* Writes everything up to the path. Without a scheme ("//user:secret@host/"), the text is an authority only
 * if it has a userinfo. */
static size_t put_authority(struct out *o, gw_str url)
{
    size_t start = scheme_len(url);
    if (!start && gw_str_starts(url, GW_STR("//")))
        start = 2;
    if (!start)
        return 0;
    gw_str authority = gw_str_from(url, start);
    authority.len = authority.ptr ? authority_len(authority) : 0;
    size_t at = userinfo_len(authority);
    append_text(o, gw_str_n(url.ptr, start));
    if (at == authority.len || at == 0)
        return start;
    put_redacted(o);
    if (gw_str_find(authority, ':') < at) {
        append_text(o, GW_STR(":"));
        put_redacted(o);
    }
    return start + at;
}

static void put_url(struct out *o, gw_str url)
{
    url = gw_str_from(url, put_authority(o, url));
    size_t hash = gw_str_find(url, '#'), mark = gw_str_find(gw_str_n(url.ptr, hash), '?');
    if (mark < hash) {
        append_text(o, gw_str_n(url.ptr, mark + 1));
        put_pairs(o, gw_str_n(url.ptr + mark + 1, hash - mark - 1));
    } else {
        append_text(o, gw_str_n(url.ptr, hash));
    }
    if (hash < url.len) {
        append_text(o, GW_STR("#"));
        put_pairs(o, gw_str_from(url, hash + 1));
    }
}

static gw_str redact_text(struct gw_arena *arena, gw_str text, void (*write)(struct out *, gw_str))
{
    struct out o = {0};
    if (text.len)
        write(&o, text);
    if (!o.changed)
        return text;
    o = (struct out){.ptr = gw_arena_raw(arena, o.len, 1)};
    if (!o.ptr)
        return GW_NOSTR;
    write(&o, text);
    return gw_str_n(o.ptr, o.len);
}

/* Returns whether the URL has neither a userinfo nor a key of a secret, which is the usual case. */
static bool holds_no_secret(gw_str url)
{
    size_t mark = gw_str_find(url, '?'), hash = gw_str_find(url, '#');
    gw_str pairs = gw_str_from(url, mark < hash ? mark + 1 : hash + 1), pair;
    if (gw_str_find(url, '@') < url.len || (mark < hash && hash < url.len))
        return false;
    while (gw_str_next(&pairs, '&', &pair))
        if (is_secret(gw_str_n(pair.ptr, gw_str_find(pair, '='))))
            return false;
    return true;
}

gw_str dd_url_redact(struct gw_arena *arena, gw_str url)
{
    return holds_no_secret(url) ? url : redact_text(arena, url, put_url);
}

gw_str dd_url_redact_query(struct gw_arena *arena, gw_str query)
{
    return redact_text(arena, query, put_pairs);
}
