/* Expressions of RE2 as those of PCRE2: what each becomes, and what is refused in RE2's words.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "translators/text/re_syntax.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void rewritten(void **state)
{
    static const struct {
        gw_str from, to;
        unsigned groups;
        const char *why;
    } rows[] = {
        {GW_LIT("abc"), GW_LIT("abc"), 0, "plain text stays"},
        {GW_LIT("a.c*d+?"), GW_LIT("a.c*d+?"), 0, "so do repetitions"},
        {GW_LIT("^a$"), GW_LIT("(?:^)a(?:$)"), 0, "anchors that may be repeated"},
        {GW_LIT("\\s"), GW_LIT("[\\t\\n\\f\\r ]"), 0, "blanks without the vertical tab"},
        {GW_LIT("[\\s]"), GW_LIT("[\\t\\n\\f\\r ]"), 0, "in a class, too"},
        {GW_LIT("\\v"), GW_LIT("\\x0b"), 0, "the vertical tab itself"},
        {GW_LIT("\\x41\\x{1F600}"), GW_LIT("\\x{41}\\x{1f600}"), 0, "characters by number"},
        {GW_LIT("\\012"), GW_LIT("\\x{a}"), 0, "in octal"},
        {GW_LIT("\\_"), GW_LIT("_"), 0, "an escape that says nothing"},
        {GW_LIT("a{2,3}"), GW_LIT("a{2,3}"), 0, "a count"},
        {GW_LIT("a{,3}"), GW_LIT("a\\{,3}"), 0, "no count: a brace"},
        {GW_LIT("a{x"), GW_LIT("a\\{x"), 0, "nor this"},
        {GW_LIT("(a)(?:b)"), GW_LIT("(a)(?:b)"), 1, "groups"},
        {GW_LIT("(?P<n>a)(?<m>b)"), GW_LIT("(a)(b)"), 2, "named ones are numbered"},
        {GW_LIT("(?i)a(?s-m:b)"), GW_LIT("(?i)a(?s-m:b)"), 0, "flags"},
        {GW_LIT("\\Qa.b\\Ec"), GW_LIT("a\\.bc"), 0, "what is quoted"},
        {GW_LIT("[[:alpha:]x]"), GW_LIT("[[:alpha:]x]"), 0, "a class of a name"},
        {GW_LIT("[]a]"), GW_LIT("[\\]a]"), 0, "a bracket that is the first of a class"},
        {GW_LIT("[\\d-z]"), GW_LIT("[\\d\\-z]"), 0, "a set of characters begins no range"},
        {GW_LIT("[a-z]"), GW_LIT("[a-z]"), 0, "a character does"},
        {GW_LIT("[[]"), GW_LIT("[\\[]"), 0, "a bracket in a class"},
        {GW_LIT("\\pL\\p{Greek}"), GW_LIT("\\pL\\p{Greek}"), 0, "properties"},
        {GW_LIT("a\0b"), GW_LIT("a\0b"), 0, "a NUL is a character"},
        {GW_LIT("[\0-\x1f]"), GW_LIT("[\0-\x1f]"), 0, "and begins a range"},
        {GW_LIT("[\\\0-\x1f]"), GW_LIT("[\\\0-\x1f]"), 0, "also when it is escaped"},
    };
    struct gw_arena a;
    gw_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char why[RE_ERROR_SIZE] = "";
        struct re_syntax x = {.from = rows[i].from, .out = {.arena = &a}, .why = why};
        if (!re_rewrite(&x))
            fail_msg("row %zu is refused: %s: %s", i, why, rows[i].why);
        if (!gw_str_eq(gw_text_result(&x.out), rows[i].to) || x.groups != rows[i].groups)
            fail_msg("row %zu becomes \"%.*s\" with %u groups: %s", i, GW_FMT(gw_text_result(&x.out)),
                     x.groups, rows[i].why);
    }
    gw_arena_fini(&a);
}

static void refused(void **state)
{
    static const struct {
        gw_str from;
        const char *says;
    } rows[] = {
        {GW_LIT("a("), "missing closing )"},
        {GW_LIT("a)"), "unexpected )"},
        {GW_LIT("[a"), "missing closing ]: `[a`"},
        {GW_LIT("*a"), "missing argument to repetition operator: `*`"},
        {GW_LIT("a**"), "invalid nested repetition operator: `**`"},
        {GW_LIT("a{1001}"), "invalid repeat count: `{1001}`"},
        {GW_LIT("a{3,2}"), "invalid repeat count: `{3,2}`"},
        {GW_LIT("(?=a)"), "invalid or unsupported Perl syntax: `(?=`"},
        {GW_LIT("(?<!a)"), "invalid named capture"},
        {GW_LIT("(?P<a-b>x)"), "invalid named capture"},
        {GW_LIT("\\1"), "invalid escape sequence: `\\1`"},
        {GW_LIT("\\h"), "invalid escape sequence: `\\h`"},
        {GW_LIT("\\x{110000}"), "invalid escape sequence"},
        {GW_LIT("\\x{D800}"), "invalid escape sequence"},
        {GW_LIT("a\\"), "trailing backslash at end of expression"},
        {GW_LIT("[a-\\d]"), "invalid character class range"},
        {GW_LIT("\\p"), "invalid character class range"},
        {GW_LIT("\\p{Greek"), "invalid character class range"},
        {GW_LIT("\xFF"), "invalid UTF-8"},
    };
    struct gw_arena a;
    gw_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char why[RE_ERROR_SIZE] = "";
        struct re_syntax x = {.from = rows[i].from, .out = {.arena = &a}, .why = why};
        if (re_rewrite(&x))
            fail_msg("%.*s should be refused: %s", GW_FMT(rows[i].from), rows[i].says);
        if (!strstr(why, rows[i].says))
            fail_msg("%.*s says \"%s\", not \"%s\"", GW_FMT(rows[i].from), why, rows[i].says);
    }
    gw_arena_fini(&a);
}

static void groups_and_names(void **state)
{
    struct gw_arena a;
    char why[RE_ERROR_SIZE];
    gw_arena_init(&a, 1 << 20);
    struct re_syntax all = {.from = GW_STR("(a)(?P<one>b)((?<two>c))"), .out = {.arena = &a}, .why = why};
    assert_true(re_rewrite(&all));
    assert_int_equal(all.groups, 4);
    assert_int_equal(all.names_n, 2);
    assert_true(gw_str_eq(all.names[0].name, GW_STR("one")) && all.names[0].group == 2);
    assert_true(gw_str_eq(all.names[1].name, GW_STR("two")) && all.names[1].group == 4);
    struct re_syntax named = {.from = all.from, .named_only = true, .out = {.arena = &a}, .why = why};
    assert_true(re_rewrite(&named));
    assert_true(gw_str_eq(gw_text_result(&named.out), GW_STR("(?:a)(b)(?:(c))")));
    assert_true(named.groups == 2 && named.names[0].group == 1 && named.names[1].group == 2);
    gw_arena_fini(&a);
}

static void depth(void **state)
{
    static char text[2 * 300];
    struct gw_arena a;
    char why[RE_ERROR_SIZE];
    gw_arena_init(&a, 1 << 20);
    memset(text, '(', 300);
    memset(text + 300, ')', 300);
    struct re_syntax deep = {.from = gw_str_n(text, 600), .out = {.arena = &a}, .why = why};
    assert_false(re_rewrite(&deep));
    assert_non_null(strstr(why, "expression nests too deeply"));
    struct re_syntax less = {.from = gw_str_n(text + 50, 500), .out = {.arena = &a}, .why = why};
    assert_true(re_rewrite(&less));
    gw_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rewritten), cmocka_unit_test(refused),
                                       cmocka_unit_test(groups_and_names), cmocka_unit_test(depth)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
