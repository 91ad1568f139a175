/* resource_override.h: adds resource attributes that only one exporter needs, while sending.
 *
 *     Export…Request { Resource… { resource { attributes … + added } scope… } … }
 *
 * A backend may need its credentials as resource attributes, or attributes that the sender of a span did not
 * set. Frames are shared and may be stored on disk, so such a backend gets a copy, which is made when it is
 * sent and dropped when it was answered: no secret is ever in a queue. Traces, logs and metrics have the same
 * structure down to the resource.
 *
 * Threads: pure functions. Ownership: the caller owns the reference of the result.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_RESOURCE_OVERRIDE_H
#define GW_RESOURCE_OVERRIDE_H

#include "core/config/option.h"
#include "core/delivery/frame.h"

struct gw_resource_override {
    const struct gw_map_item *always; /* added to every resource */
    size_t always_n;
    const struct gw_map_item *missing; /* added if there is no attribute of that key */
    size_t missing_n;
};

/* Returns f with one more reference if there is nothing to add; otherwise a copy; NULL if there is no
 * memory. */
struct gw_frame *gw_resource_override_frame(const struct gw_resource_override *, struct gw_frame *f);

#endif
