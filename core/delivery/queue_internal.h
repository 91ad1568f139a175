/* queue_internal.h: shared by the files of the queue; other files do not include it.
 *
 *   queue.c        the charged bytes, the wakeup, the state of the backend
 *   queue_lanes.c  the waiting frames, their order, and when they are due
 *   queue_marks.c  whether the queue is lagging
 *   queue_node.c   nodes and chains of them
 *
 * Arrows: queue ─▶ queue_lanes ─▶ queue_marks, queue_node.
 *
 * Threads: everything here is called under the queue's lock.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_QUEUE_INTERNAL_H
#define GW_QUEUE_INTERNAL_H

#include <stdatomic.h>

#include "core/base/lock.h"
#include "core/delivery/queue.h"

struct lane {
    struct gw_chain chain;
    size_t bytes;
    uint64_t items;
};

struct gw_queue {
    _Atomic gw_nsec takes_data_until, next_try; /* what the sender reported about its backend */
    size_t reported;                            /* the sender's: the last reported value of `waiting` */

    struct gw_lock lock;
    /* Under lock. */
    size_t capacity;
    bool drop_oldest, overflows;
    struct waker {
        gw_queue_wake_f *wake;
        void *arg;
    } waker;
    struct lane awaiting_ids[GW_SIGNALS], ready[GW_SIGNALS];
    size_t used;        /* bytes reserved, queued, and being sent … */
    size_t pending_ids; /* … of these, those that wait for their trace ids … */
    size_t waiting;     /* … and those that wait for a retry, as the sender reported */
    size_t linked;      /* nodes in lanes */
    uint64_t next_number;
    bool closed, refusing, lagging;
    bool woken;              /* since the sender last armed the wakeup */
    gw_nsec ids_due_soonest; /* no node in awaiting_ids is due before */
    bool armed;              /* the sender sleeps … */
    unsigned takable;        /* … and would take ready frames of these signals */
    struct gw_batch_limits limits;
};

/* queue_marks.c: call after every change of the charged bytes, or of those that wait for trace ids. */
void gw_queue_update_lagging(struct gw_queue *);

/* queue_lanes.c */
struct gw_node *gw_lane_pop(struct gw_queue *, struct lane *);
/* Returns the lane whose first frame arrived first, or NULL. */
struct lane *gw_queue_oldest_lane(struct gw_queue *);
/* The node begins or stops waiting for its trace ids. */
void gw_queue_set_awaiting_ids(struct gw_queue *, struct gw_node *, bool pending_ids);
/* Returns true if the sleeping sender must be woken. */
bool gw_queue_link_node(struct gw_queue *, struct gw_node *);
/* Returns when something in a lane is due: trace ids, a batch, an expiry; GW_NEVER: nothing. */
gw_nsec gw_queue_next_due(const struct gw_queue *, const struct gw_batch_limits *, gw_nsec max_age,
                          unsigned takable);

#endif
