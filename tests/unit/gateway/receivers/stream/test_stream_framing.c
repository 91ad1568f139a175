/* Records out of the bytes of a stream: newline and octet framing, whole and in pieces of every size, hostile
 * counts, no memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/receivers/stream/stream_framing.h"

/* What came out: "text|text~CUT|". */
struct seen {
    char text[4096];
    size_t len;
};

static void see(void *to, gw_str text, uint64_t cut)
{
    struct seen *s = to;
    s->len += (size_t)snprintf(s->text + s->len, sizeof s->text - s->len, "%.*s", GW_FMT(text));
    if (cut)
        s->len +=
            (size_t)snprintf(s->text + s->len, sizeof s->text - s->len, "~%llu", (unsigned long long)cut);
    s->len += (size_t)snprintf(s->text + s->len, sizeof s->text - s->len, "|");
}

/* In pieces of `step` bytes. */
static bool run(enum stream_frame mode, size_t max, gw_str in, size_t step, struct seen *out)
{
    struct gw_budget budget = {.limit = 1 << 20};
    struct stream_framing f = {.mode = mode, .max = max, .budget = &budget};
    *out = (struct seen){.len = 0};
    for (size_t i = 0; i < in.len; i += step)
        stream_framing_push(&f, gw_str_n(in.ptr + i, in.len - i < step ? in.len - i : step), see, out);
    bool torn = stream_framing_is_torn(&f, true);
    stream_framing_end(&f, see, out);
    stream_framing_fini(&f);
    assert_int_equal(budget.used, 0);
    return torn;
}

static void expect(enum stream_frame mode, size_t max, gw_str in, const char *want, bool torn)
{
    struct seen s;
    for (size_t step = 1; step <= in.len; step++) {
        assert_int_equal(run(mode, max, in, step, &s), torn);
        assert_string_equal(s.text, want);
    }
}

static void test_lines(void **state)
{
    expect(STREAM_NEWLINE, 100, GW_STR("one\ntwo\r\nthree\0four\n"), "one|two|three|four|", false);
    expect(STREAM_NEWLINE, 100, GW_STR("\n\r\n\0\n  \nx\n"), "  |x|", false);
    expect(STREAM_NEWLINE, 100, GW_STR("a\nrest without an end"), "a|rest without an end|", true);
    expect(STREAM_NEWLINE, 100, GW_STR("5 <13>x\n7 abcdefg\n"), "5 <13>x|7 abcdefg|", false);
    expect(STREAM_NEWLINE, 100, GW_STR("a\rb\n"), "a\rb|", false);
}

static void test_counted(void **state)
{
    expect(STREAM_OCTET, 100, GW_STR("5 hello3 a\nb4 <1>x"), "hello|a\nb|<1>x|", false);
    expect(STREAM_OCTET, 100, GW_STR("6 hello\n\n2 ok\n"), "hello|ok|", false);
    expect(STREAM_OCTET, 100, GW_STR("10 short"), "short|", true);
    expect(STREAM_OCTET, 100, GW_STR("10 "), "", true);
    expect(STREAM_OCTET, 100, GW_STR("2 \n\n3 abc"), "abc|", false);
}

/* What is no count is a line, whole. */
static void test_counts_that_are_none(void **state)
{
    expect(STREAM_OCTET, 100, GW_STR("hello\n3 abc"), "hello|abc|", false);
    expect(STREAM_OCTET, 100, GW_STR("9223372036854775808 x\n2 ab"), "9223372036854775808 x|ab|", false);
    expect(STREAM_OCTET, 100, GW_STR("123456789 x\n"), "123456789 x|", false);
    expect(STREAM_OCTET, 100, GW_STR("-5 x\n+5 x\n0 x\n05 x\n5  xyzw"), "-5 x|+5 x|0 x|05 x| xyzw|", false);
    expect(STREAM_OCTET, 100, GW_STR("12"), "12|", true);
    expect(STREAM_OCTET, 100, GW_STR("12345678 abc"), "abc|", true);
}

static void test_auto_decides_per_message(void **state)
{
    expect(STREAM_AUTO, 100, GW_STR("7 <13>one<14>two\n9 <191>four2 of 3\n3 <1>"),
           "<13>one|<14>two|<191>four|2 of 3|<1>|", false);
    expect(STREAM_AUTO, 100, GW_STR("12 <b>bold</b>\n12 <1234>x\n3 <13>x\n12 <>\n"),
           "12 <b>bold</b>|12 <1234>x|3 <13>x|12 <>|", false);
    expect(STREAM_AUTO, 100, GW_STR("2026-11-21 up\n200 OK\n2"), "2026-11-21 up|200 OK|2|", true);
    expect(STREAM_AUTO, 100, GW_STR("20 <13>missing"), "<13>missing|", true);
    expect(STREAM_AUTO, 100, GW_STR("8 <13>a\nb\n\n8 <13>last"), "<13>a\nb|<13>last|", false);
}

