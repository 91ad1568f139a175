/* Fills and merges exponential histograms.
 *
 * The state is the caller's struct exphist. Called by metric_store.c for every histogram value and span.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/metrics/exponential_histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* A power of two belongs to the bucket whose upper bound it is, which floating point alone would not always
 * say. */
int32_t exphist_index(double v, int32_t scale)
{
    int exponent;
    double fraction = frexp(v, &exponent); /* v = fraction × 2^exponent, fraction in [0.5, 1) */
    if (fraction == 0.5)
        return scale >= 0 ? (int32_t)(((int64_t)exponent - 1) * (1 << scale) - 1) : (exponent - 2) >> -scale;
    if (scale <= 0)
        return (exponent - 1) >> -scale;
    /* between two powers of two: floor of the logarithm, kept between them whatever the rounding */
    int32_t low = (exponent - 1) * (1 << scale), high = low + (1 << scale) - 1;
    int32_t i = low + (int32_t)floor((log2(fraction) + 1) * (1 << scale));
    return i < low ? low : i > high ? high : i;
}

/* --- buckets --- */

/* Two neighbours become one, `by` times: bucket i goes to i >> by, as C shifts negative numbers here. */
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

/* How often buckets from low to high must be halved to be few enough. */
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

/* Makes room for the buckets low to high, which are few enough. */
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

/* Room on one side for buckets low to high of scale `scale`, the histogram's or a finer one; *shift is what
 * they are to be shifted by. */
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
    h->sum += v * weight;
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

/* What was added of a merge that then found no memory is taken off again. */
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
    to->sum += from->sum;
    return true;
}
