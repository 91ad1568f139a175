/* file_multiline.h: splits a buffer of a file into its records, without copying.
 *
 *     buffer  [line⏎][line⏎][  more⏎][line⏎][begun …      ]
 *     records └─────┘└──────────────┘└─────────────────────  unfinished: read again next time, with the text after it
 *
 * The splitter keeps no state between calls: an unfinished record stays in the file, and the caller's next
 * buffer begins there. So an offset that was not passed on is always the start of a record.
 *
 * A record ends where the next one begins, by the user's pattern or by the rules for stack traces
 * (stacktrace_detect.h). A record that would exceed `max` ends at the line before; a single longer line is
 * cut, and the number of missing bytes is reported. Blank lines are not records; within a record they stay.
 *
 * Threads: one at a time for each file_multiline.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FILE_MULTILINE_H
#define GW_FILE_MULTILINE_H

#include "gateway/receivers/file/file_lines.h"
#include "translators/text/re.h"

enum file_multiline_mode { FILE_EACH_LINE, FILE_STACKTRACES, FILE_PATTERN };

struct file_multiline {
    enum file_multiline_mode how;
    struct file_unit unit;
    size_t max; /* bytes of a record */
    /* FILE_PATTERN */
    const struct re *pattern;
    struct re_thread *re;
    struct gw_arena *arena;
    size_t *spans;
    uint64_t *gave_up; /* counts lines that the pattern took too long for */
    /* Converts a line to UTF-8, valid until the next call; NULL: no conversion is needed to split it. */
    gw_str (*text)(void *ctx, gw_str raw);
    void *text_ctx;
};

/* How final the end of the buffer is. */
enum file_end {
    FILE_OPEN,  /* more may come */
    FILE_QUIET, /* nothing came for a while: the last whole lines are a record */
    FILE_OVER   /* the end: a rest without a line feed is a line too */
};

struct file_record {
    size_t from, to; /* its text, without the last line's end */
    size_t next;     /* where the following one begins */
    uint64_t cut;    /* bytes of a line beyond max that are not in the text */
};

enum file_found {
    FILE_RECORD,
    FILE_NEED, /* not over yet: ->next is its beginning, behind blank lines */
    FILE_LONG  /* a single line from ->next on is longer than max, and its end is not in the buffer */
};

/* Where to cut what begins at `from` so that it ends at or before `to` with a whole character of UTF-8, or a
 * whole unit. */
size_t file_multiline_cut(const struct file_multiline *, const char *buf, size_t from, size_t to);
enum file_found file_multiline_next(const struct file_multiline *, const char *buf, size_t at, size_t n,
                                    enum file_end, struct file_record *);

#endif
