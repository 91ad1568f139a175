/* Requests of any bytes, cut into requests of single items: nothing is read past the end, and each part has its item.
 * The first byte says which signal, the second how many items the frame claims to have.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "exporters/sender/frame_items.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_items items;
    uint8_t id[16];
    if (size < 2)
        return 0;
    struct gw_frame whole = {.signal = (enum gw_signal)(data[0] % GW_SIGNALS),
                             .items = data[1],
                             .data = (uint8_t *)data + 2,
                             .len = size - 2},
                    *frames[] = {&whole};
    if (gw_items_read(&items, whole.signal, frames, 1) != GW_ITEMS_READ)
        return 0;
    for (uint32_t i = 0; i < items.n; i++) {
        items.items[i].next = GW_NO_ITEM;
        (void)gw_item_trace_id(&items, i, id);
        struct gw_frame *part = gw_items_frame(&items, i, &whole);
        struct gw_items again;
        if (!part || gw_items_read(&again, whole.signal, &part, 1) != GW_ITEMS_READ || again.n != 1)
            abort();
        gw_items_drop(&again);
        gw_frame_drop(part);
    }
    gw_items_drop(&items);
    return 0;
}
