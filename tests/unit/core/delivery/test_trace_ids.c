/* The table of trace ids against a naive twin, its edges, and several threads at once.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/delivery/trace_ids.h"

#define TTL (100 * GW_SEC)

static void finds(struct gw_trace_ids *ids, uint64_t low, uint64_t want, gw_nsec now)
{
    uint64_t high = 77;
    assert_true(gw_trace_ids_find(ids, low, &high, now));
    assert_int_equal(high, want);
}

static void misses(struct gw_trace_ids *ids, uint64_t low, gw_nsec now)
{
    uint64_t high = 77;
    assert_false(gw_trace_ids_find(ids, low, &high, now));
    assert_int_equal(high, 77);
}

static void zero_is_knowledge_but_never_replaces(void **state)
{
    struct gw_trace_ids *ids = gw_trace_ids_new(16, TTL);
    misses(ids, 5, 0);
    gw_trace_ids_learn(ids, 5, 0, 0);
    finds(ids, 5, 0, 0);
    gw_trace_ids_learn(ids, 5, 0x6553f10000000000, 0);
    finds(ids, 5, 0x6553f10000000000, 0);
    gw_trace_ids_learn(ids, 5, 0, 0);
    finds(ids, 5, 0x6553f10000000000, 0);
    gw_trace_ids_learn(ids, 5, 0x6553f10100000000, 0); /* the low half is used again */
    finds(ids, 5, 0x6553f10100000000, 0);
    gw_trace_ids_learn(ids, 0, 9, 0);
    finds(ids, 0, 9, 0);
    gw_trace_ids_drop(ids);
}

static void an_entry_lives_for_ttl(void **state)
{
    struct gw_trace_ids *ids = gw_trace_ids_new(16, TTL);
    gw_trace_ids_learn(ids, 1, 11, 0);
    finds(ids, 1, 11, TTL);
    misses(ids, 1, TTL + 1);
    gw_trace_ids_learn(ids, 1, 0, TTL + 1); /* what is forgotten does not come back */
    finds(ids, 1, 0, TTL + 1);
    gw_trace_ids_learn(ids, 2, 22, 0);
    gw_trace_ids_learn(ids, 2, 0, TTL); /* young again */
    finds(ids, 2, 22, 2 * TTL);
    gw_trace_ids_drop(ids);
}

static void the_oldest_is_evicted_first(void **state)
{
    struct gw_trace_ids *ids = gw_trace_ids_new(10, TTL);
    for (uint64_t i = 1; i <= 13; i++)
        gw_trace_ids_learn(ids, i << 32, i, 0);
    for (uint64_t i = 1; i <= 3; i++)
        misses(ids, i << 32, 0);
    for (uint64_t i = 4; i <= 13; i++)
        finds(ids, i << 32, i, 0);
    gw_trace_ids_drop(ids);
}

static void a_large_table_keeps_about_its_capacity(void **state)
{
    enum { CAPACITY = 100000 };
    struct gw_trace_ids *ids = gw_trace_ids_new(CAPACITY, TTL);
    uint64_t high, kept = 0;
    for (uint64_t i = 0; i < 3 * CAPACITY; i++)
        gw_trace_ids_learn(ids, i * 0x9e3779b97f4a7c15u, i + 1, 0);
    for (uint64_t i = 0; i < 3 * CAPACITY; i++)
        if (gw_trace_ids_find(ids, i * 0x9e3779b97f4a7c15u, &high, 0)) {
            assert_int_equal(high, i + 1);
            kept++;
        }
    assert_in_range(kept, CAPACITY, CAPACITY + 64);
    for (uint64_t i = 3 * CAPACITY - CAPACITY / 2; i < 3 * CAPACITY; i++)
        finds(ids, i * 0x9e3779b97f4a7c15u, i + 1, 0);
    gw_trace_ids_drop(ids);
}

struct repair_case {
    const char *what;
    uint64_t known[3], rounded, low; /* low 0: no repair */
};

