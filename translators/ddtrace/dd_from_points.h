/* dd_from_points.h: spans that a Datakit wrote as points become a payload of v0.4, in JSON: so they are translated by the
 * rules for everything that Datadog's libraries send.
 *
 *     ddtrace,service=shop,operation=flask.request,… duration=5367i,message="{…}",trace_id="161…",… 1623982028783232000
 *       `message` is the span in JSON, as its tracer sent it    ─▶ that span, with those tags of the point that it lacks
 *       it is not (a point of Datakit's other collectors)       ─▶ a span of the point's tags and fields (dd_points.def)
 *     points of one trace and one process (the runtime id that
 *       a span, or the nearest above it that names one, has)    ─▶ a chunk
 *
 * Ids are decimal, or hexadecimal where one of a point's ids has a letter or the trace id 32 digits; the upper half of
 * a trace id of 128 bits becomes _dd.p.tid. `start` and `duration` are µs; where the point's time is the same
 * microsecond it is the start, for it is in ns.
 *
 * A point that cannot be read, or has no ids, costs that point, and is counted.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_FROM_POINTS_H
#define DD_FROM_POINTS_H

#include "core/base/err.h"
#include "translators/otlp/otlp_write.h"
#include "translators/points/points.h"

struct dd_points_bad {
    uint64_t n;
    struct gw_err first;
};

/* All points that are left of *from. `payload` is an empty writer; its `account` pays for what is kept meanwhile, too.
 * GW_OK, or GW_BUDGET where there is no memory. */
enum gw_code dd_from_points(struct points *from, struct otlp_buf *payload, struct dd_points_bad *,
                            struct gw_err *) GW_MUST_CHECK;

#endif
