/* exponential_histogram.h: OTLP's exponential histogram, filled value by value.
 *
 *     bucket i of scale s holds the values in (base^i, base^(i+1)], base = 2^(2^-s)
 *
 * Count, sum, minimum and maximum are exact. A quantile that is read from the buckets is off by at most (base
 * - 1) / (base + 1) of its value: 0.54 % at scale 6, 1.1 % at 5, 2.2 % at 4, 4.3 % at 3. A histogram starts
 * at scale 6. If its values need more than EXPHIST_BUCKETS buckets on one side of zero, neighbouring buckets
 * are merged in pairs, without error, and the scale decreases by one. 320 buckets hold a ratio of largest to
 * smallest value of 32 at scale 6, of 1,000 at scale 5, of a million at 4, of 10^12 at 3.
 *
 * Ownership: buckets are malloc'd and charged to `account`; exphist_fini frees them. Threads: one at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPONENTIAL_HISTOGRAM_H
#define EXPONENTIAL_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/budget.h"

/* OTLP allows scales down to -10. At -10, the whole range of a double fits into 5 buckets. */
enum { EXPHIST_SCALE = 6, EXPHIST_SCALE_MIN = -10, EXPHIST_BUCKETS = 320 };

/* Counts of the buckets first, first + 1, … of one side of zero. */
struct exphist_side {
    uint64_t *counts;
    int32_t first;
    uint32_t n, cap;
};

struct exphist {
    struct exphist_side positive, negative; /* negative values are counted by their absolute value */
    uint64_t count, zero;
    double sum, min, max; /* min and max are valid if count is not 0 */
    int32_t scale;
    struct gw_budget *account; /* may be NULL */
};

void exphist_init(struct exphist *, struct gw_budget *account);
void exphist_fini(struct exphist *);

/* Adds the finite value v n times. `weight` is what v is multiplied by in the sum: with a sample rate it is 1
 * / rate, of which n is the rounded value. Returns false if there is no memory; then nothing was added. */
bool exphist_add(struct exphist *, double v, uint64_t n, double weight);
/* Adds all of `from`, which is not changed. Returns false if there is no memory; then nothing was added. */
bool exphist_merge(struct exphist *to, const struct exphist *from);

/* Returns the index of the bucket for a positive finite number. */
int32_t exphist_index(double v, int32_t scale);

#endif
