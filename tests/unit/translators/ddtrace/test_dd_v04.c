/* The decoder of v0.3 and v0.4: what it takes, what costs a span, what costs the payload.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/ddtrace/pack.h"

#include "tests/unit/translators/ddtrace/dd_show.h"

enum { BUDGET = 1 << 24 };

static const struct {
    const char *body, *want;
} cases[] = {
    /* empty payloads */
    {"", ""},
    {"null", ""},
    {"[]", ""},
    {"[[], []]", ""},
    {"[null]", ""},
    {"<dd 00000000>", ""},
    /* a span in full, keys in another order than usual */
    {"[[{'error': 1, 'type': 'web', 'trace_id': 1, 'span_id': 2, 'parent_id': 3, 'service': 'a', 'name': "
     "'b', 'resource': 'c', 'start': 4,"
     "'duration': 5, 'meta': {'k': 'v', 'k2': ''}, 'metrics': {'m': 1.5, 'n': 7}, 'meta_struct': {'s': <c4 "
     "03 616263>}}]]",
     "[t=1 s=2 p=3 service=a name=b resource=c type=web start=4 duration=5 error=1 meta{k=v k2=} "
     "metrics{m=1.5d n=7} struct{s=abc}]"},
    {"[[{'trace_id': 1, 'span_id': 2}, {'trace_id': 1, 'span_id': 3}], [], [{'trace_id': 4, 'span_id': 5}]]",
     "[t=1 s=2; t=1 s=3] [t=4 s=5]"},
    /* nil for every field: the same as absent */
    {"[[{'trace_id': 1, 'span_id': 2, 'parent_id': null, 'service': null, 'name': null, 'resource': null, "
     "'type': null, 'start': null,"
     "'duration': null, 'error': null, 'meta': null, 'metrics': null, 'meta_struct': null, 'span_links': "
     "null, 'span_events': null}]]",
     "[t=1 s=2]"},
    /* text: str of every width, and bin */
    {"[[{'trace_id': 1, 'span_id': 2, 'service': <d9 01 61>, 'name': <da 0001 62>, 'resource': <db 00000001 "
     "63>, 'type': <c4 01 64>,"
     "'meta': {<da 0001 6b>: <c5 0001 76>, <db 00000001 6c>: <c6 00000001 77>}}]]",
     "[t=1 s=2 service=a name=b resource=c type=d meta{k=v l=w}]"},
    {"[[{<c4 08 74726163655f6964>: 1, <d9 07 7370616e5f6964>: 2}]]", "[t=1 s=2]"},
    /* containers of every width */
    {"<dc 0001> <dd 00000001> <de 0002> 'trace_id' 1 'span_id' 2", "[t=1 s=2]"},
    /* integers: every width and sign, and floats without a fraction */
    {"[[{'trace_id': <cc 01>, 'span_id': <cd 0002>, 'parent_id': <ce 00000003>, 'start': <cf "
     "0000000000000004>, 'duration': <d0 05>,"
     "'error': <d1 0001>}]]",
     "[t=1 s=2 p=3 start=4 duration=5 error=1]"},
    {"[[{'trace_id': <d2 00000001>, 'span_id': <d3 0000000000000002>, 'parent_id': 3.0, 'start': <ca "
     "40800000>, 'duration': -5, 'error': "
     "1.0}]]",
     "[t=1 s=2 p=3 start=4 duration=-5 error=1]"},
    {"[[{'trace_id': <cf ffffffffffffffff>, 'span_id': <d3 ffffffffffffffff>, 'parent_id': -2}]]",
     "[t=18446744073709551615 s=18446744073709551615 p=18446744073709551614]"},
    {"[[{'trace_id': 1, 'span_id': 2, 'start': <cf ffffffffffffffff>, 'duration': <cf 8000000000000000>, "
     "'error': <d3 8000000000000000>}]]",
     "[t=1 s=2 start=9223372036854775807 duration=9223372036854775807 error=-2147483648]"},
    {"[[{'trace_id': 1, 'span_id': 2, 'error': true}, {'trace_id': 1, 'span_id': 3, 'error': false}]]",
     "[t=1 s=2 error=1; t=1 s=3]"},
    /* tags: what is no text becomes text, what is no number may be one */
    {"[[{'trace_id': 1, 'span_id': 2, 'meta': {'i': 7, 'neg': -7, 'big': 18446744073709551615, 'f': 1.5, "
     "'f32': <ca 3e000000>, 'third': "
     "0.1,"
     "'t': true, 'n': false, 'nil': null, 5: 'five', null: 'none'}}]]",
     "[t=1 s=2 meta{i=7 neg=-7 big=18446744073709551615 f=1.5 f32=0.125 third=0.1 t=true n=false nil= 5=five "
     "=none}]"},
    {"[[{'trace_id': 1, 'span_id': 2, 'meta': {'a': 'b', 'map': {'x': 'y'}, 'c': [1, [2]], 'ext': <d4 01 "
     "00>, {}: 'e', 'd': 'e'}}]]",
     "[t=1 s=2 meta{a=b d=e}], left out tags=4 links=0 events=0"},
    {"[[{'trace_id': 1, 'span_id': 2, 'metrics': {'a': 1, 'b': -1, 'c': <cd 0100>, 'd': <cf "
     "ffffffffffffffff>, 'e': 2.5, 'f': <ca "
     "3fc00000>,"
     "'nil': null, 't': true}}]]",
     "[t=1 s=2 metrics{a=1 b=-1 c=256 d=18446744073709551615u e=2.5d f=1.5d nil=0 t=1}]"},
    {"[[{'trace_id': 1, 'span_id': 2, 'metrics': {'nan': <cb 7ff8000000000000>, 'inf': <cb "
     "7ff0000000000000>, '-inf': <ca ff800000>}}]]",
     "[t=1 s=2 metrics{nan=nand inf=infd -inf=-infd}]"},
    {"[[{'trace_id': 1, 'span_id': 2, 'metrics': {'a': '12', 'b': '-1.5', 'c': 'many', 'd': '', 'e': [1], "
     "'f': {}, 'g': "
     "'18446744073709551615', 'h': 1}}]]",
     "[t=1 s=2 metrics{a=12 b=-1.5d g=18446744073709551615u h=1}], left out tags=4 links=0 events=0"},
    /* keys that stand twice: tags are kept in order, a field's last value counts */
    {"[[{'trace_id': 9, 'trace_id': 1, 'span_id': 2, 'meta': {'z': 'z'}, 'meta': {'a': 'b', 'a': 'c'}}]]",
     "[t=1 s=2 meta{a=b a=c}]"},
    {"[[{'trace_id': 1, 'span_id': 2, 'meta': {'z': 'z'}, 'metrics': {'z': 1}, 'meta': {}, 'metrics': "
     "null}]]",
     "[t=1 s=2]"},
    /* unknown keys, and keys that are no text */
    {"[[{'trace_id': 1, 'future': {'a': [1, {'b': <c7 01 05 00>}]}, 'span_id': 2, 5: 'x', [1]: 'y', "
     "'spam_id': 7, 'metr1cs': 3}]]",
     "[t=1 s=2]"},
    /* meta_struct: bin, str, or the value itself; nil is none */
    {"[[{'trace_id': 1, 'span_id': 2, 'meta_struct': {'a': <c4 02 4142>, 'b': 'CD', 'c': ['E'], 'd': null, "
     "'e': <c4 00>}}]]",
     "[t=1 s=2 struct{a=AB b=CD c=\x91\xa1"
     "E e=}]"},
    /* links */
    {"[[{'trace_id': 1, 'span_id': 2, 'span_links': [{'trace_id': 11259375, 'trace_id_high': 4660, "
     "'span_id': <cf 8000000000000005>,"
     "'attributes': {'k': 'v', 'n': 3}, 'tracestate': 'dd=s:1', 'flags': 2147483649, 'more': 1}, null, "
     "{'trace_id': 'x'}, 5, {'span_id': "
     "7}]}]]",
     "[t=1 s=2 link{12340000000000abcdef:8000000000000005 state=dd=s:1 flags=2147483649 attrs{k=v n=3}} "
     "link{00000000000000000:7}],"
     " left out tags=0 links=2 events=0"},
    /* events */
    {"[[{'trace_id': 1, 'span_id': 2, 'span_events': [{'time_unix_nano': 1700000000000000001, 'name': 'e', "
     "'attributes': {"
     "'s': {'type': 0, 'string_value': 'x'}, 'b': {'type': 1, 'bool_value': true}, 'i': {'int_value': -12, "
     "'type': 2},"
     "'d': {'type': 3, 'double_value': 2.5}, 'whole': {'type': 3, 'double_value': 2},"
     "'a': {'type': 4, 'array_value': {'values': [{'type': 0, 'string_value': 'y'}, {'type': 2, 'int_value': "
     "1}]}},"
     "'none': {'type': 4}, 'untyped': {'bool_value': true}, 'bare': 'z', 'list': [1, 2.5, false]}}, null]}]]",
     "[t=1 s=2 event{e@1700000000000000001 s='x' b=true i=-12 d=2.5d whole=2d a=('y',1) none=() untyped=true "
     "bare='z' "
     "list=(1,2.5d,false)}]"},
    {"[[{'trace_id': 1, 'span_id': 2, 'span_events': [{'time_unix_nano': <cb 43b8e9e8c93439c4>, 'name': "
     "'js'}, {'time_unix_nano': 'x'},"
     "{'name': 'f', 'time_unix_nano': 1.5}, {'name': 'nan', 'time_unix_nano': <cb 7ff8000000000000>},"
     "{'name': 'far', 'time_unix_nano': <cf ffffffffffffffff>}, {'name': 'inf', 'time_unix_nano': <cb "
     "7ff0000000000000>}]}]]",
     "[t=1 s=2 event{js@1795221877346124800} event{f@2} event{nan@0} event{far@9223372036854775807} "
     "event{inf@9223372036854775807}],"
     " left out tags=0 links=0 events=1"},
    {"[[{'trace_id': 1, 'span_id': 2, 'span_events': [{'name': 'e', 'attributes': {'a': {'type': 9}, 'b': "
     "{'type': 0, 'string_value': []},"
     "'c': [[1]], 'd': null, 'e': {'int_value': 1}, [1]: 'x'}}]}]]",
     "[t=1 s=2 event{e@0 e=1}], left out tags=5 links=0 events=0"},
    /* what costs the span, and the span alone */
    {"[[{'trace_id': 1, 'span_id': 2}, {'trace_id': 'x', 'span_id': 3, 'meta': {'a': 'b'}}, {'trace_id': 1, "
     "'span_id': 4}]]",
     "[t=1 s=2; t=1 s=4] refused bad_span=1"},
    {"[[{'trace_id': 1, 'span_id': 2, 'name': {}}, {'trace_id': 1, 'span_id': 3, 'meta': ['a']}, "
     "{'trace_id': 1, 'span_id': 4, 'start': "
     "1.5},"
     "{'trace_id': 1, 'span_id': 5, 'duration': [5]}, {'trace_id': 1, 'span_id': 6, 'metrics': 'x'}, 7, "
     "'span', [1, 2],"
     "{'trace_id': true, 'span_id': 8}, {'trace_id': 1, 'span_id': 9, 'span_links': {}}, {'trace_id': 1, "
     "'span_id': 10, 'error': 'x'},"
     "{'trace_id': 1, 'span_id': 11, 'service': 5}, {'trace_id': 1, 'span_id': <cb 7ff8000000000000>}, "
     "{'trace_id': 1, 'span_id': 12}]]",
     "[t=1 s=12] refused bad_span=13"},
    {"[[null, {'trace_id': 1, 'span_id': 2}, null], [null]]", "[t=1 s=2] refused nil_span=3"},
    {"[[{'trace_id': 0, 'span_id': 2}, {'trace_id': 1, 'span_id': 0}, {'span_id': 2}, {'trace_id': 1}, {}, "
     "{'trace_id': 1, 'span_id': 2}]]",
     "[t=0 s=2; t=0 s=2; t=1 s=2] refused zero_trace_id=1 zero_span_id=2"},
    /* what is no payload */
    {"{}", "BAD_ENVELOPE@0: the payload is a map, want an array of chunks"},
    {"'x'", "BAD_ENVELOPE@0: the payload is text, want an array of chunks"},
    {"[[], {'trace_id': 1}]", "BAD_ENVELOPE@2: chunk 1 is a map, want an array of spans"},
    {"[[{'trace_id': 1, 'span_id': 2}], 5]",
     "BAD_ENVELOPE@22: chunk 1 is an integer, want an array of spans"},
    {"<c1>", "BAD_MSGPACK@0: 0xc1 is no msgpack"},
    {"[[{'trace_id': <c1>}]]", "BAD_MSGPACK@12: 0xc1 is no msgpack"},
    {"[[]] 5", "BAD_MSGPACK@2: 1 bytes follow the payload"},
    {"[] <c1>", "BAD_MSGPACK@1: 1 bytes follow the payload"},
    {"<92 90>", "BAD_MSGPACK@0: claims more elements than can follow: 2, and 2 bytes are left"},
    {"<dd ffffffff>",
     "BAD_MSGPACK@0: claims more elements than can follow: 4294967295, and 5 bytes are left"},
    {"<91 91 df 7fffffff 00>",
     "BAD_MSGPACK@2: claims more elements than can follow: 2147483647, and 6 bytes are left"},
    {"[[{'trace_id': 1, 'meta': <81 a1 6b db ffffffff>}]]",
     "BAD_MSGPACK@21: claims more bytes than follow: 4294967295, and 5 bytes are left"},
    {"<91 91 81 a8 74726163655f6964 cf 00>", "BAD_MSGPACK@12: the body ends inside a value"},
};

