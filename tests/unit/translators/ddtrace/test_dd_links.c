/* Links, native and in a tag: each once, ids exact, flags clean, keys unique; what is malformed stays where it
 * was.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "translators/ddtrace/dd_links.h"

#include "tests/unit/translators/otlp/otlp_show.h"

static struct gw_arena arena;
static struct otlp_buf w;
static struct show shown;
static struct dd_oddities odd;

#define IDS "00000000000012340000000000abcdef/8000000000000005"
#define PY_ID "\"trace_id\": \"00000000000012340000000000abcdef\", \"span_id\": \"8000000000000005\""
#define GO_ID "\"trace_id\":11259375,\"trace_id_high\":4660,\"span_id\":9223372036854775813"

#define ZERO "00000000000000000000000000000000/0000000000000000"

static const struct dd_link native = {
    .trace_id = 0xabcdef, .trace_id_high = 0x1234, .span_id = 0x8000000000000005};

static void json_becomes_links(void **state)
{
    static const struct {
        const char *json;
        enum dd_tag_fate fate;
        const char *links;
    } cases[] = {
        {"[{" PY_ID ", \"attributes\": {\"link.kind\": \"test\", \"n\": \"3\"}, \"tracestate\": "
         "\"dd=s:1;t.dm:-4,other=1\", \"flags\": 1}]",
         DD_TAG_TAKEN,
         "link " IDS " \"dd=s:1;t.dm:-4,other=1\" flags=1 dropped=0 {link.kind=\"test\" n=\"3\"}"},
        {"[{" GO_ID ",\"attributes\":{\"link.kind\":\"test\"},\"tracestate\":\"dd=s:1\",\"flags\":1}]",
         DD_TAG_TAKEN, "link " IDS " \"dd=s:1\" flags=1 dropped=0 {link.kind=\"test\"}"},
        {"[{\"trace_id\":\"6b00e95f00000000047df67ce828b53f\",\"span_id\":\"4b7176b108b93c83\",\"flags\":"
         "2147483649,"
         "\"dropped_attributes_count\":7}]",
         DD_TAG_TAKEN, "link 6b00e95f00000000047df67ce828b53f/4b7176b108b93c83 \"\" flags=1 dropped=7 {}"},
        {"[{" PY_ID ", \"flags\": 2147483648}]", DD_TAG_TAKEN, "link " IDS " \"\" flags=0 dropped=0 {}"},
        {"[{" PY_ID ", \"attributes\": {\"i\": 3, \"u\": 18446744073709551615, \"d\": 2.5, \"b\": true, "
         "\"a\": [\"x\", 1], \"o\": {\"k\": null}, "
         "\"e\\u00e9\": \"\\n\"}}]",
         DD_TAG_TAKEN,
         "link " IDS " \"\" flags=0 dropped=0 {i=3 u=1.8446744073709552e+19 d=2.5 b=true a=[\"x\" 1] "
         "o={k=none} eé=\"\n\"}"},
        {"[{" PY_ID "},{\"trace_id\":\"1\",\"span_id\":2,\"attributes\":null,\"tracestate\":null,\"flags\":"
         "null,\"new\":[{}]}]",
         DD_TAG_TAKEN,
         "link " IDS " \"\" flags=0 dropped=0 {} | link 00000000000000000000000000000001/0000000000000002 "
         "\"\" flags=0 dropped=0 {}"},
        {"[{\"trace_id\":18446744073709551615,\"trace_id_high\":\"ff\",\"span_id\":18446744073709551615}]",
         DD_TAG_TAKEN, "link 00000000000000ffffffffffffffffff/ffffffffffffffff \"\" flags=0 dropped=0 {}"},
        /* PHP's name for the state; counts as text, as floats */
        {"[{" PY_ID ",\"trace_state\":\"dd=t.dm:-0\",\"flags\":\"1\",\"dropped_attributes_count\":\"12\"}]",
         DD_TAG_TAKEN, "link " IDS " \"dd=t.dm:-0\" flags=1 dropped=12 {}"},
        {"[{" PY_ID ",\"flags\":1.0,\"dropped_attributes_count\":1e3}]", DD_TAG_TAKEN,
         "link " IDS " \"\" flags=1 dropped=1000 {}"},
        {"[{" PY_ID ",\"flags\":\"\",\"dropped_attributes_count\":18446744073709551615}]", DD_TAG_TAKEN,
         "link " IDS " \"\" flags=0 dropped=4294967295 {}"},
        {"[{" PY_ID ",\"dropped_attributes_count\":-1}]", DD_TAG_MALFORMED, ""},
        {"[{" PY_ID ",\"dropped_attributes_count\":1.5}]", DD_TAG_MALFORMED, ""},
        {"[{" PY_ID ",\"dropped_attributes_count\":\"many\"}]", DD_TAG_MALFORMED, ""},
        /* span pointers: what has no ids, but says something */
        {"[{\"trace_id\":\"0\",\"span_id\":\"0\",\"attributes\":{\"link.kind\":\"span-pointer\",\"ptr.hash\":"
         "\"e7\"}},"
         "{\"trace_id\":\"00000000000000000000000000000000\",\"span_id\":\"0000000000000000\",\"attributes\":"
         "{\"ptr.hash\":"
         "\"e8\"}}]",
         DD_TAG_TAKEN,
         "link " ZERO " \"\" flags=0 dropped=0 {link.kind=\"span-pointer\" ptr.hash=\"e7\"} | "
         "link " ZERO " \"\" flags=0 dropped=0 {ptr.hash=\"e8\"}"},
        {"[{\"trace_id\":0,\"span_id\":9,\"tracestate\":\"a=b\"}]", DD_TAG_TAKEN,
         "link 00000000000000000000000000000000/0000000000000009 \"a=b\" flags=0 dropped=0 {}"},
        {"[{\"trace_id\":0,\"span_id\":0,\"attributes\":{}}]", DD_TAG_MALFORMED, ""},
        /* each key once, the last counts; none is empty */
        {"[{" PY_ID ",\"attributes\":{\"a\":1,\"\":0,\"b\":{\"c\":1,\"c\":2,\"\":3},\"\\u0061\":2}}]",
         DD_TAG_TAKEN, "link " IDS " \"\" flags=0 dropped=0 {b={c=2} a=2}"},
        {"[]", DD_TAG_TAKEN, ""},
        {"[{" PY_ID "}, {\"trace_id\":\"0\",\"span_id\":\"1\"}]", DD_TAG_MALFORMED,
         "link " IDS " \"\" flags=0 dropped=0 {}"},
        {"[{\"trace_id\":\"1\",\"span_id\":\"0\"}, {" PY_ID "}]", DD_TAG_MALFORMED,
         "link " IDS " \"\" flags=0 dropped=0 {}"},
        {"[3, {" PY_ID "}]", DD_TAG_MALFORMED, "link " IDS " \"\" flags=0 dropped=0 {}"},
        {"[{\"trace_id\":\"xyz\",\"span_id\":\"1\"}]", DD_TAG_MALFORMED, ""},
        {"[{\"trace_id\":\"000000000000000000000000000000001\",\"span_id\":\"1\"}]", DD_TAG_MALFORMED, ""},
        {"[{\"trace_id\":\"1\",\"span_id\":\"00000000000000001\"}]", DD_TAG_MALFORMED, ""},
        {"[{\"trace_id\":1.5,\"span_id\":1}]", DD_TAG_MALFORMED, ""},
        {"[{\"trace_id\":-1,\"span_id\":1}]", DD_TAG_MALFORMED, ""},
        {"[{\"trace_id\":36893488147419103232,\"span_id\":1}]", DD_TAG_MALFORMED, ""},
        {"[{" PY_ID ",\"attributes\":[]}]", DD_TAG_MALFORMED, ""},
        {"[{" PY_ID "}", DD_TAG_MALFORMED, ""},
        {"[{" PY_ID "}] x", DD_TAG_MALFORMED, ""},
        {"{" PY_ID "}", DD_TAG_MALFORMED, ""},
        {"none", DD_TAG_MALFORMED, ""},
        {"", DD_TAG_TAKEN, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum dd_tag_fate fate = dd_write_links(&w, &arena, NULL, 0, gw_str_z(cases[i].json), false, &odd);
        assert_string_equal(show(&shown, &w), cases[i].links);
        if (fate != cases[i].fate)
            fail_msg("%s: fate %d", cases[i].json, fate);
    }
}

