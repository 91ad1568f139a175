/* Statistics of spans: what a payload becomes, which group costs itself, what is refused whole; read back by
 * protobuf-c. Sketches here have one bin, and gamma 2.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "metrics_service.pb-c.h"
#include "tests/otlp_valid.h"
#include "tests/unit/translators/ddtrace/arena_bed.h"
#include "tests/unit/translators/ddtrace/pack.h"
#include "translators/ddtrace/dd_stats.h"

typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest request;
typedef Opentelemetry__Proto__Metrics__V1__ExponentialHistogramDataPoint point;

static struct dd_options options = {.obfuscate = true};
static struct dd_request from;
static struct dd_stats_result result;
static struct gw_err err;
static char text[1 << 16];

static void put(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *fmt, ...)
{
    size_t n = strlen(text);
    va_list args;
    va_start(args, fmt);
    vsnprintf(text + n, sizeof text - n, fmt, args);
    va_end(args);
}

static void put_attributes(valid_attr **a, size_t n)
{
    assert_null(valid_attrs(a, n));
    for (size_t i = 0; i < n; i++) {
        const valid_any *v = a[i]->value;
        put(" %.*s=", (int)a[i]->key.len, (char *)a[i]->key.data);
        if (v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE)
            put("%.*s", (int)v->string_value.len, (char *)v->string_value.data);
        else if (v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BOOL_VALUE)
            put("%d", v->bool_value);
        else if (v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_INT_VALUE)
            put("%lld", (long long)v->int_value);
        else
            put("[%.*s]", (int)v->array_value->values[0]->string_value.len,
                (char *)v->array_value->values[0]->string_value.data);
    }
}

static void put_point(const point *p)
{
    uint64_t in = p->zero_count;
    for (size_t b = 0; p->positive && b < p->positive->n_bucket_counts; b++)
        in += p->positive->bucket_counts[b];
    assert_int_equal(in, p->count);
    put(" point");
    put_attributes(p->attributes, p->n_attributes);
    put(" n=%llu sum=%.3f min=%.3f max=%.3f (%llu..%llu)\n", (unsigned long long)p->count, p->sum, p->min,
        p->max, (unsigned long long)(p->start_time_unix_nano / GW_SEC),
        (unsigned long long)(p->time_unix_nano / GW_SEC));
}

/* A line a resource and a line a point; returns how many points. */
static size_t show_frame(const struct gw_frame *f)
{
    size_t points = 0;
    request *q = opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(
        NULL, f->len, f->data);
    assert_non_null(q);
    for (size_t i = 0; i < q->n_resource_metrics; i++) {
        Opentelemetry__Proto__Metrics__V1__ResourceMetrics *r = q->resource_metrics[i];
        put("resource");
        put_attributes(r->resource->attributes, r->resource->n_attributes);
        put("\n");
        assert_true(r->n_scope_metrics == 1 && r->scope_metrics[0]->n_metrics == 1);
        Opentelemetry__Proto__Metrics__V1__Metric *m = r->scope_metrics[0]->metrics[0];
        assert_memory_equal(m->name.data, "traces.span.sdk.metrics.duration", m->name.len);
        assert_true(m->unit.len == 1 && m->unit.data[0] == 's');
        assert_int_equal(m->exponential_histogram->aggregation_temporality, 1);
        points += m->exponential_histogram->n_data_points;
        for (size_t k = 0; k < m->exponential_histogram->n_data_points; k++)
            put_point(m->exponential_histogram->data_points[k]);
    }
    opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked(q, NULL);
    return points;
}

static enum gw_code translate_bytes(gw_str body, bool from_agent)
{
    const struct dd_env env = {.host_name = GW_STR("here")};
    size_t points = 0;
    text[0] = '\0';
    enum gw_code code = dd_stats_translate(&arena, from_agent, body, &from, &env, &options, &result, &err);
    for (size_t i = 0; i < result.frames_n; i++) {
        size_t n = show_frame(result.frames[i]);
        assert_int_equal(n, result.frames[i]->items);
        points += n;
        gw_frame_drop(result.frames[i]);
    }
    assert_int_equal(points, gw_intake_accepted(&result.intake));
    gw_arena_reset(&arena, 1 << 20);
    return code;
}

static const char *translate(const char *packed, bool from_agent)
{
    gw_str body = pack(packed);
    assert_int_equal(translate_bytes(body, from_agent), GW_OK);
    free((void *)body.ptr);
    return text;
}

