/* JSON in lines, and the lines that differ.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/run/json_diff.h"

static void check_lines(const char *json, const char *want)
{
    struct gw_err err;
    char *text;
    size_t len;
    assert_true(gw_json_in_lines(gw_str_z(json), &text, &len, &err));
    assert_int_equal(len, strlen(text));
    assert_string_equal(text, want);
    free(text);
}

static void test_what_fits_stays_on_a_line(void **state)
{
    check_lines(" {\"a\" :[1,-2.5e3, true,null ],\n\"b\":{}, \"c\":\"x, y: [\\\"]\"}  ",
                "{\"a\": [1, -2.5e3, true, null], \"b\": {}, \"c\": \"x, y: [\\\"]\"}\n");
    check_lines("\"\\\\\"", "\"\\\\\"\n");
    check_lines("[]", "[]\n");
}

static void test_what_does_not_is_indented(void **state)
{
    char json[400], want[600], text[130];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    snprintf(json, sizeof json, "{\"a\":[{\"k\":\"%s\"},[ ]],\"b\":2}", text);
    snprintf(want, sizeof want,
             "{\n  \"a\": [\n    {\n      \"k\": \"%s\"\n    },\n    []\n  ],\n  \"b\": 2\n}\n", text);
    check_lines(json, want);
    check_lines(want, want); /* and again the same */
}

static void test_no_json(void **state)
{
    static const char *const texts[] = {"", "{", "[1,]", "{\"a\"}", "1 2", "\"", "{\"a\":1}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct gw_err err = {0};
        char *text;
        size_t len;
        if (gw_json_in_lines(gw_str_z(texts[i]), &text, &len, &err))
            fail_msg("%s is taken", texts[i]);
        assert_int_equal(err.code, GW_BAD_JSON);
    }
}

static void check_diff(const char *want, const char *got, unsigned most, const char *shown)
{
    char *text;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    gw_diff_print(to, gw_str_z(want), gw_str_z(got), most, false);
    fclose(to);
    assert_string_equal(text, shown);
    free(text);
}

static void test_differences(void **state)
{
    check_diff("a\nb\nc\n", "a\nb\nc\n", 9, "");
    check_diff("a\nb\nc\n", "a\nB\nc\n", 9, "        a\n      - b\n      + B\n        c\n");
    check_diff("1\n2\n3\n4\n5\n6\n7\n", "1\n2\n3\n4\n5\n6\n7\n8\n", 9, "        6\n        7\n      + 8\n");
    check_diff("", "a\n", 9, "      + a\n");
    check_diff("a\nb\n", "", 1, "      - a\n      … more lines differ\n");
    check_diff("a\x1b[2J\n", "\n", 9, "      - a\\x1b[2J\n      + \n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_fits_stays_on_a_line),
                                       cmocka_unit_test(test_what_does_not_is_indented),
                                       cmocka_unit_test(test_no_json), cmocka_unit_test(test_differences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
