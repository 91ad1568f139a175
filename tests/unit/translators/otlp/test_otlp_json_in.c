/* OTLP/JSON in: each row is a request in JSON and the span, record or value that protobuf-c reads of what is written;
 * or what is wrong with it. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "otlp_show.h"

#include "metrics_service.pb-c.h"
#include "trace_service.pb-c.h"
#include "translators/otlp/otlp_json_in.h"

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest traces;
typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest metrics;

static struct gw_arena arena;

static struct otlp_buf written(enum otlp_message m, const char *json)
{
    struct otlp_buf w = {0};
    struct gw_err err = {0};
    if (otlp_json_read(m, gw_str_z(json), &arena, &w, &err) != GW_OK)
        fail_msg("%s: %s at %zu", json, err.what, err.pos);
    return w;
}

static traces *read_traces(const char *json)
{
    struct otlp_buf w = written(OTLP_TRACES_REQUEST, json);
    traces *t =
        opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(NULL, w.len, w.data);
    assert_non_null(t);
    otlp_fini(&w);
    return t;
}

/* An attribute's value, as otlp_show.h writes it. */
static void value(const char *json, const char *want)
{
    char request[1024];
    struct show s = {.len = 0};
    snprintf(request, sizeof request,
             "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"k\",\"value\":%s}]}}]}", json);
    traces *t = read_traces(request);
    dump_attrs(&s, t->resource_spans[0]->resource->attributes, t->resource_spans[0]->resource->n_attributes);
    assert_string_equal(s.text, want);
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(t, NULL);
}

static void test_values(void **state)
{
    value("{\"stringValue\":\"a\\u00e9\\n\"}", "{k=\"aé\n\"}");
    value("{\"stringValue\":\"\"}", "{k=\"\"}");
    value("{\"boolValue\":false}", "{k=false}");
    value("{\"intValue\":\"-9223372036854775808\"}", "{k=-9223372036854775808}");
    value("{\"intValue\":9223372036854775807}", "{k=9223372036854775807}");
    value("{\"intValue\":1e3}", "{k=1000}");
    value("{\"intValue\":\"0\"}", "{k=0}");
    value("{\"doubleValue\":1.5}", "{k=1.5}");
    value("{\"doubleValue\":\"2\"}", "{k=2.0}");
    value("{\"doubleValue\":\"Infinity\"}", "{k=inf}");
    value("{\"bytesValue\":\"AP8=\"}", "{k=bytes:00ff}");
    value("{\"bytesValue\":\"AP8\"}", "{k=bytes:00ff}");
    value("{\"bytesValue\":\"-_-_\"}", "{k=bytes:fbffbf}");
    value("{\"arrayValue\":{\"values\":[{\"intValue\":1},{\"stringValue\":\"x\"}]}}", "{k=[1 \"x\"]}");
    value("{\"kvlistValue\":{\"values\":[{\"key\":\"i\",\"value\":{\"boolValue\":true}}]}}", "{k={i=true}}");
    value("{\"later\":{\"a\":[1,{}]},\"intValue\":1}", "{k=1}");
    value("{\"intValue\":1,\"stringValue\":null}", "{k=1}");
}

static void test_spans(void **state)
{
    traces *t =
        read_traces("{\"resourceSpans\":[{\"scopeSpans\":[{\"scope\":{\"name\":\"lib\"},\"spans\":[{"
                    "\"traceId\":\"5B8EFFF798038103D269B633813FC60C\",\"spanId\":\"eee19b7ec3c1b174\","
                    "\"parentSpanId\":\"\",\"name\":\"I'm a span\",\"kind\":2,\"flags\":257,"
                    "\"startTimeUnixNano\":\"1544712660000000000\",\"endTimeUnixNano\":1544712661000000000,"
                    "\"status\":{\"code\":\"STATUS_CODE_ERROR\"},\"links\":null,"
                    "\"droppedEventsCount\":3}]}]}],\"unknown\":1}");
    const show_span *s = t->resource_spans[0]->scope_spans[0]->spans[0];
    assert_int_equal(s->trace_id.len, 16);
    assert_memory_equal(s->trace_id.data, "\x5b\x8e\xff\xf7\x98\x03\x81\x03\xd2\x69\xb6\x33\x81\x3f\xc6\x0c",
                        16);
    assert_int_equal(s->span_id.len, 8);
    assert_int_equal(s->parent_span_id.len, 0);
    assert_int_equal(s->kind, 2);
    assert_int_equal(s->flags, 257);
    assert_true(s->start_time_unix_nano == 1544712660000000000u);
    assert_true(s->end_time_unix_nano == 1544712661000000000u);
    assert_int_equal(s->status->code, 2);
    assert_int_equal(s->dropped_events_count, 3);
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(t, NULL);
}

