/* pretty_metric.h: prints metrics for people, a table a batch.
 *
 *     metrics  2026-11-29 02:34:22.287Z  shop  env=prod host=app-1
 *       page.views                  6                                       ▂▅█  a=1 b=2
 *       queue.depth                12                                       ██▂  queue=orders
 *       latency            p50 12.1  p95 80.3  max 312 ms  n=40             ▁▂█  route=/cart
 *
 * One line a point: the value of a sum or gauge, or a histogram's median, 95th percentile, maximum and
 * count; the unit; a chart of up to twelve last points, scaled between their smallest and largest (of a
 * histogram, the 95th percentile); its attributes. Text from senders passes out_shown().
 *
 * The history is a table of fixed size: a series whose place another series takes starts a new history.
 *
 * Threads: one owner.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PRETTY_METRIC_H
#define GW_PRETTY_METRIC_H

#include "exporters/stdout/pretty.h"
#include "metrics_service.pb-c.h"

typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest pretty_metrics_request;

enum { PRETTY_SERIES = 1024, PRETTY_HISTORY = 12 };

struct pretty_history {
    struct pretty_series {
        uint64_t hash; /* of resource, name and attributes; 0: free */
        unsigned n;    /* number of values so far; the last is at (n - 1) % PRETTY_HISTORY */
        float values[PRETTY_HISTORY];
    } series[PRETTY_SERIES];
};

void pretty_metrics(struct out *, const struct pretty *, struct pretty_history *,
                    const pretty_metrics_request *);

#endif
