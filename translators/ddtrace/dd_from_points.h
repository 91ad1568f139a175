/* dd_from_points.h: converts spans that Datakit wrote as points to a v0.4 payload in JSON, which is then
 * translated by the rules for Datadog's libraries.
 *
 *     ddtrace,service=shop,operation=flask.request,… duration=5367i,message="{…}",trace_id="161…",… 1623982028783232000
 *       `message` is the span in JSON, as its tracer sent it    ─▶ that span, plus the tags that it lacks
 *       otherwise (a point of Datakit's other collectors)       ─▶ a span from tags and fields (dd_points.def)
 *     points of one trace and one process (by the runtime id
 *       of a span or of its nearest ancestor that has one)      ─▶ a chunk
 *
 * Ids are decimal. They are hexadecimal if one of a point's ids has a letter or the trace id has 32 digits;
 * then the upper half of a 128-bit trace id becomes _dd.p.tid. `start` and `duration` are in µs. If the
 * point's time is in the same microsecond as `start`, it is used instead, because it is in ns.
 *
 * A point that cannot be read or has no ids is dropped and counted.
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

/* Reads all points that are left in *from. `payload` is an empty writer; its `account` also pays for
 * temporary memory. Returns GW_OK, or GW_BUDGET if there is no memory. */
enum gw_code dd_from_points(struct points *from, struct otlp_buf *payload, struct dd_points_bad *,
                            struct gw_err *) GW_MUST_CHECK;

#endif
