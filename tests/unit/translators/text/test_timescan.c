/* Times at the front of a text, in the forms that loggers and servers write, and zones behind them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "translators/text/civil.h"
#include "translators/text/timescan.h"

/* 2026-11-28T12:00:00Z */
static const int64_t now = 1795867200;

/* What the time is, in UTC, with what it took: "2026-11-21T00:35:39.530000000Z|rest" */
static void show(char out[256], const char *text, const char *zone)
{
    struct layout_time t;
    struct civil c;
    size_t n = timescan(gw_str_z(text), zone_setting(gw_str_z(zone)), now, &t);
    if (!n) {
        strcpy(out, "none");
        return;
    }
    civil_of(t.seconds, &c);
    int len = snprintf(out, 256, "%04d-%02d-%02dT%02d:%02d:%02d", (int)c.year, c.month, c.day, c.hour,
                       c.minute, c.second);
    if (t.nsec)
        len += snprintf(out + len, 256 - (size_t)len, ".%09d", t.nsec);
    snprintf(out + len, 256 - (size_t)len, "|%s", text + n);
}

struct row {
    const char *text, *zone, *want;
};

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char got[256];
        show(got, rows[i].text, rows[i].zone ? rows[i].zone : "UTC");
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s: %s, not %s", rows[i].text, got, rows[i].want);
    }
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

static void year_first(void **state)
{
    static const struct row rows[] = {
        {"2026-11-21 00:35:39,530 x", NULL, "2026-11-21T00:35:39.530000000| x"},
        {"2026-11-21T00:35:39.530", NULL, "2026-11-21T00:35:39.530000000|"},
        {"2026/11/21 00:35:39 x", NULL, "2026-11-21T00:35:39| x"},
        {"2026.11.21 00:35:39 x", NULL, "2026-11-21T00:35:39| x"},
        {"2026-11-21  5:35:39 0 [Note]", NULL, "2026-11-21T05:35:39| 0 [Note]"}, /* MariaDB */
        {"2026-11-21 00:35", NULL, "2026-11-21T00:35:00|"},
        {"2026-Nov-21 00:35:39 x", NULL, "2026-11-21T00:35:39| x"},
        {"2026-11-21 - 00:35:39 x", NULL, "2026-11-21T00:35:39| x"},
        {"2026-11-21_00:35:39 x", NULL, "2026-11-21T00:35:39| x"},
        {"2026-11-21][00:35:39][x", NULL, "2026-11-21T00:35:39|][x"}, /* Rust's fern */
        {"20171223-22:15:29:606|x", NULL, "2017-12-23T22:15:29.606000000||x"},
        {"20171224-0:7:20:444|x", NULL, "2017-12-24T00:07:20.444000000||x"},
        {"20261121 00:35:39.123456 x", NULL, "2026-11-21T00:35:39.123456000| x"},
        {"20261121T003539Z", NULL, "2026-11-21T00:35:39|"},
        {"081109 203615 148 INFO", NULL, "2008-11-09T20:36:15| 148 INFO"}, /* HDFS */
        {"210531 15:23:45 [Note]", NULL, "2021-05-31T15:23:45| [Note]"},   /* MySQL 5.5 */
        {"210531  9:23:45 [Note]", NULL, "2021-05-31T09:23:45| [Note]"},
        {"9999-12-31T23:59:59Z", NULL, "9999-12-31T23:59:59|"},
        {"2026-13-21 00:35:39", NULL, "none"},
        {"2026-02-29 00:35:39", NULL, "none"},
        {"2026-11-21 24:35:39", NULL, "none"},
        {"2026-11-21 00:61:39", NULL, "none"},
        {"2026-11-21", NULL, "none"},
        {"2026-11-21 up", NULL, "none"},
        {"2026 11 21", NULL, "none"},
        {"1795221339", NULL, "none"},
        {"", NULL, "none"},
    };
    CHECK(rows);
}

