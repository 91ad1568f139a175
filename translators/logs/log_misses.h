/* log_misses.h: counts how often the patterns of scripts did not match, by script and pattern.
 *
 *     a library is read ─▶ each grok() has its row (by script, place and pattern) ─▶ GET /metrics
 *
 * A row lives as long as the process, so a script that is read again continues its counts. There are
 * LOG_MISSES at most; further patterns are not counted.
 *
 * Ownership: the scripts'. Threads: rows are made on the main thread, counted and read on any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_MISSES_H
#define LOG_MISSES_H

#include <stdatomic.h>

#include "translators/pipeline/script.h"

enum { LOG_MISSES = 1024 };

struct log_miss {
    char *script, *pattern; /* "nginx.p"; "3:4 %{…", with its line and column and cut where it is long */
    atomic_uint_least64_t n;
};

struct log_misses {
    struct log_miss *rows[LOG_MISSES];
    atomic_size_t rows_n;
};

void log_misses_fini(struct log_misses *);
/* Every grok() of the set counts from now on. */
void log_misses_watch(struct log_misses *, struct sc_set *);

#endif
