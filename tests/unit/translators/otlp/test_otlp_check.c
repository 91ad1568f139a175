/* The walk over OTLP requests, and their division: what is well-formed, what a fault costs, which bytes the pieces
 * hold. Requests are written field by field; protobuf-c reads the pieces. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "metrics_service.pb-c.h"
#include "trace_service.pb-c.h"
#include "translators/otlp/otlp_cut.h"

#define TRACE "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10"
#define SPAN "\1\2\3\4\5\6\7\x8"
#define NOT_UTF8 "a\xff"

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest traces;

static struct otlp_buf w;

static int begin(void **state)
{
    otlp_fini(&w);
    return 0;
}

static gw_str body(void)
{
    return otlp_written(&w);
}

static size_t open_(unsigned field)
{
    return otlp_open(&w, field, 2);
}

static void close_(size_t mark)
{
    otlp_close(&w, mark, 2);
}

static void text(unsigned field, gw_str s)
{
    otlp_bytes(&w, field, s);
}

static void attribute(unsigned field, gw_str key, gw_str value)
{
    size_t kv = open_(field);
    text(1, key);
    size_t any = open_(2);
    text(1, value);
    close_(any);
    close_(kv);
}

static void span(gw_str trace_id, gw_str span_id, gw_str name)
{
    size_t s = open_(2);
    text(1, trace_id);
    text(2, span_id);
    text(5, name);
    attribute(9, GW_STR("k"), GW_STR("v"));
    close_(s);
}

static void good_span(const char *name)
{
    span(GW_STR(TRACE), GW_STR(SPAN), gw_str_z(name));
}

static void resource(const char *service)
{
    size_t r = open_(1);
    attribute(1, GW_STR("service.name"), gw_str_z(service));
    close_(r);
}

static struct otlp_contents checked(enum otlp_message m)
{
    struct otlp_contents c;
    struct gw_err err = {0};
    enum gw_code code = otlp_check(m, body(), NULL, &c, &err);
    if (code)
        fail_msg("%s at %zu", err.what, err.pos);
    return c;
}

/* --- well-formed or not --- */

static void test_empty(void **state)
{
    struct otlp_contents c = checked(OTLP_TRACES_REQUEST);
    assert_int_equal(c.items, 0);
    assert_false(c.faulty);
}

static void malformed(gw_str bytes, size_t at, const char *what)
{
    struct otlp_contents c;
    struct gw_err err = {0};
    assert_int_equal(otlp_check(OTLP_TRACES_REQUEST, bytes, NULL, &c, &err), GW_BAD_PROTOBUF);
    assert_string_equal(err.what, what);
    assert_int_equal(err.pos, at);
}

