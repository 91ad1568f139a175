/* tap_print.h: the lines that `ddgate tap` prints for the API's JSON objects.
 *
 *     07:59:01.123   12.4ms  web  GET /orders/<id>  4 spans · 1 error · db, cache  67400b1c00000000a1b2c3d4e5f60718
 *     07:59:01.130     ERROR  web  order 42 is not there  order=42 · trace …e5f60718
 *
 * Threads: pure, except for the arena.
 * Ownership: scratch memory is the arena's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TAP_PRINT_H
#define GW_TAP_PRINT_H

#include "core/base/arena.h"
#include "exporters/stdout/pretty.h"

struct tap_trace {
    gw_str trace_id, service, root;
    gw_str services; /* its JSON list */
    uint64_t start, duration, spans, errors, logs;
    bool grown; /* it was shown before; the caller's */
};

/* One object of /api/traces. False when it is none. Texts are views of the line, or the arena's. */
bool tap_read_trace(struct gw_arena *, gw_str line, struct tap_trace *);
void tap_put_trace(struct out *, struct gw_arena *, const struct pretty *, const struct tap_trace *);
/* One object of /api/logs, in one line; with `alone` only if it is of no trace. */
void tap_put_log(struct out *, struct gw_arena *, const struct pretty *, bool alone, gw_str line);
/* A whole trace in OTLP/JSON, with its logs, as a tree. False when it cannot be read. */
bool tap_put_tree(struct out *, struct gw_arena *, const struct pretty *, gw_str json);
/* JSON as it came, in one line; what may not reach a terminal becomes \u escapes. */
void tap_put_json(struct out *, gw_str line);
/* How many objects a reader that was too slow has missed, where the line tells that. 0: it does not. */
uint64_t tap_read_missed(struct gw_arena *, gw_str line);

#endif
