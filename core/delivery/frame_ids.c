/* frame_ids.c: completes the pending trace ids of a frame in place and, when the frame is settled, its
 * pending services (frame_services.c). Owns nothing. Called by the senders, on any thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <stdatomic.h>

#include "core/delivery/frame.h"
#include "core/delivery/frame_services.h"
#include "core/delivery/trace_ids.h"

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

/* Returns true if this caller may write; false if the frame is settled. Waits for another sender, which takes
 * microseconds. */
static bool take_turn(struct gw_frame *f)
{
    for (;;) {
        uint32_t state = GW_FRAME_OPEN;
        if (atomic_compare_exchange_weak_explicit(&f->awaiting_ids, &state, GW_FRAME_WRITING,
                                                  memory_order_acquire, memory_order_acquire))
            return true;
        if (state == GW_FRAME_SETTLED)
            return false;
        if (state == GW_FRAME_WRITING)
            sched_yield();
    }
}

/* Loggers that write ids as JSON numbers lose their lower bits, so a record's id may have to be found by its
 * upper bits. */
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

/* Looks up every pending id; unknown ones move to the front of the list. */
static uint32_t fill_in(struct gw_frame *f, struct gw_trace_ids *ids)
{
    uint32_t left = 0;
    /* before the first lookup: ids that arrive meanwhile count as new */
    uint64_t news = ids ? gw_trace_ids_news(ids) : GW_FRAME_NEVER_ASKED;
    if (news == f->news && news != GW_FRAME_NEVER_ASKED)
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
    struct gw_span_services *services = ids ? gw_trace_ids_services(ids) : NULL;
    uint32_t left = f->pending ? fill_in(f, ids) : 0, unknown = frame_services_unknown(f, services);
    bool settled = final || left + unknown == 0;
    if (settled)
        frame_services_fill_in(f, services);
    atomic_store_explicit(&f->awaiting_ids, settled ? GW_FRAME_SETTLED : GW_FRAME_OPEN, memory_order_release);
    return final ? left : left + unknown;
}
