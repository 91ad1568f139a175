/* script.h: Datakit's Pipeline scripts, unchanged.
 *
 *     sources ──sc_load──▶ a set of scripts ──sc_run──▶ the record, changed ──sc_point_finish──▶ status, time, drop
 *                (once)                      (per record)
 *
 * What it is for: users bring `.p` scripts that pick log lines apart; here they mean what they mean to their
 * reference engine (pipeline-go 1.3.0). docs/pipeline.md is the language, and lists where we differ and why.
 *
 * Loading finds every mistake that can be found before a line comes: syntax, unknown functions, wrong
 * arguments, bad expressions, patterns that are not there, scripts that use each other in a circle. One bad
 * script does not spoil the others, unless they use it.
 *
 * Running never stalls: a record may take SC_STEPS steps and about SC_RUN_MS, its arena is bounded by the
 * caller, and expressions have a budget (re.h). Expressions that run out of it count as no match, are counted
 * in the thread, and after SC_GIVE_UPS of them the run ends with an error. The clock is only read by runs
 * that take many steps, calls or matches. A run error stops the script; what it changed stays; the caller
 * forwards the record.
 *
 * Ownership: a set owns its scripts and all they need; records live in the arena of the sc_env. Threads: a
 * set is read by all (its cache of cache_set() has a lock), a thread has its own sc_thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_SCRIPT_H
#define SC_SCRIPT_H

#include <stdatomic.h>

#include "translators/pipeline/ast.h"
#include "translators/pipeline/point.h"
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
/* NULL: there is none of that name. One that is broken is there too: sc_broken says what is wrong. */
const struct sc_script *sc_find(const struct sc_set *, gw_str name);
const struct sc_fault *sc_broken(const struct sc_script *); /* NULL when it is well */
gw_str sc_source_text(const struct sc_set *, gw_str name);
/* A script that others of the set use and that is not in it; empty: there is none. */
gw_str sc_missing(const struct sc_set *);

struct sc_thread *sc_thread_new(void);
void sc_thread_drop(struct sc_thread *);
/* How often an expression ran out of its budget, since ever. */
uint64_t sc_gave_up(const struct sc_thread *);

size_t sc_scripts(const struct sc_set *);
/* The grok() calls of a script, both by number. *pattern: what it looks for. `missed` is counted up whenever
 * a record does not match; it outlives the set. False: there are no more. */
bool sc_count_misses(struct sc_set *, size_t script, size_t grok, atomic_uint_least64_t *missed);
bool sc_grok_of(const struct sc_set *, size_t script, size_t grok, gw_str *name, gw_str *pattern,
                unsigned *line, unsigned *column);
/* Of the run that the thread did last: it asked a grok(), and none matched. */
bool sc_matched_nothing(const struct sc_thread *);
/* For people: where its groks, by number, stopped matching, and on which part. Empty: there are no more. */
gw_str sc_explain_miss(const struct sc_thread *, size_t miss, struct gw_arena *);

struct sc_env {
    struct gw_arena *arena;
    struct sc_thread *thread;
    int64_t now;             /* ns since 1970 */
    const struct zone *zone; /* of times that do not say theirs */
};

/* False with the fault when it ended with an error; the script must not be broken. */
bool sc_run(const struct sc_script *, const struct sc_env *, struct sc_point *, struct sc_fault *);

#endif
