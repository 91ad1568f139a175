/* script.h: runs Datakit's Pipeline scripts unchanged.
 *
 *     sources ──sc_load──▶ a set of scripts ──sc_run──▶ the record, changed ──sc_point_finish──▶ status, time, drop
 *                (once)                      (per record)
 *
 * Users bring `.p` scripts that split log lines into fields; here they have the same meaning as in their
 * reference engine (pipeline-go 1.3.0). docs/pipeline.md describes the language, and lists the deviations
 * with their reasons.
 *
 * Loading finds every mistake that can be found before a line arrives: syntax, unknown functions, wrong
 * arguments, invalid expressions, missing patterns, scripts that use each other in a circle. A bad script
 * does not affect the others, unless they use it.
 *
 * Running is bounded: a record may take SC_STEPS steps and about SC_RUN_MS, its arena is bounded by the
 * caller, and expressions have a budget (re.h). Expressions that exceed it count as no match and are
 * counted in the thread; after SC_GIVE_UPS of them the run ends with an error. Only runs with many steps,
 * calls or matches read the clock. A run error stops the script; its changes stay; the caller delivers the
 * record.
 *
 * Ownership: a set owns its scripts and everything that they need; records are in the arena of the sc_env.
 * Threads: a set is shared (its cache of cache_set() has a lock), a thread has its own sc_thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_SCRIPT_H
#define SC_SCRIPT_H

#include <stdatomic.h>

#include "translators/pipeline/ast.h"
#include "translators/pipeline/point.h"
#include "translators/text/grok.h"
#include "translators/text/zone.h"

enum {
    SC_STEPS = 2000000,
    SC_RUN_MS = 500,
    SC_GIVE_UPS = 3,
    SC_EXPRESSIONS = 1000 /* of a script */,
    SC_SCRIPT_MAX = 1 << 20 /* bytes of text */,
    SC_SCRIPT_MEMORY = 64 << 20
};

struct sc_set;
struct sc_script;
struct sc_thread;

struct sc_source {
    gw_str name, text; /* copied */
};

/* NULL when there is no memory. */
struct sc_set *sc_load(const struct sc_source *, size_t n);
void sc_drop(struct sc_set *);
/* NULL: there is no script of that name. A broken script is found too: sc_broken returns its mistake. */
const struct sc_script *sc_find(const struct sc_set *, gw_str name);
gw_str sc_name(const struct sc_script *);                   /* as in its sc_source */
const struct sc_fault *sc_broken(const struct sc_script *); /* NULL when it is well */
gw_str sc_source_text(const struct sc_set *, gw_str name);
/* The name of a script that others use and that is not in the set; empty: there is none. */
gw_str sc_missing(const struct sc_set *);

struct sc_thread *sc_thread_new(void);
void sc_thread_drop(struct sc_thread *);
/* How often an expression ran out of its budget, since ever. */
uint64_t sc_gave_up(const struct sc_thread *);

size_t sc_scripts(const struct sc_set *);
/* Describes a grok() call of a script, both by number. *pattern: its pattern. `missed` is incremented for
 * every record that does not match; it must outlive the set. False: there are no more. */
bool sc_count_misses(struct sc_set *, size_t script, size_t grok, atomic_uint_least64_t *missed);
bool sc_grok_of(const struct sc_set *, size_t script, size_t grok, gw_str *name, gw_str *pattern,
                unsigned *line, unsigned *column);
/* True if the thread's last run called a grok(), and none matched. */
bool sc_matched_nothing(const struct sc_thread *);
/* A grok() of the last run that did not match. */
struct sc_miss {
    gw_str script, pattern;
    unsigned line, column; /* of the call, from 1 */
    gw_str text;           /* what was matched */
    struct grok_stop stop;
};
/* By number. False: there are no more, or it is not found out before gw_now() passes `until`. */
bool sc_find_miss(const struct sc_thread *, size_t miss, struct gw_arena *, gw_nsec until, struct sc_miss *);
/* Explains, for people, where a grok of the last run, by number, stopped matching, and on which part. Empty:
 * there are no more. */
gw_str sc_explain_miss(const struct sc_thread *, size_t miss, struct gw_arena *);

struct sc_env {
    struct gw_arena *arena;
    struct sc_thread *thread;
    int64_t now;             /* ns since 1970 */
    const struct zone *zone; /* for times without a zone */
    gw_nsec until;           /* the run ends about then, by gw_now(), if it is not over; 0: after SC_RUN_MS */
};

/* False with the fault when it ended with an error; the script must not be broken. */
bool sc_run(const struct sc_script *, const struct sc_env *, struct sc_point *, struct sc_fault *);

#endif
