/* Metrics for people: what a table shows of a point, and of numbers at the ends of what OTLP can say.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/stdout/pretty_metric.h"

#define MESSAGE(name) opentelemetry__proto__metrics__v1__##name##__init
#define DATA(name) OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_##name

typedef Opentelemetry__Proto__Metrics__V1__Metric metric;
typedef Opentelemetry__Proto__Metrics__V1__ExponentialHistogramDataPoint exponential_point;

static struct pretty_history history;

/* The table of one metric. The caller frees it. */
static char *show(metric *m)
{
    static const struct pretty how = {.color = false};
    Opentelemetry__Proto__Metrics__V1__ScopeMetrics scope;
    Opentelemetry__Proto__Metrics__V1__ResourceMetrics resource;
    pretty_metrics_request request;
    struct out o;
    metric *metrics[] = {m};
    MESSAGE(scope_metrics)(&scope);
    scope.n_metrics = 1, scope.metrics = metrics;
    Opentelemetry__Proto__Metrics__V1__ScopeMetrics *scopes[] = {&scope};
    MESSAGE(resource_metrics)(&resource);
    resource.n_scope_metrics = 1, resource.scope_metrics = scopes;
    Opentelemetry__Proto__Metrics__V1__ResourceMetrics *resources[] = {&resource};
    opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__init(&request);
    request.n_resource_metrics = 1, request.resource_metrics = resources;
    out_init(&o, 1 << 20);
    pretty_metrics(&o, &how, &history, &request);
    out_char(&o, '\0');
    assert_false(o.failed);
    return o.data;
}

static void name(metric *m)
{
    static char text[] = "m";
    MESSAGE(metric)(m);
    m->name = (ProtobufCBinaryData){1, (uint8_t *)text};
}

static void shows(metric *m, const char *wanted)
{
    char *text = show(m);
    if (!strstr(text, wanted))
        fail_msg("%s is not in\n%s", wanted, text);
    free(text);
}

/* A histogram of `count` values in bucket offset + 1. */
static void exponential(int32_t offset, int32_t scale, bool negative, uint64_t count, const char *wanted)
{
    uint64_t counts[] = {0, count};
    Opentelemetry__Proto__Metrics__V1__ExponentialHistogramDataPoint__Buckets buckets;
    Opentelemetry__Proto__Metrics__V1__ExponentialHistogram h;
    exponential_point p, *points[] = {&p};
    metric m;
    name(&m);
    MESSAGE(exponential_histogram_data_point__buckets)(&buckets);
    buckets.offset = offset, buckets.n_bucket_counts = 2, buckets.bucket_counts = counts;
    MESSAGE(exponential_histogram_data_point)(&p);
    p.scale = scale, p.count = count;
    *(negative ? &p.negative : &p.positive) = &buckets;
    MESSAGE(exponential_histogram)(&h);
    h.n_data_points = 1, h.data_points = points;
    m.data_case = DATA(EXPONENTIAL_HISTOGRAM), m.exponential_histogram = &h;
    shows(&m, wanted);
}

/* Bucket i holds base^i to base^(i + 1), base = 2^(2^-scale): of 1 to 2 the least wrong is 4/3. */
static void quantiles_of_exponential_histograms(void **state)
{
    exponential(-1, 0, false, 5, "p50 1.333  p95 1.333  max -  n=5");
    exponential(-1, 0, true, 5, "p50 -1.333  p95 -1.333  max -  n=5");
    exponential(2, 1, false, 1, "p50 3.314 "); /* 2^1.5 to 2^2 */
}

static void any_offset_and_scale(void **state)
{
    exponential(INT32_MAX, 22, false, 5, "p50 1.34e+154 ");
    exponential(INT32_MIN, 22, false, 5, "p50 7.46e-155 ");
    exponential(INT32_MAX, 20, true, UINT64_MAX, "p50 -inf ");
    exponential(INT32_MIN, 20, false, 5, "p50 0 ");
    exponential(1, INT32_MIN, false, 5, "p50 inf ");
    exponential(INT32_MAX, INT32_MAX, false, 5, "p50 1 ");
}

static void number(double v, const char *wanted)
{
    Opentelemetry__Proto__Metrics__V1__NumberDataPoint p, *points[] = {&p};
    Opentelemetry__Proto__Metrics__V1__Gauge g;
    metric m;
    name(&m);
    MESSAGE(number_data_point)(&p);
    p.value_case = OPENTELEMETRY__PROTO__METRICS__V1__NUMBER_DATA_POINT__VALUE_AS_DOUBLE, p.as_double = v;
    MESSAGE(gauge)(&g);
    g.n_data_points = 1, g.data_points = points;
    m.data_case = DATA(GAUGE), m.gauge = &g;
    shows(&m, wanted);
}

/* What went before is drawn between the least and the greatest of it, whatever they are. */
static void any_history(void **state)
{
    memset(&history, 0, sizeof history);
    number(-FLT_MAX, "-3.4e+38 ");
    number(0, "▁█");
    number(FLT_MAX, "▁▅█");
    number(DBL_MAX, "1.8e+308 ");
    number(-DBL_MAX, "-1.8e+308 ");
    number(0, "▁▅█▁▁▅");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_of_exponential_histograms),
        cmocka_unit_test(any_offset_and_scale),
        cmocka_unit_test(any_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
