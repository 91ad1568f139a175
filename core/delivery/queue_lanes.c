/* queue_lanes.c: keeps the waiting frames of a queue in lanes: one per signal for frames that are ready, and
 * one for frames that wait for trace ids. Finds the next time at which a frame expires or an id must be
 * looked up. Owns nothing: the lanes belong to the queue. Called by queue.c under its lock, and by the
 * sender.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/delivery/queue_internal.h"

/* Age at which a frame with unknown trace ids is first looked up again; later lookups come when its age has
 * doubled. */
static const gw_nsec complete_first = 50 * GW_MSEC;

static void lane_add(struct gw_queue *q, struct lane *lane, struct gw_node *node)
{
    gw_chain_add(&lane->chain, node);
    lane->bytes += node->bytes;
    lane->items += node->frame->items;
    q->linked++;
}

struct gw_node *gw_lane_pop(struct gw_queue *q, struct lane *lane)
{
    struct gw_node *node = gw_chain_pop(&lane->chain);
    if (node) {
        lane->bytes -= node->bytes;
        lane->items -= node->frame->items;
        q->linked--;
    }
    return node;
}

/* Returns true for profiles, whose requests cannot be concatenated. */
static bool is_alone(const struct gw_node *node)
{
    return node->frame->signal == GW_PROFILES;
}

static bool lane_full(const struct lane *lane, const struct gw_batch_limits *limits)
{
    return (lane->chain.first && is_alone(lane->chain.first)) || lane->bytes >= limits->bytes ||
           lane->items >= limits->items;
}

/* Under lock: the node begins or stops waiting for its trace ids. */
void gw_queue_set_awaiting_ids(struct gw_queue *q, struct gw_node *node, bool pending_ids)
{
    if (node->pending_ids == pending_ids)
        return;
    node->pending_ids = pending_ids;
    q->pending_ids += pending_ids ? node->cost : -node->cost;
}

static struct lane *lane_at(struct gw_queue *q, int i)
{
    return i < GW_SIGNALS ? &q->awaiting_ids[i] : &q->ready[i - GW_SIGNALS];
}

/* Returns the lane whose first frame arrived first, or NULL. */
struct lane *gw_queue_oldest_lane(struct gw_queue *q)
{
    struct lane *oldest = NULL;
    for (int i = 0; i < 2 * GW_SIGNALS; i++) {
        struct lane *lane = lane_at(q, i);
        if (lane->chain.first && (!oldest || lane->chain.first->number < oldest->chain.first->number))
            oldest = lane;
    }
    return oldest;
}

static gw_nsec earlier(gw_nsec a, gw_nsec b)
{
    return a < b ? a : b;
}

/* If the traces of an application go elsewhere, or nowhere, logs that wait for them must not fill the
 * queue. */
static bool is_crowded(const struct gw_queue *q, size_t bytes)
{
    enum { AWAITING_IDS_PART = 4 };
    return bytes > q->capacity / AWAITING_IDS_PART;
}

/* Under lock. Returns true if the sleeping sender must be woken. */
bool gw_queue_link_node(struct gw_queue *q, struct gw_node *node)
{
    bool unknown = gw_frame_is_pending(node->frame);
    struct lane *lane = unknown ? &q->awaiting_ids[node->frame->signal] : &q->ready[node->frame->signal];
    bool was_empty = !lane->chain.first;
    node->number = q->next_number++;
    node->ids_due = node->frame->arrived + complete_first;
    lane_add(q, lane, node);
    gw_queue_set_awaiting_ids(q, node, unknown);
    if (!unknown)
        return q->takable & 1u << node->frame->signal && (was_empty || lane_full(lane, &q->limits));
    bool crowded = is_crowded(q, lane->bytes);
    q->ids_due_soonest = crowded ? 0 : earlier(q->ids_due_soonest, node->ids_due);
    return was_empty || crowded;
}

/* Under lock: removes due nodes from a lane. */
static void pick_due(struct gw_queue *q, struct lane *lane, gw_nsec now, struct gw_chain *due)
{
    struct lane early = {{NULL, NULL}, 0, 0};
    for (struct gw_node *node; (node = gw_lane_pop(q, lane));) {
        node->hurried = is_crowded(q, early.bytes + node->bytes + lane->bytes);
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
    gw_lock(&q->lock);
    if (q->ids_due_soonest <= now) {
        q->ids_due_soonest = GW_NEVER;
        for (int i = 0; i < GW_SIGNALS; i++)
            pick_due(q, &q->awaiting_ids[i], now, due);
    }
    gw_unlock(&q->lock);
}

/* A node that returns to a lane goes before the first node if it is older, else to the end. So the order by
 * age is wrong by at most the time that the node was away, and no long backlog is walked. */
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
    gw_lock(&q->lock);
    for (const struct gw_node *node = unknown->first; node; node = node->next)
        q->ids_due_soonest = earlier(q->ids_due_soonest, node->ids_due);
    for (struct gw_node *node = ready->first; node; node = node->next)
        gw_queue_set_awaiting_ids(q, node, false);
    gw_queue_update_lagging(q);
    lane_return(q, q->awaiting_ids, unknown);
    lane_return(q, q->ready, ready);
    gw_unlock(&q->lock);
}

/* Moves frames from lane to out until one more would not fit; the first always fits, and a frame of profiles
 * goes alone. */
static void fill(struct gw_queue *q, struct lane *lane, const struct gw_batch_limits *limits,
                 struct gw_chain *out)
{
    size_t bytes = 0;
    uint64_t items = 0;
    for (const struct gw_node *node; (node = lane->chain.first);) {
        bytes += node->bytes;
        items += node->frame->items;
        if (out->first && (is_alone(node) || bytes > limits->bytes || items > limits->items))
            return;
        gw_chain_add(out, gw_lane_pop(q, lane));
    }
}

bool gw_queue_take(struct gw_queue *q, enum gw_signal signal, const struct gw_batch_limits *limits,
                   gw_nsec now, bool flush, struct gw_chain *out)
{
    *out = (struct gw_chain){NULL, NULL};
    gw_lock(&q->lock);
    struct lane *lane = &q->ready[signal];
    const struct gw_node *first = lane->chain.first;
    if (first && (flush || lane_full(lane, limits) || first->frame->arrived + limits->delay <= now))
        fill(q, lane, limits, out);
    gw_unlock(&q->lock);
    return out->first;
}

/* Returns the lane whose first frame arrived before `oldest`; if there are several, the one whose first frame
 * arrived first. NULL: none. */
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
    gw_lock(&q->lock);
    for (struct lane *lane; (lane = expired_lane(q, oldest));) {
        struct gw_node *node = gw_lane_pop(q, lane);
        gw_queue_set_awaiting_ids(q, node, false);
        gw_chain_add(out, node);
    }
    gw_queue_update_lagging(q);
    gw_unlock(&q->lock);
}

/* Under lock. */
gw_nsec gw_queue_next_due(const struct gw_queue *q, const struct gw_batch_limits *limits, gw_nsec max_age,
                          unsigned takable)
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
