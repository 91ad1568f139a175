/* Bodies, their pools and accounts; cores by quota.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/cpus.h"
#include "gateway/http/body.h"

enum { MIB = 1024 * 1024 };

static struct gw_budget budget, bodies;
static struct gw_body_pool pool;

static int setup(void **state)
{
    budget = (struct gw_budget){.limit = 64 * MIB};
    bodies = (struct gw_budget){.limit = 16 * MIB};
    gw_body_pool_init(&pool, &budget, &bodies, 4 * MIB);
    return 0;
}

static int teardown(void **state)
{
    gw_body_pool_fini(&pool);
    assert_int_equal(budget.used, 0);
    assert_int_equal(bodies.used, 0);
    return 0;
}

static void grows_with_what_comes(void **state)
{
    struct gw_body b = {0};
    assert_true(gw_body_grow(&pool, &b, 100, 25 * MIB)); /* a claim of 25 MiB costs nothing */
    assert_true(b.cap < 64 * 1024);
    for (size_t n = 100; n < 1000000; n += 5000) {
        assert_true(gw_body_grow(&pool, &b, n, 1000000));
        assert_true(b.cap >= n && (b.cap <= 2 * n || b.cap <= 64 * 1024));
        b.data[n - 1] = 'x';
        assert_int_equal(bodies.used, b.cap);
        assert_int_equal(budget.used, b.cap);
    }
    assert_true(gw_body_grow(&pool, &b, 999999, 1000000));
    assert_int_equal(b.cap, 1000000); /* and nothing beyond it */
    gw_body_release(&pool, &b);
    assert_null(b.data);
}

static void recycles(void **state)
{
    struct gw_body a = {0}, b = {0}, c = {0};
    assert_true(gw_body_grow(&pool, &a, 2 * MIB, 2 * MIB));
    assert_true(gw_body_grow(&pool, &b, 100000, 100000));
    char *large = a.data, *small = b.data;
    gw_body_release(&pool, &a);
    gw_body_release(&pool, &b);
    assert_int_equal(bodies.used, 0);
    assert_int_equal(budget.used, 2 * MIB + 100000); /* kept, and charged */
    assert_true(gw_body_grow(&pool, &c, 10, 50000));
    assert_ptr_equal(c.data, small); /* the smallest that will do */
    assert_true(gw_body_grow(&pool, &b, 10, 150000));
    assert_ptr_equal(b.data, large);
    gw_body_release(&pool, &b);
    gw_body_release(&pool, &c);
    gw_body_pool_trim(&pool, 500000);
    assert_int_equal(budget.used, 100000); /* the largest went first */
    assert_true(gw_body_grow(&pool, &a, 5 * MIB, 5 * MIB));
    gw_body_release(&pool, &a);
    assert_int_equal(budget.used, 0); /* grown out of the kept one, and more than is kept */
}

static void large_bodies_leave_room(void **state)
{
    struct gw_body large[3] = {{0}}, small = {0};
    assert_int_equal(gw_body_most(&bodies), 12 * MIB);
    assert_true(gw_body_grow(&pool, &large[0], 6 * MIB, 6 * MIB));
    assert_true(gw_body_grow(&pool, &large[1], 6 * MIB, 6 * MIB));
    assert_false(gw_body_grow(&pool, &large[2], 2 * MIB, 2 * MIB));
    assert_int_equal(large[2].cap, 0);
    assert_true(gw_body_grow(&pool, &small, MIB, MIB));
    assert_int_equal(bodies.used, 13 * MIB);
    gw_body_release(&pool, &small);
    for (int i = 0; i < 3; i++)
        gw_body_release(&pool, &large[i]);
}

static void keeps_nothing_where_memory_is_short(void **state)
{
    struct gw_body a = {0}, b = {0};
    budget.limit = 4 * MIB;
    assert_true(gw_body_grow(&pool, &a, MIB, MIB));
    assert_true(gw_body_grow(&pool, &b, 2 * MIB, 2 * MIB));
    assert_false(gw_body_grow(&pool, &b, 4 * MIB, 4 * MIB));
    assert_int_equal(b.cap, 2 * MIB); /* as it was */
    gw_body_release(&pool, &a);
    assert_true(gw_body_grow(&pool, &b, 4 * MIB, 4 * MIB)); /* the unused one was given up for it */
    assert_int_equal(budget.used, 4 * MIB);
    gw_body_release(&pool, &b);
}

static void cores_by_quota(void **state)
{
    assert_int_equal(gw_cpus_of_max(GW_STR("max 100000")), 0);
    assert_int_equal(gw_cpus_of_max(GW_STR("100000 100000")), 1);
    assert_int_equal(gw_cpus_of_max(GW_STR("150000 100000")), 2);
    assert_int_equal(gw_cpus_of_max(GW_STR("5000 100000")), 1);
    assert_int_equal(gw_cpus_of_max(GW_STR("")), 0);
    assert_int_equal(gw_cpus_of_max(GW_STR("100000")), 0);
    assert_int_equal(gw_cpus_of_max(GW_STR("100000 0")), 0);
    assert_int_equal(gw_cpus_of_quota(-1, 100000), 0);
    assert_int_equal(gw_cpus_of_quota(400000, 100000), 4);
    assert_true(gw_cpus() >= 1);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {T(grows_with_what_comes), T(recycles), T(large_bodies_leave_room),
                                       T(keeps_nothing_where_memory_is_short),
                                       cmocka_unit_test(cores_by_quota)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
