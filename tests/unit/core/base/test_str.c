/* Text: UTF-8 against a naive oracle, numbers at their edges.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/base/str.h"

/* The oracle takes the standard's definition from the other end: encode every code point, compare. Slow and
 * obvious. */
static size_t encode(uint32_t c, unsigned char *out)
{
    if (c < 0x80)
        return out[0] = (unsigned char)c, 1;
    if (c < 0x800)
        return out[0] = (unsigned char)(0xC0 | c >> 6), out[1] = (unsigned char)(0x80 | (c & 63)), 2;
    if (c < 0x10000) {
        out[0] = (unsigned char)(0xE0 | c >> 12), out[1] = (unsigned char)(0x80 | (c >> 6 & 63)),
        out[2] = (unsigned char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (unsigned char)(0xF0 | c >> 18), out[1] = (unsigned char)(0x80 | (c >> 12 & 63));
    out[2] = (unsigned char)(0x80 | (c >> 6 & 63)), out[3] = (unsigned char)(0x80 | (c & 63));
    return 4;
}

/* prefixes[n]: the n-byte strings that begin some code point's encoding; whole[n]: those that are one. Two
 * bits per string of up to three bytes; the fourth byte of a sequence is any continuation byte. */
static unsigned char table[4][1 << 24];
enum { PREFIX = 1, WHOLE = 2 };

static uint32_t slot(const unsigned char *p, size_t n)
{
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++)
        at = at << 8 | p[i];
    return at;
}

static int build(void **state)
{
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        unsigned char bytes[4];
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        size_t n = encode(c, bytes);
        for (size_t i = 1; i < n && i <= 3; i++)
            table[i][slot(bytes, i)] |= PREFIX;
        if (n <= 3)
            table[n][slot(bytes, n)] |= WHOLE;
    }
    return 0;
}

/* Length of the code point at p, or 0 with the length of the maximal ill-formed part (Unicode §3.9: the
 * longest prefix of some well-formed sequence, at least one byte). */
static size_t oracle(const unsigned char *p, size_t left, size_t *bad)
{
    *bad = 1;
    for (size_t n = 1; n <= left && n <= 4; n++) {
        bool prefix, whole;
        if (n == 4) {
            prefix = false;
            whole = (p[3] & 0xC0) == 0x80;
        } else {
            prefix = table[n][slot(p, n)] & PREFIX;
            whole = table[n][slot(p, n)] & WHOLE;
        }
        if (whole)
            return n;
        if (!prefix)
            return 0;
        *bad = n;
    }
    return 0;
}

static void check(const unsigned char *p, size_t n)
{
    char want[64], got[64];
    size_t want_n = 0, bad;
    bool valid = true;
    for (size_t at = 0; at < n;) {
        size_t take = oracle(p + at, n - at, &bad);
        if (take) {
            memcpy(want + want_n, p + at, take);
            want_n += take, at += take;
        } else {
            memcpy(want + want_n, "\xEF\xBF\xBD", 3);
            want_n += 3, at += bad;
            valid = false;
        }
    }
    gw_str s = gw_str_n((const char *)p, n);
    if (gw_utf8_valid(s) != valid || gw_utf8_repaired_size(s) != want_n || gw_utf8_repair(s, got) != want_n ||
        memcmp(got, want, want_n))
        fail_msg("%zu bytes: %02x %02x %02x %02x", n, p[0], n > 1 ? p[1] : 0, n > 2 ? p[2] : 0,
                 n > 3 ? p[3] : 0);
}

/* Every byte that differs from its neighbours in some rule of RFC 3629. */
static const unsigned char edge[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                     0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                     0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFE, 0xFF};

static void test_all_short(void **state)
{
    unsigned char p[3];
    for (unsigned a = 0; a < 256; a++) {
        p[0] = (unsigned char)a;
        check(p, 1);
        for (unsigned b = 0; b < 256; b++) {
            p[1] = (unsigned char)b;
            check(p, 2);
        }
    }
    for (size_t a = 0; a < sizeof edge; a++)
        for (size_t b = 0; b < sizeof edge; b++)
            for (size_t c = 0; c < sizeof edge; c++)
                check((unsigned char[]){edge[a], edge[b], edge[c]}, 3);
}

/* Four bytes of interest, alone and across the boundary of the eight-byte stride. */
static void test_four(void **state)
{
    unsigned char p[16] = "abcdefg";
    for (size_t i = 0; i < sizeof edge * sizeof edge * sizeof edge * sizeof edge; i++) {
        size_t k = i;
        for (int j = 0; j < 4; j++, k /= sizeof edge)
            p[5 + j] = edge[k % sizeof edge];
        check(p + 5, 4);
        check(p, 9);
    }
}

static void test_every_code_point(void **state)
{
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        unsigned char p[4];
        size_t n = encode(c, p);
        assert_int_equal(gw_utf8_valid(gw_str_n((char *)p, n)), c < 0xD800 || c > 0xDFFF);
    }
}

