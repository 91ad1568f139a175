/* Which service a span is of: what was learned is found, and nothing else.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/delivery/span_services.h"

static void learned_is_found(void **state)
{
    struct gw_span_services *t = gw_span_services_new();
    unsigned shop = gw_span_services_number(t, GW_STR("shop")),
             cart = gw_span_services_number(t, GW_STR("cart"));
    assert_true(shop && cart && shop != cart);
    assert_int_equal(gw_span_services_number(t, GW_STR("shop")), shop);
    gw_span_services_learn(t, 7, shop);
    gw_span_services_learn(t, 8, cart);
    assert_true(gw_str_eq(gw_span_services_find(t, 7), GW_STR("shop")));
    assert_true(gw_str_eq(gw_span_services_find(t, 8), GW_STR("cart")));
    assert_int_equal(gw_span_services_find(t, 9).len, 0);
    gw_span_services_learn(t, 7, cart); /* the newest wins */
    assert_true(gw_str_eq(gw_span_services_find(t, 7), GW_STR("cart")));
    gw_span_services_drop(t);
}

static void another_span_is_never_found(void **state)
{
    struct gw_span_services *t = gw_span_services_new();
    unsigned shop = gw_span_services_number(t, GW_STR("shop"));
    for (uint64_t i = 0; i < 1000000; i += 2)
        gw_span_services_learn(t, i, shop);
    for (uint64_t i = 1; i < 1000000; i += 2)
        assert_int_equal(gw_span_services_find(t, i).len, 0);
    assert_true(gw_str_eq(gw_span_services_find(t, 999998), GW_STR("shop")));
    gw_span_services_drop(t);
}

static void services_are_bounded(void **state)
{
    struct gw_span_services *t = gw_span_services_new();
    char name[16];
    unsigned known = 0;
    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, "s%d", i);
        known += gw_span_services_number(t, gw_str_z(name)) != 0;
    }
    assert_int_equal(known, 4095);
    assert_int_not_equal(gw_span_services_number(t, GW_STR("s7")), 0);
    assert_int_equal(gw_span_services_number(t, GW_STR("s9999")), 0);
    assert_int_equal(gw_span_services_number(t, GW_NOSTR), 0);
    gw_span_services_learn(t, 7, 0);
    assert_int_equal(gw_span_services_find(t, 7).len, 0);
    gw_span_services_drop(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(learned_is_found),
                                       cmocka_unit_test(another_span_is_never_found),
                                       cmocka_unit_test(services_are_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
