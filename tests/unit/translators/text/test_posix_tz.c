/* POSIX time zones: what is one, what it says at a moment, and, over random ones, that glibc says the same.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* tm_gmtoff */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "translators/text/civil.h"
#include "translators/text/posix_tz.h"

#define AT(year, month, day, hour) (civil_days(year, month, day) * 86400 + (hour)*3600)

static void good_and_bad_texts(void **state)
{
    static const struct {
        const char *text;
        bool good;
        const char *why;
    } rows[] = {
        {"CST-8", true, "a name and an offset"},
        {"CST-08:00:00", true, "an offset with minutes and seconds"},
        {"UTC+0", true, "an offset with a plus"},
        {"<+08>-8", true, "a name with digits, quoted"},
        {"<-0330>3:30", true, "a quoted name and minutes"},
        {"EST5EDT", true, "summer time by the rules of the United States"},
        {"EST5EDT4,M3.2.0,M11.1.0", true, "summer time with an offset of its own"},
        {"EST5EDT,J60/2,J300", true, "days of the year without 29 February"},
        {"EST5EDT,0/0,J365/25", true, "summer time all year"},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", true, "a change before midnight"},
        {"IST-2IDT,M3.4.4/167,M10.5.0/-167:59:59", true, "the longest times of a change"},
        {"XXX24YYY,365,0", true, "the bounds of offset and day"},
        {"", false, "nothing"},
        {"CST", false, "no offset"},
        {"Asia/Shanghai", false, "a name of the database"},
        {"CS-8", false, "a name of two letters"},
        {"<C>-8", false, "a quoted name of one letter"},
        {"<+08-8", false, "a quote that does not end"},
        {"<+0 8>-8", false, "a blank in a quoted name"},
        {"C\xC3\xA9T-8", false, "a letter that is not of ASCII"},
        {"CST-25", false, "more than 24 hours from Greenwich"},
        {"CST-8:60", false, "sixty minutes"},
        {"CST-8:", false, "no minutes after the colon"},
        {"CST--8", false, "two signs"},
        {"CST-8 ", false, "a blank at the end"},
        {"CST-8CDT,", false, "no changes after the comma"},
        {"CST-8CDT,M3.2.0", false, "one change only"},
        {"CST-8CDT,M3.2.0,M11.1.0,M12.1.0", false, "three changes"},
        {"CST-8CDT,M0.2.0,M11.1.0", false, "no such month"},
        {"CST-8CDT,M13.2.0,M11.1.0", false, "no such month"},
        {"CST-8CDT,M3.0.0,M11.1.0", false, "no such week"},
        {"CST-8CDT,M3.6.0,M11.1.0", false, "no such week"},
        {"CST-8CDT,M3.2.7,M11.1.0", false, "no such day of the week"},
        {"CST-8CDT,J0,J300", false, "days of J begin with 1"},
        {"CST-8CDT,J366,J300", false, "no such day"},
        {"CST-8CDT,366,300", false, "no such day"},
        {"CST-8CDT,J60/168,J300", false, "a change 168 hours away"},
        {"CST-8CDT,J60/,J300", false, "no time after the slash"},
        {"CST-8CDT,J60J300", false, "no comma between changes"},
        {"CST-00000008", false, "a number of eight digits"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct posix_tz tz;
        if (posix_tz_parse(&tz, gw_str_z(rows[i].text)) != rows[i].good)
            fail_msg("\"%s\" should%s be a zone: %s", rows[i].text, rows[i].good ? "" : " not", rows[i].why);
    }
}

static void nul_is_no_character(void **state)
{
    static const gw_str rows[] = {GW_LIT("CST-8\0"), GW_LIT("CS\0T-8"), GW_LIT("\0CST-8"), GW_LIT("<+0\0>-8"),
                                  GW_LIT("CST-8CDT,J60\0,J300")};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct posix_tz tz;
        if (posix_tz_parse(&tz, rows[i]))
            fail_msg("row %zu holds a NUL and was read as a zone", i);
    }
}

