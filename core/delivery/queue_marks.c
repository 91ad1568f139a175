/* queue_marks.c: implements the two limits of a queue. A queue lags from its high limit until it is down at
 * its low limit; receivers that can wait do not read while it lags. Frames that wait for trace ids, and
 * batches that wait for the backend's next try, do not count. Called by the other files of the queue, under
 * its lock.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/delivery/queue_internal.h"

static size_t high_mark(const struct gw_queue *q)
{
    return q->capacity / 4;
}

static size_t low_mark(const struct gw_queue *q)
{
    return q->capacity / 8;
}

/* Under lock, after every change of the charged bytes. */
void gw_queue_update_lagging(struct gw_queue *q)
{
    size_t apart = q->pending_ids + q->waiting, pending = q->used > apart ? q->used - apart : 0;
    if (pending > high_mark(q))
        q->lagging = true;
    else if (pending <= low_mark(q))
        q->lagging = false;
}