/* A sketch, as pack takes it: `count` values of 2^index ns × 4/3. */
static const char *sketch(int index, double count)
{
    static char rooms[8][128];
    static unsigned turn;
    char *at = rooms[turn++ % 8], *end = at;
    uint8_t bytes[] = {0xc4, 26, 0x0a, 9,  0x09, 0,
                       0,    0,  0,    0,  0,    0,
                       0x40, /* gamma 2 */
                       0x12, 13, 0x0a, 11, 0x08, (uint8_t)(2 * index),
                       0x11};
    uint8_t number[8];
    memcpy(number, &count, 8);
    end += sprintf(end, "<");
    for (size_t i = 0; i < sizeof bytes; i++)
        end += sprintf(end, "%02x ", bytes[i]);
    for (size_t i = 0; i < 8; i++)
        end += sprintf(end, "%02x ", number[i]);
    sprintf(end, ">");
    return at;
}

#define PAYLOAD(more, groups)                                                                                \
    "{'Env': 'prod', 'Stats': [{'Start': 1700000000000000000, 'Duration': 10000000000, 'Stats': [" groups    \
    "]}], 'Lang': 'go', 'Service': 'shop'" more "}"
#define PLAIN "'Service': 'shop', 'Name': 'op'"
#define AROUND                                                                                               \
    " status.code=STATUS_CODE_OK service.name=shop datadog.operation.name=op datadog.span.top_level=0"

static char packed[1 << 16];
static const char *format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *format(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(packed, sizeof packed, fmt, args);
    va_end(args);
    return packed;
}

static void a_group_is_two_points(void **state)
{
    from = (struct dd_request){.lang = GW_STR("go"), .lang_version = GW_STR("1.26"), .peer_is_local = true};
    translate(
        format(PAYLOAD(", 'Hostname': 'h', 'Version': '1.2', 'RuntimeID': 'r-1', 'ContainerID': 'c1', "
                       "'Tags': ['kube_namespace:ns', 7], 'ImageTag': 'v3', 'TracerVersion': '2.1', "
                       "'ProcessTags': 'entrypoint.name:app', 'GitCommitSha': 'abc', 'New': {'a': [1]}",
                       "{'Service': 'shop', 'Name': 'web.request', 'Resource': 'GET /', 'Type': 'web', "
                       "'HTTPStatusCode': 200, 'SpanKind': 'server', 'Hits': 4, 'Errors': 1, "
                       "'TopLevelHits': 4, 'Duration': 8000000000, 'OkSummary': %s, 'ErrorSummary': %s, "
                       "'IsTraceRoot': 1, 'PeerTags': null, 'HTTPMethod': 'GET', 'Unknown': [1, {}]}"),
               sketch(30, 3), sketch(31, 1)),
        false);
#define WEB                                                                                                  \
    "service.name=shop datadog.operation.name=web.request datadog.span.type=web datadog.span.top_level=1 "   \
    "datadog.is_trace_root=1"
    assert_string_equal(
        text,
        "resource service.name=shop deployment.environment.name=prod service.version=1.2 "
        "service.instance.id=r-1 datadog.runtime_id=r-1 telemetry.sdk.name=datadog telemetry.sdk.language=go "
        "telemetry.sdk.version=2.1 process.runtime.version=1.26 host.name=h container.id=c1 "
        "vcs.ref.head.revision=abc k8s.namespace.name=ns container.image.tags=[v3] "
        "process.executable.name=app\n"
        " point span.name=GET / span.kind=SPAN_KIND_SERVER http.request.method=GET "
        "http.response.status_code=200 status.code=STATUS_CODE_OK " WEB
        " n=3 sum=4.800 min=1.432 max=1.600 (1700000000..1700000010)\n"
        " point span.name=GET / span.kind=SPAN_KIND_SERVER http.request.method=GET "
        "http.response.status_code=200 status.code=STATUS_CODE_ERROR " WEB
        " n=1 sum=3.200 min=3.200 max=3.200 (1700000000..1700000010)\n");
    assert_true(result.payloads == 1 && result.groups == 1 && result.intake.received == 2);
}

