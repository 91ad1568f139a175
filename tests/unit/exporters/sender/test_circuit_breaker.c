/* When an outage is told from a request that is refused, and how often the backend is asked while it lasts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/sender/circuit_breaker.h"

static const struct gw_breaker_conf conf = {{GW_SEC, 32 * GW_SEC}, 4};
#define LONGEST UINT64_MAX /* random bits that draw the longest pause */

static void fail_times(struct gw_breaker *b, int n, enum gw_verdict verdict, bool first_try, gw_nsec now)
{
    while (n--)
        gw_breaker_answer(b, &conf, verdict, first_try, now, LONGEST);
}

static void as_many_first_tries_as_may_be_open_open_it(void **state)
{
    struct gw_breaker b = {0};
    fail_times(&b, 3, GW_RETRY, true, 100);
    assert_true(gw_breaker_allows(&b, 100));
    fail_times(&b, 1, GW_RETRY, true, 100);
    assert_false(gw_breaker_allows(&b, 100));
    assert_true(b.next == 100 + GW_SEC / 4); /* the pace of four requests that retry within a second */
    assert_false(gw_breaker_allows(&b, b.next - 1));
    assert_true(gw_breaker_allows(&b, b.next));
}

static void requests_that_fail_again_and_again_do_not(void **state)
{
    struct gw_breaker b = {0};
    fail_times(&b, 1000, GW_RETRY, false, 100);
    assert_true(gw_breaker_allows(&b, 100));
    fail_times(&b, 1000, GW_RETRY_SLOWLY, false, 100);
    assert_true(gw_breaker_allows(&b, 100));
}

static void any_answer_that_shows_life_closes_it(void **state)
{
    static const enum gw_verdict answers[] = {GW_DONE, GW_SPLIT, GW_REFUSED};
    for (size_t i = 0; i < 3; i++) {
        struct gw_breaker b = {0};
        fail_times(&b, 100, GW_RETRY, true, 100);
        gw_breaker_answer(&b, &conf, answers[i], false, 101, LONGEST);
        assert_true(gw_breaker_allows(&b, 101));
        fail_times(&b, 3, GW_RETRY, true, 102); /* the count begins at nothing */
        assert_true(gw_breaker_allows(&b, 102));
    }
}

static void the_pauses_double_up_to_the_longest(void **state)
{
    static const int quarters[] = {1, 2, 4, 8, 16, 32, 32, 32}; /* of a second */
    struct gw_breaker b = {0};
    fail_times(&b, 4, GW_RETRY, true, 0);
    for (size_t i = 0; i < sizeof quarters / sizeof *quarters; i++) {
        gw_breaker_pass(&b, &conf, true, 1000, LONGEST);
        assert_true(b.next - 1000 == quarters[i] * GW_SEC / 4);
        fail_times(&b, 4, GW_RETRY, false, 2000); /* while it is open, every failure counts */
    }
    b.failures = 4000000000u;
    gw_breaker_pass(&b, &conf, true, 1000, LONGEST);
    assert_true(b.next - 1000 == 8 * GW_SEC);
}

static void one_refusal_of_the_configuration_is_enough(void **state)
{
    struct gw_breaker b = {0};
    fail_times(&b, 1, GW_RETRY_SLOWLY, true, 0);
    assert_true(b.next == 32 * GW_SEC);
    gw_breaker_pass(&b, &conf, false, 40 * GW_SEC, 0);
    assert_true(b.next == 56 * GW_SEC);
}

/* The configuration is good: what is refused now may be one request's words. */
static void a_refusal_after_a_success_is_about_that_request(void **state)
{
    struct gw_breaker b = {0};
    gw_breaker_answer(&b, &conf, GW_DONE, true, 0, LONGEST);
    fail_times(&b, 3, GW_RETRY_SLOWLY, true, 0);
    assert_true(gw_breaker_allows(&b, 0));
    gw_breaker_answer(&b, &conf, GW_DONE, true, 0, LONGEST);
    fail_times(&b, 4, GW_RETRY_SLOWLY, true, 0); /* now it is not */
    assert_false(gw_breaker_allows(&b, 0));
    assert_true(b.next == 32 * GW_SEC);
    gw_breaker_answer(&b, &conf, GW_REFUSED, false, 0, LONGEST);
    fail_times(&b, 1, GW_RETRY_SLOWLY, true, 0); /* nothing was taken since */
    assert_false(gw_breaker_allows(&b, 0));
}

static void a_pass_is_for_one_request_and_the_turns_change(void **state)
{
    struct gw_breaker b = {0};
    fail_times(&b, 4, GW_RETRY, true, 0);
    assert_true(b.fresh_turn);
    gw_breaker_pass(&b, &conf, true, b.next, LONGEST);
    assert_false(b.fresh_turn);
    assert_false(gw_breaker_allows(&b, b.next - 1));
    gw_breaker_pass(&b, &conf, false, b.next, LONGEST);
    assert_true(b.fresh_turn);
}

static void a_closed_one_paces_nothing(void **state)
{
    struct gw_breaker b = {0};
    for (int i = 0; i < 100; i++) {
        gw_breaker_pass(&b, &conf, true, 7, LONGEST);
        assert_true(gw_breaker_allows(&b, 7));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_first_tries_as_may_be_open_open_it),
        cmocka_unit_test(requests_that_fail_again_and_again_do_not),
        cmocka_unit_test(any_answer_that_shows_life_closes_it),
        cmocka_unit_test(the_pauses_double_up_to_the_longest),
        cmocka_unit_test(one_refusal_of_the_configuration_is_enough),
        cmocka_unit_test(a_refusal_after_a_success_is_about_that_request),
        cmocka_unit_test(a_pass_is_for_one_request_and_the_turns_change),
        cmocka_unit_test(a_closed_one_paces_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
