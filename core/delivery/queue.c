/* queue.c: implements the queue of one exporter: its size in bytes, and waking the sender that sleeps on it.
 * Owns the nodes in its lanes, and through them a reference to each frame. Receiver threads call it through
 * the fan-out, the sender's thread directly. One mutex protects all of it, except the state of the backend,
 * which the sender reports.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/delivery/queue_internal.h"

#include <stdlib.h>

enum { LONGEST_RETRY_AFTER = 30 /* seconds */ };

struct gw_queue *gw_queue_new(size_t capacity, bool drop_oldest, gw_queue_wake_f *wake, void *arg)
{
    struct gw_queue *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    q->capacity = capacity;
    q->drop_oldest = drop_oldest;
    q->waker = (struct waker){wake, arg};
    q->ids_due_soonest = GW_NEVER;
    gw_lock_init(&q->lock, GW_LOCK_QUEUE);
    return q;
}

void gw_queue_drop(struct gw_queue *q)
{
    if (!q)
        return;
    for (int i = 0; i < GW_SIGNALS; i++)
        for (struct gw_node *node;
             (node = gw_lane_pop(q, &q->ready[i])) || (node = gw_lane_pop(q, &q->awaiting_ids[i]));)
            gw_node_drop(node);
    gw_lock_fini(&q->lock);
    free(q);
}

/* Frees nodes that do not hold a reference yet: their frames still belong to the caller. */
static void free_nodes(struct gw_chain *c)
{
    for (struct gw_node *node; (node = gw_chain_pop(c));)
        free(node);
}

void gw_queue_inherit(struct gw_queue *q, gw_queue_wake_f *wake, void *arg)
{
    gw_lock(&q->lock);
    q->waker = (struct waker){wake, arg};
    q->armed = false;
    gw_unlock(&q->lock);
}

void gw_queue_resize(struct gw_queue *q, size_t capacity, bool drop_oldest)
{
    gw_lock(&q->lock);
    q->capacity = capacity;
    q->drop_oldest = drop_oldest;
    gw_queue_update_lagging(q);
    gw_unlock(&q->lock);
}

static bool make_nodes(enum gw_attribute_schema schema, struct gw_frame **frames, size_t n,
                       struct gw_chain *out)
{
    for (size_t i = 0; i < n; i++) {
        if (frames[i]->schema != schema)
            continue;
        struct gw_node *node = gw_node_new(frames[i], gw_frame_cost(frames[i]));
        if (!node)
            return false;
        gw_chain_add(out, node);
    }
    return true;
}

static size_t chain_cost(const struct gw_chain *c)
{
    size_t cost = 0;
    for (const struct gw_node *node = c->first; node; node = node->next)
        cost += node->cost;
    return cost;
}

/* Under lock. More than three quarters are in use: else a request that is refused was only larger than the room. */
static bool is_crowded(const struct gw_queue *q)
{
    return q->used > q->capacity - q->capacity / 4;
}

/* Under lock. */
static enum gw_code charge(struct gw_queue *q, size_t cost, bool can_wait)
{
    if (q->closed)
        return GW_STOPPING;
    bool fits = q->used == 0 || (q->used <= q->capacity && cost <= q->capacity - q->used);
    if ((!fits || (can_wait && q->lagging)) && (!q->drop_oldest || q->overflows)) {
        q->refusing |= !q->overflows && !can_wait && is_crowded(q);
        return GW_QUEUE_FULL;
    }
    q->used += cost;
    gw_queue_update_lagging(q);
    return GW_OK;
}

static void uncharge(struct gw_queue *q, size_t cost)
{
    gw_lock(&q->lock);
    GW_ASSERT(q->used >= cost);
    q->used -= cost;
    if (!is_crowded(q))
        q->refusing = false;
    gw_queue_update_lagging(q);
    gw_unlock(&q->lock);
}

static enum gw_code reserve(struct gw_queue *q, enum gw_attribute_schema schema, struct gw_frame **frames,
                            size_t n, bool can_wait, struct gw_chain *out)
{
    *out = (struct gw_chain){NULL, NULL};
    if (!make_nodes(schema, frames, n, out)) {
        free_nodes(out);
        return GW_BUSY;
    }
    gw_lock(&q->lock);
    enum gw_code code = charge(q, chain_cost(out), can_wait);
    gw_unlock(&q->lock);
    if (code != GW_OK)
        free_nodes(out);
    return code;
}

enum gw_code gw_queue_reserve(struct gw_queue *q, enum gw_attribute_schema schema, struct gw_frame **frames,
                              size_t n, struct gw_chain *out)
{
    return reserve(q, schema, frames, n, false, out);
}

enum gw_code gw_queue_reserve_unless_lagging(struct gw_queue *q, enum gw_attribute_schema schema,
                                             struct gw_frame **frames, size_t n, struct gw_chain *out)
{
    return reserve(q, schema, frames, n, true, out);
}

