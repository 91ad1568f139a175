/* kafka_group.h: a member of a consumer group: partitions that come and go, commits, pauses, lag.
 *
 * Threads: open on main; the rest on the consumer's, where librdkafka also calls back.
 *
 * Private to the receiver's files. SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_KAFKA_GROUP_H
#define GW_KAFKA_GROUP_H

#include "gateway/receivers/kafka/kafka_receiver.h"

/* Before the start: partitions that come and go. */
void kafka_group_open(struct kafka *);
/* Subscribes to the topics, after the start. Returns false if that is impossible; the reason is logged. */
bool kafka_group_join(struct kafka *);
/* Called regularly: commits safe offsets, reads records again that exporters gave up, updates the lag. */
void kafka_group_tick(struct kafka *, gw_nsec now);
/* Called at the end: waits for open records, commits, and leaves the group. */
void kafka_group_leave(struct kafka *);
/* All partitions, for want of room; and back. */
void kafka_group_pause(struct kafka *);
void kafka_group_resume(struct kafka *);
/* The partition has max_uncommitted records, or has no longer. */
void kafka_group_hold(struct kafka *, struct kafka_partition *);

#endif
