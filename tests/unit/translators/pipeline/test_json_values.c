/* JSON text as values of a script. Each row says what is expected in words: the value written as JSON again,
 * or NULL where there is none.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/json.h"
#include "core/base/text.h"
#include "translators/pipeline/json_in.h"

static const struct {
    const char *what, *text, *expected;
    bool valid; /* by RFC 8259 */
} rows[] = {
    {"nil", "null", "null", true},
    {"bools, with blanks around", " \t\r\n[true , false] ", "[true,false]", true},
    {"of two members with one name the last stays", "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}", true},
    {"members come out by name", "{\"b\":1,\"a\":{\"d\":[],\"c\":{}}}", "{\"a\":{\"c\":{},\"d\":[]},\"b\":1}",
     true},
    {"an integer is a float", "42", "42", true},
    {"the largest integer that a double holds with all below it", "9007199254740992", "9007199254740992",
     true},
    {"an integer that a double would round keeps its digits", "9007199254740993", "9007199254740993", true},
    {"so does a negative one", "-9007199254740993", "-9007199254740993", true},
    {"the least of 64 bits", "-9223372036854775808", "-9223372036854775808", true},
    {"one that has 64 bits and a sign", "-18446744073709551615", "-18446744073709551615", true},
    {"the largest of 64 bits", "18446744073709551615", "18446744073709551615", true},
    {"one with more bits is rounded", "18446744073709551616", "18446744073709552000", true},
    {"an id in a map", "{\"id\":16108321602917563239}", "{\"id\":16108321602917563239}", true},
    {"zeroes before digits that a double would round: it is rounded, for such digits are no JSON",
     "0009007199254740993", "9007199254740992", false},
    {"the same below zero", "[-0009007199254740993]", "[-9007199254740992]", false},
    {"leading zeroes pass", "007", "7", false},
    {"a point without digits behind it passes", "1.", "1", false},
    {"a point without digits before it does not", ".5", NULL, false},
    {"minus zero", "-0", "-0", true},
    {"a fraction", "-12.75", "-12.75", true},
    {"an exponent", "1E+2", "100", true},
    {"an exponent without digits", "1e", NULL, false},
    {"a plus sign", "+1", NULL, false},
    {"beyond a double there is no number, though the text is JSON", "1e999", NULL, true},
    {"beyond a double downwards it is zero", "1e-999", "0", true},
    {"NaN is no JSON", "NaN", NULL, false},
    {"nor is Infinity", "[Infinity]", NULL, false},
    {"nor is -Infinity", "-Infinity", NULL, false},
    {"escapes", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u4e2d\"", "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\tA中\"",
     true},
    {"a surrogate pair", "\"\\ud83d\\ude00\"", "\"😀\"", true},
    {"a pair whose low 16 bits look like a surrogate", "\"\\ud836\\ude01\"", "\"\U0001DA01\"", true},
    {"half a pair is U+FFFD", "\"\\ud800x\\udc00\"", "\"\uFFFDx\uFFFD\"", true},
    {"two first halves", "\"\\ud83d\\ud83d\\ude00\"", "\"\uFFFD😀\"", true},
    {"an escape that is none", "\"\\x\"", NULL, false},
    {"too few hex digits", "\"\\u12\"", NULL, false},
    {"control characters in text pass", "\"a\tb\x01\"", "\"a\\tb\\u0001\"", false},
    {"text without an end", "\"a", NULL, false},
    {"bytes that are no UTF-8 pass", "\"\xff\"", "\"\uFFFD\"", true},
    {"a comma at the end", "[1,]", NULL, false},
    {"two commas", "[1,,2]", NULL, false},
    {"a name that is no text", "{1:2}", NULL, false},
    {"no colon", "{\"a\" 1}", NULL, false},
    {"a comment", "[1] // x", NULL, false},
    {"something behind the value", "1 2", NULL, false},
    {"a word that goes on", "truex", NULL, false},
    {"a word in capitals", "True", NULL, false},
    {"no text at all", "", NULL, false},
    {"blanks alone", " \n", NULL, false},
};

