/* log.h: the process's own words: one line each, on standard error, in one of three forms (option
 * log.format).
 *
 *     text      2026-11-21T08:00:00.123Z warning exporter=sls "the backend refuses the credentials: check access_key_id" suppressed=12
 *     logfmt    time=2026-11-21T08:00:00.123Z level=warning exporter=sls msg="the backend …" suppressed=12
 *     json      {"time":"2026-11-21T08:00:00.123Z","level":"warning","exporter":"sls","msg":"the backend …","suppressed":12}
 *
 * In the last two formats every line is a log line, including texts that the command otherwise prints for
 * people (hints, mistakes that a reload finds in the configuration, the ledger). Mistakes that prevent the
 * start are always text, because the configuration sets the format.
 *
 * A call site logs at most a few lines per second; suppressed lines are counted, and the count is in the next
 * line. If no further line comes, the last suppressed one is logged when the second is over, or at the end,
 * with the count. The message is quoted and escaped, so text from a sender or a backend cannot forge a line.
 * Secrets of the configuration are replaced by *** (scrub.h), wherever the text comes from.
 *
 * No thread waits for standard error (log_writer.h): lines that it does not take fast enough are lost, and
 * the log contains their number in their place.
 *
 * Threads: any; start and stop on the main thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LOG_H
#define GW_LOG_H

#include <stdbool.h>

#include "core/base/clock.h"

enum gw_level { GW_DEBUG, GW_INFO, GW_WARNING, GW_ERROR };

struct gw_log_site {
    gw_nsec window;
    unsigned in_window, suppressed;
    bool lasting; /* lives as long as the process, so suppressed lines can be logged later */
};

/* From now on no line waits for standard error. Returns false if there is no thread for it; lines are then
 * written by the calling threads.
 */
bool gw_log_start(void);
/* Writes the last lines, as far as standard error takes them within the grace period. */
void gw_log_stop(gw_nsec grace_period);
/* Writes text for people, in whole lines, in order with the log lines: output of the command if the format is
 * text. */
void gw_log_text(const char *text, size_t n);

void gw_log_level(enum gw_level least);
/* In the order of the option's words. */
enum gw_log_format { GW_LOG_TEXT, GW_LOG_LOGFMT, GW_LOG_JSON };
void gw_log_format(enum gw_log_format);
/* True if the format is not text: then output for people must be written with gw_log. */
bool gw_log_for_machines(void);
/* Writes a line of any length, never suppressed, with a JSON object under `key`; in logfmt the object is a
 * text. Not for the format text. */
void gw_log_object(enum gw_level, const char *component, const char *message, const char *key,
                   const char *json);
/* Numbers of lines so far, by level, and of those suppressed, or lost because standard error did not take
 * them. Any thread. */
struct gw_log_counts {
    uint64_t lines[GW_ERROR + 1], suppressed, lost;
};
struct gw_log_counts gw_log_counts(void);
/* `component` is "exporter=sls", "receiver=ddtrace" or "ddgate"; the message is printf. */
void gw_log_at(struct gw_log_site *, enum gw_level, const char *component, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A line that is never suppressed: for events that are logged once for each of a few things. */
#define gw_log_each(level, component, ...)                                                                   \
    do {                                                                                                     \
        struct gw_log_site gw_site_ = {0};                                                                   \
        gw_log_at(&gw_site_, level, component, __VA_ARGS__);                                                 \
    } while (0)

#define gw_log(level, component, ...)                                                                        \
    do {                                                                                                     \
        static struct gw_log_site gw_site_ = {.lasting = true};                                              \
        gw_log_at(&gw_site_, level, component, __VA_ARGS__);                                                 \
    } while (0)

#endif
