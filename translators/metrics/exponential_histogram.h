/* exponential_histogram.h: the exponential histogram of OTLP, filled value by value.
 *
 *     bucket i of scale s holds the values in (base^i, base^(i+1)], base = 2^(2^-s)
 *
 * Count, sum, minimum and maximum are exact. A quantile that is read from the buckets is off by at most
 * (base - 1) / (base + 1) of its value: 0.54 % at scale 6, 1.1 % at 5, 2.2 % at 4, 4.3 % at 3. A histogram
 * begins at scale 6; when its values need more than EXPHIST_BUCKETS buckets on one side of zero, two
 * neighbours become one, which is exact, and the scale goes down by one. 320 buckets hold a ratio of largest
 * to smallest value of 32 at scale 6, of 1,000 at scale 5, of a million at 4, of 10^12 at 3.
 *
 * Ownership: buckets are malloc'd and charged to `account`; exphist_fini gives them back. Threads: one at a
 * time.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPONENTIAL_HISTOGRAM_H
#define EXPONENTIAL_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/budget.h"

/* OTLP allows down to -10; a double's whole range then fits into 5 buckets. */
enum { EXPHIST_SCALE = 6, EXPHIST_SCALE_MIN = -10, EXPHIST_BUCKETS = 320 };

/* Counts of the buckets first, first + 1, … */
struct exphist_side {
    uint64_t *counts;
    int32_t first;
    uint32_t n, cap;
};

struct exphist {
    struct exphist_side positive, negative; /* of negative ones by their absolute value */
    uint64_t count, zero;
    double sum, min, max; /* min, max: valid when count is not zero */
    int32_t scale;
    struct gw_budget *account; /* may be NULL */
};

void exphist_init(struct exphist *, struct gw_budget *account);
void exphist_fini(struct exphist *);

/* n times the finite value v. False when there is no memory: then nothing was added. `weight` counts for the
 * sum: with a sample rate it is 1 / rate, where n is rounded. */
bool exphist_add(struct exphist *, double v, uint64_t n, double weight);
/* All of `from`, which stays as it is. False when there is no memory: then nothing was added. */
bool exphist_merge(struct exphist *to, const struct exphist *from);

/* The bucket that a positive finite number falls into. */
int32_t exphist_index(double v, int32_t scale);

#endif
