/* posix_tz.h: time zones as POSIX writes them: in TZ of the environment, and at the end of a TZif file for
 * the years after its table.
 *
 *     CST-8                       standard time, 8 hours east of Greenwich: POSIX counts west
 *     <+08>-8                     the same; in angle brackets a name may hold digits and signs
 *     EST5EDT,M3.2.0,M11.1.0      summer time from the second Sunday of March to the first of November, from 2:00 to 2:00
 *     …,J60/1,J300/25:30          days of the year from 1 without 29 February; the changes come at 1:00 and at 25:30
 *     …,59,299/-1                 days of the year from 0 with 29 February
 *
 * A change comes from -167 to 167 hours after midnight of its day (RFC 8536, section 3.3.1). Summer time is
 * an hour ahead unless its name is followed by an offset. Without changes they are those of the United States
 * since 2007, as in glibc.
 *
 * Summer time lasts from its beginning to the first end after it, which is in the next year on the southern
 * half of the earth. Where that is a year or longer it never ends.
 *
 * Ownership: a zone holds views of the text that it was read from. Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef POSIX_TZ_H
#define POSIX_TZ_H

#include "core/base/str.h"

/* Offset and name of a period. */
struct posix_tz_type {
    int32_t offset; /* seconds east of Greenwich */
    bool dst;
    gw_str abbreviation;
};

enum posix_tz_day { POSIX_TZ_MONTH_WEEK, POSIX_TZ_JULIAN, POSIX_TZ_ZERO_BASED };

/* When one change of a year comes. */
struct posix_tz_change {
    enum posix_tz_day form;
    int month, week, day; /* month and week of POSIX_TZ_MONTH_WEEK only, where day is that of the week */
    int seconds;          /* of the local time that ends then, since midnight */
};

struct posix_tz {
    bool has_dst;
    struct posix_tz_type standard, summer;
    struct posix_tz_change begin, end; /* of summer time */
};

struct posix_tz_span {
    const struct posix_tz_type *type; /* of the zone */
    int64_t begin, end;               /* seconds since 1970 for which it is known to hold */
};

/* The whole text. False: it is not such a text, and *tz is undefined. */
bool posix_tz_parse(struct posix_tz *tz, gw_str text);
struct posix_tz_span posix_tz_at(const struct posix_tz *, int64_t seconds);

#endif
