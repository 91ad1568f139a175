/* meta_struct values: msgpack in, nested attribute values out; what cannot be read stays whole.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "translators/ddtrace/dd_struct.h"

#include "tests/unit/translators/otlp/otlp_show.h"

enum { SPAN_ATTRIBUTES = 9 };

static struct otlp_buf w;
static struct show shown;
static struct gw_arena arena;
static struct dd_oddities odd;

#define BYTES(literal) GW_LIT(literal)

static void values_keep_their_shape(void **state)
{
    static const struct {
        gw_str in;
        bool ok;
        const char *out;
    } cases[] = {
        {BYTES("\xa1v"), true, "{k=\"v\"}"},
        {BYTES("\xc0"), true, "{k=none}"},
        {BYTES("\xc3"), true, "{k=true}"},
        {BYTES("\xff"), true, "{k=-1}"},
        {BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), true, "{k=1.8446744073709552e+19}"},
        {BYTES("\xd3\x80\0\0\0\0\0\0\0"), true, "{k=-9223372036854775808}"},
        {BYTES("\xcb\x40\x04\0\0\0\0\0\0"), true, "{k=2.5}"},
        {BYTES("\xc4\x02\x00\xff"), true, "{k=bytes:00ff}"},
        {BYTES("\xd6\xff\x01\x02\x03\x04"), true, "{k=bytes:d6ff01020304}"},
        {BYTES("\x90"), true, "{k=[]}"},
        {BYTES("\x80"), true, "{k={}}"},
        {BYTES("\x93\x01\xa1x\x91\xc0"), true, "{k=[1 \"x\" [none]]}"},
        {BYTES("\x81\xa8triggers\x91\x82\xa4rule\x81\xa2id\xa7"
               "crs-942\xa5score\xcb\x3f\xf0\0\0\0\0\0\0"),
         true, "{k={triggers=[{rule={id=\"crs-942\"} score=1.0}]}}"},
        {BYTES("\x85\x2a\x01\xd0\xd6\x02\xc2\x03\xcb\x3f\xf8\0\0\0\0\0\0\x04\xc0\x05"), true,
         "{k={42=1 -42=2 false=3 1.5=4}}"},
        /* each key once, the last counts */
        {BYTES("\x84\xa1"
               "a\x01\x07\x02\xa1"
               "a\x82\xa1"
               "b\x03\xa1"
               "b\x04\xa1"
               "7\x05"),
         true, "{k={a={b=4} 7=5}}"},
        {BYTES("\xa2\xc3\x28"), true, "{k=\"\xEF\xBF\xBD(\"}"},
        /* not msgpack, or more than one value: bytes */
        {BYTES(""), false, "{k=bytes:}"},
        {BYTES("\xc1"), false, "{k=bytes:c1}"},
        {BYTES("\x01\x02"), false, "{k=bytes:0102}"},
        {BYTES("\x92\x01"), false, "{k=bytes:9201}"},
        {BYTES("\x81\x90\x01"), false, "{k=bytes:819001}"},
        {BYTES("\x81\xa1"
               "a"),
         false, "{k=bytes:81a161}"},
        {BYTES("\xdd\xff\xff\xff\xff"), false, "{k=bytes:ddffffffff}"},
        {BYTES("{\"json\":1}"), false, "{k=bytes:7b226a736f6e223a317d}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool ok = dd_write_struct(&w, &arena, SPAN_ATTRIBUTES, GW_STR("k"), cases[i].in, &odd);
        assert_string_equal(show(&shown, &w), cases[i].out);
        assert_int_equal(ok, cases[i].ok);
    }
}

static void nesting_is_bounded(void **state)
{
    char deep[DD_STRUCT_DEPTH + 2];
    memset(deep, '\x91', sizeof deep);
    deep[DD_STRUCT_DEPTH] = 7;
    assert_true(
        dd_write_struct(&w, &arena, SPAN_ATTRIBUTES, GW_STR("k"), gw_str_n(deep, DD_STRUCT_DEPTH + 1), &odd));
    w.len = 0;
    deep[DD_STRUCT_DEPTH] = '\x91';
    deep[DD_STRUCT_DEPTH + 1] = 7;
    assert_false(
        dd_write_struct(&w, &arena, SPAN_ATTRIBUTES, GW_STR("k"), gw_str_n(deep, DD_STRUCT_DEPTH + 2), &odd));
    assert_true(strncmp(show(&shown, &w), "{k=bytes:9191", 13) == 0);
}

static void long_values_have_long_lengths(void **state)
{
    static char text[70000] = "\xdb\x00\x01\x11\x6b"; /* str 32 of 69995 bytes */
    memset(text + 5, 'x', sizeof text - 5);
    assert_true(dd_write_struct(&w, &arena, SPAN_ATTRIBUTES, GW_STR("k"), gw_str_n(text, sizeof text), &odd));
    show_span *span = show_unpack(&w);
    assert_int_equal(span->attributes[0]->value->string_value.len, 69995);
    show_free(span);
    w.len = 0;
}

static int setup(void **state)
{
    gw_arena_init(&arena, 1 << 20);
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
        cmocka_unit_test(values_keep_their_shape),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(long_values_have_long_lengths),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