static void native_links_keep_everything(void **state)
{
    struct dd_text attrs[] = {{GW_LIT("link.kind"), GW_LIT("test")}, {GW_LIT("bad\xff"), GW_LIT("\xc3\x28")}};
    struct dd_link links[] = {
        native, native, {.trace_id = 1, .span_id = 0}, {.trace_id_high = 1, .span_id = 2}};
    links[0].flags = 2147483649;
    links[0].tracestate = GW_STR("dd=s:1");
    links[0].attrs = attrs;
    links[0].attrs_n = 2;
    /* one has no span id */
    assert_int_equal(dd_write_links(&w, &arena, links, 4, GW_NOSTR, false, &odd), DD_TAG_MALFORMED);
    assert_string_equal(
        show(&shown, &w),
        "link " IDS " \"dd=s:1\" flags=1 dropped=0 {link.kind=\"test\" bad\xEF\xBF\xBD=\"\xEF\xBF\xBD(\"} | "
        "link " IDS " \"\" flags=0 dropped=0 {} | "
        "link 00000000000000010000000000000000/0000000000000002 \"\" flags=0 dropped=0 {}");
    assert_int_equal(dd_write_links(&w, &arena, links, 1, GW_NOSTR, true, &odd), DD_TAG_TAKEN);
    assert_string_equal(show(&shown, &w),
                        "link 00000000000000000000000000abcdef/8000000000000005 \"dd=s:1\" flags=1 dropped=0 "
                        "{link.kind=\"test\" bad\xEF\xBF\xBD=\"\xEF\xBF\xBD(\"}");
}

