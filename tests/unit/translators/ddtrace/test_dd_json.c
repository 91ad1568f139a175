/* The decoder of JSON payloads: the tolerances of the msgpack forms, exact integers, numbers in meta as they
 * are written. json-c is the oracle for values.
 * SPDX-License-Identifier: Apache-2.0 */
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/translators/ddtrace/dd_show.h"

enum { BUDGET = 1 << 24 };

struct payload {
    const char *body, *want;
};

static void check(enum dd_format format, const struct payload *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(cases[i].body);
        char *body = malloc(len + 1); /* of its own size, for AddressSanitizer */
        memcpy(body, cases[i].body, len);
        body = realloc(body, len ? len : 1);
        const char *got = show_payload(format, gw_str_n(body, len), BUDGET);
        if (strcmp(got, cases[i].want) != 0)
            print_error("case %zu: %s\n", i, cases[i].body);
        assert_string_equal(got, cases[i].want);
        free(body);
    }
}

static void test_v04(void **state)
{
    static const struct payload cases[] = {
        {"", ""},
        {"[]", ""},
        {" [ [ ] , [ ] ] \n", ""},
        {"null", ""},
        {"[null]", ""},
        {"[[{\"trace_id\": 1, \"span_id\": 2, \"parent_id\": 3, \"service\": \"a\", \"name\": \"b\", "
         "\"resource\": \"c\", \"type\": "
         "\"web\","
         "\"start\": 4, \"duration\": 5, \"error\": 1, \"meta\": {\"k\": \"v\"}, \"metrics\": {\"m\": 1.5, "
         "\"n\": 7}}],"
         "[{\"trace_id\": 4, \"span_id\": 5}, {\"trace_id\": 4, \"span_id\": 6}]]",
         "[t=1 s=2 p=3 service=a name=b resource=c type=web start=4 duration=5 error=1 meta{k=v} "
         "metrics{m=1.5d n=7}] [t=4 s=5; t=4 s=6]"},
        {"[[{\"trace_id\":1,\"span_id\":2,\"parent_id\":null,\"service\":null,\"name\":null,\"resource\":"
         "null,\"type\":null,\"start\":null,"
         "\"duration\":null,\"error\":null,\"meta\":null,\"metrics\":null,\"meta_struct\":null,\"span_"
         "links\":null,\"span_events\":null}]]",
         "[t=1 s=2]"},
        /* integers are exact, and clamped where the msgpack forms clamp */
        {"[[{\"trace_id\":18446744073709551615,\"span_id\":9007199254740993,\"parent_id\":-1,\"start\":"
         "9223372036854775807,"
         "\"duration\":18446744073709551615}]]",
         "[t=18446744073709551615 s=9007199254740993 p=18446744073709551615 start=9223372036854775807 "
         "duration=9223372036854775807]"},
        {"[[{\"trace_id\":1.0,\"span_id\":2e3,\"start\":15e2,\"error\":true}]]",
         "[t=1 s=2000 start=1500 error=1]"},
        /* scalars in meta become text as they are written */
        {"[[{\"trace_id\":1,\"span_id\":2,\"meta\":{\"a\":1.50,\"b\":-0,\"c\":1E+2,\"d\":true,\"e\":false,"
         "\"f\":null,\"g\":"
         "12345678901234567890123}}]]",
         "[t=1 s=2 meta{a=1.50 b=-0 c=1E+2 d=true e=false f= g=12345678901234567890123}]"},
        {"[[{\"trace_id\":1,\"span_id\":2,\"meta\":{\"a\":{\"x\":[1,{}]},\"b\":[],\"c\":\"d\"},\"metrics\":{"
         "\"a\":\"12\",\"b\":\"x\",\"c\":"
         "true,\"d\":{},\"e\":null}}]]",
         "[t=1 s=2 meta{c=d} metrics{a=12 c=1 e=0}], left out tags=4 links=0 events=0"},
        /* escapes, surrogate pairs, and halves of pairs */
        {"[[{\"tr\\u0061ce_id\":1,\"span_id\":2,\"service\":\"a\\u0020b\\/"
         "c\\\"\\\\\",\"meta\":{\"\\u006b\":\"\\u00e9\\u20ac\\ud83d\\ude00\",\"l\":\"\\ud83dx\","
         "\"m\":\"\\ude00\"}}]]",
         "[t=1 s=2 service=a b/c\"\\ meta{k=\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 l=\xef\xbf\xbdx "
         "m=\xef\xbf\xbd}]"},
        {"[[{\"trace_id\":1,\"span_id\":2,\"service\":\"\xff\xfe\"}]]", "[t=1 s=2 service=\xff\xfe]"},
        /* bytes are base64 */
        {"[[{\"trace_id\":1,\"span_id\":2,\"meta_struct\":{\"a\":\"QUJD\",\"b\":\"QUI=\",\"c\":\"QQ\",\"d\":"
         "\"\",\"e\":\"!\",\"f\":5}}]]",
         "[t=1 s=2 struct{a=ABC b=AB c=A}], left out tags=2 links=0 events=0"},
        {"[[{\"trace_id\":1,\"span_id\":2,\"span_links\":[{\"trace_id\":5,\"trace_id_high\":6,\"span_id\":"
         "18446744073709551615,\"flags\":"
         "2147483649,"
         "\"tracestate\":\"s\",\"attributes\":{\"k\":\"v\",\"n\":1},\"more\":[{}]},null,{\"span_id\":\"x\"},"
         "7]}]]",
         "[t=1 s=2 link{60000000000000005:ffffffffffffffff state=s flags=2147483649 attrs{k=v n=1}}], left "
         "out tags=0 links=2 events=0"},
        {"[[{\"trace_id\":1,\"span_id\":2,\"span_events\":[{\"name\":\"e\",\"time_unix_nano\":"
         "1700000000000000001,\"attributes\":{"
         "\"s\":{\"type\":0,\"string_value\":\"x\"},\"b\":{\"type\":1,\"bool_value\":true},\"i\":{\"int_"
         "value\":-12,\"type\":2},"
         "\"d\":{\"type\":3,\"double_value\":2.5},\"a\":{\"type\":4,\"array_value\":{\"values\":[{\"type\":0,"
         "\"string_value\":\"y\"}]}},"
         "\"bare\":\"z\",\"list\":[1,2.5,false],\"nested\":[[1]],\"odd\":{\"type\":9},\"null\":null}},{"
         "\"name\":\"f\",\"time_unix_nano\":1."
         "7e18},"
         "{\"time_unix_nano\":\"x\"},null]}]]",
         "[t=1 s=2 event{e@1700000000000000001 s='x' b=true i=-12 d=2.5d a=('y') bare='z' "
         "list=(1,2.5d,false)} "
         "event{f@1700000000000000000}],"
         " left out tags=3 links=0 events=1"},
        /* what costs the span, and the span alone */
        {"[[{\"trace_id\":\"x\",\"span_id\":3,\"meta\":{\"a\":\"b\"}},{\"trace_id\":1,\"span_id\":2,\"name\":"
         "{\"a\":[1]}},{\"trace_id\":1,"
         "\"span_id\":2,\"meta\":[1]},"
         "{\"trace_id\":1,\"span_id\":1.5},{\"trace_id\":1e300,\"span_id\":1},7,\"span\",[],{\"trace_id\":1,"
         "\"span_id\":4}]]",
         "[t=1 s=4] refused bad_span=8"},
        {"[[null,{\"trace_id\":0,\"span_id\":2},{\"trace_id\":1},{},{\"trace_id\":1,\"span_id\":2}],[null]]",
         "[t=0 s=2; t=1 s=2] refused nil_span=2 zero_trace_id=1 zero_span_id=1"},
        /* what is no payload */
        {"{}", "BAD_ENVELOPE@0: the payload is an object, want an array"},
        {"  5", "BAD_ENVELOPE@2: the payload is a number, want an array"},
        {"[{\"trace_id\":1}]", "BAD_ENVELOPE@1: chunk 0 is an object, want an array of spans"},
        {"[[],5]", "BAD_ENVELOPE@4: chunk 1 is a number, want an array of spans"},
        {" ", "BAD_JSON@1: no value begins here"},
        {"hello", "BAD_JSON@0: no value begins like this"},
        {"[[]] x", "BAD_JSON@5: something stands behind the value"},
        {"null null", "BAD_JSON@5: something stands behind the value"},
        {"[[{\"trace_id\":1,\"span_id\":2,}]]", "BAD_JSON@28: a comma before the closing bracket"},
        {"[[{\"trace_id\":01}]]", "BAD_JSON@14: not a number"},
        {"[[{\"meta\":{\"a\":\"\\x\"}}]]", "BAD_JSON@16: no such escape"},
        {"[[{\"meta\":{\"a\":\"\n\"}}]]", "BAD_JSON@16: a control character in a string"},
        {"[[{\"name\":5 \"span_id\":2}]]", "BAD_JSON@12: want a comma or the closing bracket"},
    };
    check(DD_V04_JSON, cases, sizeof cases / sizeof *cases);
}

