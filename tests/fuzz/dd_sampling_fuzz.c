/* Facts from lines "key=value": the dd member keeps to its bound and alphabet, th to its form.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>

#include "translators/ddtrace/dd_sampling.h"
#include "translators/ddtrace/dd_tracestate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void check_ours(gw_str member)
{
    if (!gw_str_starts(member, GW_STR("dd=")))
        return;
    check(member.len <= 3 + 256);
    for (size_t i = 3; i < member.len; i++)
        check(member.ptr[i] >= ' ' && member.ptr[i] <= '~' && member.ptr[i] != '=' && member.ptr[i] != ',');
}

static void check_threshold(gw_str ot)
{
    uint64_t th;
    gw_str entry;
    if (!gw_str_starts(ot, GW_STR("ot=th:")))
        return;
    gw_str rest = gw_str_from(ot, 6);
    check(gw_str_next(&rest, ';', &entry));
    check(entry.len <= 14 && gw_str_hex64(entry, &th) && (entry.len == 1 || entry.ptr[entry.len - 1] != '0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gw_str text = gw_str_n((const char *)data, size), line;
    struct gw_arena arena;
    struct dd_sampling s;
    double number;
    gw_arena_init(&arena, 16 << 20);
    dd_sampling_init(&s);
    while (gw_str_next(&text, '\n', &line)) {
        size_t at = gw_str_find(line, '=');
        gw_str key = gw_str_n(line.ptr, at), value = gw_str_from(line, at + 1);
        if (!gw_str_double(value, &number) || !dd_sampling_number(&s, key, number))
            dd_sampling_text(&s, key, value);
    }
    double rate = dd_sampling_rate(&s, size * 0x9e3779b97f4a7c15u);
    check(isnan(rate) || (rate > 0 && rate <= 1));
    check(s.propagated_n <= DD_MAX_PROPAGATED);
    gw_str state = dd_sampling_state(&s, &arena, size * 0x9e3779b97f4a7c15u, s.origin), member;
    size_t members = 0;
    for (gw_str rest = state; gw_str_next(&rest, ',', &member); members++) {
        if (members == 0 && s.priority != DD_NO_PRIORITY) /* else it may be the incoming one, verbatim */
            check_ours(member);
        if (!isnan(rate))
            check_threshold(member);
    }
    check(members <= 32);
    check(dd_tracestate_valid(state));
    gw_arena_fini(&arena);
    return 0;
}
