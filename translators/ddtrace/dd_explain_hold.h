/* dd_explain_hold.h: a chunk that was read once and is translated again and again. For dd_explain_run.c and dd_explain_span.c.
 *
 *     body ─ decoder ─▶ chunk ─ dd_hold ─▶ held: the span, and those of the chunk that say something for it
 *                                            │ dd_held_chunk, for each run: a copy that an edit may change
 *
 * Reading a body of five thousand spans takes longer than translating one; with what is held a run takes microseconds. Whether the
 * held spans suffice is for the caller to see: the span must come out as it does of the whole request.
 *
 * Pure. Ownership: held data and its texts are in the arena of dd_hold.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_EXPLAIN_HOLD_H
#define DD_EXPLAIN_HOLD_H

#include "translators/ddtrace/dd_span.h"

struct dd_held {
    struct dd_chunk chunk;
    struct dd_payload payload;
    size_t own;  /* the span's place in the chunk */
    size_t cost; /* about so many bytes are read by a run */
};

/* Copies the chunk; `narrow`: the span itself, the first one, its parent, and local roots alone. */
void dd_hold(struct gw_arena *, const struct dd_chunk *, size_t own, bool narrow, struct dd_held *);
/* What the payload said, when the body was read. */
void dd_hold_payload(struct gw_arena *, const struct dd_payload *, struct dd_held *);

/* The chunk anew, for one run; its payload is in `lasting`, which outlives the chunk. False when an arena is spent. */
bool dd_held_chunk(const struct dd_held *, struct gw_arena *, struct gw_arena *lasting, struct dd_chunk *);

#endif
