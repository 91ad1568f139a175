/* What looking for bad items may cost.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "exporters/sender/probes.h"

static void time_gives_them_back_slowly(void **state)
{
    struct gw_probes p = {0};
    gw_nsec now = 1000 * GW_SEC;
    for (int i = 0; i < GW_PROBES; i++)
        assert_true(gw_probes_spend(&p, now));
    assert_false(gw_probes_spend(&p, now));
    assert_false(gw_probes_spend(&p, now + GW_PROBE_EVERY - 1));
    assert_true(gw_probes_spend(&p, now + GW_PROBE_EVERY));
    assert_false(gw_probes_spend(&p, now + GW_PROBE_EVERY));
    now += 1000 * GW_PROBE_EVERY;
    for (int i = 0; i < GW_PROBES; i++)
        assert_true(gw_probes_spend(&p, now));
    assert_false(gw_probes_spend(&p, now));
}

static void what_is_taken_pays_for_two(void **state)
{
    struct gw_probes p = {0};
    for (int i = 0; i < GW_PROBES; i++)
        assert_true(gw_probes_spend(&p, 0));
    gw_probes_taken(&p);
    assert_true(gw_probes_spend(&p, 0));
    assert_true(gw_probes_spend(&p, 0));
    assert_false(gw_probes_spend(&p, 0));
    for (int i = 0; i < 1000; i++)
        gw_probes_taken(&p);
    assert_int_equal(p.spent, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(time_gives_them_back_slowly),
                                       cmocka_unit_test(what_is_taken_pays_for_two)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