static void test_v01(void **state)
{
    static const struct payload cases[] = {
        {"[]", ""},
        {"[{\"trace_id\":1,\"span_id\":2},{\"trace_id\":1,\"span_id\":3},{\"trace_id\":4,\"span_id\":5,"
         "\"meta\":{\"a\":[]}},{\"trace_id\":"
         "1,\"span_id\":6}]",
         "[t=1 s=2; t=1 s=3] [t=4 s=5] [t=1 s=6], left out tags=1 links=0 events=0"},
        {"[null,{\"trace_id\":1,\"span_id\":2},{\"trace_id\":\"x\"},{\"trace_id\":1,\"span_id\":3},{\"trace_"
         "id\":4}]",
         "[t=1 s=2; t=1 s=3] refused bad_span=1 nil_span=1 zero_span_id=1"},
        {"[{\"trace_id\":1,\"span_id\":2},{\"trace_id\":2,\"span_id\":2}",
         "BAD_JSON@54: ends within an array or object"},
        {"[{\"trace_id\":1,\"span_id\":2}] []", "BAD_JSON@29: something stands behind the value"},
    };
    check(DD_V01_JSON, cases, sizeof cases / sizeof *cases);
}

/* Arrays grow: 8, 16, 32 … elements, each with all that it had. */
static void test_growth(void **state)
{
    enum { SPANS = 70, TAGS = 33 };
    char *body = malloc(SPANS * TAGS * 32), want[64];
    size_t at = (size_t)sprintf(body, "[[");
    struct gw_arena arena;
    struct dd_decoder d;
    struct dd_chunk chunk;
    struct gw_intake intake = {0};
    bool more;
    for (int s = 0; s < SPANS; s++) {
        at += (size_t)sprintf(body + at, "%s{\"trace_id\":1,\"span_id\":%d,\"meta\":{", s ? "," : "", s + 1);
        for (int t = 0; t < TAGS; t++)
            at += (size_t)sprintf(body + at, "%s\"k%d\":\"%d.%d\"", t ? "," : "", t, s, t);
        at += (size_t)sprintf(body + at, "}}");
    }
    at += (size_t)sprintf(body + at, "]]");
    gw_arena_init(&arena, BUDGET);
    assert_int_equal(dd_decode_begin(&d, DD_V04_JSON, gw_str_n(body, at), &arena, NULL), GW_OK);
    assert_int_equal(dd_decode_next(&d, &chunk, &more, &intake, NULL), GW_OK);
    assert_int_equal(chunk.n, SPANS);
    for (size_t s = 0; s < SPANS; s++) {
        assert_int_equal(chunk.spans[s].span_id, s + 1);
        assert_int_equal(chunk.spans[s].meta_n, TAGS);
        for (size_t t = 0; t < TAGS; t++) {
            sprintf(want, "%zu.%zu", s, t);
            assert_true(gw_str_eq(chunk.spans[s].meta[t].value, gw_str_z(want)));
        }
    }
    gw_arena_fini(&arena);
    free(body);
}

