/* layout_std.h: the parts of Go's layouts. Used by layout.c and layout_write.c.
 * Threads: pure functions; the tables are const.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LAYOUT_STD_H
#define LAYOUT_STD_H

#include "core/base/str.h"

enum layout_std {
    LS_NONE,
    LS_MONTH_LONG,
    LS_MONTH,
    LS_MONTH_NUM,
    LS_MONTH_ZERO,
    LS_WEEKDAY_LONG,
    LS_WEEKDAY,
    LS_DAY,
    LS_DAY_UNDER,
    LS_DAY_ZERO,
    LS_YEARDAY_UNDER,
    LS_YEARDAY_ZERO,
    LS_HOUR,
    LS_HOUR12,
    LS_HOUR12_ZERO,
    LS_MINUTE,
    LS_MINUTE_ZERO,
    LS_SECOND,
    LS_SECOND_ZERO,
    LS_YEAR_LONG,
    LS_YEAR,
    LS_PM,
    LS_PM_LOWER,
    LS_TZ,
    LS_ISO_TZ, /* Z0700 and the four below it */
    LS_ISO_TZ_SECONDS,
    LS_ISO_TZ_SHORT,
    LS_ISO_TZ_COLON,
    LS_ISO_TZ_COLON_SECONDS,
    LS_NUM_TZ,
    LS_NUM_TZ_SECONDS,
    LS_NUM_TZ_SHORT,
    LS_NUM_TZ_COLON,
    LS_NUM_TZ_COLON_SECONDS,
    LS_FRACTION_ZERO,
    LS_FRACTION_NINE
};

struct layout_chunk {
    gw_str before, text, after; /* the layout around the part, and the part */
    enum layout_std std;        /* LS_NONE: no further part, the rest is `before` */
};

/* The next part of a layout. */
struct layout_chunk layout_next(gw_str layout);

extern const char *const layout_months[12], *const layout_days[7];

#endif
