/* The decoder of v1.0: texts by number, attributes with types, fields by number, and what is not as it should
 * be.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/ddtrace/pack.h"

#include "tests/unit/translators/ddtrace/dd_show.h"

#define ID "6: <c4 10 00000000000000ab 0000000000000001>"
#define SPAN "{4: 2}"
#define SHOWN "[chunk high=ab: t=1 s=2]"
/* one chunk with one span of these fields, and what that span is shown as */
#define ONE(fields) "{11: [{" ID ", 4: [{4: 2, " fields "}]}]}"
#define WANT(shown) "[chunk high=ab: t=1 s=2 " shown "]"

static const struct {
    const char *body, *want;
} cases[] = {
    {"", ""},
    {"{}", ""},
    {"null", ""},
    {"{11: null}", ""},
    {"{11: [null, {}, {4: null}, {4: []}, {1: 1}]}", ""},
    {"{11: [{4: [" SPAN "], " ID "}]}", SHOWN},
    {"{11: [{" ID ", 4: [" SPAN "]}]}", SHOWN},
    /* in full; 0 is the empty text, the others are numbered as they come */
    {"{2: 'c', 3: 'go', 4: '1.22', 5: '2.12', 6: 'r', 7: 'prod', 8: 'h', 9: '7', 10: ['a', 1, 'b', 'n', 4, "
     "5], "
     "11: [{1: 2, 2: 'rum', 3: ['service', 1, 's', 'k', 1, 'v', 'm', 3, 1.5], 4: [{1: 's', 2: 'op', 3: "
     "'res', "
     "4: 2, 5: 3, 6: 4, 7: 5, 8: true, 9: ['x', 1, 1], 10: 'web', 13: 6, 14: 8, 15: 3, 16: 2}], 5: false, " ID
     ", 7: 4}]}",
     "[chunk priority=2 mechanism=4 origin=rum high=ab tags{k=v} numbers{m=1.5d}: t=1 s=2 p=3 service=s "
     "name=op "
     "resource=res type=web start=4 duration=5 error=1 meta{x=c env=prod version=7 component=1.22 "
     "span.kind=server}] runtime_id=r env=prod host=h language=go version=7 container=c "
     "language_version=1.22 "
     "tracer_version=2.12 tags{a=b n=5} of the payload"},
    /* the list of texts at the head, without the empty one */
    {"{1: ['', 'a', 'b'], 11: [{" ID ", 4: [{4: 2, 1: 1, 2: 2, 3: 'c', 10: 3}]}]}",
     WANT("service=a name=b resource=c type=c")},
    /* a text that stands there again keeps its number; the empty one has one */
    {ONE("1: 'a', 2: 'a', 3: '', 10: 'b', 13: 2"), WANT("service=a name=a type=b meta{env=b}")},
    /* numbers of every width, bin and nil */
    {ONE("1: 'a', 2: <cc 01>, 3: <cd 0001>, 10: <ce 00000001>, 13: <cf 0000000000000001>, 14: <d0 01>, "
         "15: <c4 01 62>"),
     WANT("service=a name=a resource=a type=a meta{env=a version=a component=b}")},
    {ONE("1: null, 5: null, 6: null, 8: null, 9: null, 11: null, 12: null, 13: null, 16: null"), SHOWN},
    /* attributes of every type; arrays and lists are spread over keys with a dot */
    {ONE("9: ['s', 1, 't', 'b', 2, true, 'b', 2, false, 'd', 3, 1.5, 'i', 4, -7, 'u', 4, <cf "
         "ffffffffffffffff>, "
         "'y', 5, <c4 02 81 a0>, 'a', 6, [1, 'x', 4, 5, 6, [2, true]], 'l', 7, ['k', 1, 'v', 'n', 7, ['m', "
         "3, "
         "2.0]], 'e', 6, [], 'f', 7, []]"),
     WANT("meta{s=t b=true b=false a.0=x a.2.0=true l.k=v e=[] f={}} metrics{d=1.5d i=-7 "
          "u=18446744073709551615u a.1=5 l.n.m=2d} struct{y=\x81\xa0}")},
    /* numbers in the type that the wire has, whatever the attribute says */
    {ONE("9: ['a', 3, 5, 'b', 4, 5.0, 'c', 3, null]"), WANT("metrics{a=5 b=5d c=0}")},
    /* what has a field of its own may be an attribute, too: the field wins */
    {ONE("9: ['env', 1, 'x', 'version', 1, 'y', 'component', 1, 'z', 'span.kind', 1, 'w'], 13: 'a', 14: 'b', "
         "15: "
         "'c', 16: 3"),
     WANT("meta{env=a version=b component=c span.kind=client}")},
    {ONE("13: 'env', 9: [1, 1, 'x']"), WANT("meta{env=env}")},
    {ONE("13: '', 9: ['env', 1, 'x']"), WANT("meta{env=x}")},
    /* kinds */
    {ONE("16: 0"), SHOWN},
    {ONE("16: 1"), WANT("meta{span.kind=internal}")},
    {ONE("16: 3"), WANT("meta{span.kind=client}")},
    {ONE("16: 4"), WANT("meta{span.kind=producer}")},
    {ONE("16: 5"), WANT("meta{span.kind=consumer}")},
    {ONE("16: 6"), SHOWN},
    /* links and events */
    {ONE("11: [{1: <c4 10 00000000000000cd 0000000000000007>, 2: 8, 3: ['k', 1, 'v', 'n', 3, 5.0, 'b', 2, "
         "true], 4: "
         "'x=y', 5: 1}, null, {2: 9}]"),
     WANT("link{cd0000000000000007:8 state=x=y flags=1 attrs{k=v b=true n=5}} "
          "link{00000000000000000:9}")},
    {ONE("12: [{1: 5, 2: 'e', 3: ['s', 1, 't', 'b', 2, true, 'd', 3, 1.5, 'i', 4, 7, 'a', 6, [1, 'x', 4, 1], "
         "'y', "
         "5, <c4 01 61>, 'l', 7, ['k', 1, 'v']]}, null, {2: 1, 1: 6.0}]"),
     WANT("event{e@5 s='t' b=true d=1.5d i=7 a=('x',1) y=bytes a l={k='v'}} event{e@6}")},
    /* unknown keys are walked: texts in them are numbered, in keys and values alike */
    {"{99: {'a': ['b', {'c': 'd'}], 5: 'a'}, 11: [{8: 'e', 4: [{17: ['f', [['g']]], 4: 2, 1: 1, 2: 4, 3: 5, "
     "10: 7}], " ID "}]}",
     WANT("service=a name=d resource=e type=g")},
    {"{'key': 'value', 11: [{'x': null, 4: [{'y': 1, 4: 2, 1: 1, 2: 2, 3: 3, 10: 4}], " ID "}]}",
     WANT("service=key name=value resource=x type=y")},
    /* bytes are no texts */
    {"{99: [<c4 01 61>, 1, 2.5, true, null, <d4 01 00>], 11: [{" ID ", 4: [{4: 2, 1: 'x', 2: 1}]}]}",
     WANT("service=x name=x")},
    /* trace ids of another form */
    {"{11: [{6: <c4 08 0000000000000001>, 4: [" SPAN "]}, {6: 1, 4: [" SPAN "]}, {6: <c4 00>, 4: [" SPAN
     "]}, {4: [" SPAN "]}]}",
     "[t=1 s=2] [t=1 s=2] [t=0 s=2] [t=0 s=2]"},
    {"{11: [{6: <c4 11 00000000000000000000000000000000 01>, 4: [" SPAN "]}, {6: 'x', 4: [{4: 2, 1: 1}]}]}",
     "[t=0 s=2] [t=0 s=2 service=x], left out tags=2 links=0 events=0"},
    /* facts of chunks */
    {"{11: [{1: -128, 7: 0, 2: 0, 5: true, " ID ", 4: [" SPAN "]}, {1: 300, 7: 256, 2: '', " ID ", 4: [" SPAN
     "]}]}",
     "[chunk high=ab dropped: t=1 s=2] " SHOWN},
    /* a span that cannot be read costs that span, and the texts in it count */
    {"{11: [{" ID
     ", 4: [{4: 2, 1: 'a', 2: 99, 3: 'b'}, {4: 3, 1: 1, 2: 2}, 5, 'c', null, {}, {1: 'd'}, {4: 'e', 1: 'f'}, "
     "{4: 4, 1: 5, 2: 6}]}]}",
     "[chunk high=ab: t=1 s=3 service=a name=b; t=1 s=4 service=e name=f] refused bad_span=3 nil_span=2 "
     "zero_span_id=1 bad_index=1"},
    {"{11: [{" ID ", 4: [{4: 2, 9: ['a', 1]}, {4: 3, 9: ['b', 1, 9]}, {4: 4, 9: 5}, {4: 5, 1: 1, 2: 2}]}]}",
     "[chunk high=ab: t=1 s=5 service=a name=b] refused bad_span=2 bad_index=1"},
    /* an attribute that cannot be read costs that attribute */
    {ONE("9: ['a', 8, ['x'], 'b', 1, [], 'c', 3, 'y', 'd', 4, {}, 'e', 5, 'z', 'f', 6, [1], 'g', 7, [1, 2], "
         "[1], 1, "
         "'k', 'h', 'i', 'j', 'l', 1, 'm'], 1: 3, 2: 2"),
     WANT("service=b name=x meta{l=m}") ", left out tags=9 links=0 events=0"},
    {ONE("11: [{2: 'x'}, 5, {4: 77}, {2: 3, 3: [1]}, {2: 7}], 12: [{2: 88}, 'y', {1: 'z'}, {2: 3}], 1: 1"),
     WANT("service=x link{00000000000000000:7} event{z@0}") ", left out tags=0 links=4 events=3"},
    {"{7: [1], 10: 'x', 8: 99, 10: ['a'], 11: [{2: [], 3: ['b'], 1: 'c', 5: 'd', 7: 'e', " ID
     ", 4: [{4: 2, 1: 1, 2: "
     "6}]}]}",
     WANT("service=x name=e") ", left out tags=9 links=0 events=0"},
    /* chunks in two places */
    {"{11: [{" ID ", 4: [" SPAN "]}], 7: 'a', 11: [{" ID ", 4: [" SPAN "]}]}",
     SHOWN " " SHOWN " env=a of the payload"},
    /* what is no payload */
    {"[]", "BAD_ENVELOPE@0: the payload is an array, want a map"},
    {"{1: 5}", "BAD_ENVELOPE@2: the list of strings is an integer, want an array"},
    {"{1: ['a', 5]}", "BAD_ENVELOPE@5: an entry of the list of strings is an integer, want text"},
    {"{11: {}}", "BAD_ENVELOPE@2: chunks is a map, want an array"},
    {"{11: [{}, []]}", "BAD_ENVELOPE@4: chunk 1 is an array, want a map"},
    {"{11: [{4: {}}]}", "BAD_ENVELOPE@5: the list of spans of chunk 0 is a map, want an array"},
    {"{11: [{4: [" SPAN "], 4: []}]}", "BAD_ENVELOPE@10: chunk 0 has spans twice"},
    {"{} 'x'", "BAD_MSGPACK@1: 2 bytes follow the payload"},
    {"<df ffffffff>",
     "BAD_MSGPACK@0: claims more elements than can follow: 4294967295, and 5 bytes are left"},
    {"<81 0b dd 00 00 ff ff>",
     "BAD_MSGPACK@2: claims more elements than can follow: 65535, and 5 bytes are left"},
    {"<81 07 a5 61>", "BAD_MSGPACK@2: claims more bytes than follow: 5, and 2 bytes are left"},
    {"<81 63 92 c1 00>", "BAD_MSGPACK@3: 0xc1 is no msgpack"},
};

