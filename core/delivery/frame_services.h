/* frame_services.h: the services that groups of log records take from their spans, written into a frame.
 *
 *     ResourceLogs { resource { attributes { "service.name": "app" } … } scope_logs … }
 *                                                            ─▶ "shop", and every length around it
 *
 * Threads: the caller has the frame for itself (frame_ids.c).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FRAME_SERVICES_H
#define GW_FRAME_SERVICES_H

#include "core/delivery/frame.h"

struct gw_span_services;

/* Of how many pending groups the span is not known yet. */
uint32_t frame_services_unknown(const struct gw_frame *, struct gw_span_services *);
/* Rewrites the frame with the services that are known; without memory for that, the frame stays unchanged. */
void frame_services_fill_in(struct gw_frame *, struct gw_span_services *);

#endif
