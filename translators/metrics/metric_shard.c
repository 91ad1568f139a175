/* A shard finds the point by the bytes that arrived and adds the sample to the point's cell of this interval.
 *
 * Owns what struct metric_shard holds, under its lock. Called by receivers, for every sample.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "translators/metrics/finite_sum.h"
#include "translators/metrics/metric_store_internal.h"

enum { FIRST_ALIASES = 64 };

static void count(atomic_uint_least64_t *to, uint64_t n)
{
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

void metric_begin(struct metric_shard *s)
{
    gw_lock(&s->lock);
}

void metric_end(struct metric_shard *s)
{
    count(&s->store->counts.samples, s->samples);
    s->samples = 0;
    gw_unlock(&s->lock);
}

uint32_t metric_epoch(const struct metric_shard *s)
{
    return s->epoch;
}

/* --- aliases --- */

static uint64_t hash_raw(const struct metric_shard *s, gw_str raw)
{
    return gw_hash_mix(gw_hash_text(s->store->seed, raw));
}

/* Returns the slot of these bytes, or the free slot where they belong. There is always a free slot. */
static struct metric_alias *alias_at(const struct metric_shard *s, uint64_t hash, gw_str raw)
{
    size_t mask = s->aliases_cap - 1, i = hash & mask;
    for (;; i = (i + 1) & mask) {
        struct metric_alias *a = &s->aliases[i];
        if (!a->point || (a->hash == hash && a->len == raw.len && memcmp(a->bytes, raw.ptr, raw.len) == 0))
            return a;
    }
}

struct metric_point *metric_find(const struct metric_shard *s, gw_str raw)
{
    return s->aliases_n ? alias_at(s, hash_raw(s, raw), raw)->point : NULL;
}

/* Inserts without comparing bytes: all entries of the table are different. */
static void place(struct metric_alias *table, size_t cap, const struct metric_alias *a)
{
    size_t i = a->hash & (cap - 1);
    while (table[i].point)
        i = (i + 1) & (cap - 1);
    table[i] = *a;
}

static bool grow_aliases(struct metric_shard *s)
{
    size_t cap = s->aliases_cap ? 2 * s->aliases_cap : FIRST_ALIASES;
    struct metric_alias *grown = metric_alloc(s->store, cap * sizeof *grown);
    if (!grown)
        return false;
    for (size_t i = 0; i < s->aliases_cap; i++)
        if (s->aliases[i].point)
            place(grown, cap, &s->aliases[i]);
    metric_free(s->store, s->aliases, s->aliases_cap * sizeof *s->aliases);
    s->aliases = grown;
    s->aliases_cap = cap;
    return true;
}

/* Several byte strings may lead to one point (tags in another order), but their number is limited. If there
 * is no memory, nothing is remembered and the next sample takes this path again. */
static void remember(struct metric_shard *s, gw_str raw, struct metric_point *p)
{
    if (s->aliases_n >= 2 * s->store->options.max_series || raw.len > UINT32_MAX)
        return;
    if (4 * (s->aliases_n + 1) > 3 * s->aliases_cap && !grow_aliases(s))
        return;
    char *bytes = metric_alloc(s->store, raw.len);
    if (!bytes)
        return;
    memcpy(bytes, raw.ptr, raw.len);
    uint64_t hash = hash_raw(s, raw);
    *alias_at(s, hash, raw) = (struct metric_alias){hash, p, bytes, (uint32_t)raw.len};
    s->aliases_n++;
}

static void forget(struct metric_shard *s, struct metric_alias *a)
{
    metric_free(s->store, a->bytes, a->len);
    *a = (struct metric_alias){0};
    s->aliases_n--;
}

/* An entry behind a gap would not be found. So each entry is removed and inserted again, in two rounds,
 * because a run of entries may wrap around the end of the table. */
