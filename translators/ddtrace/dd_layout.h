/* dd_layout.h: the buffers of all groups become frames.
 *
 *     group A: scope 1 [s][s][s]  scope 2 [s]        frame 1  ResourceSpans A { scope 1 {s s s} scope 2 {s} }  ResourceSpans B {…}
 *     group B: scope 1 [s][s]…             ──▶       frame 2  ResourceSpans B { … }
 *
 * A frame is closed where the next span would take it past GW_FRAME_BYTES; a single larger span gets a frame
 * of its own. A resource stands once in a frame. Sizes are known beforehand, so everything is written once,
 * in place.
 *
 * Trace ids whose upper half is still unknown (dd_pending, dd_group.h) are listed in the frame:
 * gw_frame_pending_ids.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_LAYOUT_H
#define DD_LAYOUT_H

#include "core/base/err.h"
#include "translators/ddtrace/dd_group.h"

struct dd_layout {
    struct dd_groups *groups;
    struct gw_arena *arena; /* scratch */
    enum gw_attribute_schema schema;
    size_t frame_bytes;            /* GW_FRAME_BYTES; smaller in tests */
    size_t max_frames;             /* the last one takes what is left */
    gw_str schema_url, scope_name; /* UTF-8 */
    gw_nsec arrived;
    dd_resource_f *resource;
    void *resource_ctx;
};

/* Writes frames[0 … *n). BUDGET when memory is out: then *n frames are made and the caller's to drop. */
enum gw_code dd_layout_frames(const struct dd_layout *, struct gw_frame **frames, size_t *n,
                              struct gw_err *) GW_MUST_CHECK;

/* The error of a translation that has no memory left, here or in dd_translate.c. */
enum gw_code dd_out_of_memory(struct gw_err *);

#endif
