/* config_diagnostic.h: mistakes in the configuration, reported all at once.
 *
 *   configuration.c ──── place("exporters[0].timeout", "ddgate.conf", 12) ──┐
 *   rows, open: gw_config_error("exporters[0].timeout", "…") ───────────┴─▶ ddgate.conf:12: exporters[0].timeout: …
 *
 * A mistake names a path; the file and line are those of the longest path that was seen there: for a key that
 * is missing, those of its group. Printed in the order of the file. Components add through gw_config_error
 * and gw_config_warning and see no more.
 *
 * Threads: main thread.  Ownership: everything is copied.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CONFIG_DIAGNOSTIC_H
#define GW_CONFIG_DIAGNOSTIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/base/err.h"
#include "core/base/str.h"

struct gw_diagnostics;

/* Mistakes in the configuration, collected to be reported all at once. Filled by configuration.c and by
 * `open` of components. */
/* `path` is "exporters[0].endpoint"; configuration.c adds file and line of that path (or of its nearest
 * parent). */
void gw_config_error(struct gw_diagnostics *, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Worth a line at start, but no reason to stop. */
void gw_config_warning(struct gw_diagnostics *, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

enum { GW_OPTION_PATH = 256 };
/* "exporters[0]" and "tls.ca" are "exporters[0].tls.ca"; an empty path adds no point. Truncated where it does
 * not fit. */
void gw_option_path(char out[static GW_OPTION_PATH], const char *path, const char *option);
/* gw_config_error and gw_config_warning about one option of the component at `path`. */
void gw_option_error(struct gw_diagnostics *, const char *path, const char *option, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void gw_option_warning(struct gw_diagnostics *, const char *path, const char *option, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* NULL when there is no memory. */
struct gw_diagnostics *gw_diagnostics_new(void);
void gw_diagnostics_drop(struct gw_diagnostics *);

/* Sets the place that later messages about `path`, or about anything in it, name. `line` 0: the file as a
 * whole; a NULL file: not from a file ("default", an environment variable). */
void gw_diagnostics_location(struct gw_diagnostics *, const char *path, const char *file, unsigned line);

/* The value at this path is empty, like ${env:NAME:-} without NAME. */
void gw_diagnostics_left_empty(struct gw_diagnostics *, const char *path);
/* The value at this path could not be read: suppresses further messages about it. */
void gw_diagnostics_failed(struct gw_diagnostics *, const char *path);
/* Is there a mistake with this text, wherever? */
bool gw_diagnostics_says(const struct gw_diagnostics *, const char *text);
/* Whether there is a place of just this path: the user wrote it, or set its environment variable. Not where it was left
 * empty. */
bool gw_diagnostics_is_written(const struct gw_diagnostics *, const char *path);
/* Adds a mistake for each of these options of `path` that is empty: an unset variable must not mean "no
 * token" or "plain text". */
void gw_options_not_empty(struct gw_diagnostics *, const char *path, const char *const *options);
/* The value is made of ${…}: `raw` as it is written. */
void gw_diagnostics_expanded(struct gw_diagnostics *, const char *path, gw_str raw);
/* The place of `path`: "ddgate.conf:12", "ddgate.conf:12, ${env:NAME}", "environment variable NAME"; empty if
 * it has none. */
void gw_diagnostics_where(const struct gw_diagnostics *, const char *path, char *out, size_t size);

/* A mistake in the syntax of a file. `shown`: the line and the mark below it, printed in lines of their own that begin with two blanks. */
void gw_diagnostics_syntax(struct gw_diagnostics *, const char *file, unsigned line, unsigned column,
                           const char *what, const char *shown);

size_t gw_diagnostics_errors(const struct gw_diagnostics *);
/* Prints one line each, errors and warnings in the order of their places; a warning begins with "warning: ". */
void gw_diagnostics_print(struct gw_diagnostics *, FILE *);

#endif
