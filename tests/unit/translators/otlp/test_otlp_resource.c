/* Resources of OTLP requests, changed: what is added, what is replaced, what is taken out; and that nothing else is
 * touched. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "otlp_show.h"

#include "trace_service.pb-c.h"
#include "translators/otlp/otlp_resource.h"

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest traces;

static struct otlp_buf w;

static int begin(void **state)
{
    otlp_fini(&w);
    return 0;
}

static void put_resource(const struct otlp_attribute *all, size_t n)
{
    size_t r = otlp_open(&w, 1, 1);
    for (size_t i = 0; i < n; i++)
        otlp_attr_text(&w, 1, all[i].key, all[i].value);
    otlp_uint(&w, 2, 5); /* dropped_attributes_count */
    otlp_close(&w, r, 1);
}

static const struct otlp_attribute found[] = {{GW_LIT("service.name"), GW_LIT("shop")},
                                              {GW_LIT("sls.otel.akid"), GW_LIT("key")},
                                              {GW_LIT("sls.otel.project"), GW_LIT("p")},
                                              {GW_LIT("sls.other"), GW_LIT("kept")}};

/* The resource of each ResourceSpans of the rewritten request. */
static uint64_t rewritten(const struct otlp_resource_policy *policy, struct show *s)
{
    struct otlp_buf out = {0};
    uint64_t n = otlp_resource_rewrite(policy, otlp_written(&w), &out);
    traces *t = opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
        NULL, out.len, out.data);
    assert_non_null(t);
    for (size_t i = 0; i < t->n_resource_spans; i++) {
        if (t->resource_spans[i]->resource)
            dump_attrs(s, t->resource_spans[i]->resource->attributes,
                       t->resource_spans[i]->resource->n_attributes);
        else
            append_text(s, "none");
        assert_int_equal(t->resource_spans[i]->schema_url.len, 1);
    }
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(t, NULL);
    otlp_fini(&out);
    return n;
}

static void test_credentials_go_out(void **state)
{
    const struct otlp_resource_policy policy = {.takes_credentials_out = true};
    struct show s = {.len = 0};
    size_t rs = otlp_open(&w, 1, 2);
    put_resource(found, 4);
    otlp_bytes(&w, 3, GW_STR("u"));
    otlp_close(&w, rs, 2);
    rs = otlp_open(&w, 1, 2);
    otlp_bytes(&w, 3, GW_STR("u"));
    otlp_close(&w, rs, 2);
    assert_int_equal(rewritten(&policy, &s), 2);
    assert_string_equal(s.text, "{service.name=\"shop\" sls.other=\"kept\"}none");
}

static void test_set_and_missing(void **state)
{
    static const struct otlp_attribute set[] = {{GW_LIT("service.name"), GW_LIT("new")},
                                                {GW_LIT("a"), GW_LIT("1")}},
                                       missing[] = {{GW_LIT("sls.other"), GW_LIT("not this")},
                                                    {GW_LIT("b"), GW_LIT("2")}};
    const struct otlp_resource_policy policy = {.set = set, .set_n = 2, .missing = missing, .missing_n = 2};
    struct show s = {.len = 0};
    size_t rs = otlp_open(&w, 1, 2);
    put_resource(found, 1);
    put_resource(found + 3, 1); /* the resource in two parts */
    otlp_bytes(&w, 3, GW_STR("u"));
    otlp_close(&w, rs, 2);
    rs = otlp_open(&w, 1, 2);
    otlp_bytes(&w, 3, GW_STR("u"));
    otlp_close(&w, rs, 2);
    assert_int_equal(rewritten(&policy, &s), 0);
    assert_string_equal(s.text, "{service.name=\"new\" a=\"1\" b=\"2\" sls.other=\"kept\"}"
                                "{service.name=\"new\" a=\"1\" sls.other=\"not this\" b=\"2\"}");
}

static void test_nothing_else_changes(void **state)
{
    const struct otlp_resource_policy policy = {.takes_credentials_out = true};
    struct otlp_buf out = {0};
    size_t rs = otlp_open(&w, 1, 2);
    put_resource(found, 1);
    otlp_bytes(&w, 2, GW_STR("\x12\x02\x0a\x00")); /* a span */
    otlp_bytes(&w, 1000, GW_STR("later"));
    otlp_close(&w, rs, 2);
    otlp_uint(&w, 9, 1);
    assert_int_equal(otlp_resource_rewrite(&policy, otlp_written(&w), &out), 0);
    assert_int_equal(out.len, w.len);
    assert_memory_equal(out.data, w.data, w.len);
    otlp_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_credentials_go_out, begin),
        cmocka_unit_test_setup(test_set_and_missing, begin),
        cmocka_unit_test_setup(test_nothing_else_changes, begin),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    otlp_fini(&w);
    return failed;
}
