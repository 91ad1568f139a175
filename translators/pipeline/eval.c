/* eval.c: Runs a checked script on a record: statements, variables, expressions. The functions are in fn_*.c,
 * the operators in operate.c. Owns nothing: values are in the record's arena. Called through script_run, on
 * the thread that reads the record.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "translators/pipeline/operate.h"
#include "translators/pipeline/script_internal.h"

enum { USE_DEPTH = 32, STEPS = 4096, CALLS = 64, MATCHES = 4 /* between two readings of the clock */ };

struct sc_thread *sc_thread_new(void)
{
    struct sc_thread *t = calloc(1, sizeof *t);
    if (t && !(t->re = re_thread_new())) {
        free(t);
        return NULL;
    }
    return t;
}

void sc_thread_drop(struct sc_thread *t)
{
    if (t)
        re_thread_drop(t->re);
    free(t);
}

uint64_t sc_gave_up(const struct sc_thread *t)
{
    return t->gave_up;
}

bool sc_run_fail(struct sc_run *r, uint32_t pos, const char *fmt, ...)
{
    char words[500];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    return sc_fail(r->fault, r->frame->script->name, r->frame->script->text, pos, "%s", words);
}

void sc_look_at_clock(struct sc_run *r)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    if (!r->began)
        r->began = now;
    int64_t until = r->env->until ? r->env->until : r->began + INT64_C(1000000) * SC_RUN_MS;
    r->late |= now > until;
}

static bool too_late(struct sc_run *r, uint32_t pos)
{
    if (r->env->until)
        return sc_run_fail(r, pos, "the time for these lines is over");
    return sc_run_fail(r, pos, "the script took more than %d ms on one record", SC_RUN_MS);
}

enum re_result sc_match(struct sc_run *r, const struct re *re, gw_str text, size_t from, size_t *spans)
{
    if (++r->matches % MATCHES == 0)
        sc_look_at_clock(r);
    if (r->late)
        return RE_GAVE_UP;
    enum re_result result = re_match(re, r->env->thread->re, r->arena, text, from, spans);
    if (result == RE_GAVE_UP) {
        r->env->thread->gave_up++;
        r->gave_up++;
    }
    return result;
}

bool sc_get(struct sc_run *r, const struct sc_node *key, struct sc_val *out)
{
    const struct sc_var *var = &r->frame->vars[key->slot];
    if (var->live) {
        *out = var->val;
        return true;
    }
    const struct sc_field *f = sc_point_get(r->point, key->key);
    if (f)
        *out = f->val;
    return f != NULL;
}

bool sc_get_text(struct sc_run *r, const struct sc_node *key, gw_str *out)
{
    struct sc_val v;
    if (!sc_get(r, key, &v) || v.type == SC_VOID)
        return false;
    *out = sc_text(r->arena, &v);
    return true;
}

static void set_var(struct sc_run *r, uint32_t slot, struct sc_val v)
{
    struct sc_frame *f = r->frame;
    if (!f->vars[slot].live)
        f->made[f->made_n++] = slot;
    f->vars[slot] = (struct sc_var){v, true};
}

/* Ends the life of variables that were made since. */
static void leave(struct sc_run *r, uint32_t made)
{
    struct sc_frame *f = r->frame;
    while (f->made_n > made)
        f->vars[f->made[--f->made_n]].live = false;
}

static bool stopped(const struct sc_run *r)
{
    return r->exit || r->broke || r->continued;
}

static bool statements(struct sc_run *r, const struct sc_node *block)
{
    struct sc_val ignored;
    for (uint32_t i = 0; i < block->n && !stopped(r); i++)
        if (!sc_eval(r, block->kid[i], &ignored))
            return false;
    return true;
}

static bool block(struct sc_run *r, const struct sc_node *x)
{
    uint32_t made = r->frame->made_n;
    bool good = statements(r, x);
    leave(r, made);
    return good;
}

static bool conditional(struct sc_run *r, const struct sc_node *x)
{
    struct sc_val v;
    for (uint32_t i = 0; i + 1 < x->n; i += 2) {
        if (!sc_eval(r, x->kid[i], &v))
            return false;
        if (sc_truth(&v))
            return block(r, x->kid[i + 1]);
    }
    return x->n % 2 == 0 || block(r, x->kid[x->n - 1]);
}

