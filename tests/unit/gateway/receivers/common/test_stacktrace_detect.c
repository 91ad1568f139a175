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
        {{GW_LIT("ERROR shop > boom"), GW_LIT(" INFO shop > hello")},
         STACKTRACE_STARTS,
         "a column of levels is aligned to the right"},
        {{GW_LIT(" WARN shop > slow"), GW_LIT("    at src/main.rs:3")},
         STACKTRACE_CONTINUES,
         "and what is indented further belongs to it"},
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

/* Whole records: all lines but the first belong to it, and a line of the next one does not. */
static void whole_traces(void **state)
{
    static const char *const records[] = {
        "[2026-11-28 15:04:19] app.ERROR: boom {\"exception\":\"[object] (RuntimeException(code: 0): boom at "
        "/srv/a.php:8)\n"
        "[stacktrace]\n#0 /srv/a.php(10): f()\n#1 {main}\n\n"
        "[previous exception] [object] (LogicException(code: 0): x at /srv/a.php:5)\n[stacktrace]\n#0 "
        "{main}\n\"} []",
        "2026-11-21 00:35:39.530 | ERROR    | __main__:<module>:7 - caught\nTraceback (most recent call "
        "last):\n\n"
        "> File \"x.py\", line 7, in <module>\n    f()\n    └ <function f>\n\n  File \"x.py\", line 3, in "
        "f\n    1/0\n\n"
        "ZeroDivisionError: division by zero",
        "2026-11-21 00:35:39 ERROR boom\njava.lang.X: a\n\tat a.b(C.java:1)\nCaused by: java.lang.Y: b\n\tat "
        "c.d(E.java:2)\n"
        "\t... 12 more",
        "2026-11-21 00:35:39.530 +08:00 [ERR] boom\nSystem.InvalidOperationException: outer\n ---> "
        "System.Exception: inner\n"
        "   at P.Inner() in /app/P.cs:line 10\n   --- End of inner exception stack trace ---\n   at "
        "P.Main()\n"
        "--- End of stack trace from previous location ---\n   at P.Run()",
        "Unhandled exception. System.AggregateException: one\n ---> System.Exception: a\n   at P.A()\n"
        "   --- End of inner exception stack trace ---\n---> (Inner Exception #1) System.Exception: b\n   at "
        "P.B()<---\n",
        "thread 'main' panicked at src/main.rs:2:5:\nboom\nstack backtrace:\n   0: rust_begin_unwind\n"
        "             at /rustc/x/std.rs:1:5\nnote: Some details are omitted, run with `RUST_BACKTRACE=full`",
        "thread 'main' panicked at 'boom', src/main.rs:2:5\nstack backtrace:\n   0: f\nnote: run with "
        "`RUST_BACKTRACE=1`",
        "Error: outer\n\nCaused by:\n    0: x\n    1: y\n\nStack backtrace:\n   0: f",
        "[2026-11-21T00:35:39Z ERROR shop] boom\nstack backtrace:\n   0: f",
        "[21-Nov-2026 00:35:39] WARNING: [pool www] child 12 said into stderr: \"PHP Fatal error:  Uncaught "
        "X: boom in /a.php:3\"\n"
        "[21-Nov-2026 00:35:39] WARNING: [pool www] child 12 said into stderr: \"Stack trace:\"\n"
        "[21-Nov-2026 00:35:39] WARNING: [pool www] child 12 said into stderr: \"#0 {main}\"\n"
        "[21-Nov-2026 00:35:39] WARNING: [pool www] child 12 said into stderr: \"  thrown in /a.php on line "
        "3\"",
        "[21-Nov-2026 00:35:39 UTC] PHP Fatal error:  Uncaught Exception: boom in /a.php:3\nStack trace:\n#0 "
        "{main}\n"
        "  thrown in /a.php on line 3",
        "[21-Nov-2026 00:35:39 UTC] PHP Fatal error:  Uncaught Exception: boom\nof two lines in /a.php:3\n"
        "Stack trace:\n#0 {main}\n  thrown in /a.php on line 3",
        "00:35:39.530 [error] GenServer A terminating\n** (RuntimeError) boom\n    (app 0.1.0) lib/x.ex:3: "
        "X.f/0\n"
        "Last message: :boom\nState: %{}",
        "E, [2026-11-21T00:35:39.1 #7] ERROR -- : boom (RuntimeError)\nx.rb:3:in `f'\nx.rb:5:in `<main>'",
        "F, [2026-11-21T00:35:39.1 #7] FATAL -- : [6f1dce]   \n[6f1dce] RuntimeError (boom):\n[6f1dce]   \n"
        "[6f1dce] app/carts.rb:20:in `show'\n[6f1dce] actionpack (6.1.7) lib/x.rb:6:in `send_action'",
        "F, [2026-11-21T00:35:39.1 #7] FATAL -- :   \nRuntimeError (boom):\n  \napp/carts.rb:20:in `show'\n"
        "actionpack (6.1.7) lib/x.rb:6:in `send_action'",
        "29-Nov-2026 14:26:16.051 SEVERE [exec-3] org.apache.catalina.core.StandardWrapperValve.invoke "
        "Servlet.service() for servlet [jsp] threw exception [An exception occurred processing [/x.jsp] at "
        "line [2]"
        "\n\n1: <%\n2: throw new X(); %>\n\n\nStacktrace:] with root cause\n\tjava.lang.X: boom\n\t\tat "
        "a.b(C.java:1)",
        "29-Nov-2026 14:26:16.051 SEVERE [exec-3] org.apache.catalina.core.StandardWrapperValve.invoke "
        "Servlet.service() for servlet [x] threw exception\njava.lang.X: boom\n\tat a.b(C.java:1)",
    };
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        gw_str rest = gw_str_z(records[i]), line;
        struct stacktrace t;
        enum stacktrace_verdict v = STACKTRACE_CONTINUES;
        gw_str_next(&rest, '\n', &line);
        stacktrace_begin(&t, line);
        while (gw_str_next(&rest, '\n', &line)) {
            v = stacktrace_line(&t, line);
            if (v == STACKTRACE_STARTS)
                fail_msg("%s\n  a record begins with: %.*s", records[i], GW_FMT(line));
        }
        assert_int_equal(stacktrace_line(&t, GW_STR("[2026-11-28 15:04:20] app.INFO: next [] []")),
                         STACKTRACE_STARTS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(verdicts), cmocka_unit_test(whole_traces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
