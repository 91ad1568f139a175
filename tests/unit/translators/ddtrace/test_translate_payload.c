/* What a payload and its chunks say once: it stands where v0.4, which says it on spans and in headers, has it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/ddtrace/pack.h"
#include "tests/unit/translators/ddtrace/translate_bed.h"

#define TIMES "'start': " BED_START ", 'duration': 5"
#define ROOT "{'trace_id': 1, 'span_id': 2, 'name': 'n', 'service': 's', " TIMES "}"
#define CHILD "{'trace_id': 1, 'span_id': 3, 'parent_id': 2, 'name': 'n', 'service': 's', " TIMES "}"
#define OTHER                                                                                                \
    "{'trace_id': 1, 'span_id': 4, 'parent_id': 2, 'name': 'n', 'service': 'postgres', "                     \
    "'meta': {'_dd.base_service': 's', 'env': 'own'}, " TIMES "}"

static void run_v07(struct bed *b, const char *text)
{
    gw_str body = pack(text);
    if (bed_bytes(b, DD_V07_MSGPACK, body) != GW_OK)
        fail_msg("%s at %zu of: %s", b->err.what, b->err.pos, text);
    b->payload = text;
    free((void *)body.ptr);
}

#define PROCESS                                                                                              \
    "{'container_id': 'c', 'language_name': 'golang', 'language_version': '1.22', 'tracer_version': "        \
    "'1.60', "                                                                                               \
    "'runtime_id': 'r', 'chunks': [{'spans': [" ROOT "]}, {'spans': [" OTHER                                 \
    "]}], 'tags': {'a': 'b', 'process_id': '7', '_dd.git.commit.sha': 'f00', 'env': 'not this', "            \
    "'host.name': 'nor this'}, 'env': 'prod', 'hostname': 'h', 'app_version': '7'}"

static void facts_of_the_process(void **state)
{
    struct bed b;
    bed_open(&b);
    run_v07(&b, PROCESS);
    bed_expect_resource(&b, 2,
                        "a='b' container.id='c' datadog.runtime_id='r' deployment.environment.name='prod' "
                        "host.name='h' process.pid=7 process.runtime.version='1.22' service.instance.id='r' "
                        "service.name='s' service.version='7' telemetry.sdk.language='go' "
                        "telemetry.sdk.version='1.60' vcs.ref.head.revision='f00'");
    /* the version is that of the application's own service; a span's own env comes first */
    bed_expect_resource(
        &b, 4,
        "a='b' container.id='c' datadog.base_service='s' datadog.runtime_id='r' "
        "deployment.environment.name='own' host.name='h' process.pid=7 "
        "process.runtime.version='1.22' service.instance.id='r' service.name='postgres' "
        "telemetry.sdk.language='go' telemetry.sdk.version='1.60' vcs.ref.head.revision='f00'");
    assert_memory_equal(bed_find(&b, GW_OTEL, 2).scope->scope->version.data, "1.60", 4);
    bed_close(&b);
}

/* Headers say the versions in full, as they do for v0.4; the payload knows its container and language. */
static void facts_beside_headers(void **state)
{
    struct bed b;
    bed_open(&b);
    b.req = (struct dd_request){.lang = GW_STR("jvm"),
                                .lang_version = GW_STR("1.22.3"),
                                .interpreter = GW_STR("HotSpot"),
                                .tracer_version = GW_STR("1.60.1"),
                                .container_id = GW_STR("header")};
    run_v07(&b, PROCESS);
    bed_expect_resource(&b, 2,
                        "a='b' container.id='c' datadog.runtime_id='r' deployment.environment.name='prod' "
                        "host.name='h' process.pid=7 process.runtime.name='HotSpot' "
                        "process.runtime.version='1.22.3' service.instance.id='r' service.name='s' "
                        "service.version='7' telemetry.sdk.language='go' telemetry.sdk.version='1.60.1' "
                        "vcs.ref.head.revision='f00'");
    assert_memory_equal(bed_find(&b, GW_OTEL, 2).scope->scope->version.data, "1.60.1", 6);
    bed_close(&b);
}

/* Spans that say themselves what the payload says stand in the same resource as those that do not. */
static void one_resource(void **state)
{
    struct bed b;
    bed_open(&b);
    run_v07(&b, "{'chunks': [{'spans': [" ROOT "]}, {'spans': [{'trace_id': 9, 'span_id': 5, 'service': 's', "
                "'meta': {'env': 'prod', 'version': '7', 'runtime-id': 'r'}, " TIMES
                "}]}], 'env': 'prod', 'runtime_id': 'r', 'app_version': '7'}");
    assert_ptr_equal(bed_find(&b, GW_OTEL, 2).resource, bed_find(&b, GW_OTEL, 5).resource);
    bed_close(&b);
}