static void ids_rounded_through_doubles_are_repaired(void **state)
{
    static const struct repair_case cases[] = {
        {"the double's exact value", {7838563493741257317u}, 7838563493741257728u, 7838563493741257317u},
        {"JavaScript's shortest digits", {1234567890123456789u}, 1234567890123456800u, 1234567890123456789u},
        {"C's exact digits", {1234567890123456789u}, 1234567890123456768u, 1234567890123456789u},
        {"rounded up over the 11 bits", {0x80000000000007ff}, 0x8000000000000800, 0x80000000000007ff},
        {"halfway goes to even", {0x8000000000000400}, 0x8000000000000000, 0x8000000000000400},
        {"beyond the 53 bits of the neighbour", {0x8000000000000401}, 0x8000000000000000, 0},
        {"two that fit", {0x8000000000000001, 0x8000000000000002}, 0x8000000000000000, 0},
        {"two on either side", {0x80000000000007ff, 0x8000000000000801}, 0x8000000000000800, 0},
        {"a neighbour that does not fit",
         {0x8000000000000001, 0x8000000000000500},
         0x8000000000000000,
         0x8000000000000001},
        {"itself", {0x8000000000000000}, 0x8000000000000000, 0x8000000000000000},
        {"small ids are exact", {9007199254740991u}, 9007199254740991u, 9007199254740991u},
        {"small neighbours differ", {9007199254740991u}, 9007199254740990u, 0},
        {"zero upper bits", {3}, 3, 3},
        {"the largest rounds to 2^64", {UINT64_MAX}, UINT64_MAX - 5, UINT64_MAX},
        {"nothing known", {1}, 0x8000000000000000, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct repair_case *c = &cases[i];
        struct gw_trace_ids *ids = gw_trace_ids_new(1000, TTL);
        for (int k = 0; k < 3 && c->known[k]; k++)
            gw_trace_ids_learn(ids, c->known[k], c->known[k] ^ 0xff, 0);
        uint64_t low = 0, high = 0;
        bool repaired = gw_trace_ids_repair(ids, c->rounded, &low, &high, 0);
        if (repaired != (c->low != 0) || low != c->low || high != (c->low ? c->low ^ 0xff : 0))
            fail_msg("%s: repaired %d to %lx", c->what, repaired, low);
        assert_false(gw_trace_ids_repair(ids, c->rounded, &low, &high, TTL + 1));
        gw_trace_ids_drop(ids);
    }
}

/* ---- the twin: an array in order of first learning ---- */

enum { TWIN = 50 };
struct twin {
    struct {
        uint64_t low, high;
        gw_nsec seen;
    } e[TWIN];
    size_t n;
};

static void twin_learn(struct twin *t, uint64_t low, uint64_t high, gw_nsec now)
{
    size_t i = 0;
    while (i < t->n && t->e[i].low != low)
        i++;
    if (i == t->n) {
        if (t->n == TWIN) {
            memmove(&t->e[0], &t->e[1], (TWIN - 1) * sizeof t->e[0]);
            t->n--;
        }
        i = t->n++;
        t->e[i].low = low;
        t->e[i].high = high;
    } else if (high || now - t->e[i].seen > TTL) {
        t->e[i].high = high;
    }
    t->e[i].seen = now;
}

static bool twin_find(const struct twin *t, uint64_t low, uint64_t *high, gw_nsec now)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->e[i].low == low && now - t->e[i].seen <= TTL) {
            *high = t->e[i].high;
            return true;
        }
    return false;
}

static bool twin_repair(const struct twin *t, uint64_t rounded, uint64_t *low, gw_nsec now)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        if ((double)t->e[i].low == (double)rounded && now - t->e[i].seen <= TTL) {
            *low = t->e[i].low;
            n++;
        }
    return n == 1;
}

static uint64_t random64(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void table_behaves_as_its_twin(void **state)
{
    uint64_t seed = 20261121;
    for (int round = 0; round < 40; round++) {
        struct gw_trace_ids *ids = gw_trace_ids_new(TWIN, TTL);
        struct twin twin = {.n = 0};
        gw_nsec now = 0;
        for (int step = 0; step < 4000; step++) {
            uint64_t r = random64(&seed), high = 1, twin_high = 1, fixed = 0, twin_fixed = 0;
            /* 96 ids in 6 neighbourhoods that a double cannot tell apart, and 32 far apart: more than fit */
            uint64_t low = r & 64 ? (r % 32) << 40 : ((r % 6) + 1) << 61 | (r >> 8) % 16 * 256;
            now += (gw_nsec)((r >> 20) % 5 * GW_SEC);
            switch ((r >> 32) % 4) {
            case 0:
            case 1:
                high = (r >> 40) % 3;
                gw_trace_ids_learn(ids, low, high, now);
                twin_learn(&twin, low, high, now);
                break;
            case 2:
                assert_int_equal(gw_trace_ids_find(ids, low, &high, now),
                                 twin_find(&twin, low, &twin_high, now));
                assert_int_equal(high, twin_high);
                break;
            default:
                assert_int_equal(gw_trace_ids_repair(ids, low, &fixed, &high, now),
                                 twin_repair(&twin, low, &twin_fixed, now));
                if (fixed)
                    assert_int_equal(fixed, twin_fixed);
            }
        }
        gw_trace_ids_drop(ids);
    }
}

static void *crowd(void *arg)
{
    struct gw_trace_ids *ids = arg;
    uint64_t seed = (uintptr_t)&seed | 1, high, low;
    for (int i = 0; i < 20000; i++) {
        uint64_t id = random64(&seed) % 3000 << 40;
        gw_trace_ids_learn(ids, id, id + 1, i);
        if (gw_trace_ids_find(ids, id ^ UINT64_C(1) << 40, &high, i))
            assert_int_equal(high, (id ^ UINT64_C(1) << 40) + 1);
        if (gw_trace_ids_repair(ids, id, &low, &high, i))
            assert_int_equal(high, low + 1);
    }
    return NULL;
}

static void threads_share_the_table(void **state)
{
    struct gw_trace_ids *ids = gw_trace_ids_new(20000, TTL);
    pthread_t thread[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, crowd, ids), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    gw_trace_ids_drop(ids);
}

static void no_capacity_no_table(void **state)
{
    assert_null(gw_trace_ids_new(0, TTL));
    assert_null(gw_trace_ids_new(SIZE_MAX, TTL));
    gw_trace_ids_drop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_is_knowledge_but_never_replaces),
        cmocka_unit_test(an_entry_lives_for_ttl),
        cmocka_unit_test(the_oldest_is_evicted_first),
        cmocka_unit_test(a_large_table_keeps_about_its_capacity),
        cmocka_unit_test(ids_rounded_through_doubles_are_repaired),
        cmocka_unit_test(table_behaves_as_its_twin),
        cmocka_unit_test(threads_share_the_table),
        cmocka_unit_test(no_capacity_no_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
