/* log_scripts.h: Pipeline scripts as files: those of pipelines.directory, shared by all receivers, and the
 * ones that an option names.
 *
 *     directory ──log_scripts_read──▶ library ◀── a reference each ── setups of receivers (log_conf.h)
 *
 * Each reading makes a new library; a setup keeps the library that it was made with. Only files that end in
 * .p count.
 *
 * Threads: log_scripts_read on the main thread; libraries are read by all.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_SCRIPTS_H
#define LOG_SCRIPTS_H

#include "core/config/option.h"
#include "translators/logs/log_misses.h"
#include "translators/logs/log_record.h"
#include "translators/pipeline/script.h"

struct log_library;
/* A file and, for use(), the others of its folder; NULL with a problem at `path` when it cannot be read. */
struct log_library *log_library_file(gw_str file, const char *path, struct gw_diagnostics *);
void log_library_drop(struct log_library *);
/* By its name, with .p or without. NULL: there is none, or no library. */
const struct sc_script *log_library_find(const struct log_library *, gw_str name);
/* The names of its scripts, without .p; NULL-terminated, and never NULL itself. */
const char *const *log_library_names(const struct log_library *);
/* Reports the mistake of a script that does not load, at `path`: a mistake if the configuration is checked
 * strictly, else a warning. */
void log_library_report(const struct log_library *, const struct sc_script *, const char *path, bool strict,
                        struct gw_diagnostics *);

/* The process's: in gw_host. */
struct log_scripts;
struct log_scripts *log_scripts_new(void); /* NULL when there is no memory */
void log_scripts_drop(struct log_scripts *);
/* Reads the directory, for the first time or again; an empty name means none. Scripts that do not load are
 * warnings (mistakes if strict). A directory that cannot be read is a mistake at pipelines.directory; then
 * the library stays unchanged. */
void log_scripts_read(struct log_scripts *, gw_str directory, struct gw_diagnostics *);
/* For `ddgate check`: problems that are a warning while data arrives become mistakes. */
void log_scripts_be_strict(struct log_scripts *);
bool log_scripts_are_strict(const struct log_scripts *);
/* A reference to the last library; NULL if there is none. */
struct log_library *log_scripts_library(const struct log_scripts *);

/* An object that uses the scripts (a log_conf) and is told when they were read again. Main thread. */
struct log_scripts_user {
    void (*renew)(struct log_scripts_user *, struct gw_diagnostics *);
    struct log_scripts_user *next;
};
void log_scripts_enter(struct log_scripts *, struct log_scripts_user *);
void log_scripts_leave(struct log_scripts *, struct log_scripts_user *);
/* Call it after log_scripts_read while receivers run: it calls each user's `renew`, so that all use the new
 * scripts. */
void log_scripts_renew(struct log_scripts *, struct gw_diagnostics *);
/* The groks of a library that an option names are counted too; those of the directory are. NULL is legal. */
void log_scripts_watch(struct log_scripts *, struct log_library *);
/* Patterns that did not match, by number; NULL: there are no more. Any thread. */
const struct log_miss *log_scripts_miss(const struct log_scripts *, size_t i);
/* Counters of all receivers. */
struct log_counts *log_scripts_counts(struct log_scripts *);

#endif
