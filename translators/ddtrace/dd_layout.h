/* dd_layout.h: arranges the buffers of all groups as frames.
 *
 *     group A: scope 1 [s][s][s]  scope 2 [s]        frame 1  ResourceSpans A { scope 1 {s s s} scope 2 {s} }  ResourceSpans B {…}
 *     group B: scope 1 [s][s]…             ──▶       frame 2  ResourceSpans B { … }
 *
 * A frame is closed when the next span would make it longer than GW_FRAME_BYTES; a single larger span gets a
 * frame of its own. A resource occurs once per frame. All sizes are computed first, so everything is written
 * once, in place.
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
    size_t max_frames;             /* the last frame takes everything that is left */
    gw_str schema_url, scope_name; /* valid UTF-8 */
    gw_nsec arrived;
    dd_resource_f *resource;
    void *resource_ctx;
};

/* Writes frames[0 … *n). Returns BUDGET if there is no memory: then *n frames were made, and the caller drops
 * them. */
enum gw_code dd_layout_frames(const struct dd_layout *, struct gw_frame **frames, size_t *n,
                              struct gw_err *) GW_MUST_CHECK;

/* Returns the error of a translation that ran out of memory, here or in dd_translate.c. */
enum gw_code dd_out_of_memory(struct gw_err *);

#endif
