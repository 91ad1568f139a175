/* trace_state and probabilities; every expected text was worked out by hand (or by dd-trace-go, where it says
 * so).
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/translators/ddtrace/arena_bed.h"
#include "translators/ddtrace/dd_sampling.h"

#define NOT_SAID ((double)NAN)

/* Facts as "key=value" entries, separated by blanks; numbers are metrics. */
static struct dd_sampling facts(const char *entries)
{
    struct dd_sampling s;
    gw_str rest = gw_str_z(entries), entry;
    double number;
    dd_sampling_init(&s);
    while (*entries && gw_str_next(&rest, '|', &entry)) {
        size_t at = gw_str_find(entry, '=');
        gw_str key = gw_str_n(entry.ptr, at), value = gw_str_from(entry, at + 1);
        bool metric = gw_str_ends(key, GW_STR("_psr")) || gw_str_ends(key, GW_STR("_v1"));
        if (metric && gw_str_double(value, &number))
            assert_true(dd_sampling_number(&s, key, number));
        else
            assert_true(dd_sampling_text(&s, key, value));
    }
    return s;
}

static void the_probability_is_the_effective_one(void **state)
{
    static const struct {
        const char *facts;
        double rate;
    } cases[] = {
        {"", NOT_SAID},
        {"_dd.agent_psr=0.5", 0.5},
        {"_dd.agent_psr=1", 1},
        {"_dd.rule_psr=0.25|_dd.agent_psr=0.5|_dd.p.ksr=0.5", 0.25},
        {"_dd.agent_psr=0.5|_dd.p.ksr=0.75", 0.5},
        {"_dd.p.ksr=0.75", 0.75},
        {"_sampling_priority_rate_v1=0.5|_dd.p.ksr=0.75", 0.5},
        {"_dd.rule_psr=0.5|_dd.limit_psr=0.5", 0.25},
        {"_dd.rule_psr=0.5|_dd.limit_psr=1", 0.5},
        {"_dd.rule_psr=0.5|_dd.limit_psr=100", 0.5}, /* Java */
        {"_dd.rule_psr=0.5|_dd.limit_psr=0", 0.5},
        {"_dd.rule_psr=0.5|_dd.p.dm=-3", 0.5},
        {"_dd.rule_psr=0.5|_dd.p.dm=-4", NOT_SAID},
        {"_dd.rule_psr=0.5|_dd.p.dm=-5", NOT_SAID},
        {"_dd.rule_psr=0", NOT_SAID},
        {"_dd.rule_psr=1.5", NOT_SAID},
        {"_dd.rule_psr=-1|_dd.agent_psr=0.5", 0.5},
        {"_dd.p.ksr=x", NOT_SAID},
        {"_dd.agent_psr=0.5|_dd.agent_psr=0.25", 0.5}, /* the first that is said stays */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dd_sampling s = facts(cases[i].facts);
        double rate = dd_sampling_rate(&s, 1);
        if (isnan(rate) != isnan(cases[i].rate) || (!isnan(rate) && rate != cases[i].rate))
            fail_msg("%s: %g, want %g", cases[i].facts, rate, cases[i].rate);
    }
}

