/* Fills and merges exponential histograms.
 *
 * The state is in the caller's struct exphist. Called by metric_shard.c and ddsketch.c for every histogram
 * value and span.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/metrics/exponential_histogram.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "translators/metrics/finite_sum.h"

enum { FIRST_CAP = 8 };

void exphist_init(struct exphist *h, struct gw_budget *account)
{
    *h = (struct exphist){.scale = EXPHIST_SCALE, .account = account};
}

static void side_fini(struct exphist *h, struct exphist_side *s)
{
    gw_budget_give(h->account, s->cap * sizeof *s->counts);
    free(s->counts);
    *s = (struct exphist_side){0};
}

void exphist_fini(struct exphist *h)
{
    side_fini(h, &h->positive);
    side_fini(h, &h->negative);
}

/* For scale 6: the upper bound of each of the 64 buckets between two powers of two, as the 52 fraction bits
 * of a double, floor((2^((k + 1) / 64) - 1) × 2^52). */
static const uint64_t greatest[64] = {
    0x002c9a3e778060, 0x0059b0d3158574, 0x00874518759bc8, 0x00b5586cf9890f, 0x00e3ec32d3d1a2,
    0x011301d0125b50, 0x01429aaea92ddf, 0x0172b83c7d517a, 0x01a35beb6fcb75, 0x01d4873168b9aa,
    0x02063b88628cd6, 0x02387a6e756238, 0x026b4565e27cdd, 0x029e9df51fdee1, 0x02d285a6e4030b,
    0x0306fe0a31b715, 0x033c08b26416ff, 0x0371a7373aa9ca, 0x03a7db34e59ff6, 0x03dea64c123422,
    0x04160a21f72e29, 0x044e086061892d, 0x0486a2b5c13cd0, 0x04bfdad5362a27, 0x04f9b2769d2ca6,
    0x05342b569d4f81, 0x056f4736b527da, 0x05ab07dd485429, 0x05e76f15ad2148, 0x06247eb03a5584,
    0x06623882552224, 0x06a09e667f3bcc, 0x06dfb23c651a2e, 0x071f75e8ec5f73, 0x075feb564267c8,
    0x07a11473eb0186, 0x07e2f336cf4e62, 0x082589994cce12, 0x0868d99b4492ec, 0x08ace5422aa0db,
    0x08f1ae99157736, 0x093737b0cdc5e4, 0x097d829fde4e4f, 0x09c49182a3f090, 0x0a0c667b5de564,
    0x0a5503b23e255c, 0x0a9e6b5579fdbf, 0x0ae89f995ad3ad, 0x0b33a2b84f15fa, 0x0b7f76f2fb5e46,
    0x0bcc1e904bc1d2, 0x0c199bdd85529c, 0x0c67f12e57d14b, 0x0cb720dcef9069, 0x0d072d4a07897b,
    0x0d5818dcfba487, 0x0da9e603db3285, 0x0dfc97337b9b5e, 0x0e502ee78b3ff6, 0x0ea4afa2a490d9,
    0x0efa1bee615a27, 0x0f50765b6e4540, 0x0fa7c1819e90d8, 0x10000000000000,
};
/* By the upper six fraction bits of a number: the first bucket that it can be in. It is in this bucket or in
 * one of the next two. */
static const uint8_t first_bucket[64] = {
    0,  1,  2,  4,  5,  6,  8,  9,  10, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 24, 25, 26,
    27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 43, 44, 45, 46, 47,
    48, 49, 50, 50, 51, 52, 53, 54, 54, 55, 56, 57, 58, 58, 59, 60, 61, 61, 62, 63,
};
_Static_assert(EXPHIST_SCALE == 6, "the tables are of this scale, and no histogram is finer");

/* A power of two belongs to the bucket of which it is the upper bound. Two neighbouring buckets of a scale
 * are one bucket of the next coarser scale. */
int32_t exphist_index(double v, int32_t scale)
{
    enum { FRACTION = 52, BIAS = 1023, EXPONENT = 0x7FF };
    uint64_t bits;
    int32_t below = 0;
    if (v < DBL_MIN) { /* a subnormal number has no implicit leading bit */
        v *= 0x1p54;
        below = 54;
    }
    memcpy(&bits, &v, sizeof bits);
    int32_t exponent = (int32_t)(bits >> FRACTION & EXPONENT) - BIAS - below;
    uint64_t fraction = bits & (((uint64_t)1 << FRACTION) - 1);
    if (fraction == 0)
        return (exponent * 64 - 1) >> (EXPHIST_SCALE - scale);
    int32_t bucket = first_bucket[fraction >> (FRACTION - 6)];
    while (fraction > greatest[bucket])
        bucket++;
    return (exponent * 64 + bucket) >> (EXPHIST_SCALE - scale);
}

/* --- buckets --- */

/* Merges neighbouring buckets `by` times: bucket i moves to i >> by. gcc and clang shift negative numbers
 * arithmetically, as this needs. */
static void side_downscale(struct exphist_side *s, unsigned by)
{
    if (!s->n || !by)
        return;
    int32_t first = s->first >> by;
    uint32_t n = (uint32_t)(((s->first + (int32_t)s->n - 1) >> by) - first + 1);
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t to = (uint32_t)(((s->first + (int32_t)i) >> by) - first);
        uint64_t c = s->counts[i];
        s->counts[i] = 0;
        s->counts[to] += c; /* to is never above i */
    }
    s->first = first;
    s->n = n;
}

