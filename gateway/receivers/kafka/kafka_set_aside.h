/* kafka_set_aside.h: what becomes of a record that cannot be used: counted, logged, and written down for a person.
 *
 * Threads: the consumer's.
 *
 * Private to the receiver's files. SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_KAFKA_SET_ASIDE_H
#define GW_KAFKA_SET_ASIDE_H

#include "gateway/receivers/kafka/kafka_receiver.h"

/* `detail` for people; may be empty. Counts and logs. */
void kafka_set_aside(struct kafka *, const struct kafka_record *, enum kafka_fault, const char *detail);

#endif
