/* line_metric.c: Writes metric points as lines, as Datakit's StatsD collector does: `jvm.heap_memory` becomes
 * the field heap_memory of the measurement jvm; resource and attributes become tags. Owns nothing. Called by
 * line_protocol.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "exporters/encoding/line_point.h"
#include "exporters/encoding/line_signals.h"
#include "metrics_service.pb-c.h"

typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest request;
typedef Opentelemetry__Proto__Resource__V1__Resource resource;
typedef Opentelemetry__Proto__Metrics__V1__Metric metric;
typedef Opentelemetry__Proto__Metrics__V1__NumberDataPoint number_point;
typedef Opentelemetry__Proto__Metrics__V1__HistogramDataPoint histogram_point;
typedef Opentelemetry__Proto__Metrics__V1__ExponentialHistogramDataPoint exponential_point;
typedef Opentelemetry__Proto__Metrics__V1__SummaryDataPoint summary_point;

#define CASE(KIND) OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_##KIND
#define GIVEN(KIND, FIELD) OPENTELEMETRY__PROTO__METRICS__V1__##KIND##_DATA_POINT__##FIELD

/* State that the points of one metric share. */
struct shared {
    struct out *out;
    struct gw_arena *arena;
    const resource *resource;
    gw_str measurement, field;
};

/* The name's first word; all of it, with the field `value`, where it is one word. */
static void split_name(gw_str name, struct shared *s)
{
    size_t at = gw_str_find(name, '.');
    s->measurement = gw_str_n(name.ptr, at);
    s->field = gw_str_from(name, at + 1);
    if (!s->measurement.len || !s->field.len) {
        s->measurement = name;
        s->field = GW_STR("value");
    }
}

static void begin(struct line_point *p, const struct shared *s, line_attribute *const *attributes, size_t n,
                  uint64_t time)
{
    *p = (struct line_point){.arena = s->arena, .measurement = s->measurement, .time = time};
    for (size_t i = 0; i < n; i++)
        line_any_tag(p, line_bytes(attributes[i]->key), attributes[i]->value);
    if (s->resource)
        line_resource(p, s->resource->attributes, s->resource->n_attributes, true);
}

/* FIELD_count and so on. */
static gw_str part(const struct shared *s, const char *suffix)
{
    return gw_arena_printf(s->arena, "%.*s_%s", GW_FMT(s->field), suffix);
}

static void put_count(struct line_point *p, const struct shared *s, uint64_t count)
{
    line_int(p, part(s, "count"), count > INT64_MAX ? INT64_MAX : (int64_t)count);
}

static void put_if(struct line_point *p, const struct shared *s, bool given, const char *suffix, double value)
{
    if (given)
        line_float(p, part(s, suffix), value);
}

static bool write_number(const struct shared *s, const number_point *in)
{
    struct line_point p;
    begin(&p, s, in->attributes, in->n_attributes, in->time_unix_nano);
    if (in->value_case == GIVEN(NUMBER, VALUE_AS_INT))
        line_int(&p, s->field, in->as_int);
    else if (in->value_case == GIVEN(NUMBER, VALUE_AS_DOUBLE))
        line_float(&p, s->field, in->as_double);
    return line_write(s->out, &p);
}

static bool write_histogram(const struct shared *s, const histogram_point *in)
{
    struct line_point p;
    begin(&p, s, in->attributes, in->n_attributes, in->time_unix_nano);
    put_count(&p, s, in->count);
    put_if(&p, s, in->sum_given_case == GIVEN(HISTOGRAM, SUM_GIVEN_SUM), "sum", in->sum);
    put_if(&p, s, in->min_given_case == GIVEN(HISTOGRAM, MIN_GIVEN_MIN), "min", in->min);
    put_if(&p, s, in->max_given_case == GIVEN(HISTOGRAM, MAX_GIVEN_MAX), "max", in->max);
    return line_write(s->out, &p);
}

static bool write_exponential(const struct shared *s, const exponential_point *in)
{
    struct line_point p;
    begin(&p, s, in->attributes, in->n_attributes, in->time_unix_nano);
    put_count(&p, s, in->count);
    put_if(&p, s, in->sum_given_case == GIVEN(EXPONENTIAL_HISTOGRAM, SUM_GIVEN_SUM), "sum", in->sum);
    put_if(&p, s, in->min_given_case == GIVEN(EXPONENTIAL_HISTOGRAM, MIN_GIVEN_MIN), "min", in->min);
    put_if(&p, s, in->max_given_case == GIVEN(EXPONENTIAL_HISTOGRAM, MAX_GIVEN_MAX), "max", in->max);
    return line_write(s->out, &p);
}

static bool write_summary(const struct shared *s, const summary_point *in)
{
    struct line_point p;
    begin(&p, s, in->attributes, in->n_attributes, in->time_unix_nano);
    put_count(&p, s, in->count);
    line_float(&p, part(s, "sum"), in->sum);
    for (size_t i = 0; i < in->n_quantile_values; i++) {
        gw_str suffix = gw_arena_printf(s->arena, "p%g", 100 * in->quantile_values[i]->quantile);
        line_float(&p, suffix.len ? part(s, suffix.ptr) : GW_NOSTR, in->quantile_values[i]->value);
    }
    return line_write(s->out, &p);
}

/* Each point of a list by its writer; how many have no line. */
#define WRITE_ALL(s, list, writer, left_out)                                                                 \
    for (size_t i = 0; i < (list)->n_data_points; i++) {                                                     \
        struct gw_snap snap = gw_arena_snap((s)->arena);                                                     \
        (left_out) += !writer(s, (list)->data_points[i]);                                                    \
        gw_arena_back((s)->arena, snap);                                                                     \
    }

static uint64_t write_metric(struct shared *s, const metric *m)
{
    uint64_t left_out = 0;
    split_name(line_bytes(m->name), s);
    if (m->data_case == CASE(GAUGE)) {
        WRITE_ALL(s, m->gauge, write_number, left_out)
    } else if (m->data_case == CASE(SUM)) {
        WRITE_ALL(s, m->sum, write_number, left_out)
    } else if (m->data_case == CASE(HISTOGRAM)) {
        WRITE_ALL(s, m->histogram, write_histogram, left_out)
    } else if (m->data_case == CASE(EXPONENTIAL_HISTOGRAM)) {
        WRITE_ALL(s, m->exponential_histogram, write_exponential, left_out)
    } else if (m->data_case == CASE(SUMMARY)) {
        WRITE_ALL(s, m->summary, write_summary, left_out)
    }
    return left_out;
}

uint64_t line_protocol_metrics(struct out *o, struct gw_arena *arena, const ProtobufCMessage *in,
                               enum line_ids ids)
{
    const request *q = (const request *)in;
    uint64_t left_out = 0;
    (void)ids;
    for (size_t i = 0; i < q->n_resource_metrics; i++) {
        struct shared s = {.out = o, .arena = arena, .resource = q->resource_metrics[i]->resource};
        for (size_t k = 0; k < q->resource_metrics[i]->n_scope_metrics; k++)
            for (size_t n = 0; n < q->resource_metrics[i]->scope_metrics[k]->n_metrics; n++)
                left_out += write_metric(&s, q->resource_metrics[i]->scope_metrics[k]->metrics[n]);
    }
    return left_out;
}
