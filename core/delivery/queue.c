/* queue.c: the queue of one exporter: its account in bytes, its marks, its lanes, and the sleeping sender's wakeup.
 *
 * Owns the nodes in its lanes, and through them a reference of each frame. Receiver threads call it through the fan-out, the sender's
 * thread directly; everything is under one mutex but what the sender reports of its backend.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/delivery/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A frame whose trace ids are not all known is looked at again when it is twice as old, first after this long. */
static const gw_nsec complete_first = 50 * GW_MSEC;

struct lane {
    struct gw_chain chain;
    size_t bytes;
    uint64_t items;
};

enum { LONGEST_RETRY_AFTER = 30 /* seconds */ };

struct gw_queue {
    _Atomic gw_nsec takes_data_until, next_try; /* what the sender says of its backend */

    pthread_mutex_t lock;
    /* under lock */
    size_t capacity;
    bool drop_oldest, overflows;
    struct waker {
        gw_queue_wake_f *wake;
        void *arg;
    } waker;
    struct lane awaiting_ids[GW_SIGNALS], ready[GW_SIGNALS];
    size_t used;        /* bytes reserved, queued and in the sender's hands … */
    size_t pending_ids; /* … and those of them that wait for their trace ids */
    size_t linked;      /* nodes in lanes */
    uint64_t next_number;
    bool closed, refusing, lagging;
    bool poked;              /* since the sender last armed the wakeup */
    gw_nsec ids_due_soonest; /* no node in joining is due before */
    bool armed;              /* the sender sleeps … */
    unsigned takable;        /* … and would take ready frames of these signals */
    struct gw_batch_limits limits;
};

void gw_chain_add(struct gw_chain *c, struct gw_node *node)
{
    node->next = NULL;
    if (c->last)
        c->last->next = node;
    else
        c->first = node;
    c->last = node;
}

struct gw_node *gw_chain_pop(struct gw_chain *c)
{
    struct gw_node *node = c->first;
    if (!node)
        return NULL;
    c->first = node->next;
    if (!c->first)
        c->last = NULL;
    node->next = NULL;
    return node;
}

struct gw_node *gw_node_new(struct gw_frame *frame, size_t cost)
{
    struct gw_node *node = malloc(sizeof *node);
    if (node)
        *node = (struct gw_node){.frame = frame, .cost = cost};
    return node;
}

bool gw_node_share(struct gw_node *whole, struct gw_node *rest)
{
    if (!whole->frame->stored.segment && !whole->share)
        return true;
    if (!whole->share && (whole->share = malloc(sizeof *whole->share)))
        *whole->share = (struct gw_share){.stored = whole->frame->stored, .parts = 1};
    if (!whole->share)
        return false;
    rest->share = whole->share;
    rest->share->parts++;
    return true;
}

bool gw_node_settle(struct gw_node *node, bool through, struct gw_disk_position *stored)
{
    struct gw_share *share = node->share;
    node->share = NULL;
    if (!share) {
        *stored = node->frame->stored;
        return through && stored->segment;
    }
    share->left |= !through;
    if (--share->parts)
        return false;
    *stored = share->stored;
    bool all = !share->left;
    free(share);
    return all;
}

void gw_node_drop(struct gw_node *node)
{
    gw_frame_drop(node->frame);
    free(node);
}

static void lane_add(struct gw_queue *q, struct lane *lane, struct gw_node *node)
{
    gw_chain_add(&lane->chain, node);
    lane->bytes += node->frame->len;
    lane->items += node->frame->items;
    q->linked++;
}

static struct gw_node *lane_pop(struct gw_queue *q, struct lane *lane)
{
    struct gw_node *node = gw_chain_pop(&lane->chain);
    if (node) {
        lane->bytes -= node->frame->len;
        lane->items -= node->frame->items;
        q->linked--;
    }
    return node;
}

static size_t high_mark(const struct gw_queue *q)
{
    return q->capacity / 4;
}

static size_t low_mark(const struct gw_queue *q)
{
    return q->capacity / 8;
}