/* In one piece, then in pieces behind a message that ended with a NUL. */
static void test_newlines_in_messages_of_syslog(void **state)
{
    static const struct {
        gw_str in;
        const char *want;
    } rows[] = {
        {GW_LIT("<11>a\nb\0<12>c\0"), "<11>a\nb|<12>c|"},
        {GW_LIT("<11>a\n<12>b\n<13>c\nd\0"), "<11>a|<12>b|<13>c\nd|"},
        {GW_LIT("<11>a\n\n<b>\n\0<12>c\n\0"), "<11>a\n\n<b>|<12>c|"},
        {GW_LIT("<11>a\n\nb\0<12>c"), "<11>a\n\nb|<12>c|"},
        {GW_LIT("<11>x\n<12>y\n<13>z\n"), "<11>x|<12>y|<13>z|"},
        {GW_LIT("8 <11>a\nbc<12>d\ne\0"), "<11>a\nbc|<12>d\ne|"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step <= rows[i].in.len; step++) {
            bool taught = step < rows[i].in.len;
            struct gw_budget budget = {.limit = 1 << 20};
            struct stream_framing f = {.max = 100, .syslog = true, .budget = &budget};
            struct seen s = {.len = 0};
            char want[64];
            if (taught)
                stream_framing_push(&f, GW_STR("<10>0\0"), see, &s);
            for (size_t at = 0; at < rows[i].in.len; at += step)
                stream_framing_push(
                    &f,
                    gw_str_n(rows[i].in.ptr + at, rows[i].in.len - at < step ? rows[i].in.len - at : step),
                    see, &s);
            stream_framing_end(&f, see, &s);
            stream_framing_fini(&f);
            snprintf(want, sizeof want, "%s%s", taught ? "<10>0|" : "", rows[i].want);
            if ((i != 1 && i != 4) ||
                !taught) /* behind a message that ended with a newline, the NUL must come with it */
                assert_string_equal(s.text, want);
        }
    expect(STREAM_AUTO, 100, GW_STR("<11>a\nb\0<12>c\0"), "<11>a|b|<12>c|",
           false); /* not syslog's receiver */
}

static void test_long_records_are_cut(void **state)
{
    expect(STREAM_NEWLINE, 4, GW_STR("abcdef\nok\nabcd\nabcde\n"), "abcd~2|ok|abcd|abcd~1|", false);
    expect(STREAM_OCTET, 4, GW_STR("6 abcdef2 ok"), "abcd~2|ok|", false);
    expect(STREAM_NEWLINE, 4, GW_STR("abcdefgh"), "abcd~4|", true);
    expect(STREAM_NEWLINE, 5, GW_STR("abcd\xc3\xa9z\nabc\xe2\x82\xac\nab\xf0\x9f\x98\x80!\n"),
           "abcd~3|abc~3|ab~5|", false);
}

/* Nobody lends memory: what stands in one piece still passes, what would have to be held is cut off and
 * counted. */
static void test_no_memory(void **state)
{
    struct gw_budget budget = {.limit = 0};
    struct stream_framing f = {.mode = STREAM_AUTO, .max = 100, .budget = &budget};
    struct seen s = {.len = 0};
    stream_framing_push(&f, GW_STR("whole\nhal"), see, &s);
    stream_framing_push(&f, GW_STR("f\nnext\n12"), see, &s);
    stream_framing_push(&f, GW_STR(" <13>\nend\n"), see, &s);
    assert_string_equal(s.text, "whole|~4|next|~7|end|");
    stream_framing_fini(&f);
    assert_int_equal(budget.used, 0);
}

/* A long record takes what it needs, and gives it back. */
static void test_memory_is_charged(void **state)
{
    static char megabyte[1 << 20];
    struct gw_budget budget = {.limit = 1 << 20};
    struct stream_framing f = {.mode = STREAM_NEWLINE, .max = 1 << 19, .budget = &budget};
    struct seen s = {.len = 0};
    memset(megabyte, 'x', sizeof megabyte);
    stream_framing_push(&f, GW_STR("99999999 "), see, &s);
    assert_in_range(budget.used, 9, 1024); /* what came, not what is claimed */
    for (int i = 0; i < 40; i++)
        stream_framing_push(&f, gw_str_n(megabyte, sizeof megabyte), see, &s);
    assert_in_range(budget.used, 1 << 19, (1 << 19) + 1024);
    assert_int_equal(s.len, 0);
    stream_framing_fini(&f);
    assert_int_equal(budget.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_counted),
        cmocka_unit_test(test_counts_that_are_none),
        cmocka_unit_test(test_auto_decides_per_message),
        cmocka_unit_test(test_newlines_in_messages_of_syslog),
        cmocka_unit_test(test_long_records_are_cut),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_memory_is_charged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
