/* frame_split.h: splits a frame that is too large for a backend into two.
 *
 *     Export…Request { Resource…  { resource  Scope… { scope  span span | span span } } }
 *                                                                        ✂
 *       ─▶ request { resource { scope { span span } } }   and   request { resource { scope { span span } } }
 *
 * All fields around the spans (or log records, or points of metrics) are repeated in both halves, and the
 * spans are divided in their order, so each half is a complete request with the same meaning (frame_items.h).
 * Called rarely: when a backend refuses a request as too large and the batch has only one frame. Profiles are
 * not split.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FRAME_SPLIT_H
#define GW_FRAME_SPLIT_H

#include "core/delivery/frame.h"

/* A frame that is too large and indivisible is rejected. Lack of memory only delays the split. */
enum gw_division {
    GW_DIVIDED,     /* there are two halves */
    GW_INDIVISIBLE, /* a single item, or bytes whose items cannot be identified */
    GW_DIVISION_NO_MEMORY
};

/* Makes two frames of about half the items each, with one reference each and f's age, if the result is
 * GW_DIVIDED; otherwise `out` is not set. f must be final (gw_frame_complete_ids) and stays the caller's. */
enum gw_division gw_frame_split(const struct gw_frame *f, struct gw_frame *out[2]);

#endif