static void moments(void **state)
{
    const struct {
        const char *text;
        int64_t at;
        int offset;
        const char *abbreviation, *why;
    } rows[] = {
        {"CST-8", AT(2026, 7, 1, 0), 28800, "CST", "minus is east of Greenwich"},
        {"<+0545>-5:45", AT(2026, 7, 1, 0), 20700, "+0545", "the quotes are no part of the name"},
        {"EST5EDT", AT(2026, 3, 8, 7) - 1, -18000, "EST",
         "a second before 2:00 of the second Sunday of March"},
        {"EST5EDT", AT(2026, 3, 8, 7), -14400, "EDT", "summer time begins at 2:00 of standard time"},
        {"EST5EDT", AT(2026, 11, 1, 6) - 1, -14400, "EDT", "a second before 2:00 of summer time"},
        {"EST5EDT", AT(2026, 11, 1, 6), -18000, "EST", "summer time ends at 2:00 of summer time"},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", AT(2026, 1, 1, 0), 39600, "AEDT",
         "on the southern half New Year is in summer"},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", AT(2026, 7, 1, 0), 36000, "AEST", "and July is in winter"},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", AT(2026, 1, 1, 0), 0, "GMT",
         "Ireland's summer time is in winter, and behind"},
        {"XST0XDT,J60/0,J300/0", AT(2028, 2, 29, 23), 0, "XST", "J60 is 1 March in a leap year"},
        {"XST0XDT,J60/0,J300/0", AT(2028, 3, 1, 0), 3600, "XDT", "J60 is 1 March in a leap year"},
        {"XST0XDT,J60/0,J300/0", AT(2026, 3, 1, 0), 3600, "XDT", "and in any other"},
        {"XST0XDT,59/0,299/0", AT(2028, 2, 29, 0), 3600, "XDT", "day 59 is 29 February in a leap year"},
        {"XST0XDT,59/0,299/0", AT(2026, 2, 28, 23), 0, "XST", "and 1 March in any other"},
        {"XST0XDT,M3.5.0/0,M9.5.0/0", AT(2026, 3, 29, 0), 3600, "XDT", "the fifth Sunday"},
        {"XST0XDT,M2.5.0/0,M9.5.0/0", AT(2026, 2, 22, 0), 3600, "XDT",
         "is the last one where there are four"},
        {"XST0XDT,M6.1.0/-167,M9.1.0/0", AT(2026, 5, 31, 1), 3600, "XDT",
         "a week before the first Sunday of June (7 June), but an hour"},
        {"XST0XDT,M6.1.0/-167,M9.1.0/0", AT(2026, 5, 31, 1) - 1, 0, "XST", "and not a second earlier"},
        {"XST0XDT,J1/-24,J180/0", AT(2025, 12, 31, 0), 3600, "XDT", "a summer of 2026 that begins in 2025"},
        {"XST0XDT,J1/-24,J180/0", AT(2025, 12, 31, 0) - 1, 0, "XST", "and not a second earlier"},
        {"XST0XDT,J180/0,J365/49", AT(2026, 1, 1, 23), 3600, "XDT", "a summer of 2025 that ends in 2026"},
        {"XST0XDT,J180/0,J365/49", AT(2026, 1, 2, 0), 0, "XST", "at 49 hours of 31 December by summer time"},
        {"EST5EDT,0/0,J365/25", AT(2026, 1, 1, 5), -14400, "EDT", "summer time all year: as the year begins"},
        {"EST5EDT,0/0,J365/25", AT(2026, 1, 1, 5) - 1, -14400, "EDT", "summer time all year: as it ends"},
        {"EST5EDT,0/0,J365/25", AT(2026, 12, 1, 0), -14400, "EDT", "summer time all year: in December"},
        {"EST5EDT", INT64_MAX, -18000, "EST", "the end of time"},
        {"EST5EDT", INT64_MIN, -18000, "EST", "the beginning of time"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct posix_tz tz;
        assert_true(posix_tz_parse(&tz, gw_str_z(rows[i].text)));
        struct posix_tz_span s = posix_tz_at(&tz, rows[i].at);
        if (s.type->offset != rows[i].offset ||
            !gw_str_eq(s.type->abbreviation, gw_str_z(rows[i].abbreviation)))
            fail_msg("%s at %lld is %d %.*s: %s", rows[i].text, (long long)rows[i].at, s.type->offset,
                     GW_FMT(s.type->abbreviation), rows[i].why);
        if (s.begin > rows[i].at || (s.end <= rows[i].at && s.end != INT64_MAX))
            fail_msg("%s at %lld: the span does not hold the moment", rows[i].text, (long long)rows[i].at);
    }
}