static void a_link_sent_twice_is_one_link(void **state)
{
    struct dd_link two[] = {{.trace_id = 7, .span_id = 8}, native};
    /* Go: both lists, same order */
    assert_int_equal(dd_write_links(&w, &arena, &native, 1, GW_STR("[{" GO_ID ",\"flags\":1}]"), false, &odd),
                     DD_TAG_TAKEN);
    assert_string_equal(show(&shown, &w), "link " IDS " \"\" flags=0 dropped=0 {}");
    /* another order, and one that only the JSON has */
    assert_int_equal(
        dd_write_links(&w, &arena, two, 2,
                       GW_STR("[{" GO_ID "},{\"trace_id\":9,\"span_id\":8},{\"trace_id\":7,\"span_id\":8}]"),
                       false, &odd),
        DD_TAG_TAKEN);
    assert_string_equal(show(&shown, &w),
                        "link 00000000000000000000000000000007/0000000000000008 \"\" flags=0 dropped=0 {} | "
                        "link " IDS " \"\" flags=0 dropped=0 {} | "
                        "link 00000000000000000000000000000009/0000000000000008 \"\" flags=0 dropped=0 {}");
    /* bad JSON does not cost the native ones */
    assert_int_equal(dd_write_links(&w, &arena, &native, 1, GW_STR("[{"), false, &odd), DD_TAG_MALFORMED);
    assert_string_equal(show(&shown, &w), "link " IDS " \"\" flags=0 dropped=0 {}");
}

static void keys_are_unique_and_not_empty(void **state)
{
    enum { MANY = 40 };
    static char names[MANY][8];
    struct dd_text attrs[2 * MANY] = {{GW_LIT("a"), GW_LIT("1")},
                                      {GW_LIT(""), GW_LIT("2")},
                                      {GW_LIT("b\xff"), GW_LIT("3")},
                                      {GW_LIT("a"), GW_LIT("4")},
                                      {GW_LIT("b\xfe"), GW_LIT("5")}};
    struct dd_link link = native;
    link.attrs = attrs;
    link.attrs_n = 5;
    odd = (struct dd_oddities){0};
    assert_int_equal(dd_write_links(&w, &arena, &link, 1, GW_NOSTR, false, &odd), DD_TAG_TAKEN);
    assert_string_equal(show(&shown, &w),
                        "link " IDS " \"\" flags=0 dropped=0 {a=\"4\" b\xEF\xBF\xBD=\"5\"}");
    assert_int_equal(odd.empty_keys, 1);
    /* of many, too */
    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "k%zu", i);
        attrs[i] = (struct dd_text){gw_str_z(names[i]), GW_STR("old")};
        attrs[2 * MANY - 1 - i] = (struct dd_text){gw_str_z(names[i]), GW_STR("new")};
    }
    link.attrs_n = 2 * MANY;
    dd_write_links(&w, &arena, &link, 1, GW_NOSTR, false, &odd);
    const char *text = show(&shown, &w);
    assert_null(strstr(text, "old"));
    for (size_t i = 0; i < MANY; i++) {
        char want[24];
        snprintf(want, sizeof want, "k%zu=\"new\"", i);
        assert_non_null(strstr(text, want));
    }
}

