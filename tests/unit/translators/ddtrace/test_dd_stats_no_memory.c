/* Missing memory is no verdict on statistics: whichever allocation the system refuses, a tracer is told to come
 * again (GW_BUSY), and nothing of the request is kept.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "core/base/budget.h"
#include "tests/unit/failing_malloc.h"
#include "tests/unit/translators/ddtrace/read_file.h"
#include "translators/ddtrace/dd_stats.h"

static void a_refused_allocation_is_busy(void **state)
{
    gw_str body = read_file("tests/data/stats/dd-trace-go-2.12.0/stats.bin");
    unsigned long n = 1, busy = 0;
    bool refused;
    assert_true(body.len > 0);
    do {
        struct gw_budget whole = {.limit = 64 << 20}, account = {.limit = 32 << 20, .parent = &whole};
        const struct dd_options options = {.obfuscate = true};
        const struct dd_request from = {.lang = GW_STR("go")};
        const struct dd_env env = {.now = GW_SEC};
        struct dd_stats_result out;
        struct gw_arena arena;
        struct gw_err err;
        gw_arena_init(&arena, 16 << 20);
        arena.account = &account;
        failing_begin(n, 1);
        enum gw_code code = dd_stats_translate(&arena, false, body, &from, &env, &options, &out, &err);
        refused = failing_end();
        if (code != GW_OK && code != GW_BUSY)
            fail_msg("allocation %lu: %s: %s", n, gw_code_text(code), err.what);
        busy += code == GW_BUSY;
        assert_true(code == GW_OK ? out.frames_n == 1 && out.frames[0]->items == 6
                                  : !out.frames_n && out.intake.not_taken[GW_REASON_QUEUE_FULL]);
        for (size_t i = 0; i < out.frames_n; i++)
            gw_frame_drop(out.frames[i]);
        gw_arena_fini(&arena);
        assert_int_equal(account.used, 0);
        n++;
    } while (refused);
    assert_true(busy >= 10);
    free((void *)body.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_refused_allocation_is_busy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
