/* Which texts are a W3C tracestate: Trace Context level 1 and 2.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "translators/ddtrace/dd_tracestate.h"

#define TEN(s) s s s s s s s s s s
#define X250 TEN(TEN("x") TEN("x") "xxxxx")

static void the_grammar(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"", true},
        {" \t", true},
        {",, ,", true},
        {"a=1", true},
        {"congo=t61rcWkgMzE,rojo=00f067aa0ba902b7", true},
        {" a=1\t, b=2 ,,c=3 ", true},
        {"a= 1 2", true},
        {"a=!\"#$%&'()*+-./:;<>?@[]^_`{|}~\\", true},
        {"a_-*/z9=1", true},
        {"0a=1", true}, /* level 2 */
        {"fw529a3039@dt=1", true},
        {"0@sys=1", true},
        {"a@b@c=1", true}, /* level 2 */
        {"dd=s:1;o:rum;t.dm:-4;t.usr:abc~~,ot=th:8;rv:f0948a54d43b8e", true},
        {X250 "xxxxxx=1", true},
        {"a=" X250 "123456", true},
        {"a=1,A=1", false},
        {"Ab=1", false},
        {"aB=1", false},
        {"_a=1", false},
        {"@a=1", false},
        {"a b=1", false},
        {"a =1", false},
        {"a:b=1", false},
        {"a.b=1", false},
        {"a", false},
        {"a=1,b", false},
        {"=1", false},
        {"=", false},
        {"a=", false},
        {"a=1,b=", false},
        {"a= ", false},
        {"a=1=2", false},
        {"a==", false},
        {"a=1\t2", false},
        {"a=1\n", false},
        {"a=\x7f", false},
        {"a=1;b=2", false},
        {"a=\xc3\xa9", false},
        {"\xc3\xa9=1", false},
        {"a=1,b=2,a=3", false},
        {"a=1, a=1", false},
        {X250 "xxxxxxx=1", false},
        {"a=" X250 "1234567", false},
        {"{\"a\":1}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (dd_tracestate_valid(gw_str_z(cases[i].text)) != cases[i].good)
            fail_msg("%s: should be %s", cases[i].text, cases[i].good ? "good" : "bad");
    assert_false(dd_tracestate_valid(gw_str_n("a=1\0", 4)));
    assert_false(dd_tracestate_valid(gw_str_n("a\0=1", 4)));
    assert_true(dd_tracestate_valid(GW_NOSTR));
}

/* Members that are empty do not count. */
static void at_most_32_members(void **state)
{
    char list[1024] = "";
    for (int i = 1; i <= 33; i++) {
        sprintf(list + strlen(list), ", ,k%d=v", i);
        assert_int_equal(dd_tracestate_valid(gw_str_z(list)), i <= 32);
    }
}

/* 512 bytes are what everybody passes on, not the most that there may be. */
static void long_lists_are_taken(void **state)
{
    char list[16 * 256] = "";
    for (int i = 0; i < 14; i++)
        sprintf(list + strlen(list), "k%d=" X250 ",", i);
    assert_true(strlen(list) > 3500);
    assert_true(dd_tracestate_valid(gw_str_z(list)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_grammar),
        cmocka_unit_test(at_most_32_members),
        cmocka_unit_test(long_lists_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
