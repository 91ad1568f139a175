/* trace_ids.c: implements the table of upper halves of trace ids. Each shard is a ring of entries in the
 * order in which they were learned, and a hash table of chains through them. When the ring is full, the
 * oldest entry is removed from its chain and reused. Owns the shards, each under its own lock. Called by
 * translators, which learn and look up ids, and by senders, which complete the ids of frames.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/delivery/trace_ids.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/lock.h"
#include "core/base/random.h"
#include "core/delivery/span_services.h"

enum {
    SHARDS = 64,
    SHARD_LEAST = 256 /* with fewer entries per shard, one shard is better */,
    ROUNDED_BITS = 11
};

struct entry {
    uint64_t low, high;
    gw_nsec seen;
    uint32_t next; /* in its chain: index + 1, 0 ends it */
};
_Static_assert(sizeof(struct entry) == 32, "said in trace_ids.h");

struct shard {
    struct gw_lock lock;
    atomic_uint_least64_t news; /* written under lock */
    /* Under lock. */
    struct entry *ring;
    uint32_t *heads; /* index + 1 of the newest entry of each chain */
    uint32_t used, hand;
} __attribute__((aligned(64)));

struct gw_trace_ids {
    /* Constant after new. */
    uint64_t seed;
    gw_nsec ttl;
    struct gw_span_services *services;
    uint32_t shards, ring_size, mask; /* entries per shard; chains per shard − 1 */
    struct shard shard[];
};

/* The place of an id; ids that a double cannot distinguish share a shard and a chain. */
struct spot {
    struct shard *shard;
    uint32_t *head;
};

static struct spot spot_of(struct gw_trace_ids *ids, uint64_t upper_bits)
{
    uint64_t hash = gw_hash_mix(upper_bits ^ ids->seed);
    struct shard *s = &ids->shard[(hash >> 32) % ids->shards];
    return (struct spot){s, &s->heads[hash & ids->mask]};
}

struct gw_trace_ids *gw_trace_ids_new(size_t capacity, gw_nsec ttl)
{
    size_t shards = capacity / SHARD_LEAST >= SHARDS ? SHARDS : 1, size = (capacity + shards - 1) / shards,
           chains = 1;
    if (capacity == 0 || capacity > UINT32_MAX)
        return NULL;
    while (chains * 2 <= size)
        chains *= 2;
    struct gw_trace_ids *ids =
        aligned_alloc(64, (sizeof *ids + shards * sizeof(struct shard) + 63) / 64 * 64);
    if (!ids)
        return NULL;
    *ids = (struct gw_trace_ids){
        .ttl = ttl, .shards = (uint32_t)shards, .ring_size = (uint32_t)size, .mask = (uint32_t)chains - 1};
    ids->seed = gw_random();
    ids->services = gw_span_services_new();
    bool complete = ids->services;
    for (size_t i = 0; i < shards; i++) {
        struct shard *s = &ids->shard[i];
        /* an entry is written before it is read, so unused entries are not touched and cost no memory */
        *s =
            (struct shard){.ring = malloc(size * sizeof *s->ring), .heads = calloc(chains, sizeof *s->heads)};
        gw_lock_init(&s->lock, GW_LOCK_TRACE_IDS);
        complete = complete && s->ring && s->heads;
    }
    if (complete)
        return ids;
    gw_trace_ids_drop(ids);
    return NULL;
}

void gw_trace_ids_drop(struct gw_trace_ids *ids)
{
    if (!ids)
        return;
    for (size_t i = 0; i < ids->shards; i++) {
        free(ids->shard[i].ring);
        free(ids->shard[i].heads);
        gw_lock_fini(&ids->shard[i].lock);
    }
    gw_span_services_drop(ids->services);
    free(ids);
}

struct gw_span_services *gw_trace_ids_services(const struct gw_trace_ids *ids)
{
    return ids->services;
}

static struct entry *entry_at(struct shard *s, uint32_t link)
{
    return link ? &s->ring[link - 1] : NULL;
}

static struct entry *search(struct spot at, uint64_t low)
{
    struct entry *e = entry_at(at.shard, *at.head);
    while (e && e->low != low)
        e = entry_at(at.shard, e->next);
    return e;
}

