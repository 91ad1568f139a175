/* Which lines belong to the record before them, line by line. tests/unit/gateway/receivers/file and stream
 * have whole traces.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/receivers/common/stacktrace_detect.h"

#define ERROR_LINE GW_LIT("2026-11-21 10:00:00 ERROR no order 7")
#define INFO_LINE GW_LIT("2026-11-21 10:00:00 INFO order 7")

static void verdicts(void **state)
{
    static const struct {
        gw_str lines[3];                 /* the record's first line and those that follow it */
        enum stacktrace_verdict verdict; /* of the last one */
        const char *why;
    } rows[] = {
        {{ERROR_LINE, INFO_LINE}, STACKTRACE_STARTS, "a line at the margin is a record"},
        {{ERROR_LINE, GW_LIT("    at com.example.App.order(App.java:41)")},
         STACKTRACE_CONTINUES,
         "an indented line belongs to the record"},
        {{ERROR_LINE, GW_LIT("\tmore")}, STACKTRACE_CONTINUES, "a tab indents as well"},
        {{GW_LIT("  one"), GW_LIT("  two")}, STACKTRACE_STARTS, "lines that are all indented are records"},
        {{ERROR_LINE, GW_LIT("java.lang.IllegalStateException: no order 7")},
         STACKTRACE_MAYBE,
         "an exception: the next line decides"},
        {{INFO_LINE, GW_LIT("java.lang.IllegalStateException: no order 7")},
         STACKTRACE_STARTS,
         "an exception after INFO is its own record"},
        {{ERROR_LINE, GW_LIT("java.lang.IllegalStateException: x"), GW_LIT("\tat a.b(C.java:1)")},
         STACKTRACE_CONTINUES,
         "a frame joins it"},
        {{ERROR_LINE, GW_LIT("java.lang.IllegalStateException: x"), INFO_LINE},
         STACKTRACE_STARTS,
         "another record does not"},
        {{ERROR_LINE, GW_LIT("java\0lang.Exception: x")},
         STACKTRACE_STARTS,
         "a NUL is no character of an exception's name"},
        {{ERROR_LINE, GW_LIT("Caused by: java.sql.SQLException: closed")},
         STACKTRACE_CONTINUES,
         "a cause only ever continues"},
        {{ERROR_LINE, GW_LIT("... 12 more")}, STACKTRACE_CONTINUES, "so do the frames that are left out"},
        {{GW_LIT("Traceback (most recent call last):"), GW_LIT("  File \"a.py\", line 1"),
          GW_LIT("ValueError: x")},
         STACKTRACE_CONTINUES,
         "a traceback ends with its exception"},
        {{GW_LIT("{"), GW_LIT("  \"a\": 1"), GW_LIT("}")},
         STACKTRACE_CONTINUES,
         "a bracket closes an object of several lines"},
        {{GW_LIT("{"), GW_LIT("  \"a\": 1"), GW_LIT("\0")}, STACKTRACE_STARTS, "a NUL does not"},
        {{GW_LIT("{"), GW_LIT("  \"a\": 1"), GW_LIT("\0x")},
         STACKTRACE_STARTS,
         "nor a line that begins with one"},
        {{GW_LIT("panic: oh"), GW_LIT("goroutine 1 [running]:"), GW_LIT("main.main()")},
         STACKTRACE_CONTINUES,
         "a panic of Go"},
        {{ERROR_LINE, GW_LIT("")}, STACKTRACE_STARTS, "a blank line is no part of a plain record"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stacktrace t;
        enum stacktrace_verdict verdict = STACKTRACE_STARTS;
        stacktrace_begin(&t, rows[i].lines[0]);
        for (size_t k = 1; k < 3 && rows[i].lines[k].ptr; k++)
            verdict = stacktrace_line(&t, rows[i].lines[k]);
        if (verdict != rows[i].verdict)
            fail_msg("row %zu is %d, not %d: %s", i, (int)verdict, (int)rows[i].verdict, rows[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(verdicts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
