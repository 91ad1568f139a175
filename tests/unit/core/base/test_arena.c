/* The arena: random use against a model, every budget, and that what is not handed out is poisoned.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/base/arena.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

enum { BLOCKS = 400, MiB = 1024 * 1024 };

struct block {
    unsigned char *p;
    size_t n;
    unsigned char fill;
};

static void put(struct block *b, struct gw_arena *a, size_t n, unsigned char fill)
{
    *b = (struct block){gw_arena_array(a, n, 1), n, fill};
    assert_non_null(b->p);
    assert_int_equal((uintptr_t)b->p % 8, 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(b->p[i], 0);
    memset(b->p, fill, n);
}

static void intact(const struct block *b)
{
    for (size_t i = 0; i < b->n; i++)
        assert_int_equal(b->p[i], b->fill);
}

static size_t some_size(void)
{
    static const size_t edges[] = {0, 1, 7, 8, 9, 65527, 65528, 65535, 65536, 65537, 200000};
    return rand() % 8 ? (size_t)rand() % 300 : edges[(size_t)rand() % (sizeof edges / sizeof *edges)];
}

/* Nothing that is held is ever touched by another allocation, by going back to a snapshot taken later, or by
 * a reset of before. */
static void test_random_use(void **state)
{
    static struct block blocks[BLOCKS];
    struct gw_arena a;
    srand(1);
    gw_arena_init(&a, 64 * MiB);
    for (int round = 0; round < 40; round++) {
        struct gw_snap snaps[8];
        size_t held[8], n = 0, depth = 0;
        for (int step = 0; step < 600; step++) {
            int what = rand() % 20;
            if (what == 0 && depth < 8) {
                held[depth] = n;
                snaps[depth++] = gw_arena_snap(&a);
            } else if (what == 1 && depth) {
                n = held[--depth];
                gw_arena_back(&a, snaps[depth]);
            } else if (n < BLOCKS) {
                put(&blocks[n], &a, some_size(), (unsigned char)rand());
                n++;
            }
        }
        for (size_t i = 0; i < n; i++)
            intact(&blocks[i]);
        assert_false(a.spent);
        gw_arena_reset(&a, round % 3 ? (size_t)rand() % MiB : 0);
    }
    gw_arena_fini(&a);
}

/* Chunks that were kept are used again: a steady load allocates nothing. */
static void test_reset_keeps(void **state)
{
    struct gw_arena a;
    gw_arena_init(&a, MiB);
    char *first = gw_arena_raw(&a, 100, 1);
    for (int i = 0; i < 10; i++)
        gw_arena_raw(&a, 50000, 1);
    size_t used = a.used;
    gw_arena_reset(&a, MiB);
    assert_ptr_equal(gw_arena_raw(&a, 100, 1), first);
    for (int i = 0; i < 10; i++)
        gw_arena_raw(&a, 50000, 1);
    assert_int_equal(a.used, used);
    gw_arena_reset(&a, 0);
    assert_int_equal(a.used, 0);
    gw_arena_fini(&a);
}

/* With every budget there is a first refusal; it sticks, and reset heals it. */
static void test_budget_sweep(void **state)
{
    for (size_t budget = 0; budget < 600000; budget += 1777) {
        struct gw_arena a;
        size_t total = 0;
        gw_arena_init(&a, budget);
        for (;;) {
            size_t n = 1000 + total % 70000;
            if (!gw_arena_raw(&a, n, 1))
                break;
            total += n;
            assert_true(a.used <= budget);
        }
        assert_true(a.spent && total <= budget);
        assert_null(gw_arena_raw(&a, 1 << 20, 1));
        gw_arena_reset(&a, SIZE_MAX);
        assert_false(a.spent);
        assert_true(a.used <= budget);
        gw_arena_fini(&a);
    }
}

static void test_overflow(void **state)
{
    struct gw_arena a;
    gw_arena_init(&a, SIZE_MAX);
    assert_null(gw_arena_array(&a, SIZE_MAX / 2, 3));
    assert_true(a.spent);
    gw_arena_reset(&a, 0);
    assert_null(gw_arena_raw(&a, SIZE_MAX, 1));
    assert_null(gw_arena_raw(&a, SIZE_MAX - 8, 1));
    gw_arena_reset(&a, 0);
    assert_non_null(gw_arena_raw(&a, 0, 8));
    gw_arena_fini(&a);
}

static void test_text(void **state)
{
    struct gw_arena a;
    gw_arena_init(&a, 65536);
    gw_str copy = gw_arena_dup(&a, GW_STR("a\0b")), empty = gw_arena_dup(&a, GW_NOSTR);
    assert_true(gw_str_eq(copy, GW_STR("a\0b")) && empty.len == 0);
    assert_true(gw_str_eq(gw_arena_printf(&a, "%s-%d", "x", 7), GW_STR("x-7")));
    assert_int_equal(gw_arena_printf(&a, "%70000d", 1).len, 0);
    assert_true(a.spent);
    gw_arena_fini(&a);
}

/* A snapshot taken before the first allocation goes back to the beginning. */
static void test_back_to_nothing(void **state)
{
    struct gw_arena a;
    gw_arena_init(&a, MiB);
    struct gw_snap nothing = gw_arena_snap(&a);
    char *p = gw_arena_raw(&a, 10, 1);
    gw_arena_raw(&a, 100000, 1);
    gw_arena_back(&a, nothing);
    assert_ptr_equal(gw_arena_raw(&a, 10, 1), p);
    gw_arena_fini(&a);
}

#if defined(__SANITIZE_ADDRESS__)
static void test_poison(void **state)
{
    struct gw_arena a;
    gw_arena_init(&a, MiB);
    char *p = gw_arena_raw(&a, 8, 1);
    assert_false(__asan_address_is_poisoned(p + 7));
    assert_true(__asan_address_is_poisoned(p + 8));
    struct gw_snap snap = gw_arena_snap(&a);
    char *q = gw_arena_raw(&a, 70000, 1);
    gw_arena_back(&a, snap);
    assert_true(__asan_address_is_poisoned(q) && __asan_address_is_poisoned(q + 69999));
    assert_false(__asan_address_is_poisoned(p));
    gw_arena_reset(&a, MiB);
    assert_true(__asan_address_is_poisoned(p));
    gw_arena_fini(&a);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_use),
        cmocka_unit_test(test_reset_keeps),
        cmocka_unit_test(test_budget_sweep),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_back_to_nothing),
#if defined(__SANITIZE_ADDRESS__)
        cmocka_unit_test(test_poison),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