static void test_malformed(void **state)
{
    malformed(GW_STR("\x0a"), 0, "field 1 of ExportTraceServiceRequest is longer than what is left of it");
    malformed(GW_STR("\x0a\x05\x12\x01"), 0,
              "field 1 of ExportTraceServiceRequest is longer than what is left of it");
    malformed(GW_STR("\x0a\x02\x12\x01"), 2, "field 2 of ResourceSpans is longer than what is left of it");
    malformed(GW_STR("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0,
              "field 1 of ExportTraceServiceRequest is longer than what is left of it");
    malformed(GW_STR("\x08\x01"), 0, "field 1 of ExportTraceServiceRequest has another wire type");
    malformed(GW_STR("\x0b"), 0, "field 1 of ExportTraceServiceRequest has another wire type"); /* a group */
    malformed(GW_STR("\x02\x00"), 0, "ExportTraceServiceRequest has a field without a number");
    malformed(GW_STR("\x80"), 0, "ExportTraceServiceRequest has a field without a number");
    malformed(GW_STR("\x50\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0,
              "field 10 of ExportTraceServiceRequest is cut short");
    malformed(GW_STR("\x0a\x06\x12\x04\x12\x02\x39\x00"), 6, "field 7 of Span is cut short");
}

static void test_unknown_fields_pass(void **state)
{
    size_t rs = open_(1), ss = open_(2);
    good_span("a");
    otlp_uint(&w, 100, 7);
    text(1000, GW_STR(NOT_UTF8)); /* nobody knows that it is text */
    close_(ss);
    otlp_fixed64(&w, 17, 1);
    otlp_fixed32(&w, 2047, 1);
    close_(rs);
    text(9, GW_STR("later"));
    struct otlp_contents c = checked(OTLP_TRACES_REQUEST);
    assert_int_equal(c.items, 1);
    assert_false(c.faulty);
}

/* --- what a fault costs --- */

static void faulty_span(gw_str trace_id, gw_str span_id, gw_str name, enum otlp_fault want)
{
    begin(NULL);
    size_t rs = open_(1), ss = open_(2);
    good_span("before");
    span(trace_id, span_id, name);
    good_span("behind");
    close_(ss);
    close_(rs);
    struct otlp_contents c = checked(OTLP_TRACES_REQUEST);
    assert_int_equal(c.items, 3);
    assert_int_equal(otlp_refused(&c), want ? 1 : 0);
    assert_int_equal(c.refused[want], want ? 1 : 0);
    assert_int_equal(c.first, want);
}

static void test_faults_of_spans(void **state)
{
    faulty_span(GW_STR(TRACE), GW_STR(SPAN), GW_STR("h\xc3\xa9"), OTLP_NO_FAULT);
    faulty_span(GW_STR(TRACE), GW_STR(SPAN), GW_STR(NOT_UTF8), OTLP_BAD_TEXT);
    faulty_span(GW_STR(TRACE), GW_STR(SPAN), GW_STR("a long text that ends \xc3"), OTLP_BAD_TEXT);
    faulty_span(GW_NOSTR, GW_STR(SPAN), GW_STR("a"), OTLP_NO_TRACE_ID);
    faulty_span(gw_str_n("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16), GW_STR(SPAN), GW_STR("a"), OTLP_NO_TRACE_ID);
    faulty_span(GW_STR(TRACE), GW_NOSTR, GW_STR("a"), OTLP_NO_SPAN_ID);
    faulty_span(GW_STR(SPAN), GW_STR(SPAN), GW_STR("a"), OTLP_BAD_ID);
    faulty_span(GW_STR(TRACE), GW_STR(TRACE), GW_STR("a"), OTLP_BAD_ID);
}

/* A fault beside the items costs all of them, and those of the next resource nothing. */
static void test_faults_of_resources_and_scopes(void **state)
{
    size_t rs = open_(1), ss = open_(2), scope = open_(1);
    text(1, GW_STR(NOT_UTF8));
    close_(scope);
    good_span("a");
    span(GW_NOSTR, GW_STR(SPAN), GW_STR("b"));
    close_(ss);
    ss = open_(2);
    good_span("c");
    close_(ss);
    close_(rs);
    rs = open_(1);
    resource(NOT_UTF8);
    ss = open_(2);
    good_span("d");
    good_span("e");
    good_span("f");
    close_(ss);
    close_(rs);
    struct otlp_contents c = checked(OTLP_TRACES_REQUEST);
    assert_int_equal(c.items, 6);
    assert_int_equal(c.refused[OTLP_BAD_TEXT], 4);
    assert_int_equal(c.refused[OTLP_NO_TRACE_ID], 1);
}

/* n lists within one another, in an attribute of a span. */
static void deep_span(unsigned n)
{
    struct otlp_buf value = {0}, more = {0};
    for (unsigned i = 0; i < n; i++) { /* AnyValue { ArrayValue { …, once more } } */
        otlp_fini(&more);
        size_t list = otlp_open(&more, 5, 2);
        size_t item = otlp_open(&more, 1, 2);
        otlp_append(&more, otlp_written(&value));
        otlp_close(&more, item, 2);
        otlp_close(&more, list, 2);
        struct otlp_buf swap = value;
        value = more;
        more = swap;
    }
    size_t s = open_(2), kv;
    text(1, GW_STR(TRACE));
    text(2, GW_STR(SPAN));
    kv = open_(9);
    text(1, GW_STR("deep"));
    text(2, otlp_written(&value));
    close_(kv);
    close_(s);
    otlp_fini(&value);
    otlp_fini(&more);
}

static void test_depth(void **state)
{
    static const struct {
        unsigned lists, refused;
    } rows[] = {{1, 0}, {47, 0}, {48, 1}, {10000, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(NULL);
        size_t rs = open_(1), ss = open_(2);
        good_span("beside");
        deep_span(rows[i].lists);
        close_(ss);
        close_(rs);
        struct otlp_contents c = checked(OTLP_TRACES_REQUEST);
        assert_int_equal(c.items, 2);
        assert_int_equal(c.refused[OTLP_TOO_DEEP], rows[i].refused);
    }
}

static void point(gw_str key)
{
    size_t p = open_(1);
    otlp_fixed64(&w, 3, 5);
    attribute(7, key, GW_STR("v"));
    close_(p);
}

static void test_metrics(void **state)
{
    size_t rm = open_(1), sm = open_(2), m = open_(2), data;
    text(1, GW_STR("requests"));
    data = open_(7);
    point(GW_STR("a"));
    point(GW_STR(NOT_UTF8));
    point(GW_STR("b"));
    otlp_uint(&w, 2, 1);
    close_(data);
    close_(m);
    m = open_(2); /* two kinds */
    data = open_(5);
    point(GW_STR("a"));
    close_(data);
    data = open_(7);
    point(GW_STR("a"));
    close_(data);
    close_(m);
    m = open_(2); /* a name that is no text */
    text(1, GW_STR(NOT_UTF8));
    data = open_(5);
    point(GW_STR("a"));
    close_(data);
    close_(m);
    close_(sm);
    close_(rm);
    struct otlp_contents c = checked(OTLP_METRICS_REQUEST);
    assert_int_equal(c.items, 6);
    assert_int_equal(c.refused[OTLP_BAD_TEXT], 2);
    assert_int_equal(c.refused[OTLP_MIXED_POINTS], 2);
}

static void test_logs(void **state)
{
    size_t rl = open_(1), sl = open_(2);
    static const gw_str ids[] = {GW_LIT(""), GW_LIT(TRACE), GW_LIT("short")};
    for (size_t i = 0; i < 3; i++) {
        size_t record = open_(2), any = open_(5);
        text(1, GW_STR("body"));
        close_(any);
        text(9, ids[i]);
        close_(record);
    }
    close_(sl);
    close_(rl);
    struct otlp_contents c = checked(OTLP_LOGS_REQUEST);
    assert_int_equal(c.items, 3);
    assert_int_equal(c.refused[OTLP_BAD_ID], 1);
}

/* --- what is seen on the way --- */

struct seen {
    unsigned n;
    char services[64];
};

static void see(void *ctx, const uint8_t *trace_id, const uint8_t *span_id, gw_str service)
{
    struct seen *s = ctx;
    s->n++;
    assert_memory_equal(trace_id, TRACE, 16);
    assert_memory_equal(span_id, SPAN, 8);
    strncat(s->services, service.len ? service.ptr : "-", service.len ? service.len : 1);
}

static void test_observer(void **state)
{
    struct seen seen = {0};
    const struct otlp_observer observer = {see, &seen};
    struct otlp_contents c;
    for (int i = 0; i < 2; i++) {
        size_t rs = open_(1), ss;
        resource(i ? "b" : "a");
        ss = open_(2);
        good_span("x");
        span(GW_NOSTR, GW_STR(SPAN), GW_STR("none"));
        good_span("y");
        close_(ss);
        close_(rs);
    }
    size_t rs = open_(1), ss = open_(2);
    good_span("x");
    close_(ss);
    close_(rs);
    assert_int_equal(otlp_check(OTLP_TRACES_REQUEST, body(), &observer, &c, NULL), GW_OK);
    assert_int_equal(seen.n, 5);
    assert_string_equal(seen.services, "aabb-");
}

static unsigned says(gw_str key, gw_str value)
{
    begin(NULL);
    size_t rs = open_(1), r = open_(1);
    attribute(1, key, value);
    close_(r);
    close_(rs);
    return checked(OTLP_TRACES_REQUEST).says;
}

static void test_marks_of_resources(void **state)
{
    assert_int_equal(says(GW_STR("service.name"), GW_STR("datadog")), 0);
    assert_int_equal(says(GW_STR("_dd.sdk.otlp_export"), GW_STR("true")), OTLP_SAYS_DATADOG);
    assert_int_equal(says(GW_STR("datadog.sdk.semantics"), GW_STR("datadog")), OTLP_SAYS_DATADOG);
    assert_int_equal(says(GW_STR("datadog.sdk.semantics"), GW_STR("otel")), 0);
    assert_int_equal(says(GW_STR("sls.otel.akid"), GW_STR("x")), OTLP_SAYS_CREDENTIALS);
}

/* --- pieces --- */

struct pieces {
    unsigned n;
    uint64_t items;
    struct otlp_buf all; /* end to end: one request again */
    size_t longest;
    unsigned left; /* to be taken before one is refused */
};

static bool take(void *ctx, struct otlp_buf *piece, uint64_t items)
{
    struct pieces *p = ctx;
    if (!p->left--)
        return false;
    p->n++;
    p->items += items;
    p->longest = piece->len > p->longest ? piece->len : p->longest;
    otlp_append(&p->all, otlp_written(piece));
    otlp_fini(piece);
    return true;
}

static struct pieces cut(enum otlp_message m, size_t piece)
{
    struct pieces p = {.left = 1000};
    struct otlp_contents c = checked(m);
    const struct otlp_cut how = {.request = m, .piece = piece, .take = take, .ctx = &p};
    assert_true(otlp_cut(&how, body(), &c));
    assert_int_equal(p.items, c.items - otlp_refused(&c));
    return p;
}

static void test_one_piece_is_the_body(void **state)
{
    size_t rs = open_(1), ss = open_(2);
    good_span("a");
    close_(ss);
    close_(rs);
    otlp_uint(&w, 77, 1);
    struct pieces p = cut(OTLP_TRACES_REQUEST, body().len);
    assert_int_equal(p.n, 1);
    assert_int_equal(p.all.len, body().len);
    assert_memory_equal(p.all.data, body().ptr, body().len);
    otlp_fini(&p.all);
}

static void test_resources_stay_whole(void **state)
{
    for (int i = 0; i < 10; i++) {
        size_t rs = open_(1), ss;
        resource("s");
        ss = open_(2);
        good_span("a");
        close_(ss);
        close_(rs);
    }
    struct pieces p = cut(OTLP_TRACES_REQUEST, body().len / 5);
    assert_int_equal(p.n, 5);
    assert_int_equal(p.all.len, body().len);
    assert_memory_equal(p.all.data, body().ptr, body().len);
    otlp_fini(&p.all);
}

static traces *read_traces(const struct otlp_buf *b)
{
    traces *t = opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(NULL, b->len,
                                                                                                 b->data);
    assert_non_null(t);
    return t;
}

static void free_traces(traces *t)
{
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(t, NULL);
}

static unsigned number_in(ProtobufCBinaryData name)
{
    unsigned n = 0;
    for (size_t i = 0; i < name.len; i++)
        n = 10 * n + name.data[i] - '0';
    return n;
}

/* One resource of many spans: each piece says whose they are. */
static void test_a_large_resource_is_divided(void **state)
{
    char name[8];
    size_t rs = open_(1), ss, scope;
    resource("shop");
    ss = open_(2);
    scope = open_(1);
    text(1, GW_STR("lib"));
    close_(scope);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "%d", i);
        good_span(name);
    }
    text(3, GW_STR("schema"));
    close_(ss);
    close_(rs);
    struct pieces p = cut(OTLP_TRACES_REQUEST, 512);
    assert_in_range(p.n, 10, 30);
    assert_in_range(p.longest, 256, 700);
    traces *t = read_traces(&p.all);
    unsigned next = 0;
    for (size_t i = 0; i < t->n_resource_spans; i++) {
        assert_int_equal(t->resource_spans[i]->resource->n_attributes, 1);
        assert_int_equal(t->resource_spans[i]->n_scope_spans, 1);
        Opentelemetry__Proto__Trace__V1__ScopeSpans *s = t->resource_spans[i]->scope_spans[0];
        assert_memory_equal(s->scope->name.data, "lib", 3);
        assert_memory_equal(s->schema_url.data, "schema", 6);
        for (size_t k = 0; k < s->n_spans; k++)
            assert_int_equal(number_in(s->spans[k]->name), next++);
    }
    assert_int_equal(next, 100);
    free_traces(t);
    otlp_fini(&p.all);
}

/* Faulty units are left out; what stands beside them is not. */
static void test_faults_are_left_out(void **state)
{
    size_t rs = open_(1), ss;
    resource(NOT_UTF8);
    ss = open_(2);
    good_span("lost");
    close_(ss);
    close_(rs);
    rs = open_(1);
    resource("good");
    ss = open_(2);
    span(GW_NOSTR, GW_STR(SPAN), GW_STR("lost"));
    good_span("kept");
    deep_span(500);
    close_(ss);
    ss = open_(2);
    span(GW_STR(TRACE), GW_STR(SPAN), GW_STR(NOT_UTF8));
    close_(ss);
    close_(rs);
    struct pieces p = cut(OTLP_TRACES_REQUEST, 1 << 20);
    assert_int_equal(p.n, 1);
    traces *t = read_traces(&p.all);
    assert_int_equal(t->n_resource_spans, 1);
    assert_int_equal(t->resource_spans[0]->n_scope_spans, 1);
    assert_int_equal(t->resource_spans[0]->scope_spans[0]->n_spans, 1);
    assert_memory_equal(t->resource_spans[0]->scope_spans[0]->spans[0]->name.data, "kept", 4);
    free_traces(t);
    otlp_fini(&p.all);
}

static void test_points_are_divided(void **state)
{
    size_t rm = open_(1), sm, m, data;
    resource("shop");
    sm = open_(2);
    m = open_(2);
    text(1, GW_STR("requests"));
    data = open_(7);
    otlp_uint(&w, 2, 2);
    for (int i = 0; i < 100; i++)
        point(GW_STR("a"));
    close_(data);
    close_(m);
    close_(sm);
    close_(rm);
    struct pieces p = cut(OTLP_METRICS_REQUEST, 512);
    assert_in_range(p.n, 3, 10);
    Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest *r =
        opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(NULL, p.all.len,
                                                                                             p.all.data);
    size_t points = 0;
    for (size_t i = 0; i < r->n_resource_metrics; i++) {
        Opentelemetry__Proto__Metrics__V1__Metric *one = r->resource_metrics[i]->scope_metrics[0]->metrics[0];
        assert_memory_equal(one->name.data, "requests", 8);
        assert_int_equal(one->sum->aggregation_temporality, 2);
        points += one->sum->n_data_points;
    }
    assert_int_equal(points, 100);
    opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked(r, NULL);
    otlp_fini(&p.all);
}

/* A resource as large as a piece, with many small spans: were it repeated, the request would grow without bound. */
static void test_large_resources_are_not_repeated(void **state)
{
    static char big[4096];
    memset(big, 'a', sizeof big);
    size_t rs = open_(1), r = open_(1), ss;
    attribute(1, GW_STR("big"), gw_str_n(big, sizeof big));
    close_(r);
    ss = open_(2);
    for (int i = 0; i < 200; i++)
        good_span("a");
    close_(ss);
    close_(rs);
    struct pieces p = cut(OTLP_TRACES_REQUEST, 4096);
    assert_int_equal(p.n, 1);
    assert_int_equal(p.all.len, body().len);
    otlp_fini(&p.all);
}

static void test_refused_pieces(void **state)
{
    for (int i = 0; i < 10; i++) {
        size_t rs = open_(1), ss = open_(2);
        good_span("a");
        close_(ss);
        close_(rs);
    }
    struct otlp_contents c = checked(OTLP_TRACES_REQUEST);
    for (unsigned left = 0; left < 2; left++) {
        struct pieces p = {.left = left};
        const struct otlp_cut how = {
            .request = OTLP_TRACES_REQUEST, .piece = left ? 100 : 100000, .take = take, .ctx = &p};
        assert_false(otlp_cut(&how, body(), &c));
        otlp_fini(&p.all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_empty, begin),
        cmocka_unit_test_setup(test_malformed, begin),
        cmocka_unit_test_setup(test_unknown_fields_pass, begin),
        cmocka_unit_test_setup(test_faults_of_spans, begin),
        cmocka_unit_test_setup(test_faults_of_resources_and_scopes, begin),
        cmocka_unit_test_setup(test_depth, begin),
        cmocka_unit_test_setup(test_metrics, begin),
        cmocka_unit_test_setup(test_logs, begin),
        cmocka_unit_test_setup(test_observer, begin),
        cmocka_unit_test_setup(test_marks_of_resources, begin),
        cmocka_unit_test_setup(test_one_piece_is_the_body, begin),
        cmocka_unit_test_setup(test_resources_stay_whole, begin),
        cmocka_unit_test_setup(test_a_large_resource_is_divided, begin),
        cmocka_unit_test_setup(test_faults_are_left_out, begin),
        cmocka_unit_test_setup(test_points_are_divided, begin),
        cmocka_unit_test_setup(test_large_resources_are_not_repeated, begin),
        cmocka_unit_test_setup(test_refused_pieces, begin),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    otlp_fini(&w);
    return failed;
}
