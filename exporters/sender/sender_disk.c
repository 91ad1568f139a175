/* Reads frames that are only on the disk back into the queue while it holds less than the requests in flight
 * need.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/budget.h"
#include "exporters/sender/sender_internal.h"

static void lose(struct gw_sender *s, const struct gw_segment_log_items *lost)
{
    for (int i = 0; i < GW_SIGNALS; i++)
        gw_sender_move(s, (enum gw_signal)i, GW_QUEUED, GW_DROPPED, GW_REASON_DAMAGED, lost->of[i]);
}

static bool take_back(struct gw_sender *s, struct gw_frame *f)
{
    if (!gw_queue_restore(s->queue, f))
        return false;
    f->budget = s->budget;
    f->charged = gw_frame_cost(f);
    gw_budget_force(f->budget, f->charged);
    return true;
}

/* Reads one frame, or finds that there is none. Returns true if another one should be read. */
static bool refill_one(struct gw_sender *s, gw_nsec now)
{
    struct gw_segment_log_got got;
    switch (gw_segment_log_next(s->disk_log, s->reader, &got)) {
    case GW_SEGMENT_LOG_FRAME:
        if (take_back(s, got.frame))
            return true;
        gw_frame_drop(got.frame); /* no memory for a node; the next start reads it again */
        break;
    case GW_SEGMENT_LOG_DAMAGED:
        lose(s, &got.lost);
        return true;
    case GW_SEGMENT_LOG_CAUGHT_UP:
        return false;
    case GW_SEGMENT_LOG_NO_MEMORY:
        break;
    }
    s->refill_at = now + GW_SENDER_NO_MEMORY_PAUSE;
    return false;
}

/* If other components hold the memory, waits for it, unless there would be nothing to send meanwhile. */
void gw_sender_refill(struct gw_sender *s, gw_nsec now)
{
    size_t used = 0;
    if (!s->disk_log || now < s->refill_at)
        return;
    /* Data that waits for a retry is not sent now. */
    size_t full = (size_t)s->conf->queue_size, enough = s->refill_below + s->waiting_cost;
    while (gw_segment_log_lagging(s->disk_log, s->reader) &&
           (used = gw_queue_used(s->queue)) < (enough < full ? enough : full)) {
        if (used && gw_budget_spent(s->budget)) {
            s->refill_at = now + GW_SENDER_NO_MEMORY_PAUSE;
            return;
        }
        if (!refill_one(s, now))
            return;
    }
}