/* Priority, mechanism and origin hold for every span; tags of the chunk are the local root's. */
static void facts_of_a_chunk(void **state)
{
    struct bed b;
    bed_open(&b);
    run_v07(&b, "{'chunks': [{'priority': 1, 'origin': 'rum', 'spans': [" CHILD ", " ROOT
                "], 'tags': {'_dd.p.dm': '-4', '_dd.p.tid': '00000000000000ab', 'x': 'y', 'env': 'e'}}]}");
    bed_expect_span(
        &b, GW_OTEL, 2, bed_fields,
        "n | internal | datadog.origin='rum' datadog.sampling.mechanism=4 sampling.priority=1 x='y'");
    bed_expect_span(&b, GW_OTEL, 3, bed_fields,
                    "n | internal | datadog.origin='rum' datadog.sampling.mechanism=4 sampling.priority=1");
    for (uint64_t id = 2; id <= 3; id++) {
        const valid_span *s = bed_find(&b, GW_OTEL, id).span;
        assert_memory_equal(s->trace_state.data, "dd=s:1;o:rum;t.dm:-4", s->trace_state.len);
        assert_int_equal(s->trace_id.data[7], 0xab);
    }
    bed_expect_resource(&b, 3, "deployment.environment.name='e' service.name='s'");
    bed_close(&b);
}

/* What the chunk says comes before what a span says. */
static void chunk_before_spans(void **state)
{
    struct bed b;
    bed_open(&b);
    run_v07(
        &b,
        "{'chunks': [{'priority': 2, 'origin': 'rum', 'spans': [{'trace_id': 1, 'span_id': 2, 'name': 'n', "
        "'meta': {'_dd.origin': 'lambda'}, 'metrics': {'_sampling_priority_v1': 1}, " TIMES "}]}]}");
    bed_expect_span(&b, GW_OTEL, 2, bed_fields, "n | internal | datadog.origin='rum' sampling.priority=2");
    bed_close(&b);
}

static void dropped_chunks(void **state)
{
    struct bed b;
    bed_open(&b);
    run_v07(&b,
            "{'chunks': [{'priority': 0, 'spans': [" ROOT
            "]}, {'dropped_trace': true, 'priority': 1, 'spans': "
            "[" CHILD ", {'trace_id': 1, 'span_id': 5, 'metrics': {'_dd.span_sampling.mechanism': 8}, " TIMES
            "}]}, {'dropped_trace': false, 'spans': [" OTHER "]}]}");
    assert_int_equal(b.out.intake.not_taken[GW_REASON_SAMPLED_OUT], 2);
    assert_null(bed_find(&b, GW_OTEL, 2).span);
    assert_null(bed_find(&b, GW_OTEL, 3).span);
    assert_non_null(bed_find(&b, GW_OTEL, 4).span);
    assert_non_null(bed_find(&b, GW_OTEL, 5).span);
    bed_close(&b);
}

static void run_v10(struct bed *b, const char *text)
{
    gw_str body = pack(text);
    if (bed_bytes(b, DD_V10_MSGPACK, body) != GW_OK)
        fail_msg("%s at %zu of: %s", b->err.what, b->err.pos, text);
    b->payload = text;
    free((void *)body.ptr);
}

#define CHUNK_ID "6: <c4 10 00000000000000ab 0000000000000001>"
#define V10_TIMES "6: " BED_START ", 7: 5"

