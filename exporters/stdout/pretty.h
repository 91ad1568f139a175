/* pretty.h: prints traces and logs for people.
 *
 *     trace 67400b1c00000000a1b2c3d4e5f60718  4 spans · 12.4ms · 2026-11-21 07:59:01.123Z · 1 error
 *       web  env=prod version=1.4.2 instance=7f3c9a52  python 3.11.7 · datadog 4.16.0 · host app-1
 *             0   12.4ms  server GET /orders/<id> [web] 500 /orders/7
 *        +120µs   1.1ms   ├─ flask.preprocess_request
 *        +900µs            │  » INFO  shop.orders: order 42 is read
 *        +1.3ms   9.8ms   └─ client SELECT orders [web-db] postgresql · SELECT * FROM orders WHERE id = ?  ✗ OperationalError: …
 *
 * One line a span: its start within the trace, its duration, the tree, its kind unless internal, its name,
 * its service where it changes, then the attributes that matter for that kind of work, then the
 * application's own tags. The spans of one trace in one batch are printed together, whatever their
 * resources. A span whose parent is not in the batch (still open, in another process, in an earlier batch)
 * is printed as a root marked ↳ with its parent's id.
 *
 * Logs that are passed together with a trace are printed below their span (»), between its children, in the
 * order of time; those whose span is not in the batch below the trace. Logs without a trace are separate lines
 * (pretty_log.h).
 *
 * All text from senders passes out_shown(). Indentation, lines per span and columns per value are bounded.
 *
 * Threads: pure, except for the arena.
 * Ownership: scratch memory is the arena's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PRETTY_H
#define GW_PRETTY_H

#include "exporters/encoding/output_buffer.h"
#include "exporters/stdout/pretty_tree.h"

struct pretty_log;
struct pretty {
    bool color;
    size_t columns; /* of the terminal; 0: no terminal, lines are as long as they are */
    /* whether a trace is printed; of its logs it marks those that are left out. NULL: all are printed */
    bool (*selects)(void *ctx, const struct pretty_trace *, struct pretty_log *, size_t n);
    void *ctx;
};

/* Traces in the order of their starts. `logs` are sorted here, and those that found their trace are `shown` or
 * `left_out` afterwards. False when the arena's
 * budget does not suffice; then nothing was written. */
bool pretty_traces(struct out *, struct gw_arena *, const struct pretty *,
                   const pretty_request *const *requests, size_t n, struct pretty_log *logs, size_t logs_n);
/* Prints each record alone, in their order. */
void pretty_logs(struct out *, const struct pretty *, struct pretty_log *, size_t n);

#endif
