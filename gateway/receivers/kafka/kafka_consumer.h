/* kafka_consumer.h: the thread of a Kafka receiver: gw_thread_start runs it with the struct kafka as its argument.
 *
 * It ends when `stopping` and `closing` are set; it rings `quiet` when it will offer nothing any more.
 *
 * Private to the receiver's files. SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_KAFKA_CONSUMER_H
#define GW_KAFKA_CONSUMER_H

#include "gateway/receivers/kafka/kafka_receiver.h"

void *kafka_consumer_run(void *kafka);

#endif
