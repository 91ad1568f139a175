/* Which target gets a request: by load, by trace id, and by what became of requests before.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "exporters/otlp/balancer.h"

enum { IDS = 4000 };

static const gw_nsec NOW = 1000 * GW_SEC;

static void fill(struct balancer *b, const char *const *names)
{
    memset(b, 0, sizeof *b);
    for (; *names; names++)
        balancer_add(b, gw_str_z(*names), strncmp(*names, "backup", 6) == 0);
}

static void id_of(unsigned n, uint8_t id[16])
{
    memset(id, 0, 16);
    memcpy(id, "\x64\xf0\xa1\xb2", 4); /* as Datadog's tracers make the upper half: all alike */
    memcpy(id + 8, &n, sizeof n);
}

static void the_fewest_open_requests_come_first_then_turns(void **state)
{
    struct balancer b;
    fill(&b, (const char *const[]){"a", "b", "c", NULL});
    b.turn = BALANCER_TARGETS - 1;
    for (int i = 0; i < 6; i++) {
        int target = balancer_pick(&b, 0, NOW);
        assert_int_equal(target, i % 3);
        balancer_sent(&b, target);
    }
    balancer_answered(&b, 1, false, 0, NOW);
    assert_int_equal(balancer_pick(&b, 0, NOW), 1);
    assert_int_not_equal(balancer_pick(&b, 1u << 1, NOW), 1);
    assert_int_equal(balancer_pick(&b, 7, NOW), BALANCER_NONE);
}

static void a_target_that_fails_is_out_and_then_tried_by_one_request(void **state)
{
    struct balancer b;
    fill(&b, (const char *const[]){"a", "b", NULL});
    balancer_sent(&b, 0);
    balancer_answered(&b, 0, true, 0, NOW);
    for (int i = 0; i < 3; i++)
        assert_int_equal(balancer_pick(&b, 0, NOW + GW_SEC - 1), 1);
    balancer_sent(&b, 1);
    assert_int_equal(balancer_pick(&b, 0, NOW + GW_SEC), 0);
    balancer_sent(&b, 0);
    assert_int_equal(balancer_pick(&b, 0, NOW + GW_SEC), 1); /* one is enough to try it */
    balancer_answered(&b, 0, true, 0, NOW + GW_SEC);
    assert_int_equal(b.all[0].until, NOW + 3 * GW_SEC); /* twice as long */
    balancer_sent(&b, 0);
    balancer_answered(&b, 0, false, 0, NOW + 3 * GW_SEC);
    assert_int_equal(balancer_pick(&b, 0, NOW + 3 * GW_SEC), 0); /* it has none open, b has one */
    balancer_sent(&b, 0);
    balancer_answered(&b, 0, true, 20 * GW_SEC, NOW); /* what the backend asks for counts */
    assert_int_equal(b.all[0].until, NOW + 20 * GW_SEC);
}

static void backups_are_for_when_no_primary_takes_data(void **state)
{
    struct balancer b;
    fill(&b, (const char *const[]){"a", "backup d", NULL});
    assert_int_equal(balancer_pick(&b, 0, NOW), 0);
    balancer_sent(&b, 0);
    balancer_answered(&b, 0, true, 0, NOW);
    assert_int_equal(balancer_pick(&b, 0, NOW), 1);
    balancer_sent(&b, 1);
    balancer_answered(&b, 1, true, 0, NOW + 1);
    assert_int_equal(balancer_pick(&b, 0, NOW + 2), 0); /* all are out: the one that is tried first */
    assert_int_equal(balancer_pick(&b, 0, NOW + GW_SEC), 0);
}

static void a_target_that_is_gone_ends_with_its_last_request(void **state)
{
    struct balancer b;
    fill(&b, (const char *const[]){"a", "b", NULL});
    assert_true(balancer_remove(&b, 1));
    balancer_sent(&b, 0);
    assert_false(balancer_remove(&b, 0));
    assert_int_equal(balancer_pick(&b, 0, NOW), BALANCER_NONE);
    assert_int_equal(balancer_add(&b, GW_STR("c"), false), 1); /* 0 is not free yet */
    assert_true(balancer_answered(&b, 0, false, 0, NOW));
    assert_int_equal(balancer_add(&b, GW_STR("d"), false), 0);
}

static void traces_spread_evenly_and_only_those_of_a_lost_target_move(void **state)
{
    struct balancer b, other;
    uint8_t id[16];
    unsigned count[3] = {0}, moved[3] = {0};
    fill(&b, (const char *const[]){"10.0.0.1:4317", "10.0.0.2:4317", "10.0.0.3:4317", NULL});
    /* another instance knows them in another order */
    static const int there[] = {2, 0, 1};
    fill(&other, (const char *const[]){"10.0.0.2:4317", "10.0.0.3:4317", "10.0.0.1:4317", NULL});
    int before[IDS];
    for (unsigned n = 0; n < IDS; n++) {
        id_of(n, id);
        before[n] = balancer_pick_trace(&b, id, 0, NOW);
        count[before[n]]++;
        assert_int_equal(balancer_pick_trace(&other, id, 0, NOW), there[before[n]]);
    }
    for (int i = 0; i < 3; i++)
        assert_in_range(count[i], IDS / 3 - IDS / 20, IDS / 3 + IDS / 20);
    balancer_sent(&b, 1);
    balancer_answered(&b, 1, true, 0, NOW);
    for (unsigned n = 0; n < IDS; n++) {
        id_of(n, id);
        int after = balancer_pick_trace(&b, id, 0, NOW);
        if (before[n] == 1)
            moved[after]++;
        else
            assert_int_equal(after, before[n]);
    }
    assert_int_equal(moved[1], 0);
    assert_in_range(moved[0], count[1] / 2 - IDS / 20, count[1] / 2 + IDS / 20);
    balancer_sent(&b, 1);
    balancer_answered(&b, 1, false, 0, NOW);
    for (unsigned n = 0; n < IDS; n++) {
        id_of(n, id);
        assert_int_equal(balancer_pick_trace(&b, id, 0, NOW), before[n]);
    }
}

static void a_trace_s_target_does_not_change_from_version_to_version(void **state)
{
    /* computed by another program */
    static const int want[] = {1, 0, 2, 2, 0, 2, 2, 1, 0, 1, 2, 0};
    struct balancer b;
    uint8_t id[16];
    fill(&b, (const char *const[]){"10.0.0.1:4317", "10.0.0.2:4317", "10.0.0.3:4317", NULL});
    for (unsigned n = 0; n < sizeof want / sizeof *want; n++) {
        id_of(n, id);
        assert_int_equal(balancer_pick_trace(&b, id, 0, NOW), want[n]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fewest_open_requests_come_first_then_turns),
        cmocka_unit_test(a_target_that_fails_is_out_and_then_tried_by_one_request),
        cmocka_unit_test(backups_are_for_when_no_primary_takes_data),
        cmocka_unit_test(a_target_that_is_gone_ends_with_its_last_request),
        cmocka_unit_test(traces_spread_evenly_and_only_those_of_a_lost_target_move),
        cmocka_unit_test(a_trace_s_target_does_not_change_from_version_to_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
