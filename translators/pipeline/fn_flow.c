/* fn_flow.c: Implements the builtins that control the run: drop, exit, use of other scripts, create_point, and
 * the cache between records. Owns the cache, under its lock. Called by the evaluator.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/base/lock.h"

#include "translators/pipeline/script_internal.h"

bool fn_nothing(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    (void)r;
    (void)call;
    (void)out;
    return true;
}

bool fn_drop(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    (void)call;
    (void)out;
    r->point->dropped = true;
    return true;
}

bool fn_exit(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    (void)call;
    (void)out;
    r->exit = true;
    return true;
}

bool check_use(struct sc_check *c, struct sc_node *call)
{
    return sc_link_use(c, call, call->kid[0]);
}

bool fn_use(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    (void)out;
    return sc_run_other(r, call->data, r->point) ||
           sc_fail_from(r->fault, r->frame->script->name, r->frame->script->text, call->pos);
}

bool fn_setopt(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v;
    (void)out;
    if (!call->kid[0])
        return true;
    if (!sc_eval(r, call->kid[0], &v))
        return false;
    if (v.type == SC_BOOL)
        r->point->keep_status = !v.b;
    return true;
}

bool check_create_point(struct sc_check *c, struct sc_node *call)
{
    return !call->kid[5] || sc_link_use(c, call, call->kid[5]);
}

static bool category_of(gw_str name, enum sc_category *out)
{
    static const struct {
        const char *name;
        enum sc_category category;
    } rows[] = {{"logging", SC_LOGGING},     {"L", SC_LOGGING}, {"metric", SC_METRIC},  {"M", SC_METRIC},
                {"tracing", SC_TRACING},     {"T", SC_TRACING}, {"rum", SC_OTHER},      {"R", SC_OTHER},
                {"network", SC_OTHER},       {"N", SC_OTHER},   {"object", SC_OTHER},   {"O", SC_OTHER},
                {"custom_object", SC_OTHER}, {"CO", SC_OTHER},  {"security", SC_OTHER}, {"S", SC_OTHER},
                {"dialtesting", SC_OTHER},   {"DT", SC_OTHER}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (gw_str_eq(name, gw_str_z(rows[i].name))) {
            *out = rows[i].category;
            return true;
        }
    return false;
}

enum given { GIVEN, SPOILT, WRONG };

/* The i-th argument. One that ends with an error spoils the point, without a word, but the name's is an
 * error; so is one of another type.
 */
static enum given argument(struct sc_run *r, const struct sc_node *call, uint32_t i, enum sc_type type,
                           struct sc_val *v)
{
    bool good = true;
    *v = sc_nil();
    if (call->kid[i] && !(i ? sc_try(r, call->kid[i], v, &good) : sc_eval(r, call->kid[i], v)))
        return WRONG;
    if (!good)
        return SPOILT;
    if (v->type == type || (i > 0 && v->type <= SC_NIL))
        return GIVEN;
    sc_run_fail(r, call->kid[i]->pos, "type of parameter expected to be %s, got %s", sc_type_name(type),
                sc_type_name(v->type));
    return WRONG;
}

/* Fields are bools, numbers and text; a metric has no text. */
static void fill_point(struct sc_point *made, const struct sc_val *tags, const struct sc_val *fields)
{
    enum sc_type last = made->category == SC_METRIC ? SC_FLOAT : SC_STR;
    for (size_t i = 0; fields->type == SC_MAP && i < fields->m->n; i++)
        if (fields->m->pairs[i].val.type >= SC_BOOL && fields->m->pairs[i].val.type <= last)
            sc_point_set(made, fields->m->pairs[i].name, fields->m->pairs[i].val);
    for (size_t i = 0; tags->type == SC_MAP && i < tags->m->n; i++)
        if (tags->m->pairs[i].val.type == SC_STR)
            sc_point_set_tag(made, tags->m->pairs[i].name, tags->m->pairs[i].val);
}

bool fn_create_point(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    static const enum sc_type types[] = {SC_STR, SC_MAP, SC_MAP, SC_INT, SC_STR};
    struct sc_val v[5];
    struct sc_point *made = gw_new(r->arena, struct sc_point, 1);
    (void)out;
    for (uint32_t i = 0; i < 5; i++) {
        enum given given = argument(r, call, i, types[i], &v[i]);
        if (given != GIVEN)
            return given == SPOILT;
    }
    if (!made)
        return false;
    sc_point_init(made, r->arena, v[0].s, v[3].type == SC_INT && v[3].i > 0 ? v[3].i : r->point->time);
    made->time_set = v[3].type == SC_INT && v[3].i > 0;
    made->category = SC_METRIC;
    if (v[4].type == SC_STR && !category_of(v[4].s, &made->category))
        return true;
    fill_point(made, &v[1], &v[2]);
    if (call->data && !sc_run_other(r, call->data, made))
        return sc_fail_from(r->fault, r->frame->script->name, r->frame->script->text, call->pos);
    *r->point->created_end = made;
    r->point->created_end = &made->next;
    return true;
}