static void test_cases(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gw_str body = pack(cases[i].body);
        const char *got = show_payload(DD_V04_MSGPACK, body, BUDGET);
        if (strcmp(got, cases[i].want) != 0)
            print_error("case %zu: %s\n", i, cases[i].body);
        assert_string_equal(got, cases[i].want);
        free((void *)body.ptr);
    }
}

/* 65 000 levels of arrays where an unknown value stands cost no stack. */
static void test_deep_nesting_is_skipped(void **state)
{
    enum { DEPTH = 65000 };
    uint8_t *body = malloc(DEPTH + 64);
    gw_str head = pack("<91 91 83 a8 74726163655f6964 01 a7 7370616e5f6964 02 a1 78>");
    memcpy(body, head.ptr, head.len);
    memset(body + head.len, 0x91, DEPTH);
    body[head.len + DEPTH] = 0xc0;
    gw_str whole = gw_str_n((char *)body, head.len + DEPTH + 1);
    assert_string_equal(show_payload(DD_V04_MSGPACK, whole, BUDGET), "[t=1 s=2]");
    free((void *)head.ptr);
    free(body);
}

/* An array that claims more than 500 000 elements is refused even where the bytes could hold them. */
static void test_element_limit(void **state)
{
    enum { N = DD_MAX_ELEMENTS + 1 };
    char *body = calloc(1, N + 6);
    memcpy(body, "\x91\xdd\x00\x07\xa1\x21", 6);
    memset(body + 6, 0xc0, N);
    assert_string_equal(show_payload(DD_V04_MSGPACK, gw_str_n(body, N + 6), BUDGET),
                        "BAD_MSGPACK@1: has more elements than allowed: 500001, and 500006 bytes are left");
    body[5]--;
    assert_string_equal(show_payload(DD_V04_MSGPACK, gw_str_n(body, N + 5), BUDGET),
                        "refused nil_span=500000");
    free(body);
}

