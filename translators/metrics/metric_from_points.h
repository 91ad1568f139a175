/* metric_from_points.h: points that a Datakit's clients write (POST /v1/write/metric) become gauges.
 *
 *     cpu,host=web-1,service=shop,core=0 usage=12.5,threads=7i,up=true,model="x" 1700000000000000000
 *       resource   service.name=shop host.name=web-1      of the tags service, env, version and host
 *       metrics    cpu.usage 12.5, cpu.threads 7, cpu.up 1    one for each field that is a number, or true (1) or false (0)
 *       attributes core=0                                  of every other tag
 *       left out   model                                   texts and lists: Datakit leaves texts out, too
 *
 * The field `value` is the metric of the measurement's own name. So what the exporter `datakit` makes of a gauge comes
 * back under its name.
 *
 * A point that cannot be read or has no such field costs that point, and is counted. All others of a request are
 * frames, made at once.
 *
 * Threads: pure functions. Ownership: frames are the caller's references.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef METRIC_FROM_POINTS_H
#define METRIC_FROM_POINTS_H

#include "core/base/budget.h"
#include "core/config/option.h"
#include "core/delivery/frame.h"
#include "translators/points/points.h"

struct metric_points_options {
    gw_str service, env, version, host; /* of points that do not say theirs; empty: nothing */
    struct gw_map resource;             /* wins over what points say */
    uint64_t now;                       /* wall, ns: of points without a time */
};

struct metric_points_made {
    struct gw_frame **frames; /* in the arena */
    size_t frames_n;
    uint64_t items, bad, left_out; /* data points; points that are none; fields that are no number */
    struct gw_err first;           /* of `bad` */
};

/* All points that are left of *from. GW_OK, or GW_BUDGET where there is no memory: then there are no frames. */
enum gw_code metric_from_points(struct points *from, const struct metric_points_options *,
                                struct gw_budget *account, struct metric_points_made *,
                                struct gw_err *) GW_MUST_CHECK;

#endif
