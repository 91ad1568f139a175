/* frame_split.h: a frame that is too large for a backend becomes two.
 *
 *     Export…Request { Resource…  { resource  Scope… { scope  span span | span span } } }
 *                                                                        ✂
 *       ─▶ request { resource { scope { span span } } }   and   request { resource { scope { span span } } }
 *
 * All fields around the spans (or log records, or points of metrics) are repeated in both halves, the spans are shared
 * out in their order, so each half is a whole request that says the same as before (frame_items.h). Cold path: a
 * backend refused a request as too large and the batch holds no second frame to leave out. Profiles are not split.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FRAME_SPLIT_H
#define GW_FRAME_SPLIT_H

#include "core/delivery/frame.h"

/* "Too large and indivisible" ends with a rejection; missing memory never does, it is a reason to split
 * later. */
enum gw_division {
    GW_DIVIDED,     /* there are two halves */
    GW_INDIVISIBLE, /* a single item, or bytes whose items cannot be told apart */
    GW_DIVISION_NO_MEMORY
};

/* Two frames of about half the items each, with one reference each and f's age, when the result is
 * GW_DIVIDED; else `out` is not set. f must be final (gw_frame_complete_ids) and stays the caller's. */
enum gw_division gw_frame_split(const struct gw_frame *f, struct gw_frame *out[2]);

#endif
