/* finite_sum.h: adds up without an end in infinity, with which no backend can go on: what is larger than a double is the
 * largest that there is.
 * Threads: a pure function.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FINITE_SUM_H
#define FINITE_SUM_H

#include <float.h>
#include <math.h>

/* `sum` is finite; `more` is no NaN. */
static inline double finite_sum(double sum, double more)
{
    double s = sum + more;
    return __builtin_expect(isinf(s), 0) ? copysign(DBL_MAX, s) : s;
}

#endif
