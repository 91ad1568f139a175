/* The pauses between tries: full jitter under a doubling ceiling, the backend's word, the last tries, the
 * end.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/sender/retry.h"

static const struct gw_retry_conf conf = {GW_SEC, 30 * GW_SEC};
static const struct gw_outcome away = {.verdict = GW_RETRY};
static const struct gw_retry endless = {.first_expiry = GW_NEVER, .expiry = GW_NEVER};

static void the_ceiling_doubles_up_to_max(void **state)
{
    static const int seconds[] = {1, 2, 4, 8, 16, 30, 30, 30};
    struct gw_retry r = endless;
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
        struct gw_retry r = {2, GW_NEVER, GW_NEVER};
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
    struct gw_retry r = {3, GW_NEVER, GW_NEVER}; /* ceiling 8 s */
    assert_true(gw_retry_step(&r, &conf, &told, 100, 0).until == 100 + 3 * GW_SEC);
    r.tries = 3;
    assert_true(gw_retry_step(&r, &conf, &told, 100, UINT64_MAX).until == 100 + 8 * GW_SEC);
}

static void a_hold_keeps_its_slow_pace(void **state)
{
    struct gw_outcome hold = {.verdict = GW_RETRY_SLOWLY};
    struct gw_retry r = endless;
    for (int i = 0; i < 10; i++) {
        assert_true(gw_retry_step(&r, &conf, &hold, 0, 0).until == 15 * GW_SEC);
        assert_true(gw_retry_step(&r, &conf, &hold, 0, UINT64_MAX).until == 30 * GW_SEC);
    }
}

/* The oldest frame expires at 100 s, the newest at 110 s. Whatever a backend asks for, the next try is made
 * before the frames that are alive expire, and nothing is given up while one is. */
static void there_is_a_last_try_whatever_the_backend_asks_for(void **state)
{
    static const struct {
        const char *what;
        gw_nsec now, retry_after, until; /* until: -1, given up */
    } table[] = {
        {"asks for nothing", 50 * GW_SEC, 0, 80 * GW_SEC},
        {"asks for less than the rest", 50 * GW_SEC, 40 * GW_SEC, 90 * GW_SEC},
        {"asks for all of the rest", 36 * GW_SEC, 64 * GW_SEC, 84 * GW_SEC},
        {"asks for a nanosecond less", 36 * GW_SEC, 64 * GW_SEC - 1, 100 * GW_SEC - 1},
        {"asks for an hour", 36 * GW_SEC, 3600 * GW_SEC, 84 * GW_SEC},
        {"asks for an hour, at once", 0, 3600 * GW_SEC, 75 * GW_SEC},
        {"asks for ever", 36 * GW_SEC, INT64_MAX, 84 * GW_SEC},
        {"asks for ever, and little is left", 98 * GW_SEC, INT64_MAX, 100 * GW_SEC},
        {"asks for the past", 50 * GW_SEC, -1, 80 * GW_SEC},
        {"asks for the beginning of time", 50 * GW_SEC, INT64_MIN, 80 * GW_SEC},
        {"own pause beyond the oldest", 95 * GW_SEC, 0, 100 * GW_SEC},
        {"a nanosecond before the oldest expires", 100 * GW_SEC - 1, INT64_MAX, 100 * GW_SEC},
        {"the oldest has had its last try", 100 * GW_SEC, INT64_MAX, 110 * GW_SEC},
        {"own pause beyond the newest", 105 * GW_SEC, 0, 110 * GW_SEC},
        {"a nanosecond before the newest expires", 110 * GW_SEC - 1, INT64_MAX, 110 * GW_SEC},
        {"the newest has had its last try", 110 * GW_SEC, 0, -1},
        {"an answer that took long", 500 * GW_SEC, INT64_MAX, -1},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct gw_retry r = {10, 100 * GW_SEC, 110 * GW_SEC};
        struct gw_outcome o = {.verdict = GW_RETRY, .retry_after = table[i].retry_after};
        /* its own pause is 30 s */
        struct gw_step step = gw_retry_step(&r, &conf, &o, table[i].now, UINT64_MAX);
        if (step.give_up != (table[i].until < 0) || (!step.give_up && step.until != table[i].until))
            fail_msg("%s: %s at %lld, want %lld", table[i].what, step.give_up ? "given up" : "tried",
                     (long long)step.until, (long long)table[i].until);
    }
}

/* Always three quarters of what is left, and at the moments of expiry. */
static void a_backend_that_always_asks_for_more_gets_few_more_tries(void **state)
{
    static const int at[] = {96, 120, 126, 128, 130};
    struct gw_outcome o = {.verdict = GW_RETRY, .retry_after = INT64_MAX};
    struct gw_retry r = {0, 128 * GW_SEC, 130 * GW_SEC};
    gw_nsec now = 0;
    size_t n = 0;
    for (struct gw_step step; !(step = gw_retry_step(&r, &conf, &o, now, 0)).give_up; now = step.until, n++) {
        assert_true(n < sizeof at / sizeof *at);
        assert_true(step.until == at[n] * GW_SEC);
    }
    assert_int_equal(n, sizeof at / sizeof *at);
}

/* What a request would do had it been asked for nothing is known, too. */
static void the_early_time_knows_no_wish_of_the_backend(void **state)
{
    struct gw_outcome o = {.verdict = GW_RETRY, .retry_after = 300 * GW_SEC};
    struct gw_retry r = endless;
    struct gw_step step = gw_retry_step(&r, &conf, &o, 0, UINT64_MAX);
    assert_true(step.until == 300 * GW_SEC && step.early == GW_SEC);
}

static void a_max_below_initial_is_what_counts(void **state)
{
    struct gw_retry_conf small = {10 * GW_SEC, GW_SEC};
    struct gw_retry r = endless;
    assert_true(gw_retry_step(&r, &small, &away, 0, UINT64_MAX).until == GW_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ceiling_doubles_up_to_max),
        cmocka_unit_test(the_pause_is_spread_over_all_of_it),
        cmocka_unit_test(the_backend_may_lengthen_a_pause_and_not_shorten_it),
        cmocka_unit_test(a_hold_keeps_its_slow_pace),
        cmocka_unit_test(there_is_a_last_try_whatever_the_backend_asks_for),
        cmocka_unit_test(a_backend_that_always_asks_for_more_gets_few_more_tries),
        cmocka_unit_test(the_early_time_knows_no_wish_of_the_backend),
        cmocka_unit_test(a_max_below_initial_is_what_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