/* What cache_set remembers: text by name, until it expires; at most CACHE_MOST at a time, the oldest makes
 * room. */
enum { CACHE_MOST = 4096, CACHE_TEXT = 4096, CACHE_CHAINS = 1024 };

struct entry {
    struct entry *next, *older, *newer;
    int64_t until;
    uint32_t hash;
    size_t name_len, len;
    char text[]; /* name, value */
};

struct sc_cache {
    struct gw_lock lock;
    struct entry *chains[CACHE_CHAINS], *oldest, *newest;
    size_t n;
};

struct sc_cache *sc_cache_new(void)
{
    struct sc_cache *c = calloc(1, sizeof *c);
    if (c)
        gw_lock_init(&c->lock, GW_LOCK_SCRIPT_CACHE);
    return c;
}

static void forget(struct sc_cache *c, struct entry *e)
{
    struct entry **link = &c->chains[e->hash % CACHE_CHAINS];
    while (*link != e)
        link = &(*link)->next;
    *link = e->next;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    c->n--;
    free(e);
}

void sc_cache_drop(struct sc_cache *c)
{
    while (c && c->oldest)
        forget(c, c->oldest);
    if (c)
        gw_lock_fini(&c->lock);
    free(c);
}

static uint32_t hash_of(gw_str s)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 16777619u;
    return h;
}

static struct entry *find(struct sc_cache *c, gw_str name, int64_t now)
{
    uint32_t hash = hash_of(name);
    for (struct entry *e = c->chains[hash % CACHE_CHAINS]; e; e = e->next)
        if (e->hash == hash && gw_str_eq(gw_str_n(e->text, e->name_len), name)) {
            if (e->until > now)
                return e;
            forget(c, e);
            return NULL;
        }
    return NULL;
}

bool fn_cache_get(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_cache *c = r->frame->script->cache;
    struct sc_val key;
    if (!sc_eval(r, call->kid[0], &key))
        return false;
    if (key.type != SC_STR)
        return sc_run_fail(r, call->kid[0]->pos, "param data type expect string");
    gw_lock(&c->lock);
    const struct entry *e = find(c, key.s, r->env->now);
    *out = e ? sc_str(gw_arena_dup(r->arena, gw_str_n(e->text + e->name_len, e->len))) : sc_nil();
    gw_unlock(&c->lock);
    return true;
}

static void remember(struct sc_cache *c, gw_str name, gw_str value, int64_t now, int64_t until)
{
    struct entry *old = find(c, name, now), *e = malloc(sizeof *e + name.len + value.len);
    if (old)
        forget(c, old);
    if (!e)
        return;
    if (c->n == CACHE_MOST)
        forget(c, c->oldest);
    uint32_t hash = hash_of(name);
    *e = (struct entry){c->chains[hash % CACHE_CHAINS], c->newest, NULL, until, hash, name.len, value.len};
    memcpy(e->text, name.ptr, name.len);
    if (value.len)
        memcpy(e->text + name.len, value.ptr, value.len);
    c->chains[hash % CACHE_CHAINS] = e;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
    c->n++;
}

bool fn_cache_set(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_cache *c = r->frame->script->cache;
    struct sc_val key, value, seconds = sc_int(100);
    (void)out;
    if (!sc_eval(r, call->kid[0], &key))
        return false;
    if (key.type != SC_STR)
        return sc_run_fail(r, call->kid[0]->pos, "param data type expect string");
    if (!sc_eval(r, call->kid[1], &value) || (call->kid[2] && !sc_eval(r, call->kid[2], &seconds)))
        return false;
    if (seconds.type != SC_INT)
        return sc_run_fail(r, call->kid[2]->pos, "param data type expect int or nil");
    gw_str text = sc_text(r->arena, &value);
    if (!key.s.len || key.s.len + text.len > CACHE_TEXT || seconds.i <= 0 || seconds.i > 1000000000)
        return true;
    gw_lock(&c->lock);
    remember(c, key.s, text, r->env->now, r->env->now + seconds.i * 1000000000);
    gw_unlock(&c->lock);
    return true;
}

bool check_sample(struct sc_check *c, struct sc_node *call)
{
    const struct sc_node *p = call->kid[0];
    return p->kind == SN_INT || p->kind == SN_FLOAT || p->kind == SN_ARITH ||
           sc_check_fail(c, p->pos, "sample: expected a number or arithmetic");
}

bool fn_sample(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val p;
    if (!sc_eval(r, call->kid[0], &p))
        return false;
    if (p.type != SC_INT && p.type != SC_FLOAT)
        return sc_run_fail(r, call->kid[0]->pos, "the probability is neither float nor int");
    double share = sc_number(&p);
    if (share >= 0 && share <= 1)
        *out = sc_bool(r->env->now / 1000 % 100 <= (int64_t)(share * 100));
    return true;
}
