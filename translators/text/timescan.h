/* timescan.h: a time at the front of a text, in the forms that loggers and servers write.
 *
 *     2026-11-21 00:35:39,530   2026/11/21   2026.11.21   20261121-0:35:39:530   261121 00:35:39
 *     21-Nov-2026 00:35:39.530  21/Nov/2026:00:35:39 +0800   21 Nov 2026   21.11.2026   081109 203615
 *     Nov 21, 2026 12:35:39 AM  Nov 21 00:35:39 2026 UTC   Sat Nov 21 00:35:39.5 2026
 *     26/11/21 00:35:39         11/21/2026 12:35:39 AM     Sat, 21 Nov 2026 00:35:39 GMT
 *     11-21 00:35:39.530        11.21 00:35:39   00:35:39.530   12:35AM
 *
 * behind it a zone: Z, +08, +0800, +08:00, GMT, UTC+8, CST, Asia/Shanghai, [Asia/Shanghai], Z[UTC], and one
 * behind another. An abbreviation is the given zone's own where it has one of that name; else that of a
 * table, in which CST is China's. Of two numbers with slashes the first is the month, unless it cannot be;
 * three of two digits are year, month, day if they can be. A time without a year, or without a date, is the
 * last one before `now`, or up to a day (an hour) after it.
 *
 * This is what people mean; dateparse.h is what the reference engine of scripts does.
 *
 * Pure functions but for zone.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TIMESCAN_H
#define TIMESCAN_H

#include "translators/text/layout.h"

/* How many bytes the time takes; 0: none stands there. `now` is in seconds since 1970. */
size_t timescan(gw_str text, const struct zone *, int64_t now, struct layout_time *out);
/* The zone behind a wall clock (seconds): how many bytes it takes, with the blank before it; 0: none. */
size_t timescan_zone(gw_str text, const struct zone *, int64_t wall, int *offset);

/* Parts of times. Offsets are seconds east. */

/* A fraction of a second with its mark: `.530`, `,530`, `:530`: how many bytes it takes; 0: none. */
static inline size_t timescan_fraction(gw_str s, int *ns)
{
    int unit = 100000000;
    size_t n = 1;
    *ns = 0;
    if (!gw_digit_at(s, 1) || (*s.ptr != '.' && *s.ptr != ',' && *s.ptr != ':'))
        return 0;
    for (; gw_digit_at(s, n); n++, unit /= 10)
        *ns += (s.ptr[n] - '0') * unit;
    return n;
}

/* `+08`, `-0330`, `+08:00`, `+08:00:00`, and `+8` where `lax`: how many bytes, 0: that is none. */
size_t timescan_offset(gw_str text, bool lax, int *offset);

/* What zones are called: UTC, CEST. Some names are used in several parts of the world: of those the offset is
 * that of the part with most people. Where the given zone has one of that name, there is no doubt. */
enum timescan_name { TIMESCAN_UNNAMED, TIMESCAN_DOUBTFUL, TIMESCAN_SURE };
enum timescan_name timescan_name(gw_str, const struct zone *, int64_t wall, int *offset);

#endif