/* After a turn of a loop: whether there is another. */
static bool goes_on(struct sc_run *r)
{
    bool broke = r->broke;
    r->broke = r->continued = false;
    return !broke && !r->exit;
}

static bool loop(struct sc_run *r, const struct sc_node *x)
{
    struct sc_val v;
    uint32_t made = r->frame->made_n;
    if (x->kid[0] && !sc_eval(r, x->kid[0], &v))
        return false;
    for (;;) {
        if (x->kid[1]) {
            if (!sc_eval(r, x->kid[1], &v))
                return false;
            if (!sc_truth(&v))
                break;
        }
        if (++r->steps > SC_STEPS)
            return sc_run_fail(r, x->pos, "the script took more than %d steps on one record", SC_STEPS);
        if (!block(r, x->kid[3]))
            return false;
        if (!goes_on(r))
            break;
        if (x->kid[2] && !sc_eval(r, x->kid[2], &v))
            return false;
    }
    leave(r, made);
    return true;
}

/* One turn of for … in: the loop's variable and those of the body live for it. */
static bool turn(struct sc_run *r, const struct sc_node *x, struct sc_val item, bool *more)
{
    uint32_t made = r->frame->made_n;
    set_var(r, x->kid[0]->slot, item.type == SC_VOID ? sc_nil() : item);
    if (!statements(r, x->kid[2]))
        return false;
    leave(r, made);
    *more = goes_on(r);
    return true;
}

static bool for_in(struct sc_run *r, const struct sc_node *x)
{
    struct sc_val what;
    bool more = true;
    if (!sc_eval(r, x->kid[1], &what))
        return false;
    switch ((enum sc_type)what.type) {
    case SC_STR:
        for (gw_str rest = what.s; rest.len && more;) {
            char rune[4];
            size_t len = gw_utf8_encode(rune, gw_utf8_next(&rest));
            if (!turn(r, x, sc_str(gw_arena_dup(r->arena, gw_str_n(rune, len))), &more))
                return false;
        }
        return true;
    case SC_LIST:
        for (size_t i = 0; i < what.l->n && more; i++)
            if (!turn(r, x, what.l->items[i], &more))
                return false;
        return true;
    case SC_MAP:
        for (size_t i = 0; i < what.m->n && more; i++)
            if (!turn(r, x, sc_str(what.m->pairs[i].name), &more))
                return false;
        return true;
    default:
        return sc_run_fail(r, x->kid[1]->pos, "unsupported type: %s, not iter value",
                           sc_type_name(what.type));
    }
}

static bool list(struct sc_run *r, const struct sc_node *x, struct sc_val *out)
{
    struct sc_list *l = sc_list_new(r->arena);
    for (uint32_t i = 0; l && i < x->n; i++) {
        struct sc_val v;
        if (!sc_eval(r, x->kid[i], &v))
            return false;
        if (!sc_list_add(r->arena, l, v.type == SC_VOID ? sc_nil() : v))
            break;
    }
    if (r->arena->spent)
        return sc_run_fail(r, x->pos, "the record's memory is spent");
    *out = (struct sc_val){.type = SC_LIST, .l = l};
    return true;
}

static bool map(struct sc_run *r, const struct sc_node *x, struct sc_val *out)
{
    struct sc_map *m = sc_map_new(r->arena);
    for (uint32_t i = 0; m && i < x->n; i += 2) {
        struct sc_val name, v;
        if (!sc_eval(r, x->kid[i], &name))
            return false;
        if (name.type != SC_STR)
            return sc_run_fail(r, x->kid[i]->pos, "unsupported key data type: %s", sc_type_name(name.type));
        if (!sc_eval(r, x->kid[i + 1], &v))
            return false;
        if (v.type == SC_VOID)
            return sc_run_fail(r, x->kid[i + 1]->pos, "unsupported value data type: void");
        if (!sc_map_set(r->arena, m, name.s, v))
            break;
    }
    if (r->arena->spent)
        return sc_run_fail(r, x->pos, "the record's memory is spent");
    *out = (struct sc_val){.type = SC_MAP, .m = m};
    return true;
}