/* The smallest spans that are kept fill all the room that is made for a chunk, and one more is refused behind
 * them. */
static void test_least_spans(void **state)
{
    static const char span[] = "\x81\xa7span_id\x01";
    enum { N = 100, SPAN = sizeof span - 1 };
    static char body[4 + N * SPAN + 1] = {'\x91', '\xdc', (char)((N + 1) >> 8), (char)((N + 1) & 255)};
    for (int i = 0; i < N; i++)
        memcpy(body + 4 + i * SPAN, span, SPAN);
    body[4 + N * SPAN] = 7;
    const char *shown = show_payload(DD_V04_MSGPACK, gw_str_n(body, sizeof body), BUDGET);
    assert_non_null(strstr(shown, "refused bad_span=1"));
    size_t spans = 0;
    for (const char *s = shown; (s = strstr(s, "s=1")); s++)
        spans++;
    assert_int_equal(spans, N);
}

static void test_budget(void **state)
{
    gw_str body = pack("[[{'trace_id': 1, 'span_id': 2, 'meta': {'a': 'b'}}]]");
    assert_string_equal(show_payload(DD_V04_MSGPACK, body, 0),
                        "BUDGET@0: the spans of this payload need more than 0 bytes");
    free((void *)body.ptr);
}

/* Views point into the body: nothing is copied. */
static void test_views(void **state)
{
    gw_str body = pack("[[{'trace_id': 1, 'span_id': 2, 'service': 'abc', 'meta': {'key': 'value'}}]]");
    struct gw_arena arena;
    struct dd_decoder d;
    struct dd_chunk chunk;
    struct gw_intake intake = {0};
    bool more;
    gw_arena_init(&arena, BUDGET);
    assert_int_equal(dd_decode_begin(&d, DD_V04_MSGPACK, body, &arena, NULL), GW_OK);
    assert_int_equal(dd_decode_next(&d, &chunk, &more, &intake, NULL), GW_OK);
    assert_true(more);
    assert_int_equal(chunk.n, 1);
    gw_str views[] = {chunk.spans->service, chunk.spans->meta->key, chunk.spans->meta->value};
    for (size_t i = 0; i < 3; i++)
        assert_true(views[i].ptr > body.ptr && views[i].ptr + views[i].len <= body.ptr + body.len);
    assert_int_equal(dd_decode_next(&d, &chunk, &more, &intake, NULL), GW_OK);
    assert_false(more);
    assert_int_equal(chunk.n, 0);
    assert_int_equal(dd_decode_next(&d, &chunk, &more, &intake, NULL), GW_OK); /* stays over */
    assert_false(more);
    assert_int_equal(intake.received, 1);
    gw_arena_fini(&arena);
    free((void *)body.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),         cmocka_unit_test(test_deep_nesting_is_skipped),
        cmocka_unit_test(test_element_limit), cmocka_unit_test(test_budget),
        cmocka_unit_test(test_views),         cmocka_unit_test(test_least_spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
