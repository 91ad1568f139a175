/* kafka_topic.h: checks the name of a topic.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KAFKA_TOPIC_H
#define KAFKA_TOPIC_H

#include "core/base/str.h"

/* Returns what is wrong with the name, a static text; NULL if it is valid. */
const char *kafka_topic_fault(gw_str name);

#endif
