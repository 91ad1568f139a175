/* frame.c: makes, counts, pins and drops frames. A frame owns its
 * bytes, its list of pending ids and its charge to the budget. Translators and receivers make frames; the
 * fan-out, the queues, the senders and the disk queue hold them, on any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/delivery/frame.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/budget.h"
#include "core/base/err.h"

const char *gw_signal_name(enum gw_signal signal)
{
    static const char *const names[GW_SIGNALS] = {"traces", "logs", "metrics", "profiles"};
    GW_ASSERT(signal < GW_SIGNALS);
    return names[signal];
}

struct gw_frame *gw_frame_new(enum gw_signal signal, enum gw_attribute_schema schema, uint8_t *data,
                              size_t len, size_t cap, uint32_t items)
{
    struct gw_frame *f = malloc(sizeof *f);
    if (!f)
        return NULL;
    GW_ASSERT(len <= cap);
    *f = (struct gw_frame){.signal = signal,
                           .schema = schema,
                           .items = items,
                           .arrived = gw_now(),
                           .data = data,
                           .len = len,
                           .cap = cap};
    atomic_init(&f->refs, 1);
    atomic_init(&f->deliveries, 1);
    atomic_init(&f->awaiting_ids, GW_FRAME_SETTLED);
    return f;
}

void gw_frame_pending_ids(struct gw_frame *f, uint32_t *offsets, uint32_t n)
{
    GW_ASSERT(!f->pending_ids);
    for (uint32_t i = 0; i < n; i++)
        GW_ASSERT(offsets[i] <= f->len && f->len - offsets[i] >= 16);
    f->pending_ids = offsets;
    f->pending_ids_n = f->pending = n;
    f->news = GW_FRAME_NEVER_ASKED;
    atomic_store_explicit(&f->awaiting_ids, n ? GW_FRAME_OPEN : GW_FRAME_SETTLED, memory_order_relaxed);
}

void gw_frame_pending_services(struct gw_frame *f, struct gw_pending_service *groups, uint32_t n)
{
    GW_ASSERT(!f->pending_services);
    f->pending_services = groups;
    f->pending_services_n = n;
    if (n)
        atomic_store_explicit(&f->awaiting_ids, GW_FRAME_OPEN, memory_order_relaxed);
}

bool gw_frame_is_pending(const struct gw_frame *f)
{
    return f->pending_ids_n || f->pending_services_n;
}

struct gw_frame *gw_frame_ref(struct gw_frame *f)
{
    atomic_fetch_add_explicit(&f->deliveries, 1, memory_order_relaxed);
    return gw_frame_pin(f);
}

struct gw_frame *gw_frame_pin(struct gw_frame *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

bool gw_frame_abandon(struct gw_frame *f)
{
    atomic_store_explicit(&f->abandoned, true, memory_order_relaxed);
    return f->ack || f->whole;
}

void gw_frame_part(struct gw_frame *part, struct gw_frame *whole)
{
    part->recent = whole->recent;
    if (whole->ack || whole->whole)
        part->whole = gw_frame_ref(whole);
}

/* The last reference is gone. A part passes its result on to the frame it was split from. The recursion is
 * not deep: a frame is halved at most down to one item. */
static void settle(struct gw_frame *f)
{
    bool abandoned = atomic_load_explicit(&f->abandoned, memory_order_relaxed);
    if (f->ack)
        f->ack->settled(f->ack, !abandoned);
    if (f->whole && abandoned)
        gw_frame_abandon(f->whole);
    gw_frame_drop(f->whole);
}

void gw_frame_unpin(struct gw_frame *f)
{
    if (atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (f->budget)
        gw_budget_give(f->budget, f->charged);
    free(f->data);
    free(f->pending_ids);
    free(f->pending_services);
    free(f);
}

void gw_frame_drop(struct gw_frame *f)
{
    if (!f)
        return;
    if (atomic_fetch_sub_explicit(&f->deliveries, 1, memory_order_acq_rel) == 1)
        settle(f);
    gw_frame_unpin(f);
}

size_t gw_frame_cost(const struct gw_frame *f)
{
    return sizeof *f + f->cap + f->pending_ids_n * sizeof *f->pending_ids +
           f->pending_services_n * sizeof *f->pending_services;
}
