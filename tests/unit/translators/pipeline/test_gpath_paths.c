/* Paths into JSON text as tidwall/gjson finds them. Each row says what is expected in words; NULL: nothing is
 * found.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "translators/pipeline/gpath.h"

static const char people[] =
    "{\"name\":{\"first\":\"Tom\",\"last\":\"Anderson\"},\"age\":37,\"a.b\":\"dot\",\"none\":null,\"age\":38,"
    "\"children\":[\"Sara\",\"Alex\"],\"friends\":[{\"first\":\"Dale\",\"age\":44,\"in\":[1,2]},"
    "{\"first\":\"Roger\",\"age\":68,\"ok\":true},{\"first\":\"Jane\",\"age\":47,\"id\":16108321602917563239}"
    "]}";

static const struct {
    const char *what, *path, *expected;
} rows[] = {
    {"a member of a member", "name.last", "\"Anderson\""},
    {"the first of two members with one name", "age", "37"},
    {"an object as it is written", "name", "{\"first\":\"Tom\",\"last\":\"Anderson\"}"},
    {"a name with a dot, escaped", "a\\.b", "\"dot\""},
    {"an element by its index", "children.1", "\"Alex\""},
    {"an index beyond the end finds nothing", "children.2", NULL},
    {"a name where there is an array finds nothing", "children.x", NULL},
    {"the number of elements", "children.#", "2"},
    {"of every element a member", "friends.#.first", "[\"Dale\",\"Roger\",\"Jane\"]"},
    {"of every element that has it", "friends.#.in", "[[1,2]]"},
    {"a wildcard for the rest of a name", "chi*.0", "\"Sara\""},
    {"a wildcard for one character", "ag?", "37"},
    {"a bar is as good as a dot", "name|first", "\"Tom\""},
    {"the first element that a query takes", "friends.#(first==\"Roger\").age", "68"},
    {"all elements that a query takes", "friends.#(age>45)#.first", "[\"Roger\",\"Jane\"]"},
    {"a query with no hit finds nothing", "friends.#(age>99).first", NULL},
    {"a query for what is there", "friends.#(ok).first", "\"Roger\""},
    {"a query on text with a wildcard", "friends.#(first%\"D*\").age", "44"},
    {"a query on text that must not fit", "friends.#(first!%\"D*\").age", "68"},
    {"a query on a bool", "friends.#(ok==true).age", "68"},
    {"a query on the elements themselves", "children.#(%\"A*\")", "\"Alex\""},
    {"a number of 20 digits keeps them", "friends.2.id", "16108321602917563239"},
    {"null is found as it is written", "none", "null"},
    {"a name that is not there", "nope", NULL},
    {"an empty path", "", NULL},
    {"modifiers are not known", "@reverse", NULL},
    {"multipaths are not known", "{name,age}", NULL},
    {"a query whose bracket is not closed", "friends.#(age>45", NULL},
};

static gw_str found(struct gw_arena *a, gw_str json, gw_str path)
{
    gw_str raw = GW_NOSTR;
    return gpath_get(a, json, path, &raw) ? raw : GW_NOSTR;
}

static void finds_by_path(void **state)
{
    struct gw_arena a;
    (void)state;
    gw_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gw_str got = found(&a, gw_str_z(people), gw_str_z(rows[i].path)),
               want = rows[i].expected ? gw_str_z(rows[i].expected) : GW_NOSTR;
        if (!gw_str_eq(got, want))
            fail_msg("%s: %s\n  finds    %.*s\n  expected %.*s", rows[i].what, rows[i].path, GW_FMT(got),
                     GW_FMT(want));
    }
    gw_arena_fini(&a);
}

/* A NUL is a character of a name like any other: no operator, no end. */
static void a_nul_is_no_operator(void **state)
{
    struct gw_arena a;
    gw_str json = GW_STR("[{\"a\":1,\"b\":2},{\"a\\u0000\":1,\"b\":3}]");
    (void)state;
    gw_arena_init(&a, 1 << 20);
    assert_true(gw_str_eq(found(&a, json, gw_str_n("#(a\0==1).b", 10)), GW_STR("3")));
    assert_true(gw_str_eq(found(&a, json, gw_str_n("#(a\0).b", 7)), GW_STR("3")));
    assert_true(gw_str_eq(found(&a, json, gw_str_n("#(\0).b", 6)), GW_NOSTR));
    assert_true(gw_str_eq(found(&a, gw_str_n("{\"a\0\":1}", 8), GW_STR("a")), GW_NOSTR));
    gw_arena_fini(&a);
}

static void what_is_no_json_finds_nothing(void **state)
{
    static const char *const texts[] = {"", "x", "{", "{\"b\":}", "{\"b\":1,,\"a\":1}", "[1", "\"a\""};
    struct gw_arena a;
    (void)state;
    gw_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (found(&a, gw_str_z(texts[i]), GW_STR("a")).len)
            fail_msg("%s: something is found", texts[i]);
    gw_arena_fini(&a);
}

/* A path is followed GPATH_DEPTH names deep. */
static void depth_is_bounded(void **state)
{
    struct gw_arena a;
    (void)state;
    gw_arena_init(&a, 1 << 20);
    for (size_t depth = GPATH_DEPTH; depth <= GPATH_DEPTH + 2; depth++) {
        struct gw_text json = {.arena = &a}, path = {.arena = &a};
        for (size_t i = 0; i < depth; i++) {
            gw_text_put_z(&json, "{\"a\":");
            gw_text_put_z(&path, i ? ".a" : "a");
        }
        gw_text_put_char(&json, '1');
        for (size_t i = 0; i < depth; i++)
            gw_text_put_char(&json, '}');
        gw_str got = found(&a, gw_text_result(&json), gw_text_result(&path));
        if (gw_str_eq(got, GW_STR("1")) != (depth <= GPATH_DEPTH + 1))
            fail_msg("%zu names deep: %.*s", depth, GW_FMT(got));
    }
    gw_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_path),
        cmocka_unit_test(a_nul_is_no_operator),
        cmocka_unit_test(what_is_no_json_finds_nothing),
        cmocka_unit_test(depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
