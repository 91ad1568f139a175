/* inflight_batch.h: a batch of the sender: the nodes, the request made from them, and when it is due.
 *
 *   chain of nodes ─▶ batch ──▶ sent ─▶ settled
 *                        ├─ prune: removes frames that became too old while it waited
 *                        ├─ take_frames: removes its first frames, which are decided before the others
 *                        ├─ keep: removes what was accepted
 *                        └─ split: two batches, by frames; a single frame is split (frame_split.h)
 *
 * Ownership: a batch owns its nodes; nodes that leave it (prune, take_frames, gw_inflight_batch_open) belong
 * to the caller and are still charged to the queue. Threads: the sender's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_INFLIGHT_BATCH_H
#define GW_INFLIGHT_BATCH_H

#include "core/delivery/queue.h"
#include "exporters/sender/congestion.h"
#include "exporters/sender/frame_split.h"
#include "exporters/sender/retry.h"
#include "exporters/sender/suspect.h"

struct gw_inflight_batch {
    struct gw_inflight_batch *next;
    void *owner;
    struct gw_chain nodes;
    struct gw_batch batch; /* the nodes' frames */
    struct gw_retry retry;
    struct gw_suspect suspect;
    struct gw_congestion_sent sent; /* while it is open */
    gw_nsec due;                    /* when it is sent (again) … */
    gw_nsec early;                  /* … or, if it blocks others, the earliest time … */
    /* … and the latest time, whatever else it waits for (gw_retry_latest) */
    gw_nsec latest;
    struct gw_outcome outcome; /* of the last send */
};

/* Takes the nodes, which have one signal; there is at least one. Returns NULL if there is no memory; the
 * nodes then stay the caller's. */
struct gw_inflight_batch *gw_inflight_batch_new(struct gw_chain *nodes, gw_nsec max_age);
/* Returns the nodes and frees the batch. */
struct gw_chain gw_inflight_batch_open(struct gw_inflight_batch *);
/* Moves frames that arrived before `oldest` to `out`; the batch may be empty afterwards. Returns the number
 * of their items. */
uint64_t gw_inflight_batch_prune(struct gw_inflight_batch *, gw_nsec oldest, struct gw_chain *out);
/* Moves the first n frames to `out`; the batch may be empty afterwards. */
void gw_inflight_batch_take_frames(struct gw_inflight_batch *, size_t n, struct gw_chain *out);
/* Keeps the undelivered rest, as in an outcome (exporter.h): moves frames without a rest to `out` and
 * replaces others by their rest. At least one frame has a rest. Returns the number of items that were
 * removed. */
uint64_t gw_inflight_batch_keep(struct gw_inflight_batch *, struct gw_frame **left, struct gw_chain *out);
/* Returns whether it was sent before and not accepted. */
static inline bool gw_inflight_batch_is_retry(const struct gw_inflight_batch *p)
{
    return p->retry.tries > 0 || p->suspect.seen;
}

/* Splits p into two batches of about half the bytes, which count as never tried; p is freed if the result is
 * GW_DIVIDED. Otherwise p keeps its contents, although a single frame may have become two. */
enum gw_division gw_inflight_batch_split(struct gw_inflight_batch *p, gw_nsec max_age,
                                         struct gw_inflight_batch *out[2]);

#endif