static void test_cases(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gw_str body = pack(cases[i].body);
        const char *got = show_payload(DD_V10_MSGPACK, body, 1 << 24);
        if (strcmp(got, cases[i].want) != 0)
            print_error("case %zu: %s\n", i, cases[i].body);
        assert_string_equal(got, cases[i].want);
        free((void *)body.ptr);
    }
}

/* However the body is cut off, that is an error. */
static void test_cut_off(void **state)
{
    gw_str body =
        pack("{7: 'prod', 99: {'u': ['v']}, 11: [{1: 1, 3: ['a', 1, 'b'], 4: [{4: 2, 1: 's', 9: ['k', 6, [1, "
             "'x'], 'y', 5, <c4 01 00>], 11: [{2: 3}], 12: [{2: 'e', 3: ['l', 7, ['m', 1, 'n']]}]}, {4: 4, "
             "1: 1}], " ID "}]}");
    for (size_t len = 1; len < body.len; len++) {
        char *cut = malloc(len); /* of its size, so that AddressSanitizer sees every read past it */
        memcpy(cut, body.ptr, len);
        assert_non_null(strstr(show_payload(DD_V10_MSGPACK, gw_str_n(cut, len), 1 << 24), "BAD_MSGPACK@"));
        free(cut);
    }
    for (size_t budget = 0; budget < 12000; budget += 500)
        (void)show_payload(DD_V10_MSGPACK, body, budget);
    assert_non_null(strstr(show_payload(DD_V10_MSGPACK, body, 400), "BUDGET@"));
    free((void *)body.ptr);
}