void gw_queue_cancel(struct gw_queue *q, struct gw_chain *c)
{
    uncharge(q, chain_cost(c));
    free_nodes(c);
    if (gw_queue_finished(q)) /* a sender that drains may sleep until the last reservation is pushed */
        gw_queue_wake(q);
}

static void evict(struct gw_queue *q, struct gw_chain *evicted)
{
    while (q->drop_oldest && !q->overflows && q->used > q->capacity && q->linked > 1) {
        struct gw_node *node = gw_lane_pop(q, gw_queue_oldest_lane(q));
        gw_queue_set_awaiting_ids(q, node, false);
        q->used -= node->cost;
        gw_chain_add(evicted, node);
    }
    gw_queue_update_lagging(q);
}

void gw_queue_push(struct gw_queue *q, struct gw_chain *c, struct gw_chain *evicted)
{
    bool news = false;
    for (struct gw_node *node = c->first; node; node = node->next)
        gw_frame_ref(node->frame);
    gw_lock(&q->lock);
    for (struct gw_node *node; (node = gw_chain_pop(c));)
        news |= gw_queue_link_node(q, node);
    evict(q, evicted);
    bool wake = news && q->armed;
    struct waker waker = q->waker;
    if (wake)
        q->armed = false;
    gw_unlock(&q->lock);
    if (wake)
        waker.wake(waker.arg);
}

void gw_queue_close(struct gw_queue *q)
{
    gw_lock(&q->lock);
    q->closed = true;
    q->armed = false;
    struct waker waker = q->waker;
    gw_unlock(&q->lock);
    waker.wake(waker.arg);
}

void gw_queue_done(struct gw_queue *q, struct gw_chain *c)
{
    uncharge(q, chain_cost(c));
    for (struct gw_node *node; (node = gw_chain_pop(c));)
        gw_node_drop(node);
}

gw_nsec gw_queue_arm(struct gw_queue *q, const struct gw_batch_limits *limits, gw_nsec max_age,
                     unsigned takable)
{
    gw_lock(&q->lock);
    q->armed = true;
    q->takable = takable;
    q->limits = *limits;
    gw_nsec due = q->woken ? 0 : gw_queue_next_due(q, limits, max_age, takable);
    q->woken = false;
    gw_unlock(&q->lock);
    return due;
}

bool gw_queue_finished(struct gw_queue *q)
{
    gw_lock(&q->lock);
    bool finished = q->closed && q->used == 0;
    gw_unlock(&q->lock);
    return finished;
}

void gw_queue_backend(struct gw_queue *q, gw_nsec takes_data_until, gw_nsec next_try, size_t waiting)
{
    if (waiting != q->reported) {
        q->reported = waiting;
        gw_lock(&q->lock);
        q->waiting = waiting;
        gw_queue_update_lagging(q);
        gw_unlock(&q->lock);
    }
    atomic_store_explicit(&q->takes_data_until, takes_data_until, memory_order_relaxed);
    atomic_store_explicit(&q->next_try, next_try, memory_order_relaxed);
}

bool gw_queue_delays(struct gw_queue *q, gw_nsec now)
{
    if (now >= atomic_load_explicit(&q->takes_data_until, memory_order_relaxed))
        return false;
    gw_lock(&q->lock);
    bool delays = q->lagging && !q->drop_oldest;
    gw_unlock(&q->lock);
    return delays;
}

int gw_queue_retry_after(struct gw_queue *q, gw_nsec now)
{
    gw_nsec next_try = atomic_load_explicit(&q->next_try, memory_order_relaxed);
    if (next_try <= now)
        return 1;
    gw_nsec seconds = (next_try - now + GW_SEC - 1) / GW_SEC;
    return seconds < LONGEST_RETRY_AFTER ? (int)seconds : LONGEST_RETRY_AFTER;
}

size_t gw_queue_used(struct gw_queue *q)
{
    gw_lock(&q->lock);
    size_t used = q->used;
    gw_unlock(&q->lock);
    return used;
}

void gw_queue_overflow(struct gw_queue *q)
{
    q->overflows = true;
}

bool gw_queue_restore(struct gw_queue *q, struct gw_frame *frame)
{
    struct gw_node *node = gw_node_new(frame, gw_frame_cost(frame));
    if (!node)
        return false;
    gw_lock(&q->lock);
    q->used += node->cost;
    gw_queue_link_node(q, node);
    gw_queue_update_lagging(q);
    gw_unlock(&q->lock);
    return true;
}

void gw_queue_wake(struct gw_queue *q)
{
    gw_lock(&q->lock);
    bool asleep = q->armed;
    struct waker waker = q->waker;
    q->armed = false;
    q->woken = !asleep;
    gw_unlock(&q->lock);
    if (asleep)
        waker.wake(waker.arg);
}

void gw_queue_state(struct gw_queue *q, struct gw_queue_state *out)
{
    gw_lock(&q->lock);
    const struct lane *first = gw_queue_oldest_lane(q);
    *out = (struct gw_queue_state){q->used, q->capacity, q->refusing, q->lagging,
                                   first ? first->chain.first->frame->arrived : 0};
    gw_unlock(&q->lock);
}
