/* repeats.h: traces that are like one that was printed a moment ago are counted, and printed as one line.
 *
 *     trace 6b00e75f… GET /health …                      the first is printed whole
 *     GET /health [web] ×412  200 · 803µs–4.20ms · …     those that came since, when the window (`fold`) ends
 *
 * Two traces are alike when their roots have the same service, name and status: the HTTP status code, and type and
 * message of the first error of the trace. While such traces come, there is a line for each window; after a
 * window without one, the next is printed whole again. A trace without a root (a part of one) is never alike.
 *
 * There are REPEATS kinds of traces at a time. A kind of which nothing waits for its line makes room for another;
 * where all wait, traces of further kinds are printed whole.
 *
 * Threads: one owner. It is plain memory: a copy of the struct is a state to come back to.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_REPEATS_H
#define GW_REPEATS_H

#include "core/base/clock.h"
#include "exporters/stdout/pretty.h"

enum { REPEATS = 64 };

struct repeat {
    uint64_t id; /* hash of what is alike; 0: a free place */
    gw_nsec until;
    uint64_t n;                      /* of those that wait for their line: how many, … */
    uint64_t fastest, slowest, last; /* … durations, and the latest start in Unix time; ns */
    bool failed;
    char service[48], name[100], status[64]; /* cut */
};

struct repeats {
    gw_nsec window; /* 0: nothing is folded */
    uint64_t seed;
    struct repeat all[REPEATS];
};

void repeats_init(struct repeats *, gw_nsec window, uint64_t seed);
/* True if the trace is like one that was printed: then it is counted, and not to be printed. */
bool repeats_fold(struct repeats *, const struct pretty_trace *, gw_nsec now);
/* Prints the lines of windows that have ended (`all`: of all). */
void repeats_put(struct repeats *, struct out *, const struct pretty *, gw_nsec now, bool all);
/* When the next window with a line ends; GW_NEVER: none. */
gw_nsec repeats_next(const struct repeats *);

#endif