static void downscale(struct exphist *h, unsigned by)
{
    side_downscale(&h->positive, by);
    side_downscale(&h->negative, by);
    h->scale -= (int32_t)by;
}

/* Returns how often the buckets low to high must be merged until they fit into EXPHIST_BUCKETS. */
static unsigned halvings(int64_t low, int64_t high, int32_t scale)
{
    unsigned by = 0;
    while (high - low >= EXPHIST_BUCKETS && scale - (int32_t)by > EXPHIST_SCALE_MIN) {
        low >>= 1;
        high >>= 1;
        by++;
    }
    return by;
}

static bool side_reserve(struct exphist *h, struct exphist_side *s, uint32_t n)
{
    uint32_t cap = s->cap ? s->cap : FIRST_CAP;
    while (cap < n)
        cap *= 2;
    if (cap == s->cap)
        return true;
    size_t more = (cap - s->cap) * sizeof *s->counts;
    if (!gw_budget_take(h->account, more))
        return false;
    uint64_t *counts = realloc(s->counts, cap * sizeof *counts);
    if (!counts) {
        gw_budget_give(h->account, more);
        gw_budget_no_memory(h->account);
        return false;
    }
    s->counts = counts;
    s->cap = cap;
    return true;
}

/* Makes room for the buckets low to high. There are at most EXPHIST_BUCKETS of them. */
static bool side_cover(struct exphist *h, struct exphist_side *s, int32_t low, int32_t high)
{
    int32_t first = s->n && s->first < low ? s->first : low;
    int32_t last = s->n && s->first + (int32_t)s->n - 1 > high ? s->first + (int32_t)s->n - 1 : high;
    uint32_t n = (uint32_t)(last - first + 1), before = s->n ? (uint32_t)(s->first - first) : 0;
    if (!side_reserve(h, s, n))
        return false;
    if (before)
        memmove(s->counts + before, s->counts, s->n * sizeof *s->counts);
    memset(s->counts, 0, before * sizeof *s->counts);
    memset(s->counts + before + s->n, 0, (n - before - s->n) * sizeof *s->counts);
    s->first = first;
    s->n = n;
    return true;
}

/* Makes room on one side for the buckets low to high of `scale`, which is the histogram's scale or a finer
 * one. Sets *shift to the number of bits by which their indexes must be shifted. */
static bool prepare(struct exphist *h, struct exphist_side *s, int64_t low, int64_t high, unsigned *shift)
{
    int64_t from = s->n && s->first < low ? s->first : low;
    int64_t to = s->n && s->first + (int64_t)s->n - 1 > high ? s->first + (int64_t)s->n - 1 : high;
    *shift = halvings(from, to, h->scale);
    downscale(h, *shift);
    return side_cover(h, s, (int32_t)(low >> *shift), (int32_t)(high >> *shift));
}

bool exphist_add(struct exphist *h, double v, uint64_t n, double weight)
{
    if (v != 0) {
        struct exphist_side *s = v > 0 ? &h->positive : &h->negative;
        int32_t i = exphist_index(fabs(v), h->scale);
        uint32_t at = (uint32_t)i - (uint32_t)s->first;
        if (__builtin_expect(!s->n || at >= s->n, 0)) {
            unsigned shift;
            if (!prepare(h, s, i, i, &shift))
                return false;
            at = (uint32_t)(i >> shift) - (uint32_t)s->first;
        }
        s->counts[at] += n;
    } else {
        h->zero += n;
    }
    h->min = h->count && h->min < v ? h->min : v;
    h->max = h->count && h->max > v ? h->max : v;
    h->count += n;
    h->sum = finite_sum(h->sum, v * weight);
    return true;
}

static bool side_merge(struct exphist *h, struct exphist_side *to, const struct exphist_side *from,
                       int32_t scale)
{
    unsigned by = (unsigned)(scale - h->scale), shift;
    if (!from->n)
        return true;
    if (!prepare(h, to, from->first >> by, (from->first + (int32_t)from->n - 1) >> by, &shift))
        return false;
    by += shift;
    for (uint32_t i = 0; i < from->n; i++)
        to->counts[((from->first + (int32_t)i) >> by) - to->first] += from->counts[i];
    return true;
}

/* Undoes a merge that ran out of memory: subtracts what it had added. */
static void side_unmerge(struct exphist *h, struct exphist_side *to, const struct exphist_side *from,
                         int32_t scale)
{
    unsigned by = (unsigned)(scale - h->scale);
    for (uint32_t i = 0; i < from->n; i++)
        to->counts[((from->first + (int32_t)i) >> by) - to->first] -= from->counts[i];
}

bool exphist_merge(struct exphist *to, const struct exphist *from)
{
    if (!from->count)
        return true;
    if (from->scale < to->scale)
        downscale(to, (unsigned)(to->scale - from->scale));
    if (!side_merge(to, &to->positive, &from->positive, from->scale))
        return false;
    if (!side_merge(to, &to->negative, &from->negative, from->scale)) {
        side_unmerge(to, &to->positive, &from->positive, from->scale);
        return false;
    }
    to->min = to->count && to->min < from->min ? to->min : from->min;
    to->max = to->count && to->max > from->max ? to->max : from->max;
    to->count += from->count;
    to->zero += from->zero;
    to->sum = finite_sum(to->sum, from->sum);
    return true;
}
