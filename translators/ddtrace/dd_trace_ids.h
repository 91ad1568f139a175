/* dd_trace_ids.h: 128-bit trace ids within a payload.
 *
 * A span has only the lower 64 bits of its trace's id. The upper 64 bits are in the tag `_dd.p.tid` of one
 * span of a chunk.
 *
 *     the chunk has a `_dd.p.tid`             ─▶ the upper half is known, and recorded
 *     the chunk has the trace's root, without ─▶ the id has 64 bits; that is recorded
 *     neither                                 ─▶ its spans are written with zeroes and noted (dd_scope_pending)
 *
 * At the end of the payload, the noted ids are looked up in the payload's records (dd-trace-js 3 and 4 send
 * the upper half only in the last chunk of a trace), then in the process's table (trace_ids.h). Positions
 * that are still incomplete are listed in their frame; the sender completes them. Records enter the process's
 * table when the whole payload was well-formed, also those of rejected chunks.
 *
 * Ownership: in the translator's `keep` arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_TRACE_IDS_H
#define DD_TRACE_IDS_H

#include "core/delivery/trace_ids.h"
#include "translators/ddtrace/dd_group.h"

/* The halves of one trace's id. */
struct dd_id_record {
    uint64_t low, high;
};

struct dd_trace_ids {
    struct gw_arena *keep;
    struct dd_id_block {
        struct dd_id_record records[128];
        size_t n;
        struct dd_id_block *next;
    } * first, *last;
    size_t records_n, pending; /* pending: number of spans with an incomplete id */
    uint64_t half_of_zero;     /* the last upper half that came with a lower half of zero; 0: none */
};

/* Records the upper half of the trace with this lower half; 0: it has none. Returns false if there is no
 * memory. */
bool dd_trace_ids_record(struct dd_trace_ids *, uint64_t low, uint64_t high);
/* Call at the end of the payload: completes the noted ids and copies the records into the process's table
 * (which may be NULL). Returns false if there is no memory. */
bool dd_trace_ids_complete(struct dd_trace_ids *, struct dd_groups *, struct gw_trace_ids *, gw_nsec now);

#endif
