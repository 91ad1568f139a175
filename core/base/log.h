/* log.h: the process's own words: one line each, on standard error, in one of three forms (option
 * log.format).
 *
 *     text      2026-11-21T08:00:00.123Z warning exporter=sls "the backend refuses the credentials: check access_key_id" suppressed=12
 *     logfmt    time=2026-11-21T08:00:00.123Z level=warning exporter=sls msg="the backend …" suppressed=12
 *     json      {"time":"2026-11-21T08:00:00.123Z","level":"warning","exporter":"sls","msg":"the backend …","suppressed":12}
 *
 * In the last two forms every line is one: what the command says to people in text (hints, mistakes in the
 * configuration that a reload finds, the ledger) comes as such lines too. Mistakes that end the start are
 * text always: it is the configuration that says the form.
 *
 * A call site says at most a few lines a second; what it held back is counted and said with the next line. Where none
 * follows, the last of those that were held back is said when the second is over, or at the end, with the count.
 * The message is quoted and escaped, so what a sender or a backend wrote cannot forge a line. Secrets of the
 * configuration are replaced by *** (scrub.h), whoever said them.
 *
 * Nobody waits for standard error (log_writer.h): what it does not take fast enough is lost, and how many
 * lines that were stands in the log where they are missing.
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
    bool lasting; /* lives as long as the process: what it held back can be said later */
};

/* From now on no line waits for standard error. False when there is no thread for it: then lines go on being
 * written where they are made.
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
