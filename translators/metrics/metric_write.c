/* Writes points as OTLP. ResourceMetrics, ScopeMetrics and Metric are opened at their first point, and closed
 * when a point of another one comes.
 *
 * Owns the buffer of struct metric_writer. Called by metric_flush.c, which passes all points of a metric, and
 * all metrics of a resource, one after another.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/metrics/metric_store_internal.h"
#include "translators/metrics/metric_wire.h"

static void close_metric(struct metric_writer *m)
{
    const struct metric_metric *open = m->open;
    bool delta = !m->store->options.cumulative || open->timed;
    if (open->kind != METRIC_GAUGE && open->kind != METRIC_SET)
        otlp_uint(&m->w, DATA_TEMPORALITY, delta ? TEMPORALITY_DELTA : TEMPORALITY_CUMULATIVE);
    if (open->kind == METRIC_SUM)
        otlp_uint(&m->w, DATA_MONOTONIC, !open->has_negative);
    otlp_close(&m->w, m->data, 3);
    otlp_close(&m->w, m->metric, 3);
}

static void close_resource(struct metric_writer *m)
{
    otlp_close(&m->w, m->scope, 3);
    otlp_bytes(&m->w, RM_SCHEMA_URL, m->store->options.schema_url);
    otlp_close(&m->w, m->resource, 3);
}

static void open_resource(struct metric_writer *m, const struct metric_resource *r)
{
    const struct metric_options *o = &m->store->options;
    m->resource = otlp_open(&m->w, RESOURCE_METRICS, 3);
    size_t resource = otlp_open(&m->w, RM_RESOURCE, 2);
    otlp_append(&m->w, r->attributes);
    otlp_close(&m->w, resource, 2);
    m->scope = otlp_open(&m->w, RM_SCOPE_METRICS, 3);
    size_t scope = otlp_open(&m->w, SM_SCOPE, 1);
    otlp_bytes(&m->w, SCOPE_NAME, o->scope_name);
    otlp_bytes(&m->w, SCOPE_VERSION, o->scope_version);
    otlp_close(&m->w, scope, 1);
}

static void open_metric(struct metric_writer *m, const struct metric_metric *metric)
{
    static const unsigned data[] = {METRIC_IS_SUM, METRIC_IS_GAUGE, METRIC_IS_GAUGE, METRIC_IS_EXPONENTIAL,
                                    METRIC_IS_HISTOGRAM};
    m->metric = otlp_open(&m->w, SM_METRICS, 3);
    otlp_text(&m->w, METRIC_NAME, metric->name);
    otlp_bytes(&m->w, METRIC_UNIT, metric->unit);
    m->data = otlp_open(&m->w, data[metric->kind], 3);
}

static void move_to(struct metric_writer *m, const struct metric_metric *metric)
{
    const struct metric_resource *before = m->open ? m->open->resource : NULL;
    if (m->open == metric)
        return;
    if (m->open)
        close_metric(m);
    if (before && (!metric || metric->resource != before))
        close_resource(m);
    if (metric && metric->resource != before)
        open_resource(m, metric->resource);
    if (metric)
        open_metric(m, metric);
    m->open = metric;
}

/* --- points --- */

/* If the client gave a time in seconds, the point covers that second. A gauge is measured at one moment, so
 * it has no start. */
static void put_times(struct metric_writer *m, const struct metric_cell *c)
{
    enum metric_kind kind = c->point->metric->kind;
    gw_nsec time = c->point->time ? c->point->time : m->wall;
    gw_nsec start = c->point->time ? time - GW_SEC : c->start;
    if (kind != METRIC_GAUGE && kind != METRIC_SET)
        otlp_fixed64(&m->w, NUMBER_START, (uint64_t)(start < time ? start : time));
    otlp_fixed64(&m->w, NUMBER_TIME, (uint64_t)time);
}

/* Fields of HistogramDataPoint. Counts and bounds are packed numbers of eight bytes. */
enum { HIST_COUNT = 4, HIST_SUM = 5, HIST_COUNTS = 6, HIST_BOUNDS = 7, HIST_MIN = 11, HIST_MAX = 12 };

static void put_packed(struct otlp_buf *w, unsigned field, const void *numbers, size_t n)
{
    size_t packed = otlp_open(w, field, 2);
    if (otlp_room(w, 8 * n)) {
        uint8_t *p = w->data + w->len;
        for (size_t i = 0; i < n; i++) {
            uint64_t bits;
            memcpy(&bits, (const char *)numbers + 8 * i, sizeof bits);
            for (int byte = 0; byte < 8; byte++)
                *p++ = (uint8_t)(bits >> 8 * byte);
        }
        otlp_end(w, p);
    }
    otlp_close(w, packed, 2);
}

static void put_buckets(struct metric_writer *m, const struct metric_metric *of,
                        const struct metric_buckets *b)
{
    otlp_fixed64(&m->w, HIST_COUNT, b->count);
    metric_put_double(&m->w, HIST_SUM, b->sum);
    put_packed(&m->w, HIST_COUNTS, b->counts, metric_bounds(of) + 1);
    put_packed(&m->w, HIST_BOUNDS, of->bounds.ptr, metric_bounds(of));
    metric_put_double(&m->w, HIST_MIN, b->min);
    metric_put_double(&m->w, HIST_MAX, b->max);
}

void metric_write_point(struct metric_writer *m, const struct metric_cell *c)
{
    const struct metric_point *p = c->point;
    move_to(m, p->metric);
    size_t point = otlp_open(&m->w, DATA_POINTS, 2);
    otlp_append(&m->w, p->attributes);
    put_times(m, c); /* start and time have the same field numbers in both messages */
    if (p->metric->kind == METRIC_HISTOGRAM)
        metric_put_histogram(&m->w, &c->histogram);
    else if (p->metric->kind == METRIC_BUCKETS)
        put_buckets(m, p->metric, &c->buckets);
    else
        metric_put_double(&m->w, NUMBER_DOUBLE, p->metric->kind == METRIC_SET ? c->set.n : c->number);
    otlp_close(&m->w, point, 2);
    m->items++;
}

struct gw_frame *metric_write_frame(struct metric_writer *m)
{
    move_to(m, NULL);
    struct gw_frame *f =
        m->w.failed ? NULL : gw_frame_new(GW_METRICS, GW_OTEL, m->w.data, m->w.len, m->w.cap, m->items);
    if (f)
        m->w = (struct otlp_buf){0};
    else
        otlp_fini(&m->w);
    m->w.failed = false;
    m->items = 0;
    return f;
}
