/* trace_ids.h: completes trace ids: finds the 128-bit trace id for a 64-bit one.
 *
 * A Datadog tracer sends the lower 64 bits of a trace id on every span, and the upper 64 (`_dd.p.tid`) on
 * one span of one chunk. Other chunks of the trace, other processes, and log lines have only the lower
 * half. This table stores
 *
 *      low half ─▶ high half        learned from every chunk that has it, also from dropped ones
 *
 * It is sharded and has a fixed size; in a full shard the trace that was learned first is overwritten
 * first. A high half of 0 is also stored: a trace whose root had no `_dd.p.tid` has 64 bits, and no frame
 * needs to wait for more. A later non-zero half replaces a zero one. Entries are hashed by the upper 53
 * bits of the low half, so ids that were rounded through a double can be found. The hash is seeded: a
 * client cannot make ids that collide, except the 2048 that share those 53 bits.
 *
 * Threads: all functions from any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TRACE_IDS_H
#define GW_TRACE_IDS_H

#include "core/base/clock.h"
#include "core/base/str.h"

struct gw_trace_ids;

/* Stores about `capacity` traces for up to `ttl`. Returns NULL if there is no memory. 36 bytes per entry; the
 * system provides the memory as it is used. */
struct gw_trace_ids *gw_trace_ids_new(size_t capacity, gw_nsec ttl);
void gw_trace_ids_drop(struct gw_trace_ids *);

/* `now` is monotonic, here and below. A zero never replaces a known non-zero half; another non-zero half does
 * (low halves are used again). Learning a known half restarts its time to live. */
void gw_trace_ids_learn(struct gw_trace_ids *, uint64_t low, uint64_t high, gw_nsec now);
/* Returns true if the trace is known; *high is then its upper half (0: known to have 64 bits). */
bool gw_trace_ids_find(struct gw_trace_ids *, uint64_t low, uint64_t *high, gw_nsec now);
/* Returns a number that changes whenever something new is learned: a caller that found nothing need not
 * search again before that. */
uint64_t gw_trace_ids_news(struct gw_trace_ids *);
/* For ids that went through a double: finds the only known low half that is the same double as `rounded`;
 * returns false if there is none or several. `rounded` may be what JavaScript prints (…6800, the shortest
 * digits) or what C prints (…6768, the double's exact value). */
/* Returns whether an id may have gone through a double: it is a double exactly, or it ends in zeroes as
 * JavaScript's do. */
static inline bool gw_trace_ids_rounded(uint64_t id)
{
    return id > UINT64_C(1) << 53 &&
           (id % 100 == 0 || (id < UINT64_C(0xfffffffffffffc00) && (uint64_t)(double)id == id));
}
bool gw_trace_ids_repair(struct gw_trace_ids *, uint64_t rounded, uint64_t *low, uint64_t *high, gw_nsec now);

/* The services of spans; code that learns or looks up trace ids does the same with services. */
struct gw_span_services;
struct gw_span_services *gw_trace_ids_services(const struct gw_trace_ids *);

/* Returns the number of stored traces, including expired ones that were not overwritten yet, and the
 * capacity. */
void gw_trace_ids_size(struct gw_trace_ids *, size_t *used, size_t *capacity);

#endif
