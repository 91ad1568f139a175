/* Points: both forms give the same; what cannot be read costs its line, and reading goes on at the next.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "translators/points/points.h"

static struct gw_arena arena;

static void put_values(struct gw_text *to, const struct point_values *v)
{
    for (size_t i = 0; i < v->n; i++) {
        gw_text_put_char(to, ' ');
        gw_text_put_str(to, v->list[i].name);
        gw_text_put_char(to, '=');
        point_put_json(to, &v->list[i]);
    }
}

/* A line a point: measurement, tags, | and fields, @ time; or ! and what is the matter, with its place. */
static void check(enum points_form form, gw_str body, const char *expected)
{
    struct points p;
    struct point point;
    struct gw_err err;
    enum points_got got;
    struct gw_text shown = {.arena = &arena};
    gw_arena_init(&arena, 1 << 20);
    assert_int_equal(points_begin(&p, form, body, 0, &arena, &err), GW_OK);
    while ((got = points_next(&p, &point)) != POINTS_END) {
        if (got == POINTS_BAD) {
            gw_text_put_str(&shown, gw_arena_printf(&arena, "! %zu %s\n", p.pos, p.why));
            continue;
        }
        gw_text_put_str(&shown, point.measurement);
        put_values(&shown, &point.tags);
        gw_text_put_z(&shown, " |");
        put_values(&shown, &point.fields);
        gw_text_put_str(&shown, gw_arena_printf(&arena, " @%llu\n", (unsigned long long)point.time));
    }
    gw_text_put_char(&shown, '\0');
    assert_string_equal(gw_text_result(&shown).ptr, expected);
    gw_arena_fini(&arena);
}

static void lines(void **state)
{
    (void)state;
    check(POINTS_LINES,
          GW_STR("a,b\\ c=d\\,e f=1,g=2i,h=18446744073709551615u,i=t,j=\"x\\\"\ny\",k=\"aGk=\"b 1700000000\n"
                 "# none\n\nb f=[1i,2i],g=[],h=[\"x\",\"y\"],i=[1.5]\r\n"),
          "a b c=\"d,e\" | f=1 g=2 h=18446744073709551615 i=true j=\"x\\\"\\ny\" k=\"aGk=\" "
          "@1700000000000000000\n"
          "b | f=[1,2] g=[] h=[\"x\",\"y\"] i=[1.5] @0\n");
}

static void neighbours_of_what_cannot_be_read(void **state)
{
    (void)state;
    check(POINTS_LINES, GW_STR("a f=1\nb,t1=1,t2 f=1\nc f=2\nd f=[1i\ne f=3"),
          "a | f=1 @0\n"
          "! 15 a tag wants to be NAME=VALUE\n"
          "c | f=2 @0\n"
          "! 33 a list does not end\n"
          "e | f=3 @0\n");
    check(POINTS_LINES, GW_STR("a f=\"x\nb f=1\n"), "! 13 a quoted text does not end\nb | f=1 @0\n");
    check(POINTS_JSON,
          GW_STR("[1,{\"measurement\":\"a\"},{\"measurement\":\"b\",\"fields\":{\"f\":1}},{\"fields\":{\"f\":"
                 "1}}]"),
          "! 1 want a point, an object\n"
          "! 22 a point has no field\n"
          "b | f=1 @0\n"
          "! 78 a point has no measurement\n");
}

static void json(void **state)
{
    (void)state;
    check(POINTS_JSON,
          GW_STR("[{\"measurement\":\"a\",\"tags\":{\"t\":\"x\",\"n\":1},\"fields\":{\"f\":1,\"g\":1.5,\"h\":"
                 "true,\"i\":\"x\","
                 "\"j\":[1,\"2\"],\"k\":null},\"time\":1700000000}]"),
          "a t=\"x\" n=\"1\" | f=1 g=1.5 h=true i=\"x\" j=[1,\"2\"] k=null @1700000000000000000\n");
    check(POINTS_JSON,
          GW_STR("[{\"name\":\"a\",\"fields\":[{\"key\":\"t\",\"s\":\"x\",\"is_tag\":true},{\"key\":\"i\","
                 "\"i\":\"-5\"},"
                 "{\"key\":\"u\",\"u\":\"18446744073709551615\",\"type\":\"COUNT\"},{\"key\":\"b\",\"b\":"
                 "false},{\"key\":\"f\",\"f\":0.5},"
                 "{\"key\":\"l\",\"a\":{\"@type\":\"x\",\"arr\":[{\"i\":\"1\"},{\"i\":\"2\"}]}}],\"time\":"
                 "\"1709523668830398000\"}]"),
          "a t=\"x\" | i=-5 u=18446744073709551615 b=false f=0.5 l=[1,2] @1709523668830398000\n");
}

static void a_body_that_is_no_json(void **state)
{
    struct points p;
    struct gw_err err;
    (void)state;
    gw_arena_init(&arena, 1 << 20);
    assert_int_equal(points_begin(&p, POINTS_JSON, GW_STR("[{\"measurement\":\"a\",\"fields\":{\"f\":1}},"),
                                  0, &arena, &err),
                     GW_BAD_JSON);
    gw_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines),
                                       cmocka_unit_test(neighbours_of_what_cannot_be_read),
                                       cmocka_unit_test(json), cmocka_unit_test(a_body_that_is_no_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
