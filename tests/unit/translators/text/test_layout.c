/* Go's layouts: their parts, times read and written by them, strftime, durations. SPDX-License-Identifier:
 * Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "translators/text/civil.h"
#include "translators/text/layout.h"
#include "translators/text/layout_std.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
/* 2009-02-04 21:00:57.012345678 UTC, a Wednesday */
static const struct layout_time moment = {1233781257, 12345678};

/* --- layout_std: the parts of a layout --- */

static void parts(void **state)
{
    static const struct {
        const char *layout, *before, *text, *after;
        enum layout_std std;
        const char *why;
    } rows[] = {
        {"2006-01-02", "", "2006", "-01-02", LS_YEAR_LONG, "the first part"},
        {"-01-02", "-", "01", "-02", LS_MONTH_ZERO, "a minus alone is text"},
        {"at 15h", "at ", "15", "h", LS_HOUR, "text around a part"},
        {"January", "", "January", "", LS_MONTH_LONG, "the whole name before the short one"},
        {"Jan 2", "", "Jan", " 2", LS_MONTH, "the short one"},
        {"Janet", "Janet", "", "", LS_NONE, "no month, for a small letter follows"},
        {"Months", "Months", "", "", LS_NONE, "nor a weekday"},
        {"Monday", "", "Monday", "", LS_WEEKDAY_LONG, "a weekday"},
        {"_2", "", "_2", "", LS_DAY_UNDER, "a day with a blank before it"},
        {"_2006", "_", "2006", "", LS_YEAR_LONG, "and no day before a year"},
        {"__2", "", "__2", "", LS_YEARDAY_UNDER, "the day of the year"},
        {"002", "", "002", "", LS_YEARDAY_ZERO, "with zeroes"},
        {"-0700", "", "-0700", "", LS_NUM_TZ, "an offset"},
        {"-07:00:00", "", "-07:00:00", "", LS_NUM_TZ_COLON_SECONDS, "the longest that fits"},
        {"Z07:00", "", "Z07:00", "", LS_ISO_TZ_COLON, "an offset that may be Z"},
        {".000", "", ".000", "", LS_FRACTION_ZERO, "a fraction that is always there"},
        {",999", "", ",999", "", LS_FRACTION_NINE, "one that may be left out, behind a comma"},
        {".0001", ".00", "01", "", LS_MONTH_ZERO, "no fraction, for another digit follows"},
        {"PM", "", "PM", "", LS_PM, "noon"},
        {"hello", "hello", "", "", LS_NONE, "nothing"},
        {"", "", "", "", LS_NONE, "nothing at all"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct layout_chunk c = layout_next(gw_str_z(rows[i].layout));
        if (c.std != rows[i].std || !gw_str_eq(c.before, gw_str_z(rows[i].before)) ||
            !gw_str_eq(c.text, gw_str_z(rows[i].text)) || !gw_str_eq(c.after, gw_str_z(rows[i].after)))
            fail_msg("\"%s\" is cut into \"%.*s\", \"%.*s\", \"%.*s\" (%d): %s", rows[i].layout,
                     GW_FMT(c.before), GW_FMT(c.text), GW_FMT(c.after), (int)c.std, rows[i].why);
    }
}

/* --- layout: times read --- */

static void times_that_are_read(void **state)
{
    static const struct {
        const char *layout, *text, *zone;
        int64_t seconds;
        int nsec;
        const char *why;
    } rows[] = {
        {"2006-01-02 15:04:05", "2009-02-04 21:00:57", "UTC", 1233781257, 0, "a date and a time of day"},
        {"2006-01-02 15:04:05", "2009-02-04 21:00:57", "Asia/Shanghai", 1233752457, 0, "in a zone"},
        {"2006-01-02 15:04:05", "2009-02-04 21:00:57.25", "UTC", 1233781257, 250000000,
         "with a fraction that nobody asked for"},
        {"2006-01-02 15:04:05", "2009-02-04 21:00:57,25", "UTC", 1233781257, 250000000,
         "behind a comma, too"},
        {"2006-01-02 15:04:05.000", "2009-02-04 21:00:57.012", "UTC", 1233781257, 12000000,
         "with one that was asked for"},
        {"2006-01-02 15:04:05.999", "2009-02-04 21:00:57", "UTC", 1233781257, 0,
         "with one that may be missing"},
        {"2006-01-02T15:04:05Z07:00", "2009-02-04T21:00:57Z", "Asia/Shanghai", 1233781257, 0,
         "Z is UTC, whatever the zone"},
        {"2006-01-02T15:04:05Z07:00", "2009-02-04T21:00:57-08:00", "UTC", 1233810057, 0,
         "an offset wins over the zone"},
        {"2006-01-02 15:04:05 -0700", "2009-02-04 21:00:57 +0530", "UTC", 1233761457, 0,
         "an offset without a colon"},
        {"Jan _2 15:04:05 2006 MST", "Feb  4 21:00:57 2009 PST", "America/Los_Angeles", 1233810057, 0,
         "an abbreviation of the zone"},
        {"Jan _2 15:04:05 2006 MST", "Feb  4 21:00:57 2009 XYZ", "America/Los_Angeles", 1233781257, 0,
         "another one counts as UTC"},
        {"Monday, January 2, 2006", "wednesday, FEBRUARY 4, 2009", "UTC", 1233705600, 0, "names in any case"},
        {"3:04PM 1/2/06", "12:30AM 2/4/09", "UTC", 1233707400, 0, "half past midnight"},
        {"3:04pm 1/2/06", "12:30pm 2/4/69", "UTC", -28553400, 0,
         "noon; years from 69 are of the last century"},
        {"2006 002", "2008 366", "UTC", 1230681600, 0, "the last day of a leap year"},
        {"2006-01-02 15:04:05", "2009-03-29 02:30:00", "Europe/Berlin", 1238290200, 0,
         "a wall clock that there was not"},
        {"2006-01-02 15:04:05", "2009-10-25 02:30:00", "Europe/Berlin", 1256434200, 0,
         "one that there was twice is the later one"},
        {"Jan  2", "Feb     4", "UTC", -62164281600, 0,
         "blanks stand for any number of them; without a year it is 0"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct layout_time t = {0, 0};
        char why[LAYOUT_ERROR_SIZE] = "";
        bool read = layout_parse(gw_str_z(rows[i].layout), gw_str_z(rows[i].text),
                                 zone_find(gw_str_z(rows[i].zone)), &t, why);
        if (!read || t.seconds != rows[i].seconds || t.nsec != rows[i].nsec)
            fail_msg("\"%s\" in %s is %lld.%09d, not %lld: %s %s", rows[i].text, rows[i].zone,
                     (long long)t.seconds, t.nsec, (long long)rows[i].seconds, rows[i].why, why);
    }
}

static void times_that_are_not(void **state)
{
    static const struct {
        const char *layout;
        gw_str text;
        const char *says;
    } rows[] = {
        {"2006-01-02", GW_LIT("2009-02"),
         "parsing time \"2009-02\" as \"2006-01-02\": cannot parse \"\" as \"-\""},
        {"2006-01-02", GW_LIT("2009-x"), "cannot parse \"x\" as \"01\""},
        {"2006-01-02", GW_LIT("2009-13-01"), "parsing time \"2009-13-01\": month out of range"},
        {"2006-01-02", GW_LIT("2009-02-29"), "day out of range"},
        {"2006-01-02", GW_LIT("2009-02-04x"), "extra text: \"x\""},
        {"2006-01-02", GW_LIT("2009-02-04\0"), "extra text: \"\\x00\""},
        {"2006-01-02", GW_LIT("2009\0-02-04"), "cannot parse \"\\x00-02-04\" as \"-\""},
        {"15:04", GW_LIT("24:00"), "hour out of range"},
        {"15:04:05", GW_LIT("10:00:60"), "second out of range"},
        {"3:04PM", GW_LIT("13:00PM"), "hour out of range"},
        {"3:04PM", GW_LIT("1:00 M"), "cannot parse \" M\" as \"PM\""},
        {"2006 002", GW_LIT("2009 366"), "day-of-year out of range"},
        {"-0700", GW_LIT("+2500"), "time zone offset hour out of range"},
        {"MST", GW_LIT("mst"), "cannot parse \"mst\" as \"MST\""},
        {"Jan", GW_LIT("Foo"), "cannot parse \"Foo\" as \"Jan\""},
        {".000", GW_LIT(".12"), "cannot parse \".12\" as \".000\""},
        {"2006", GW_LIT("\xC3\xA9"), "cannot parse \"\\xc3\\xa9\" as \"2006\""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct layout_time t;
        char why[LAYOUT_ERROR_SIZE] = "";
        if (layout_parse(gw_str_z(rows[i].layout), rows[i].text, zone_utc(), &t, why))
            fail_msg("\"%.*s\" was read by %s", GW_FMT(rows[i].text), rows[i].layout);
        if (!strstr(why, rows[i].says))
            fail_msg("\"%.*s\" by %s says \"%s\"", GW_FMT(rows[i].text), rows[i].layout, why);
        /* when nobody asks why */
        assert_false(layout_parse(gw_str_z(rows[i].layout), rows[i].text, zone_utc(), &t, NULL));
    }
}

/* --- layout_write --- */

typedef void write_f(struct gw_text *, gw_str, struct layout_time, const struct zone *);

static void check_written(write_f *write, const char *format, struct layout_time t, const char *zone,
                          const char *want, const char *why)
{
    struct gw_arena a;
    gw_arena_init(&a, 1 << 20);
    struct gw_text b = {.arena = &a};
    write(&b, gw_str_z(format), t, zone_find(gw_str_z(zone)));
    if (!gw_str_eq(gw_text_result(&b), gw_str_z(want)))
        fail_msg("%s writes \"%.*s\", not \"%s\": %s", format, GW_FMT(gw_text_result(&b)), want, why);
    gw_arena_fini(&a);
}

static void written_by_layouts(void **state)
{
    static const struct {
        const char *layout, *zone, *text, *why;
    } rows[] = {
        {"2006-01-02 15:04:05", "UTC", "2009-02-04 21:00:57", "a date and a time of day"},
        {"06 1 2 3 4 5", "UTC", "09 2 4 9 0 57", "numbers without zeroes"},
        {"Monday January _2 03:04PM", "UTC", "Wednesday February  4 09:00PM", "names, and twelve hours"},
        {"Mon Jan 02 pm", "UTC", "Wed Feb 04 pm", "short names"},
        {".000 .000000000", "UTC", ".012 .012345678", "fractions with all their digits"},
        {".999 ,999999", "UTC", ".012 ,012345", "fractions that lose zeroes at their end"},
        {"002 __2", "UTC", "035  35", "the day of the year"},
        {"Z07:00 -07:00 MST", "UTC", "Z +00:00 UTC", "no offset"},
        {"Z07:00 -0700 -07 MST", "America/New_York", "-05:00 -0500 -05 EST", "an offset"},
        {"2006-01-02 15:04 Z07:00", "Asia/Kathmandu", "2009-02-05 02:45 +05:45",
         "another day in another zone"},
        {"hello", "UTC", "hello", "a layout without parts"},
        {"", "UTC", "", "an empty one"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_written(layout_format, rows[i].layout, moment, rows[i].zone, rows[i].text, rows[i].why);
    check_written(layout_format, "2006.999999999", (struct layout_time){0, 0}, "UTC", "1970",
                  "a fraction of nothing is left out");
    assert_true(gw_str_eq(layout_named(GW_STR("RFC3339")), GW_STR("2006-01-02T15:04:05Z07:00")));
    assert_int_equal(layout_named(GW_STR("RFC3339\0")).len, 0);
}

static void written_by_strftime(void **state)
{
    static const struct {
        const char *format, *zone, *text, *why;
    } rows[] = {
        {"%Y-%m-%d %H:%M:%S", "UTC", "2009-02-04 21:00:57", "a date and a time of day"},
        {"%F %T %R %D", "UTC", "2009-02-04 21:00:57 21:00 02/04/09", "directives that stand for several"},
        {"%a %A %b %B %p %P", "UTC", "Wed Wednesday Feb February PM pm", "names"},
        {"%^a %#p %10b|", "UTC", "WED pm        Feb|", "in capitals, the other way round, padded"},
        {"%-d %e %05d %_H", "UTC", "4  4 00004 21", "how numbers are padded"},
        {"%z %:z %::z %Z", "Asia/Shanghai", "+0800 +08:00 +08:00:00 CST", "zones"},
        {"%j %U %W %V %G %u %w", "UTC", "035 05 05 06 2009 3 3", "days and weeks of the year"},
        {"%s %f", "UTC", "1233781257 012345", "seconds since 1970, and microseconds"},
        {"100%% %n|%t|", "UTC", "100% \n|\t|", "signs"},
        {"%Q %", "UTC", "%Q %", "what is unknown stays"},
        {"", "UTC", "", "nothing"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_written(layout_strftime, rows[i].format, moment, rows[i].zone, rows[i].text, rows[i].why);
}

/* What is written is read back, second by second of a day in a zone with an odd offset. */
static void there_and_back(void **state)
{
    const struct zone *z = zone_find(GW_STR("Australia/Lord_Howe"));
    struct gw_arena a;
    gw_arena_init(&a, 1 << 20);
    for (int64_t s = 0; s < 86400 * 400; s += 40009) {
        struct gw_text b = {.arena = &a};
        struct layout_time t = {moment.seconds + s, (int)(s % 1000) * 1000000}, back;
        layout_format(&b, layout_named(GW_STR("RFC3339Nano")), t, z);
        assert_true(
            layout_parse(layout_named(GW_STR("RFC3339Nano")), gw_text_result(&b), zone_utc(), &back, NULL));
        if (back.seconds != t.seconds || back.nsec != t.nsec)
            fail_msg("%.*s is %lld.%09d", GW_FMT(gw_text_result(&b)), (long long)back.seconds, back.nsec);
        gw_arena_reset(&a, 1 << 20);
    }
    gw_arena_fini(&a);
}

static void durations(void **state)
{
    static const struct {
        gw_str text;
        bool good;
        int64_t ns;
        const char *why;
    } rows[] = {
        {GW_LIT("1h2m3.5s"), true, INT64_C(3723500000000), "several units"},
        {GW_LIT("1.5h"), true, INT64_C(5400000000000), "a fraction of an hour"},
        {GW_LIT("250ms"), true, 250000000, "milliseconds"},
        {GW_LIT("1us1\xC2\xB5s1\xCE\xBCs"), true, 3000, "both letters that are written for micro"},
        {GW_LIT("-2s"), true, -2000000000, "a minus"},
        {GW_LIT("+2s"), true, 2000000000, "a plus"},
        {GW_LIT("0"), true, 0, "nothing needs no unit"},
        {GW_LIT(".5s"), true, 500000000, "a fraction alone"},
        {GW_LIT("9223372036854775807ns"), true, INT64_MAX, "the longest"},
        {GW_LIT("9223372036854775808ns"), false, 0, "longer"},
        {GW_LIT("-9223372036854775808ns"), true, INT64_MIN, "the longest one back"},
        {GW_LIT(""), false, 0, "nothing"},
        {GW_LIT("5"), false, 0, "no unit"},
        {GW_LIT("5d"), false, 0, "days are none"},
        {GW_LIT(".s"), false, 0, "no number"},
        {GW_LIT("1s2"), false, 0, "a unit is missing"},
        {GW_LIT("1 s"), false, 0, "a blank"},
        {GW_LIT("1s\0"), false, 0, "a NUL"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t ns;
        bool good = layout_duration(rows[i].text, &ns);
        if (good != rows[i].good || (good && ns != rows[i].ns))
            fail_msg("\"%.*s\" is %lld: %s", GW_FMT(rows[i].text), (long long)ns, rows[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts),
        cmocka_unit_test(times_that_are_read),
        cmocka_unit_test(times_that_are_not),
        cmocka_unit_test(written_by_layouts),
        cmocka_unit_test(written_by_strftime),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
