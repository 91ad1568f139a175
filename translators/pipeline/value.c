/* value.c: lists and maps of script values, comparison and truth. Values live in an arena and are never
 * freed alone. Called by the evaluator and the builtins.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/pipeline/value.h"

#include <math.h>
#include <stdlib.h>

const char *sc_type_name(enum sc_type type)
{
    static const char *const names[] = {"void", "nil", "bool", "int", "float", "str", "list", "map"};
    return names[type];
}

bool sc_truth(const struct sc_val *v)
{
    switch ((enum sc_type)v->type) {
    case SC_VOID:
    case SC_NIL:
        return false;
    case SC_BOOL:
        return v->b;
    case SC_INT:
        return v->i != 0;
    case SC_FLOAT:
        return v->f.v != 0;
    case SC_STR:
        return v->s.len != 0;
    case SC_LIST:
        return v->l->n != 0;
    case SC_MAP:
        return v->m->n != 0;
    }
    return false;
}

/* How far a comparison may go: scripts can tie lists into knots, and share parts so that a walk over them
 * never ends. */
struct walk {
    unsigned depth, left;
};
enum { WALK_DEPTH = 256, WALK_NODES = 1 << 20 };

static bool alike(struct walk *, const struct sc_val *, const struct sc_val *);

static bool same_lists(struct walk *w, const struct sc_list *a, const struct sc_list *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; a != b && i < a->n; i++)
        if (!alike(w, &a->items[i], &b->items[i]))
            return false;
    return true;
}

static bool same_maps(struct walk *w, const struct sc_map *a, const struct sc_map *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; a != b && i < a->n; i++)
        if (!gw_str_eq(a->pairs[i].name, b->pairs[i].name) || !alike(w, &a->pairs[i].val, &b->pairs[i].val))
            return false;
    return true;
}

static bool alike(struct walk *w, const struct sc_val *a, const struct sc_val *b)
{
    if (a->type != b->type)
        return (a->type == SC_VOID && b->type == SC_NIL) || (a->type == SC_NIL && b->type == SC_VOID);
    if (w->left == 0 || w->depth == WALK_DEPTH)
        return false;
    bool same = true;
    w->left--;
    w->depth++;
    if (a->type == SC_BOOL)
        same = a->b == b->b;
    else if (a->type == SC_INT)
        same = a->i == b->i;
    else if (a->type == SC_FLOAT)
        same = a->f.v == b->f.v;
    else if (a->type == SC_STR)
        same = gw_str_eq(a->s, b->s);
    else if (a->type == SC_LIST)
        same = same_lists(w, a->l, b->l);
    else if (a->type == SC_MAP)
        same = same_maps(w, a->m, b->m);
    w->depth--;
    return same;
}

bool sc_same(const struct sc_val *a, const struct sc_val *b)
{
    struct walk w = {0, WALK_NODES};
    return alike(&w, a, b);
}

static bool numeric(const struct sc_val *v)
{
    return v->type == SC_INT || v->type == SC_FLOAT || v->type == SC_BOOL;
}

bool sc_equal(const struct sc_val *a, const struct sc_val *b)
{
    if (numeric(a))
        return numeric(b) && sc_number(a) == sc_number(b);
    return a->type == SC_STR || a->type == SC_NIL ? a->type == b->type && sc_same(a, b) : sc_same(a, b);
}

double sc_number(const struct sc_val *v)
{
    return v->type == SC_INT ? (double)v->i : v->type == SC_FLOAT ? v->f.v : v->type == SC_BOOL ? v->b : 0;
}

int64_t sc_trunc(double d)
{
    return d >= -9223372036854775808.0 && d < 9223372036854775808.0 ? (int64_t)d : INT64_MIN;
}

struct sc_list *sc_list_new(struct gw_arena *a)
{
    return gw_new(a, struct sc_list, 1);
}

struct sc_map *sc_map_new(struct gw_arena *a)
{
    return gw_new(a, struct sc_map, 1);
}

