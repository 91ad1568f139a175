/* frame_items.h: the items of frames one by one, and requests made of some of them.
 *
 *     frames ─▶ read ─▶ items[0 … n), in their order, each with what encloses it (resource, scope, metric)
 *                          │ a list of them: by place (what fits), by trace id, what was not delivered
 *                          ▼
 *               size, write ─▶ Export…ServiceRequest of these items, with all that the frames hold of them
 *
 * All fields around an item are repeated in each request that holds one. Bytes are moved, nothing is interpreted but
 * tags, lengths and trace ids. An item is a span, a log record, or a point of a metric.
 *
 * A list is made of items' numbers in rising order, each leading to the next (`next`), so that each item is in one
 * list at a time; GW_NO_ITEM ends it.
 *
 * Threads: pure functions. Ownership: the frames outlive what is read of them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FRAME_ITEMS_H
#define GW_FRAME_ITEMS_H

#include "core/base/protobuf_wire.h"
#include "core/delivery/frame.h"

#define GW_NO_ITEM UINT32_MAX

struct gw_item {
    struct wire_view whole, body; /* with its tag; without */
    uint32_t box;                 /* what encloses it */
    uint32_t frame;               /* of which it is */
    uint32_t next;
};

/* A message on the way to items. */
struct gw_item_box {
    struct wire_view body;
    uint32_t parent; /* GW_NO_ITEM: the request */
    unsigned number; /* of its field in the parent */
    size_t own;      /* bytes of what is not on the way to items … */
    /* … in runs of fields; more than there is place for are looked for each time */
    struct wire_view runs[2];
    unsigned runs_n;
    size_t length; /* within the request that was measured last */
};

struct gw_items {
    enum gw_signal signal;
    struct gw_item *items;
    struct gw_item_box *boxes;
    uint32_t n, items_cap, boxes_n, boxes_cap;
};

enum gw_items_read {
    GW_ITEMS_READ,
    GW_ITEMS_UNKNOWN, /* a frame does not hold as many items as it counts: they cannot be told apart */
    GW_ITEMS_NO_MEMORY
};

/* All items of the frames, in one list from item 0 on. Unless GW_ITEMS_READ, there is nothing to drop. */
enum gw_items_read gw_items_read(struct gw_items *, enum gw_signal, struct gw_frame *const *, size_t n);
void gw_items_drop(struct gw_items *);

/* The id of the item's trace; false where it has none, as points of metrics do. */
bool gw_item_trace_id(const struct gw_items *, uint32_t item, uint8_t id[16]);

/* Bytes of a request of the list that begins with `first`. */
size_t gw_items_size(struct gw_items *, uint32_t first);
/* Writes it, as measured by gw_items_size just before. */
void gw_items_write(const struct gw_items *, uint32_t first, uint8_t *out);
/* A frame of the list, of the same schema and age as `like`; NULL when there is no memory. */
struct gw_frame *gw_items_frame(struct gw_items *, uint32_t first, const struct gw_frame *like);

/* What is left of the n frames that were read, where these items (a flag for each) are: for each frame NULL when none
 * of its items is, the frame itself when all are, else a new frame of them; where there is no memory for one, the
 * frame itself. Lists are not valid any more. */
void gw_items_left(struct gw_items *, const bool *are_left, struct gw_frame *const *frames,
                   struct gw_frame **left);

#endif
