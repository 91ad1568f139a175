/* otlp_frames.h: cuts a request of OTLP into frames, which are offered together.
 *
 * The account of the request's arena pays for the frames until they are offered. Threads: the request's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OTLP_FRAMES_H
#define GW_OTLP_FRAMES_H

#include "core/base/arena.h"
#include "core/delivery/frame_list.h"
#include "translators/otlp/otlp_check.h"

struct otlp_frames {
    enum gw_signal signal;
    enum gw_attribute_schema schema; /* of those that are made next */
    struct gw_arena *arena;
    struct gw_frame_list list;
};

/* Cuts a checked body into frames, which join the list. GW_BUDGET or GW_BUSY: there is no memory, and the list is as it
 * was or longer. */
enum gw_code otlp_frames_cut(struct otlp_frames *, gw_str body, const struct otlp_contents *,
                             struct gw_err *) GW_MUST_CHECK;
/* Takes over the frame. False: there is no room in the arena, and it is still the caller's. */
bool otlp_frames_add(struct otlp_frames *, struct gw_frame *) GW_MUST_CHECK;

#endif