/* What v1.0 says in fields stands where the tags of v0.4 have it. */
static void v10_fields(void **state)
{
    struct bed b;
    bed_open(&b);
    run_v10(&b, "{3: 'go', 7: 'payload', 9: '7', 10: ['_dd.tags.process', 1, 'entrypoint.name:app', "
                "'process_id', 4, 12], "
                "11: [{1: 1, 2: 'rum', 3: ['service', 1, 's', 'x', 1, 'y'], 4: ["
                "{1: 's', 2: 'n', 3: 'n', 4: 2, " V10_TIMES
                ", 9: ['thread.id', 3, 30.0, 'f', 3, 1.5, 'b', 2, true], 13: 'e', "
                "14: '8', 15: 'net/http', 16: 4}, {1: 's', 2: 'n', 3: 'n', 4: 3, 5: 2, " V10_TIMES
                "}], " CHUNK_ID ", 7: 4}]}");
    bed_expect_span(&b, GW_OTEL, 2, bed_fields,
                    "n | producer | b='true' component='net/http' datadog.origin='rum' "
                    "datadog.sampling.mechanism=4 f=1.5 "
                    "sampling.priority=1 thread.id=30 x='y'");
    bed_expect_span(&b, GW_OTEL, 3, bed_fields,
                    "n | internal | datadog.origin='rum' datadog.sampling.mechanism=4 sampling.priority=1");
    bed_expect_resource(&b, 2,
                        "deployment.environment.name='e' process.executable.name='app' process.pid=12 "
                        "service.name='s' service.version='8' "
                        "telemetry.sdk.language='go'");
    for (uint64_t id = 2; id <= 3; id++) {
        const valid_span *s = bed_find(&b, GW_OTEL, id).span;
        assert_memory_equal(s->trace_state.data, "dd=s:1;o:rum;t.dm:-4", s->trace_state.len);
        assert_int_equal(s->trace_id.data[7], 0xab);
    }
    bed_close(&b);
}

/* A tag of a span says more of the mechanism than the chunk; 0 says nothing. */
static void v10_mechanism(void **state)
{
    struct bed b;
    bed_open(&b);
    run_v10(&b, "{11: [{1: 1, 4: [{1: 's', 2: 'n', 4: 2, " V10_TIMES
                ", 9: ['_dd.p.dm', 1, '934086a686-4']}], " CHUNK_ID
                ", 7: 4}, {1: 1, 4: [{1: 's', 2: 'n', 4: 3, " V10_TIMES "}], " CHUNK_ID ", 7: 0}]}");
    assert_memory_equal(bed_find(&b, GW_OTEL, 2).span->trace_state.data, "dd=s:1;t.dm:934086a686-4", 24);
    assert_int_equal(bed_find(&b, GW_OTEL, 3).span->trace_state.len, strlen("dd=s:1"));
    bed_close(&b);
}

static void v10_events_and_links(void **state)
{
    struct bed b;
    bed_open(&b);
    run_v10(&b, "{11: [{4: [{1: 's', 2: 'n', 4: 2, " V10_TIMES
                ", 11: [{1: <c4 10 00000000000000cd 0000000000000007>, 2: 8, 3: ['k', 1, 'v', 'n', 3, 5.0], "
                "4: 'x=y', 5: 1}], "
                "12: [{1: 1700000000000000001, 2: 'e', 3: ['b', 2, true, 'i', 4, 7, 'd', 3, 1.5, 'a', 6, [1, "
                "'x', 6, [4, "
                "1]], 'l', 7, ['k', 1, 'v', 'k', 1, 'w', '', 1, 'z']]}]}], " CHUNK_ID "}]}");
    bed_expect_span(
        &b, GW_OTEL, 2, bed_fields,
        "n | internal |  | event e at 1700000000000000001 a=['x' [1]] b=true d=1.5 i=7 l={k='w'} | link "
        "00000000000000cd0000000000000007/0000000000000008 state='x=y' flags=1 k='v' n='5'");
    assert_int_equal(b.out.odd.empty_keys, 1);
    bed_close(&b);
}

/* A chunk that says no trace id has none; one of 64 bits is complete once another chunk says the upper half. */
static void v10_trace_ids(void **state)
{
    struct bed b;
    bed_open(&b);
    run_v10(&b, "{11: [{4: [{4: 2}, {4: 3}]}, {4: [{4: 4}], 6: <c4 10 0000000000000000 0000000000000001>}, "
                "{4: [{4: 5, 5: "
                "4}], " CHUNK_ID "}, {4: [{4: 6}], 6: <c4 10 00000000000000ab 0000000000000000>}]}");
    assert_int_equal(b.out.intake.not_taken[GW_REASON_ZERO_TRACE_ID], 2);
    assert_non_null(bed_find(&b, GW_OTEL, 4).span);
    assert_int_equal(bed_find(&b, GW_OTEL, 5).span->trace_id.data[7], 0xab);
    assert_int_equal(bed_find(&b, GW_OTEL, 6).span->trace_id.data[7], 0xab);
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_of_the_process), cmocka_unit_test(facts_beside_headers),
        cmocka_unit_test(one_resource),         cmocka_unit_test(facts_of_a_chunk),
        cmocka_unit_test(chunk_before_spans),   cmocka_unit_test(dropped_chunks),
        cmocka_unit_test(v10_fields),           cmocka_unit_test(v10_mechanism),
        cmocka_unit_test(v10_events_and_links), cmocka_unit_test(v10_trace_ids)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
