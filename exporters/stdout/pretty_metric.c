/* pretty_metric.c: Writes metrics as a table, with quantiles estimated from histograms. Owns nothing: the
 * history is the caller's. Called by stdout.c, on the sender's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "exporters/stdout/pretty_metric.h"

#include <math.h>
#include <stdio.h>

#include "core/base/hash.h"
#include "exporters/stdout/pretty_log.h"
#include "exporters/stdout/pretty_span.h"

typedef Opentelemetry__Proto__Metrics__V1__Metric metric;
typedef Opentelemetry__Proto__Metrics__V1__NumberDataPoint number_point;
typedef Opentelemetry__Proto__Metrics__V1__HistogramDataPoint histogram_point;
typedef Opentelemetry__Proto__Metrics__V1__ExponentialHistogramDataPoint exponential_point;
typedef Opentelemetry__Proto__Metrics__V1__SummaryDataPoint summary_point;
typedef Opentelemetry__Proto__Common__V1__KeyValue key_value;
#define DATA(name) OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_##name

enum { NAME = 44, NAME_LEAST = 16, VALUE = 12, NUMBER = 24, SCRATCH = 64 * 1024 };

/* The printed values of a point. */
struct shown {
    key_value **attributes;
    size_t attributes_n;
    uint64_t time;
    bool is_distribution;
    double value;           /* of a number */
    uint64_t count;         /* of a distribution … */
    double half, most, max; /* … its median, 95th percentile and maximum; NAN: not known */
};

struct table {
    struct out *o;
    struct out scratch;
    const struct pretty *how;
    struct pretty_history *history;
    const pretty_resource *resource;
    const metric *metric;
    size_t name_columns;
    uint64_t resource_hash;
};

static struct pretty_line line(struct table *t)
{
    return (struct pretty_line){t->o, &t->scratch, t->how->color ? "" : NULL,
                                t->how->columns ? t->how->columns : SIZE_MAX / 2};
}

/* --- quantiles --- */

/* A bucket with its middle; `seen` of all before it. */
static bool reaches(double *seen, uint64_t n, double rank)
{
    *seen += (double)n;
    return *seen > rank;
}

/* The value of bucket `offset` + i of an exponential histogram that is least wrong for all that it may hold.
 * In floating point throughout: the histogram may be anybody's, with any offset and scale. 2 / (1 / lower + 1 / upper)
 * is their harmonic mean, also where one is 0 or infinite. */
static double exponential_middle(int32_t offset, size_t i, int32_t scale)
{
    double index = (double)offset + (double)i, bucket = exp2(-(double)scale);
    return 2 / (exp2(-index * bucket) + exp2(-(index + 1) * bucket));
}

static double exponential_quantile(const exponential_point *p, double q)
{
    double rank = q * ((double)p->count - 1), seen = 0;
    for (size_t i = p->negative ? p->negative->n_bucket_counts : 0; i-- > 0;)
        if (reaches(&seen, p->negative->bucket_counts[i], rank))
            return -exponential_middle(p->negative->offset, i, p->scale);
    if (reaches(&seen, p->zero_count, rank))
        return 0;
    for (size_t i = 0; p->positive && i < p->positive->n_bucket_counts; i++)
        if (reaches(&seen, p->positive->bucket_counts[i], rank))
            return exponential_middle(p->positive->offset, i, p->scale);
    return NAN;
}

/* Between the bounds of its bucket, in proportion; beyond the last bound there is only that. */
static double histogram_quantile(const histogram_point *p, double q)
{
    double rank = q * (double)p->count, seen = 0;
    for (size_t i = 0; i < p->n_bucket_counts && p->n_explicit_bounds; i++) {
        double before = seen;
        if (!reaches(&seen, p->bucket_counts[i], rank))
            continue;
        if (i >= p->n_explicit_bounds)
            return p->explicit_bounds[p->n_explicit_bounds - 1];
        double upper = p->explicit_bounds[i], lower = i ? p->explicit_bounds[i - 1] : upper > 0 ? 0 : upper;
        return lower + (upper - lower) * (rank - before) / (double)p->bucket_counts[i];
    }
    return NAN;
}

static double summary_quantile(const summary_point *p, double q)
{
    for (size_t i = 0; i < p->n_quantile_values; i++)
        if (fabs(p->quantile_values[i]->quantile - q) < 1e-6)
            return p->quantile_values[i]->value;
    return NAN;
}

/* --- points --- */

static struct shown of_number(const number_point *p)
{
    bool is_int = p->value_case == OPENTELEMETRY__PROTO__METRICS__V1__NUMBER_DATA_POINT__VALUE_AS_INT;
    return (struct shown){.attributes = p->attributes,
                          .attributes_n = p->n_attributes,
                          .time = p->time_unix_nano,
                          .value = is_int ? (double)p->as_int : p->as_double};
}

/* A bucket's middle may lie beyond the least and the greatest value, where they are known. */
static double between(double v, double min, double max)
{
    return v < min ? min : v > max ? max : v;
}

