/* Missing memory is no verdict on a request: whichever allocation the system refuses, a tracer is told to come
 * again (GW_BUSY), never that its request is too large or malformed.
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
#include "translators/ddtrace/dd_durations.h"
#include "translators/ddtrace/dd_translate.h"

/* Spans of two services, with an id whose upper half is unknown: groups, buffers, frames and pending ids. */
static const char payload[] = "[[{\"trace_id\":1,\"span_id\":2,\"parent_id\":9,\"start\":1600000000000000000,"
                              "\"duration\":5,\"service\":\"a\","
                              "\"name\":\"web.request\",\"meta\":{\"k\":\"v\"}},"
                              "{\"trace_id\":1,\"span_id\":3,\"parent_id\":2,\"start\":1600000000000000000,"
                              "\"duration\":5,\"service\":\"b\"}]]";

/* Both spans are counted, or counted as dropped, if the request is accepted. */
static void counted_or_dropped(struct dd_durations *d, bool accepted)
{
    static const struct dd_durations_points points = {.kind = METRIC_HISTOGRAM};
    const struct metric_options o = {.shards = 1, .max_series = 10};
    struct metric_store *store = metric_store_new(&o, GW_SEC);
    const struct metric_counts *c = metric_store_counts(store);
    if (accepted)
        (void)dd_durations_commit(d, metric_store_shard(store, 0), &points);
    assert_int_equal(c->samples + c->no_memory, accepted ? 2 : 0);
    metric_store_drop(store);
}

static void a_refused_allocation_is_busy(void **state)
{
    unsigned long n = 1, busy = 0;
    bool refused;
    (void)state;
    do {
        struct gw_budget whole = {.limit = 64 << 20}, account = {.limit = 32 << 20, .parent = &whole};
        struct dd_labels labels;
        dd_labels_init(&labels, &(struct gw_list){0}, &(struct gw_list){0}, 1);
        struct dd_options opt = {.trace_id_bits = 128, .labels = &labels};
        struct dd_translator *t = dd_translator_new(&opt);
        struct dd_request req = {0};
        struct dd_env env = {.now = GW_SEC, .wall = 1700000001 * GW_SEC, .schemas = 1u << GW_OTEL};
        env.durations = dd_durations_new(&labels, &account);
        struct dd_result out;
        struct gw_arena arena;
        struct gw_err err;
        gw_arena_init(&arena, 16 << 20);
        arena.account = &account;
        failing_begin(n, 1);
        enum gw_code code = dd_translate(t, &arena, DD_V04_JSON, gw_str_n(payload, sizeof payload - 1), &req,
                                         &env, &out, &err);
        refused = failing_end();
        if (code != GW_OK && code != GW_BUSY)
            fail_msg("allocation %lu: %s: %s", n, gw_code_text(code), err.what);
        busy += code == GW_BUSY;
        counted_or_dropped(env.durations, code == GW_OK);
        dd_durations_drop(env.durations);
        for (size_t i = 0; i < out.frames_n; i++)
            gw_frame_drop(out.frames[i]);
        gw_arena_fini(&arena);
        dd_translator_drop(t);
        assert_int_equal(account.used, 0);
        n++;
    } while (refused);
    assert_true(busy >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_refused_allocation_is_busy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