/* Under lock, after every change of what is charged. */
static void update_lagging(struct gw_queue *q)
{
    size_t pending = q->used - q->pending_ids;
    if (pending > high_mark(q))
        q->lagging = true;
    else if (pending <= low_mark(q))
        q->lagging = false;
}

/* Under lock: it waits for its trace ids, or does so no longer. */
static void set_unjoined(struct gw_queue *q, struct gw_node *node, bool pending_ids)
{
    if (node->pending_ids == pending_ids)
        return;
    node->pending_ids = pending_ids;
    q->pending_ids += pending_ids ? node->cost : -node->cost;
}

static bool lane_full(const struct lane *lane, const struct gw_batch_limits *limits)
{
    return lane->bytes >= limits->bytes || lane->items >= limits->items;
}

struct gw_queue *gw_queue_new(size_t capacity, bool drop_oldest, gw_queue_wake_f *wake, void *arg)
{
    struct gw_queue *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    q->capacity = capacity;
    q->drop_oldest = drop_oldest;
    q->waker = (struct waker){wake, arg};
    q->ids_due_soonest = GW_NEVER;
    pthread_mutex_init(&q->lock, NULL);
    return q;
}

void gw_queue_drop(struct gw_queue *q)
{
    if (!q)
        return;
    for (int i = 0; i < GW_SIGNALS; i++)
        for (struct gw_node *node; (node = lane_pop(q, &q->ready[i])) || (node = lane_pop(q, &q->awaiting_ids[i]));)
            gw_node_drop(node);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

/* Nodes that do not hold a reference yet: their frames are the caller's still. */
static void free_nodes(struct gw_chain *c)
{
    for (struct gw_node *node; (node = gw_chain_pop(c));)
        free(node);
}

void gw_queue_inherit(struct gw_queue *q, gw_queue_wake_f *wake, void *arg)
{
    pthread_mutex_lock(&q->lock);
    q->waker = (struct waker){wake, arg};
    q->armed = false;
    pthread_mutex_unlock(&q->lock);
}

void gw_queue_resize(struct gw_queue *q, size_t capacity, bool drop_oldest)
{
    pthread_mutex_lock(&q->lock);
    q->capacity = capacity;
    q->drop_oldest = drop_oldest;
    update_lagging(q);
    pthread_mutex_unlock(&q->lock);
}

static bool make_nodes(enum gw_attribute_schema schema, struct gw_frame **frames, size_t n, struct gw_chain *out)
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

/* Under lock. */
static enum gw_code charge(struct gw_queue *q, size_t cost, bool can_wait)
{
    if (q->closed)
        return GW_STOPPING;
    bool fits = q->used == 0 || (q->used <= q->capacity && cost <= q->capacity - q->used);
    if ((!fits || (can_wait && q->lagging)) && (!q->drop_oldest || q->overflows)) {
        q->refusing |= !q->overflows && !can_wait;
        return GW_QUEUE_FULL;
    }
    q->used += cost;
    update_lagging(q);
    return GW_OK;
}

static void uncharge(struct gw_queue *q, size_t cost)
{
    pthread_mutex_lock(&q->lock);
    GW_ASSERT(q->used >= cost);
    q->used -= cost;
    if (q->used <= q->capacity - q->capacity / 4)
        q->refusing = false;
    update_lagging(q);
    pthread_mutex_unlock(&q->lock);
}

static enum gw_code reserve(struct gw_queue *q, enum gw_attribute_schema schema, struct gw_frame **frames, size_t n, bool can_wait,
                            struct gw_chain *out)
{
    *out = (struct gw_chain){NULL, NULL};
    if (!make_nodes(schema, frames, n, out)) {
        free_nodes(out);
        return GW_BUSY;
    }
    pthread_mutex_lock(&q->lock);
    enum gw_code code = charge(q, chain_cost(out), can_wait);
    pthread_mutex_unlock(&q->lock);
    if (code != GW_OK)
        free_nodes(out);
    return code;
}

enum gw_code gw_queue_reserve(struct gw_queue *q, enum gw_attribute_schema schema, struct gw_frame **frames, size_t n, struct gw_chain *out)
{
    return reserve(q, schema, frames, n, false, out);
}

enum gw_code gw_queue_reserve_unless_lagging(struct gw_queue *q, enum gw_attribute_schema schema, struct gw_frame **frames, size_t n,
                                             struct gw_chain *out)
{
    return reserve(q, schema, frames, n, true, out);
}

void gw_queue_cancel(struct gw_queue *q, struct gw_chain *c)
{
    uncharge(q, chain_cost(c));
    free_nodes(c);
}

static struct lane *lane_at(struct gw_queue *q, int i)
{
    return i < GW_SIGNALS ? &q->awaiting_ids[i] : &q->ready[i - GW_SIGNALS];
}

/* The lane whose first frame came first, or NULL. */
static struct lane *oldest_lane(struct gw_queue *q)
{
    struct lane *oldest = NULL;
    for (int i = 0; i < 2 * GW_SIGNALS; i++) {
        struct lane *lane = lane_at(q, i);
        if (lane->chain.first && (!oldest || lane->chain.first->number < oldest->chain.first->number))
            oldest = lane;
    }
    return oldest;
}

static void evict(struct gw_queue *q, struct gw_chain *evicted)
{
    while (q->drop_oldest && !q->overflows && q->used > q->capacity && q->linked > 1) {
        struct gw_node *node = lane_pop(q, oldest_lane(q));
        set_unjoined(q, node, false);
        q->used -= node->cost;
        gw_chain_add(evicted, node);
    }
    update_lagging(q);
}

static gw_nsec earlier(gw_nsec a, gw_nsec b)
{
    return a < b ? a : b;
}

/* Applications whose traces go elsewhere, or nowhere, must not fill the queue with logs that wait for them. */
static bool is_crowded(const struct gw_queue *q, size_t bytes)
{
    enum { AWAITING_IDS_PART = 4 };
    return bytes > q->capacity / AWAITING_IDS_PART;
}

/* Under lock. True when the sleeping sender has to hear of it. */
static bool link_node(struct gw_queue *q, struct gw_node *node)
{
    bool unknown = node->frame->pending_ids_n > 0;
    struct lane *lane = unknown ? &q->awaiting_ids[node->frame->signal] : &q->ready[node->frame->signal];
    bool was_empty = !lane->chain.first;
    node->number = q->next_number++;
    node->ids_due = node->frame->arrived + complete_first;
    lane_add(q, lane, node);
    set_unjoined(q, node, unknown);
    if (!unknown)
        return q->takable & 1u << node->frame->signal && (was_empty || lane_full(lane, &q->limits));
    bool crowded = is_crowded(q, lane->bytes);
    q->ids_due_soonest = crowded ? 0 : earlier(q->ids_due_soonest, node->ids_due);
    return was_empty || crowded;
}

void gw_queue_push(struct gw_queue *q, struct gw_chain *c, struct gw_chain *evicted)
{
    bool news = false;
    for (struct gw_node *node = c->first; node; node = node->next)
        gw_frame_ref(node->frame);
    pthread_mutex_lock(&q->lock);
    for (struct gw_node *node; (node = gw_chain_pop(c));)
        news |= link_node(q, node);
    evict(q, evicted);
    bool wake = news && q->armed;
    struct waker waker = q->waker;
    if (wake)
        q->armed = false;
    pthread_mutex_unlock(&q->lock);
    if (wake)
        waker.wake(waker.arg);
}

void gw_queue_close(struct gw_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    q->armed = false;
    struct waker waker = q->waker;
    pthread_mutex_unlock(&q->lock);
    waker.wake(waker.arg);
}

/* Under lock: moves what is due out of a lane. */
static void pick_due(struct gw_queue *q, struct lane *lane, gw_nsec now, struct gw_chain *due)
{
    struct lane early = {{NULL, NULL}, 0, 0};
    for (struct gw_node *node; (node = lane_pop(q, lane));) {
        node->hurried = is_crowded(q, early.bytes + node->frame->len + lane->bytes);
        if (node->ids_due <= now || node->hurried) {
            gw_chain_add(due, node);
            continue;
        }
        lane_add(q, &early, node);
        q->ids_due_soonest = earlier(q->ids_due_soonest, node->ids_due);
    }
    *lane = early;
}

void gw_queue_awaiting_ids(struct gw_queue *q, gw_nsec now, struct gw_chain *due)
{
    pthread_mutex_lock(&q->lock);
    if (q->ids_due_soonest <= now) {
        q->ids_due_soonest = GW_NEVER;
        for (int i = 0; i < GW_SIGNALS; i++)
            pick_due(q, &q->awaiting_ids[i], now, due);
    }
    pthread_mutex_unlock(&q->lock);
}

/* Nodes that come back to a lane go before its first node where they are older, else to its end: age is kept to within the time
 * that they were away, and nothing walks a long backlog. */
static void lane_return(struct gw_queue *q, struct lane lanes[], struct gw_chain *c)
{
    struct gw_chain late = {NULL, NULL}, heads[GW_SIGNALS];
    for (int i = 0; i < GW_SIGNALS; i++) {
        heads[i] = lanes[i].chain;
        if (heads[i].first)
            lanes[i].chain = (struct gw_chain){NULL, NULL};
    }
    for (struct gw_node *node; (node = gw_chain_pop(c));) {
        enum gw_signal signal = node->frame->signal;
        if (heads[signal].first && node->number > heads[signal].first->number)
            gw_chain_add(&late, node);
        else
            lane_add(q, &lanes[signal], node);
    }
    for (int i = 0; i < GW_SIGNALS; i++) {
        if (!heads[i].first)
            continue;
        if (lanes[i].chain.last)
            lanes[i].chain.last->next = heads[i].first;
        else
            lanes[i].chain.first = heads[i].first;
        lanes[i].chain.last = heads[i].last;
    }
    for (struct gw_node *node; (node = gw_chain_pop(&late));)
        lane_add(q, &lanes[node->frame->signal], node);
}

void gw_queue_ids_completed(struct gw_queue *q, struct gw_chain *unknown, struct gw_chain *ready)
{
    pthread_mutex_lock(&q->lock);
    for (const struct gw_node *node = unknown->first; node; node = node->next)
        q->ids_due_soonest = earlier(q->ids_due_soonest, node->ids_due);
    for (struct gw_node *node = ready->first; node; node = node->next)
        set_unjoined(q, node, false);
    update_lagging(q);
    lane_return(q, q->awaiting_ids, unknown);
    lane_return(q, q->ready, ready);
    pthread_mutex_unlock(&q->lock);
}

/* Moves frames from lane to out until one more would not fit; the first always fits. */
static void fill(struct gw_queue *q, struct lane *lane, const struct gw_batch_limits *limits, struct gw_chain *out)
{
    size_t bytes = 0;
    uint64_t items = 0;
    for (const struct gw_node *node; (node = lane->chain.first);) {
        bytes += node->frame->len;
        items += node->frame->items;
        if (out->first && (bytes > limits->bytes || items > limits->items))
            return;
        gw_chain_add(out, lane_pop(q, lane));
    }
}

bool gw_queue_take(struct gw_queue *q, enum gw_signal signal, const struct gw_batch_limits *limits, gw_nsec now, bool flush,
                   struct gw_chain *out)
{
    *out = (struct gw_chain){NULL, NULL};
    pthread_mutex_lock(&q->lock);
    struct lane *lane = &q->ready[signal];
    const struct gw_node *first = lane->chain.first;
    if (first && (flush || lane_full(lane, limits) || first->frame->arrived + limits->delay <= now))
        fill(q, lane, limits, out);
    pthread_mutex_unlock(&q->lock);
    return out->first;
}

/* The lane whose first frame arrived before `oldest`; of several the one whose first came first. NULL: none. */
static struct lane *expired_lane(struct gw_queue *q, gw_nsec oldest)
{
    struct lane *found = NULL;
    for (int i = 0; i < 2 * GW_SIGNALS; i++) {
        struct lane *lane = lane_at(q, i);
        const struct gw_node *first = lane->chain.first;
        if (first && first->frame->arrived < oldest && (!found || first->number < found->chain.first->number))
            found = lane;
    }
    return found;
}

void gw_queue_expire(struct gw_queue *q, gw_nsec oldest, struct gw_chain *out)
{
    pthread_mutex_lock(&q->lock);
    for (struct lane *lane; (lane = expired_lane(q, oldest));) {
        struct gw_node *node = lane_pop(q, lane);
        set_unjoined(q, node, false);
        gw_chain_add(out, node);
    }
    update_lagging(q);
    pthread_mutex_unlock(&q->lock);
}

void gw_queue_done(struct gw_queue *q, struct gw_chain *c)
{
    uncharge(q, chain_cost(c));
    for (struct gw_node *node; (node = gw_chain_pop(c));)
        gw_node_drop(node);
}

/* Under lock. */
static gw_nsec next_due(const struct gw_queue *q, const struct gw_batch_limits *limits, gw_nsec max_age, unsigned takable)
{
    gw_nsec due = q->ids_due_soonest;
    for (int i = 0; i < GW_SIGNALS; i++) {
        const struct gw_node *ready = q->ready[i].chain.first, *awaiting_ids = q->awaiting_ids[i].chain.first;
        if (ready)
            due = earlier(due, ready->frame->arrived + max_age);
        if (awaiting_ids)
            due = earlier(due, awaiting_ids->frame->arrived + max_age);
        if (ready && takable & 1u << i)
            due = earlier(due, lane_full(&q->ready[i], limits) ? 0 : ready->frame->arrived + limits->delay);
    }
    return due;
}

gw_nsec gw_queue_arm(struct gw_queue *q, const struct gw_batch_limits *limits, gw_nsec max_age, unsigned takable)
{
    pthread_mutex_lock(&q->lock);
    q->armed = true;
    q->takable = takable;
    q->limits = *limits;
    gw_nsec due = q->poked ? 0 : next_due(q, limits, max_age, takable);
    q->poked = false;
    pthread_mutex_unlock(&q->lock);
    return due;
}

bool gw_queue_finished(struct gw_queue *q)
{
    pthread_mutex_lock(&q->lock);
    bool finished = q->closed && q->used == 0;
    pthread_mutex_unlock(&q->lock);
    return finished;
}

void gw_queue_backend(struct gw_queue *q, gw_nsec takes_data_until, gw_nsec next_try)
{
    atomic_store_explicit(&q->takes_data_until, takes_data_until, memory_order_relaxed);
    atomic_store_explicit(&q->next_try, next_try, memory_order_relaxed);
}

bool gw_queue_delays(struct gw_queue *q, gw_nsec now)
{
    if (now >= atomic_load_explicit(&q->takes_data_until, memory_order_relaxed))
        return false;
    pthread_mutex_lock(&q->lock);
    bool delays = q->lagging && !q->drop_oldest;
    pthread_mutex_unlock(&q->lock);
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
    pthread_mutex_lock(&q->lock);
    size_t used = q->used;
    pthread_mutex_unlock(&q->lock);
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
    pthread_mutex_lock(&q->lock);
    q->used += node->cost;
    link_node(q, node);
    update_lagging(q);
    pthread_mutex_unlock(&q->lock);
    return true;
}

void gw_queue_wake(struct gw_queue *q)
{
    pthread_mutex_lock(&q->lock);
    bool asleep = q->armed;
    struct waker waker = q->waker;
    q->armed = false;
    q->poked = !asleep;
    pthread_mutex_unlock(&q->lock);
    if (asleep)
        waker.wake(waker.arg);
}

void gw_queue_state(struct gw_queue *q, struct gw_queue_state *out)
{
    pthread_mutex_lock(&q->lock);
    *out = (struct gw_queue_state){q->used, q->capacity, q->refusing, q->lagging};
    pthread_mutex_unlock(&q->lock);
}