static void span_pointers_are_kept(void **state)
{
    struct dd_text attrs[] = {{GW_LIT("link.kind"), GW_LIT("span-pointer")},
                              {GW_LIT("ptr.hash"), GW_LIT("e7")}};
    struct dd_link links[] = {
        {.attrs = attrs, .attrs_n = 2}, {.tracestate = GW_LIT("a=b"), .dropped = 3}, {.flags = 1}};
    /* the last says nothing */
    assert_int_equal(dd_write_links(&w, &arena, links, 3, GW_NOSTR, false, &odd), DD_TAG_MALFORMED);
    assert_string_equal(show(&shown, &w),
                        "link " ZERO " \"\" flags=0 dropped=0 {link.kind=\"span-pointer\" ptr.hash=\"e7\"} | "
                        "link " ZERO " \"a=b\" flags=0 dropped=3 {}");
    /* sent in both ways: once; another pointer is another one */
    assert_int_equal(
        dd_write_links(
            &w, &arena, links, 1,
            GW_STR("[{\"trace_id\":0,\"span_id\":0,\"attributes\":{\"link.kind\":\"span-pointer\","
                   "\"ptr.hash\":\"e7\"}},{\"trace_id\":0,\"span_id\":0,\"attributes\":{\"ptr.hash\":"
                   "\"e9\"}}]"),
            false, &odd),
        DD_TAG_TAKEN);
    assert_string_equal(show(&shown, &w),
                        "link " ZERO " \"\" flags=0 dropped=0 {link.kind=\"span-pointer\" ptr.hash=\"e7\"} | "
                        "link " ZERO " \"\" flags=0 dropped=0 {ptr.hash=\"e9\"}");
}

/* A trace state that does not parse is left out whole, of both kinds of links. */
static void bad_trace_states_are_left_out(void **state)
{
    struct dd_link links[] = {native, {.tracestate = GW_LIT("a=1,b")}};
    odd = (struct dd_oddities){0};
    links[0].tracestate = GW_STR("a=1,A=2");
    /* the second says nothing else */
    assert_int_equal(dd_write_links(&w, &arena, links, 2, GW_NOSTR, false, &odd), DD_TAG_MALFORMED);
    assert_string_equal(show(&shown, &w), "link " IDS " \"\" flags=0 dropped=0 {}");
    assert_int_equal(odd.bad_tracestate, 2);
    assert_int_equal(dd_write_links(&w, &arena, NULL, 0,
                                    GW_STR("[{" GO_ID ",\"tracestate\":\"a=1,a=2\",\"flags\":1},"
                                           "{\"trace_id\":7,\"span_id\":8,\"tracestate\":\"a=1\"}]"),
                                    false, &odd),
                     DD_TAG_TAKEN);
    assert_string_equal(
        show(&shown, &w),
        "link " IDS " \"\" flags=1 dropped=0 {} | "
        "link 00000000000000000000000000000007/0000000000000008 \"a=1\" flags=0 dropped=0 {}");
    assert_int_equal(odd.bad_tracestate, 3);
}

static void deep_attributes_become_text(void **state)
{
    enum { DEEP = 200 };
    char json[600] = "[{" PY_ID ",\"attributes\":{\"k\":";
    size_t n = strlen(json);
    memset(json + n, '[', DEEP);
    memset(json + n + DEEP, ']', DEEP);
    strcpy(json + n + 2 * DEEP, "}}]");
    assert_int_equal(dd_write_links(&w, &arena, NULL, 0, gw_str_z(json), false, &odd), DD_TAG_TAKEN);
    const char *text = show(&shown, &w);
    assert_non_null(strstr(text, "k=[[["));
    assert_non_null(strstr(text, "[\"[[[["));
}

static int setup(void **state)
{
    gw_arena_init(&arena, 1 << 20);
    w = (struct otlp_buf){0};
    return 0;
}

static int teardown(void **state)
{
    gw_arena_fini(&arena);
    otlp_fini(&w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_becomes_links),
        cmocka_unit_test(native_links_keep_everything),
        cmocka_unit_test(a_link_sent_twice_is_one_link),
        cmocka_unit_test(keys_are_unique_and_not_empty),
        cmocka_unit_test(span_pointers_are_kept),
        cmocka_unit_test(deep_attributes_become_text),
        cmocka_unit_test(bad_trace_states_are_left_out),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
