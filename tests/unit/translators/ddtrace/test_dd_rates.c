/* Tables of sampling rates: who finds which, the answer to tracers, and its version.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "translators/ddtrace/dd_fixed_rates.h"
#include "translators/ddtrace/dd_rates.h"

static void rates_are_found(void **state)
{
    static const struct dd_rate rows[] = {{GW_LIT("web"), GW_LIT("prod"), 0.5},
                                          {GW_LIT("web"), GW_LIT(""), 0.25},
                                          {GW_LIT("db"), GW_LIT("prod"), 1},
                                          {GW_LIT("a\"b"), GW_LIT("\xc3\xa9"), 0}};
    struct dd_rates *t = dd_rates_new(rows, 4, 0.1);
    assert_true(dd_rates_find(t, GW_STR("web"), GW_STR("prod")) == 0.5);
    assert_true(dd_rates_find(t, GW_STR("web"), GW_NOSTR) == 0.25);
    assert_true(dd_rates_find(t, GW_STR("web"), GW_STR("test")) == 0.1);
    assert_true(dd_rates_find(t, GW_STR("WEB"), GW_STR("prod")) == 0.1);
    assert_true(dd_rates_find(t, GW_STR("we"), GW_STR("bprod")) == 0.1);
    assert_true(dd_rates_find(t, GW_NOSTR, GW_NOSTR) == 0.1);
    assert_true(dd_rates_highest(t) == 1);
    assert_false(dd_rates_are_one(t));
    gw_str answer = dd_rates_answer(t);
    const char *want = "{\"rate_by_service\":{\"service:,env:\":0.1,\"service:a\\\"b,env:\xc3\xa9\":0,"
                       "\"service:db,env:prod\":1,\"service:web,env:\":0.25,\"service:web,env:prod\":0.5}}";
    if (!gw_str_eq(answer, gw_str_z(want)))
        fail_msg("%.*s", GW_FMT(answer));
    dd_rates_drop(t);
}

/* Equal rates have equal versions, wherever they come from; others have others. */
static void versions_are_of_the_rates(void **state)
{
    struct dd_rate rows[] = {{GW_LIT("a"), GW_LIT("x"), 0.5}, {GW_LIT("b"), GW_LIT("x"), 1}};
    struct dd_rates *one = dd_rates_new(rows, 2, 1), *other = dd_rates_new(rows, 1, 1),
                    *none = dd_rates_new(NULL, 0, 1);
    struct dd_rate swapped[] = {rows[1], rows[0]};
    struct dd_rates *same = dd_rates_new(swapped, 2, 1);
    assert_true(gw_str_eq(dd_rates_version(one), dd_rates_version(same)));
    assert_false(gw_str_eq(dd_rates_version(one), dd_rates_version(other)));
    rows[0].rate = 0.500001;
    struct dd_rates *nearly = dd_rates_new(rows, 2, 1);
    assert_false(gw_str_eq(dd_rates_version(one), dd_rates_version(nearly)));
    assert_true(gw_str_eq(dd_rates_answer(none), GW_STR("{\"rate_by_service\":{\"service:,env:\":1}}")));
    assert_true(dd_rates_are_one(none));
    assert_true(gw_str_starts(dd_rates_version(none), GW_STR("ddgate-")));
    struct dd_rates *all[] = {one, other, none, same, nearly};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        dd_rates_drop(dd_rates_ref(all[i]));
        dd_rates_drop(all[i]);
    }
}

/* (id × 1111111111111111111) mod 2^64, as dd-trace-go and the agent have it. */
static void datadogs_hash_decides(void **state)
{
    static const struct {
        uint64_t id;
        double kept_from; /* the product / 2^64, to six digits */
    } ids[] = {{1, 0.060234},
               {2, 0.120467},
               {12, 0.722802},
               {5839419060754887903u, 0.746675},
               {2924897786622318769u, 0.507377}};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        assert_false(dd_rate_keeps(ids[i].kept_from - 0.000001, ids[i].id));
        assert_true(dd_rate_keeps(ids[i].kept_from + 0.000001, ids[i].id));
    }
    assert_false(dd_rate_keeps(0, 0));
    assert_false(dd_rate_keeps(0, 1));
    assert_true(dd_rate_keeps(1, UINT64_MAX));
    assert_true(dd_rate_keeps(0x1.fffffffffffffp-1, 1));
    /* one in a thousand of consecutive ids */
    size_t kept = 0;
    for (uint64_t id = 1; id <= 1000000; id++)
        kept += dd_rate_keeps(0.001, id);
    assert_in_range(kept, 990, 1010);
}

