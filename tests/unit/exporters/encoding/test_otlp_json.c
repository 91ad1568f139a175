/* OTLP/JSON, value by value: the protobuf mapping and where OTLP departs from it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "exporters/encoding/otlp_json.h"
#include "trace_service.pb-c.h"

typedef Opentelemetry__Proto__Common__V1__AnyValue any_value;
typedef Opentelemetry__Proto__Trace__V1__Span span;

static ProtobufCBinaryData bytes_of(const char *z, size_t len)
{
    return (ProtobufCBinaryData){len, (uint8_t *)z};
}
#define BYTES(literal) bytes_of(literal, sizeof(literal) - 1)

static void assert_json(const void *message, const char *want)
{
    struct out o;
    out_init(&o, 1 << 20);
    otlp_json(&o, message);
    assert_false(o.failed);
    if (o.len != strlen(want) || memcmp(o.data, want, o.len) != 0)
        fail_msg("%.*s\nwant %s", (int)o.len, o.data, want);
    out_fini(&o);
}

static any_value empty_value(void)
{
    any_value v;
    opentelemetry__proto__common__v1__any_value__init(&v);
    return v;
}

static any_value text_value(ProtobufCBinaryData text)
{
    any_value v = empty_value();
    v.value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE;
    v.string_value = text;
    return v;
}

static void text_is_escaped_and_repaired(void **state)
{
    const struct {
        ProtobufCBinaryData text;
        const char *json;
    } table[] = {
        {BYTES(""), "{\"stringValue\":\"\"}"}, /* a member of a oneof is never left out */
        {BYTES("plain /text"), "{\"stringValue\":\"plain /text\"}"},
        {BYTES("\"\\\b\f\n\r\t"), "{\"stringValue\":\"\\\"\\\\\\b\\f\\n\\r\\t\"}"},
        {BYTES("\x00\x01\x1f\x7f"), "{\"stringValue\":\"\\u0000\\u0001\\u001f\\u007f\"}"},
        {BYTES("\xc2\x9b"), "{\"stringValue\":\"\\u009b\"}"},     /* C1: a terminal's escape */
        {BYTES("\xe2\x80\xae"), "{\"stringValue\":\"\\u202e\"}"}, /* turns the direction of text */
        {BYTES("\xc3\xa9\xf0\x9f\x98\x80"), "{\"stringValue\":\"é😀\"}"},
        /* not UTF-8: a mark for each byte */
        {BYTES("a\xff\xc3"), "{\"stringValue\":\"a\xef\xbf\xbd\xef\xbf\xbd\"}"},
        /* half of a surrogate pair */
        {BYTES("\xed\xa0\x80"), "{\"stringValue\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        any_value v = text_value(table[i].text);
        assert_json(&v, table[i].json);
    }
}

static void bytes_are_base64(void **state)
{
    static const char *const want[] = {"", "AA==", "AP8=", "AP+A", "AP+APw==", "AP+AP74="};
    for (size_t len = 0; len < 6; len++) {
        any_value v = empty_value();
        char json[64];
        v.value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BYTES_VALUE;
        v.bytes_value = bytes_of("\x00\xff\x80\x3f\xbe", len);
        snprintf(json, sizeof json, "{\"bytesValue\":\"%s\"}", want[len]);
        assert_json(&v, json);
    }
}

static void numbers_are_exact(void **state)
{
    static const struct {
        double value;
        const char *json;
    } table[] = {
        {0.0, "0"},
        {-0.0, "-0.0"},
        {1.0, "1"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {1e300, "1e+300"},
        {5e-324, "4.94065645841247e-324"},
        {9007199254740993.0, "9007199254740992"},
        {NAN, "\"NaN\""},
        {INFINITY, "\"Infinity\""},
        {-INFINITY, "\"-Infinity\""},
    };
    any_value v = empty_value();
    char json[64];
    v.value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_DOUBLE_VALUE;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        v.double_value = table[i].value;
        snprintf(json, sizeof json, "{\"doubleValue\":%s}", table[i].json);
        assert_json(&v, json);
    }
    v.value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_INT_VALUE;
    v.int_value = INT64_MIN;
    assert_json(&v, "{\"intValue\":\"-9223372036854775808\"}");
    v.int_value = 0;
    assert_json(&v, "{\"intValue\":\"0\"}");
    v.value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BOOL_VALUE;
    v.bool_value = false;
    assert_json(&v, "{\"boolValue\":false}");
    v.bool_value = true;
    assert_json(&v, "{\"boolValue\":true}");
    v.value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE__NOT_SET;
    assert_json(&v, "{}");
}

