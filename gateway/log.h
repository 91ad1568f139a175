/* log.h: the process's own words: one line each, on standard error.
 *
 *     2026-11-21T08:00:00.123Z warning exporter=sls "the backend refuses the credentials: check access_key_id" suppressed=12
 *
 * A call site says at most a few lines a second; what it held back is counted and said with the next line. The message is quoted and
 * escaped, so what a sender or a backend wrote cannot forge a line. Secrets never reach this file: they are typed `secret` in
 * the option rows and nobody formats those.
 *
 * Threads: any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LOG_H
#define GW_LOG_H

#include "gateway/clock.h"

enum gw_level { GW_DEBUG, GW_INFO, GW_WARNING, GW_ERROR };

struct gw_log_site {
    gw_nsec window;
    unsigned in_window, suppressed;
};

void gw_log_level(enum gw_level least);
/* Lines so far, by level, and how many were held back. Any thread. */
struct gw_log_counts {
    uint64_t lines[GW_ERROR + 1], suppressed;
};
struct gw_log_counts gw_log_counts(void);
/* `component` is "exporter=sls" or "receiver=ddtrace" or "ddgate"; the message is printf. */
void gw_log_at(struct gw_log_site *, enum gw_level, const char *component, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#define gw_log(level, component, ...)                                                                                                      \
    do {                                                                                                                                   \
        static struct gw_log_site gw_site_;                                                                                                \
        gw_log_at(&gw_site_, level, component, __VA_ARGS__);                                                                               \
    } while (0)

#endif
