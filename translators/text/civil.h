/* civil.h: days, months and years of the Gregorian calendar, for all years that occur. Pure arithmetic, no
 * zones.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CIVIL_H
#define CIVIL_H

#include <stdbool.h>
#include <stdint.h>

struct civil {
    int64_t year;
    int month, day; /* from 1 */
    int hour, minute, second;
    int weekday; /* 0: Sunday */
    int yearday; /* from 1 */
};

bool civil_leap(int64_t year);
int civil_month_days(int64_t year, int month);
/* Days since 1970-01-01. */
int64_t civil_days(int64_t year, int month, int day);
/* Of seconds since 1970. */
void civil_of(int64_t seconds, struct civil *);
/* Mon = 0… of the ISO week, and the year that it belongs to. */
int civil_iso_week(const struct civil *, int64_t *year);

#endif
