/* Which failures count against a request, and which against its backend.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/sender/suspect.h"

static void a_request_that_fails_while_others_pass_is_suspected(void **state)
{
    struct gw_suspect s = {0};
    struct gw_answers answers = {0};
    for (int failure = 1; failure <= 4; failure++) {
        assert_false(gw_is_suspect(&s));
        answers.taken += 5;
        gw_suspect_failed(&s, &answers);
    }
    assert_true(gw_is_suspect(&s)); /* the first failure says nothing yet */
    assert_false(gw_is_convicted(&s));
    for (int failure = 0; failure < 8; failure++) {
        answers.taken++;
        gw_suspect_failed(&s, &answers);
    }
    assert_true(gw_is_convicted(&s));
}

static void an_outage_suspects_nobody(void **state)
{
    struct gw_suspect s = {0};
    struct gw_answers answers = {1000, 0};
    for (int failure = 0; failure < 100; failure++)
        gw_suspect_failed(&s, &answers);
    assert_false(gw_is_suspect(&s));
}

static void nor_does_a_backend_that_refuses_many(void **state)
{
    struct gw_suspect s = {0};
    struct gw_answers answers = {0};
    for (int failure = 0; failure < 100; failure++) {
        answers.taken++;
        answers.failed_first++;
        gw_suspect_failed(&s, &answers);
    }
    assert_false(gw_is_suspect(&s));
}

static void a_half_needs_one_more_failure(void **state)
{
    struct gw_answers answers = {7, 0};
    struct gw_suspect whole = {.failures = 5, .seen = true, .then = answers}, half = gw_suspect_half(&whole);
    assert_false(gw_is_suspect(&half));
    gw_suspect_failed(&half, &answers); /* nothing was taken meanwhile */
    assert_false(gw_is_suspect(&half));
    answers.taken++;
    gw_suspect_failed(&half, &answers);
    assert_true(gw_is_suspect(&half));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_that_fails_while_others_pass_is_suspected),
        cmocka_unit_test(an_outage_suspects_nobody),
        cmocka_unit_test(nor_does_a_backend_that_refuses_many),
        cmocka_unit_test(a_half_needs_one_more_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
