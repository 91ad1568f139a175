/* dd_point_span.h: one point of Datakit as a span in JSON; between dd_from_points.c and dd_point_span.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_POINT_SPAN_H
#define DD_POINT_SPAN_H

#include "translators/points/points.h"

/* Where a span belongs. `process` is the hash of its runtime id, 0 where it says none. */
struct dd_point_ids {
    uint64_t trace, span, parent, process;
};

/* Appends the object to `out`, whose arena is used for scratch. NULL, or what is the matter with the point (static
 * words); then `out` holds no more than before. */
const char *dd_point_span(const struct point *, struct gw_text *out, struct dd_point_ids *);

#endif
