/* kafka_topic.h: what a topic may be called.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KAFKA_TOPIC_H
#define KAFKA_TOPIC_H

#include "core/base/str.h"

/* What is wrong with the name, a static text; NULL when it may be one. */
const char *kafka_topic_fault(gw_str name);

#endif
