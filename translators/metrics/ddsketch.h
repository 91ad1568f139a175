/* ddsketch.h: Datadog's sketch of values, as tracers send it in their statistics: protobuf, read in place.
 *
 *     DDSketch      mapping 1, positiveValues 2, negativeValues 3, zeroCount 4
 *     IndexMapping  gamma 1, indexOffset 2, interpolation 3 (none, linear, quadratic, cubic)
 *     Store         binCounts 1 (map), contiguousBinCounts 2, contiguousBinIndexOffset 3
 *
 * Bin i holds the values from gamma^(i - indexOffset) up to the next bin, as the libraries for Go, Java and
 * Rust count; those for Python and JavaScript count the same values one higher and do not say so
 * (DDSKETCH_UPPER). A bin stands for the value in its middle, which is off by at most (gamma - 1) / (gamma + 1)
 * of what was added: 1 % for the gamma 1.0202 of Go and JavaScript, 0.78 % for what Java (1.0109, linear)
 * and Rust (1.0156) have.
 *
 * A histogram that is filled from a sketch has the bucket that this value falls into. No bound of a sketch in
 * nanoseconds is one of a histogram in seconds, whatever gamma, so the errors of both come together:
 * (1 + a) (1 + b) - 1, 1.5 % with the first gamma and scale 6.
 *
 * Hostile input: everything is checked by ddsketch_read, in time linear in the bytes; nothing is allocated.
 * Negative values, which no duration has, count as zero.
 *
 * Ownership: views of the caller's bytes. Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DDSKETCH_H
#define DDSKETCH_H

#include "core/base/protobuf_wire.h"
#include "translators/metrics/exponential_histogram.h"

/* Which of its bounds a bin's index means. */
enum ddsketch_bound { DDSKETCH_LOWER, DDSKETCH_UPPER };
enum ddsketch_interpolation { DDSKETCH_NONE, DDSKETCH_LINEAR, DDSKETCH_QUADRATIC, DDSKETCH_CUBIC };

struct ddsketch {
    double log2_gamma, offset, middle; /* middle: of a bin, as a multiple of its lower bound */
    enum ddsketch_interpolation interpolation;
    struct wire_view positive; /* the store's message */
    double zero;
    /* of all values, as well as the bins tell; min and max where count is not 0 */
    double count, sum, min, max;
    size_t bins; /* that are not empty, with that of zero */
};

/* False: the bytes are no DDSketch, or hold numbers that none has. No bytes are an empty sketch. */
bool ddsketch_read(gw_str bytes, enum ddsketch_bound, struct ddsketch *);
/* Adds n values that lie as those of the sketch do, each times `unit`; n and the sketch's count need not be
 * equal, but are not 0. False when there is no memory; then the histogram has some of them. */
bool ddsketch_fill(const struct ddsketch *, uint64_t n, double unit, struct exphist *);

#endif