/* Texts past the table's first room, by every width of number, and each of them again. */
static void test_many_texts(void **state)
{
    enum { TEXTS = 70000 };
    static char text[TEXTS * 20 + 256];
    size_t at = (size_t)sprintf(text, "{99: [");
    for (int again = 0; again < 2; again++)
        for (int i = 1; i <= TEXTS; i++)
            at += (size_t)sprintf(text + at, "'%d',", i);
    sprintf(text + at, "], 11: [{" ID
                       ", 4: [{4: 2, 1: 127, 2: 128, 3: 256, 10: 65536, 13: 70000}, {4: 3, 1: 70001}, {4: 4, "
                       "1: 'x', 2: 70001}]}]}");
    gw_str body = pack(text);
    assert_string_equal(
        show_payload(DD_V10_MSGPACK, body, 1 << 26),
        "[chunk high=ab: t=1 s=2 service=127 name=128 resource=256 type=65536 meta{env=70000}; t=1 s=4 "
        "service=x name=x] refused bad_index=1");
    free((void *)body.ptr);
}

/* Values that lie too deep cost their attribute; what nobody knows may lie as deep as it likes. */
static void test_depth(void **state)
{
    enum { DEEP = 100000 };
    static uint8_t body[3 * DEEP + 64];
    for (int deep = 63; deep <= DEEP; deep = deep < 65 ? deep + 1 : deep * 1000) {
        size_t n = 0;
        memcpy(body, "\x81\x0b\x91\x82\x06\x01\x04\x91\x82\x04\x02\x09\x93\xa1k\x06", 16);
        for (n = 16; n < 16 + 2 * (size_t)deep; n += 2)
            memcpy(body + n, "\x92\x06", 2);
        body[n++] = 0x90;
        const char *got = show_payload(DD_V10_MSGPACK, gw_str_n((char *)body, n), 1 << 24);
        assert_true(!strstr(got, "left out") == (deep <= 64));
        memcpy(body, "\x82\x63", 2);
        memset(body + 2, 0x91, (size_t)deep);
        memcpy(body + 2 + deep, "\xa1x\x0b\x91\x82\x06\x01\x04\x91\x82\x04\x02\x01\x01", 14);
        got = show_payload(DD_V10_MSGPACK, gw_str_n((char *)body, 16 + (size_t)deep), 1 << 24);
        assert_string_equal(got, "[t=1 s=2 service=x]");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_cut_off),
                                       cmocka_unit_test(test_many_texts), cmocka_unit_test(test_depth)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