/* One step of an index: *place is its target, NULL if a map has no such name. */
static bool step(struct sc_run *r, struct sc_val *from, const struct sc_node *index, struct sc_val *key,
                 struct sc_val **place)
{
    if (!sc_eval(r, index, key))
        return false;
    if (from->type == SC_MAP) {
        if (key->type != SC_STR)
            return sc_run_fail(r, index->pos, "key type is not string");
        *place = sc_map_get(from->m, key->s);
        return true;
    }
    if (from->type != SC_LIST)
        return sc_run_fail(r, index->pos, "a map or a list is wanted here, not %s", sc_type_name(from->type));
    if (key->type != SC_INT)
        return sc_run_fail(r, index->pos, "key type is not int");
    int64_t at = key->i < 0 ? (int64_t)from->l->n + key->i : key->i;
    if (at < 0 || (uint64_t)at >= from->l->n)
        return sc_run_fail(r, index->pos, "list index out of range");
    *place = &from->l->items[at];
    return true;
}

/* What x[a][b] is; *out may be changed in place where there is a place. false: an error, or none with *out
 * NULL. */
static bool sc_search(struct sc_run *r, struct sc_val *from, const struct sc_node *index, struct sc_val **out)
{
    struct sc_val key;
    *out = from;
    for (uint32_t i = 1; i < index->n && *out; i++)
        if (!step(r, *out, index->kid[i], &key, out))
            return false;
    return true;
}

static bool indexed(struct sc_run *r, const struct sc_node *x, struct sc_val *out)
{
    struct sc_val from, *found;
    if (!x->kid[0] || !sc_get(r, x->kid[0], &from))
        return sc_run_fail(r, x->pos, "key not found");
    if (from.type != SC_LIST && from.type != SC_MAP)
        return sc_run_fail(r, x->pos, "unindexable type: %s", sc_type_name(from.type));
    if (!sc_search(r, &from, x, &found))
        return false;
    *out = found ? *found : sc_nil();
    return true;
}

static bool put(struct sc_run *r, struct sc_val *from, const struct sc_node *index, struct sc_val v)
{
    struct sc_val key, *place = from;
    for (uint32_t i = 1; i < index->n; i++) {
        struct sc_val *in = place;
        bool last = i + 1 == index->n;
        if (!step(r, in, index->kid[i], &key, &place))
            return false;
        if (!place && !last)
            return sc_run_fail(r, index->kid[i]->pos, "key not found");
        if (last && in->type == SC_MAP && !sc_map_set(r->arena, in->m, key.s, v))
            return sc_run_fail(r, index->pos, "the record's memory is spent");
        if (last && in->type == SC_LIST)
            *place = v;
    }
    return true;
}

static bool assign_index(struct sc_run *r, const struct sc_node *x, struct sc_val *v)
{
    const struct sc_node *left = x->kid[0];
    struct sc_val from, *old, nothing = sc_nil();
    if (!left->kid[0] || !sc_get(r, left->kid[0], &from))
        return sc_run_fail(r, left->pos, "key not found");
    if (x->op != SO_NONE) {
        if (!sc_search(r, &from, left, &old) || !sc_arithmetic(r, x, old ? old : &nothing, v, v))
            return false;
    }
    return put(r, &from, left, v->type == SC_VOID ? sc_nil() : *v);
}

static bool assign(struct sc_run *r, const struct sc_node *x, struct sc_val *out)
{
    const struct sc_node *left = x->kid[0];
    struct sc_val v, old;
    if (x->n != 2)
        return sc_run_fail(r, x->pos,
                           "it does not support assigning values to multiple variables at the same time");
    if (!sc_eval(r, x->kid[1], &v))
        return false;
    if (left->kind == SN_INDEX && !assign_index(r, x, &v))
        return false;
    if (left->kind == SN_IDENT) {
        if (x->op != SO_NONE && !sc_get(r, left, &old)) {
            *out = sc_nil();
            return true;
        }
        if (x->op != SO_NONE && !sc_arithmetic(r, x, &old, &v, &v))
            return false;
        set_var(r, left->slot, v);
    }
    *out = v;
    return true;
}

static bool call(struct sc_run *r, const struct sc_node *x, struct sc_val *out)
{
    *out = sc_void();
    if (++r->calls % CALLS == 0)
        sc_look_at_clock(r);
    if (!r->late && !x->fn->run(r, x, out))
        return r->fault->set ? false : sc_run_fail(r, x->pos, "%s failed", x->fn->name);
    if (r->arena->spent)
        return sc_run_fail(r, x->pos, "the record's memory is spent");
    if (r->late)
        return too_late(r, x->pos);
    if (r->gave_up >= SC_GIVE_UPS)
        return sc_run_fail(r, x->pos, "expressions took too long on this record");
    return true;
}

