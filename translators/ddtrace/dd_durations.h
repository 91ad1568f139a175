/* dd_durations.h: makes the metric of span durations (span_duration_metric.h) from the spans of trace
 * payloads.
 *
 *     dd_translate ─┬─▶ frames of the spans that are passed on
 *                   └─▶ dd_durations: a sample of every span that counts, dropped ones too
 *                            │ the request was accepted: dd_durations_commit
 *                            ▼
 *                       metric store ─ each interval ─▶ frames
 *
 * dd_class.h decides which spans count, and which are counted together. The resource of a point is that of
 * its spans (dd_resource.h). Samples of a request are stored only when the request is accepted, because a
 * tracer sends a refused request again.
 *
 * Nothing is counted twice. If statistics of tracers and agents are accepted (dd_stats.h), these spans are not
 * counted here:
 *     a tracer that computes statistics itself   Datadog-Client-Computed-Stats, `_dd.stats_computed` of the
 *                                                payload
 *     an agent's payload                         the agent sends its counts to /api/v0.2/stats. Exception: it
 *                                                has not counted: `_dd.compute_stats` = "1" (AWS Lambda)
 * In every case, this is not counted:
 *     a span that is still open                  the tracer sends it again
 *
 * Weights. Spans that this gateway drops are counted before. Spans that the client dropped are added if it
 * reports them:
 *     `_sample_rate` r of the local root    each span counts 1 / r times, as in the agent, because the tracer
 *                                           sent only this part
 *     Datadog-Client-Dropped-P0-Traces: D   the D traces are distributed over the chunks of the request by
 *                                           their rates p, in proportion to 1 / p - 1, so the sum is exact.
 *                                           (The agent uses D only for its sampling rates, because a tracer
 *                                           that drops sends statistics.)
 *     an agent's payload                    each span counts 1 / p times, because the agent dropped the rest
 * A rate alone (`_dd.agent_psr`, `_dd.rule_psr`) is no weight: tracers also send the traces that they reject,
 * with priority 0 or less, and those are counted when they arrive.
 *
 * Ownership: one struct for each receiver thread. Threads: one. Errors: if there is no memory, the sample is
 * lost and counted (metric_counts.no_memory); the request is not affected.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_DURATIONS_H
#define DD_DURATIONS_H

#include "translators/ddtrace/dd_class.h"
#include "translators/ddtrace/dd_request.h"
#include "translators/metrics/metric_store.h"

struct dd_durations;

/* `labels` must outlive the struct. `account` pays for classes and resources that are remembered between
 * requests. Returns NULL if there is no memory. */
struct dd_durations *dd_durations_new(const struct dd_labels *, struct gw_budget *account);
void dd_durations_drop(struct dd_durations *);

/* ---- dd_translate ---- */

/* Begins a request. The account and budget of `arena` also pay for its samples. `alone`: statistics from
 * clients are not accepted. */
void dd_durations_begin(struct dd_durations *, const struct dd_request *, bool alone,
                        const struct gw_arena *arena);
/* The next spans belong to this chunk. Call before dd_decide, which adds the gateway's own rate. */
void dd_durations_chunk(struct dd_durations *, const struct dd_scanned *);
/* Returns whether spans of the chunk are counted at all. */
bool dd_durations_wanted(const struct dd_durations *);
/* Adds a span of the chunk: either one with a plan, or one that was loaded and derived. The resource's name
 * is obfuscated. */
void dd_durations_planned(struct dd_durations *, struct dd_scanned *, size_t i, struct dd_plan *,
                          struct dd_group *, struct gw_arena *);
void dd_durations_span(struct dd_durations *, struct dd_scanned *, size_t i, gw_str resource,
                       struct dd_group *, struct gw_arena *);
/* Call when all groups are complete. */
void dd_durations_end(struct dd_durations *, dd_resource_f *, void *ctx);

/* ---- the receiver ---- */

/* What kind of points are written. */
struct dd_durations_points {
    enum metric_kind kind; /* METRIC_HISTOGRAM, or METRIC_BUCKETS with these … */
    gw_str bounds;         /* … as in struct metric_id */
};

/* Call when the request was accepted: puts its samples into the store. Returns the number of traces that the
 * tracer reported as dropped and that cannot be attributed to any spans. */
uint64_t dd_durations_commit(struct dd_durations *, struct metric_shard *,
                             const struct dd_durations_points *);
/* Call when the request was refused. */
void dd_durations_forget(struct dd_durations *);

#endif
