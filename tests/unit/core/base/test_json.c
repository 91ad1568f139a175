/* The JSON cursor: what it takes, what it refuses and where, and what it makes of text and numbers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/json.h"

static struct gw_arena arena;

/* Writes what the cursor sees, in one canonical form: the test's own little printer. */
static void show(struct gw_json *j, char *out, size_t room)
{
    struct gw_json_number n;
    gw_str text;
    bool flag;
    size_t at = strlen(out);
#define SHOW(...) (at += (size_t)snprintf(out + at, room - at, __VA_ARGS__))
    switch (gw_json_kind(j)) {
    case GW_JSON_NULL:
        if (gw_json_null(j))
            SHOW("~");
        break;
    case GW_JSON_BOOL:
        if (gw_json_bool(j, &flag))
            SHOW(flag ? "T" : "F");
        break;
    case GW_JSON_NUMBER:
        if (!gw_json_number(j, &n))
            break;
        if (n.type == GW_JSON_INT)
            SHOW("%ld", (long)n.i);
        else if (n.type == GW_JSON_UINT)
            SHOW("u%lu", (unsigned long)n.u);
        else
            SHOW("d%.17g", n.d);
        break;
    case GW_JSON_STRING:
        if (gw_json_text(j, &text))
            SHOW("<%.*s>", GW_FMT(text));
        break;
    case GW_JSON_ARRAY:
        SHOW("[");
        gw_json_array(j);
        while (gw_json_item(j)) {
            show(j, out, room);
            at = strlen(out);
            SHOW(" ");
        }
        SHOW("]");
        break;
    case GW_JSON_OBJECT:
        SHOW("{");
        gw_json_object(j);
        while (gw_json_member(j, &text)) {
            SHOW("%.*s=", GW_FMT(text));
            show(j, out, room);
            at = strlen(out);
            SHOW(" ");
        }
        SHOW("}");
        break;
    case GW_JSON_NONE:
        gw_json_bad(j, "want a value");
    }
#undef SHOW
}

