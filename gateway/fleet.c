/* fleet.c: The table of clients. Owns its entries. Called by receivers once a request, and by the admin
 * listener's threads, which read it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/fleet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/budget.h"
#include "core/base/hash.h"
#include "core/base/lock.h"
#include "core/base/random.h"
#include "core/base/text.h"

/* After this long an item counts 1/e. */
static const double MEMORY_SECONDS = 20;

struct shard {
    struct gw_lock lock;
    uint64_t hashes[GW_FLEET_SHARD]; /* of the entries: what a search reads */
    struct gw_fleet_entry *entries;  /* NULL: none yet */
};

struct gw_fleet {
    struct gw_budget *budget;
    uint64_t seed;
    struct shard shards[GW_FLEET_SHARDS];
};

struct gw_fleet *gw_fleet_new(struct gw_budget *budget)
{
    struct gw_fleet *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->budget = budget;
    f->seed = gw_random();
    for (size_t i = 0; i < GW_FLEET_SHARDS; i++)
        gw_lock_init(&f->shards[i].lock, GW_LOCK_FLEET);
    return f;
}

enum { SHARD_BYTES = GW_FLEET_SHARD * sizeof(struct gw_fleet_entry) };

void gw_fleet_drop(struct gw_fleet *f)
{
    for (size_t i = 0; f && i < GW_FLEET_SHARDS; i++) {
        if (f->shards[i].entries)
            gw_budget_give(f->budget, SHARD_BYTES);
        free(f->shards[i].entries);
        gw_lock_fini(&f->shards[i].lock);
    }
    free(f);
}

/* Never 0. */
static uint64_t hash_of(const struct gw_fleet *f, const struct gw_fleet_client *c)
{
    uint64_t hash = f->seed;
#define HASH(name, size)                                                                                     \
    hash = gw_hash_text(hash, gw_str_n(c->name.ptr, c->name.len < (size) ? c->name.len : (size)));
    GW_FLEET_TEXTS(HASH)
#undef HASH
    return gw_hash_mix(hash) | 1;
}

static void copy(char *to, size_t size, gw_str from)
{
    size_t n = gw_utf8_cut(from, size - 1);
    if (n)
        memcpy(to, from.ptr, n);
    to[n] = '\0';
}

static void fill(struct gw_fleet_entry *e, const struct gw_fleet_client *c, uint64_t hash)
{
    *e = (struct gw_fleet_entry){.hash = hash, .first_seen = gw_wall(), .seen_at = gw_now()};
#define COPY(name, size) copy(e->name, size, c->name);
    GW_FLEET_TEXTS(COPY)
#undef COPY
}

/* Under lock. False when there is no memory. */
static bool make_entries(struct gw_fleet *f, struct shard *s)
{
    if (s->entries)
        return true;
    if (f->budget && !gw_budget_take(f->budget, SHARD_BYTES))
        return false;
    s->entries = calloc(GW_FLEET_SHARD, sizeof *s->entries);
    if (!s->entries)
        gw_budget_give(f->budget, SHARD_BYTES);
    return s->entries;
}

/* Under lock: the place of a new client. */
static size_t oldest(const struct shard *s)
{
    size_t at = 0;
    for (size_t i = 0; i < GW_FLEET_SHARD; i++) {
        if (!s->hashes[i])
            return i;
        if (s->entries[i].seen_at < s->entries[at].seen_at)
            at = i;
    }
    return at;
}

static double faded(const struct gw_fleet_entry *e, gw_nsec now)
{
    return e->rate * exp(-(double)(now - e->seen_at) / (double)GW_SEC / MEMORY_SECONDS);
}

static void hear(struct gw_fleet_entry *e, uint64_t items, unsigned sends)
{
    gw_nsec now = gw_now();
    e->rate = faded(e, now) + (double)items / MEMORY_SECONDS;
    e->seen_at = now;
    e->last_seen = gw_wall();
    e->items += items;
    e->sends |= sends;
}

void gw_fleet_note(struct gw_fleet *f, const struct gw_fleet_client *c, uint64_t items, unsigned sends)
{
    if (!f)
        return;
    uint64_t hash = hash_of(f, c);
    struct shard *s = &f->shards[hash >> 32 & (GW_FLEET_SHARDS - 1)];
    size_t at = 0;
    gw_lock(&s->lock);
    while (at < GW_FLEET_SHARD && s->hashes[at] != hash)
        at++;
    if (at == GW_FLEET_SHARD && make_entries(f, s)) {
        at = oldest(s);
        fill(&s->entries[at], c, hash);
        s->hashes[at] = hash;
    }
    if (at < GW_FLEET_SHARD)
        hear(&s->entries[at], items, sends);
    gw_unlock(&s->lock);
}

/* A text that the request does not say matches all. */
static bool matches(const char *entry, gw_str said, size_t size)
{
    return !said.len || strncmp(entry, said.ptr, said.len < size - 1 ? said.len : size - 1) == 0;
}

/* Under the shard's lock. */
static bool mark_shard(struct shard *s, const struct gw_fleet_client *c, unsigned sends)
{
    bool any = false;
    for (size_t i = 0; i < GW_FLEET_SHARD && s->entries; i++) {
        struct gw_fleet_entry *e = &s->entries[i];
        if (!s->hashes[i] || !matches(e->language, c->language, sizeof e->language) ||
            !matches(e->version, c->version, sizeof e->version) ||
            !matches(e->container, c->container, sizeof e->container))
            continue;
        e->sends |= sends;
        any = true;
    }
    return any;
}

void gw_fleet_mark(struct gw_fleet *f, const struct gw_fleet_client *c, uint64_t items, unsigned sends)
{
    bool any = false;
    for (size_t i = 0; f && i < GW_FLEET_SHARDS; i++) {
        struct shard *s = &f->shards[i];
        gw_lock(&s->lock);
        any |= mark_shard(s, c, sends);
        gw_unlock(&s->lock);
    }
    if (!any && c->language.len)
        gw_fleet_note(f, c, items, sends);
}

static bool is_of(const struct gw_fleet_entry *part, const struct gw_fleet_entry *whole)
{
    return whole->service[0] && strcmp(part->language, whole->language) == 0 &&
           strcmp(part->version, whole->version) == 0 &&
           (!part->container[0] || strcmp(part->container, whole->container) == 0);
}

/* Telemetry comes before the first spans, and nobody knows then of which service it is. */
static size_t fold(struct gw_fleet_entry *entries, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool found = false;
        for (size_t k = 0; k < n && !entries[i].service[0]; k++)
            if (is_of(&entries[i], &entries[k])) {
                entries[k].sends |= entries[i].sends;
                found = true;
            }
        if (!found)
            entries[kept++] = entries[i];
    }
    return kept;
}

static int last_first(const void *a, const void *b)
{
    const struct gw_fleet_entry *x = a, *y = b;
    return (x->seen_at < y->seen_at) - (x->seen_at > y->seen_at);
}

size_t gw_fleet_read(struct gw_fleet *f, struct gw_fleet_entry *out)
{
    size_t n = 0;
    for (size_t i = 0; f && i < GW_FLEET_SHARDS; i++) {
        struct shard *s = &f->shards[i];
        gw_lock(&s->lock);
        for (size_t k = 0; k < GW_FLEET_SHARD && s->entries; k++)
            if (s->hashes[k])
                out[n++] = s->entries[k];
        gw_unlock(&s->lock);
    }
    gw_nsec now = gw_now();
    for (size_t i = 0; i < n; i++)
        out[i].rate = faded(&out[i], now);
    n = fold(out, n);
    qsort(out, n, sizeof *out, last_first);
    return n;
}
