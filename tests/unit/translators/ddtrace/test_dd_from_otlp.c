/* OTLP of a Datadog SDK as an agent's payload: the decoder of agents' payloads reads what is written, and what is none of
 * Datadog's stays as it came. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "translators/ddtrace/dd_from_otlp.h"
#include "translators/ddtrace/dd_span.h"

#define TRACE "\1\2\3\4\5\6\7\x8\0\0\0\0\0\0\0\x2a"
#define SPAN "\0\0\0\0\0\0\0\x7"

static struct otlp_buf w, plain, agent;
static struct gw_arena arena;
static const char *schema_url; /* of the resource; NULL: none, and another mark */

static int begin(void **state)
{
    otlp_fini(&w);
    otlp_fini(&plain);
    otlp_fini(&agent);
    gw_arena_init(&arena, 1 << 20);
    return 0;
}

static int end(void **state)
{
    gw_arena_fini(&arena);
    return 0;
}

static gw_str id(const char *bytes, size_t n)
{
    return gw_str_n(bytes, n);
}

static void put_span(gw_str trace, bool nested)
{
    size_t span = otlp_open(&w, 2, 2), value, pair;
    otlp_bytes(&w, 1, trace);
    otlp_bytes(&w, 2, id(SPAN, 8));
    otlp_bytes(&w, 5, GW_STR("GET /cart"));
    otlp_uint(&w, 6, 2);
    otlp_fixed64(&w, 7, 1000);
    otlp_fixed64(&w, 8, 1500);
    otlp_attr_text(&w, 9, GW_STR("operation.name"), GW_STR("web.request"));
    otlp_attr_text(&w, 9, GW_STR("span.type"), GW_STR("web"));
    otlp_attr_text(&w, 9, GW_STR("http.method"), GW_STR("GET"));
    otlp_attr_int(&w, 9, GW_STR("http.status_code"), 500);
    otlp_attr_bool(&w, 9, GW_STR("yes"), true);
    if (nested) {
        pair = otlp_attr_open(&w, 9, GW_STR("list"), &value);
        size_t array = otlp_open(&w, 5, 1);
        otlp_close(&w, array, 1);
        otlp_attr_close(&w, pair, value);
    }
    size_t status = otlp_open(&w, 15, 1);
    otlp_bytes(&w, 2, GW_STR("broken"));
    otlp_uint(&w, 3, 2);
    otlp_close(&w, status, 1);
    otlp_close(&w, span, 2);
}

static void put_resource_spans(const char *semantics, bool nested)
{
    size_t rs = otlp_open(&w, 1, 2), resource = otlp_open(&w, 1, 1);
    otlp_attr_text(&w, 1, GW_STR("service.name"), GW_STR("shop"));
    otlp_attr_text(&w, 1, GW_STR("telemetry.sdk.language"), GW_STR("nodejs"));
    otlp_attr_text(&w, 1, GW_STR("deployment.environment.name"), GW_STR("test"));
    otlp_attr_text(&w, 1, GW_STR("team"), GW_STR("core"));
    otlp_attr_text(&w, 1, GW_STR("telemetry.sdk.name"), GW_STR("datadog"));
    if (!schema_url)
        otlp_attr_text(&w, 1, GW_STR("_dd.sdk.otlp_export"), GW_STR("true"));
    if (semantics)
        otlp_attr_text(&w, 1, GW_STR("datadog.sdk.semantics"), gw_str_z(semantics));
    otlp_close(&w, resource, 1);
    size_t scope = otlp_open(&w, 2, 2);
    put_span(id(TRACE, 16), false);
    put_span(id(TRACE, 16), nested);
    put_span(id(&(TRACE "\x2b")[1], 16), false); /* another trace */
    otlp_close(&w, scope, 2);
    otlp_bytes(&w, 3, gw_str_z(schema_url));
    otlp_close(&w, rs, 2);
}