static void well_formed_text_is_read(void **state)
{
    static const char *const cases[][2] = {
        {"null", "~"},
        {" \t\r\n[ ]\n", "[]"},
        {"{}", "{}"},
        {"[true,false, null]", "[T F ~ ]"},
        {"{\"a\":{\"b\":[[],{}]},\"c\":1}", "{a={b=[[] {} ] } c=1 }"},
        {"0", "0"},
        {"-0", "0"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"9223372036854775808", "u9223372036854775808"},
        {"18446744073709551615", "u18446744073709551615"},
        {"18446744073709551616", "d1.8446744073709552e+19"},
        {"-9223372036854775809", "d-9.2233720368547758e+18"},
        {"1.5", "d1.5"},
        {"1e3", "d1000"},
        {"-2.5E-1", "d-0.25"},
        {"1e999", "dinf"},
        {"NaN", "dnan"},
        {"[Infinity,-Infinity]", "[dinf d-inf ]"},
        {"\"\"", "<>"},
        {"\"a\\\"b\\\\c\\/\\b\\f\\n\\r\\t\"", "<a\"b\\c/\b\f\n\r\t>"},
        {"\"\\u0041\\u00e9\\u20AC\"", "<Aé€>"},
        {"\"\\ud83d\\ude00!\"", "<😀!>"},
        {"\"\\ud83d\"", "<\xEF\xBF\xBD>"},
        {"\"\\ude00\\ud83d\"", "<\xEF\xBF\xBD\xEF\xBF\xBD>"},
        {"\"\\ud83dx\"", "<\xEF\xBF\xBDx>"},
        {"\"\\ud83d\\u0041\"", "<\xEF\xBF\xBD"
                               "A>"},
        {"\"\xff\"", "<\xff>"},
        {"{\"k\\n\":\"v\"}", "{k\n=<v> }"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[200] = "";
        struct gw_json j;
        gw_json_init(&j, gw_str_z(cases[i][0]), &arena);
        show(&j, out, sizeof out);
        if (!gw_json_end(&j))
            fail_msg("%s: %s at %zu", cases[i][0], j.why, (size_t)(j.bad - j.begin));
        assert_string_equal(out, cases[i][1]);
        gw_json_init(&j, gw_str_z(cases[i][0]), &arena);
        assert_true(gw_json_skip(&j));
        assert_true(gw_json_end(&j));
    }
}

static void ill_formed_text_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text;
        size_t pos;
        const char *why;
    } cases[] = {
        {"", 0, "want a value"},
        {"  ", 2, "want a value"},
        {"[1,]", 3, "a comma before the closing bracket"},
        {"[1", 2, "ends within an array or object"},
        {"[", 1, "ends within an array or object"},
        {"[1 2]", 3, "want a comma or the closing bracket"},
        {"[,1]", 1, "no value begins like this"},
        {"[1}", 2, "want a comma or the closing bracket"},
        {"{\"a\":1,}", 7, "a comma before the closing bracket"},
        {"{\"a\" 1}", 5, "want a colon after the name"},
        {"\"abc", 4, "ends within a string"},
        {"\"abc\\", 5, "ends within a string"},
        {"\"a\nb\"", 2, "a control character in a string"},
        {"\"a\\x\"", 2, "no such escape"},
        {"\"a\\u12g4\"", 2, "no such escape"},
        {"\"\\u123\"", 1, "no such escape"},
        {"01", 0, "not a number"},
        {"-", 0, "not a number"},
        {"1.", 0, "not a number"},
        {"1e+", 0, "not a number"},
        {"Nan", 0, "not a number"},
        {"tru", 0, "want true or false"},
        {"nul", 0, "want null"},
        {"1 1", 2, "something stands behind the value"},
        {"[1]]", 3, "something stands behind the value"},
        {"'a'", 0, "no value begins like this"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int skip = 0; skip < 2; skip++) {
            char out[200] = "";
            struct gw_json j;
            struct gw_err err;
            gw_json_init(&j, gw_str_z(cases[i].text), &arena);
            if (skip)
                gw_json_skip(&j);
            else
                show(&j, out, sizeof out);
            assert_false(gw_json_end(&j));
            if (strcmp(j.why, cases[i].why) != 0)
                fail_msg("%s (%d): %s", cases[i].text, skip, j.why);
            assert_int_equal(gw_json_fail(&j, &err), GW_BAD_JSON);
            assert_int_equal(err.pos, cases[i].pos);
            assert_string_equal(err.what, cases[i].why);
        }
    }
}

static void nesting_is_bounded(void **state)
{
    enum { DEEP = 100000 };
    char *text = malloc(2 * DEEP);
    struct gw_json j;
    memset(text, '[', DEEP);
    memset(text + DEEP, ']', DEEP);
    gw_json_init(&j, gw_str_n(text + DEEP - GW_JSON_DEPTH, (size_t)2 * GW_JSON_DEPTH), &arena);
    assert_true(gw_json_skip(&j));
    assert_true(gw_json_end(&j));
    gw_json_init(&j, gw_str_n(text, (size_t)2 * DEEP), &arena);
    assert_false(gw_json_skip(&j));
    assert_string_equal(j.why, "nested too deeply");
    free(text);
}

static void values_are_taken_raw(void **state)
{
    struct gw_json j;
    gw_str key, raw;
    gw_json_init(&j, GW_STR("{\"a\": [1, \"x\\n\", {\"b\": {}}] , \"c\":2}"), &arena);
    assert_true(gw_json_object(&j));
    assert_true(gw_json_member(&j, &key));
    assert_true(gw_json_raw(&j, &raw));
    assert_true(gw_str_eq(raw, GW_STR("[1, \"x\\n\", {\"b\": {}}]")));
    assert_true(gw_json_member(&j, &key));
    assert_true(gw_str_eq(key, GW_STR("c")));
    assert_true(gw_json_raw(&j, &raw));
    assert_true(gw_str_eq(raw, GW_STR("2")));
    assert_false(gw_json_member(&j, &key));
    assert_true(gw_json_end(&j));
}

static void a_spent_arena_is_said(void **state)
{
    struct gw_arena small;
    struct gw_json j;
    gw_str text;
    gw_arena_init(&small, 16);
    gw_json_init(&j, GW_STR("\"a\\n\""), &small);
    assert_false(gw_json_text(&j, &text));
    assert_int_equal(gw_json_fail(&j, NULL), GW_BUDGET);
    gw_arena_fini(&small);
}