static void services_of_integrations_are_resources_of_their_own(void **state)
{
    from = (struct dd_request){.peer_is_local = true};
    const char *body = format(
        PAYLOAD(", 'Version': '1'", "{'Service': 'postgres', 'Name': 'q', 'Hits': 1, 'OkSummary': %s, "
                                    "'PeerTags': ['_dd.base_service:shop', 'db.name:orders', 'bad', ':x']}"),
        sketch(20, 1));
    assert_non_null(strstr(translate(body, false), "resource service.name=postgres datadog.base_service=shop "
                                                   "deployment.environment.name=prod telemetry.sdk.name"));
    assert_non_null(strstr(text, " service.name=postgres datadog.operation.name=q datadog.span.top_level=0 "
                                 "db.namespace=orders n=1"));
    assert_null(strstr(text, "service.version"));
    assert_non_null(strstr(text, "host.name=here"));
    options.service_override = DD_SERVICE_BASE;
    translate(body, false);
    options.service_override = DD_SERVICE_SPLIT;
    assert_non_null(strstr(text, "resource service.name=shop deployment.environment.name=prod "
                                 "service.version=1 telemetry.sdk.name"));
    assert_non_null(strstr(text, " service.name=postgres datadog.operation.name=q"));
}

static void literals_go_and_equal_points_become_one(void **state)
{
    const char *body = format(
        PAYLOAD("", "{'Service': 'db', 'Type': 'sql', 'Resource': 'SELECT 1', 'Hits': 2, 'Duration': 5, "
                    "'OkSummary': %s}, "
                    "{'Service': 'db', 'Type': 'sql', 'Resource': 'SELECT 22', 'Hits': 3, 'Duration': 7, "
                    "'OkSummary': %s}, "
                    "{'Service': 'db', 'Type': 'redis', 'Resource': 'GET k', 'Hits': 1, 'OkSummary': %s}, "
                    "{'Service': 'db', 'Type': 'mongodb', 'Resource': 'find u {\"a\": 5}', 'Hits': 1, "
                    "'OkSummary': %s}"),
        sketch(30, 2), sketch(31, 3), sketch(3, 1), sketch(4, 1));
    translate(body, false);
    assert_non_null(strstr(text, "span.name=SELECT ? "));
    assert_non_null(strstr(text, "span.name=GET ? "));
    assert_non_null(strstr(text, "span.name=find u {\"a\": \"?\"} "));
    assert_non_null(strstr(text, "n=5 sum=0.000 "));
    assert_int_equal(result.intake.received, 3);
    options.obfuscate = false;
    translate(body, false);
    options.obfuscate = true;
    assert_non_null(strstr(text, "span.name=SELECT 22 "));
    assert_int_equal(result.intake.received, 4);
}

/* Durations are added up for ok and error together. */
static void sums_are_shared_by_the_sketches(void **state)
{
    translate(
        format(
            PAYLOAD("",
                    "{" PLAIN
                    ", 'Hits': 2, 'Errors': 1, 'Duration': 9000000000, 'OkSummary': %s, 'ErrorSummary': %s}"),
            sketch(30, 1), sketch(31, 1)),
        false);
    assert_non_null(strstr(text, "n=1 sum=3.000"));
    assert_non_null(strstr(text, "n=1 sum=6.000"));
    /* a float, as JavaScript has it; and a sampled count that is no multiple of the sketch's */
    translate(
        format(PAYLOAD("",
                       "{" PLAIN
                       ", 'Hits': 7, 'HTTPStatusCode': '404', 'Duration': 14000000000.5, 'OkSummary': %s}"),
               sketch(30, 2)),
        false);
    assert_non_null(strstr(text, "http.response.status_code=404"));
    assert_non_null(strstr(text, "n=7 sum=14.000"));
}

/* Agents before 7.5x: what they sketched has no hits, what they counted has no sketch. */
static void what_old_agents_send_apart_counts_once(void **state)
{
    translate(format("{'AgentHostname': 'a', 'AgentEnv': 'e', 'ClientComputed': true, 'Stats': ["
                     "{'AgentAggregation': 'distributions', 'Stats': [{'Start': 1000000000, 'Duration': "
                     "2000000000, 'Stats': [{" PLAIN ", 'OkSummary': %s, 'ErrorSummary': %s}]}]}, "
                     "{'AgentAggregation': 'counts', 'Stats': [{'Start': 1000000000, 'Duration': 2000000000, "
                     "'Stats': [{" PLAIN ", 'Hits': 5, 'Errors': 2, 'Duration': 7}]}]}]}",
                     sketch(30, 3), sketch(30, 2)),
              true);
    assert_non_null(strstr(text, AROUND " n=3 sum=4.295"));
    assert_non_null(strstr(text, " n=2 sum=2.863"));
    assert_non_null(strstr(text, "deployment.environment.name=e "));
    assert_non_null(strstr(text, "host.name=a"));
    assert_true(result.counts_only == 1 && result.groups == 2 && result.payloads == 2 &&
                result.intake.received == 2);
}