/* A payload cut at any byte is refused. */
static void test_truncation_is_never_ok(void **state)
{
    static const char body[] = "[[{\"trace_id\":18446744073709551615,\"span_id\":2,\"meta\":{\"a\\u0041\":"
                               "\"b\",\"c\":[1,{\"d\":null}]},\"metrics\":{\"m\":-1.5e3}"
                               ","
                               "\"span_events\":[{\"name\":\"e\",\"attributes\":{\"a\":{\"type\":4,\"array_"
                               "value\":{\"values\":[true]}}}}],\"error\":\"x\"}]]";
    assert_string_equal(show_payload(DD_V04_JSON, gw_str_z(body), BUDGET),
                        "refused bad_span=1, left out tags=1 links=0 events=0");
    for (size_t len = 1; len < sizeof body - 1; len++) {
        char *cut = malloc(len);
        memcpy(cut, body, len);
        if (strncmp(show_payload(DD_V04_JSON, gw_str_n(cut, len), BUDGET), "BAD_JSON@", 9) != 0)
            fail_msg("cut at %zu: %s", len, show_payload(DD_V04_JSON, gw_str_n(cut, len), BUDGET));
        free(cut);
    }
}

/* Numbers and text, as json-c reads them. */
static void test_agrees_with_json_c(void **state)
{
    static const char *const numbers[] = {"0",
                                          "-1",
                                          "9223372036854775807",
                                          "-9223372036854775808",
                                          "18446744073709551615",
                                          "1.5",
                                          "-2.25e-3",
                                          "1e22",
                                          "123456789012345678901",
                                          "0.1",
                                          "5e-324",
                                          "1.7976931348623157e308"};
    static const char *const texts[] = {"",
                                        "plain",
                                        "\\n\\t\\r\\b\\f",
                                        "\\u0000x",
                                        "\\u007f\\u0080\\u07ff\\u0800\\uffff",
                                        "\\ud800\\udc00\\udbff\\udfff",
                                        "\\ud800",
                                        "\\udc00\\ud800",
                                        "\\ud800\\ud800\\udc00",
                                        "\xc3\xa9"};
    char body[512];
    struct gw_arena arena;
    struct dd_decoder d;
    struct dd_chunk chunk;
    struct gw_intake intake = {0};
    bool more;
    gw_arena_init(&arena, BUDGET);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        snprintf(body, sizeof body, "[[{\"trace_id\":1,\"span_id\":1,\"metrics\":{\"m\":%s}}]]", numbers[i]);
        struct json_object *want = json_tokener_parse(numbers[i]);
        assert_int_equal(dd_decode_begin(&d, DD_V04_JSON, gw_str_z(body), &arena, NULL), GW_OK);
        assert_int_equal(dd_decode_next(&d, &chunk, &more, &intake, NULL), GW_OK);
        const struct dd_number *m = chunk.spans->metrics;
        union dd_number_value v = {.u = m->u};
        if (json_object_is_type(want, json_type_int) && m->kind != DD_DOUBLE)
            assert_true(m->kind == DD_UINT ? v.u == json_object_get_uint64(want)
                                           : v.i == json_object_get_int64(want));
        else if (json_object_is_type(want, json_type_double))
            assert_true(m->kind == DD_DOUBLE && v.d == json_object_get_double(want));
        else /* json-c saturates integers of more than 64 bits; we keep the double */
            assert_true(m->kind == DD_DOUBLE && v.d == strtod(numbers[i], NULL));
        json_object_put(want);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        snprintf(body, sizeof body, "\"%s\"", texts[i]);
        struct json_object *want = json_tokener_parse(body);
        snprintf(body, sizeof body, "[[{\"trace_id\":1,\"span_id\":1,\"name\":\"%s\"}]]", texts[i]);
        assert_int_equal(dd_decode_begin(&d, DD_V04_JSON, gw_str_z(body), &arena, NULL), GW_OK);
        assert_int_equal(dd_decode_next(&d, &chunk, &more, &intake, NULL), GW_OK);
        gw_str name = chunk.spans->name,
               text = gw_str_n(json_object_get_string(want), (size_t)json_object_get_string_len(want));
        if (!gw_str_eq(name, text))
            fail_msg("%s: %.*s, json-c has %.*s", texts[i], GW_FMT(name), GW_FMT(text));
        json_object_put(want);
    }
    gw_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v04),
        cmocka_unit_test(test_v01),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_truncation_is_never_ok),
        cmocka_unit_test(test_agrees_with_json_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