static struct shown of_exponential(const exponential_point *p)
{
    bool has_max = p->max_given_case ==
                   OPENTELEMETRY__PROTO__METRICS__V1__EXPONENTIAL_HISTOGRAM_DATA_POINT__MAX_GIVEN_MAX;
    bool has_min = p->min_given_case ==
                   OPENTELEMETRY__PROTO__METRICS__V1__EXPONENTIAL_HISTOGRAM_DATA_POINT__MIN_GIVEN_MIN;
    double min = has_min ? p->min : -INFINITY, max = has_max ? p->max : INFINITY;
    return (struct shown){.attributes = p->attributes,
                          .attributes_n = p->n_attributes,
                          .time = p->time_unix_nano,
                          .is_distribution = true,
                          .count = p->count,
                          .half = between(exponential_quantile(p, 0.5), min, max),
                          .most = between(exponential_quantile(p, 0.95), min, max),
                          .max = has_max ? p->max : NAN};
}

static struct shown of_histogram(const histogram_point *p)
{
    bool has_max =
        p->max_given_case == OPENTELEMETRY__PROTO__METRICS__V1__HISTOGRAM_DATA_POINT__MAX_GIVEN_MAX;
    return (struct shown){.attributes = p->attributes,
                          .attributes_n = p->n_attributes,
                          .time = p->time_unix_nano,
                          .is_distribution = true,
                          .count = p->count,
                          .half = histogram_quantile(p, 0.5),
                          .most = histogram_quantile(p, 0.95),
                          .max = has_max ? p->max : NAN};
}

static struct shown of_summary(const summary_point *p)
{
    return (struct shown){.attributes = p->attributes,
                          .attributes_n = p->n_attributes,
                          .time = p->time_unix_nano,
                          .is_distribution = true,
                          .count = p->count,
                          .half = summary_quantile(p, 0.5),
                          .most = summary_quantile(p, 0.95),
                          .max = summary_quantile(p, 1)};
}

static size_t points_of(const metric *m)
{
    switch (m->data_case) {
    case DATA(GAUGE):
        return m->gauge->n_data_points;
    case DATA(SUM):
        return m->sum->n_data_points;
    case DATA(HISTOGRAM):
        return m->histogram->n_data_points;
    case DATA(EXPONENTIAL_HISTOGRAM):
        return m->exponential_histogram->n_data_points;
    case DATA(SUMMARY):
        return m->summary->n_data_points;
    default:
        return 0;
    }
}

static struct shown point_of(const metric *m, size_t i)
{
    switch (m->data_case) {
    case DATA(GAUGE):
        return of_number(m->gauge->data_points[i]);
    case DATA(SUM):
        return of_number(m->sum->data_points[i]);
    case DATA(HISTOGRAM):
        return of_histogram(m->histogram->data_points[i]);
    case DATA(EXPONENTIAL_HISTOGRAM):
        return of_exponential(m->exponential_histogram->data_points[i]);
    default:
        return of_summary(m->summary->data_points[i]);
    }
}

/* --- history --- */

/* Attributes by what protobuf holds of them, so one series hashes alike from batch to batch. */
static uint64_t hash_attributes(uint64_t seed, key_value *const *attributes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        seed = gw_hash_text(seed, pretty_bytes(attributes[i]->key));
        if (attributes[i]->value && attributes[i]->value->value_case ==
                                        OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE)
            seed = gw_hash_text(seed, pretty_bytes(attributes[i]->value->string_value));
    }
    return seed;
}

static const struct pretty_series *remember(struct table *t, const struct shown *p)
{
    uint64_t hash = gw_hash_text(t->resource_hash, pretty_bytes(t->metric->name));
    hash = gw_hash_mix(hash_attributes(hash, p->attributes, p->attributes_n)) | 1;
    struct pretty_series *s = &t->history->series[hash / 2 % PRETTY_SERIES];
    if (s->hash != hash)
        *s = (struct pretty_series){.hash = hash};
    s->values[s->n++ % PRETTY_HISTORY] = (float)(p->is_distribution ? p->most : p->value);
    return s;
}

