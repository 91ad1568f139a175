/* Paths into JSON text: what each finds. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "translators/pipeline/gpath.h"

#define DOC                                                                                                  \
    "{\"name\":{\"first\":\"Tom\",\"last\":\"Anderson\"},\"age\":37,\"a.b\":\"dotted\",\"x*\":1,\"null\":"   \
    "null,\"twice\":1,\"twice\":2,"                                                                          \
    "\"list\":[\"a\",\"b\",[\"c\"]],"                                                                        \
    "\"friends\":[{\"first\":\"Dale\",\"age\":44,\"on\":true},{\"first\":\"Roger\",\"age\":68},{\"first\":"  \
    "\"Jane\",\"age\":47,\"on\":"                                                                            \
    "false}]}"

static void paths(void **state)
{
    static const struct {
        gw_str path;
        const char *raw; /* NULL: nothing is found */
        const char *why;
    } rows[] = {
        {GW_LIT("age"), "37", "a member"},
        {GW_LIT("name.last"), "\"Anderson\"", "a member of a member"},
        {GW_LIT("name|last"), "\"Anderson\"", "a bar is as good as a dot"},
        {GW_LIT("name.middle"), NULL, "no such member"},
        {GW_LIT("age.x"), NULL, "a number has no members"},
        {GW_LIT(""), NULL, "no path"},
        {GW_LIT("a\\.b"), "\"dotted\"", "a dot that is escaped is part of the name"},
        {GW_LIT("a.b"), NULL, "one that is not is none"},
        {GW_LIT("na*e.first"), "\"Tom\"", "a star is any text"},
        {GW_LIT("ag?"), "37", "a question mark is any character"},
        {GW_LIT("x\\*"), "1", "a star that is escaped is itself"},
        {GW_LIT("twice"), "1", "of two members of a name the first counts"},
        {GW_LIT("null"), "null", "null is found as it stands"},
        {GW_LIT("list.1"), "\"b\"", "an element by its number"},
        {GW_LIT("list.2.0"), "\"c\"", "an element of an element"},
        {GW_LIT("list.3"), NULL, "no such element"},
        {GW_LIT("list.-1"), NULL, "numbers have no sign"},
        {GW_LIT("list.#"), "3", "how many there are"},
        {GW_LIT("friends.#.first"), "[\"Dale\",\"Roger\",\"Jane\"]",
         "what the rest of the path finds in each"},
        {GW_LIT("friends.#.on"), "[true,false]", "and not in those where it finds nothing"},
        {GW_LIT("friends.#(first==\"Roger\").age"), "68", "the first one of which it is true"},
        {GW_LIT("friends.#(age>45)#.first"), "[\"Roger\",\"Jane\"]", "all of which it is true"},
        {GW_LIT("friends.#(age<=44).first"), "\"Dale\"", "less or equal"},
        {GW_LIT("friends.#(first!=\"Dale\").first"), "\"Roger\"", "not equal"},
        {GW_LIT("friends.#(first%\"J*\").age"), "47", "like a pattern"},
        {GW_LIT("friends.#(first!%\"*o*\").first"), "\"Dale\"", "not like a pattern"},
        {GW_LIT("friends.#(on==true).first"), "\"Dale\"", "true and false"},
        {GW_LIT("friends.#(on).first"), "\"Dale\"", "a query without an operator: it is there"},
        {GW_LIT("friends.#(nobody==1)"), NULL, "nobody"},
        {GW_LIT("friends.#(age>45"), NULL, "a bracket that is not closed"},
        {GW_LIT("friends.#(on\0).first"), NULL, "a NUL ends no name of a query"},
        {GW_LIT("friends.#(age\0 45).first"), NULL, "and is no operator"},
        {GW_LIT("age\0"), NULL, "nor does it end a path"},
        {GW_LIT("@reverse"), NULL, "modifiers are not known"},
        {GW_LIT("{age}"), NULL, "nor are multipaths"},
    };
    struct gw_arena a;
    gw_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gw_str raw = GW_NOSTR;
        bool found = gpath_get(&a, GW_STR(DOC), rows[i].path, &raw);
        if (found != (rows[i].raw != NULL) || (found && !gw_str_eq(raw, gw_str_z(rows[i].raw))))
            fail_msg("%.*s finds %.*s: %s", GW_FMT(rows[i].path), found ? (int)raw.len : 7,
                     found ? raw.ptr : "nothing", rows[i].why);
        gw_arena_reset(&a, 0);
    }
    gw_arena_fini(&a);
}

/* Depth and memory are bounded; text that is no JSON holds nothing. */
static void bounds(void **state)
{
    static char deep[2 * 100 + 8], path[2 * 100 + 2];
    struct gw_arena a;
    gw_str raw;
    gw_arena_init(&a, 1 << 20);
    memset(deep, '[', 100);
    for (size_t i = 0; i < 100; i++)
        memcpy(path + 2 * i, "0.", 2);
    memset(deep + 100, ']', 100);
    assert_false(gpath_get(&a, gw_str_n(deep, 200), gw_str_n(path, 199), &raw));
    assert_true(gpath_get(&a, gw_str_n(deep, 200), gw_str_n(path, 2 * 20 - 1), &raw));
    assert_false(gpath_get(&a, GW_STR("{\"a\":"), GW_STR("a"), &raw));
    assert_false(gpath_get(&a, GW_STR("\0\0"), GW_STR("a"), &raw));
    assert_false(gpath_get(&a, GW_NOSTR, GW_STR("a"), &raw));
    gw_arena_fini(&a);
    gw_arena_init(&a, 1);
    assert_false(gpath_get(&a, GW_STR("{\"a\":1}"), GW_STR("a"), &raw));
    gw_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(paths), cmocka_unit_test(bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
