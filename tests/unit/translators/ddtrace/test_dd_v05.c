/* The decoder of v0.5: dictionary and arrays of twelve.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/ddtrace/pack.h"

#include "tests/unit/translators/ddtrace/dd_show.h"

static const struct {
    const char *body, *want;
} cases[] = {
    /* empty payloads; 92 90 90 is Java's probe */
    {"", ""},
    {"[]", ""},
    {"null", ""},
    {"[[], []]", ""},
    {"[['a'], [[], null]]", ""},
    {"[null, null]", ""},
    /* a span in full */
    {"[['', 'svc', 'op', 'res', 'web', 'k', 'v', 'm'], [[[1, 2, 3, 10, 11, 12, 13, 14, 1, {5: 6}, {7: 1.5, "
     "5: 2}, 4]]]]",
     "[t=10 s=11 p=12 service=svc name=op resource=res type=web start=13 duration=14 error=1 meta{k=v} "
     "metrics{m=1.5d k=2}]"},
    /* Java: entry 0 is no empty text, and entries stand twice */
    {"[['App', 'op', 'op', 'k', 'k'], [[[0, 1, 2, 1, 2, 0, 0, 0, 0, {3: 0, 4: 1}, {}, 0]]]]",
     "[t=1 s=2 service=App name=op resource=op type=App meta{k=App k=op}]"},
    /* dd-trace-js writes every index as uint32; nil is empty text; integers have any width */
    {"[['a', 'b'], [[[<ce 00000001>, <cd 0001>, <cc 01>, <cf 0000000000000001>, 2, null, <d3 "
     "0000000000000003>, <cf ffffffffffffffff>, "
     "null,"
     "{<ce 00000000>: <ce 00000001>}, {<cd 0000>: <cd 0007>}, null]]]]",
     "[t=1 s=2 service=b name=b resource=b start=3 duration=9223372036854775807 meta{a=b} metrics{a=7}]"},
    {"[['a'], [[[0, 0, 0, 1, 2, 0, 0, 0, 0, null, null, 0], [0.0, 0, 0, 1, 3, 0, 0, 0, true, {}, {}, 0]], "
     "[[0, 0, 0, 4, 5, 0, 0, 0, 0, {}, "
     "{}, 0]]]]",
     "[t=1 s=2 service=a name=a resource=a type=a; t=1 s=3 service=a name=a resource=a type=a error=1]"
     " [t=4 s=5 service=a name=a resource=a type=a]"},
    /* entries of the dictionary: bin, nil and numbers */
    {"[[<c4 01 61>, null, 5], [[[0, 1, 2, 1, 2, 0, 0, 0, 0, {}, {}, 1]]]]", "[t=1 s=2 service=a resource=5]"},
    /* metrics that are text */
    {"[['a'], [[[0, 0, 0, 1, 2, 0, 0, 0, 0, {}, {0: '7', 0: 'x', 0: [1], 0: 2.5}, 0]]]]",
     "[t=1 s=2 service=a name=a resource=a type=a metrics{a=7 a=2.5d}], left out tags=2 links=0 events=0"},
    /* an index outside the dictionary, in each place */
    {"[['a'], [[[1, 0, 0, 1, 2, 0, 0, 0, 0, {}, {}, 0], [0, 1, 0, 1, 2, 0, 0, 0, 0, {}, {}, 0], [0, 0, <cd "
     "0100>, 1, 2, 0, 0, 0, 0, {}, "
     "{}, 0],"
     "[0, 0, 0, 1, 2, 0, 0, 0, 0, {5: 0}, {}, 0], [0, 0, 0, 1, 2, 0, 0, 0, 0, {0: <cc ff>}, {}, 0], [0, 0, "
     "0, 1, 2, 0, 0, 0, 0, {}, {<ce "
     "00010000>: 1}, 0],"
     "[0, 0, 0, 1, 2, 0, 0, 0, 0, {}, {}, -1], [0, 0, 0, 1, 3, 0, 0, 0, 0, {}, {}, 0]]]]",
     "[t=1 s=3 service=a name=a resource=a type=a] refused bad_index=7"},
    {"[[], [[[0, 0, 0, 1, 2, 0, 0, 0, 0, {}, {}, 0]]]]", "refused bad_index=1"},
    /* the wrong length */
    {"[['a'], [[[0, 0, 0, 1, 2, 0, 0, 0, 0, {}, {}], [], [0, 0, 0, 1, 2, 0, 0, 0, 0, {}, {}, 0, 0], [0, 0, "
     "0, 1, 3, 0, 0, 0, 0, {}, {}, "
     "0]]]]",
     "[t=1 s=3 service=a name=a resource=a type=a] refused bad_index=3"},
    /* fields of the wrong type */
    {"[['a'], [[['a', 0, 0, 1, 2, 0, 0, 0, 0, {}, {}, 0], [0, 0, 0, 'x', 2, 0, 0, 0, 0, {}, {}, 0], [0, 0, "
     "0, 1, 2, 0, 1.5, 0, 0, {}, {}, "
     "0],"
     "[0, 0, 0, 1, 2, 0, 0, 0, 0, [0, 0], {}, 0], [0, 0, 0, 1, 2, 0, 0, 0, 0, {'a': 0}, {}, 0], {'trace_id': "
     "1}, 5,"
     "[0, 0, 0, 1, 3, 0, 0, 0, 0, {}, {}, 0]]]]",
     "[t=1 s=3 service=a name=a resource=a type=a] refused bad_span=7"},
    {"[['a'], [[null, [0, 0, 0, 0, 2, 0, 0, 0, 0, {}, {}, 0], [0, 0, 0, 1, 0, 0, 0, 0, 0, {}, {}, 0]]]]",
     "[t=0 s=2 service=a name=a resource=a type=a] refused nil_span=1 zero_span_id=1"},
    /* what is no payload */
    {"[[]]", "BAD_ENVELOPE@0: the payload is an array of 1, want [dictionary, chunks]"},
    {"[[], [], []]", "BAD_ENVELOPE@0: the payload is an array of 3, want [dictionary, chunks]"},
    {"{}", "BAD_ENVELOPE@0: the payload is a map, want [dictionary, chunks]"},
    {"[{}, []]", "BAD_ENVELOPE@1: the dictionary is a map, want an array"},
    {"[['a', ['b']], []]", "BAD_ENVELOPE@4: entry 1 of the dictionary is an array, want text"},
    {"[['a'], {}]", "BAD_ENVELOPE@4: the second element is a map, want an array of chunks"},
    {"[['a'], [{}]]", "BAD_ENVELOPE@5: chunk 0 is a map, want an array of spans"},
    {"[['a'], []] 'x'", "BAD_MSGPACK@5: 2 bytes follow the payload"},
    {"<92 dd ffffffff 00>",
     "BAD_MSGPACK@1: claims more elements than can follow: 4294967295, and 6 bytes are left"},
    {"<92 91 a1>", "BAD_MSGPACK@2: claims more bytes than follow: 1, and 1 bytes are left"},
    {"<92 90 91 91 9c 00>", "BAD_MSGPACK@4: claims more elements than can follow: 12, and 2 bytes are left"},
    {"<92 90 91 91 9c 00 00 00 01 02 00 00 00 00 80 80 cd>", "BAD_MSGPACK@16: the body ends inside a value"},
    {"<92 90 91 91 9c c1 00 00 01 02 00 00 00 00 80 80 00>", "BAD_MSGPACK@5: 0xc1 is no msgpack"},
};