static void trace_state_says_it(void **state)
{
    static const struct {
        const char *facts;
        uint64_t low;
        const char *parent, *want;
    } cases[] = {
        {"", 1, "", ""},
        /* the dd member */
        {"_sampling_priority_v1=1", 1, "", "dd=s:1"},
        {"_sampling_priority_v1=-1|_dd.origin=rum", 1, "", "dd=s:-1;o:rum"},
        {"_sampling_priority_v1=2|_dd.p.dm=-4|_dd.p.usr=abc|_dd.origin=rum", 1, "36ba836f491e072a",
         "dd=s:2;o:rum;p:36ba836f491e072a;t.dm:-4;t.usr:abc"},
        {"_sampling_priority_v1=1", 1, "0000000000000000", "dd=s:1"},
        {"_sampling_priority_v1=1", 1, "no parent", "dd=s:1"},
        {"_dd.origin=a=b;c,d~e", 1, "", "dd=o:a~b_c_d_e"},
        {"_dd.p.k, x=v\xC3\xA9w ", 1, "", "dd=t.k__x:v_w_"},
        {"_dd.p.k:;=a:b", 1, "", "dd=t.k__:a:b"},
        {"_dd.p.k=", 1, "", ""},
        /* W3C's list */
        {"tracestate=congo=t61rcWkgMzE", 1, "", "congo=t61rcWkgMzE"},
        {"_sampling_priority_v1=1|tracestate=congo=1, rojo=2", 1, "", "dd=s:1,congo=1,rojo=2"},
        {"_sampling_priority_v1=2|_dd.p.dm=-4|_dd.origin=rum|w3c.tracestate=a=1,dd=s:1;o:x;t.dm:-1,b=2", 1,
         "", "dd=s:2;o:rum;t.dm:-4,a=1,b=2"},
        {"tracestate=a=1,dd=s:1;o:x,b=2", 1, "", "dd=s:1;o:x,a=1,b=2"},
        {"tracestate= ,, a=1 ,", 1, "", "a=1"},
        /* what does not parse is left out whole; the next that does counts */
        {"_sampling_priority_v1=1|tracestate=a=1,B=2", 1, "", "dd=s:1"},
        {"tracestate=dd=s:1;o:x,a=1,a=2", 1, "", ""},
        {"tracestate=ot=th:8,b", 1, "", ""},
        {"tracestate=a=1=2|w3c.tracestate=b=1|tracestate=c=1", 1, "", "b=1"},
        /* probability; rv of 1 is ~(1111111111111111111) >> 8 = f0948a54d43b8e */
        {"_dd.agent_psr=1", 1, "", "ot=th:0;rv:f0948a54d43b8e"},
        {"_dd.agent_psr=0.5", 1, "", "ot=th:8;rv:f0948a54d43b8e"},
        {"_dd.rule_psr=0.25", 1, "", "ot=th:c;rv:f0948a54d43b8e"},
        {"_dd.rule_psr=0.8", 1, "", "ot=th:3333;rv:f0948a54d43b8e"},
        {"_dd.rule_psr=0.1", 1, "", "ot=th:e666;rv:f0948a54d43b8e"},
        {"_dd.rule_psr=0.2", 2, "", "ot=th:cccd;rv:e12914a9a8771c"},
        {"_dd.rule_psr=0.3333333333333333", 1, "", "ot=th:aaab;rv:f0948a54d43b8e"},
        /* a leading zero is no digit of precision */
        {"_dd.rule_psr=0.99", 1, "", "ot=th:028f6;rv:f0948a54d43b8e"},
        /* 12 has 0.72 of the range in front of it: a sampler of 0.1 that goes by the hash would not have kept
         * it */
        {"_dd.rule_psr=0.1", 12, "", "ot=th:e666"},
        {"_dd.rule_psr=0.01", 12, "", "ot=th:fd70a"},
        {"_dd.rule_psr=0.001", 12, "", "ot=th:ffbe77"},
        {"_dd.rule_psr=0.0000000001", 12, "", "ot=th:ffffffff920d"},
        {"_dd.rule_psr=0.000000000000000000001", 12, "", "ot=th:ffffffffffffff"},
        /* the limiter is no hash */
        {"_dd.rule_psr=0.5|_dd.limit_psr=0.5", 1, "", "ot=th:c"},
        {"_dd.rule_psr=0.5|_dd.limit_psr=100", 1, "", "ot=th:8;rv:f0948a54d43b8e"},
        /* a decision against, and one regardless, have no threshold */
        {"_dd.rule_psr=0.5|_sampling_priority_v1=-1", 1, "", "dd=s:-1"},
        {"_dd.rule_psr=0.5|_sampling_priority_v1=2|_dd.p.dm=-4", 1, "", "dd=s:2;t.dm:-4"},
        {"_dd.p.dm=-4|tracestate=ot=th:8;rv:01020304050607;x:y", 1, "",
         "dd=t.dm:-4,ot=rv:01020304050607;x:y"},
        /* an incoming ot member is refreshed, and kept where there is nothing to say */
        {"_dd.rule_psr=0.5|tracestate=ot=rv:01020304050607;th:0;x:y,b=1", 1, "",
         "ot=th:8;rv:f0948a54d43b8e;x:y,b=1"},
        {"_dd.rule_psr=0.5|tracestate=ot=x:y ; ;z ", 1, "", "ot=th:8;rv:f0948a54d43b8e;x:y;z"},
        {"_sampling_priority_v1=2|_dd.p.dm=-4|tracestate=ot= ;;", 1, "", "dd=s:2;t.dm:-4"},
        {"_dd.rule_psr=0.1|tracestate=ot=rv:01020304050607", 12, "", "ot=th:e666;rv:01020304050607"},
        {"tracestate=b=1,ot=rv:01020304050607;th:0", 1, "", "ot=rv:01020304050607;th:0,b=1"},
        /* what dd-trace-go 2.12 sent for these ids */
        {"_dd.agent_psr=1", 5839419060754887903u, "", "ot=th:0;rv:40d9ea5d3f50f7"},
        {"_dd.agent_psr=1", 2924897786622318769u, "", "ot=th:0;rv:7e1c9ac0219dad"},
        /* everything */
        {"_sampling_priority_v1=1|_dd.p.dm=-3|_dd.p.ksr=0.5|_dd.rule_psr=0.5|_dd.limit_psr=1|tracestate=dd=s:"
         "1;p:1,congo=t61",
         1, "000000000000000a",
         "dd=s:1;p:000000000000000a;t.dm:-3;t.ksr:0.5,ot=th:8;rv:f0948a54d43b8e,congo=t61"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dd_sampling s = facts(cases[i].facts);
        gw_str got = dd_sampling_state(&s, &arena, cases[i].low, gw_str_z(cases[i].parent));
        if (!gw_str_eq(got, gw_str_z(cases[i].want)))
            fail_msg("%s:\n got %.*s\nwant %s", cases[i].facts, GW_FMT(got), cases[i].want);
    }
}

/* A trace that is kept by the hash at the edge of its threshold: rounding to four digits would say that it
 * was not. */
static void rounding_never_contradicts_the_decision(void **state)
{
    struct dd_sampling s = facts("_dd.rule_psr=0.2");
    uint64_t exact = (UINT64_C(1) << 56) - (uint64_t)llround(0.2 * 72057594037927936.0),
             rounded = UINT64_C(0xcccd0000000000), low = 0;
    /* The factor is odd, so it has an inverse modulo 2^64, found by Newton's iteration. */
    uint64_t factor = UINT64_C(1111111111111111111), inverse = factor;
    for (int i = 0; i < 6; i++)
        inverse *= 2 - factor * inverse;
    low = ~((exact + 1) << 8) * inverse; /* its rv is just above the exact threshold */
    assert_true(exact + 1 < rounded);
    gw_str got = dd_sampling_state(&s, &arena, low, GW_NOSTR);
    assert_true(gw_str_eq(got, GW_STR("ot=th:cccccccccccccc;rv:cccccccccccccd")));
}

static void the_dd_member_is_bounded(void **state)
{
    char value[200];
    memset(value, 'v', sizeof value);
    struct dd_sampling s = facts("_sampling_priority_v1=1");
    assert_true(dd_sampling_text(&s, GW_STR("_dd.p.a"), gw_str_n(value, 200)));
    assert_true(dd_sampling_text(&s, GW_STR("_dd.p.b"), gw_str_n(value, 60))); /* no room: left out whole */
    assert_true(dd_sampling_text(&s, GW_STR("_dd.p.c"), gw_str_n(value, 3)));
    gw_str got = dd_sampling_state(&s, &arena, 1, GW_NOSTR);
    assert_int_equal(got.len, strlen("dd=s:1;t.a:") + 200 + strlen(";t.c:vvv"));
    assert_true(gw_str_ends(got, GW_STR("v;t.c:vvv")));
    /* exactly 256 bytes fit */
    s = facts("_sampling_priority_v1=1");
    dd_sampling_text(&s, GW_STR("_dd.p.a"), gw_str_n(value, 200));
    dd_sampling_text(&s, GW_STR("_dd.p.b"), gw_str_n(value, 256 - 208 - 5));
    got = dd_sampling_state(&s, &arena, 1, GW_NOSTR);
    assert_int_equal(got.len, 3 + 256);
    s.propagated[1].value.len++;
    got = dd_sampling_state(&s, &arena, 1, GW_NOSTR);
    assert_int_equal(got.len, 3 + 208);
}

static void the_list_has_at_most_32_members(void **state)
{
    char list[400] = "tracestate=";
    for (int i = 0; i < 32; i++)
        sprintf(list + strlen(list), "k%d=v,", i);
    struct dd_sampling s = facts("_sampling_priority_v1=1|_dd.agent_psr=1");
    dd_sampling_text(&s, GW_STR("tracestate"), gw_str_z(list + strlen("tracestate=")));
    gw_str got = dd_sampling_state(&s, &arena, 1, GW_NOSTR), member = GW_NOSTR;
    size_t n = 0;
    while (gw_str_next(&got, ',', &member))
        n++;
    assert_int_equal(n, 32);
    assert_true(gw_str_eq(member, GW_STR("k29=v")));
}

static void texts_that_do_not_parse_are_counted(void **state)
{
    struct dd_sampling s = facts("tracestate=a|w3c.tracestate=b=|tracestate=c=1|tracestate=d");
    assert_int_equal(s.bad_tracestates, 2); /* the last is not asked */
    assert_true(gw_str_eq(s.tracestate, GW_STR("c=1")));
}

/* What others say in the ot member stays where it fits into the 256 bytes of a value. */
static void the_ot_member_is_bounded(void **state)
{
    char list[300] = "ot=";
    memset(list + 3, 'k', 200);
    strcpy(list + 203, ";b:1;rv:01020304050607");
    struct dd_sampling s = facts("_dd.agent_psr=1");
    assert_true(dd_sampling_text(&s, GW_STR("tracestate"), gw_str_z(list)));
    gw_str got = dd_sampling_state(&s, &arena, 1, GW_NOSTR);
    assert_true(gw_str_starts(got, GW_STR("ot=th:0;rv:f0948a54d43b8e;kkk")));
    assert_true(gw_str_ends(got, GW_STR("kkk;b:1")));
    memset(list + 3, 'k', 235);
    strcpy(list + 238, ";b:1");
    s = facts("_dd.agent_psr=1");
    assert_true(dd_sampling_text(&s, GW_STR("tracestate"), gw_str_z(list)));
    got = dd_sampling_state(&s, &arena, 1, GW_NOSTR);
    assert_true(gw_str_eq(got, GW_STR("ot=th:0;rv:f0948a54d43b8e;b:1")));
}

static void other_tags_are_no_facts(void **state)
{
    struct dd_sampling s;
    dd_sampling_init(&s);
    assert_false(dd_sampling_text(&s, GW_STR("_dd.p.tid"), GW_STR("6b00e75b00000000")));
    assert_false(dd_sampling_text(&s, GW_STR("_dd.p."), GW_STR("x")));
    assert_false(dd_sampling_text(&s, GW_STR("_dd.origins"), GW_STR("x")));
    assert_false(dd_sampling_number(&s, GW_STR("_dd.psr"), 1));
    assert_int_equal(dd_sampling_mechanism(&s), -1);
    assert_true(dd_sampling_text(&s, GW_STR("_dd.p.dm"), GW_STR("-11")));
    assert_int_equal(dd_sampling_mechanism(&s), 11);
    assert_int_equal(s.priority, DD_NO_PRIORITY);
    assert_true(dd_sampling_number(&s, GW_STR("_sampling_priority_v1"), (double)INFINITY));
    assert_int_equal(s.priority, DD_NO_PRIORITY);
    for (int i = 0; i < 40; i++)
        dd_sampling_text(&s, gw_arena_printf(&arena, "_dd.p.k%d", i / 2), GW_STR("v"));
    assert_int_equal(s.propagated_n, DD_MAX_PROPAGATED);
    assert_true(gw_str_eq(s.propagated[15].key, GW_STR("k15")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_probability_is_the_effective_one),    cmocka_unit_test(trace_state_says_it),
        cmocka_unit_test(rounding_never_contradicts_the_decision), cmocka_unit_test(the_dd_member_is_bounded),
        cmocka_unit_test(the_list_has_at_most_32_members),         cmocka_unit_test(other_tags_are_no_facts),
        cmocka_unit_test(texts_that_do_not_parse_are_counted),     cmocka_unit_test(the_ot_member_is_bounded),
    };
    return cmocka_run_group_tests(tests, arena_open, arena_close);
}
