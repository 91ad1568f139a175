/* Splits one serialized request into two: the first and the second half of its items. Keeps no state; the
 * caller owns the result. Called by inflight_batch.c when a backend refuses a request with a single frame as
 * too large.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sender/frame_split.h"

#include "exporters/sender/frame_items.h"

enum gw_division gw_frame_split(const struct gw_frame *f, struct gw_frame *out[2])
{
    struct gw_items all;
    struct gw_frame *const frames[] = {(struct gw_frame *)f};
    if (f->signal == GW_PROFILES) /* profiles share the tables of their request */
        return GW_INDIVISIBLE;
    enum gw_items_read how = gw_items_read(&all, f->signal, frames, 1);
    if (how != GW_ITEMS_READ)
        return how == GW_ITEMS_UNKNOWN ? GW_INDIVISIBLE : GW_DIVISION_NO_MEMORY;
    if (all.n < 2) {
        gw_items_drop(&all);
        return GW_INDIVISIBLE;
    }
    uint32_t half = all.n / 2;
    all.items[half - 1].next = GW_NO_ITEM;
    out[0] = gw_items_frame(&all, 0, f);
    out[1] = out[0] ? gw_items_frame(&all, half, f) : NULL;
    gw_items_drop(&all);
    if (out[1])
        return GW_DIVIDED;
    gw_frame_drop(out[0]);
    return GW_DIVISION_NO_MEMORY;
}
