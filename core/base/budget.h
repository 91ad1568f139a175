/* budget.h: one number bounds the memory that senders can make us hold.
 *
 *     max_memory ◀─┬─ connections    what the HTTP library may hold for each (http.h)
 *                  ├─ bodies         being received, and inflated: a part of the whole (body.h)
 *                  ├─ scratch        one per receiver thread: arenas and what is being written, of one request a time
 *                  └─ queued frames
 *
 * An account may have a parent, which pays along: a part of the whole has a bound of its own and counts
 * against the whole. A claimed length is never charged or allocated ahead of its bytes. When the whole is
 * used up, the sender gets 429; when a request alone would need more than its part, 413.
 *
 * The parts and their sizes: docs/threat-model.md.
 *
 * Threads: any (one atomic an account).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_BUDGET_H
#define GW_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct gw_budget {
    atomic_size_t used;
    size_t limit; /* const after start */
    struct gw_budget *parent;
    atomic_bool is_short; /* memory was refused that may be available later: see gw_budget_is_short */
};

/* A request begins to use the account: earlier refusals do not count. These three functions accept NULL. */
static inline void gw_budget_begin(struct gw_budget *b)
{
    if (b)
        atomic_store_explicit(&b->is_short, false, memory_order_relaxed);
}

/* The system refused memory that the account had allowed. */
static inline void gw_budget_no_memory(struct gw_budget *b)
{
    if (b)
        atomic_store_explicit(&b->is_short, true, memory_order_relaxed);
}

/* True if, since gw_budget_begin, memory was refused because others hold it or the system has none: the same
 * request may succeed later (429). False: the request needs more than it may have (413). */
static inline bool gw_budget_is_short(const struct gw_budget *b)
{
    return b && atomic_load_explicit(&b->is_short, memory_order_relaxed);
}

static inline void gw_budget_give(struct gw_budget *b, size_t n)
{
    for (; b; b = b->parent)
        atomic_fetch_sub_explicit(&b->used, n, memory_order_relaxed);
}

/* Charges n bytes to the account and to all its parents, or to none of them. */
static inline bool gw_budget_take(struct gw_budget *b, size_t n)
{
    for (struct gw_budget *at = b; at; at = at->parent) {
        size_t before = atomic_fetch_add_explicit(&at->used, n, memory_order_relaxed);
        if (before <= at->limit && n <= at->limit - before)
            continue;
        if (at != b)
            gw_budget_no_memory(b);
        for (struct gw_budget *end = at->parent; b != end; b = b->parent)
            atomic_fetch_sub_explicit(&b->used, n, memory_order_relaxed);
        return false;
    }
    return true;
}

/* Charges n bytes even above the limit: for one more piece of something that was already accepted. */
static inline void gw_budget_force(struct gw_budget *b, size_t n)
{
    for (; b; b = b->parent)
        atomic_fetch_add_explicit(&b->used, n, memory_order_relaxed);
}

static inline bool gw_budget_spent(struct gw_budget *b)
{
    return atomic_load_explicit(&b->used, memory_order_relaxed) >= b->limit;
}

#endif
