/* finite_sum.h: adds numbers without overflow to infinity, which no backend accepts: a sum that is too large
 * becomes the largest double. Threads: a pure function.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FINITE_SUM_H
#define FINITE_SUM_H

#include <float.h>
#include <math.h>

/* `sum` is finite; `more` is not NaN. */
static inline double finite_sum(double sum, double more)
{
    double s = sum + more;
    return __builtin_expect(isinf(s), 0) ? copysign(DBL_MAX, s) : s;
}

#endif
