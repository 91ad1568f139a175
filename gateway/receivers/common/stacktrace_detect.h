/* stacktrace_detect.h: decides which lines belong to the record before them: stack traces and other
 * indented lines.
 *
 *     2026-11-21 10:00:00 ERROR [main] c.e.App - no order 7     a record
 *     java.lang.IllegalStateException: no order 7               ┐ maybe: looks like an exception; the next line decides
 *         at com.example.App.order(App.java:41)                 │ indented: belongs to it, and so does the line before
 *     Caused by: java.sql.SQLException: closed                  │ only ever continues a trace
 *         ... 12 more                                           ┘
 *     2026-11-21 10:00:01 INFO  [main] c.e.App - next           another record
 *
 * An indented line continues the record before it, unless that record is indented itself. Other lines
 * continue it if they are known from traces of Python (chains, groups, SQLAlchemy's notes, loguru's
 * frames), Java, Node, Go (panics, zap, net/http), .NET (inner exceptions), Ruby, PHP (Monolog, PHP-FPM's
 * workers, messages of several lines), Elixir, Rails (each line after the request's tags), Tomcat (JSP) and
 * Rust. An exception that starts in the first column joins the log line before it if that line has a time
 * or a level, unless the level is INFO or lower: otherwise the two are unrelated (an uncaught exception on
 * standard error, in the same file as the access log).
 *
 * Ownership: lines are views of the caller's buffer, which does not change until the record has ended.
 * Threads: no state but the caller's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_STACKTRACE_DETECT_H
#define GW_STACKTRACE_DETECT_H

#include "core/base/str.h"

/* The part of a first line that is searched for time and level. */
enum { STACKTRACE_HEAD = 160 };

enum stacktrace_verdict {
    /* a new record; `maybe` lines before it do not belong to the old one */
    STACKTRACE_STARTS,
    STACKTRACE_CONTINUES, /* belongs to the record, with all that was `maybe` before it */
    STACKTRACE_MAYBE      /* the next line decides */
};

struct stacktrace {
    /* the record's first line; of two that java.util.logging writes, the second, with the level */
    gw_str first;
    enum stacktrace_kind {
        FILE_PLAIN,
        FILE_PYTHON,
        FILE_GO,
        FILE_NODE,
        FILE_RUST,
        FILE_ERROR,   /* `Error: …` of Rust's main, or of Node */
        FILE_MONOLOG, /* a [stacktrace] was there */
        FILE_PHP,     /* an uncaught exception with a message of several lines, up to its trace */
        FILE_ELIXIR,  /* `** (RuntimeError) …` behind a log line */
        FILE_RAILS,   /* Rails' lines about an exception, each after the request's tags */
        FILE_JSP /* Tomcat's `Servlet.service() for servlet …`: source lines may come before the trace */
    } kind;
    bool first_indented, indented; /* the first line; the last line that belongs to it for sure */
    /* the next line at the margin: Python's exception, Rust's message, Node's source line */
    bool expects;
    enum { FILE_SURE, FILE_AFTER_BLANK, FILE_AFTER_HEADER, FILE_AFTER_HEADER_BLANK } maybe;
};

/* A record begins with this line, which is not blank. */
void stacktrace_begin(struct stacktrace *, gw_str line);
/* The next line, without its end. */
enum stacktrace_verdict stacktrace_line(struct stacktrace *, gw_str line);

#endif
