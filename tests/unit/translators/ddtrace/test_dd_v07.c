/* The decoder of v0.7: what the payload says, what its chunks say, and what is not as it should be.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/ddtrace/pack.h"

#include "tests/unit/translators/ddtrace/dd_show.h"

#define SPAN "{'trace_id': 1, 'span_id': 2}"
#define SHOWN "t=1 s=2"

static const struct {
    const char *body, *want;
} cases[] = {
    {"", ""},
    {"{}", ""},
    {"null", ""},
    {"{'chunks': null}", ""},
    {"{'chunks': []}", ""},
    {"{'chunks': [null, {}, {'spans': null}, {'spans': []}, {'priority': 1}]}", ""},
    {"{'chunks': [{'spans': [" SPAN "]}]}", "[" SHOWN "]"},
    /* in full, in the order of Go's struct: some of the process stands behind the chunks */
    {"{'container_id': 'c', 'language_name': 'go', 'language_version': '1.22', 'tracer_version': '1.60', "
     "'runtime_id': 'r', 'chunks': [{'priority': 1, 'origin': 'rum', 'spans': [" SPAN
     "], 'tags': {'_dd.p.dm': '-4'}, 'dropped_trace': false}], 'tags': {'a': 'b'}, 'env': 'prod', "
     "'hostname': "
     "'h', 'app_version': '7', 'container_debug': 'x'}",
     "[chunk priority=1 origin=rum tags{_dd.p.dm=-4}: " SHOWN
     "] runtime_id=r env=prod host=h language=go version=7 container=c language_version=1.22 "
     "tracer_version=1.60 tags{a=b} of the payload"},
    /* a priority that is none, and one that cannot be */
    {"{'chunks': [{'priority': -128, 'spans': [" SPAN "]}, {'priority': 1000, 'spans': [" SPAN
     "]}, {'priority': null, 'origin': null, 'tags': null, 'dropped_trace': null, 'spans': [" SPAN "]}]}",
     "[" SHOWN "] [" SHOWN "] [" SHOWN "]"},
    {"{'chunks': [{'priority': -1, 'spans': [" SPAN
     "]}, {'priority': 0, 'dropped_trace': true, 'spans': [" SPAN
     "]}, {'priority': '2', 'dropped_trace': 1, 'spans': [" SPAN "]}]}",
     "[chunk priority=-1: " SHOWN "] [chunk priority=0 dropped: " SHOWN "] [chunk priority=2 dropped: " SHOWN
     "]"},
    /* text is str or bin, or a number; keys that nobody knows are passed over, however deep their values */
    {"{<c4 03 65 6e 76>: <c4 01 61>, 'runtime_id': 5, 'new': {'a': [1, {'b': null}]}, 7: [], 'chunks': "
     "[{'new': [[[]]], 'spans': [" SPAN "]}]}",
     "[" SHOWN "] runtime_id=5 env=a of the payload"},
    /* a fact that cannot be read costs that fact */
    {"{'env': [1], 'tags': 5, 'hostname': {'a': 1}, 'chunks': [{'origin': {}, 'tags': [], 'priority': [], "
     "'dropped_trace': 'x', 'spans': [" SPAN "]}]}",
     "[" SHOWN "], left out tags=7 links=0 events=0"},
    {"{'tags': {'a': [1], 'b': 2, [3]: 'c', 'd': true}}",
     " tags{b=2 d=true} of the payload, left out tags=2 links=0 "
     "events=0"},
    /* a span that cannot be read costs that span */
    {"{'chunks': [{'origin': 'rum', 'spans': [5, " SPAN
     ", null, {'trace_id': 1}, {'trace_id': 'x', 'span_id': 2}]}]}",
     "[chunk origin=rum: " SHOWN "] refused bad_span=2 nil_span=1 zero_span_id=1"},
    /* chunks that stand in two places are all read */
    {"{'chunks': [{'spans': [" SPAN "]}], 'env': 'a', 'chunks': [{'spans': [" SPAN "]}]}",
     "[" SHOWN "] [" SHOWN "] env=a of the payload"},
    /* what is no payload */
    {"[]", "BAD_ENVELOPE@0: the payload is an array, want a map"},
    {"'x'", "BAD_ENVELOPE@0: the payload is text, want a map"},
    {"{'chunks': {}}", "BAD_ENVELOPE@8: chunks is a map, want an array"},
    {"{'chunks': [[]]}", "BAD_ENVELOPE@9: chunk 0 is an array, want a map"},
    {"{'chunks': [{}, 5]}", "BAD_ENVELOPE@10: chunk 1 is an integer, want a map"},
    {"{'chunks': [{'spans': {}}]}", "BAD_ENVELOPE@16: the spans of chunk 0 are a map, want an array"},
    {"{'chunks': [{'spans': [" SPAN "], 'spans': []}]}", "BAD_ENVELOPE@43: chunk 0 has spans twice"},
    {"{} 'x'", "BAD_MSGPACK@1: 2 bytes follow the payload"},
    {"<df ffffffff>",
     "BAD_MSGPACK@0: claims more elements than can follow: 4294967295, and 5 bytes are left"},
    {"<81 a6 63 68 75 6e 6b 73 dd 00 00 ff ff>",
     "BAD_MSGPACK@8: claims more elements than can follow: 65535, and 5 bytes are left"},
    {"<81 a3 65 6e 76 a5 61>", "BAD_MSGPACK@5: claims more bytes than follow: 5, and 2 bytes are left"},
    {"<81 a3 65 6e 76>", "BAD_MSGPACK@5: the body ends where a value should begin"},
    {"<82 a3 65 6e 76 a1 61>", "BAD_MSGPACK@7: the body ends where a value should begin"},
    {"<81 c1 00>", "BAD_MSGPACK@1: 0xc1 is no msgpack"},
};

static void test_cases(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gw_str body = pack(cases[i].body);
        const char *got = show_payload(DD_V07_MSGPACK, body, 1 << 24);
        if (strcmp(got, cases[i].want) != 0)
            print_error("case %zu: %s\n", i, cases[i].body);
        assert_string_equal(got, cases[i].want);
        free((void *)body.ptr);
    }
}

/* However the body is cut off, that is an error, and every count stays within what is there. */
static void test_cut_off(void **state)
{
    gw_str body = pack("{'env': 'prod', 'chunks': [{'priority': 1, 'tags': {'a': 'b'}, 'spans': [" SPAN
                       ", " SPAN "]}], 'tags': {'a': 'b'}}");
    for (size_t len = 1; len < body.len; len++) {
        char *cut = malloc(len); /* of its size, so that AddressSanitizer sees every read past it */
        memcpy(cut, body.ptr, len);
        assert_non_null(strstr(show_payload(DD_V07_MSGPACK, gw_str_n(cut, len), 1 << 24), "BAD_MSGPACK@"));
        free(cut);
    }
    assert_non_null(strstr(show_payload(DD_V07_MSGPACK, body, 400), "BUDGET@"));
    free((void *)body.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_cut_off)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
