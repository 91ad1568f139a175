/* Finds a point by the id of its series or creates it, with its metric and its resource. Three hash tables
 * with chains, because entries are removed one by one.
 *
 * Owns the tables of struct metric_store, under its lock. Called by metric_shard.c for series that a shard
 * does not know, and by metric_flush.c to forget points.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "translators/metrics/metric_store_internal.h"

enum { FIRST_CHAINS = 64 };

/* --- tables --- */

/* Doubles the number of chains. If there is no memory for that, the chains get longer. */
static void grow(struct metric_store *s, struct metric_table *t)
{
    size_t cap = t->cap ? 2 * t->cap : FIRST_CHAINS;
    struct metric_node **chains = metric_alloc(s, cap * sizeof *chains);
    if (!chains)
        return;
    for (size_t i = 0; i < t->cap; i++)
        for (struct metric_node *n = t->chains[i], *next; n; n = next) {
            next = n->next;
            n->next = chains[n->hash & (cap - 1)];
            chains[n->hash & (cap - 1)] = n;
        }
    metric_free(s, t->chains, t->cap * sizeof *chains);
    t->chains = chains;
    t->cap = cap;
}

static struct metric_node *first_of(const struct metric_table *t, uint64_t hash)
{
    return t->cap ? t->chains[hash & (t->cap - 1)] : NULL;
}

static bool insert(struct metric_store *s, struct metric_table *t, struct metric_node *n, uint64_t hash)
{
    if (t->n >= t->cap)
        grow(s, t);
    if (!t->cap)
        return false;
    n->hash = hash;
    n->next = t->chains[hash & (t->cap - 1)];
    t->chains[hash & (t->cap - 1)] = n;
    t->n++;
    return true;
}

static void take_out(struct metric_table *t, struct metric_node *n)
{
    struct metric_node **at = &t->chains[n->hash & (t->cap - 1)];
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    t->n--;
}

/* Copies text into the memory behind a struct, which was allocated with it. */
static gw_str copy_text(char **at, gw_str text)
{
    gw_str copy = {*at, text.len};
    if (text.len)
        memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return copy;
}

/* --- resources --- */

static size_t resource_size(const struct metric_resource *r)
{
    return sizeof *r + r->attributes.len;
}

static struct metric_resource *resource_of(struct metric_store *s, gw_str attributes)
{
    uint64_t hash = gw_hash_mix(gw_hash_text(s->seed, attributes));
    struct metric_resource *r;
    for (struct metric_node *n = first_of(&s->resources, hash); n; n = n->next) {
        r = (struct metric_resource *)n;
        if (n->hash == hash && gw_str_eq(r->attributes, attributes))
            return r;
    }
    r = metric_alloc(s, sizeof *r + attributes.len);
    if (!r)
        return NULL;
    char *at = (char *)(r + 1);
    r->attributes = copy_text(&at, attributes);
    if (insert(s, &s->resources, &r->node, hash))
        return r;
    metric_free(s, r, resource_size(r));
    return NULL;
}

static void leave_resource(struct metric_store *s, struct metric_resource *r)
{
    if (r->metrics)
        return;
    take_out(&s->resources, &r->node);
    metric_free(s, r, resource_size(r));
}

/* --- metrics --- */

static size_t metric_size(const struct metric_metric *m)
{
    return sizeof *m + m->bounds.len + m->name.len + m->unit.len;
}

static bool is_metric(const struct metric_metric *m, const struct metric_resource *r,
                      const struct metric_id *id)
{
    return m->resource == r && m->kind == id->kind && m->timed == (id->time != 0) &&
           gw_str_eq(m->name, id->name) && gw_str_eq(m->unit, id->unit) && gw_str_eq(m->bounds, id->bounds);
}

static struct metric_metric *metric_of(struct metric_store *s, struct metric_resource *r,
                                       const struct metric_id *id)
{
    uint64_t hash = gw_hash_text(gw_hash_text(r->node.hash, id->name), id->unit);
    hash = gw_hash_mix(hash + 2 * (uint64_t)id->kind + (id->time != 0));
    struct metric_metric *m;
    for (struct metric_node *n = first_of(&s->metrics, hash); n; n = n->next) {
        m = (struct metric_metric *)n;
        if (n->hash == hash && is_metric(m, r, id))
            return m;
    }
    m = metric_alloc(s, sizeof *m + id->bounds.len + id->name.len + id->unit.len);
    if (!m)
        return NULL;
    char *at = (char *)(m + 1);
    m->bounds = copy_text(&at, id->bounds);
    m->name = copy_text(&at, id->name);
    m->unit = copy_text(&at, id->unit);
    m->kind = id->kind;
    m->timed = id->time != 0;
    m->resource = r;
    if (insert(s, &s->metrics, &m->node, hash)) {
        r->metrics++;
        return m;
    }
    metric_free(s, m, metric_size(m));
    return NULL;
}

