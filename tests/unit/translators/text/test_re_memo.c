/* The match that remembers finds what backtracking finds, and finds it where that would take for ever.
 * SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "translators/text/re.h"
#include "translators/text/re_memo.h"

enum { ROUNDS = 1200, SPANS = 2 * 200 };

static uint32_t state_of_dice = 1;

static unsigned dice(unsigned n)
{
    state_of_dice = state_of_dice * 1103515245u + 12345u;
    return (state_of_dice >> 16) % n;
}

/* An expression out of a, b, blanks, groups, alternatives and repeats. */
static void put_expression(char *to, size_t size, unsigned depth)
{
    static const char *const atoms[] = {"a", "b", " ", ".", "[ab]", "[^ ]", "\\b", "[]a]", "\\(", "\\d"},
                             *const repeats[] = {"", "", "", "*", "+", "?", "*?", "+?", "{1,2}", "{2,}"};
    size_t n = strlen(to);
    for (unsigned i = 1 + dice(4); i > 0 && n + 40 < size; i--, n = strlen(to)) {
        if (i > 1 && dice(6) == 0) {
            strcat(to, "|");
        } else if (depth && dice(3) == 0) {
            strcat(to, dice(2) ? "(" : dice(2) ? "(?:" : "(?i:");
            put_expression(to, size, depth - 1);
            strcat(to, ")");
            strcat(to, repeats[dice(10)]);
        } else {
            unsigned atom = dice(10);
            strcat(to, dice(4) ? atoms[atom] : "(.*)");
            strcat(to, atom == 6 ? "" : dice(3) ? "" : repeats[3 + dice(4)]);
        }
    }
}

static void the_match_is_the_same(void **state)
{
    pcre2_match_data *data = pcre2_match_data_create(RE_GROUPS + 1, NULL);
    struct re_thread *t = re_thread_new();
    struct gw_arena a;
    unsigned matched = 0;
    gw_arena_init(&a, 1 << 20);
    for (int i = 0; i < ROUNDS; i++) {
        char expression[400] = "", text[24], why[RE_ERROR_SIZE];
        size_t spans[SPANS], n = dice(sizeof text);
        put_expression(expression, sizeof expression, 2);
        for (size_t k = 0; k < n; k++)
            text[k] = "ab 1("[dice(5)];
        struct re *re = re_compile(gw_str_z(expression), false, why);
        if (!re) /* `a**`, say */
            continue;
        struct re_memo *m = re_memo_new(gw_str_z(expression), PCRE2_UTF | PCRE2_DOLLAR_ENDONLY);
        assert_non_null(m);
        re_thread_forget(t);
        enum re_result r = re_match(re, t, &a, gw_str_n(text, n), 0, spans);
        bool plain = r == RE_MATCH;
        int rc = re_memo_match(m, gw_str_n(text, n), 0, data, 5 * GW_MSEC);
        if (r != RE_GAVE_UP && rc != PCRE2_ERROR_MATCHLIMIT && plain != (rc > 0))
            fail_msg("%s on \"%.*s\": %d, and with a memory %d", expression, (int)n, text, plain, rc);
        const PCRE2_SIZE *found = pcre2_get_ovector_pointer(data);
        for (int k = 0; plain && k < 2 * rc; k++)
            if (found[k] != spans[k])
                fail_msg("%s on \"%.*s\": other groups", expression, (int)n, text);
        matched += plain;
        re_memo_drop(m);
        re_drop(re);
    }
    assert_in_range(matched, ROUNDS / 10, ROUNDS);
    gw_arena_fini(&a);
    re_thread_drop(t);
    pcre2_match_data_free(data);
}

/* n times (.*) with blanks between, on a text of `words` words: the first takes what the others can spare. */
static void expect_greedy(unsigned n, unsigned words)
{
    struct re_thread *t = re_thread_new();
    struct gw_arena a;
    char expression[2000] = "", text[8000] = "", why[RE_ERROR_SIZE];
    size_t spans[SPANS];
    gw_arena_init(&a, 1 << 20);
    for (unsigned i = 0; i < n; i++)
        strcat(expression, i ? " (.*)" : "(.*)");
    for (unsigned i = 0; i < words; i++)
        sprintf(text + strlen(text), "%sw%03u", i ? " " : "", i);
    struct re *re = re_compile(gw_str_z(expression), false, why);
    enum re_result r = re_match(re, t, &a, gw_str_z(text), 0, spans);
    assert_int_equal(r, words >= n ? RE_MATCH : RE_NO_MATCH);
    for (unsigned g = 1; r == RE_MATCH && g <= n; g++) {
        assert_int_equal(spans[2 * g], g == 1 ? 0 : 5 * (words - n + g - 1));
        assert_int_equal(spans[2 * g + 1], 5 * (words - n + g) - 1);
    }
    re_drop(re);
    gw_arena_fini(&a);
    re_thread_drop(t);
}

static void many_greedy_groups(void **state)
{
    static const unsigned groups[] = {2, 13, 14, 15, 20, 40};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        expect_greedy(groups[i], groups[i] - 1);
        expect_greedy(groups[i], groups[i]);
        expect_greedy(groups[i], groups[i] + 1);
        expect_greedy(groups[i], groups[i] + 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_match_is_the_same),
                                       cmocka_unit_test(many_greedy_groups)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