static void test_cases(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gw_str body = pack(cases[i].body);
        const char *got = show_payload(DD_V05_MSGPACK, body, 1 << 24);
        if (strcmp(got, cases[i].want) != 0)
            print_error("case %zu: %s\n", i, cases[i].body);
        assert_string_equal(got, cases[i].want);
        free((void *)body.ptr);
    }
}

/* Every width of an index finds the same entry, up to the last one and not past it. */
static void test_large_dictionary(void **state)
{
    enum { ENTRIES = 70000 };
    static char text[ENTRIES * 8 + 256];
    size_t at = (size_t)sprintf(text, "[[");
    for (int i = 0; i < ENTRIES; i++)
        at += (size_t)sprintf(text + at, "'%d'", i);
    sprintf(text + at, "], [[[127, 128, 255, 1, 2, 0, 0, 0, 0, {256: 65535, 65536: 69999}, {}, 0], [70000, "
                       "0, 0, 1, 2, 0, 0, 0, 0, {}, {}, 0]]]]");
    gw_str body = pack(text);
    assert_string_equal(
        show_payload(DD_V05_MSGPACK, body, 1 << 24),
        "[t=1 s=2 service=127 name=128 resource=255 type=0 meta{256=65535 65536=69999}] refused bad_index=1");
    free((void *)body.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_large_dictionary)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
