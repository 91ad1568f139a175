/* grpc_request.h: a batch on its way to one target, or in parts to several.
 *
 *   batch ─┬─ whole ──────────────▶ part ─▶ the target with the fewest requests
 *          └─ by trace id ─▶ items ─▶ part ─▶ the target that has these traces       (frame_items.h, balancer.h)
 *                                     part ─▶ …
 *
 *   a part that a target does not take now (RETRY) goes to the next one at once, or its traces to their next ones, until
 *   none is left that was not tried. When every part is over the request is: the parts that were taken are delivered,
 *   the verdict is about the others (gw_outcome.left).
 *
 * Threads: the sender's. Ownership: a request owns its parts and lasts until `done` was called.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_GRPC_REQUEST_H
#define OTLP_GRPC_REQUEST_H

#include "exporters/otlp/grpc_targets.h"
#include "exporters/otlp/otlp_calls.h"
#include "exporters/sender/frame_items.h"

/* What requests of an exporter have in common. */
struct grpc_requests {
    struct grpc_targets *targets;
    struct otlp_calls *calls;
    bool by_trace;
    bool cancelled; /* nothing is sent on any more */
    /* What is sent of these frames, laid end to end; *gzip: it is compressed. NULL when there is no memory. */
    grpc_byte_buffer *(*body)(void *ctx, const struct gw_batch *, bool *gzip);
    /* An answer, before anybody else sees it. */
    void (*judge)(void *ctx, bool gzip, struct gw_outcome *);
    void *ctx;
};

void grpc_request_send(struct grpc_requests *, const struct gw_batch *, gw_nsec timeout, gw_done_f *,
                       void *cookie);

#endif
