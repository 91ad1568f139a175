/* Sketches: what bins stand for, in all mappings and both conventions; forms that stores have; what is refused; how a
 * histogram is filled. Sketches are written here, value by value, as Datadog's libraries do it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "translators/metrics/ddsketch.h"
#include "translators/otlp/otlp_write.h"

enum { BINS = 4096, FIRST = -1024 };

/* A sketch that is made by adding values. */
struct maker {
    double gamma, offset, zero;
    enum ddsketch_interpolation how;
    enum ddsketch_bound bound;
    double counts[BINS];
};

static void put_double(struct otlp_buf *w, unsigned field, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, 8);
    otlp_room(w, 16);
    uint8_t *p = wire_put_tag(w->data + w->len, field, WIRE_FIXED64);
    memcpy(p, &bits, 8);
    otlp_end(w, p + 8);
}

static uint64_t zigzag(int32_t v)
{
    return (uint32_t)v << 1 ^ (uint32_t)(v >> 31);
}

static double log_of(enum ddsketch_interpolation how, double v)
{
    int exponent;
    double s = 2 * frexp(v, &exponent) - 1; /* v = (1 + s) 2^(exponent - 1) */
    switch (how) {
    case DDSKETCH_LINEAR:
        return exponent - 1 + s;
    case DDSKETCH_QUADRATIC:
        return exponent - 1 + s * (4 - s) / 3;
    case DDSKETCH_CUBIC:
        return exponent - 1 + ((6. / 35 * s - 3. / 5) * s + 10. / 7) * s;
    default:
        return log2(v);
    }
}

static void add(struct maker *m, double v)
{
    double x = log_of(m->how, v) / log2(m->gamma) + m->offset;
    int index = (int)(m->bound == DDSKETCH_LOWER ? floor(x) : ceil(x));
    assert_in_range(index - FIRST, 0, BINS - 1);
    m->counts[index - FIRST]++;
}

static void put_mapping(struct otlp_buf *w, double gamma, double offset, unsigned how)
{
    size_t mark = otlp_open(w, 1, 1);
    put_double(w, 1, gamma);
    put_double(w, 2, offset);
    otlp_uint(w, 3, how);
    otlp_close(w, mark, 1);
}

static void put_bin(struct otlp_buf *w, int32_t index, double count)
{
    size_t mark = otlp_open(w, 1, 1);
    otlp_uint(w, 1, zigzag(index));
    put_double(w, 2, count);
    otlp_close(w, mark, 1);
}

static void put_counts(struct otlp_buf *w, const double *counts, size_t n)
{
    otlp_bytes(w, 2, gw_str_n((const char *)counts, n * sizeof *counts));
}

static void put_dense(struct otlp_buf *w, const struct maker *m)
{
    put_mapping(w, m->gamma, m->offset, m->how);
    size_t mark = otlp_open(w, 2, 2);
    put_counts(w, m->counts, BINS);
    otlp_uint(w, 3, zigzag(FIRST)); /* behind the counts, as protobuf's libraries write it */
    otlp_close(w, mark, 2);
    if (m->zero > 0)
        put_double(w, 4, m->zero);
}

static double random_duration(unsigned *seed)
{
    return exp(23 * (double)rand_r(seed) / RAND_MAX);
}

/* Bin by bin, so that sorted values and the bins' middles belong to one another. */
static void middles_are_within_the_accuracy(void **state)
{
    static const double gammas[] = {1.02020202020202, 1.015625, 1.1};
    static struct maker m;
    unsigned seed = 1;
    for (size_t g = 0; g < 3; g++)
        for (int how = DDSKETCH_NONE; how <= DDSKETCH_CUBIC; how++)
            for (int bound = DDSKETCH_LOWER; bound <= DDSKETCH_UPPER; bound++)
                for (int i = 0; i < 200; i++) {
                    struct ddsketch s;
                    struct otlp_buf w = {0};
                    m = (struct maker){gammas[g],
                                       g == 1 ? 338.5 : 0,
                                       0,
                                       (enum ddsketch_interpolation)how,
                                       (enum ddsketch_bound)bound,
                                       {0}};
                    double v = random_duration(&seed);
                    add(&m, v);
                    put_dense(&w, &m);
                    assert_true(ddsketch_read(otlp_written(&w), m.bound, &s));
                    /* gamma is of the exact logarithm, bins of the others are at most this much wider */
                    double slope = how == DDSKETCH_NONE        ? log(2)
                                   : how == DDSKETCH_LINEAR    ? 1
                                   : how == DDSKETCH_QUADRATIC ? 0.75
                                                               : 0.7;
                    double wide = exp(slope * log2(m.gamma)), accuracy = (wide - 1) / (wide + 1);
                    if (fabs(s.sum / v - 1) > accuracy * (1 + 1e-9))
                        fail_msg("gamma %g how %d bound %d: %g became %g", m.gamma, how, bound, v, s.sum);
                    assert_true(s.count == 1 && s.bins == 1 && s.min == s.sum && s.max == s.sum);
                    otlp_fini(&w);
                }
}