static void test_random(void **state)
{
    unsigned char p[20];
    srand(1);
    for (int i = 0; i < 200000; i++) {
        size_t n = (size_t)rand() % sizeof p;
        for (size_t j = 0; j < n; j++)
            p[j] = rand() % 3 ? edge[(size_t)rand() % sizeof edge] : (unsigned char)rand();
        check(p, n);
    }
}

static void test_integers(void **state)
{
    static const struct {
        const char *text;
        bool u_ok, i_ok;
        uint64_t u;
        int64_t i;
    } rows[] = {
        {"0", true, true, 0, 0},
        {"-0", false, true, 0, 0},
        {"007", true, true, 7, 7},
        {"9223372036854775807", true, true, INT64_MAX, INT64_MAX},
        {"9223372036854775808", true, false, (uint64_t)INT64_MAX + 1, 0},
        {"-9223372036854775808", false, true, 0, INT64_MIN},
        {"-9223372036854775809", false, false, 0, 0},
        {"18446744073709551615", true, false, UINT64_MAX, 0},
        {"18446744073709551616", false, false, 0, 0},
        {"000000000000000000001", false, false, 0, 0}, /* 21 digits */
        {"", false, false, 0, 0},
        {"-", false, false, 0, 0},
        {"+1", false, false, 0, 0},
        {" 1", false, false, 0, 0},
        {"1 ", false, false, 0, 0},
        {"1.0", false, false, 0, 0},
        {"0x1", false, false, 0, 0},
        {"--1", false, false, 0, 0},
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        uint64_t u = 0;
        int64_t i = 0;
        assert_int_equal(gw_str_u64(gw_str_z(rows[k].text), &u), rows[k].u_ok);
        assert_int_equal(gw_str_i64(gw_str_z(rows[k].text), &i), rows[k].i_ok);
        assert_true(u == rows[k].u && i == rows[k].i);
    }
}

static void test_hex(void **state)
{
    uint64_t v;
    assert_true(gw_str_hex64(GW_STR("0123456789aBcDeF"), &v) && v == 0x0123456789ABCDEF);
    assert_true(gw_str_hex64(GW_STR("f"), &v) && v == 15);
    static const char *const bad[] = {"",  "g", "0x1", "-1", " 1", "1 ", "00000000000000001",
                                      "/", ":", "@",   "`"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(gw_str_hex64(gw_str_z(bad[i]), &v));
}

static void test_double(void **state)
{
    double d;
    assert_true(gw_str_double(GW_STR("-1.5e3"), &d) && d == -1500);
    assert_true(gw_str_double(GW_STR(".5"), &d) && d == 0.5);
    static const char *const bad[] = {"",     "nan",  "inf", "-inf", "+nan", "1e999", "0x10",
                                      "0X10", "1.5x", " 1",  "1 ",   "1,5",  "-"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(gw_str_double(gw_str_z(bad[i]), &d));
    assert_false(gw_str_double(GW_STR("1\0"), &d));
}

static void test_char_in(void **state)
{
    assert_true(gw_char_in('a', "abc") && gw_char_in('c', "abc") && gw_char_in('\xC3', "\xC3\xA9"));
    assert_false(gw_char_in('d', "abc") || gw_char_in('a', ""));
    assert_false(gw_char_in('\0', "abc") || gw_char_in('\0', "")); /* strchr finds the end of the set */
}

static void test_cutting(void **state)
{
    gw_str rest = GW_STR("a,,b"), field;
    assert_true(gw_str_next(&rest, ',', &field) && gw_str_eq(field, GW_STR("a")));
    assert_true(gw_str_next(&rest, ',', &field) && field.len == 0);
    assert_true(gw_str_next(&rest, ',', &field) && gw_str_eq(field, GW_STR("b")));
    assert_false(gw_str_next(&rest, ',', &field));
    assert_true(gw_str_eq(gw_str_trim(GW_STR(" \t x y\t ")), GW_STR("x y")));
    assert_int_equal(gw_str_trim(GW_STR(" \t ")).len, 0);
    assert_true(gw_str_ieq(GW_STR("Content-Type"), GW_STR("content-tYPE")));
    assert_false(gw_str_ieq(GW_STR("["), GW_STR("{"))); /* differ by the case bit, but are no letters */
    assert_true(gw_str_starts(GW_STR("abc"), GW_STR("ab")) && gw_str_ends(GW_STR("abc"), GW_STR("bc")));
    assert_false(gw_str_starts(GW_STR("a"), GW_STR("ab")) || gw_str_ends(GW_STR("b"), GW_STR("ab")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_short),        cmocka_unit_test(test_four),
        cmocka_unit_test(test_every_code_point), cmocka_unit_test(test_random),
        cmocka_unit_test(test_integers),         cmocka_unit_test(test_hex),
        cmocka_unit_test(test_double),           cmocka_unit_test(test_char_in),
        cmocka_unit_test(test_cutting),
    };
    return cmocka_run_group_tests(tests, build, NULL);
}
