/* dd_stats.h: converts statistics that tracers and agents made from spans to points of the span duration
 * metric (span_duration_metric.h), as OTLP frames.
 *
 *     body ─▶ ClientStatsPayload ─▶ bucket ─▶ group of spans ─┬─ ok sketch ────▶ point
 *             a process: resource    its times   attributes    └─ error sketch ─▶ point, status.code = STATUS_CODE_ERROR
 *
 * A point is a delta exponential histogram from the bucket's start to its end. Its count is the group's hits
 * without errors, or its errors; the sketch gives the distribution (ddsketch.h). The group has one sum of
 * durations for both: it is divided in proportion to the sketches, and is exact if there is only one. Minimum
 * and maximum are the sketch's. Groups with equal attributes become one point. This happens to queries that
 * differ only in their literals: with the option obfuscate, literals are removed here.
 *
 * A body that is not well-formed is an error, and nothing from it is used. A group that cannot be read is
 * refused (DD_STATS_FAULTS); the others are not affected. Facts: what dd-trace-go 2.12, dd-trace-js 5 and 6,
 * ddtrace 4.16, dd-java-agent 1.68 and the agent 7.85 send; pkg/trace/stats of the agent.
 *
 * Ownership: the caller owns the references to the frames. Threads: pure functions; the arena is scratch.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_STATS_H
#define DD_STATS_H

#include "core/base/arena.h"
#include "core/delivery/ledger.h"
#include "translators/ddtrace/dd_options.h"
#include "translators/ddtrace/dd_request.h"

/* Why a group is refused: label values of ddgate_ddtrace_refused_stats_groups_total.
 *     id          label         what it means */
#define DD_STATS_FAULTS(X)                                                                                   \
    X(BAD_FIELD, "bad_field", "A field has a type that cannot be read as what it should be.")                \
    X(BAD_TIME, "bad_time", "The bucket has no start, or ends past 2^63 ns.")                                \
    X(BAD_SKETCH, "bad_sketch", "A summary is no DDSketch, or holds numbers that none has.")                 \
    X(NO_SKETCH, "no_sketch", "Spans were counted, but a summary of their durations is absent or empty.")

enum dd_stats_fault {
#define DD_STATS_FAULT_ID(id, label, text) DD_STATS_##id,
    DD_STATS_FAULTS(DD_STATS_FAULT_ID)
#undef DD_STATS_FAULT_ID
        DD_STATS_FAULT_N,
    DD_STATS_GOOD = DD_STATS_FAULT_N
};

enum { DD_STATS_FRAMES = 64 };

struct dd_stats_result {
    struct gw_frame *frames[DD_STATS_FRAMES]; /* owned by the caller */
    size_t frames_n;
    struct gw_intake intake; /* items: points and refused groups */
    uint64_t payloads, groups, refused[DD_STATS_FAULT_N];
    uint64_t counts_only; /* groups that old agents send again without sketches */
    uint64_t repaired_text;
};

/* `from_agent`: the body is a StatsPayload with those of many processes; else it is a tracer's
 * ClientStatsPayload. On an error there is no frame, and intake counts everything read so far as refused, at
 * least one item. */
enum gw_code dd_stats_translate(struct gw_arena *, bool from_agent, gw_str body, const struct dd_request *,
                                const struct dd_env *, const struct dd_options *, struct dd_stats_result *,
                                struct gw_err *) GW_MUST_CHECK;

#endif