/* --- against glibc --- */

static uint64_t seed = UINT64_C(0x9E3779B97F4A7C15);

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static int between(int low, int high)
{
    return low + (int)(next_random() % (uint64_t)(high - low + 1));
}

static int write_time(char *to, size_t size, int hours)
{
    switch (between(0, 2)) {
    case 0:
        return snprintf(to, size, "%d", hours);
    case 1:
        return snprintf(to, size, "%d:%02d", hours, between(0, 59));
    default:
        return snprintf(to, size, "%d:%02d:%02d", hours, between(0, 59), between(0, 59));
    }
}

/* A day of the month in one of the three forms, with a time. glibc looks at the changes of the year of
 * Greenwich only, so changes are kept away from New Year; and twenty days from each other. */
static int write_change(char *to, size_t size, int month)
{
    int n;
    switch (between(0, 2)) {
    case 0:
        n = snprintf(to, size, ",M%d.%d.%d", month, between(1, 5), between(0, 6));
        break;
    case 1:
        n = snprintf(to, size, ",J%d", (month - 1) * 30 + between(1, 28));
        break;
    default:
        n = snprintf(to, size, ",%d", (month - 1) * 30 + between(1, 28));
    }
    if (between(0, 1)) {
        to[n++] = '/';
        n += write_time(to + n, size - (size_t)n, between(-167, 167));
    }
    return n;
}

static void write_zone(char *to, size_t size)
{
    static const char *const names[] = {"CST", "<+08>", "ABCDEFG", "<-0330>", "<A1b>"};
    int n = snprintf(to, size, "%s", names[between(0, 4)]);
    n += write_time(to + n, size - (size_t)n, between(-24, 23));
    if (between(0, 4) == 0)
        return;
    n += snprintf(to + n, size - (size_t)n, "%s", between(0, 1) ? "CDT" : "<+09>");
    if (between(0, 1))
        n += write_time(to + n, size - (size_t)n, between(-24, 23));
    int begin = between(3, 10), end = begin < 7 ? between(begin + 2, 10) : between(3, begin - 2);
    n += write_change(to + n, size - (size_t)n, begin);
    write_change(to + n, size - (size_t)n, end);
}

static void compare(const char *text, const struct posix_tz *tz, int64_t seconds)
{
    struct tm tm;
    time_t t = (time_t)seconds;
    assert_non_null(localtime_r(&t, &tm));
    struct posix_tz_span s = posix_tz_at(tz, seconds);
    if (tm.tm_gmtoff != s.type->offset || (tm.tm_isdst > 0) != s.type->dst ||
        !gw_str_eq(s.type->abbreviation, gw_str_z(tm.tm_zone)))
        fail_msg("TZ=%s at %lld: glibc says %ld %s, we %d %.*s", text, (long long)seconds, tm.tm_gmtoff,
                 tm.tm_zone, s.type->offset, GW_FMT(s.type->abbreviation));
    if (seconds < s.begin || seconds >= s.end)
        fail_msg("TZ=%s at %lld: the span does not hold the moment", text, (long long)seconds);
}

static void as_glibc(void **state)
{
    enum { ZONES = 3000, MOMENTS = 40 };
    const int64_t last = AT(2100, 12, 31, 0);
    for (int i = 0; i < ZONES; i++) {
        char text[128];
        struct posix_tz tz;
        write_zone(text, sizeof text);
        if (!posix_tz_parse(&tz, gw_str_z(text)))
            fail_msg("%s should be a zone", text);
        setenv("TZ", text, 1);
        tzset();
        for (int k = 0; k < MOMENTS; k++) {
            int64_t at = (int64_t)(next_random() % (uint64_t)last);
            struct posix_tz_span s = posix_tz_at(&tz, at);
            compare(text, &tz, at);
            if (s.begin > 0 && s.begin < last) {
                compare(text, &tz, s.begin);
                compare(text, &tz, s.begin - 1);
            }
            if (s.end < last) {
                compare(text, &tz, s.end);
                compare(text, &tz, s.end - 1);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_and_bad_texts),
        cmocka_unit_test(nul_is_no_character),
        cmocka_unit_test(moments),
        cmocka_unit_test(as_glibc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
