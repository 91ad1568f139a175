/* Seeded hashes spread and tell texts apart; random numbers differ, with the kernel and without.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/hash.h"
#include "core/base/random.h"

static int order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void assert_all_differ(uint64_t *numbers, size_t n)
{
    qsort(numbers, n, sizeof *numbers, order);
    for (size_t i = 1; i < n; i++)
        assert_true(numbers[i] != numbers[i - 1]);
}

static void mix_is_murmurs(void **state)
{
    (void)state;
    assert_true(gw_hash_mix(0) == 0);
    assert_true(gw_hash_mix(1) == UINT64_C(0xb456bcfc34c2cb2c));
    assert_true(gw_hash_mix(2) == UINT64_C(0x3abf2a20650683e7));
}

/* Prefixes of one text, and one text with each of its bytes changed: what a table of attribute names sees. */
static void near_texts_differ(void **state)
{
    char text[40];
    uint64_t hashes[2 * sizeof text];
    size_t n = 0;
    (void)state;
    memset(text, 0, sizeof text);
    for (size_t len = 0; len < sizeof text; len++)
        hashes[n++] = gw_hash_text(7, gw_str_n(text, len));
    for (size_t at = 0; at < sizeof text; at++) {
        text[at] = 1;
        hashes[n++] = gw_hash_text(7, gw_str_n(text, sizeof text));
        text[at] = 0;
    }
    assert_all_differ(hashes, n);
}

static void seed_counts(void **state)
{
    (void)state;
    assert_true(gw_hash_text(1, GW_STR("service")) != gw_hash_text(2, GW_STR("service")));
    assert_true(gw_hash_text(gw_hash_text(1, GW_STR("a")), GW_STR("b")) !=
                gw_hash_text(gw_hash_text(1, GW_STR("b")), GW_STR("a")));
    assert_true(gw_hash_text(gw_hash_text(1, GW_STR("ab")), GW_NOSTR) !=
                gw_hash_text(gw_hash_text(1, GW_NOSTR), GW_STR("ab")));
}

static void numbers_differ(void **state)
{
    uint64_t numbers[512];
    (void)state;
    for (size_t i = 0; i < 256; i++) {
        numbers[i] = gw_random();
        numbers[256 + i] = gw_random_without_kernel();
    }
    assert_all_differ(numbers, 512);
}

/* Of 256 numbers each bit is set in some and clear in some. */
static void every_bit_moves(void **state)
{
    uint64_t all = UINT64_MAX, any = 0;
    (void)state;
    for (int i = 0; i < 256; i++) {
        uint64_t number = gw_random_without_kernel();
        all &= number;
        any |= number;
    }
    assert_true(all == 0);
    assert_true(any == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mix_is_murmurs), cmocka_unit_test(near_texts_differ), cmocka_unit_test(seed_counts),
        cmocka_unit_test(numbers_differ), cmocka_unit_test(every_bit_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
