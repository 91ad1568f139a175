/* body.h: buffers for the bodies of requests.
 *
 *     grow ──▶ [######····]     capacity follows the received bytes, doubling: a claimed length allocates nothing
 *     release ─▶ kept for the next request of this thread, so a 200 KB body costs no page faults the second time
 *
 * A pool belongs to one thread. The memory of its bodies and its kept buffers is charged to the process's
 * budget, and that of the bodies also to an account that the pools of all threads share: bodies may use
 * only a part of the memory, so that received data can still be translated and queued. Bodies above
 * GW_BODY_SMALL may use three quarters of that account, so that uploads of tens of megabytes leave room for
 * ordinary ones (docs/threat-model.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_BODY_H
#define GW_BODY_H

#include "core/base/budget.h"
#include "core/base/str.h"

/* GW_BODY_FIRST: the size of a new buffer */
enum { GW_BODY_FIRST = 16 * 1024, GW_BODY_SMALL = 1024 * 1024, GW_BODY_KEPT = 8 };

struct gw_body {
    char *data;
    size_t len, cap;
};

struct gw_body_pool {
    struct gw_budget *budget, *bodies;
    size_t keep, kept_bytes, kept_n;   /* limit on the bytes of unused buffers, and their bytes and number */
    struct gw_body kept[GW_BODY_KEPT]; /* cap > 0, len 0 */
};

void gw_body_pool_init(struct gw_body_pool *, struct gw_budget *budget, struct gw_budget *bodies,
                       size_t keep);
/* Returns the longest body that this account could ever hold. */
size_t gw_body_most(const struct gw_budget *bodies);
void gw_body_pool_fini(struct gw_body_pool *);
/* Frees unused buffers until at most `keep` bytes of them are left. */
void gw_body_pool_trim(struct gw_body_pool *, size_t keep);

/* Makes room for `need` bytes in all. `expect` is the size that the sender claims: it is never allocated
 * ahead, but nothing beyond it is allocated either. Returns false if an account or the memory does not allow
 * it; the body is then unchanged. */
bool gw_body_grow(struct gw_body_pool *, struct gw_body *, size_t need, size_t expect);
/* Empties the body; its buffer goes to the pool. */
void gw_body_release(struct gw_body_pool *, struct gw_body *);

#endif
