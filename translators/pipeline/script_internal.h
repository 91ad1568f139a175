/* script_internal.h: shared by the parts of the engine: scripts, the check, a run, and the form of a
 * builtin function.
 *
 * A builtin is a row of functions.def: its name, how arguments are passed, a check that examines the nodes
 * once, and a run. A function that "sets a key" writes the point, never a variable; one that reads a key
 * takes the variable of that name first.
 *
 * Threads: a checked script is shared and const; a run belongs to one thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_SCRIPT_INTERNAL_H
#define SC_SCRIPT_INTERNAL_H

#include "core/base/text.h"
#include "translators/pipeline/script.h"
#include "translators/text/grok.h"

struct sc_cache;

/* Something the script's arena cannot free. */
struct sc_owned {
    void (*drop)(void *);
    void *what;
    struct sc_owned *next;
};

/* A use() of another script. */
struct sc_use {
    struct sc_node *call;
    gw_str name;
    struct sc_use *next;
};

/* A grok(): its pattern, and how often it did not match. */
struct sc_grok {
    struct grok *grok;
    const struct sc_script *script;
    uint32_t pos;
    atomic_uint_least64_t *missed; /* the loader's counter; NULL: not counted */
    struct sc_grok *next;
};

/* What a thread remembers of the run that it did last. */
enum { SC_MISSES = 16 };
struct sc_thread {
    struct re_thread *re;
    uint64_t gave_up;
    unsigned groks, matched;
    struct {
        const struct sc_grok *grok;
        gw_str text;
    } misses[SC_MISSES];
    size_t misses_n;
};

struct sc_script {
    struct sc_set *set;
    gw_str name, text;
    struct gw_arena arena;
    struct sc_node *root; /* NULL when it is broken */
    struct sc_names names;
    struct sc_fault fault;
    struct sc_owned *owned; /* compiled expressions */
    unsigned owned_n;
    struct sc_grok *groks; /* the last first */
    struct sc_use *uses;
    struct sc_cache *cache;
    bool linked;
    uint32_t searched; /* by which search for circles */
};

struct sc_set {
    struct sc_script *scripts;
    size_t n;
};

struct sc_check {
    struct sc_script *script;
    struct grok_scope *scope;
    unsigned loops; /* around the present statement */
};

/* False: the fault is in the script. */
bool sc_check(struct sc_script *);
bool sc_check_fail(struct sc_check *, uint32_t pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The script frees it with `drop` when it is freed itself; false (and dropped at once) when there is no
 * memory, or there are too many. */
bool sc_own(struct sc_check *, void (*drop)(void *), void *what);
void *sc_check_memory(struct sc_check *, size_t size);
const char *sc_kind_name(const struct sc_node *); /* "an int" */

struct sc_var {
    struct sc_val val;
    bool live;
};

/* One script's variables. A name has one variable at a time, because an assignment finds the one of an outer
 * block: a slot each will do. */
struct sc_frame {
    const struct sc_script *script;
    struct sc_var *vars;
    uint32_t *made; /* slots in the order they came to life, for the ends of blocks */
    uint32_t made_n;
};

struct sc_run {
    const struct sc_env *env;
    struct gw_arena *arena;
    struct sc_point *point;
    struct sc_frame *frame;
    struct sc_fault *fault;
    uint32_t steps, calls, matches, gave_up, depth;
    int64_t began; /* when the clock was first read, monotonic ns; 0: not yet */
    bool exit, broke, continued, late;
};

bool sc_run_fail(struct sc_run *, uint32_t pos, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Runs a script on the same record (use) or on another (create_point). */
bool sc_run_other(struct sc_run *, const struct sc_script *, struct sc_point *);
bool sc_eval(struct sc_run *, const struct sc_node *, struct sc_val *out);
/* For builtins that ignore errors in an argument: then the result is nil, and *good (may be NULL) false.
 * Returns false only when the run itself is over: too many steps, no memory. */
bool sc_try(struct sc_run *, const struct sc_node *, struct sc_val *out, bool *good);
/* The variable or the key of that name; false when there is neither. */
bool sc_get(struct sc_run *, const struct sc_node *key, struct sc_val *out);
/* The same as text. */
bool sc_get_text(struct sc_run *, const struct sc_node *key, gw_str *out);
/* Ends the run after the present call if it took too long. Runs do this by themselves every few calls; a
 * builtin that may take long does it, too. */
void sc_look_at_clock(struct sc_run *);
enum re_result sc_match(struct sc_run *, const struct re *, gw_str text, size_t from, size_t *spans);

/* How arguments are given. */
enum sc_style {
    SC_PLAIN,      /* by place only */
    SC_NAMED,      /* by place or name; after the check every parameter has its place, NULL where left out */
    SC_NAMED_ONLY, /* by name */
    SC_TYPED       /* the same, and the types of the values are checked when it runs */
};

typedef bool sc_fn_check(struct sc_check *, struct sc_node *call);
typedef bool sc_fn_run(struct sc_run *, const struct sc_node *call, struct sc_val *out);

struct sc_fn {
    const char *name;
    enum sc_style style;
    const char *params; /* "a b c"; of SC_TYPED "s:text b:raw", by the first letters of types, * for any */
    int min, max;       /* arguments; max -1: any number */
    sc_fn_check *check; /* may be NULL */
    sc_fn_run *run;
};

#define FN(name, style, params, min, max, text, check, run) extern sc_fn_run run;
#include "translators/pipeline/functions.def"
#undef FN

/* Checks that several families share. */
bool sc_want_key(struct sc_check *, const struct sc_node *);  /* identifier, a.b or text */
bool sc_want_text(struct sc_check *, const struct sc_node *); /* a text literal */
bool sc_want_bool(struct sc_check *, const struct sc_node *); /* a bool literal */
bool sc_first_key(struct sc_check *, struct sc_node *call);   /* the first argument is a key */
bool sc_link_use(struct sc_check *, struct sc_node *call, const struct sc_node *name);

#define FN(name, style, params, min, max, text, check, run) extern sc_fn_check check;
#include "translators/pipeline/functions.def"
#undef FN

static inline struct sc_val sc_z(const char *z)
{
    return sc_str(gw_str_z(z));
}

/* The values of a SC_TYPED call, by place; nil where left out. False with the fault when one has the wrong
 * type. */
bool sc_arguments(struct sc_run *, const struct sc_node *call, struct sc_val *vals);
/* The literal's value; nil for other nodes. */
struct sc_val sc_literal(const struct sc_node *);

struct sc_cache *sc_cache_new(void);
void sc_cache_drop(struct sc_cache *);

#endif
