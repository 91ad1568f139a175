/* inflight_batch.h: a batch in the sender's hands: the nodes, the request made of them, and when it is due.
 *
 *   chain of nodes ─▶ batch ──▶ sent ─▶ settled
 *                        ├─ prune: frames that became too old while it waited leave
 *                        ├─ take_frames: its first frames leave: their fate is decided before the others'
 *                        ├─ keep: what was taken of it leaves
 *                        └─ split: two batches, by frames; a single frame is cut (frame_split.h)
 *
 * Ownership: a batch owns its nodes; nodes taken out of it (prune, take_frames, gw_inflight_batch_open) are
 * the caller's, charged to the queue still. Threads: the sender's. SPDX-License-Identifier: Apache-2.0
 */
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
    struct gw_batch batch; /* the frames of nodes */
    struct gw_retry retry;
    struct gw_suspect suspect;
    struct gw_congestion_sent sent; /* when it is open */
    gw_nsec due;                    /* when to send it (again) … */
    gw_nsec early;                  /* … or, where it is in the way of others, from when on … */
    /* … and until when at the latest, whatever else is waited for (gw_retry_latest) */
    gw_nsec latest;
    struct gw_outcome outcome; /* of the last send */
};

/* Takes the nodes, which have one signal and are not none. NULL when there is no memory; then they stay the
 * caller's. */
struct gw_inflight_batch *gw_inflight_batch_new(struct gw_chain *nodes, gw_nsec max_age);
/* Gives the nodes back and frees the batch. */
struct gw_chain gw_inflight_batch_open(struct gw_inflight_batch *);
/* Frames that arrived before `oldest` move to `out`; the batch may be empty afterwards. Returns their
 * items. */
uint64_t gw_inflight_batch_prune(struct gw_inflight_batch *, gw_nsec oldest, struct gw_chain *out);
/* The first n frames move to `out`; the batch may be empty afterwards. */
void gw_inflight_batch_take_frames(struct gw_inflight_batch *, size_t n, struct gw_chain *out);
/* What is left of it, as in an outcome (exporter.h): frames of which nothing is left move to `out`, others are
 * replaced by their rest. Something is left. Returns the items that are not. */
uint64_t gw_inflight_batch_keep(struct gw_inflight_batch *, struct gw_frame **left, struct gw_chain *out);
/* It was sent before and not taken. */
static inline bool gw_inflight_batch_is_retry(const struct gw_inflight_batch *p)
{
    return p->retry.tries > 0 || p->suspect.seen;
}

/* Splits p into two of about half the bytes, never tried yet; p is gone when the result is GW_DIVIDED. Else
 * it holds what it held, though a single frame may have become two by then. */
enum gw_division gw_inflight_batch_split(struct gw_inflight_batch *p, gw_nsec max_age,
                                         struct gw_inflight_batch *out[2]);

#endif
