/* Exponential histograms: bounds of buckets, halving, merging, quantiles against the sorted values, memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "translators/metrics/exponential_histogram.h"

static uint64_t seed = 1;

static double random_unit(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 11) / (double)(1ull << 53);
}

/* Upper bound of a bucket. */
static double bound(int32_t index, int32_t scale)
{
    return exp2(ldexp((double)index + 1, -scale));
}

/* The value below which a share q of the values lies, as well as the buckets tell. */
static double quantile(const struct exphist *h, double q)
{
    double rank = q * (double)(h->count - 1), seen = 0, v = h->max;
    bool found = false;
    for (uint32_t i = h->negative.n; i-- > 0 && !found;)
        if ((found = (seen += (double)h->negative.counts[i]) > rank))
            v = -2 / (1 / bound(h->negative.first + (int32_t)i, h->scale) +
                      1 / bound(h->negative.first + (int32_t)i - 1, h->scale));
    if (!found && (found = (seen += (double)h->zero) > rank))
        v = 0;
    for (uint32_t i = 0; i < h->positive.n && !found; i++)
        if ((found = (seen += (double)h->positive.counts[i]) > rank))
            v = 2 / (1 / bound(h->positive.first + (int32_t)i, h->scale) +
                     1 / bound(h->positive.first + (int32_t)i - 1, h->scale));
    return v < h->min ? h->min : v > h->max ? h->max : v;
}

static void powers_of_two_end_their_bucket(void **state)
{
    for (int32_t scale = EXPHIST_SCALE_MIN; scale <= EXPHIST_SCALE; scale++)
        for (int e = -1000; e < 1000; e++) {
            double v = ldexp(1, e);
            int32_t i = exphist_index(v, scale);
            assert_true(i <= exphist_index(nextafter(v, INFINITY), scale));
            if (scale >= 0) {
                assert_int_equal(i, e * (1 << scale) - 1);
                assert_int_equal(exphist_index(nextafter(v, INFINITY), scale), i + 1);
                assert_int_equal(exphist_index(nextafter(v, 0), scale), i);
            }
        }
}

static void a_value_lies_in_its_bucket(void **state)
{
    for (int n = 0; n < 200000; n++) {
        double v = exp2(200 * random_unit() - 100);
        int32_t scale = (int32_t)(17 * random_unit()) - 10, i = exphist_index(v, scale);
        double upper = bound(i, scale), lower = bound(i - 1, scale);
        assert_true(v <= upper * (1 + 1e-12) && v > lower * (1 - 1e-12));
        assert_int_equal(exphist_index(v, scale - 1), i >> 1);
    }
}

static int by_value(const void *a, const void *b)
{
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static void check(const struct exphist *h, double *values, size_t n)
{
    double sum = 0, base = exp2(ldexp(1, -h->scale)), error = (base - 1) / (base + 1) + 1e-9;
    qsort(values, n, sizeof *values, by_value);
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    assert_int_equal(h->count, n);
    assert_true(fabs(h->sum - sum) <= 1e-9 * fabs(sum) + 1e-9);
    assert_true(h->min == values[0] && h->max == values[n - 1]);
    assert_true(h->positive.n <= EXPHIST_BUCKETS && h->negative.n <= EXPHIST_BUCKETS);
    for (double q = 0; q <= 1; q += 0.01) {
        double got = quantile(h, q), want = values[(size_t)(q * (double)(n - 1))];
        assert_true(fabs(got - want) <= error * fabs(want));
    }
}

static void quantiles_are_as_right_as_is_said(void **state)
{
    enum { N = 3000 };
    static double values[N];
    struct gw_budget budget = {.limit = 1 << 20};
    for (int spread = 1; spread <= 40; spread++) {
        struct exphist all, half[2];
        exphist_init(&all, &budget);
        exphist_init(&half[0], &budget);
        exphist_init(&half[1], &budget);
        for (size_t i = 0; i < N; i++) {
            double v = exp2(spread * random_unit() - 10);
            values[i] = random_unit() < 0.1 ? 0 : random_unit() < 0.3 && spread % 2 ? -v : v;
            assert_true(exphist_add(&all, values[i], 1, 1));
            assert_true(exphist_add(&half[i & 1], values[i], 1, 1));
        }
        assert_true(exphist_merge(&half[0], &half[1]));
        check(&all, values, N);
        check(&half[0], values, N);
        assert_int_equal(all.scale, half[0].scale);
        assert_true(all.scale >= (spread <= 5 ? 5 : spread <= 10 ? 4 : spread <= 20 ? 3 : 2));
        exphist_fini(&all);
        exphist_fini(&half[0]);
        exphist_fini(&half[1]);
    }
    assert_int_equal(budget.used, 0);
}

static void the_whole_range_of_doubles_fits(void **state)
{
    struct exphist h;
    static double values[] = {-DBL_MAX, -1, -DBL_TRUE_MIN, 0, DBL_TRUE_MIN, DBL_MIN, 1, DBL_MAX};
    exphist_init(&h, NULL);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_true(exphist_add(&h, values[i], 1, 1));
    assert_int_equal(h.count, 8);
    assert_true(h.positive.n <= EXPHIST_BUCKETS);
    exphist_fini(&h);
}

static void without_memory_nothing_is_added(void **state)
{
    struct gw_budget budget = {.limit = 8 * sizeof(uint64_t) + 7};
    struct exphist h, more;
    exphist_init(&h, &budget);
    exphist_init(&more, NULL);
    assert_true(exphist_add(&h, 1, 1, 1));
    assert_false(exphist_add(&h, 2, 1, 1));
    assert_false(exphist_add(&h, -1, 1, 1));
    assert_true(exphist_add(&more, 1, 5, 1) && exphist_add(&more, -1, 1, 1));
    assert_false(exphist_merge(&h, &more));
    assert_int_equal(h.count, 1);
    assert_true(h.sum == 1 && h.positive.counts[0] == 1);
    exphist_fini(&h);
    exphist_fini(&more);
    assert_int_equal(budget.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(powers_of_two_end_their_bucket),
        cmocka_unit_test(a_value_lies_in_its_bucket),
        cmocka_unit_test(quantiles_are_as_right_as_is_said),
        cmocka_unit_test(the_whole_range_of_doubles_fits),
        cmocka_unit_test(without_memory_nothing_is_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