static bool reads(struct otlp_buf *w, struct ddsketch *s)
{
    bool good = ddsketch_read(otlp_written(w), DDSKETCH_LOWER, s);
    w->len = 0;
    return good;
}

/* Of gamma 2, so that a bin's middle is 4/3 of its lower bound. */
static void stores_have_several_forms(void **state)
{
    static const double counts[] = {1, 0, 2};
    struct ddsketch s;
    struct otlp_buf w = {0};
    put_mapping(&w, 2, 0, 0);
    size_t mark = otlp_open(&w, 2, 2);
    put_bin(&w, -1, 4);
    put_counts(&w, counts, 2);
    put_double(&w, 2, counts[2]); /* not packed */
    put_bin(&w, 3, 1);
    otlp_uint(&w, 3, zigzag(3));
    otlp_uint(&w, 9, 7); /* of a later version */
    otlp_close(&w, mark, 2);
    put_double(&w, 4, 5);
    assert_true(reads(&w, &s));
    assert_true(s.count == 4 + 1 + 2 + 1 + 5);
    assert_true(fabs(s.sum - 4. / 3 * (4 * 0.5 + 8 + 2 * 32 + 8)) < 1e-9);
    assert_true(s.min == 0 && fabs(s.max - 4. / 3 * 32) < 1e-9);
    otlp_fini(&w);
}

static void negative_values_count_as_zero(void **state)
{
    struct ddsketch s;
    struct otlp_buf w = {0};
    put_mapping(&w, 2, 0, 0);
    size_t mark = otlp_open(&w, 3, 2);
    put_bin(&w, 3, 2);
    otlp_close(&w, mark, 2);
    put_double(&w, 4, 1);
    assert_true(reads(&w, &s));
    assert_true(s.count == 3 && s.sum == 0 && s.bins == 1);
    otlp_fini(&w);
}

static void nothing_is_an_empty_sketch(void **state)
{
    static const double none[8];
    struct ddsketch s;
    struct otlp_buf w = {0};
    assert_true(ddsketch_read(GW_NOSTR, DDSKETCH_LOWER, &s) && s.count == 0);
    put_mapping(&w, 1.02, 0, 0);
    size_t mark = otlp_open(&w, 2, 2);
    put_counts(&w, none, 8);
    otlp_close(&w, mark, 2);
    assert_true(reads(&w, &s) && s.count == 0 && s.bins == 0);
    otlp_fini(&w);
}

static void put_one(struct otlp_buf *w, double gamma, double offset, unsigned how, int32_t index,
                    double count)
{
    if (gamma != 0)
        put_mapping(w, gamma, offset, how);
    size_t mark = otlp_open(w, 2, 2);
    put_bin(w, index, count);
    otlp_close(w, mark, 2);
}

