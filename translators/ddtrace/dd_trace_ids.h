/* dd_trace_ids.h: 128-bit trace ids within a payload: MAPPING §1.
 *
 *     chunk says `_dd.p.tid`           ─▶ known, and learned
 *     chunk has the trace's root, bare ─▶ known to have 64 bits, and learned as such
 *     neither                          ─▶ its spans are written with zeroes and noted (dd_scope_pending)
 *
 * At the end of the payload the noted ids are looked up in what the payload taught (dd-trace-js 3 and 4 say the upper half in the
 * last chunk of a trace only), then in the table of the process (trace_ids.h). What is unknown still goes with its frame. The table
 * learns only when the whole payload was well-formed; rejected chunks teach too.
 *
 * Ownership: in the translator's `keep` arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_TRACE_IDS_H
#define DD_TRACE_IDS_H

#include "core/delivery/trace_ids.h"
#include "translators/ddtrace/dd_group.h"

struct dd_lesson {
    uint64_t low, high;
};

struct dd_join {
    struct gw_arena *keep;
    struct dd_lessons {
        struct dd_lesson lesson[128];
        size_t n;
        struct dd_lessons *next;
    } * first, *last;
    size_t lessons, pending;
};

/* False when memory is out. */
bool dd_join_learn(struct dd_join *, uint64_t low, uint64_t high);
/* Fills in what is known, and teaches the table (which may be NULL). False when memory is out. */
bool dd_join_finish(struct dd_join *, struct dd_groups *, struct gw_trace_ids *, gw_nsec now);

#endif
