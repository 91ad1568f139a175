/* frame_items.h: the individual items of frames, and requests made from some of them.
 *
 *     frames ─▶ read ─▶ items[0 … n), in their order, each with what encloses it (resource, scope, metric)
 *                          │ a list of items: by position (what fits), by trace id, what was not delivered
 *                          ▼
 *               size, write ─▶ Export…ServiceRequest of these items, with everything that encloses them
 *
 * All fields around an item are repeated in each request that contains one. Bytes are copied; only tags,
 * lengths and trace ids are interpreted. An item is a span, a log record, or a point of a metric.
 *
 * A list consists of item numbers in ascending order; each item has the next one's number (`next`), so an
 * item is in one list at a time. GW_NO_ITEM ends a list.
 *
 * Threads: pure functions. Ownership: the frames must outlive the items.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FRAME_ITEMS_H
#define GW_FRAME_ITEMS_H

#include "core/base/protobuf_wire.h"
#include "core/delivery/frame.h"

#define GW_NO_ITEM UINT32_MAX

struct gw_item {
    struct wire_view whole, body; /* with its tag; without it */
    uint32_t box;                 /* the message around it */
    uint32_t frame;               /* the frame that contains it */
    uint32_t next;
};

/* A message that contains items. */
struct gw_item_box {
    struct wire_view body;
    uint32_t parent; /* GW_NO_ITEM: the request */
    unsigned number; /* of its field in the parent */
    size_t own;      /* bytes of fields without items … */
    /* … in runs of adjacent fields; runs beyond the first two are searched again each time */
    struct wire_view runs[2];
    unsigned runs_n;
    size_t length; /* in the request that was measured last */
};

struct gw_items {
    enum gw_signal signal;
    struct gw_item *items;
    struct gw_item_box *boxes;
    uint32_t n, items_cap, boxes_n, boxes_cap;
};

enum gw_items_read {
    GW_ITEMS_READ,
    GW_ITEMS_UNKNOWN, /* a frame has fewer items than its count: they cannot be identified */
    GW_ITEMS_NO_MEMORY
};

/* Reads all items of the frames, as one list that begins with item 0. If the result is not GW_ITEMS_READ,
 * there is nothing to free. */
enum gw_items_read gw_items_read(struct gw_items *, enum gw_signal, struct gw_frame *const *, size_t n);
void gw_items_drop(struct gw_items *);

/* Returns the trace id of the item; false if it has none, like points of metrics. */
bool gw_item_trace_id(const struct gw_items *, uint32_t item, uint8_t id[16]);

/* Returns the size in bytes of a request with the list that begins with `first`. */
size_t gw_items_size(struct gw_items *, uint32_t first);
/* Writes the request that gw_items_size has measured just before. */
void gw_items_write(const struct gw_items *, uint32_t first, uint8_t *out);
/* Makes a frame of the list, with the schema and age of `like`; NULL if there is no memory. */
struct gw_frame *gw_items_frame(struct gw_items *, uint32_t first, const struct gw_frame *like);

/* Makes the rest of the n frames that were read, of the items whose flag is set. For each frame: NULL if it
 * has no such item, the frame itself if it has only such items, else a new frame; if there is no memory for
 * that, the frame itself. Lists are invalid afterwards. */
void gw_items_left(struct gw_items *, const bool *are_left, struct gw_frame *const *frames,
                   struct gw_frame **left);

#endif
