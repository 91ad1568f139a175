/* span_services.h: finds the service of a span, for log records that do not name one.
 *
 *     span id ─▶ service        learned from every span, if some log receiver needs it (gw_span_services_ask)
 *
 * The table has a fixed size and new spans replace old ones: a slot is one 64-bit word, the upper bits of the
 * hashed span id and the service's number. The hash is a bijection, and the slot's index is its lower bits,
 * so a hit is never another span's. The table of services has a fixed size too; beyond it, spans have no
 * service here.
 *
 * Log lines usually arrive before their spans, which are sent when they have ended. If spans are expected
 * (gw_span_services_offer), a frame of such records waits for them as it does for trace ids (frame.h).
 *
 * Ownership: names are copied, and live as long as the table. Threads: all functions from any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SPAN_SERVICES_H
#define GW_SPAN_SERVICES_H

#include "core/base/str.h"

struct gw_span_services;

/* Returns NULL if there is no memory. Reserves 2 MiB of addresses; the system provides the memory as it is
 * used. */
struct gw_span_services *gw_span_services_new(void);
void gw_span_services_drop(struct gw_span_services *);

/* Spans are learned from now on. */
void gw_span_services_ask(struct gw_span_services *);
bool gw_span_services_asked(const struct gw_span_services *);
/* Some receiver accepts spans, so they may arrive. */
void gw_span_services_offer(struct gw_span_services *);
bool gw_span_services_offered(const struct gw_span_services *);
/* Returns the number of a service, for gw_span_services_learn; 0: the table is full. */
unsigned gw_span_services_number(struct gw_span_services *, gw_str service);
void gw_span_services_learn(struct gw_span_services *, uint64_t span, unsigned service);
/* Returns an empty text if the span is not known. */
gw_str gw_span_services_find(struct gw_span_services *, uint64_t span);

#endif