static void numbers_that_none_has_are_refused(void **state)
{
    static const struct {
        double gamma, offset;
        unsigned how;
        int32_t index;
        double count;
    } bad[] = {
        {1.02, 0, 0, 5, NAN},       {1.02, 0, 0, 5, -1},       {1.02, 0, 0, 5, INFINITY},
        {1.02, 0, 0, 5, 0x1p60},    {1, 0, 0, 5, 1},           {0.5, 0, 0, 5, 1},
        {-2, 0, 0, 5, 1},           {NAN, 0, 0, 5, 1},         {INFINITY, 0, 0, 5, 1},
        {1.02, NAN, 0, 5, 1},       {1.02, INFINITY, 0, 5, 1}, {1.02, 0, 4, 5, 1},
        {1.02, 0, 0, INT32_MAX, 1}, {0, 0, 0, 5, 1},
    };
    struct ddsketch s;
    struct otlp_buf w = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_one(&w, bad[i].gamma, bad[i].offset, bad[i].how, bad[i].index, bad[i].count);
        if (reads(&w, &s))
            fail_msg("case %zu", i);
    }
    put_one(&w, 1.02, 0, 0, INT32_MIN, 1); /* too small for a double is 0 */
    assert_true(reads(&w, &s) && s.count == 1 && s.sum == 0);
    put_one(&w, 1.02, 0, 0, 5, 1);
    put_one(&w, 0, 0, 0, 6, 1); /* a second store */
    assert_false(reads(&w, &s));
    put_double(&w, 4, -1);
    assert_false(reads(&w, &s));
    otlp_fini(&w);
}

/* Whatever is cut off: refused, or a sketch of less. */
static void cut_sketches_do_no_harm(void **state)
{
    struct ddsketch s, whole;
    struct otlp_buf w = {0};
    size_t refused = 0;
    put_one(&w, 1.02, 3, 0, 200, 2);
    put_double(&w, 4, 1);
    gw_str bytes = otlp_written(&w);
    assert_true(ddsketch_read(bytes, DDSKETCH_LOWER, &whole));
    for (size_t n = 0; n < bytes.len; n++) {
        char *copy = malloc(n + 1); /* so that a byte too far is found */
        memcpy(copy, bytes.ptr, n);
        bool good = ddsketch_read(gw_str_n(copy, n), DDSKETCH_LOWER, &s);
        refused += !good;
        assert_true(!good || s.count < whole.count);
        free(copy);
    }
    assert_true(refused + 3 >= bytes.len);
    otlp_fini(&w);
}

static uint64_t in_buckets(const struct exphist *h)
{
    uint64_t n = h->zero;
    for (uint32_t i = 0; i < h->positive.n; i++)
        n += h->positive.counts[i];
    return n;
}

/* A sampling agent counts more spans than it sketched, by a factor that is no whole number. */
static void counts_are_shared_out_to_the_last_one(void **state)
{
    static struct maker m;
    struct ddsketch s;
    struct exphist h;
    struct otlp_buf w = {0};
    unsigned seed = 7;
    m = (struct maker){.gamma = 1.02020202020202, .zero = 3};
    for (int i = 0; i < 500; i++)
        add(&m, random_duration(&seed));
    put_dense(&w, &m);
    assert_true(reads(&w, &s) && s.count == 503);
    static const uint64_t wanted[] = {1, 2, 7, 502, 503, 504, 1711, 1000003, 1ull << 53};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        exphist_init(&h, NULL);
        put_dense(&w, &m);
        assert_true(ddsketch_read(otlp_written(&w), DDSKETCH_LOWER, &s));
        assert_true(ddsketch_fill(&s, wanted[i], 1e-9, &h));
        assert_true(h.count == wanted[i] && in_buckets(&h) == wanted[i]);
        assert_true(h.zero <= 3 * wanted[i] / 503 + 1 && h.zero + 1 >= 3 * wanted[i] / 503);
        assert_true(h.min >= s.min * 1e-9 && h.max <= s.max * 1e-9 * (1 + 1e-12));
        exphist_fini(&h);
        w.len = 0;
    }
    otlp_fini(&w);
}

static void memory_that_is_out_is_said(void **state)
{
    struct gw_budget none = {.limit = 0};
    struct ddsketch s;
    struct exphist h;
    struct otlp_buf w = {0};
    put_one(&w, 1.02, 0, 0, 5, 1);
    assert_true(ddsketch_read(otlp_written(&w), DDSKETCH_LOWER, &s));
    exphist_init(&h, &none);
    assert_false(ddsketch_fill(&s, 1, 1, &h));
    exphist_fini(&h);
    otlp_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(middles_are_within_the_accuracy),       cmocka_unit_test(stores_have_several_forms),
        cmocka_unit_test(negative_values_count_as_zero),         cmocka_unit_test(nothing_is_an_empty_sketch),
        cmocka_unit_test(numbers_that_none_has_are_refused),     cmocka_unit_test(cut_sketches_do_no_harm),
        cmocka_unit_test(counts_are_shared_out_to_the_last_one), cmocka_unit_test(memory_that_is_out_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
