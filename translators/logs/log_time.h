/* log_time.h: when a record was made, by its own words.
 *
 * The forms that nearly all loggers write are read here, in a few nanoseconds; the minute of the line before
 * is remembered. Text that stands by itself (a JSON value) may have any form that dateparse.h knows. Years
 * before 1990 are no times of log records: such numbers are something else.
 *
 * Threads: a log_clock has one owner.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_TIME_H
#define LOG_TIME_H

#include "translators/text/zone.h"

struct log_clock {
    const struct zone *zone; /* of times that do not say theirs */
    int64_t begin, end;      /* seconds since 1970 for which offset holds */
    int offset;
    char minute[16];   /* "2026-11-21 00:35" … */
    int64_t minute_at; /* … is this wall clock, in seconds */
};

void log_clock_init(struct log_clock *, const struct zone *);
/* A time at the front of the text, with its zone: how many bytes they take; 0: none. Read fast are
 *     2026-11-21 00:35:39,530   2026-11-21T00:35:39.530+08:00   2026/11/21 00:35:39   …:39:530 +0000
 * and timescan.h has the others. Times that OTLP has no room for (past 2554) are none. */
size_t log_time_front(struct log_clock *, gw_str text, uint64_t now, uint64_t *ns);
/* The whole text is a time, in whatever form (dateparse.h knows more of them); numbers are seconds, ms, µs or
 * ns since 1970, by their size. */
bool log_time_text(struct log_clock *, gw_str text, uint64_t now, uint64_t *ns);
bool log_time_number(gw_str digits, double value, uint64_t *ns);

#endif
