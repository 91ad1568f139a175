/* Any text as a time, as a layout for one, and as a format: an answer or a reason; what a layout writes of a
 * time it reads back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "translators/text/dateparse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gw_str text = {(const char *)data, size};
    struct layout_time t, back;
    char why[LAYOUT_ERROR_SIZE] = "";
    struct gw_arena a;
    int64_t ns;
    gw_arena_init(&a, 8 << 20);
    if (!dateparse(text, zone_utc(), INT64_C(1700000000000000000), &t, why) && !*why)
        abort();
    struct gw_text shown = {.arena = &a}, other = {.arena = &a};
    t = (struct layout_time){1623982028, 123456789};
    layout_format(&shown, layout_named(GW_STR("RFC3339Nano")), t, zone_utc());
    if (!layout_parse(layout_named(GW_STR("RFC3339Nano")), gw_text_result(&shown), zone_utc(), &back, why) ||
        back.seconds != t.seconds || back.nsec != t.nsec)
        abort();
    layout_format(&other, text, t, zone_utc());
    layout_strftime(&other, text, t, zone_utc());
    layout_parse(text, gw_text_result(&shown), zone_utc(), &back, why);
    layout_duration(text, &ns);
    gw_arena_fini(&a);
    return 0;
}
