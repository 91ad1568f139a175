/* Moves items to their next place, and tells the ledger and the queue.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/log.h"
#include "core/delivery/recent.h"
#include "exporters/sender/sender_internal.h"

/* --- lists of batches --- */

void gw_sender_append(struct gw_inflight_batches *list, struct gw_inflight_batch *p)
{
    p->next = NULL;
    *list->end = p;
    list->end = &p->next;
}

struct gw_inflight_batch *gw_sender_detach(struct gw_inflight_batches *list, struct gw_inflight_batch **at)
{
    struct gw_inflight_batch *p = *at;
    *at = p->next;
    if (list->end == &p->next)
        list->end = at;
    p->next = NULL;
    return p;
}

static size_t cost_of(const struct gw_inflight_batch *p)
{
    size_t cost = 0;
    for (const struct gw_node *node = p->nodes.first; node; node = node->next)
        cost += node->cost;
    return cost;
}

void gw_sender_postpone(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec early, gw_nsec due,
                        gw_nsec now)
{
    p->early = early;
    p->due = due;
    p->latest = gw_retry_latest(&p->retry, now);
    s->waiting_n++;
    s->waiting_cost += cost_of(p);
    gw_sender_append(&s->waiting, p);
}

void gw_sender_postpone_halves(struct gw_sender *s, struct gw_inflight_batch *half[2], gw_nsec due,
                               gw_nsec now)
{
    gw_sender_postpone(s, half[0], due, due, now);
    gw_sender_postpone(s, half[1], due, due, now);
}

struct gw_inflight_batch *gw_sender_resume(struct gw_sender *s, struct gw_inflight_batch **at)
{
    struct gw_inflight_batch *p = gw_sender_detach(&s->waiting, at);
    s->waiting_n--;
    s->waiting_cost -= cost_of(p);
    return p;
}

/* --- where items end --- */

void gw_sender_move(struct gw_sender *s, enum gw_signal signal, enum gw_place from, enum gw_place to,
                    enum gw_reason why, uint64_t items)
{
    if (items)
        gw_ledger_move(s->ledger, s->number, signal, from, to, why, items);
}

/* The sender is done with the nodes. `through`: they need not be sent again; otherwise a disk queue keeps
 * them. */
void gw_sender_release(struct gw_sender *s, struct gw_chain *nodes, bool through)
{
    struct gw_disk_position stored;
    for (struct gw_node *node = nodes->first; s->disk_log && node; node = node->next)
        if (gw_node_settle(node, through, &stored))
            gw_segment_log_ack(s->disk_log, s->reader, stored);
    gw_queue_done(s->queue, nodes);
}

void gw_sender_finish_inflight(struct gw_sender *s, struct gw_inflight_batch *p)
{
    struct gw_chain nodes = gw_inflight_batch_open(p);
    gw_sender_release(s, &nodes, true);
}

/* For somebody who looks. */
void gw_sender_keep_dropped(const struct gw_sender *s, const struct gw_chain *nodes, enum gw_reason why)
{
    for (const struct gw_node *node = nodes->first; node; node = node->next)
        gw_recent_dropped(node->frame->recent, (uint8_t)node->frame->signal, s->name, gw_reason_label(why));
}

/* Data that a stop leaves behind is in the ledger, which is printed a moment later. */
void gw_sender_log_expired(struct gw_sender *s, enum gw_reason why, uint64_t items)
{
    if (why == GW_REASON_EXPIRED)
        gw_log(GW_WARNING, s->component,
               "%llu items waited longer than max_age for the backend and were dropped",
               (unsigned long long)items);
}

/* A shutdown gives a frame up. If it has an ack callback, its source keeps it and sends it again. */
static enum gw_reason give_up(struct gw_frame *f)
{
    return gw_frame_abandon(f) ? GW_REASON_RETURNED : GW_REASON_SHUTDOWN;
}

static void leave_inflight(struct gw_sender *s, struct gw_inflight_batch *p)
{
    gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_STORED, 0, p->batch.items);
    struct gw_chain nodes = gw_inflight_batch_open(p);
    gw_sender_release(s, &nodes, false);
}

static void leave_queued(struct gw_sender *s, struct gw_chain *c)
{
    for (const struct gw_node *node = c->first; node; node = node->next)
        gw_sender_move(s, node->frame->signal, GW_QUEUED, GW_STORED, 0, node->frame->items);
    gw_sender_release(s, c, false);
}

void gw_sender_drop_inflight(struct gw_sender *s, struct gw_inflight_batch *p, enum gw_reason why)
{
    uint64_t returned = 0;
    if (s->disk_log && why == GW_REASON_SHUTDOWN) {
        leave_inflight(s, p);
        return;
    }
    gw_sender_log_expired(s, why, p->batch.items);
    gw_sender_keep_dropped(s, &p->nodes, why);
    for (size_t i = 0; why == GW_REASON_SHUTDOWN && i < p->batch.n; i++)
        if (give_up(p->batch.frames[i]) == GW_REASON_RETURNED)
            returned += p->batch.frames[i]->items;
    gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_DROPPED, GW_REASON_RETURNED, returned);
    gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_DROPPED, why, p->batch.items - returned);
    gw_sender_finish_inflight(s, p);
}

void gw_sender_drop_queued(struct gw_sender *s, struct gw_chain *c, enum gw_reason why)
{
    uint64_t items = 0;
    if (s->disk_log && why == GW_REASON_SHUTDOWN) {
        leave_queued(s, c);
        return;
    }
    for (const struct gw_node *node = c->first; node; node = node->next) {
        enum gw_reason because = why == GW_REASON_SHUTDOWN ? give_up(node->frame) : why;
        gw_sender_move(s, node->frame->signal, GW_QUEUED, GW_DROPPED, because, node->frame->items);
        items += node->frame->items;
    }
    if (items)
        gw_sender_log_expired(s, why, items);
    gw_sender_keep_dropped(s, c, why);
    gw_sender_release(s, c, true);
}

static struct gw_inflight_batch **oldest_waiting(struct gw_sender *s)
{
    struct gw_inflight_batch **oldest = &s->waiting.first;
    for (struct gw_inflight_batch **at = oldest; *at; at = &(*at)->next)
        if ((*at)->retry.first_expiry < (*oldest)->retry.first_expiry)
            oldest = at;
    return oldest;
}

void gw_sender_evict(struct gw_sender *s, size_t bytes, gw_nsec now)
{
    struct gw_inflight_batch *p = gw_sender_resume(s, oldest_waiting(s));
    struct gw_chain evicted = {NULL, NULL};
    size_t n = 0, freed = 0;
    for (const struct gw_node *node = p->nodes.first; node && freed < bytes; node = node->next, n++)
        freed += node->cost;
    uint64_t before = p->batch.items;
    gw_inflight_batch_take_frames(p, n, &evicted);
    gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_DROPPED, GW_REASON_EVICTED, before - p->batch.items);
    gw_sender_keep_dropped(s, &evicted, GW_REASON_EVICTED);
    gw_sender_release(s, &evicted, true);
    if (p->batch.n)
        gw_sender_postpone(s, p, p->early, p->due, now);
    else
        gw_sender_finish_inflight(s, p);
}

void gw_sender_give_back(struct gw_sender *s, struct gw_inflight_batch *p)
{
    struct gw_chain none = {NULL, NULL}, nodes;
    gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_QUEUED, 0, p->batch.items);
    nodes = gw_inflight_batch_open(p);
    gw_queue_ids_completed(s->queue, &none, &nodes);
}
