/* span_duration_metric.h: the metric that is made of spans: its name, its unit and the attributes of its points,
 * whoever counted the spans: a tracer or an agent, which sends statistics, or ddgate itself.
 *
 *     ClientGroupedStats ─┐
 *                         ├─▶ struct span_duration ─▶ attributes of a point of traces.span.sdk.metrics.duration
 *     spans of a kind ────┘
 *
 * Name, unit and keys are those under which Datadog's SDKs export the metric themselves (dd-trace-go 2.12,
 * stats_to_otlp_metrics.go), so that a dashboard does not care which way it came. Two things differ: peer
 * tags, which are one array of "key:value" there, are attributes of their own here, by the names that spans
 * have for them (span_peer_tags.def); and the histogram is exponential. The point's count is the number of
 * spans; those with an error are points of their own.
 *
 *     docs/metrics.md, "Span durations", lists the attributes.
 *
 * An attribute is written once: of two tags with one name the first wins, an equal one is used up with it, and
 * one that says something else keeps its own name. The same struct gives the same bytes.
 *
 * Threads: pure functions. Ownership: views of the caller's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SPAN_DURATION_METRIC_H
#define SPAN_DURATION_METRIC_H

#include "translators/otlp/otlp_write.h"

#define SPAN_DURATION_NAME "traces.span.sdk.metrics.duration"
#define SPAN_DURATION_UNIT "s"
/* The instrumentation scope of the metric. */
#define SPAN_DURATION_SCOPE "datadog"

enum { SPAN_DURATION_TAGS = 64 }; /* of one point; further ones are left out */

enum span_trace_root { SPAN_ROOT_UNKNOWN, SPAN_IS_ROOT, SPAN_IS_NO_ROOT };

struct span_duration_tag {
    gw_str key, value;
};

/* What spans of one point have in common; empty and 0: not said. */
struct span_duration {
    gw_str service, operation, resource, type; /* resource: obfuscated already */
    gw_str kind;                               /* "server", "client", …; anything else is internal */
    bool error, synthetics;
    bool top_level; /* all of them were */
    enum span_trace_root trace_root;
    unsigned http_status;
    gw_str http_method, http_endpoint;
    gw_str grpc_status; /* "14" */
    gw_str db_type, service_source;
    /* tags by Datadog's names: attributes by span_peer_tags.def; and tags under names of their own */
    const struct span_duration_tag *peer_tags, *tags;
    size_t peer_tags_n, tags_n;
};

/* As elements of `field`: 1 in an ExponentialHistogramDataPoint, 9 in a HistogramDataPoint. */
void span_duration_attributes(struct otlp_buf *, unsigned field, const struct span_duration *);

/* The i-th of the tags that tell spans apart by whom they spoke with, in alphabetical order; empty: there are
 * no more. */
gw_str span_duration_peer_tag(size_t i);
/* The attribute that such a tag becomes; another tag is its own. */
gw_str span_duration_peer_name(gw_str tag);

#endif
