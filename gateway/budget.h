/* budget.h: one number bounds the memory that senders can make us hold.
 *
 * Request bodies being received, arenas, decompressed bodies and queued frames are all charged to one account, `max_memory`.
 * A claimed length is never charged or allocated ahead of its bytes. When the account is empty, the sender gets 429.
 *
 * Threads: any (one atomic).
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
};

static inline bool gw_budget_take(struct gw_budget *b, size_t n)
{
    size_t before = atomic_fetch_add_explicit(&b->used, n, memory_order_relaxed);
    if (before <= b->limit && n <= b->limit - before)
        return true;
    atomic_fetch_sub_explicit(&b->used, n, memory_order_relaxed);
    return false;
}

static inline void gw_budget_give(struct gw_budget *b, size_t n)
{
    atomic_fetch_sub_explicit(&b->used, n, memory_order_relaxed);
}

#endif
