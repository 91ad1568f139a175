/* The growing buffer, its limit, and text on its way to a terminal.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/encoding/output_buffer.h"

static gw_str held(const struct out *o)
{
    return gw_str_n(o->data, o->len);
}

static void it_grows_up_to_its_limit_and_stays_failed(void **state)
{
    enum { LIMIT = 100000 };
    struct out o;
    out_init(&o, LIMIT);
    for (int i = 0; i < LIMIT; i++)
        out_char(&o, (char)('a' + i % 26));
    assert_false(o.failed);
    assert_int_equal(o.len, LIMIT);
    for (int i = 0; i < LIMIT; i++)
        assert_int_equal(o.data[i], 'a' + i % 26);
    out_char(&o, 'x');
    assert_true(o.failed && !o.no_memory);
    assert_int_equal(o.len, LIMIT);
    out_bytes(&o, GW_NOSTR); /* even what would fit: a hole in the middle is worse than an end */
    assert_true(o.failed);
    out_reset(&o);
    assert_false(o.failed);
    assert_int_equal(o.len, 0);
    out_bytes(&o, GW_STR("again"));
    assert_true(gw_str_eq(held(&o), GW_STR("again")));
    out_fini(&o);
    assert_null(o.data);
}

static void a_piece_beyond_the_limit_is_left_out_whole(void **state)
{
    struct out o;
    out_init(&o, 8);
    out_word(&o, "12345");
    out_word(&o, "6789");
    assert_true(o.failed);
    assert_true(gw_str_eq(held(&o), GW_STR("12345")));
    out_char(&o, 'x'); /* would fit */
    assert_true(gw_str_eq(held(&o), GW_STR("12345")));
    out_fini(&o);
    out_init(&o, SIZE_MAX);
    out_word(&o, "12345");
    out_bytes(&o, gw_str_n("x", SIZE_MAX - 2)); /* no sum wraps around */
    assert_true(o.failed && o.len == 5);
    out_fini(&o);
}

static void large_memory_is_given_back_and_small_is_kept(void **state)
{
    struct out o;
    out_init(&o, 16 << 20);
    out_word(&o, "small");
    size_t cap = o.cap;
    out_reset(&o);
    assert_int_equal(o.cap, cap);
    for (int i = 0; i < 1 << 17; i++)
        out_word(&o, "0123456789abcdef");
    out_reset(&o);
    assert_int_equal(o.cap, 0);
    out_fini(&o);
}

static void code_points_go_out_as_they_came_in(void **state)
{
    static const uint32_t runes[] = {0,      'a',    0x7F,   0x80,   0x7FF,   0x800,
                                     0xD7FF, 0xE000, 0xFFFD, 0xFFFF, 0x10000, 0x10FFFF};
    for (size_t i = 0; i < sizeof runes / sizeof *runes; i++) {
        struct out o;
        out_init(&o, 100);
        out_rune(&o, runes[i]);
        gw_str s = held(&o);
        assert_int_equal(out_next_rune(&s), runes[i]);
        assert_int_equal(s.len, 0);
        out_fini(&o);
    }
}

static void ill_formed_bytes_are_marked_one_by_one(void **state)
{
    static const struct {
        gw_str bytes;
        unsigned marks;
    } table[] = {
        {GW_LIT("\x80"), 1},
        {GW_LIT("\xff\xfe"), 2},
        {GW_LIT("\xc0\x80"), 2} /* overlong NUL */,
        {GW_LIT("\xe0\x80\x80"), 3},
        {GW_LIT("\xf0\x80\x80\x80"), 4},
        {GW_LIT("\xed\xa0\x80"), 3} /* surrogate */,
        {GW_LIT("\xf4\x90\x80\x80"), 4} /* beyond U+10FFFF */,
        {GW_LIT("\xe2\x82"), 2} /* cut short */,
        {GW_LIT("\xf5\x80"), 2},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char *copy = malloc(table[i].bytes.len); /* so that the address sanitizer sees its end */
        memcpy(copy, table[i].bytes.ptr, table[i].bytes.len);
        gw_str s = gw_str_n(copy, table[i].bytes.len);
        unsigned marks = 0;
        for (; s.len; marks++)
            assert_int_equal(out_next_rune(&s), 0xFFFD);
        assert_int_equal(marks, table[i].marks);
        free(copy);
    }
}

static void shown_text_is_harmless_and_as_wide_as_it_says(void **state)
{
    static const struct {
        gw_str text;
        size_t columns;
        const char *want;
        size_t taken;
    } table[] = {
        {GW_LIT("hello"), 10, "hello", 5},
        {GW_LIT("hello"), 5, "hello", 5},
        {GW_LIT("hello"), 4, "hel…", 4},
        {GW_LIT("hello"), 1, "…", 1},
        {GW_LIT("hello"), 0, "", 0},
        {GW_LIT(""), 0, "", 0},
        {GW_LIT("a\tb\nc\r"), 20, "a\\tb\\nc\\r", 9},
        {GW_LIT("\x1b[2J"), 20, "\\x1b[2J", 7}, /* clears a screen */
        {GW_LIT("\xc2\x9b"
                "2J"),
         20, "\\x9b2J", 6}, /* so does this */
        {GW_LIT("\xe2\x80\xae"
                "exe"),
         20, "\\u202eexe", 9}, /* would stand backwards */
        {GW_LIT("\xe6\xbc\xa2\xe5\xad\x97"), 4, "\xe6\xbc\xa2\xe5\xad\x97", 4},
        {GW_LIT("\xe6\xbc\xa2\xe5\xad\x97"), 3, "\xe6\xbc\xa2…", 3},
        {GW_LIT("\xe6\xbc\xa2\xe5\xad\x97"), 2, "…", 1}, /* half a character is none */
        {GW_LIT("e\xcc\x81"), 1, "e\xcc\x81", 1},        /* a combining accent takes no column */
        {GW_LIT("\x01\x01"), 7, "\\x01…", 5},
        {GW_LIT("a\xff"
                "b"),
         9,
         "a\xef\xbf\xbd"
         "b",
         3},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct out o;
        out_init(&o, 1000);
        size_t taken = out_shown(&o, table[i].text, table[i].columns);
        if (taken != table[i].taken || !gw_str_eq(held(&o), gw_str_z(table[i].want)))
            fail_msg("row %zu: \"%.*s\" takes %zu, want \"%s\"", i, (int)o.len, o.data ? o.data : "", taken,
                     table[i].want);
        out_fini(&o);
    }
}

static void printed_numbers_are_cut_and_never_overflow(void **state)
{
    struct out o;
    out_init(&o, 10000);
    out_printf(&o, "%d:%500d", 7, 1);
    assert_int_equal(o.len, 255);
    assert_true(gw_str_starts(held(&o), GW_STR("7: ")));
    out_fini(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows_up_to_its_limit_and_stays_failed),
        cmocka_unit_test(a_piece_beyond_the_limit_is_left_out_whole),
        cmocka_unit_test(large_memory_is_given_back_and_small_is_kept),
        cmocka_unit_test(code_points_go_out_as_they_came_in),
        cmocka_unit_test(ill_formed_bytes_are_marked_one_by_one),
        cmocka_unit_test(shown_text_is_harmless_and_as_wide_as_it_says),
        cmocka_unit_test(printed_numbers_are_cut_and_never_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
