/* Zones: which text is which, what TZ of the process means, and that the rule after a file's last change says
 * what glibc says.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* tm_gmtoff, mkdtemp */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "translators/text/civil.h"
#include "translators/text/zone.h"

#define AT(year, month, day, hour) (civil_days(year, month, day) * 86400 + (hour)*3600)
#define NOW AT(2026, 7, 1, 0)
enum { NONE = 1 << 30 };

static void settings(void **state)
{
    static const struct {
        const char *text;
        int offset;
        const char *why;
    } rows[] = {
        {"", 0, "nothing is UTC"},
        {"UTC", 0, "UTC"},
        {":UTC", 0, "a colon before it changes nothing"},
        {"Asia/Shanghai", 28800, "a name of the database"},
        {":Asia/Shanghai", 28800, "with a colon"},
        {"/usr/share/zoneinfo/Asia/Kolkata", 19800, "an absolute path"},
        {":/usr/share/zoneinfo/Asia/Kolkata", 19800, "an absolute path after a colon"},
        {"+8", 28800, "an offset of the table: Asia/Shanghai"},
        {"-9:30", -34200, "an offset of the table: Pacific/Marquesas"},
        {"CST-8", 28800, "a POSIX string, as containers have it"},
        {":CST-8", 28800, "with a colon, as glibc takes it"},
        {"<+08>-8", 28800, "a POSIX string with a quoted name"},
        {"NZST-12NZDT,M9.5.0,M4.1.0/3", 43200, "a POSIX string with summer time, in winter"},
        {"EST5EDT", -14400, "a name of the database that is a POSIX string as well"},
        {"+08", 28800, "an offset as ISO 8601 has it"},
        {"-0330", -12600, "with minutes"},
        {"+05:45", 20700, "with a colon"},
        {"+08:", NONE, "without the minutes that the colon promises"},
        {"+08:0x", NONE, "minutes that are none"},
        {"+15", NONE, "an offset that is in no table"},
        {"CST", NONE, "a POSIX string without its offset"},
        {"Asia/Nowhere", NONE, "no such name"},
        {"../../etc/hostname", NONE, "a path out of the database"},
        {"/etc/hostname", NONE, "a file that is no zone"},
        {"/no/such/file", NONE, "a file that does not exist"},
        {"Asia", NONE, "a folder of the database"},
        {":", 0, "a colon alone is UTC, as in glibc"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct zone *z = zone_setting(gw_str_z(rows[i].text));
        int offset = z ? zone_at(z, NOW).offset : NONE;
        if (offset != rows[i].offset)
            fail_msg("\"%s\" is at %d, not at %d: %s", rows[i].text, offset, rows[i].offset, rows[i].why);
        assert_ptr_equal(z, zone_setting(gw_str_z(rows[i].text))); /* read once */
    }
}

/* Scripts and data name zones of the database: a name that comes with a record must not make the list of
 * known zones grow. */
static void names_of_data(void **state)
{
    static const gw_str bad[] = {
        GW_LIT("CST-8"), GW_LIT("<+08>-8"),         GW_LIT("/usr/share/zoneinfo/UTC"),
        GW_LIT(":UTC"),  GW_LIT("Asia/Shang\0hai"), GW_LIT("UTC\0"),
        GW_LIT("\0")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (zone_find(bad[i]))
            fail_msg("row %zu should be no zone", i);
    assert_non_null(zone_find(GW_STR("Asia/Shanghai")));
}

static void abbreviations(void **state)
{
    int offset = 0;
    const struct zone *posix = zone_setting(GW_STR("AAA-1BBB,M3.5.0,M10.5.0/3")),
                      *file = zone_find(GW_STR("America/New_York"));
    assert_true(zone_named(posix, GW_STR("BBB"), NOW, &offset));
    assert_int_equal(offset, 7200);
    assert_true(zone_named(posix, GW_STR("AAA"), NOW, &offset));
    assert_int_equal(offset, 3600);
    assert_false(zone_named(posix, GW_STR("CCC"), NOW, &offset));
    assert_true(zone_named(file, GW_STR("EST"), NOW, &offset));
    assert_int_equal(offset, -18000);
    assert_true(zone_named(zone_utc(), GW_STR("UTC"), NOW, &offset));
    assert_int_equal(offset, 0);
}

/* The process's TZ is read once: each row is a process of its own. Its exit code tells what went wrong. */
static int child(const char *tz, int offset, bool unknown)
{
    if (tz)
        setenv("TZ", tz, 1);
    else
        unsetenv("TZ");
    if ((zone_local_unknown() != NULL) != unknown)
        return 1;
    if (unknown && tz && strcmp(zone_local_unknown(), tz) != 0)
        return 2;
    if (offset != NONE && zone_at(zone_local(), NOW).offset != offset)
        return 3;
    return zone_find(GW_STR("Local")) == zone_local() && zone_setting(GW_STR("Local")) == zone_local() ? 0
                                                                                                       : 4;
}

static void the_process(void **state)
{
    static const struct {
        const char *tz;
        int offset;
        bool unknown;
        const char *why;
    } rows[] = {
        {"CST-8", 28800, false, "POSIX strings are not UTC"},
        {"<+0530>-5:30", 19800, false, "nor are those with quoted names"},
        {"EST5EDT,M3.2.0,M11.1.0", -14400, false, "nor are those with summer time"},
        {"Asia/Tokyo", 32400, false, "a name of the database"},
        {":/usr/share/zoneinfo/Asia/Tokyo", 32400, false, "a file"},
        {"", 0, false, "empty is UTC"},
        {"UTC", 0, false, "UTC"},
        {NULL, NONE, false, "without TZ it is what the machine has"},
        {"CST", 0, true, "a name without an offset is UTC, and said"},
        {"Asia/Nowhere", 0, true, "a name that is in no database is UTC, and said"},
        {"/no/such/file", 0, true, "a file that does not exist is UTC, and said"},
        {"Local", 0, true, "Local is a word of scripts, not of TZ"},
    };
    static const char *const wrong[] = {"", "zone_local_unknown", "what zone_local_unknown names",
                                        "the offset", "Local"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0)
            _exit(child(rows[i].tz, rows[i].offset, rows[i].unknown));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status))
            fail_msg("TZ=%s: %s is wrong: %s", rows[i].tz ? rows[i].tz : "(none)",
                     WIFEXITED(status) ? wrong[WEXITSTATUS(status)] : "all", rows[i].why);
    }
}

