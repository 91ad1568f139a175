/* frame_list.c: a list of frames in the arena of a request; its array doubles when it is full. Called by
 * receivers that make several frames of one request.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/delivery/frame_list.h"

#include <string.h>

enum { FIRST = 16 };

bool gw_frame_list_reserve(struct gw_frame_list *l, struct gw_arena *arena)
{
    if (l->n < l->cap)
        return true;
    size_t cap = l->cap ? 2 * l->cap : FIRST;
    struct gw_frame **frames = gw_new(arena, struct gw_frame *, cap);
    if (!frames)
        return false;
    if (l->n)
        memcpy(frames, l->frames, l->n * sizeof *frames);
    l->frames = frames;
    l->cap = cap;
    return true;
}

void gw_frame_list_drop(struct gw_frame_list *l)
{
    while (l->n)
        gw_frame_drop(l->frames[--l->n]);
}