void metric_forget_aliases(struct metric_shard *s)
{
    size_t mask = s->aliases_cap - 1, gone = 0;
    for (size_t i = 0; i < s->aliases_cap; i++)
        if (s->aliases[i].point &&
            atomic_load_explicit(&s->aliases[i].point->forgettable, memory_order_relaxed)) {
            forget(s, &s->aliases[i]);
            gone++;
        }
    if (!gone)
        return;
    for (size_t n = 0, i = 0; n < 2 * s->aliases_cap; n++, i = (i + 1) & mask) {
        struct metric_alias a = s->aliases[i];
        if (!a.point)
            continue;
        s->aliases[i] = (struct metric_alias){0};
        place(s->aliases, s->aliases_cap, &a);
    }
}

struct metric_point *metric_learn(struct metric_shard *s, gw_str raw, const struct metric_id *id, uint64_t n)
{
    struct metric_point *p = metric_point_of(s->store, id, n);
    if (p && raw.len)
        remember(s, raw, p);
    return p;
}

void metric_no_memory(struct metric_shard *s, uint64_t n)
{
    count(&s->store->counts.no_memory, n);
}

void metric_store_limit(struct metric_store *store, size_t max_series)
{
    gw_lock(&store->lock);
    store->options.max_series = max_series;
    gw_unlock(&store->lock);
}

void metric_store_relearn(struct metric_store *store, size_t max_series)
{
    for (unsigned n = 0; n < store->options.shards; n++) {
        struct metric_shard *s = &store->shards[n];
        gw_lock(&s->lock);
        for (size_t i = 0; i < s->aliases_cap; i++)
            if (s->aliases[i].point)
                forget(s, &s->aliases[i]);
        gw_unlock(&s->lock);
    }
    metric_store_limit(store, max_series);
}

/* --- cells --- */

/* Returns the point's cell of this interval. */
static struct metric_cell *cell_of(struct metric_shard *s, struct metric_point *p)
{
    struct metric_place *at = &p->at[s->number];
    if (__builtin_expect(at->cell && at->epoch == s->epoch, 1))
        return at->cell;
    struct metric_cell *c = metric_cell_new(s->store, p, s->interval_start);
    if (!c)
        return NULL;
    c->next = s->cells;
    s->cells = c;
    at->cell = c;
    at->epoch = s->epoch;
    atomic_store_explicit(&p->forgettable, false, memory_order_relaxed);
    return c;
}

/* --- samples --- */

/* Returns for how many samples this one stands, as a whole number. The fraction is carried to the next
 * sample. */
static uint64_t whole_weight(struct metric_place *at, double rate)
{
    double n = 1 / rate + (double)at->carry, whole;
    if (!(n < 1e15)) /* no sender means such a rate */
        return 1;
    whole = floor(n + 1e-9 + n * 1e-12); /* allows for the rounding error of 1 / 0.1 and 1 / 1e-9 */
    at->carry = (float)(n - whole);
    return (uint64_t)whole;
}

static bool counted(struct metric_shard *s, bool taken)
{
    if (taken)
        s->samples++;
    else
        count(&s->store->counts.no_memory, 1);
    return taken;
}

bool metric_add(struct metric_shard *s, struct metric_point *p, double value, double rate)
{
    struct metric_cell *c = cell_of(s, p);
    if (!c)
        return counted(s, false);
    double weight = rate == 1 ? 1 : 1 / rate;
    switch (p->metric->kind) {
    case METRIC_SUM:
        c->number = finite_sum(c->number, value / rate);
        break;
    case METRIC_HISTOGRAM:
        return counted(s, exphist_add(&c->histogram, value,
                                      rate == 1 ? 1 : whole_weight(&p->at[s->number], rate), weight));
    case METRIC_BUCKETS:
        metric_buckets_add(p->metric, &c->buckets, value,
                           rate == 1 ? 1 : whole_weight(&p->at[s->number], rate), weight);
        break;
    default:
        c->number = value;
    }
    return counted(s, true);
}

void metric_add_text(struct metric_shard *s, struct metric_point *p, gw_str value)
{
    struct metric_cell *c = cell_of(s, p);
    counted(s, c && metric_set_add(s->store, &c->set, gw_hash_mix(gw_hash_text(s->store->seed, value))));
}