static void ids_are_hex_and_enums_are_numbers(void **state)
{
    span s = OPENTELEMETRY__PROTO__TRACE__V1__SPAN__INIT;
    Opentelemetry__Proto__Trace__V1__Status status = OPENTELEMETRY__PROTO__TRACE__V1__STATUS__INIT;
    s.trace_id = BYTES("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\xab\xcd\xef\xfe\xdc\xba");
    s.span_id = BYTES("\x10\x20\x30\x40\x50\x60\x70\x80");
    s.kind = OPENTELEMETRY__PROTO__TRACE__V1__SPAN__SPAN_KIND__SPAN_KIND_SERVER;
    s.start_time_unix_nano = UINT64_MAX;
    s.dropped_attributes_count = UINT32_MAX;
    s.status = &status;
    assert_json(
        &s, "{\"traceId\":\"00010203040506070809abcdeffedcba\",\"spanId\":\"1020304050607080\",\"kind\":2,"
            "\"startTimeUnixNano\":\"18446744073709551615\",\"droppedAttributesCount\":4294967295,\"status\":"
            "{}}");
    status.code = OPENTELEMETRY__PROTO__TRACE__V1__STATUS__STATUS_CODE__STATUS_CODE_ERROR;
    span bare = OPENTELEMETRY__PROTO__TRACE__V1__SPAN__INIT;
    assert_json(&bare, "{}"); /* what holds its default is left out */
    bare.status = &status;
    assert_json(&bare, "{\"status\":{\"code\":2}}");
}

static void lists_and_maps_nest(void **state)
{
    any_value one = text_value(BYTES("a")), list = empty_value(), *items[] = {&one, &one};
    Opentelemetry__Proto__Common__V1__ArrayValue array = OPENTELEMETRY__PROTO__COMMON__V1__ARRAY_VALUE__INIT;
    Opentelemetry__Proto__Common__V1__KeyValue pair = OPENTELEMETRY__PROTO__COMMON__V1__KEY_VALUE__INIT,
                                               *pairs[] = {&pair};
    span s = OPENTELEMETRY__PROTO__TRACE__V1__SPAN__INIT;
    array.values = items;
    array.n_values = 2;
    list.value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_ARRAY_VALUE;
    list.array_value = &array;
    pair.key = BYTES("k");
    pair.value = &list;
    s.attributes = pairs;
    s.n_attributes = 1;
    assert_json(
        &s, "{\"attributes\":[{\"key\":\"k\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"a\"},"
            "{\"stringValue\":\"a\"}]}}}]}");
    array.n_values = 0;
    assert_json(&list, "{\"arrayValue\":{}}");
}

static void what_does_not_fit_fails_and_stays_within_its_limit(void **state)
{
    any_value v = text_value(BYTES("0123456789"));
    for (size_t limit = 0; limit < strlen("{\"stringValue\":\"0123456789\"}"); limit++) {
        struct out o;
        out_init(&o, limit);
        otlp_json(&o, (const ProtobufCMessage *)&v);
        assert_true(o.failed && !o.no_memory && o.len <= limit);
        out_fini(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped_and_repaired),
        cmocka_unit_test(bytes_are_base64),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(ids_are_hex_and_enums_are_numbers),
        cmocka_unit_test(lists_and_maps_nest),
        cmocka_unit_test(what_does_not_fit_fails_and_stays_within_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
