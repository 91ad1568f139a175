/* dd_durations.h: the metric of span durations (span_duration_metric.h), made of the spans of trace payloads.
 *
 *     dd_translate ─┬─▶ frames of the spans that go on
 *                   └─▶ dd_durations: a sample of every span that counts, also of those that are dropped
 *                            │ the request was accepted: dd_durations_commit
 *                            ▼
 *                       metric store ─ each interval ─▶ frames
 *
 * Which spans count, and together with which others: dd_class.h. A point's resource is that of its spans
 * (dd_resource.h). What a request brought is counted when the request is accepted, and only then: a tracer sends a
 * refused one again.
 *
 * Never twice. Where the statistics of tracers and agents are taken (dd_stats.h), nothing is counted of
 *     a tracer that computes statistics itself   Datadog-Client-Computed-Stats, `_dd.stats_computed` of the payload
 *     an agent's payload                         the agent has counted, and sends it to /api/v0.2/stats; except where it says
 *                                                that nobody has: `_dd.compute_stats` = "1" (AWS Lambda)
 * nor anywhere of
 *     a span that is still open                  the tracer sends it again
 *
 * For how many a span stands. What this gateway drops was seen before, so it does not matter. What the client
 * dropped is added where it says so:
 *     `_sample_rate` r of the local root    each span 1 / r times, as the agent counts it: such a tracer keeps the rest to itself
 *     Datadog-Client-Dropped-P0-Traces: D   the D traces are divided among the chunks of the request, as their rates p let expect it:
 *                                           in proportion to 1 / p - 1, so that the sum is exact. (The agent uses D
 *                                           for its sampling rates alone, since who drops sends statistics.)
 *     an agent's payload                    each span 1 / p times: what the agent dropped did not come
 * A rate alone (`_dd.agent_psr`, `_dd.rule_psr`) multiplies nothing: tracers send what they reject, too, with
 * priority 0 or less, and it is counted as it comes.
 *
 * Ownership: one for each receiver thread. Threads: one. Errors: memory that is out costs the sample, counted
 * (metric_counts.no_memory), never the request.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_DURATIONS_H
#define DD_DURATIONS_H

#include "translators/ddtrace/dd_class.h"
#include "translators/ddtrace/dd_request.h"
#include "translators/metrics/metric_store.h"

struct dd_durations;

/* The labels outlive it. The account pays for classes and resources that are remembered from request to request. NULL: no
 * memory. */
struct dd_durations *dd_durations_new(const struct dd_labels *, struct gw_budget *account);
void dd_durations_drop(struct dd_durations *);

/* ---- dd_translate ---- */

/* A request begins. `arena` is whose account and budget hold for its samples too; `alone`: nobody else's statistics are
 * taken. */
void dd_durations_begin(struct dd_durations *, const struct dd_request *, bool alone,
                        const struct gw_arena *arena);
/* The spans that come next are of this chunk. Before dd_decide, which adds the gateway's own rate. */
void dd_durations_chunk(struct dd_durations *, const struct dd_scanned *);
/* Whether spans of the chunk are counted at all. */
bool dd_durations_wanted(const struct dd_durations *);
/* A span of the chunk: of a plan, or loaded and derived, with the resource's name free of data. */
void dd_durations_planned(struct dd_durations *, struct dd_scanned *, size_t i, struct dd_plan *,
                          struct dd_group *, struct gw_arena *);
void dd_durations_span(struct dd_durations *, struct dd_scanned *, size_t i, gw_str resource,
                       struct dd_group *, struct gw_arena *);
/* All groups are complete. */
void dd_durations_end(struct dd_durations *, dd_resource_f *, void *ctx);

/* ---- the receiver ---- */

/* What points are. */
struct dd_durations_points {
    enum metric_kind kind; /* METRIC_HISTOGRAM, or METRIC_BUCKETS with these … */
    gw_str bounds;         /* … as in struct metric_id */
};

/* The request was accepted: its samples go into the store. Returns the traces that the tracer says it dropped and of
 * which nobody knows for which spans they stand. */
uint64_t dd_durations_commit(struct dd_durations *, struct metric_shard *,
                             const struct dd_durations_points *);
/* It was not. */
void dd_durations_forget(struct dd_durations *);

#endif
