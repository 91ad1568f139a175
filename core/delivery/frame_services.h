/* frame_services.h: writes the services that groups of log records take from their spans into a frame.
 *
 *     ResourceLogs { resource { attributes { "service.name": "app" } … } scope_logs … }
 *                                                            ─▶ "shop", and every length around it
 *
 * Threads: the caller has exclusive access to the frame (frame_ids.c).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FRAME_SERVICES_H
#define GW_FRAME_SERVICES_H

#include "core/delivery/frame.h"

struct gw_span_services;

/* Returns the number of pending groups whose span is not known yet. */
uint32_t frame_services_unknown(const struct gw_frame *, struct gw_span_services *);
/* Rewrites the frame with the services that are known; if there is no memory for that, the frame stays
 * unchanged. */
void frame_services_fill_in(struct gw_frame *, struct gw_span_services *);

#endif
