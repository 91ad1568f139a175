/* span_services.c: keeps the services of recent spans for log records without a service. The table of spans
 * is an array of words that is read and written without a lock. The table of service names is filled under a
 * lock, and a name in it never changes. Owns both tables. Called by translators: by those of spans to learn,
 * by those of logs to look up.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/delivery/span_services.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/lock.h"
#include "core/base/random.h"

enum {
    SLOT_BITS = 18,
    SLOTS = 1 << SLOT_BITS,
    SERVICES = 4096,
    PLACES = 2 * SERVICES /* of the hash table of names */,
    LONGEST = 200
};
_Static_assert(SERVICES <= SLOTS, "a number fits into the bits that the slot's place stands for");

struct gw_span_services {
    /* Constant after new. */
    uint64_t seed;
    atomic_uint_least64_t
        *slots; /* hash of the span, its lower bits replaced by the service's number; 0: empty */
    atomic_bool asked, offered;
    struct gw_lock lock;
    atomic_uint n;          /* services; written under lock */
    gw_str names[SERVICES]; /* from 1; those below n are constant */
    /* Under lock. */
    uint16_t places[PLACES];
};

struct gw_span_services *gw_span_services_new(void)
{
    struct gw_span_services *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->seed = gw_random();
    t->slots = calloc(SLOTS, sizeof *t->slots);
    gw_lock_init(&t->lock, GW_LOCK_SPAN_SERVICES);
    atomic_init(&t->n, 1);
    if (t->slots)
        return t;
    gw_span_services_drop(t);
    return NULL;
}

void gw_span_services_drop(struct gw_span_services *t)
{
    if (!t)
        return;
    for (unsigned i = 1; i < atomic_load(&t->n); i++)
        free((char *)(uintptr_t)t->names[i].ptr);
    gw_lock_fini(&t->lock);
    free(t->slots);
    free(t);
}

void gw_span_services_ask(struct gw_span_services *t)
{
    atomic_store_explicit(&t->asked, true, memory_order_relaxed);
}

bool gw_span_services_asked(const struct gw_span_services *t)
{
    return atomic_load_explicit(&t->asked, memory_order_relaxed);
}

void gw_span_services_offer(struct gw_span_services *t)
{
    atomic_store_explicit(&t->offered, true, memory_order_relaxed);
}

bool gw_span_services_offered(const struct gw_span_services *t)
{
    return atomic_load_explicit(&t->offered, memory_order_relaxed);
}

/* Under the lock: returns the service's number, which may be new; 0: no room. */
static unsigned number_of(struct gw_span_services *t, gw_str service)
{
    unsigned at = (unsigned)(gw_hash_mix(gw_hash_text(t->seed, service)) % PLACES), n = atomic_load(&t->n);
    for (; t->places[at]; at = (at + 1) % PLACES)
        if (gw_str_eq(t->names[t->places[at]], service))
            return t->places[at];
    char *name = n < SERVICES ? malloc(service.len) : NULL;
    if (!name)
        return 0;
    memcpy(name, service.ptr, service.len);
    t->names[n] = gw_str_n(name, service.len);
    t->places[at] = (uint16_t)n;
    atomic_store_explicit(&t->n, n + 1, memory_order_release);
    return n;
}

unsigned gw_span_services_number(struct gw_span_services *t, gw_str service)
{
    if (!service.len || service.len > LONGEST || !gw_utf8_valid(service))
        return 0;
    gw_lock(&t->lock);
    unsigned number = number_of(t, service);
    gw_unlock(&t->lock);
    return number;
}

void gw_span_services_learn(struct gw_span_services *t, uint64_t span, unsigned service)
{
    uint64_t hash = gw_hash_mix(span ^ t->seed);
    if (service)
        atomic_store_explicit(&t->slots[hash % SLOTS], (hash & ~(uint64_t)(SLOTS - 1)) | service,
                              memory_order_release);
}

gw_str gw_span_services_find(struct gw_span_services *t, uint64_t span)
{
    uint64_t hash = gw_hash_mix(span ^ t->seed),
             slot = atomic_load_explicit(&t->slots[hash % SLOTS], memory_order_acquire);
    unsigned service = (unsigned)(slot & (SLOTS - 1));
    return service && (slot ^ hash) >> SLOT_BITS == 0 ? t->names[service] : GW_NOSTR;
}