/* Every ten hours and 37 minutes from 1970 to 2099: the table of each file, and the rule that follows its
 * last change. */
static void as_glibc(void **state)
{
    static const char *const names[] = {
        "America/New_York", "Europe/Dublin",  "Australia/Lord_Howe", "America/Santiago", "Asia/Shanghai",
        "Pacific/Auckland", "America/Nuuk",   "Antarctica/Troll",    "Asia/Gaza",        "Asia/Jerusalem",
        "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca",   "Pacific/Norfolk",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct zone *z = zone_find(gw_str_z(names[i]));
        if (!z)
            fail_msg("%s is not in the database of this machine", names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (int64_t at = 0; at < AT(2099, 12, 31, 0); at += 38220) {
            struct tm tm;
            time_t t = (time_t)at;
            struct zone_at got = zone_at(z, at);
            assert_non_null(localtime_r(&t, &tm));
            if (tm.tm_gmtoff != got.offset || !gw_str_eq(got.abbreviation, gw_str_z(tm.tm_zone)))
                fail_msg("%s at %lld: glibc says %ld %s, we %d %.*s", names[i], (long long)at, tm.tm_gmtoff,
                         tm.tm_zone, got.offset, GW_FMT(got.abbreviation));
            if (at < got.begin || at >= got.end)
                fail_msg("%s at %lld: the span does not hold the moment", names[i], (long long)at);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings),    cmocka_unit_test(names_of_data), cmocka_unit_test(abbreviations),
        cmocka_unit_test(the_process), cmocka_unit_test(as_glibc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
