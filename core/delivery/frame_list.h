/* frame_list.h: collects the frames of one request, until they are offered together.
 *
 * Ownership: the list owns its frames; the array is in the arena of the request. Threads: the request's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FRAME_LIST_H
#define GW_FRAME_LIST_H

#include "core/base/arena.h"
#include "core/delivery/frame.h"

struct gw_frame_list {
    struct gw_frame **frames;
    size_t n, cap;
};

/* Makes room for one more frame. Returns false if the arena has no memory; the list is then unchanged. */
bool gw_frame_list_reserve(struct gw_frame_list *, struct gw_arena *) GW_MUST_CHECK;
/* Drops all frames. */
void gw_frame_list_drop(struct gw_frame_list *);

#endif
