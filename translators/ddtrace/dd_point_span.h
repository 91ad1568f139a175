/* dd_point_span.h: writes one point of Datakit as a span in JSON; between dd_from_points.c and
 * dd_point_span.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_POINT_SPAN_H
#define DD_POINT_SPAN_H

#include "translators/points/points.h"

/* The ids of a span. `process` is the hash of its runtime id, or 0 if it has none. */
struct dd_point_ids {
    uint64_t trace, span, parent, process;
};

/* Appends the object to `out`, whose arena is also used for scratch. Returns NULL, or what is wrong with the
 * point (static text); `out` is unchanged then. */
const char *dd_point_span(const struct point *, struct gw_text *out, struct dd_point_ids *);

#endif