/* Room for one more of `size` bytes in an array of the arena: the array, at its old place or moved; NULL when
 * the arena is spent. */
static void *grow(struct gw_arena *a, void *old, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return old;
    size_t want = *cap ? *cap * 2 : 8;
    void *fresh = gw_arena_raw(a, want, size);
    if (!fresh)
        return NULL;
    if (n)
        memcpy(fresh, old, n * size);
    *cap = want;
    return fresh;
}

bool sc_list_add(struct gw_arena *a, struct sc_list *l, struct sc_val v)
{
    struct sc_val *items = grow(a, l->items, l->n, &l->cap, sizeof *items);
    if (!items)
        return false;
    l->items = items;
    items[l->n++] = v;
    return true;
}

int sc_str_order(gw_str a, gw_str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.ptr, b.ptr, len) : 0;
    return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

/* The position of `name`, or where it would be inserted. */
static size_t place(const struct sc_map *m, gw_str name, bool *found)
{
    size_t low = 0, high = m->n;
    *found = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = sc_str_order(m->pairs[mid].name, name);
        if (order == 0) {
            *found = true;
            return mid;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct sc_val *sc_map_get(const struct sc_map *m, gw_str name)
{
    bool found;
    size_t at = place(m, name, &found);
    return found ? &m->pairs[at].val : NULL;
}

struct sc_pair *sc_map_append(struct gw_arena *a, struct sc_map *m)
{
    struct sc_pair *pairs = grow(a, m->pairs, m->n, &m->cap, sizeof *pairs);
    if (!pairs)
        return NULL;
    m->pairs = pairs;
    return &pairs[m->n++];
}

bool sc_map_set(struct gw_arena *a, struct sc_map *m, gw_str name, struct sc_val v)
{
    bool found;
    size_t at = place(m, name, &found);
    if (!found) {
        if (!sc_map_append(a, m))
            return false;
        memmove(&m->pairs[at + 1], &m->pairs[at], (m->n - 1 - at) * sizeof *m->pairs);
        m->pairs[at].name = name;
    }
    m->pairs[at].val = v;
    return true;
}

void sc_map_del(struct sc_map *m, gw_str name)
{
    bool found;
    size_t at = place(m, name, &found);
    if (!found)
        return;
    m->n--;
    memmove(&m->pairs[at], &m->pairs[at + 1], (m->n - at) * sizeof *m->pairs);
}

/* Merges two sorted runs; of equal names the left one comes first. */
static void merge(struct sc_pair *to, const struct sc_pair *p, size_t mid, size_t n)
{
    size_t left = 0, right = mid;
    for (size_t i = 0; i < n; i++)
        to[i] = left < mid && (right == n || sc_str_order(p[left].name, p[right].name) <= 0) ? p[left++]
                                                                                             : p[right++];
}

/* A stable sort; `spare` is as long as p. */
static void sort(struct sc_pair *p, struct sc_pair *spare, size_t n)
{
    if (n <= 16) {
        for (size_t i = 1; i < n; i++) {
            struct sc_pair x = p[i];
            size_t at = i;
            for (; at && sc_str_order(p[at - 1].name, x.name) > 0; at--)
                p[at] = p[at - 1];
            p[at] = x;
        }
        return;
    }
    size_t mid = n / 2;
    sort(p, spare, mid);
    sort(p + mid, spare, n - mid);
    merge(spare, p, mid, n);
    memcpy(p, spare, n * sizeof *p);
}

bool sc_map_settle(struct gw_arena *a, struct sc_map *m)
{
    struct sc_pair *spare = m->n > 16 ? gw_arena_raw(a, m->n, sizeof *spare) : NULL;
    if (m->n > 16 && !spare)
        return false;
    sort(m->pairs, spare, m->n);
    size_t kept = 0;
    for (size_t i = 0; i < m->n; i++) {
        if (i + 1 < m->n && gw_str_eq(m->pairs[i].name, m->pairs[i + 1].name))
            continue;
        m->pairs[kept++] = m->pairs[i];
    }
    m->n = kept;
    return true;
}
