/* URLs: parts are views of the text in order; redaction is stable, and changes nothing where it says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "translators/ddtrace/dd_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gw_str url = gw_str_n((const char *)data, size), host;
    struct gw_arena arena;
    struct dd_url u;
    int port;
    gw_arena_init(&arena, 16 << 20);
    dd_url_split(url, &u);
    const gw_str parts[] = {u.scheme, u.userinfo, u.host, u.path, u.query, u.fragment};
    const char *at = url.ptr;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].len) {
            check(parts[i].ptr >= at && parts[i].ptr + parts[i].len <= url.ptr + url.len);
            at = parts[i].ptr + parts[i].len;
        }
    check(u.port >= 0 && u.port <= 65535);
    dd_url_authority(url, &host, &port);
    check(host.len <= url.len);

    gw_str once = dd_url_redact(&arena, url), twice = dd_url_redact(&arena, once);
    check(gw_str_eq(once, twice));
    gw_str query = dd_url_redact_query(&arena, url);
    check(gw_str_eq(dd_url_redact_query(&arena, query), query));
    dd_url_split(once, &u);
    if (u.absolute && u.userinfo.len)
        check(gw_str_eq(u.userinfo, GW_STR("REDACTED")) ||
              gw_str_eq(u.userinfo, GW_STR("REDACTED:REDACTED")));
    gw_arena_fini(&arena);
    return 0;
}