/* Libraries for JavaScript and Python count bins one higher: but an agent's own are those of Go. */
static void bins_are_read_as_their_library_counts(void **state)
{
    static const struct {
        const char *lang, *computed;
        bool lower;
    } cases[] = {{"javascript", "true", false},
                 {"python", "true", false},
                 {"go", "true", true},
                 {"javascript", "false", true},
                 {"python", "false", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        translate(format("{'ClientComputed': %s, 'Stats': [{'Lang': '%s', 'Stats': [{'Start': 1, 'Duration': "
                         "1, 'Stats': [{" PLAIN ", 'Hits': 1, 'OkSummary': %s}]}]}]}",
                         cases[i].computed, cases[i].lang, sketch(30, 1)),
                  true);
        assert_non_null(strstr(text, cases[i].lower ? "sum=1.432" : "sum=0.716"));
    }
}

/* Sketches of Python that an agent added up are Go's, and have another gamma: 10^9 values of 1.0202^30 ns. */
#define REMADE "<c4 1a 0a 09 09 fd 4a 81 5a bf 52 f0 3f 12 0d 0a 0b 08 3c 11 00 00 00 00 65 cd cd 41>"

static void what_an_agent_added_up_counts_as_go_does(void **state)
{
    static const char group[] =
        "{'Lang': '%s', 'Stats': [{'Start': 1, 'Duration': 1, 'Stats': [{'OkSummary': " REMADE "}]}]}";
    static const struct {
        const char *lang;
        bool from_agent, lower;
    } cases[] = {{"python", true, true}, {"python", false, false}, {"javascript", true, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char payload[512];
        snprintf(payload, sizeof payload, group, cases[i].lang);
        translate(cases[i].from_agent ? format("{'ClientComputed': true, 'Stats': [%s]}", payload) : payload,
                  cases[i].from_agent);
        assert_non_null(strstr(text, cases[i].lower ? "n=1000000000 sum=1.840" : "n=1000000000 sum=1.804"));
    }
}

/* sketch(30, 1) */
#define ONE "<c4 1a 0a 09 09 00 00 00 00 00 00 00 40 12 0d 0a 0b 08 3c 11 00 00 00 00 00 00 f0 3f>"

static void a_group_that_cannot_be_read_costs_itself(void **state)
{
    static const struct {
        const char *group;
        enum dd_stats_fault why;
    } bad[] = {
        {"{" PLAIN ", 'Hits': 'many'}", DD_STATS_BAD_FIELD},
        {"{" PLAIN ", 'Hits': -1}", DD_STATS_BAD_FIELD},
        {"{" PLAIN ", 'Hits': <cf ff ff ff ff ff ff ff ff>}", DD_STATS_BAD_FIELD},
        {"{'Service': {}}", DD_STATS_BAD_FIELD},
        {"{7: 1, 'Name': []}", DD_STATS_BAD_FIELD},
        {"[]", DD_STATS_BAD_FIELD},
        {"null", DD_STATS_NO_SKETCH},
        {"{" PLAIN ", 'Hits': 1}", DD_STATS_NO_SKETCH},
        {"{" PLAIN ", 'Hits': 1, 'Errors': 1, 'OkSummary': " ONE "}", DD_STATS_NO_SKETCH},
        {"{" PLAIN ", 'Hits': 1, 'OkSummary': 'no sketch'}", DD_STATS_BAD_SKETCH},
        {"{" PLAIN ", 'OkSummary': " ONE ", 'ErrorSummary': <c4 01 0a>}", DD_STATS_BAD_SKETCH},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        translate(format(PAYLOAD("", "{" PLAIN ", 'Hits': 1, 'OkSummary': " ONE "}, %s, {" PLAIN
                                     ", 'Hits': 2, 'OkSummary': " ONE "}"),
                         bad[i].group),
                  false);
        assert_non_null(strstr(text, AROUND " n=3 "));
        bool nothing = strcmp(bad[i].group, "null") == 0; /* a group of nothing */
        if (result.refused[bad[i].why] != !nothing || result.intake.received != 2 - (uint64_t)nothing ||
            result.intake.not_taken[GW_REASON_BAD_GROUP] != !nothing)
            fail_msg("case %zu", i);
    }
}

static void buckets_without_times_cost_their_groups(void **state)
{
    static const char *const times[] = {"'Duration': 1", "'Start': 'x', 'Duration': 1",
                                        "'Start': 9223372036854775807, 'Duration': 1",
                                        "'Start': 0, 'Duration': 1"};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        translate(
            format("{'Stats': [{%s, 'Stats': [{}, {}, {}]}, {'Start': 5, 'Duration': 5, 'Stats': [{" PLAIN
                   ", 'Hits': 1, 'OkSummary': %s}]}]}",
                   times[i], sketch(30, 1)),
            false);
        assert_int_equal(result.refused[DD_STATS_BAD_TIME], 3);
        assert_int_equal(gw_intake_accepted(&result.intake), 1);
    }
}

static void bodies_that_are_no_statistics_are_refused(void **state)
{
    static const gw_str bad[] = {GW_LIT("\xc1"), GW_LIT("\x90"), GW_LIT("{}"),
                                 GW_LIT("\x81\xa5Stats\xdd\xff\xff\xff\xff"),
                                 GW_LIT("\x81\xa5Stats\x92\x80")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(translate_bytes(bad[i], false), GW_BAD_MSGPACK);
        assert_true(err.what[0] && result.intake.received == 1 &&
                    result.intake.not_taken[GW_REASON_BAD_PAYLOAD] == 1);
    }
    assert_int_equal(translate_bytes(GW_NOSTR, false), GW_OK);
    assert_int_equal(translate_bytes(GW_STR("\x80"), true), GW_OK);
    translate("{'Stats': 7, 'Env': 5}", false);
    assert_int_equal(result.intake.received, 0);
}

/* Every prefix of a body is refused, for statistics end where the map does. */
static void cut_bodies_are_refused(void **state)
{
    gw_str body = pack(format(PAYLOAD("", "{" PLAIN ", 'Hits': 1, 'OkSummary': %s}"), sketch(30, 1)));
    for (size_t n = 1; n < body.len; n++) {
        char *copy = malloc(n);
        memcpy(copy, body.ptr, n);
        assert_int_equal(translate_bytes(gw_str_n(copy, n), false), GW_BAD_MSGPACK);
        free(copy);
    }
    free((void *)body.ptr);
}

/* Far more than one frame holds, and then more than a request may have. */
static void many_points_are_several_frames(void **state)
{
    enum { GROUPS = 20000 };
    char *long_text = malloc(GROUPS * 256), *end = long_text;
    end += sprintf(end, "{'Stats': [{'Start': 5, 'Duration': 5, 'Stats': [");
    for (int i = 0; i < GROUPS; i++)
        end += sprintf(end, "{'Resource': 'r%d', 'Hits': 1, 'OkSummary': %s},", i, sketch(30, 1));
    sprintf(end, "]}]}");
    gw_str body = pack(long_text);
    struct gw_arena usual = arena;
    gw_arena_init(&arena, 1 << 20);
    assert_int_equal(translate_bytes(body, false), GW_BUDGET);
    assert_true(result.frames_n == 0 && result.intake.not_taken[GW_REASON_BUDGET] == result.intake.received);
    gw_arena_fini(&arena);
    arena = usual;
    assert_int_equal(translate_bytes(body, false), GW_OK);
    assert_true(result.frames_n > 1 && result.intake.received == GROUPS);
    free((void *)body.ptr);
    free(long_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_is_two_points),
        cmocka_unit_test(services_of_integrations_are_resources_of_their_own),
        cmocka_unit_test(literals_go_and_equal_points_become_one),
        cmocka_unit_test(sums_are_shared_by_the_sketches),
        cmocka_unit_test(what_old_agents_send_apart_counts_once),
        cmocka_unit_test(bins_are_read_as_their_library_counts),
        cmocka_unit_test(what_an_agent_added_up_counts_as_go_does),
        cmocka_unit_test(a_group_that_cannot_be_read_costs_itself),
        cmocka_unit_test(buckets_without_times_cost_their_groups),
        cmocka_unit_test(bodies_that_are_no_statistics_are_refused),
        cmocka_unit_test(cut_bodies_are_refused),
        cmocka_unit_test(many_points_are_several_frames),
    };
    return cmocka_run_group_tests(tests, arena_open, arena_close);
}
