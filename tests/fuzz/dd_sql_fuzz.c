/* Queries, commands and bodies: never longer than they were (bodies: twice); a second time changes no command
 * and no body.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "core/base/json.h"
#include "translators/ddtrace/dd_sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static bool within(gw_str part, gw_str whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_body(struct gw_arena *arena, gw_str text)
{
    gw_str body = dd_json_sanitize(arena, text);
    struct gw_json j;
    check(body.len <= 2 * text.len + 8);
    gw_json_init(&j, text, arena);
    if (!gw_json_skip(&j) || !gw_json_end(&j))
        return;
    gw_json_init(&j, body, arena);
    check(gw_json_skip(&j) && gw_json_end(&j));
    check(gw_str_eq(dd_json_sanitize(arena, body), body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_arena arena;
    if (size == 0)
        return 0;
    enum dd_sql_dialect dialect = (enum dd_sql_dialect)(data[0] % (DD_SQL_SQLITE + 1));
    gw_str text = gw_str_n((const char *)data + 1, size - 1);
    gw_arena_init(&arena, 64 << 20);

    gw_str clean = dd_sql_sanitize(&arena, dialect, text);
    check(clean.len <= text.len);
    check(dd_sql_sanitize(&arena, dialect, clean).len <= clean.len);
    struct dd_sql_about about;
    dd_sql_about(dialect, text, &about);
    check(within(about.operation, text) && within(about.collection, text));
    check(dd_sql_summary(&arena, &about).len <= text.len + 1);

    gw_str redis = dd_redis_sanitize(&arena, text), memcached = dd_memcached_sanitize(&arena, text);
    check(redis.len <= text.len && memcached.len <= text.len);
    check(gw_str_eq(dd_redis_sanitize(&arena, redis), redis));
    check(gw_str_eq(dd_memcached_sanitize(&arena, memcached), memcached));
    check_body(&arena, text);
    gw_arena_fini(&arena);
    return 0;
}