static void day_or_month_first(void **state)
{
    static const struct row rows[] = {
        {"06-Sep-2021 22:33:30.513 SEVERE", NULL, "2021-09-06T22:33:30.513000000| SEVERE"}, /* Tomcat */
        {"21-Nov-2026 00:35:39 UTC] PHP", "Asia/Shanghai", "2026-11-21T00:35:39|] PHP"},    /* PHP */
        {"21-Nov-2026 00:35:39 Asia/Shanghai] PHP", NULL, "2026-11-20T16:35:39|] PHP"},
        {"10/Oct/2000:13:55:36 -0700] \"GET", NULL, "2000-10-10T20:55:36|] \"GET"},
        {"28/Nov/2026:15:06:22.243] f", NULL, "2026-11-28T15:06:22.243000000|] f"},   /* HAProxy */
        {"14 May 2019 19:11:40.164 # W", NULL, "2019-05-14T19:11:40.164000000| # W"}, /* Redis */
        {"14 Nov 07:01:22.119 * B", NULL, "2026-11-14T07:01:22.119000000| * B"},      /* Redis 2 */
        {"14 Dec 07:01:22.119 * B", NULL, "2025-12-14T07:01:22.119000000| * B"},
        {"21-Nov-2026::00:35:39 ===", NULL, "2026-11-21T00:35:39| ==="}, /* Erlang */
        {"21.11.2026 00:35:39 x", NULL, "2026-11-21T00:35:39| x"},
        {"11/21/2026 12:35:39 AM x", NULL, "2026-11-21T00:35:39| x"},
        {"21/11/2026 00:35:39 x", NULL, "2026-11-21T00:35:39| x"},
        {"17/06/09 20:10:40 INFO", NULL, "2017-06-09T20:10:40| INFO"}, /* Spark */
        {"11/21/26 00:35:39 x", NULL, "2026-11-21T00:35:39| x"},
        {"03-17 16:13:38.811  1702", NULL, "2026-03-17T16:13:38.811000000|  1702"}, /* Android */
        {"12-17 16:13:38.811  1702", NULL, "2025-12-17T16:13:38.811000000|  1702"},
        {"10.30 16:49:06] chrome", NULL, "2026-10-30T16:49:06|] chrome"},       /* Proxifier */
        {"Nov 21, 2026 12:35:39 AM com.x", NULL, "2026-11-21T00:35:39| com.x"}, /* java.util.logging */
        {"Nov 21, 2026 12:35:39\xe2\x80\xafPM com.x", NULL,
         "2026-11-21T12:35:39| com.x"}, /* … since Java 20 */
        {"Nov 1, 2026 1:05:39 p.m.", NULL, "2026-11-01T01:05:39| p.m."},
        {"Dec 10 06:55:46 host1", NULL, "2025-12-10T06:55:46| host1"},
        {"Nov  1 06:55:46 host1", NULL, "2026-11-01T06:55:46| host1"},
        {"Nov 29 06:55:46 host1", NULL, "2026-11-29T06:55:46| host1"}, /* a clock ahead */
        {"Feb 29 06:55:46 2024 x", NULL, "2024-02-29T06:55:46| x"},
        {"Nov 21 2026 08:00:00.123: %ASA", NULL, "2026-11-21T08:00:00.123000000|: %ASA"},
        {"Nov 21 08:00:00 2026 UTC h", "Asia/Shanghai", "2026-11-21T08:00:00| h"},
        {"Nov 21 08:00:00 UTC 2026 h", "Asia/Shanghai", "2026-11-21T08:00:00| h"},
        {"Sun Dec 04 04:47:44 2005] [error]", NULL, "2005-12-04T04:47:44|] [error]"},
        {"Wed Oct 11 14:32:52.123456 2023] [core", NULL, "2023-10-11T14:32:52.123456000|] [core"},
        {"Sat Nov 21 00:35:39 CST 2026", "Asia/Shanghai", "2026-11-20T16:35:39|"},
        {"Mon, 31 May 2021 15:23:45 GMT", "Asia/Shanghai", "2021-05-31T15:23:45|"},
        {"Monday, 31-May-21 15:23:45 GMT", "Asia/Shanghai", "2021-05-31T15:23:45|"},
        {"Mon May 31 15:23:45 2021", NULL, "2021-05-31T15:23:45|"},
        {"Mon May  3 15:23:45 2021", NULL, "2021-05-03T15:23:45|"},
        {"Mon", NULL, "none"},
        {"March of the penguins", NULL, "none"},
        {"May 4th be", NULL, "none"},
        {"10 errors 5", NULL, "none"},
        {"12/13/14/15 x", NULL, "none"},
        {"1.2.3.4 - -", NULL, "none"},
        {"10.0.0.1 - frank [10/Oct", NULL, "none"},
    };
    CHECK(rows);
}