static bool alive(const struct gw_trace_ids *ids, const struct entry *e, gw_nsec now)
{
    return now - e->seen <= ids->ttl;
}

/* Removes the oldest entry from its chain. */
static void forget(struct gw_trace_ids *ids, struct shard *s)
{
    uint32_t *link = spot_of(ids, s->ring[s->hand].low >> ROUNDED_BITS).head;
    while (*link != s->hand + 1)
        link = &s->ring[*link - 1].next;
    *link = s->ring[s->hand].next;
}

static void insert(struct gw_trace_ids *ids, struct spot at, struct entry fresh)
{
    struct shard *s = at.shard;
    if (s->used == ids->ring_size)
        forget(ids, s);
    else
        s->used++;
    fresh.next = *at.head;
    s->ring[s->hand] = fresh;
    *at.head = s->hand + 1;
    s->hand = (s->hand + 1) % ids->ring_size;
}

void gw_trace_ids_learn(struct gw_trace_ids *ids, uint64_t low, uint64_t high, gw_nsec now)
{
    struct spot at = spot_of(ids, low >> ROUNDED_BITS);
    gw_lock(&at.shard->lock);
    struct entry *e = search(at, low);
    if (!e || !alive(ids, e, now) || (high && e->high != high))
        atomic_store_explicit(&at.shard->news, at.shard->news + 1, memory_order_release);
    if (!e)
        insert(ids, at, (struct entry){.low = low, .high = high, .seen = now});
    else if (high || !alive(ids, e, now))
        e->high = high;
    if (e && now > e->seen)
        e->seen = now;
    gw_unlock(&at.shard->lock);
}

uint64_t gw_trace_ids_news(struct gw_trace_ids *ids)
{
    uint64_t news = 0;
    for (size_t i = 0; i < ids->shards; i++)
        news += atomic_load_explicit(&ids->shard[i].news, memory_order_acquire);
    return news;
}

bool gw_trace_ids_find(struct gw_trace_ids *ids, uint64_t low, uint64_t *high, gw_nsec now)
{
    struct spot at = spot_of(ids, low >> ROUNDED_BITS);
    gw_lock(&at.shard->lock);
    const struct entry *e = search(at, low);
    bool found = e && alive(ids, e, now);
    if (found)
        *high = e->high;
    gw_unlock(&at.shard->lock);
    return found;
}

/* Counts the live entries of one place that are the same double; the last one is left in *low, *high. */
static unsigned count_rounded(struct gw_trace_ids *ids, uint64_t upper_bits, double rounded, uint64_t *low,
                              uint64_t *high, gw_nsec now)
{
    struct spot at = spot_of(ids, upper_bits);
    unsigned n = 0;
    gw_lock(&at.shard->lock);
    for (const struct entry *e = entry_at(at.shard, *at.head); e; e = entry_at(at.shard, e->next))
        if (e->low >> ROUNDED_BITS == upper_bits && (double)e->low == rounded && alive(ids, e, now)) {
            *low = e->low;
            *high = e->high;
            n++;
        }
    gw_unlock(&at.shard->lock);
    return n;
}

bool gw_trace_ids_repair(struct gw_trace_ids *ids, uint64_t rounded, uint64_t *low, uint64_t *high,
                         gw_nsec now)
{
    const double two_to_64 = 18446744073709551616.0;
    double value = (double)rounded;
    /* A double is rounded to the nearest: the id has the same upper bits or, if it was rounded up, those just
     * below. */
    uint64_t upper =
        value >= two_to_64 ? UINT64_C(1) << (64 - ROUNDED_BITS) : (uint64_t)value >> ROUNDED_BITS;
    uint64_t l = 0, h = 0;
    unsigned n = count_rounded(ids, upper, value, &l, &h, now);
    if (upper)
        n += count_rounded(ids, upper - 1, value, &l, &h, now);
    if (n != 1)
        return false;
    *low = l;
    *high = h;
    return true;
}

void gw_trace_ids_size(struct gw_trace_ids *ids, size_t *used, size_t *capacity)
{
    *used = 0;
    *capacity = (size_t)ids->ring_size * ids->shards;
    for (uint32_t i = 0; i < ids->shards; i++) {
        gw_lock(&ids->shard[i].lock);
        *used += ids->shard[i].used;
        gw_unlock(&ids->shard[i].lock);
    }
}
