/* span_duration_metric.h: the metric of span durations: its name, its unit and the attributes of its points.
 * It is the same metric whether a tracer or an agent counted the spans and sent statistics, or ddgate counted
 * them itself.
 *
 *     ClientGroupedStats ─┐
 *                         ├─▶ struct span_duration ─▶ attributes of a point of traces.span.sdk.metrics.duration
 *     spans of a kind ────┘
 *
 * Datadog's SDKs use the same name, unit and keys when they export the metric themselves (dd-trace-go 2.12,
 * stats_to_otlp_metrics.go), so a dashboard works with either source. Two things differ: peer tags, which the
 * SDKs write as one array of "key:value", are separate attributes here, with the names that spans use
 * (span_peer_tags.def); and the histogram is exponential. The point's count is the number of spans. Spans
 * with an error are counted in points of their own.
 *
 *     docs/metrics.md, "Span durations", lists the attributes.
 *
 * No attribute is written twice. If two tags map to one name, the first wins: a second tag with an equal
 * value is left out, and one with another value keeps its own name. Equal structs give equal bytes.
 *
 * Ownership: views of the caller's bytes. Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SPAN_DURATION_METRIC_H
#define SPAN_DURATION_METRIC_H

#include "translators/otlp/otlp_write.h"

#define SPAN_DURATION_NAME "traces.span.sdk.metrics.duration"
#define SPAN_DURATION_UNIT "s"
/* The instrumentation scope of the metric. */
#define SPAN_DURATION_SCOPE "datadog"

enum { SPAN_DURATION_TAGS = 64 }; /* tags of one point; further ones are left out */

enum span_trace_root { SPAN_ROOT_UNKNOWN, SPAN_IS_ROOT, SPAN_IS_NO_ROOT };

struct span_duration_tag {
    gw_str key, value;
};

/* The properties that all spans of one point share. Empty or 0: unknown. */
struct span_duration {
    gw_str service, operation, resource, type; /* resource: already obfuscated */
    gw_str kind;                               /* "server", "client", …; any other text means internal */
    bool error, synthetics;
    bool top_level; /* true if all of the spans are top-level */
    enum span_trace_root trace_root;
    unsigned http_status;
    gw_str http_method, http_endpoint;
    gw_str grpc_status; /* "14" */
    gw_str db_type, service_source;
    /* tags by Datadog's names: attributes by span_peer_tags.def; and tags under names of their own */
    const struct span_duration_tag *peer_tags, *tags;
    size_t peer_tags_n, tags_n;
};

/* tags with Datadog's names, mapped by span_peer_tags.def; and tags that keep their names */
void span_duration_attributes(struct otlp_buf *, unsigned field, const struct span_duration *);

/* Writes the attributes as elements of `field`: 1 in an ExponentialHistogramDataPoint, 9 in a
 * HistogramDataPoint. */
gw_str span_duration_peer_tag(size_t i);
/* Returns the i-th of the tags that distinguish spans by their peer, in alphabetical order; empty at the
 * end. */
gw_str span_duration_peer_name(gw_str tag);

#endif
