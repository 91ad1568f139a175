/* frame.c: makes, counts, pins and drops frames, and fills in their pending trace ids. A frame owns its
 * bytes, its list of pending ids and its charge to the budget. Translators and receivers make frames; the
 * fan-out, the queues, the senders and the disk queue hold them, on any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/delivery/frame.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/budget.h"
#include "core/base/err.h"
#include "core/delivery/trace_ids.h"

enum { OPEN, WRITING, SETTLED }; /* values of `awaiting_ids` */
#define NEVER_ASKED UINT64_MAX

const char *gw_signal_name(enum gw_signal signal)
{
    static const char *const names[GW_SIGNALS] = {"traces", "logs", "metrics"};
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
    atomic_init(&f->awaiting_ids, SETTLED);
    return f;
}

void gw_frame_pending_ids(struct gw_frame *f, uint32_t *offsets, uint32_t n)
{
    GW_ASSERT(!f->pending_ids);
    for (uint32_t i = 0; i < n; i++)
        GW_ASSERT(offsets[i] <= f->len && f->len - offsets[i] >= 16);
    f->pending_ids = offsets;
    f->pending_ids_n = f->pending = n;
    f->news = NEVER_ASKED;
    atomic_store_explicit(&f->awaiting_ids, n ? OPEN : SETTLED, memory_order_relaxed);
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
    if (whole->ack || whole->whole)
        part->whole = gw_frame_ref(whole);
}

/* The last reference is gone. A part passes its result on to its whole. The recursion is not deep: a frame is
 * halved down to one item. */
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
    return sizeof *f + f->cap + f->pending_ids_n * sizeof *f->pending_ids;
}

static uint64_t read_be64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

static void write_be64(uint8_t *p, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        p[i] = (uint8_t)v;
}

/* True when this caller may write; false when nobody may any more. Another sender's turn takes
 * microseconds. */
static bool take_turn(struct gw_frame *f)
{
    for (;;) {
        uint32_t state = OPEN;
        if (atomic_compare_exchange_weak_explicit(&f->awaiting_ids, &state, WRITING, memory_order_acquire,
                                                  memory_order_acquire))
            return true;
        if (state == SETTLED)
            return false;
        if (state == WRITING)
            sched_yield();
    }
}

/* Loggers that write ids as JSON numbers lose their lower bits: a record's id may have to be found by its
 * upper ones. */
static bool repair(const struct gw_frame *f, struct gw_trace_ids *ids, uint8_t *id)
{
    uint64_t low = read_be64(id + 8), high;
    if (f->signal != GW_LOGS || !gw_trace_ids_rounded(low) ||
        !gw_trace_ids_repair(ids, low, &low, &high, f->arrived))
        return false;
    write_be64(id, high);
    write_be64(id + 8, low);
    return true;
}

/* Tries every pending id; those that stay unknown move to the front of the list. */
static uint32_t fill_in(struct gw_frame *f, struct gw_trace_ids *ids)
{
    uint32_t left = 0;
    /* before the first look: what comes meanwhile counts as new */
    uint64_t news = ids ? gw_trace_ids_news(ids) : NEVER_ASKED;
    if (news == f->news && news != NEVER_ASKED)
        return f->pending;
    f->news = news;
    for (uint32_t i = 0; i < f->pending; i++) {
        uint8_t *id = f->data + f->pending_ids[i];
        uint64_t high;
        if (ids && gw_trace_ids_find(ids, read_be64(id + 8), &high, f->arrived))
            write_be64(id, high);
        else if (!ids || !repair(f, ids, id))
            f->pending_ids[left++] = f->pending_ids[i];
    }
    return f->pending = left;
}

uint32_t gw_frame_complete_ids(struct gw_frame *f, struct gw_trace_ids *ids, bool final)
{
    if (!take_turn(f))
        return 0;
    uint32_t left = fill_in(f, ids);
    atomic_store_explicit(&f->awaiting_ids, final || left == 0 ? SETTLED : OPEN, memory_order_release);
    return left;
}
