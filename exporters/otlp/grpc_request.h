/* grpc_request.h: sends a batch to one target, or in parts to several.
 *
 *   batch ─┬─ whole ──────────────▶ part ─▶ the target with the fewest requests
 *          └─ by trace id ─▶ items ─▶ part ─▶ the target that has these traces       (frame_items.h, balancer.h)
 *                                     part ─▶ …
 *
 *   If a target does not take a part now (RETRY), the part goes to the next target at once, or its traces to
 *   their next targets, until all have been tried. The request ends when every part has ended: parts that
 *   were taken are delivered, and the verdict applies to the others (gw_outcome.left).
 *
 * Threads: the sender's. Ownership: a request owns its parts and lives until `done` was called.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_GRPC_REQUEST_H
#define OTLP_GRPC_REQUEST_H

#include "exporters/otlp/grpc_targets.h"
#include "exporters/otlp/otlp_calls.h"
#include "exporters/sender/frame_items.h"

/* The members that all requests of an exporter share. */
struct grpc_requests {
    struct grpc_targets *targets;
    struct otlp_calls *calls;
    bool by_trace;
    bool cancelled; /* no further parts are sent */
    /* Makes the body of these frames, concatenated; sets *gzip if it is compressed. NULL: no memory. */
    grpc_byte_buffer *(*body)(void *ctx, const struct gw_batch *, bool *gzip);
    /* Sees an answer first and may change its outcome. */
    void (*judge)(void *ctx, bool gzip, struct gw_outcome *);
    void *ctx;
};

void grpc_request_send(struct grpc_requests *, const struct gw_batch *, gw_nsec timeout, gw_done_f *,
                       void *cookie);

#endif