static void leave_metric(struct metric_store *s, struct metric_metric *m)
{
    struct metric_resource *r = m->resource;
    if (m->points)
        return;
    take_out(&s->metrics, &m->node);
    metric_free(s, m, metric_size(m));
    r->metrics--;
    leave_resource(s, r);
}

/* --- points --- */

static size_t point_size(const struct metric_store *s, gw_str attributes)
{
    return sizeof(struct metric_point) + s->options.shards * sizeof(struct metric_place) + attributes.len;
}

static struct metric_point *new_point(struct metric_store *s, struct metric_metric *m,
                                      const struct metric_id *id, uint64_t hash)
{
    struct metric_point *p = metric_alloc(s, point_size(s, id->attributes));
    if (!p)
        return NULL;
    char *at = (char *)&p->at[s->options.shards];
    p->attributes = copy_text(&at, id->attributes);
    p->metric = m;
    p->time = id->time;
    p->last = s->interval_start;
    if (!insert(s, &s->points, &p->node, hash)) {
        metric_free(s, p, point_size(s, id->attributes));
        return NULL;
    }
    m->points++;
    atomic_store_explicit(&s->counts.series, s->points.n, memory_order_relaxed);
    return p;
}

static struct metric_point *find_point(struct metric_store *s, const struct metric_metric *m,
                                       const struct metric_id *id, uint64_t hash)
{
    for (struct metric_node *n = first_of(&s->points, hash); n; n = n->next) {
        struct metric_point *p = (struct metric_point *)n;
        if (n->hash == hash && p->metric == m && p->time == id->time &&
            gw_str_eq(p->attributes, id->attributes))
            return p;
    }
    return NULL;
}

/* Finds or creates the resource and the metric of an id, then the point. If the point cannot be created, what
 * was created for it is freed. */
static struct metric_point *point_of(struct metric_store *s, const struct metric_id *id, uint64_t samples)
{
    struct metric_resource *r = resource_of(s, id->resource);
    struct metric_metric *m = r ? metric_of(s, r, id) : NULL;
    struct metric_point *p = NULL;
    if (!m) {
        if (r)
            leave_resource(s, r);
        atomic_fetch_add_explicit(&s->counts.no_memory, samples, memory_order_relaxed);
        return NULL;
    }
    uint64_t hash = gw_hash_mix(gw_hash_text(m->node.hash ^ (uint64_t)id->time, id->attributes));
    if ((p = find_point(s, m, id, hash)))
        return p;
    if (s->points.n >= s->options.max_series)
        atomic_fetch_add_explicit(&s->counts.over_limit, samples, memory_order_relaxed);
    else if (!(p = new_point(s, m, id, hash)))
        atomic_fetch_add_explicit(&s->counts.no_memory, samples, memory_order_relaxed);
    leave_metric(s, m);
    return p;
}

struct metric_point *metric_point_of(struct metric_store *s, const struct metric_id *id, uint64_t n)
{
    gw_lock(&s->lock);
    struct metric_point *p = point_of(s, id, n);
    if (p)
        atomic_store_explicit(&p->forgettable, false, memory_order_relaxed);
    gw_unlock(&s->lock);
    return p;
}

void metric_point_free(struct metric_store *s, struct metric_point *p)
{
    struct metric_metric *m = p->metric;
    take_out(&s->points, &p->node);
    atomic_store_explicit(&s->counts.series, s->points.n, memory_order_relaxed);
    metric_cell_free(s, p->total);
    metric_free(s, p, point_size(s, p->attributes));
    m->points--;
    leave_metric(s, m);
}

void metric_points_fini(struct metric_store *s)
{
    for (size_t i = 0; i < s->points.cap; i++)
        while (s->points.chains[i])
            metric_point_free(s, (struct metric_point *)s->points.chains[i]);
    metric_free(s, s->points.chains, s->points.cap * sizeof *s->points.chains);
    metric_free(s, s->metrics.chains, s->metrics.cap * sizeof *s->metrics.chains);
    metric_free(s, s->resources.chains, s->resources.cap * sizeof *s->resources.chains);
}
