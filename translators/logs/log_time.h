/* log_time.h: reads the time of a record from its text.
 *
 * The forms of nearly all loggers are read here, in a few nanoseconds; the minute of the previous line is
 * remembered. A text that is only a time (a JSON value) may have any form of dateparse.h. Years before 1990
 * are not times of log records: such numbers mean something else.
 *
 * Threads: a log_clock has one owner.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_TIME_H
#define LOG_TIME_H

#include "translators/text/zone.h"

struct log_clock {
    const struct zone *zone; /* for times without a zone */
    int64_t begin, end;      /* seconds since 1970 for which offset holds */
    int offset;
    char minute[16];   /* "2026-11-21 00:35" … */
    int64_t minute_at; /* … is this wall clock, in seconds */
};

void log_clock_init(struct log_clock *, const struct zone *);
/* A time at the front of the text, with its zone: returns the number of their bytes; 0: none. These forms
 * are fast:
 *     2026-11-21 00:35:39,530   2026-11-21T00:35:39.530+08:00   2026/11/21 00:35:39   …:39:530 +0000
 * and timescan.h has the others. Times beyond OTLP's range (after 2554) are ignored. */
size_t log_time_front(struct log_clock *, gw_str text, uint64_t now, uint64_t *ns);
/* Reads a text that is only a time, in any form (dateparse.h knows more of them); numbers are seconds, ms, µs
 * or ns since 1970, by their size. */
bool log_time_text(struct log_clock *, gw_str text, uint64_t now, uint64_t *ns);
bool log_time_number(gw_str digits, double value, uint64_t *ns);

#endif