static void reads_values(void **state)
{
    struct gw_arena a;
    (void)state;
    gw_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gw_text b = {.arena = &a};
        struct sc_val v;
        gw_str text = gw_str_z(rows[i].text),
               want = gw_str_z(rows[i].expected ? rows[i].expected : "nothing");
        if (sc_json_read(&a, text, &v))
            sc_json(&b, &v);
        else
            gw_text_put_z(&b, "nothing");
        gw_str got = gw_text_result(&b);
        if (!gw_str_eq(got, want))
            fail_msg("%s: %s\n  gives    %.*s\n  expected %.*s", rows[i].what, rows[i].text, GW_FMT(got),
                     GW_FMT(want));
        if (sc_json_valid(text) != rows[i].valid)
            fail_msg("%s: %s: valid_json is expected to be %s", rows[i].what, rows[i].text,
                     rows[i].valid ? "true" : "false");
    }
    gw_arena_fini(&a);
}

static void every_number_is_a_float(void **state)
{
    static const char *const numbers[] = {"0", "-1", "9007199254740993", "1.5", "18446744073709551616"};
    struct gw_arena a;
    struct sc_val v;
    (void)state;
    gw_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert_true(sc_json_read(&a, gw_str_z(numbers[i]), &v));
        assert_int_equal(v.type, SC_FLOAT);
    }
    assert_true(sc_json_read(&a, GW_STR("-0"), &v) && signbit(v.f.v));
    gw_arena_fini(&a);
}

static void a_nul_ends_nothing(void **state)
{
    struct gw_arena a;
    struct sc_val v;
    (void)state;
    gw_arena_init(&a, 1 << 20);
    assert_false(sc_json_read(&a, gw_str_n("\"a\0b\"", 5), &v)); /* raw, in text */
    assert_false(sc_json_read(&a, gw_str_n("1\0", 2), &v));
    assert_false(sc_json_read(&a, gw_str_n("\"\\\0\"", 4), &v)); /* behind a backslash */
    assert_false(sc_json_valid(gw_str_n("[1]\0", 4)));
    assert_true(sc_json_read(&a, GW_STR("\"a\\u0000b\""), &v) && gw_str_eq(v.s, gw_str_n("a\0b", 3)));
    gw_arena_fini(&a);
}

static void nesting_is_bounded(void **state)
{
    static char text[2 * GW_JSON_DEPTH + 2];
    struct gw_arena a;
    struct sc_val v;
    (void)state;
    gw_arena_init(&a, 1 << 20);
    for (size_t depth = GW_JSON_DEPTH; depth <= GW_JSON_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(sc_json_read(&a, gw_str_n(text, 2 * depth), &v), depth == GW_JSON_DEPTH);
        assert_int_equal(sc_json_valid(gw_str_n(text, 2 * depth)), depth == GW_JSON_DEPTH);
    }
    gw_arena_fini(&a);
}

/* Short decimals are read without strtod, and have to be what strtod makes of them. */
static void decimals_are_rounded_once(void **state)
{
    uint64_t seed = 88172645463325252;
    struct gw_arena a;
    struct sc_val v;
    (void)state;
    gw_arena_init(&a, 1 << 20);
    for (int i = 0; i < 20000; i++) {
        char text[40];
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        int digits = 1 + (int)(seed % 15), fraction = (int)(seed >> 8) & 15;
        int n = snprintf(text, sizeof text, "%s%0*llu", seed & 1 ? "-" : "", digits,
                         (unsigned long long)(seed >> 20) % 1000000000000000);
        snprintf(text + n, sizeof text - (size_t)n, ".%0*llu", fraction + 1,
                 (unsigned long long)(seed >> 30) % 1000);
        assert_true(sc_json_read(&a, gw_str_z(text), &v));
        if (memcmp(&v.f.v, &(double){strtod(text, NULL)}, sizeof(double)) != 0)
            fail_msg("%s is read as %.17g", text, v.f.v);
    }
    gw_arena_fini(&a);
}

static void a_spent_arena_gives_no_value(void **state)
{
    struct gw_arena a;
    struct sc_val v;
    static char text[20003];
    (void)state;
    gw_arena_init(&a, 4096);
    memset(text, '1', sizeof text);
    text[0] = '[';
    for (size_t i = 2; i < sizeof text - 1; i += 2)
        text[i] = ',';
    text[sizeof text - 1] = ']';
    assert_true(sc_json_valid(gw_str_n(text, sizeof text)));
    assert_false(sc_json_read(&a, gw_str_n(text, sizeof text), &v));
    assert_true(a.spent);
    gw_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_values),
        cmocka_unit_test(every_number_is_a_float),
        cmocka_unit_test(a_nul_ends_nothing),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(decimals_are_rounded_once),
        cmocka_unit_test(a_spent_arena_gives_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