static void rates_have_six_digits(void **state)
{
    assert_true(dd_rate_round(1.0 / 3) == 0.333333);
    assert_true(dd_rate_round(0.00012345678) == 0.000123457);
    assert_true(dd_rate_round(1) == 1);
    assert_true(dd_rate_round(0) == 0);
    assert_true(dd_rate_round(0.9999999) == 1);
}

static void what_the_user_writes(void **state)
{
    static const struct {
        const char *key, *value, *why;
        bool any_service, any_env;
        const char *service, *env;
        double rate;
    } cases[] = {
        {"shop", "0.1", NULL, false, true, "shop", "", 0.1},
        {"shop,env:prod", "1", NULL, false, false, "shop", "prod", 1},
        {"shop,env:", "0", NULL, false, false, "shop", "", 0},
        {"*", "1e-3", NULL, true, true, "*", "", 0.001},
        {"*,env:test", "0.5", NULL, true, false, "*", "test", 0.5},
        {"service:shop,env:prod", "0.1", NULL, false, false, "shop", "prod", 0.1},
        {"service:,env:", "0.1", NULL, true, true, "", "", 0.1},
        {"a,b", "0.1", NULL, false, true, "a,b", "", 0.1},
        {"shop", "", "is not a rate", false, false, "", "", 0},
        {"shop", "1.5", "is not a rate", false, false, "", "", 0},
        {"shop", "-0.1", "is not a rate", false, false, "", "", 0},
        {"shop", "10%", "is not a rate", false, false, "", "", 0},
        {"shop", "nan", "is not a rate", false, false, "", "", 0},
        {",env:prod", "0.1", "names no service", false, false, "", "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dd_fixed_rate f;
        struct gw_map_item item = {gw_str_z(cases[i].key), gw_str_z(cases[i].value)};
        const char *why = dd_fixed_rate_read(&item, &f);
        if (cases[i].why ? !why || !strstr(why, cases[i].why) : why != NULL)
            fail_msg("%s=%s: %s", cases[i].key, cases[i].value, why ? why : "good");
        if (why)
            continue;
        if (f.any_service != cases[i].any_service || f.any_env != cases[i].any_env ||
            !gw_str_eq(f.service, gw_str_z(cases[i].service)) || !gw_str_eq(f.env, gw_str_z(cases[i].env)) ||
            f.rate != cases[i].rate)
            fail_msg("%s is \"%.*s\" \"%.*s\" %g", cases[i].key, GW_FMT(f.service), GW_FMT(f.env), f.rate);
    }
}

static void the_narrowest_fixed_rate_holds(void **state)
{
    static const char *const keys[] = {"*", "*,env:test", "shop", "shop,env:test", "cart"};
    struct dd_fixed_rate fixed[5];
    for (size_t i = 0; i < 5; i++)
        assert_null(dd_fixed_rate_read(&(struct gw_map_item){gw_str_z(keys[i]), GW_STR("0.5")}, &fixed[i]));
#define OF(n, service, env) (dd_fixed_rate_of(fixed, n, GW_STR(service), GW_STR(env)) - fixed)
    assert_int_equal(OF(5, "shop", "test"), 3);
    assert_int_equal(OF(5, "shop", "prod"), 2);
    assert_int_equal(OF(5, "shop", ""), 2);
    assert_int_equal(OF(5, "cart", "test"), 4);
    assert_int_equal(OF(5, "other", "test"), 1);
    assert_int_equal(OF(5, "other", "prod"), 0);
    assert_int_equal(OF(5, "", ""), 0);
#undef OF
    assert_null(dd_fixed_rate_of(&fixed[1], 4, GW_STR("other"), GW_STR("prod")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_found),       cmocka_unit_test(versions_are_of_the_rates),
        cmocka_unit_test(datadogs_hash_decides), cmocka_unit_test(rates_have_six_digits),
        cmocka_unit_test(what_the_user_writes),  cmocka_unit_test(the_narrowest_fixed_rate_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
