/* resource_override.h: resource attributes that belong to one exporter alone, added while sending.
 *
 *     Export…Request { Resource… { resource { attributes … + added } scope… } … }
 *
 * A backend may want its credentials as resource attributes, or insist on attributes that a span's sender did
 * not know. Frames are shared and may be kept on disk, so such a backend gets a copy, made when it is sent
 * and dropped when it was answered: no secret ever stands in a queue. Traces, logs and metrics have the same
 * shape down to the resource.
 *
 * Threads: pure functions.  Ownership: the result holds one reference, the caller's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_RESOURCE_OVERRIDE_H
#define GW_RESOURCE_OVERRIDE_H

#include "core/config/option.h"
#include "core/delivery/frame.h"

struct gw_resource_override {
    const struct gw_map_item *always; /* added to every resource */
    size_t always_n;
    const struct gw_map_item *missing; /* added where no attribute of that key stands */
    size_t missing_n;
};

/* f itself, with one more reference, when nothing has to be added; a copy otherwise; NULL when there is no
 * memory. */
struct gw_frame *gw_resource_override_frame(const struct gw_resource_override *, struct gw_frame *f);

#endif
