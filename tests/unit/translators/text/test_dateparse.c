/* Times in whatever form they stand in a line: which moment each is, and which are none.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "translators/text/civil.h"
#include "translators/text/dateparse.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
static const int64_t now = INT64_C(1795219200000000000); /* 2026-11-21 */

static void forms(void **state)
{
    static const struct {
        const char *text, *utc; /* as RFC3339Nano writes it */
        const char *why;
    } rows[] = {
        {"2021-06-18 10:07:08", "2021-06-18T10:07:08Z", "what most loggers write"},
        {"2021-06-18 10:07:08,786", "2021-06-18T10:07:08.786Z", "with milliseconds behind a comma"},
        {"2021-06-18T10:07:08.786123Z", "2021-06-18T10:07:08.786123Z", "ISO 8601"},
        {"2021-06-18T10:07:08+08:00", "2021-06-18T02:07:08Z", "with an offset"},
        {"2021-06-18", "2021-06-18T00:00:00Z", "a day"},
        {"2021-06", "2021-06-01T00:00:00Z", "a month"},
        {"20210618", "2021-06-18T00:00:00Z", "eight digits are a day"},
        {"20210618100708", "2021-06-18T10:07:08Z", "fourteen a second"},
        {"1624010828", "2021-06-18T10:07:08Z", "ten count seconds since 1970"},
        {"1624010828786", "2021-06-18T10:07:08.786Z", "thirteen milliseconds"},
        {"1624010828786123", "2021-06-18T10:07:08.786123Z", "sixteen microseconds"},
        {"1624010828786123456", "2021-06-18T10:07:08.786123456Z", "nineteen nanoseconds"},
        {"18/Jun/2021:10:07:08 +0800", "2021-06-18T02:07:08Z", "Apache and nginx"},
        {"18 Jun 2021 10:07:08.786", "2021-06-18T10:07:08.786Z", "Redis"},
        {"210618 10:07:08", "2021-06-18T10:07:08Z", "old MySQL"},
        {"2021/06/18 - 10:07:08", "2021-06-18T10:07:08Z", "gin"},
        {"2021-06-18 10:07:08.786 UTC", "2021-06-18T10:07:08.786Z", "PostgreSQL"},
        {"Fri Jun 18 10:07:08 2021", "2021-06-18T10:07:08Z", "ctime"},
        {"Fri, 18 Jun 2021 10:07:08 GMT", "2021-06-18T10:07:08Z", "HTTP"},
        {"Fri, 18 Jun 2021 10:07:08 -0700", "2021-06-18T17:07:08Z", "mail"},
        {"June 18, 2021, 10:07 PM", "2021-06-18T22:07:00Z", "people"},
        {"June 18th, 2021", "2021-06-18T00:00:00Z", "with a suffix of the day"},
        {"6/18/2021 10:07", "2021-06-18T10:07:00Z", "with slashes the month comes first"},
        {"3.31.2014", "2014-03-31T00:00:00Z", "with points, too"},
        {"2014\xE5\xB9\xB4"
         "04\xE6\x9C\x88"
         "08\xE6\x97\xA5",
         "2014-04-08T00:00:00Z", "Chinese"},
    };
    struct gw_arena a;
    gw_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct layout_time t;
        struct gw_text b = {.arena = &a};
        char why[LAYOUT_ERROR_SIZE] = "";
        if (!dateparse(gw_str_z(rows[i].text), zone_utc(), now, &t, why))
            fail_msg("\"%s\" is a time: %s; it says %s", rows[i].text, rows[i].why, why);
        layout_format(&b, layout_named(GW_STR("RFC3339Nano")), t, zone_utc());
        if (!gw_str_eq(gw_text_result(&b), gw_str_z(rows[i].utc)))
            fail_msg("\"%s\" is %.*s, not %s: %s", rows[i].text, GW_FMT(gw_text_result(&b)), rows[i].utc,
                     rows[i].why);
    }
    gw_arena_fini(&a);
}

/* A form that names no zone is in the one that is given; one that does is not. */
static void zones(void **state)
{
    static const struct {
        const char *text;
        int offset; /* of the zone that counts, in seconds */
        const char *why;
    } rows[] = {
        {"2021-06-18 10:07:08", 28800, "no zone"},
        {"2021-06-18T10:07:08", 28800, "no zone, with a T"},
        {"2021-06-18T10:07:08Z", 0, "Z"},
        {"2021-06-18T10:07:08-03:00", -10800, "an offset"},
        {"Fri Jun 18 10:07:08 2021", 28800, "ctime"},
    };
    const struct zone *shanghai = zone_find(GW_STR("Asia/Shanghai"));
    const int64_t wall = civil_days(2021, 6, 18) * 86400 + 10 * 3600 + 7 * 60 + 8;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct layout_time t;
        char why[LAYOUT_ERROR_SIZE] = "";
        if (!dateparse(gw_str_z(rows[i].text), shanghai, now, &t, why) || t.seconds != wall - rows[i].offset)
            fail_msg("\"%s\" is at %lld: %s %s", rows[i].text, (long long)(wall - t.seconds), rows[i].why,
                     why);
    }
}

static void no_times(void **state)
{
    static char long_text[DATEPARSE_MAX + 2];
    memset(long_text, '1', sizeof long_text - 1);
    const struct {
        gw_str text;
        const char *why;
    } rows[] = {
        {GW_LIT(""), "nothing"},
        {GW_LIT("hello"), "a word"},
        {GW_LIT("123"), "three digits"},
        {GW_LIT("2021-13-18 10:07:08"), "no such month"},
        {GW_LIT("2021-02-30 10:07:08"), "no such day"},
        {GW_LIT("2021-06-18 25:07:08"), "no such hour"},
        {GW_LIT("2021-06-18 10:07:08\0"), "a NUL at the end"},
        {GW_LIT("2021\0-06-18"), "a NUL inside"},
        {GW_LIT("June 18\0, 2021"), "a NUL is no suffix of a day"},
        {GW_LIT("\0\0\0\0\0\0\0\0\0\0\0\0"), "nothing but NULs"},
        {GW_LIT("\xFF\xFE 2021"), "bytes that are no UTF-8"},
        {gw_str_n(long_text, DATEPARSE_MAX + 1), "longer than any time"},
        {gw_str_n(long_text, DATEPARSE_MAX), "as long as the longest that is tried"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct layout_time t;
        char why[LAYOUT_ERROR_SIZE] = "";
        if (dateparse(rows[i].text, zone_utc(), now, &t, why))
            fail_msg("row %zu is %lld, and should be no time: %s", i, (long long)t.seconds, rows[i].why);
        if (!*why)
            fail_msg("row %zu does not say why it is no time: %s", i, rows[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(zones),
                                       cmocka_unit_test(no_times)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
