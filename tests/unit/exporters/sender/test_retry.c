/* The pauses between tries: full jitter under a doubling ceiling, the backend's word, the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/sender/retry.h"

static const struct gw_retry_conf conf = {GW_SEC, 30 * GW_SEC};
static const struct gw_outcome away = {.verdict = GW_RETRY};

static void the_ceiling_doubles_up_to_max(void **state)
{
    static const int seconds[] = {1, 2, 4, 8, 16, 30, 30, 30};
    struct gw_retry r = {.expiry = GW_NEVER};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        struct gw_retry top = r;
        assert_true(gw_retry_step(&top, &conf, &away, 0, UINT64_MAX).until == seconds[i] * GW_SEC);
        assert_true(gw_retry_step(&r, &conf, &away, 0, 0).until == 0);
    }
    r.tries = 4000000000u; /* no overflow however long it lasts */
    assert_true(gw_retry_step(&r, &conf, &away, 7, UINT64_MAX).until == 30 * GW_SEC + 7);
}

static void the_pause_is_spread_over_all_of_it(void **state)
{
    unsigned quarter[4] = {0};
    for (uint64_t i = 0; i < 1000; i++) {
        struct gw_retry r = {.tries = 2, .expiry = GW_NEVER};
        gw_nsec pause = gw_retry_step(&r, &conf, &away, 0, i * (UINT64_MAX / 999)).until;
        assert_in_range(pause, 0, 4 * GW_SEC);
        quarter[pause == 4 * GW_SEC ? 3 : pause / GW_SEC]++;
    }
    for (int i = 0; i < 4; i++)
        assert_in_range(quarter[i], 245, 255);
}

static void the_backend_may_lengthen_a_pause_and_not_shorten_it(void **state)
{
    struct gw_outcome told = {.verdict = GW_RETRY, .retry_after = 3 * GW_SEC};
    struct gw_retry r = {.tries = 3, .expiry = GW_NEVER}; /* ceiling 8 s */
    assert_true(gw_retry_step(&r, &conf, &told, 100, 0).until == 100 + 3 * GW_SEC);
    r.tries = 3;
    assert_true(gw_retry_step(&r, &conf, &told, 100, UINT64_MAX).until == 100 + 8 * GW_SEC);
}

static void a_hold_keeps_its_slow_pace(void **state)
{
    struct gw_outcome hold = {.verdict = GW_RETRY_SLOWLY};
    struct gw_retry r = {.expiry = GW_NEVER};
    for (int i = 0; i < 10; i++) {
        assert_true(gw_retry_step(&r, &conf, &hold, 0, 0).until == 15 * GW_SEC);
        assert_true(gw_retry_step(&r, &conf, &hold, 0, UINT64_MAX).until == 30 * GW_SEC);
    }
}

static void the_last_try_is_made_before_the_data_expires(void **state)
{
    struct gw_retry r = {.tries = 10, .expiry = 100 * GW_SEC};
    struct gw_step step = gw_retry_step(&r, &conf, &away, 95 * GW_SEC, UINT64_MAX);
    assert_false(step.give_up);
    assert_true(step.until == 100 * GW_SEC);
    assert_true(gw_retry_step(&r, &conf, &away, 100 * GW_SEC, 0).give_up);
    struct gw_outcome later = {.verdict = GW_RETRY, .retry_after = 6 * GW_SEC};
    assert_true(gw_retry_step(&r, &conf, &later, 95 * GW_SEC, 0).give_up);
}

static void a_max_below_initial_is_what_counts(void **state)
{
    struct gw_retry_conf small = {10 * GW_SEC, GW_SEC};
    struct gw_retry r = {.expiry = GW_NEVER};
    assert_true(gw_retry_step(&r, &small, &away, 0, UINT64_MAX).until == GW_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ceiling_doubles_up_to_max),
        cmocka_unit_test(the_pause_is_spread_over_all_of_it),
        cmocka_unit_test(the_backend_may_lengthen_a_pause_and_not_shorten_it),
        cmocka_unit_test(a_hold_keeps_its_slow_pace),
        cmocka_unit_test(the_last_try_is_made_before_the_data_expires),
        cmocka_unit_test(a_max_below_initial_is_what_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
