/* metrics.h: the metrics of a component, declared once, shown in Prometheus' text format and in
 * docs/reference/metrics.md.
 *
 *   rows of a component ──┬─▶ value at its place in the context (an atomic, read on the admin thread) ─┐
 *                         └─▶ measure(): values without a fixed place ─────────────────────────────────┴─▶ samples ─▶ GET /metrics
 *
 * A receiver that counts something only needs a row:
 *
 *     static const struct gw_metric metrics[] = {
 *         GW_COUNTER_AT(struct tcp, counts.lines, "tcp_lines_total", "Lines read."),
 *         GW_GAUGE_ASKED("file_behind_bytes", "path", "Bytes of the file that were not read yet."),
 *         GW_METRICS_END };
 *     …  .metrics = metrics, .measure = measure          // measure only if there is a row GW_…_ASKED
 *
 * Names get the prefix "ddgate_"; counters end in "_total"; the unit is in the name (_bytes, _seconds).
 * Each sample of a component has the label receiver="tcp" (the second one of a type: "tcp/2") or
 * exporter="NAME"; a row may have one more. Labels never contain text from senders, because their number
 * must be bounded.
 *
 * Threads: the admin thread reads while the component runs. So a row points to an atomic_uint_least64_t,
 * which the counting thread writes.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_METRICS_H
#define GW_METRICS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/str.h"

enum gw_metric_type { GW_METRIC_END, GW_COUNTER, GW_GAUGE };

struct gw_metric {
    enum gw_metric_type type;
    /* label: key of the row's own label, or of several, separated by commas; "" for none */
    const char *name, *label, *help;
    size_t offset;  /* of an atomic_uint_least64_t in the context, or GW_METRIC_ASKED */
    const char *of; /* the label's value, if each value has a row of its own; rows of one name are adjacent */
};

#define GW_METRIC_ASKED SIZE_MAX
#define GW_METRIC_ROW(type, name, label, help, offset)                                                       \
    {                                                                                                        \
        type, name, label, help, offset, NULL                                                                \
    }
#define GW_COUNTER_AT(ctx, field, name, help) GW_METRIC_ROW(GW_COUNTER, name, "", help, offsetof(ctx, field))
#define GW_COUNTER_FOR(ctx, field, name, label, of, help)                                                    \
    {                                                                                                        \
        GW_COUNTER, name, label, help, offsetof(ctx, field), of                                              \
    }
#define GW_GAUGE_AT(ctx, field, name, help) GW_METRIC_ROW(GW_GAUGE, name, "", help, offsetof(ctx, field))
#define GW_COUNTER_ASKED(name, label, help) GW_METRIC_ROW(GW_COUNTER, name, label, help, GW_METRIC_ASKED)
#define GW_GAUGE_ASKED(name, label, help) GW_METRIC_ROW(GW_GAUGE, name, label, help, GW_METRIC_ASKED)
#define GW_METRICS_END GW_METRIC_ROW(GW_METRIC_END, NULL, NULL, NULL, 0)

/* The samples being collected. */
struct gw_metrics;
typedef void gw_measure_f(void *ctx, struct gw_metrics *);

/* NULL when there is no memory. */
struct gw_metrics *gw_metrics_new(void);
void gw_metrics_drop(struct gw_metrics *);
/* Sets a label for all following samples, replacing the previous one; a NULL key: none. */
void gw_metrics_owner(struct gw_metrics *, const char *key, gw_str value);
/* Adds a sample of this row. Values up to 2⁵³ are exact. The row must outlive the samples. */
void gw_metrics_add(struct gw_metrics *, const struct gw_metric *, double value);
/* The same, with a value for the row's own label, or for its two labels. */
void gw_metrics_add_for(struct gw_metrics *, const struct gw_metric *, double value, gw_str label);
void gw_metrics_add_for2(struct gw_metrics *, const struct gw_metric *, double value, gw_str first,
                         gw_str second);
/* Adds all rows of a component: those with a place in ctx, then the result of `measure` (may be NULL). */
void gw_metrics_component(struct gw_metrics *, const struct gw_metric *rows, gw_measure_f *, void *ctx);
/* The prefix of the row's name. */
const char *gw_metric_prefix(const struct gw_metric *);
/* The sum of the samples of this name (without the prefix), whatever their labels; 0 when there are none. */
double gw_metrics_sum(const struct gw_metrics *, const char *name);
/* Prints text format 0.0.4: samples of one name together, in the order of the first one. False when there was
 * no memory for a sample. */
bool gw_metrics_print(struct gw_metrics *, FILE *);

#endif
