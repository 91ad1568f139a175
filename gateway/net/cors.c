/* cors.c: reads the options of CORS and compares origins. An origin that no browser would send is a mistake
 * in the configuration, because it would never match. Owns nothing. Called by receivers on main, and by
 * http_request.c on workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/net/cors.h"

#include <stdio.h>

#include "core/config/config_diagnostic.h"

/* Letters, digits and these others, one at least. */
static bool is_of(gw_str s, const char *others)
{
    for (size_t i = 0; i < s.len; i++)
        if (!gw_is_letter(s.ptr[i]) && !gw_is_digit(s.ptr[i]) && !gw_char_in(s.ptr[i], others))
            return false;
    return s.len > 0;
}

/* Splits scheme "://" authority. Returns false if the text has another form. */
static bool divide(gw_str origin, gw_str *scheme, gw_str *authority)
{
    size_t colon = gw_str_find(origin, ':');
    *scheme = gw_str_n(origin.ptr, colon);
    gw_str rest = gw_str_from(origin, colon);
    if (!is_of(*scheme, "+-.") || !gw_str_starts(rest, GW_STR("://")))
        return false;
    *authority = gw_str_from(rest, 3);
    return true;
}

/* Returns the index of the colon before the port, or the length if there is no port. */
static size_t port_at(gw_str authority)
{
    size_t from = gw_str_starts(authority, GW_STR("[")) ? gw_str_find(authority, ']') : 0;
    return from + gw_str_find(gw_str_from(authority, from), ':');
}

static const char *fault_of_port(gw_str scheme, gw_str port)
{
    uint64_t number;
    if (!gw_str_u64(port, &number) || number == 0 || number > 65535)
        return "its port is none from 1 to 65535";
    if ((gw_str_ieq(scheme, GW_STR("https")) && number == 443) ||
        (gw_str_ieq(scheme, GW_STR("http")) && number == 80))
        return "browsers leave out the usual port of a scheme: leave it out too";
    return NULL;
}

static const char *fault_of_host(gw_str host)
{
    if (gw_str_starts(host, GW_STR("*.")))
        host = gw_str_from(host, 2);
    if (gw_str_starts(host, GW_STR("[")))
        return is_of(host, "[]:.") && gw_str_ends(host, GW_STR("]")) ? NULL
                                                                     : "its host is no address of IPv6";
    if (host.len && is_of(host, "-._"))
        return NULL;
    for (size_t i = 0; i < host.len; i++)
        if ((unsigned char)host.ptr[i] > 127)
            return "write its host as browsers send it, in ASCII (xn--…)";
    return "write scheme://host or scheme://host:port, without a path; * may only stand for the first labels "
           "of a host (https://*.shop.example)";
}

/* NULL: browsers send such an origin. */
static const char *fault_of(gw_str origin)
{
    gw_str scheme, authority;
    if (gw_str_eq(origin, GW_STR("*")))
        return "it allows every origin: name it alone, or leave it out";
    if (gw_str_eq(origin, GW_STR("null")))
        return "it is the origin of sandboxed frames and files of anybody: use * if everybody may send";
    if (origin.len >= GW_CORS_ORIGIN || !divide(origin, &scheme, &authority))
        return "write scheme://host or scheme://host:port, such as https://shop.example";
    size_t colon = port_at(authority);
    const char *fault = fault_of_host(gw_str_n(authority.ptr, colon));
    if (!fault && colon < authority.len)
        fault = fault_of_port(scheme, gw_str_from(authority, colon + 1));
    return fault;
}

static bool is_name_of_header(gw_str s)
{
    return is_of(s, "!#$%&'*+-.^_`|~");
}

static void read_headers(struct gw_cors *c, const struct gw_list *headers, const char *path,
                         struct gw_diagnostics *diagnostics)
{
    size_t n = 0;
    c->headers[0] = 0;
    for (size_t i = 0; i < headers->n; i++) {
        gw_str name = headers->items[i];
        if (!is_name_of_header(name)) {
            gw_option_error(diagnostics, path, "cors.allowed_headers", "\"%.*s\" is not the name of a header",
                            GW_FMT(name));
        } else if (n + name.len + 3 > sizeof c->headers) {
            gw_option_error(diagnostics, path, "cors.allowed_headers",
                            "the names are longer than %d bytes together", GW_CORS_HEADERS);
            return;
        } else {
            n += (size_t)snprintf(c->headers + n, sizeof c->headers - n, "%s%.*s", n ? ", " : "",
                                  GW_FMT(name));
        }
    }
}

void gw_cors_read(struct gw_cors *c, const struct gw_list *origins, const struct gw_list *headers,
                  const char *path, struct gw_diagnostics *diagnostics)
{
    c->origins = *origins;
    c->any = origins->n == 1 && gw_str_eq(origins->items[0], GW_STR("*"));
    for (size_t i = 0; i < origins->n && !c->any; i++) {
        const char *fault = fault_of(origins->items[i]);
        if (fault)
            gw_option_error(diagnostics, path, "cors.allowed_origins", "\"%.*s\": %s",
                            GW_FMT(origins->items[i]), fault);
    }
    read_headers(c, headers, path, diagnostics);
}

/* One with a star is a beginning, labels, and an end. */
static bool matches(gw_str allowed, gw_str origin)
{
    size_t star = gw_str_find(allowed, '*');
    if (star == allowed.len)
        return gw_str_ieq(allowed, origin);
    gw_str first = gw_str_n(allowed.ptr, star), last = gw_str_from(allowed, star + 1);
    if (origin.len <= first.len + last.len)
        return false;
    gw_str labels = gw_str_n(origin.ptr + first.len, origin.len - first.len - last.len);
    return gw_str_ieq(gw_str_n(origin.ptr, first.len), first) &&
           gw_str_ieq(gw_str_from(origin, origin.len - last.len), last) && is_of(labels, "-._");
}

bool gw_cors_allows(const struct gw_cors *c, gw_str origin)
{
    if (!origin.len || origin.len >= GW_CORS_ORIGIN)
        return false;
    for (size_t i = 0; i < c->origins.n && !c->any; i++)
        if (matches(c->origins.items[i], origin))
            return true;
    return c->any;
}
