/* pretty.h: traces and logs for people.
 *
 *     trace 67400b1c00000000a1b2c3d4e5f60718  4 spans · 12.4ms · 2026-11-21 07:59:01.123Z · 1 error
 *       web  env=prod version=1.4.2 instance=7f3c9a52  python 3.11.7 · datadog 4.16.0 · host app-1
 *             0   12.4ms  server GET /orders/<id> [web] 500 /orders/7
 *        +120µs   1.1ms   ├─ flask.preprocess_request
 *        +900µs            │  » INFO  shop.orders: order 42 is read
 *        +1.3ms   9.8ms   └─ client SELECT orders [web-db] postgresql · SELECT * FROM orders WHERE id = ?  ✗ OperationalError: …
 *
 * One line a span: where it lies in its trace, how long it took, the tree, kind when it is not internal,
 * name, service where it changes, then what matters for that kind of work, then the application's own tags.
 * The spans of one trace that stand in one batch are shown together, whatever resource they belong to. A span
 * whose parent is not in the batch (still open, in another process, in an earlier batch) is shown as a root
 * marked ↳ with its parent's id.
 *
 * Logs that are handed in with a trace stand below their span (»), in the order of their times; those whose
 * span is not in the batch stand below the trace. Logs without a trace are lines of their own (pretty_log.h).
 *
 * Everything that senders wrote passes out_shown(). Indentation, lines per span and columns per value are
 * bounded.
 *
 * Threads: pure but for the arena.  Ownership: scratch memory is the arena's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PRETTY_H
#define GW_PRETTY_H

#include "exporters/encoding/output_buffer.h"
#include "exporters/stdout/pretty_tree.h"

struct pretty {
    bool color;
    size_t columns; /* of the terminal; 0: no terminal, lines are as long as they are */
};

struct pretty_log;

/* `logs` are sorted here, and those that found their trace are `shown` afterwards. False when the arena's
 * budget does not suffice; then nothing was written. */
bool pretty_traces(struct out *, struct gw_arena *, const struct pretty *,
                   const pretty_request *const *requests, size_t n, struct pretty_log *logs, size_t logs_n);
/* Each by itself, in their order. */
void pretty_logs(struct out *, const struct pretty *, struct pretty_log *, size_t n);

#endif
