/* The calendar: known days, weeks of the ISO, and there and back over six thousand years.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "translators/text/civil.h"

static void known_days(void **state)
{
    static const struct {
        int64_t year;
        int month, day, weekday, yearday;
        int64_t days, iso_year;
        int iso_week;
        const char *why;
    } rows[] = {
        {1970, 1, 1, 4, 1, 0, 1970, 1, "the first day of all"},
        {1969, 12, 31, 3, 365, -1, 1970, 1, "the day before it"},
        {2000, 2, 29, 2, 60, 11016, 2000, 9, "a leap day: 400 divides the year"},
        {1900, 3, 1, 4, 60, -25508, 1900, 9, "no leap day before it: 100 does, and 400 does not"},
        {2024, 2, 29, 4, 60, 19782, 2024, 9, "a leap day: 4 divides the year"},
        {2024, 12, 31, 2, 366, 20088, 2025, 1, "the end of a leap year is in week 1 of the next"},
        {2021, 1, 3, 0, 3, 18630, 2020, 53, "the first Sunday of 2021 is in week 53 of 2020"},
        {2026, 11, 21, 6, 325, 20778, 2026, 47, "a Saturday"},
        {0, 3, 1, 3, 61, -719468, 0, 9, "the year 0 is a leap year"},
        {-1, 12, 31, 5, 365, -719529, -1, 52, "years before it are negative"},
        {9999, 12, 31, 5, 365, 2932896, 9999, 52, "the last day of four digits"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct civil c;
        int64_t iso_year;
        if (civil_days(rows[i].year, rows[i].month, rows[i].day) != rows[i].days)
            fail_msg("row %zu is %lld days from 1970: %s", i,
                     (long long)civil_days(rows[i].year, rows[i].month, rows[i].day), rows[i].why);
        civil_of(rows[i].days * 86400 + 86399, &c);
        int week = civil_iso_week(&c, &iso_year);
        if (c.year != rows[i].year || c.month != rows[i].month || c.day != rows[i].day ||
            c.weekday != rows[i].weekday || c.yearday != rows[i].yearday || c.hour != 23 || c.minute != 59 ||
            c.second != 59)
            fail_msg("row %zu is %lld-%d-%d, day %d of the week and %d of the year: %s", i, (long long)c.year,
                     c.month, c.day, c.weekday, c.yearday, rows[i].why);
        if (week != rows[i].iso_week || iso_year != rows[i].iso_year)
            fail_msg("row %zu is in week %d of %lld: %s", i, week, (long long)iso_year, rows[i].why);
    }
}

/* Day by day, against counting. */
static void every_day(void **state)
{
    int64_t year = -2000;
    int month = 1, day = 1, yearday = 1, weekday = -1;
    for (int64_t days = civil_days(year, 1, 1); year < 4000; days++) {
        struct civil c;
        civil_of(days * 86400, &c);
        weekday = weekday < 0 ? c.weekday : (weekday + 1) % 7;
        if (c.year != year || c.month != month || c.day != day || c.yearday != yearday ||
            c.weekday != weekday || c.hour || c.second)
            fail_msg("%lld days from 1970 are %lld-%d-%d", (long long)days, (long long)c.year, c.month,
                     c.day);
        if (civil_days(year, month, day) != days)
            fail_msg("%lld-%d-%d is not %lld days from 1970", (long long)year, month, day, (long long)days);
        yearday++;
        if (++day <= civil_month_days(year, month))
            continue;
        day = 1;
        if (++month <= 12)
            continue;
        assert_int_equal(yearday - 1, civil_leap(year) ? 366 : 365);
        month = yearday = 1;
        year++;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_days), cmocka_unit_test(every_day)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
