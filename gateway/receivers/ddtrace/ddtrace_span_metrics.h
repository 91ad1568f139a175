/* ddtrace_span_metrics.h: the option span_metrics: spans are counted (dd_durations.h) in a metric store, whose
 * points are offered each interval.
 *
 *     worker 0: request ─ accepted ─▶ shard 0 ─┐
 *     worker 1: request ─ accepted ─▶ shard 1 ─┴▶ one store of the process ─ metric_flusher.h ─▶ fan-out
 *
 * All ddtrace receivers, successive and simultaneous ones, share the store. So a reload hands over points
 * that no queue has taken yet, while the predecessor's open requests finish. The interval and max_series are
 * those of the receiver that started last. The last one that stops flushes the rest.
 *
 * Threads: open, start, stop, close on main; want and commit on HTTP workers; measure on the admin thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DDTRACE_SPAN_METRICS_H
#define GW_DDTRACE_SPAN_METRICS_H

#include "core/base/metrics.h"
#include "core/config/option.h"
#include "gateway/receiver_host.h"
#include "translators/ddtrace/dd_durations.h"

#define DDTRACE_SPAN_METRICS_OPTS(X)                                                                         \
    X(choice, when, "span_metrics.when", "asked", "asked|always|never", "",                                  \
      "Whether spans are counted as metrics, before any sampling. asked: if the option signals of an "       \
      "exporter names metrics; always: if any exporter takes metrics.")                                      \
    X(duration, interval, "span_metrics.interval", "10s", "1s", "10m", "Interval of the points.")            \
    X(list, dimensions, "span_metrics.dimensions", "", "", "",                                               \
      "Tags that become attributes of points, in addition to those of the conventions; 16 at most. Each "    \
      "value makes a separate series.")                                                                      \
    X(list, exclude, "span_metrics.exclude", "", "", "",                                                     \
      "Attributes to leave out of points and their resources, such as service.instance.id: series that "     \
      "differ only in them become one.")                                                                     \
    X(list, buckets, "span_metrics.buckets", "", "", "",                                                     \
      "Upper bounds of the buckets of an explicit histogram, as durations: [ \"10ms\", \"100ms\", \"1s\" "   \
      "]. Without it, histograms are exponential.")                                                          \
    X(count, max_series, "span_metrics.max_series", "100000", "1", "10000000",                               \
      "Most series at a time. Above that, spans of new series are only counted as dropped; a series "        \
      "without a span for five minutes is removed.")

struct ddtrace_span_metrics_conf {
    DDTRACE_SPAN_METRICS_OPTS(GW_FIELD)
};

struct ddtrace_series; /* the process's store and its flusher */

enum { DDTRACE_BOUNDS = 100 };

struct ddtrace_span_metrics {
    struct ddtrace_span_metrics_conf conf;
    const struct gw_host *host;
    struct dd_labels labels;
    struct dd_durations_points points;
    double bounds[DDTRACE_BOUNDS];         /* of the points, in seconds */
    struct ddtrace_series *_Atomic series; /* from start to close; NULL: spans are not counted */
    bool active;                           /* from start to stop */
    struct dd_durations **threads;         /* of each worker */
    unsigned threads_n;
    /* traces that tracers dropped and that cannot be attributed to any span */
    atomic_uint_least64_t nobodys;
};

void ddtrace_span_metrics_open(struct ddtrace_span_metrics *, const struct ddtrace_span_metrics_conf *,
                               const struct gw_host *, const char *path, struct gw_diagnostics *);
/* The labels for dd_options; NULL: spans are never counted. */
const struct dd_labels *ddtrace_span_metrics_labels(const struct ddtrace_span_metrics *);
void ddtrace_span_metrics_start(struct ddtrace_span_metrics *);
void ddtrace_span_metrics_stop(struct ddtrace_span_metrics *);
void ddtrace_span_metrics_close(struct ddtrace_span_metrics *);

/* For dd_env of a request on this worker; NULL: its spans are not counted. */
struct dd_durations *ddtrace_span_metrics_want(struct ddtrace_span_metrics *, unsigned worker);
/* The request was accepted. */
void ddtrace_span_metrics_commit(struct ddtrace_span_metrics *, struct dd_durations *, unsigned worker);

#define DDTRACE_SPAN_METRICS_ROWS                                                                            \
    GW_GAUGE_ASKED("ddtrace_span_metrics_series", "", "Series of span metrics that are known."),             \
        GW_GAUGE_ASKED("ddtrace_span_metrics_held_bytes", "",                                                \
                       "Memory of these series and of what came of them in this interval."),                 \
        GW_COUNTER_ASKED("ddtrace_span_metrics_spans_total", "", "Spans that went into a point."),           \
        GW_COUNTER_ASKED("ddtrace_span_metrics_dropped_spans_total", "reason",                               \
                         "Spans that count and went into no point: of a new series past max_series, or for " \
                         "want of memory."),                                                                 \
        GW_COUNTER_ASKED("ddtrace_span_metrics_unattributed_traces_total", "",                               \
                         "Traces that tracers dropped by their own count, and that no point holds, for no "  \
                         "span came that stands for them.")

/* Adds samples of these rows, which are adjacent. */
void ddtrace_span_metrics_measure(const struct ddtrace_span_metrics *, const struct gw_metric *rows,
                                  struct gw_metrics *);

#endif