static void test_points(void **state)
{
    struct otlp_buf w = written(
        OTLP_METRICS_REQUEST,
        "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"h\",\"exponentialHistogram\":{"
        "\"aggregationTemporality\":\"AGGREGATION_TEMPORALITY_DELTA\",\"dataPoints\":[{\"count\":\"3\","
        "\"sum\":0,"
        "\"scale\":-2,\"positive\":{\"offset\":-5,\"bucketCounts\":[\"1\",300,0]}}]}},"
        "{\"name\":\"x\",\"histogram\":{\"dataPoints\":[{\"bucketCounts\":[\"1\",2],\"explicitBounds\":[0.5]}"
        "]}}"
        "]}]}]}");
    metrics *m = opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(
        NULL, w.len, w.data);
    assert_non_null(m);
    Opentelemetry__Proto__Metrics__V1__Metric **all = m->resource_metrics[0]->scope_metrics[0]->metrics;
    const Opentelemetry__Proto__Metrics__V1__ExponentialHistogramDataPoint *p =
        all[0]->exponential_histogram->data_points[0];
    assert_int_equal(all[0]->exponential_histogram->aggregation_temporality, 1);
    assert_int_equal(p->scale, -2);
    assert_int_equal(p->positive->offset, -5);
    assert_int_equal(p->positive->n_bucket_counts, 3);
    assert_int_equal(p->positive->bucket_counts[1], 300);
    assert_int_equal(p->sum_given_case, 5); /* zero is given */
    assert_int_equal(all[1]->histogram->data_points[0]->n_bucket_counts, 2);
    assert_int_equal(all[1]->histogram->data_points[0]->n_explicit_bounds, 1);
    opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked(m, NULL);
    otlp_fini(&w);
}

static void bad(const char *json, const char *what)
{
    struct otlp_buf w = {0};
    struct gw_err err = {0};
    assert_int_equal(otlp_json_read(OTLP_TRACES_REQUEST, gw_str_z(json), &arena, &w, &err), GW_BAD_JSON);
    assert_string_equal(err.what, what);
    assert_in_range(err.pos, 0, strlen(json));
    otlp_fini(&w);
}

#define SPAN(fields) "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{" fields "}]}]}]}"

static void test_bad(void **state)
{
    bad(SPAN("\"traceId\":\"abc\""), "is no id in hexadecimal");
    bad(SPAN("\"traceId\":\"zz\""), "is no id in hexadecimal");
    bad(SPAN("\"kind\":\"SPAN_KIND_OTHER\""), "is no name of the enum");
    bad(SPAN("\"kind\":1.5"), "is no integer that its field holds");
    bad(SPAN("\"startTimeUnixNano\":-1"), "is no integer that its field holds");
    bad(SPAN("\"startTimeUnixNano\":\"18446744073709551616\""), "is no integer that its field holds");
    bad(SPAN("\"flags\":4294967296"), "is no integer that its field holds");
    bad(SPAN("\"attributes\":[{\"value\":{\"bytesValue\":\"A\"}}]"), "is no base64");
    bad(SPAN("\"attributes\":[{\"value\":{\"bytesValue\":\"A?==\"}}]"), "is no base64");
    bad(SPAN("\"attributes\":[{\"value\":{\"doubleValue\":\"x\"}}]"), "is no number");
}

static int open_arena(void **state)
{
    gw_arena_init(&arena, 1 << 20);
    return 0;
}

static int close_arena(void **state)
{
    gw_arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