static gw_str meta(const struct dd_span *s, gw_str key)
{
    for (size_t i = 0; i < s->meta_n; i++)
        if (gw_str_eq(s->meta[i].key, key))
            return s->meta[i].value;
    return GW_NOSTR;
}

#define SAME(view, text) assert_true(gw_str_eq(view, GW_STR(text)))

static void test_a_payload(void **state)
{
    struct dd_decoder d;
    struct dd_chunk chunk;
    struct gw_intake intake = {0};
    struct gw_err err;
    bool more;
    put_resource_spans("datadog", false);
    assert_true(dd_from_otlp(otlp_written(&w), &plain, &agent));
    assert_int_equal(plain.len, 0);
    assert_int_equal(dd_decode_begin(&d, DD_AGENT_PROTOBUF, otlp_written(&agent), &arena, &err), GW_OK);
    assert_int_equal(dd_decode_next(&d, &chunk, &more, &intake, &err), GW_OK);
    assert_true(more);
    assert_int_equal(chunk.n, 2);
    assert_int_equal(chunk.priority, DD_NO_PRIORITY);
    SAME(chunk.payload->language, "nodejs");
    SAME(chunk.payload->env, "test");
    assert_int_equal(chunk.payload->tags_n, 1);
    SAME(chunk.payload->tags[0].key, "team");
    const struct dd_span *s = &chunk.spans[0];
    SAME(s->service, "shop");
    SAME(s->name, "web.request");
    SAME(s->resource, "GET /cart");
    SAME(s->type, "web");
    assert_int_equal(s->trace_id, 42);
    assert_int_equal(s->span_id, 7);
    assert_int_equal(s->parent_id, 0);
    assert_int_equal(s->start, 1000);
    assert_int_equal(s->duration, 500);
    assert_int_equal(s->error, 1);
    SAME(meta(s, GW_STR("_dd.p.tid")), "0102030405060708");
    SAME(meta(s, GW_STR("span.kind")), "server");
    SAME(meta(s, GW_STR("http.method")), "GET");
    SAME(meta(s, GW_STR("yes")), "true");
    SAME(meta(s, GW_STR("error.message")), "broken");
    assert_int_equal(s->metrics_n, 1);
    assert_true(s->metrics[0].d == 500);
    assert_int_equal(dd_decode_next(&d, &chunk, &more, &intake, &err), GW_OK);
    assert_true(more);
    assert_int_equal(chunk.n, 1);
    assert_int_equal(intake.received, 3);
}

static void stays(const char *semantics, bool nested)
{
    begin(NULL);
    put_resource_spans(semantics, nested);
    assert_false(dd_from_otlp(otlp_written(&w), &plain, &agent));
    assert_int_equal(agent.len, 0);
    assert_int_equal(plain.len, 0);
    end(NULL);
}

static void test_what_stays(void **state)
{
    stays("otel", false);
    stays("datadog", true); /* a list has no place in Datadog's spans */
}

/* What a gateway has translated names its schema; what ddtrace 4.16 sends does not. */
static void test_a_name_alone(void **state)
{
    schema_url = "";
    put_resource_spans(NULL, false);
    assert_true(dd_from_otlp(otlp_written(&w), &plain, &agent));
    schema_url = "https://opentelemetry.io/schemas/1.30.0";
    stays(NULL, false);
    schema_url = NULL;
}

static void test_the_older_mark(void **state)
{
    put_resource_spans(NULL, false);
    assert_true(dd_from_otlp(otlp_written(&w), &plain, &agent));
    assert_int_equal(plain.len, 0);
    assert_true(agent.len > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_payload, begin, end),
        cmocka_unit_test(test_what_stays),
        cmocka_unit_test_setup_teardown(test_a_name_alone, begin, end),
        cmocka_unit_test_setup_teardown(test_the_older_mark, begin, end),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    otlp_fini(&w);
    otlp_fini(&plain);
    otlp_fini(&agent);
    return failed;
}
