/* Accounts: parts and wholes, and what pays for arenas, writers and frames.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four before it */
#include <cmocka.h>

#include "core/base/arena.h"
#include "core/base/budget.h"
#include "translators/otlp/otlp_write.h"

static void a_part_counts_against_the_whole(void **state)
{
    struct gw_budget whole = {.limit = 100}, a = {.limit = 60, .parent = &whole},
                     b = {.limit = 60, .parent = &whole};
    assert_true(gw_budget_take(&a, 60));
    assert_int_equal(whole.used, 60);
    assert_false(gw_budget_take(&a, 1)); /* its own limit */
    assert_false(gw_budget_is_short(&a));
    assert_false(gw_budget_take(&b, 41)); /* the other's doing */
    assert_true(gw_budget_is_short(&b));
    assert_int_equal(b.used, 0);
    assert_int_equal(whole.used, 60);
    assert_true(gw_budget_take(&b, 40));
    gw_budget_give(&a, 60);
    gw_budget_give(&b, 40);
    assert_int_equal(whole.used + a.used + b.used, 0);
    assert_false(gw_budget_take(&a, SIZE_MAX));
    assert_true(gw_budget_take(NULL, SIZE_MAX)); /* nobody counts */
}

static void an_arena_pays_for_its_chunks(void **state)
{
    struct gw_budget account = {.limit = 300 * 1024};
    struct gw_arena a;
    gw_arena_init(&a, SIZE_MAX);
    a.account = &account;
    struct gw_snap start = gw_arena_snap(&a);
    assert_non_null(gw_arena_raw(&a, 1, 10));
    size_t one = account.used;
    assert_true(one > 64 * 1024 && one < 66 * 1024);
    gw_arena_back(&a, start); /* an arena that goes back keeps its chunk, and pays for it */
    assert_non_null(gw_arena_raw(&a, 1, 100 * 1024));
    assert_true(account.used > one + 100 * 1024);
    assert_null(gw_arena_raw(&a, 1, 200 * 1024));
    assert_true(a.spent);
    gw_arena_reset(&a, 0);
    assert_int_equal(account.used, 0);
    assert_non_null(gw_arena_raw(&a, 1, 200 * 1024));
    gw_arena_fini(&a);
    assert_int_equal(account.used, 0);
    assert_ptr_equal(a.account, &account);
}

static void a_writer_pays_for_its_capacity(void **state)
{
    struct gw_budget account = {.limit = 10000};
    struct otlp_buf w = {.account = &account};
    static char text[6000];
    otlp_text(&w, 1, gw_str_n(text, sizeof text));
    assert_false(w.failed);
    assert_int_equal(account.used, w.cap);
    otlp_text(&w, 1, gw_str_n(text, sizeof text));
    assert_true(w.failed);
    assert_int_equal(account.used, w.cap);
    otlp_fini(&w);
    assert_int_equal(account.used, 0);
    assert_false(otlp_reserve(&w, 10001));
    assert_true(otlp_reserve(&w, 10000));
    otlp_fini(&w);
    assert_int_equal(account.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_counts_against_the_whole),
        cmocka_unit_test(an_arena_pays_for_its_chunks),
        cmocka_unit_test(a_writer_pays_for_its_capacity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
