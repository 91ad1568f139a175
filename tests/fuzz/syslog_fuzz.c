/* Syslog messages: whatever comes, the text is a part of the message, a header says nothing that does not
 * stand there, and numbers are within their bounds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>

#include "translators/logs/syslog_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void check_view(gw_str whole, gw_str part)
{
    check(part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gw_arena arena;
    static struct syslog_message m;
    if (size < 1)
        return 0;
    if (!arena.budget)
        gw_arena_init(&arena, 64 << 10);
    /* 2026-11-21, or around new year */
    const struct syslog_ground g = {(data[0] & 1 ? INT64_C(1795249800) : INT64_C(1798761598)) * GW_SEC,
                                    zone_utc(), data[0] & 2};
    gw_str line = gw_str_n((const char *)data + 1, size - 1);
    syslog_parse(line, &g, &arena, &m);
    check_view(line, m.text);
    check_view(line, m.host);
    check_view(line, m.app);
    check_view(line, m.procid);
    check_view(line, m.msgid);
    check(m.text.len <= line.len && m.facility >= -1 && m.facility <= 23 && m.severity >= -1 &&
          m.severity <= 7);
    check(m.version >= 0 && m.version <= 999 && m.data_n <= SYSLOG_PARAMS + 1);
    for (size_t i = 0; i < m.data_n; i++)
        check(gw_str_starts(m.data[i].key, GW_STR("syslog.structured_data")));
    gw_arena_reset(&arena, 64 << 10);
    return 0;
}