static void put_history(struct pretty_line *l, const struct pretty_series *s)
{
    static const char *const steps[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    unsigned n = s->n < PRETTY_HISTORY ? s->n : PRETTY_HISTORY;
    double low = INFINITY, high = -INFINITY; /* the difference of two floats may be more than a float holds */
    for (unsigned i = 0; i < n; i++)
        if (isfinite(s->values[i])) {
            low = fmin(low, (double)s->values[i]);
            high = fmax(high, (double)s->values[i]);
        }
    for (unsigned i = n; i < PRETTY_HISTORY; i++)
        pretty_put(l, PRETTY_PLAIN, " ");
    for (unsigned i = s->n - n; i < s->n; i++) {
        double v = (double)s->values[i % PRETTY_HISTORY];
        unsigned step = high > low && isfinite(v) ? (unsigned)(7 * ((v - low) / (high - low)) + 0.5) : 0;
        pretty_put(l, PRETTY_CYAN, steps[step < 8 ? step : 7]);
    }
}

/* --- lines --- */

static void format(char out[NUMBER], double v)
{
    double a = fabs(v);
    if (isnan(v))
        snprintf(out, NUMBER, "-");
    else if (v == floor(v) && a < 1e12)
        snprintf(out, NUMBER, "%.0f", v);
    else
        snprintf(out, NUMBER, a >= 1e12 || a < 1e-6 ? "%.3g" : "%.4g", v);
}

static void pad(struct pretty_line *l, size_t columns)
{
    while (columns--)
        pretty_put(l, PRETTY_PLAIN, " ");
}

static void put_right(struct pretty_line *l, const char *text, size_t columns)
{
    size_t n = strlen(text);
    pad(l, n < columns ? columns - n : 0);
    pretty_put(l, PRETTY_BOLD, text);
}

static void put_number(struct pretty_line *l, const char *label, double v, size_t columns)
{
    char text[NUMBER];
    format(text, v);
    pretty_put(l, PRETTY_DIM, label);
    put_right(l, text, columns);
}

static void put_value(struct pretty_line *l, const struct shown *p)
{
    char count[NUMBER + 4];
    if (!p->is_distribution) {
        put_number(l, "", p->value, VALUE);
        return;
    }
    put_number(l, "p50 ", p->half, 0);
    put_number(l, "  p95 ", p->most, 0);
    put_number(l, "  max ", p->max, 0);
    snprintf(count, sizeof count, "  n=%llu", (unsigned long long)p->count);
    pretty_put(l, PRETTY_PLAIN, count);
}

static void put_point(struct table *t, const struct shown *p)
{
    struct pretty_line l = line(t);
    gw_str name = pretty_bytes(t->metric->name), unit = pretty_bytes(t->metric->unit);
    size_t before = l.left;
    pad(&l, 2);
    pretty_put_text(&l, PRETTY_PLAIN, name, NAME);
    for (size_t taken = before - l.left; taken < t->name_columns + 4; taken++)
        pretty_put(&l, PRETTY_PLAIN, " ");
    put_value(&l, p);
    if (unit.len) {
        pretty_put(&l, PRETTY_PLAIN, " ");
        pretty_put_text(&l, PRETTY_DIM, unit, VALUE);
    }
    for (size_t taken = before - l.left; taken < t->name_columns + 4 + 2 * NUMBER; taken++)
        pretty_put(&l, PRETTY_PLAIN, " ");
    put_history(&l, remember(t, p));
    pretty_put_all_attributes(&l, p->attributes, p->attributes_n);
    pretty_end(&l);
}

/* --- tables --- */

typedef Opentelemetry__Proto__Metrics__V1__ResourceMetrics resource_metrics;

static void measure_names(struct table *t, const resource_metrics *r)
{
    t->name_columns = NAME_LEAST;
    for (size_t i = 0; i < r->n_scope_metrics; i++)
        for (size_t j = 0; j < r->scope_metrics[i]->n_metrics; j++) {
            size_t n = r->scope_metrics[i]->metrics[j]->name.len;
            n = n < NAME ? n : NAME;
            t->name_columns = n > t->name_columns ? n : t->name_columns;
        }
}

static uint64_t time_of(const resource_metrics *r)
{
    for (size_t i = 0; i < r->n_scope_metrics; i++)
        for (size_t j = 0; j < r->scope_metrics[i]->n_metrics; j++)
            if (points_of(r->scope_metrics[i]->metrics[j]))
                return point_of(r->scope_metrics[i]->metrics[j], 0).time;
    return 0;
}

static void put_head(struct table *t, const resource_metrics *r)
{
    struct pretty_line l = line(t);
    char when[64];
    gw_str service = pretty_resource_text(t->resource, "service.name");
    pretty_put(&l, PRETTY_DIM, "metrics  ");
    if (pretty_when(when, time_of(r))) {
        pretty_put(&l, PRETTY_PLAIN, when);
        pretty_put(&l, PRETTY_PLAIN, "  ");
    }
    if (service.len)
        pretty_put_service(&l, service);
    if (t->resource)
        pretty_put_resource(&l, t->resource);
    pretty_end(&l);
}

static void put_resource(struct table *t, const resource_metrics *r)
{
    t->resource = r->resource;
    t->resource_hash =
        r->resource ? hash_attributes(0, r->resource->attributes, r->resource->n_attributes) : 0;
    measure_names(t, r);
    put_head(t, r);
    for (size_t i = 0; i < r->n_scope_metrics; i++)
        for (size_t j = 0; j < r->scope_metrics[i]->n_metrics; j++) {
            t->metric = r->scope_metrics[i]->metrics[j];
            for (size_t k = 0; k < points_of(t->metric); k++) {
                struct shown p = point_of(t->metric, k);
                put_point(t, &p);
            }
        }
}

void pretty_metrics(struct out *o, const struct pretty *how, struct pretty_history *history,
                    const pretty_metrics_request *q)
{
    struct table t = {.o = o, .how = how, .history = history};
    out_init(&t.scratch, SCRATCH);
    for (size_t i = 0; i < q->n_resource_metrics; i++)
        put_resource(&t, q->resource_metrics[i]);
    out_fini(&t.scratch);
    if (q->n_resource_metrics)
        out_char(o, '\n');
}
