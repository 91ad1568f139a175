/* Writes points as OTLP: ResourceMetrics, ScopeMetrics and Metric are opened when the first point of theirs
 * comes and closed when one of another does.
 *
 * Owns the buffer of struct metric_writer. Called by metric_flush.c, which brings points of one metric, and
 * metrics of one resource, one after another.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/metrics/metric_store_internal.h"

/* Field numbers of opentelemetry/proto/metrics/v1/metrics.proto, common.proto and resource.proto. */
enum { RESOURCE_METRICS = 1 };
enum { RM_RESOURCE = 1, RM_SCOPE_METRICS = 2, RM_SCHEMA_URL = 3 };
enum { SM_SCOPE = 1, SM_METRICS = 2, SCOPE_NAME = 1, SCOPE_VERSION = 2 };
enum { METRIC_NAME = 1, METRIC_UNIT = 3, METRIC_IS_GAUGE = 5, METRIC_IS_SUM = 7, METRIC_IS_EXPONENTIAL = 10 };
enum { DATA_POINTS = 1, DATA_TEMPORALITY = 2, DATA_MONOTONIC = 3 };
enum { TEMPORALITY_DELTA = 1, TEMPORALITY_CUMULATIVE = 2 };
enum { NUMBER_START = 2, NUMBER_TIME = 3, NUMBER_DOUBLE = 4 };
enum {
    EXP_START = 2,
    EXP_TIME = 3,
    EXP_COUNT = 4,
    EXP_SUM = 5,
    EXP_SCALE = 6,
    EXP_ZERO_COUNT = 7,
    EXP_POSITIVE = 8,
    EXP_NEGATIVE = 9,
    EXP_MIN = 12,
    EXP_MAX = 13
};
enum { BUCKETS_OFFSET = 1, BUCKETS_COUNTS = 2 };

static uint64_t zigzag(int32_t v)
{
    return (uint32_t)v << 1 ^ (uint32_t)(v >> 31);
}

/* A field that is written though it may be zero. */
static void put_double(struct otlp_buf *w, unsigned field, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (!otlp_room(w, 16))
        return;
    uint8_t *p = wire_put_tag(w->data + w->len, field, WIRE_FIXED64);
    for (int i = 0; i < 8; i++)
        *p++ = (uint8_t)(bits >> 8 * i);
    otlp_end(w, p);
}

static void close_metric(struct metric_writer *m)
{
    const struct metric_metric *open = m->open;
    bool delta = !m->store->options.cumulative || open->timed;
    if (open->kind == METRIC_SUM || open->kind == METRIC_HISTOGRAM)
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
    static const unsigned data[] = {METRIC_IS_SUM, METRIC_IS_GAUGE, METRIC_IS_GAUGE, METRIC_IS_EXPONENTIAL};
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

static void put_buckets(struct otlp_buf *w, unsigned field, const struct exphist_side *s)
{
    if (!s->n)
        return;
    size_t buckets = otlp_open(w, field, 2);
    otlp_uint(w, BUCKETS_OFFSET, zigzag(s->first));
    size_t counts = otlp_open(w, BUCKETS_COUNTS, 2);
    if (otlp_room(w, 10 * (size_t)s->n)) {
        uint8_t *p = w->data + w->len;
        for (uint32_t i = 0; i < s->n; i++)
            p = wire_put_varint(p, s->counts[i]);
        otlp_end(w, p);
    }
    otlp_close(w, counts, 2);
    otlp_close(w, buckets, 2);
}

static void put_histogram(struct metric_writer *m, const struct exphist *h)
{
    otlp_fixed64(&m->w, EXP_COUNT, h->count);
    put_double(&m->w, EXP_SUM, h->sum);
    otlp_uint(&m->w, EXP_SCALE, zigzag(h->scale));
    otlp_fixed64(&m->w, EXP_ZERO_COUNT, h->zero);
    put_buckets(&m->w, EXP_POSITIVE, &h->positive);
    put_buckets(&m->w, EXP_NEGATIVE, &h->negative);
    put_double(&m->w, EXP_MIN, h->min);
    put_double(&m->w, EXP_MAX, h->max);
}

/* Where the client names a second, the point is that second's; a gauge is a moment and begins nowhere. */
static void put_times(struct metric_writer *m, const struct metric_cell *c)
{
    enum metric_kind kind = c->point->metric->kind;
    gw_nsec time = c->point->time ? c->point->time : m->wall;
    gw_nsec start = c->point->time ? time - GW_SEC : c->start;
    if (kind == METRIC_SUM || kind == METRIC_HISTOGRAM)
        otlp_fixed64(&m->w, NUMBER_START, (uint64_t)(start < time ? start : time));
    otlp_fixed64(&m->w, NUMBER_TIME, (uint64_t)time);
}

void metric_write_point(struct metric_writer *m, const struct metric_cell *c)
{
    const struct metric_point *p = c->point;
    move_to(m, p->metric);
    size_t point = otlp_open(&m->w, DATA_POINTS, 2);
    otlp_append(&m->w, p->attributes);
    put_times(m, c); /* start and time have one number in both messages */
    if (p->metric->kind == METRIC_HISTOGRAM)
        put_histogram(m, &c->histogram);
    else
        put_double(&m->w, NUMBER_DOUBLE, p->metric->kind == METRIC_SET ? c->set.n : c->number);
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
