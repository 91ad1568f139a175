/* ddsketch.h: reads DDSketch, the sketch of values that Datadog's tracers send in their statistics. The
 * protobuf message is read in place.
 *
 *     DDSketch      mapping 1, positiveValues 2, negativeValues 3, zeroCount 4
 *     IndexMapping  gamma 1, indexOffset 2, interpolation 3 (none, linear, quadratic, cubic)
 *     Store         binCounts 1 (map), contiguousBinCounts 2, contiguousBinIndexOffset 3
 *
 * Bin i holds the values from gamma^(i - indexOffset) up to the next bin. The libraries for Go, Java and Rust
 * count so. Those for Python and JavaScript number the same bins one higher, and nothing in the message tells
 * which numbering is used; so the caller passes it (DDSKETCH_UPPER). A bin is represented by the value in its
 * middle. That value is off by at most (gamma - 1) / (gamma + 1): 1 % for the gamma 1.0202 of Go and
 * JavaScript, 0.78 % for Java (1.0109, linear) and Rust (1.0156).
 *
 * A histogram that is filled from a sketch counts a bin in the bucket of this middle value. Sketches count
 * nanoseconds and histograms seconds, so their bounds never coincide and the two errors add up: (1 + a) (1 +
 * b) - 1, which is 1.5 % with the first gamma and scale 6.
 *
 * Hostile input: ddsketch_read checks everything, in time linear in the bytes, and allocates nothing.
 * Negative values are counted as zero, because no duration is negative.
 *
 * Ownership: results are views of the caller's bytes. Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DDSKETCH_H
#define DDSKETCH_H

#include "core/base/protobuf_wire.h"
#include "translators/metrics/exponential_histogram.h"

/* Whether a bin's index means its lower or its upper bound. */
enum ddsketch_bound { DDSKETCH_LOWER, DDSKETCH_UPPER };
enum ddsketch_interpolation { DDSKETCH_NONE, DDSKETCH_LINEAR, DDSKETCH_QUADRATIC, DDSKETCH_CUBIC };

struct ddsketch {
    /* middle: the value that represents a bin, as a multiple of its lower bound */
    double log2_gamma, offset, middle;
    enum ddsketch_interpolation interpolation;
    struct wire_view positive; /* the store's message */
    double zero;
    /* Of all values, to the precision of the bins. min and max are valid if count is not 0. */
    double count, sum, min, max;
    size_t bins; /* bins that are not empty; the bin of zero is one of them */
};

/* Returns false if the bytes are not a DDSketch or hold impossible numbers. Zero bytes are an empty
 * sketch. */
bool ddsketch_read(gw_str bytes, enum ddsketch_bound, struct ddsketch *);
/* Adds n values to the histogram, distributed like those of the sketch and multiplied by `unit`. n and the
 * sketch's count may differ but must not be 0. Returns false if there is no memory; the histogram then holds
 * a part of the values. */
bool ddsketch_fill(const struct ddsketch *, uint64_t n, double unit, struct exphist *);

#endif
