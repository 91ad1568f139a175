/* metric_from_points.h: turns points that Datakit's clients send (POST /v1/write/metric) into gauges.
 *
 *     cpu,host=web-1,service=shop,core=0 usage=12.5,threads=7i,up=true,model="x" 1700000000000000000
 *       resource   service.name=shop host.name=web-1   from the tags service, env, version and host
 *       metrics    cpu.usage 12.5, cpu.threads 7, cpu.up 1   one for each field that is a number or a boolean
 *       attributes core=0                              from every other tag
 *       left out   model                               texts and lists; Datakit leaves out texts too
 *
 * The field `value` becomes a metric with the measurement's name alone. So a gauge that the exporter
 * `datakit` wrote gets its own name back.
 *
 * A point that cannot be read, or that has no such field, is dropped and counted. All other points of a
 * request become frames together.
 *
 * Threads: pure functions. Ownership: the caller owns the frames' references.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef METRIC_FROM_POINTS_H
#define METRIC_FROM_POINTS_H

#include "core/base/budget.h"
#include "core/config/option.h"
#include "core/delivery/frame.h"
#include "translators/points/points.h"

struct metric_points_options {
    gw_str service, env, version, host; /* defaults for points without the tag; empty: no attribute */
    struct gw_map resource;             /* wins over the points' tags */
    uint64_t now;                       /* wall clock, ns: the time of points that have none */
};

struct metric_points_made {
    struct gw_frame **frames; /* the array is in the arena */
    size_t frames_n;
    uint64_t items, bad, left_out; /* data points; points that were dropped; fields that are not numbers */
    struct gw_err first;           /* the first error of `bad` */
};

/* Reads all points that are left in *from. Returns GW_OK, or GW_BUDGET if there is no memory; then there are
 * no frames. */
enum gw_code metric_from_points(struct points *from, const struct metric_points_options *,
                                struct gw_budget *account, struct metric_points_made *,
                                struct gw_err *) GW_MUST_CHECK;

#endif
