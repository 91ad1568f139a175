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
/* Once started: asks for the topics. False: not possible, as the log says. */
bool kafka_group_join(struct kafka *);
/* From time to time: commits what is safe, reads again what was given up, looks at the lag. */
void kafka_group_tick(struct kafka *, gw_nsec now);
/* At the end: waits for what is under way, commits, and leaves the group. */
void kafka_group_leave(struct kafka *);
/* All partitions, for want of room; and back. */
void kafka_group_pause(struct kafka *);
void kafka_group_resume(struct kafka *);
/* The partition has max_uncommitted records, or has no longer. */
void kafka_group_hold(struct kafka *, struct kafka_partition *);

#endif