static int setup(void **state)
{
    gw_arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    gw_arena_fini(&arena);
    return 0;
}

/* Each text is read and skipped in the three dialects. */
static void dialects_differ(void **state)
{
    static const struct {
        const char *what, *text;
        bool python, strict, loose;
    } rows[] = {
        {"what all take", "[1, -0.5e3, \"x\"]", true, true, true},
        {"NaN", "NaN", true, false, false},
        {"Infinity in an array", "[Infinity, -Infinity]", true, false, false},
        {"leading zeroes", "007", false, false, true},
        {"leading zeroes of a negative number", "[-007]", false, false, true},
        {"a point without digits behind it", "[1.]", false, false, true},
        {"a point and an exponent", "1.e2", false, false, true},
        {"a point without digits before it", ".5", false, false, false},
        {"a control character in a string", "\"a\tb\"", false, false, true},
        {"a control character in a name", "{\"a\x01\":1}", false, false, true},
        {"a control character in a string with escapes", "\"\\n\x1f\"", false, false, true},
        {"a minus sign alone", "-", false, false, false},
        {"a comma at the end", "[1,]", false, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const bool want[] = {[GW_JSON_PYTHON] = rows[i].python,
                             [GW_JSON_STRICT] = rows[i].strict,
                             [GW_JSON_LOOSE] = rows[i].loose};
        for (unsigned dialect = GW_JSON_PYTHON; dialect <= GW_JSON_LOOSE; dialect++) {
            char out[200] = "";
            struct gw_json read, skipped;
            gw_json_init(&read, gw_str_z(rows[i].text), &arena);
            skipped = read;
            read.dialect = skipped.dialect = dialect;
            show(&read, out, sizeof out);
            gw_json_skip(&skipped);
            if (gw_json_end(&read) != want[dialect] || gw_json_end(&skipped) != want[dialect])
                fail_msg("%s: dialect %u is expected to %s it", rows[i].what, dialect,
                         want[dialect] ? "take" : "refuse");
        }
    }
}

static void a_nul_in_a_string_is_refused_in_every_dialect(void **state)
{
    (void)state;
    for (unsigned dialect = GW_JSON_PYTHON; dialect <= GW_JSON_LOOSE; dialect++) {
        struct gw_json j;
        gw_str text;
        gw_json_init(&j, gw_str_n("\"a\0b\"", 5), &arena);
        j.dialect = dialect;
        assert_false(gw_json_text(&j, &text));
        assert_int_equal(j.bad - j.begin, 2);
    }
}

/* Numbers that are read without strtod, and the nearest that are not. */
static void decimals_are_what_strtod_makes_of_them(void **state)
{
    static const char *const numbers[] = {"0.1",
                                          "-0.0",
                                          "12.75",
                                          "0.30000000000000004",
                                          "123456789012.345",
                                          "1234567890123.45",
                                          "0.3",
                                          "1e22",
                                          "1e-7",
                                          "9007199254740993.0",
                                          "0.000000000000001",
                                          "5e-324",
                                          "2.5",
                                          "1E2",
                                          "-1.5e1",
                                          "99999999999999.9",
                                          "999999999999999.9",
                                          "0.1e-5",
                                          "1.10",
                                          "0.70",
                                          "100.0",
                                          "4.35",
                                          "-8.41",
                                          "123456.789e-3"};
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct gw_json j;
        struct gw_json_number n;
        double want = strtod(numbers[i], NULL);
        gw_json_init(&j, gw_str_z(numbers[i]), &arena);
        assert_true(gw_json_number(&j, &n));
        assert_int_equal(n.type, GW_JSON_DOUBLE);
        if (memcmp(&n.d, &want, sizeof want) != 0)
            fail_msg("%s is read as %.17g", numbers[i], n.d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_text_is_read),
        cmocka_unit_test(ill_formed_text_is_refused_with_its_place),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(values_are_taken_raw),
        cmocka_unit_test(a_spent_arena_is_said),
        cmocka_unit_test(dialects_differ),
        cmocka_unit_test(a_nul_in_a_string_is_refused_in_every_dialect),
        cmocka_unit_test(decimals_are_what_strtod_makes_of_them),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
