/* kafka_batch.h: records that became frames, until queues have them.
 *
 *     add, add, … ─▶ offer ─▶ all queued: empty again
 *                      └▶ no room: the rest is offered again, and no record joins meanwhile; or discarded at a stop
 *
 * Threads: the consumer's.
 *
 * Private to the receiver's files. SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_KAFKA_BATCH_H
#define GW_KAFKA_BATCH_H

#include "gateway/receivers/kafka/kafka_receiver.h"

void kafka_batch_init(struct kafka *);
void kafka_batch_fini(struct kafka *);
bool kafka_batch_is_empty(const struct kafka_batch *);
/* Worth offering at once. */
bool kafka_batch_is_full(const struct kafka_batch *);
/* The record joins, or is set aside; it is touched in `offsets` in both cases. False: there is no memory for it now. */
bool kafka_batch_add(struct kafka *, const struct kafka_record *, struct kafka_partition *) GW_MUST_CHECK;
/* True: all of it is queued everywhere, and the batch is empty. False: a queue has no room, or there is no memory; the
 * rest may be offered again. */
bool kafka_batch_offer(struct kafka *, bool can_wait) GW_MUST_CHECK;
/* Forgets records that were not accepted: nothing after them is committed. */
void kafka_batch_discard(struct kafka *);

#endif
