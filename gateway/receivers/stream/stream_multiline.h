/* stream_multiline.h: joins the lines of a stream that belong together.
 *
 *     line ─▶ does it continue the record? ─ yes ─▶ kept, after the lines before it
 *                 │                        ─ maybe ─▶ kept; the next line decides
 *                 └ no ─▶ the record is passed on, and the line starts another
 *
 *   auto      stack traces and indented lines, as in files (stacktrace_detect.h). A syslog priority starts a record and is its
 *             level: text with newlines over a syslog connection (Python's SysLogHandler with a traceback) is one record
 *   pattern   lines that the user's expression does not match continue the record
 *
 * A record is passed on when no line arrived for STREAM_QUIET. A record that would exceed `max`, or for
 * which there is no memory, ends at the line before. The kept lines are charged to the budget.
 *
 * Threads: one owner.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_STREAM_MULTILINE_H
#define GW_STREAM_MULTILINE_H

#include "core/base/arena.h"
#include "core/base/budget.h"
#include "core/base/clock.h"
#include "gateway/receivers/common/stacktrace_detect.h"
#include "translators/text/re.h"

#define STREAM_QUIET (200 * GW_MSEC)

#define STREAM_MULTILINE_OPTS(X)                                                                             \
    X(str, multiline, "multiline", "auto", "", "",                                                           \
      "Lines that belong together: auto joins stack traces and indented lines to the line before them, "     \
      "none joins nothing; anything else "                                                                   \
      "is a regular expression that a record's first line matches. The last record waits 0.2 s for more "    \
      "lines.")

enum stream_multiline_mode { STREAM_MULTILINE_NONE, STREAM_MULTILINE_STACKTRACES, STREAM_MULTILINE_PATTERN };

struct gw_diagnostics;

/* How; of a receiver. */
struct stream_multiline_conf {
    enum stream_multiline_mode how;
    size_t max;
    struct gw_budget *budget;
    /* STREAM_MULTILINE_PATTERN */
    struct re *pattern;
    struct re_thread *re;
    struct gw_arena arena;
    size_t *spans;
};

/* One stream's unfinished record. Zero-initialized. */
struct stream_multiline {
    char *held;
    /* of `len` bytes the first `sure` belong to the record; the next line decides about the others */
    size_t len, cap, sure;
    uint64_t cut, observed;
    bool open;               /* there is one */
    struct stacktrace trace; /* its first line is in … */
    char head[STACKTRACE_HEAD];
};

/* The view is good until the call returns. */
typedef void stream_multiline_record_f(void *to, gw_str text, uint64_t cut, uint64_t observed);

/* Parses the option; a mistake is reported at `path`. The caller sets max and budget. */
void stream_multiline_conf_open(struct stream_multiline_conf *, gw_str multiline, const char *path,
                                struct gw_diagnostics *);
void stream_multiline_conf_close(struct stream_multiline_conf *);

/* By the user's expression: whether the line begins a record. */
enum stacktrace_verdict stream_multiline_match(struct stream_multiline_conf *, gw_str line);

/* The next line, which may be empty; `cut` bytes are missing at its end. */
void stream_multiline_line(struct stream_multiline_conf *, struct stream_multiline *, gw_str line,
                           uint64_t cut, uint64_t observed, stream_multiline_record_f *, void *to);
/* No line arrived for a while, or none will: passes the record on, and frees its memory. */
void stream_multiline_end(struct stream_multiline_conf *, struct stream_multiline *,
                          stream_multiline_record_f *, void *to);

#endif
