/* civil.c: converts between days since 1970 and dates of the Gregorian calendar. Pure functions. Called by
 * layouts, zones, dates and syslog times.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/text/civil.h"

bool civil_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int civil_month_days(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && civil_leap(year) ? 29 : days[month - 1];
}

/* Counts years from March, in eras of 400: then leap days come last. */
int64_t civil_days(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void civil_of(int64_t seconds, struct civil *c)
{
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    c->day = (int)(of_year - (153 * month + 2) / 5 + 1);
    c->month = (int)(month < 10 ? month + 3 : month - 9);
    c->year = year + era * 400 + (c->month <= 2);
    c->hour = (int)(rest / 3600);
    c->minute = (int)(rest / 60 % 60);
    c->second = (int)(rest % 60);
    c->weekday = (int)(((days + 4) % 7 + 7) % 7);
    c->yearday = (int)(days - civil_days(c->year, 1, 1)) + 1;
}

int civil_iso_week(const struct civil *c, int64_t *year)
{
    int monday = (c->weekday + 6) % 7, thursday = c->yearday + 3 - monday,
        length = civil_leap(c->year) ? 366 : 365;
    *year = c->year;
    if (thursday < 1) {
        *year = c->year - 1;
        thursday += civil_leap(*year) ? 366 : 365;
    } else if (thursday > length) {
        *year = c->year + 1;
        thursday -= length;
    }
    return (thursday - 1) / 7 + 1;
}
