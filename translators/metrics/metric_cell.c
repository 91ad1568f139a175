/* Cells, each of which collects the samples of one series in one interval; and the store's memory, which is
 * charged to a budget.
 *
 * Owns what a cell holds. Called by metric_shard.c, which fills cells, and metric_flush.c, which empties
 * them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "translators/metrics/finite_sum.h"
#include "translators/metrics/metric_store_internal.h"

enum { FIRST_SET = 8 };

void *metric_alloc(struct metric_store *s, size_t n)
{
    if (!gw_budget_take(s->options.account, n))
        return NULL;
    void *p = calloc(1, n);
    if (!p)
        gw_budget_give(s->options.account, n);
    return p;
}

void metric_free(struct metric_store *s, void *p, size_t n)
{
    if (!p)
        return;
    gw_budget_give(s->options.account, n);
    free(p);
}

/* --- sets --- */

static bool grow_set(struct metric_store *s, struct metric_set *set)
{
    uint32_t cap = set->cap ? 2 * set->cap : FIRST_SET;
    uint64_t *slots = metric_alloc(s, cap * sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < set->cap; i++)
        if (set->slots[i]) {
            uint32_t to = (uint32_t)set->slots[i] & (cap - 1);
            while (slots[to])
                to = (to + 1) & (cap - 1);
            slots[to] = set->slots[i];
        }
    metric_free(s, set->slots, set->cap * sizeof *slots);
    set->slots = slots;
    set->cap = cap;
    return true;
}

bool metric_set_add(struct metric_store *s, struct metric_set *set, uint64_t hash)
{
    hash += !hash; /* 0 marks a free slot */
    if (4 * (set->n + 1) > 3 * set->cap && !grow_set(s, set))
        return false;
    uint32_t i = (uint32_t)hash & (set->cap - 1);
    for (; set->slots[i]; i = (i + 1) & (set->cap - 1))
        if (set->slots[i] == hash)
            return true;
    set->slots[i] = hash;
    set->n++;
    return true;
}

/* A value for which there is no memory is counted as dropped, so a merge never fails as a whole. */
static bool set_merge(struct metric_store *s, struct metric_set *to, const struct metric_set *from)
{
    for (uint32_t i = 0; i < from->cap; i++)
        if (from->slots[i] && !metric_set_add(s, to, from->slots[i]))
            return false;
    return true;
}

/* --- buckets --- */

/* Bucket i holds the values above bound i - 1, up to and including bound i. */
static size_t bucket_of(const struct metric_metric *m, double v)
{
    const double *bounds = (const double *)(const void *)m->bounds.ptr;
    size_t low = 0, high = metric_bounds(m);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (v <= bounds[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void metric_buckets_add(const struct metric_metric *m, struct metric_buckets *b, double v, uint64_t n,
                        double weight)
{
    b->counts[bucket_of(m, v)] += n;
    b->min = b->count && b->min < v ? b->min : v;
    b->max = b->count && b->max > v ? b->max : v;
    b->count += n;
    b->sum = finite_sum(b->sum, v * weight);
}

static void buckets_merge(const struct metric_metric *m, struct metric_buckets *to,
                          const struct metric_buckets *from)
{
    if (!from->count)
        return;
    for (size_t i = 0; i <= metric_bounds(m); i++)
        to->counts[i] += from->counts[i];
    to->min = to->count && to->min < from->min ? to->min : from->min;
    to->max = to->count && to->max > from->max ? to->max : from->max;
    to->count += from->count;
    to->sum = finite_sum(to->sum, from->sum);
}

static size_t counts_size(const struct metric_metric *m)
{
    return (metric_bounds(m) + 1) * sizeof(uint64_t);
}

/* --- cells --- */

static size_t cell_size(enum metric_kind kind)
{
    const size_t needs = kind == METRIC_HISTOGRAM ? sizeof(struct exphist)
                         : kind == METRIC_SET     ? sizeof(struct metric_set)
                         : kind == METRIC_BUCKETS ? sizeof(struct metric_buckets)
                                                  : sizeof(double);
    return offsetof(struct metric_cell, number) + needs;
}

struct metric_cell *metric_cell_new(struct metric_store *s, struct metric_point *p, gw_nsec start)
{
    struct metric_cell *c = metric_alloc(s, cell_size(p->metric->kind));
    if (!c)
        return NULL;
    c->point = p;
    c->start = start;
    if (p->metric->kind == METRIC_HISTOGRAM)
        exphist_init(&c->histogram, s->options.account);
    if (p->metric->kind != METRIC_BUCKETS || (c->buckets.counts = metric_alloc(s, counts_size(p->metric))))
        return c;
    metric_free(s, c, cell_size(p->metric->kind));
    return NULL;
}

void metric_cell_free(struct metric_store *s, struct metric_cell *c)
{
    if (!c)
        return;
    if (c->point->metric->kind == METRIC_HISTOGRAM)
        exphist_fini(&c->histogram);
    else if (c->point->metric->kind == METRIC_SET)
        metric_free(s, c->set.slots, c->set.cap * sizeof *c->set.slots);
    else if (c->point->metric->kind == METRIC_BUCKETS)
        metric_free(s, c->buckets.counts, counts_size(c->point->metric));
    metric_free(s, c, cell_size(c->point->metric->kind));
}

bool metric_cell_merge(struct metric_store *s, struct metric_cell *to, const struct metric_cell *from)
{
    switch (to->point->metric->kind) {
    case METRIC_SUM:
        to->number = finite_sum(to->number, from->number);
        return true;
    case METRIC_GAUGE:
        to->number = from->number;
        return true;
    case METRIC_SET:
        return set_merge(s, &to->set, &from->set);
    case METRIC_HISTOGRAM:
        return exphist_merge(&to->histogram, &from->histogram);
    case METRIC_BUCKETS:
        buckets_merge(to->point->metric, &to->buckets, &from->buckets);
        return true;
    }
    return true;
}