static void clock_only(void **state)
{
    static const struct row rows[] = {
        {"15:02:22.123 [main]", NULL, "2026-11-27T15:02:22.123000000| [main]"},
        {"23:59:59,999 INFO", NULL, "2026-11-27T23:59:59.999000000| INFO"},
        {"00:35:39 ERR]", NULL, "2026-11-28T00:35:39| ERR]"},
        {"12:35AM INF", NULL, "2026-11-28T00:35:00| INF"}, /* zerolog */
        {"1:00PM INF", NULL, "2026-11-28T13:00:00| INF"},
        {"12:35 is late", NULL, "none"},
        {"1:2", NULL, "none"},
        {"127.0.0.1:80 x", NULL, "none"},
        {"00:1a:2b:3c:4d:5e up", NULL, "none"},
    };
    CHECK(rows);
}

static void zones(void **state)
{
    static const char shanghai[] = "Asia/Shanghai";
    static const struct row rows[] = {
        {"2021-05-31 15:23:45.110 GMT [74305]", shanghai, "2021-05-31T15:23:45.110000000| [74305]"},
        {"2021-05-31 15:23:45 UTC x", shanghai, "2021-05-31T15:23:45| x"},
        {"2021-05-31 15:23:45 CST x", shanghai, "2021-05-31T07:23:45| x"},
        {"2021-05-31 15:23:45 CST x", "America/Chicago", "2021-05-31T21:23:45| x"},
        {"2021-05-31 15:23:45 CST x", "UTC", "2021-05-31T07:23:45| x"},
        {"2021-01-31 15:23:45 EST x", shanghai, "2021-01-31T20:23:45| x"},
        {"2021-05-31 15:23:45 CEST x", "Europe/Berlin", "2021-05-31T13:23:45| x"},
        {"2021-05-31 15:23:45 MEST x", "UTC", "2021-05-31T13:23:45| x"},
        {"2021-01-31 15:23:45 ACDT x", "UTC", "2021-01-31T04:53:45| x"},
        {"2021-05-31 15:23:45 -1500 x", "UTC", "2021-05-31T15:23:45| -1500 x"},
        {"2021-05-31 15:23:45 +03 x", "Europe/Moscow", "2021-05-31T12:23:45| x"},
        {"2021-05-31 15:23:45.110+08 x", "UTC", "2021-05-31T07:23:45.110000000| x"},
        {"2021-05-31 15:23:45 -03 x", shanghai, "2021-05-31T18:23:45| x"},
        {"2021-05-31 15:23:45 -0330] x", shanghai, "2021-05-31T18:53:45|] x"},
        {"2021-05-31T15:23:45+08:00[Asia/Shanghai] x", "UTC", "2021-05-31T07:23:45| x"},
        {"2021-05-31T15:23:45Z[UTC] x", shanghai, "2021-05-31T15:23:45| x"},
        {"2021-05-31 15:23:45 [Asia/Tokyo] x", "UTC", "2021-05-31T06:23:45| x"},
        {"2021-05-31T15:23:45[America/New_York] x", "UTC", "2021-05-31T19:23:45| x"},
        {"2021-05-31 15:23:45.5 +0800 CST m=+0.1", "UTC", "2021-05-31T07:23:45.500000000| m=+0.1"},
        {"2021-05-31 15:23:45 +0800 (CST) x", "UTC", "2021-05-31T07:23:45| x"},
        {"2021-05-31 15:23:45 UTC+8 x", "UTC", "2021-05-31T07:23:45| x"},
        {"2021-05-31 15:23:45 GMT+08:00 x", "UTC", "2021-05-31T07:23:45| x"},
        {"2021-05-31 15:23:45 INFO x", shanghai, "2021-05-31T07:23:45| INFO x"},
        {"2021-05-31 15:23:45 GET /", shanghai, "2021-05-31T07:23:45| GET /"},
        {"2021-05-31 15:23:45 [main] x", shanghai, "2021-05-31T07:23:45| [main] x"},
        {"2021-05-31 15:23:45 [Nowhere/Else] x", shanghai, "2021-05-31T07:23:45| [Nowhere/Else] x"},
        {"2021-05-31 15:23:45 Asia/../../etc/passwd x", shanghai,
         "2021-05-31T07:23:45| Asia/../../etc/passwd x"},
        {"2021-05-31 15:23:45 - x", shanghai, "2021-05-31T07:23:45| - x"},
        {"2021-05-31 15:23:45 -1 items", shanghai, "2021-05-31T07:23:45| -1 items"},
        {"2021-05-31 15:23:45 +861 items", shanghai, "2021-05-31T07:23:45| +861 items"},
        {"2021-05-31 15:23:45 -99 x", shanghai, "2021-05-31T07:23:45| -99 x"},
    };
    CHECK(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(year_first),
        cmocka_unit_test(day_or_month_first),
        cmocka_unit_test(clock_only),
        cmocka_unit_test(zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
