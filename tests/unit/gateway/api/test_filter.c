/* The filter language: what its words mean, and what is said of wrong ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/api/filter.h"
#include "translators/otlp/otlp_write.h"

static struct otlp_buf attributes, resource;

static struct wire_view view(const struct otlp_buf *w)
{
    return (struct wire_view){w->data, w->data + w->len};
}

/* A span of service "web", GET /a, with an error, and a few attributes. */
static struct gw_filter_item item(void)
{
    return (struct gw_filter_item){.service = GW_STR("web"),
                                   .name = GW_STR("GET /a b"),
                                   .body = GW_STR("Connection REFUSED by peer"),
                                   .source = GW_STR("nginx"),
                                   .kind = 2,
                                   .status = 2,
                                   .severity = 17,
                                   .high = 0x1122334455667788,
                                   .low = 0x99aabbccddeeff00,
                                   .item = view(&attributes),
                                   .item_field = 9,
                                   .resource = view(&resource)};
}

static int setup(void **state)
{
    otlp_attr_text(&attributes, 9, GW_STR("http.route"), GW_STR("/a/{id}"));
    otlp_attr_int(&attributes, 9, GW_STR("http.response.status_code"), 503);
    otlp_attr_bool(&attributes, 9, GW_STR("error.seen"), true);
    otlp_attr_double(&attributes, 9, GW_STR("rate"), 0.5);
    otlp_attr_text(&resource, 1, GW_STR("host.name"), GW_STR("node-7"));
    return 0;
}

static int teardown(void **state)
{
    otlp_fini(&attributes);
    otlp_fini(&resource);
    return 0;
}

static bool passes(const char *text)
{
    struct gw_filter f;
    struct gw_err err;
    struct gw_filter_item i = item();
    if (gw_filter_read(&f, gw_str_z(text), &err) != GW_OK)
        fail_msg("%s: %s", text, err.what);
    return gw_filter_passes(&f, &i);
}

static void words_choose(void **state)
{
    static const char *const good[] = {
        "",
        "   ",
        "service:web",
        "service:WEB",
        "service:w*",
        "service:*eb",
        "service:*",
        "name:\"GET /a b\"",
        "name:*/a*",
        "\"GET /a\"",
        "get",
        "refused",
        "connection peer",
        "status:error",
        "kind:server",
        "kind:Server",
        "host:node-*",
        "source:nginx",
        "trace:99aabbccddeeff00",
        "trace:112233445566778899AABBCCDDEEFF00",
        "severity:warn",
        "severity:warning",
        "severity:error",
        "http.route=/a/{id}",
        "http.route=/a/*",
        "http.response.status_code=503",
        "error.seen=true",
        "rate=0.5",
        "host.name=node-7",
        "-service:db",
        "-nothing",
        "-http.route=/b",
        "service:web status:error -kind:client refused",
        "\"by peer\"",
    };
    static const char *const bad[] = {
        "service:we",
        "service:webs",
        "name:GET",
        "status:ok",
        "kind:client",
        "host:node-8",
        "source:apache",
        "trace:99aabbccddeeff01",
        "trace:012233445566778899aabbccddeeff00",
        "severity:fatal",
        "http.route=/a",
        "no.such=1",
        "http.response.status_code=50",
        "-service:web",
        "-refused",
        "service:web status:ok",
        "\"a  b\"",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!passes(good[i]))
            fail_msg("%s should pass", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (passes(bad[i]))
            fail_msg("%s should not pass", bad[i]);
}

static void urls_and_quoted_texts_are_no_keys(void **state)
{
    struct gw_filter f;
    assert_int_equal(gw_filter_read(&f, GW_STR("http://x/y"), NULL), GW_OK);
    assert_int_equal(f.n, 1);
    assert_int_equal(f.words[0].kind, GW_FILTER_TEXT);
    assert_int_equal(gw_filter_read(&f, GW_STR("\"a:b c=d\" k=\"v w\""), NULL), GW_OK);
    assert_int_equal(f.n, 2);
    assert_string_equal(f.words[0].text.ptr, "a:b c=d");
    assert_int_equal(f.words[1].kind, GW_FILTER_ATTRIBUTE);
    assert_string_equal(f.words[1].text.ptr, "v w");
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"servce:web", "\"servce\": there is no such key"},
        {"min:fast", "want a duration such as 200ms"},
        {"min:5", "want a duration"},
        {"trace:12", "32 or 16 hexadecimal digits"},
        {"trace:zz22334455667788", "32 or 16 hexadecimal digits"},
        {"status:bad", "status is error, ok or unset"},
        {"kind:x", "kind is server"},
        {"severity:loud", "severity is trace"},
        {"service:", "the value is missing"},
        {"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "more than 16 words"},
    };
    struct gw_filter f;
    struct gw_err err;
    char long_text[GW_FILTER_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(gw_filter_read(&f, gw_str_z(cases[i].text), &err), GW_BAD_REQUEST);
        if (!strstr(err.what, cases[i].says))
            fail_msg("%s: %s", cases[i].text, err.what);
    }
    memset(long_text, 'x', sizeof long_text);
    assert_int_equal(gw_filter_read(&f, gw_str_n(long_text, sizeof long_text), &err), GW_BAD_REQUEST);
}

static bool trace_passes(const char *text, uint32_t met, uint64_t duration)
{
    struct gw_filter f;
    assert_int_equal(gw_filter_read(&f, gw_str_z(text), NULL), GW_OK);
    return gw_filter_passes_trace(&f, met, 1, 2, duration);
}

static void a_trace_passes_by_any_of_its_spans(void **state)
{
    assert_true(trace_passes("service:a service:b", 3, 0));
    assert_false(trace_passes("service:a service:b", 1, 0));
    assert_true(trace_passes("service:a -service:b", 1, 0));
    assert_false(trace_passes("service:a -service:b", 3, 0));
    assert_true(trace_passes("min:1.5ms max:2s", 0, 1500000));
    assert_false(trace_passes("min:1.5ms", 0, 1499999));
    assert_false(trace_passes("max:200us", 0, 200001));
    assert_true(trace_passes("-min:1m", 0, 59000000000));
    assert_true(trace_passes("trace:00000000000000010000000000000002", 0, 0));
    assert_false(trace_passes("trace:00000000000000020000000000000002", 0, 0));
}

static void a_copy_has_its_own_texts(void **state)
{
    struct gw_filter *f = malloc(sizeof *f), copy;
    struct gw_filter_item i = item();
    assert_int_equal(gw_filter_read(f, GW_STR("http.route=/a/* refused"), NULL), GW_OK);
    gw_filter_copy(&copy, f);
    memset(f, 'x', sizeof *f);
    free(f);
    assert_true(gw_filter_passes(&copy, &i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_choose),
        cmocka_unit_test(urls_and_quoted_texts_are_no_keys),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_trace_passes_by_any_of_its_spans),
        cmocka_unit_test(a_copy_has_its_own_texts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
