/* timescan.h: reads a time at the front of a text, in the forms of loggers and servers.
 *
 *     2026-11-21 00:35:39,530   2026/11/21   2026.11.21   20261121-0:35:39:530   261121 00:35:39
 *     21-Nov-2026 00:35:39.530  21/Nov/2026:00:35:39 +0800   21 Nov 2026   21.11.2026   081109 203615
 *     Nov 21, 2026 12:35:39 AM  Nov 21 00:35:39 2026 UTC   Sat Nov 21 00:35:39.5 2026
 *     26/11/21 00:35:39         11/21/2026 12:35:39 AM     Sat, 21 Nov 2026 00:35:39 GMT
 *     11-21 00:35:39.530        11.21 00:35:39   00:35:39.530   12:35AM
 *
 * A zone may follow: Z, +08, +0800, +08:00, GMT, UTC+8, CST, Asia/Shanghai, [Asia/Shanghai], Z[UTC], and
 * one after another. An abbreviation is the given zone's own if it has that name; otherwise that of a
 * table, in which CST is China's. Of two numbers with slashes the first is the month, if possible; three of
 * two digits are year, month, day if possible. A time without a year, or without a date, is the last one
 * before `now`, or up to a day (an hour) after it.
 *
 * This reader follows what people mean; dateparse.h follows the reference engine of scripts.
 *
 * Threads: pure functions, except for zone.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TIMESCAN_H
#define TIMESCAN_H

#include "translators/text/layout.h"

/* Returns the number of bytes of the time; 0: the text does not begin with one. `now` is in seconds since
 * 1970. */
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

/* `+08`, `-0330`, `+08:00`, `+08:00:00`, and `+8` with `lax`: returns the number of bytes, 0: not an offset. */
size_t timescan_offset(gw_str text, bool lax, int *offset);

/* Names of zones: UTC, CEST. Some names are used in several parts of the world: these have the offset of the
 * part with most people. If the given zone has one of that name, the name is unambiguous. */
enum timescan_name { TIMESCAN_UNNAMED, TIMESCAN_DOUBTFUL, TIMESCAN_SURE };
enum timescan_name timescan_name(gw_str, const struct zone *, int64_t wall, int *offset);

#endif
