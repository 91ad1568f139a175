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

static void facts_of_the_process(void **state)
{
    struct bed b;
    bed_open(&b);
    /* headers say less than the payload */
    b.req = (struct dd_request){.lang = GW_STR("jvm"),
                                .lang_version = GW_STR("header"),
                                .interpreter = GW_STR("HotSpot"),
                                .tracer_version = GW_STR("header"),
                                .container_id = GW_STR("header")};
    run_v07(&b,
            "{'container_id': 'c', 'language_name': 'golang', 'language_version': '1.22', 'tracer_version': "
            "'1.60', 'runtime_id': 'r', 'chunks': [{'spans': [" ROOT "]}, {'spans': [" OTHER
            "]}], 'tags': {'a': 'b', 'process_id': '7', '_dd.git.commit.sha': 'f00', 'env': 'not this', "
            "'host.name': 'nor this'}, 'env': 'prod', 'hostname': 'h', 'app_version': '7'}");
    bed_expect_resource(&b, 2,
                        "a='b' container.id='c' datadog.runtime_id='r' deployment.environment.name='prod' "
                        "host.name='h' process.pid=7 process.runtime.name='HotSpot' "
                        "process.runtime.version='1.22' service.instance.id='r' service.name='s' "
                        "service.version='7' telemetry.sdk.language='go' telemetry.sdk.version='1.60' "
                        "vcs.ref.head.revision='f00'");
    /* the version is that of the application's own service; a span's own env comes first */
    bed_expect_resource(&b, 4,
                        "a='b' container.id='c' datadog.base_service='s' datadog.runtime_id='r' "
                        "deployment.environment.name='own' host.name='h' process.pid=7 "
                        "process.runtime.name='HotSpot' process.runtime.version='1.22' "
                        "service.instance.id='r' service.name='postgres' telemetry.sdk.language='go' "
                        "telemetry.sdk.version='1.60' vcs.ref.head.revision='f00'");
    assert_memory_equal(bed_find(&b, GW_OTEL, 2).scope->scope->version.data, "1.60", 4);
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(facts_of_the_process), cmocka_unit_test(one_resource),
                                       cmocka_unit_test(facts_of_a_chunk),
                                       cmocka_unit_test(chunk_before_spans),
                                       cmocka_unit_test(dropped_chunks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
