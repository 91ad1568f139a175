/* Regular expressions: what matches where, in RE2's manner. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "translators/text/re.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { NONE = -1 };

static void matches(void **state)
{
    static const struct {
        gw_str expression, text;
        int from, to, group_from, group_to; /* of the whole and of group 1; NONE */
        const char *why;
    } rows[] = {
        {GW_LIT("b+"), GW_LIT("abbc"), 1, 3, NONE, NONE, "the leftmost, as long as it gets"},
        {GW_LIT("x"), GW_LIT("abc"), NONE, NONE, NONE, NONE, "nothing"},
        {GW_LIT("a(b)?c"), GW_LIT("ac"), 0, 2, NONE, NONE, "a group that took no part"},
        {GW_LIT("a(b)?c"), GW_LIT("abc"), 0, 3, 1, 2, "one that did"},
        {GW_LIT(""), GW_LIT("abc"), 0, 0, NONE, NONE, "nothing matches at once"},
        {GW_LIT("^b"), GW_LIT("a\nb"), NONE, NONE, NONE, NONE, "^ is the beginning of the text"},
        {GW_LIT("(?m)^b"), GW_LIT("a\nb"), 2, 3, NONE, NONE, "or of a line, where that is asked for"},
        {GW_LIT("a$"), GW_LIT("a\n"), NONE, NONE, NONE, NONE, "$ is the very end"},
        {GW_LIT("\\s"), GW_LIT("a\vb"), NONE, NONE, NONE, NONE, "\\s has no vertical tab"},
        {GW_LIT("\\v"), GW_LIT("a\vb"), 1, 2, NONE, NONE, "\\v is one"},
        {GW_LIT("\\w+"), GW_LIT("\xC3\xA9t\xC3\xA9"), 2, 3, NONE, NONE, "\\w is ASCII"},
        {GW_LIT("."), GW_LIT("\xC3\xA9"), 0, 2, NONE, NONE, "a character of two bytes"},
        {GW_LIT("."), GW_LIT("\xFF"), 0, 1, NONE, NONE, "a byte that is no UTF-8"},
        {GW_LIT("b"),
         GW_LIT("\xFF\xFE"
                "ab"),
         3, 4, NONE, NONE, "places are those of the bytes, behind such bytes too"},
        {GW_LIT("a\\x00b"), GW_LIT("a\0b"), 0, 3, NONE, NONE, "a NUL in the text"},
        {GW_LIT("a\0b"), GW_LIT("xa\0b"), 1, 4, NONE, NONE, "a NUL in the expression"},
        {GW_LIT("(?i)ABC"), GW_LIT("xabc"), 1, 4, NONE, NONE, "in any case"},
        {GW_LIT("b"), GW_LIT(""), NONE, NONE, NONE, NONE, "an empty text"},
    };
    struct re_thread *t = re_thread_new();
    struct gw_arena a;
    gw_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char why[RE_ERROR_SIZE];
        size_t spans[8];
        struct re *re = re_compile(rows[i].expression, false, why);
        if (!re)
            fail_msg("row %zu is refused: %s", i, why);
        re_thread_forget(t);
        bool matched = re_match(re, t, &a, rows[i].text, 0, spans) == RE_MATCH,
             grouped = matched && re_groups(re) && spans[2] != SIZE_MAX;
        int got[] = {matched ? (int)spans[0] : NONE, matched ? (int)spans[1] : NONE,
                     grouped ? (int)spans[2] : NONE, grouped ? (int)spans[3] : NONE};
        if (got[0] != rows[i].from || got[1] != rows[i].to || got[2] != rows[i].group_from ||
            got[3] != rows[i].group_to)
            fail_msg("row %zu matches %d to %d, group %d to %d: %s", i, got[0], got[1], got[2], got[3],
                     rows[i].why);
        re_drop(re);
    }
    gw_arena_fini(&a);
    re_thread_drop(t);
}

/* From a place on; the text before it is seen by \b and ^. */
static void from_a_place(void **state)
{
    struct re_thread *t = re_thread_new();
    struct gw_arena a;
    char why[RE_ERROR_SIZE], text[200];
    size_t spans[8];
    gw_arena_init(&a, 1 << 20);
    memset(text, 'x', sizeof text);
    memcpy(text + 190, " end", 4); /* far behind the first slice of places */
    struct re *word = re_compile(GW_STR("\\bend"), false, why), *first = re_compile(GW_STR("^x"), false, why);
    assert_int_equal(re_match(word, t, &a, gw_str_n(text, 194), 0, spans), RE_MATCH);
    assert_int_equal(spans[0], 191);
    assert_int_equal(re_match(word, t, &a, gw_str_n(text, 194), 191, spans), RE_MATCH);
    assert_int_equal(re_match(word, t, &a, gw_str_n(text, 194), 192, spans), RE_NO_MATCH);
    assert_int_equal(re_match(first, t, &a, gw_str_n(text, 194), 0, spans), RE_MATCH);
    assert_int_equal(re_match(first, t, &a, gw_str_n(text, 194), 1, spans), RE_NO_MATCH);
    re_drop(word);
    re_drop(first);
    gw_arena_fini(&a);
    re_thread_drop(t);
}

/* What would take backtracking for ever is given up. */
static void steps_are_bounded(void **state)
{
    struct re_thread *t = re_thread_new();
    struct gw_arena a;
    char why[RE_ERROR_SIZE], text[64];
    size_t spans[8];
    gw_arena_init(&a, 1 << 20);
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '!';
    struct re *re = re_compile(GW_STR("^(a|aa)+$"), false, why);
    assert_non_null(re);
    assert_int_equal(re_match(re, t, &a, gw_str_n(text, sizeof text), 0, spans), RE_GAVE_UP);
    re_drop(re);
    gw_arena_fini(&a);
    re_thread_drop(t);
}

static void names_and_refusals(void **state)
{
    char why[RE_ERROR_SIZE] = "";
    size_t n;
    struct re *re = re_compile(GW_STR("(a)(?P<one>b)"), true, why);
    const struct re_name *names = re_names(re, &n);
    assert_int_equal(re_groups(re), 1);
    assert_true(n == 1 && gw_str_eq(names[0].name, GW_STR("one")) && names[0].group == 1);
    re_drop(re);
    assert_null(re_compile(GW_STR("(?=a)"), false, why));
    assert_non_null(strstr(why, "error parsing regexp: invalid or unsupported Perl syntax"));
    char *large = calloc(1, (64 << 10) + 1);
    memset(large, 'a', (64 << 10) + 1);
    assert_null(re_compile(gw_str_n(large, (64 << 10) + 1), false, why));
    assert_non_null(strstr(why, "expression is too large"));
    free(large);
    re_drop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(matches), cmocka_unit_test(from_a_place),
                                       cmocka_unit_test(steps_are_bounded),
                                       cmocka_unit_test(names_and_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
