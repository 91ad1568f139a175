/* span_services.h: which service a span is of, for log records that name none.
 *
 *     span id ─▶ service        learned from every span, while some log receiver asks (gw_span_services_ask)
 *
 * A table of a fixed size, of which the newest spans win: a slot is one 64-bit word, the upper bits of the
 * hashed span id and the service's number. The hash is a bijection, and the slot's place is its lower bits,
 * so a hit is never another span's. Services have a table of a fixed size too; past that, spans have none.
 *
 * Log lines mostly come before their spans, which are sent when they have ended. Where spans are expected
 * (gw_span_services_offer), a frame of such records waits for them as it does for trace ids (frame.h).
 *
 * Ownership: names are copied, and live as long as the table. Threads: all functions from any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SPAN_SERVICES_H
#define GW_SPAN_SERVICES_H

#include "core/base/str.h"

struct gw_span_services;

/* NULL when there is no memory. Reserves 2 MiB of addresses; the system provides the memory as it is used. */
struct gw_span_services *gw_span_services_new(void);
void gw_span_services_drop(struct gw_span_services *);

/* From now on spans are learned. */
void gw_span_services_ask(struct gw_span_services *);
bool gw_span_services_asked(const struct gw_span_services *);
/* Spans may come: some receiver takes them. */
void gw_span_services_offer(struct gw_span_services *);
bool gw_span_services_offered(const struct gw_span_services *);
/* The number of a service, for gw_span_services_learn; 0: the table is full. */
unsigned gw_span_services_number(struct gw_span_services *, gw_str service);
void gw_span_services_learn(struct gw_span_services *, uint64_t span, unsigned service);
/* Empty: the span is not known. */
gw_str gw_span_services_find(struct gw_span_services *, uint64_t span);

#endif