struct sc_val sc_literal(const struct sc_node *x)
{
    switch ((enum sc_kind)x->kind) {
    case SN_BOOL:
        return sc_bool(x->b);
    case SN_INT:
        return sc_int(x->i);
    case SN_FLOAT:
        return sc_float(x->f);
    case SN_STR:
        return sc_str(x->text);
    default:
        return sc_nil();
    }
}

bool sc_eval(struct sc_run *r, const struct sc_node *x, struct sc_val *out)
{
    *out = sc_void();
    if (++r->steps > SC_STEPS)
        return sc_run_fail(r, x->pos, "the script took more than %d steps on one record", SC_STEPS);
    if (r->steps % STEPS == 0) {
        sc_look_at_clock(r);
        if (r->late)
            return too_late(r, x->pos);
    }
    switch ((enum sc_kind)x->kind) {
    case SN_NIL:
    case SN_BOOL:
    case SN_INT:
    case SN_FLOAT:
    case SN_STR:
        *out = sc_literal(x);
        return true;
    case SN_IDENT:
        if (!sc_get(r, x, out))
            *out = sc_nil();
        return true;
    case SN_ATTR: /* has no value: it only names keys and paths */
        return true;
    case SN_INDEX:
        return indexed(r, x, out);
    case SN_SLICE:
        return sc_slice(r, x, out);
    case SN_LIST:
        return list(r, x, out);
    case SN_MAP:
        return map(r, x, out);
    case SN_PAREN:
        return sc_eval(r, x->kid[0], out);
    case SN_UNARY:
        return sc_unary(r, x, out);
    case SN_ARITH:
    case SN_COND:
    case SN_IN:
        return sc_binary(r, x, out);
    case SN_ASSIGN:
        return assign(r, x, out);
    case SN_CALL:
        return call(r, x, out);
    case SN_IF:
        return conditional(r, x);
    case SN_FOR:
        return loop(r, x);
    case SN_FORIN:
        return for_in(r, x);
    case SN_BREAK:
    case SN_CONTINUE:
        *(x->kind == SN_BREAK ? &r->broke : &r->continued) = true;
        return true;
    case SN_BLOCK:
        return block(r, x);
    }
    return true;
}

bool sc_try(struct sc_run *r, const struct sc_node *x, struct sc_val *out, bool *good)
{
    bool ok = sc_eval(r, x, out);
    if (good)
        *good = ok;
    if (ok)
        return true;
    if (r->steps > SC_STEPS || r->late || r->arena->spent || r->gave_up >= SC_GIVE_UPS)
        return false;
    r->fault->set = false;
    *out = sc_nil();
    return true;
}

bool sc_run_other(struct sc_run *r, const struct sc_script *s, struct sc_point *point)
{
    struct sc_frame frame = {.script = s,
                             .vars = gw_new(r->arena, struct sc_var, s->names.n),
                             .made = gw_arena_raw(r->arena, s->names.n, sizeof(uint32_t))};
    struct sc_frame *outer = r->frame;
    struct sc_point *outer_point = r->point;
    bool exit = r->exit, broke = r->broke, continued = r->continued;
    if (!frame.vars || !frame.made || r->depth == USE_DEPTH)
        return sc_fail(r->fault, s->name, s->text, 0, "the record's memory is spent");
    r->frame = &frame;
    r->point = point;
    r->exit = r->broke = r->continued = false;
    r->depth++;
    bool good = statements(r, s->root);
    r->depth--;
    r->frame = outer;
    r->point = outer_point;
    r->exit = exit;
    r->broke = broke;
    r->continued = continued;
    return good;
}

bool sc_run(const struct sc_script *s, const struct sc_env *env, struct sc_point *point,
            struct sc_fault *fault)
{
    struct sc_run r = {.env = env, .arena = env->arena, .fault = fault};
    fault->set = false;
    env->thread->groks = env->thread->matched = 0;
    env->thread->misses_n = 0;
    re_thread_forget(env->thread->re);
    return sc_run_other(&r, s, point);
}
