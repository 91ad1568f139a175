/* kafka_offsets.h: up to which offset each partition is safe: delivered to every exporter, or on the disk.
 *
 *     record 7 of p0 ─┐
 *     record 8 of p0 ─┼─ touch ─▶ ack callback { p0: 9, p1: 42 } ──▶ frames ──▶ senders, in any order ──settled──▶ p0 safe up to 9
 *     record 41 of p1 ┘
 *
 *     p0   safe ▶│ 9 settled │ 12 open │ 20 settled │     safe becomes 9, and 20 once 12 is settled: Kafka keeps one number
 *                └───────────┴─────────┴────────────┘     a partition, which says that all before it is done
 *
 * An offset here is always that of the next record to be read, as Kafka's commits are. A ack callback is for the frames of one
 * batch, whichever partitions its records came from. A partition that is taken away (a rebalance) leaves the tracker;
 * ack callbacks that still hold it change nothing any more, and it is freed with the last of them. What comes back to us later
 * is another partition.
 *
 * A ack callback that was not kept (an exporter gave its frames up) holds its partitions where they are: nothing behind is
 * safe, and when nothing of the partition is under way, kafka_offsets_rewind tells from where to read again.
 *
 * Ownership: the tracker is counted; ack callbacks hold it and may outlive the receiver. Threads: senders settle ack callbacks, the
 * admin thread looks (kafka_offsets_each); everything else is the consumer's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_KAFKA_OFFSETS_H
#define GW_KAFKA_OFFSETS_H

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/lock.h"
#include "core/delivery/frame.h"

struct kafka_checkpoint;

/* Offsets are -1 where nothing is known. */
struct kafka_partition {
    struct kafka_partition *next; /* of the tracker; under the lock */
    char *topic;
    int32_t number;
    /* under the lock */
    struct kafka_checkpoint *first,
        *last;    /* of ack callbacks that are not settled, or wait for those before them */
    int64_t safe; /* everything before is done */
    int64_t read; /* everything before was read */
    int64_t end;  /* end of the partition, from the broker's last answer */
    bool stuck;   /* something was given up */
    bool gone;    /* taken away */
    /* the consumer's */
    int signal;        /* of its topic; -1: not known */
    int64_t committed; /* the broker has it */
    bool touched;      /* part of the next ack callback … */
    struct kafka_partition *next_touched;
    int64_t upto; /* … up to here */
    bool held;    /* paused by itself: max_uncommitted */
};

struct kafka_offsets;

/* NULL when there is no memory. */
struct kafka_offsets *kafka_offsets_new(void);
/* The consumer lets go of it, and of all partitions. */
void kafka_offsets_drop(struct kafka_offsets *);

/* Ours from now on. NULL when there is no memory. */
struct kafka_partition *kafka_offsets_add(struct kafka_offsets *, const char *topic, int32_t number);
/* NULL: it is not ours. */
struct kafka_partition *kafka_offsets_find(struct kafka_offsets *, const char *topic, int32_t number);
/* Not ours any more: the pointer is not to be used. */
void kafka_offsets_remove(struct kafka_offsets *, struct kafka_partition *);
/* Returns the first of all partitions; follow `next`. Only the consumer adds and removes partitions. */
struct kafka_partition *kafka_offsets_first(struct kafka_offsets *);
/* Of each partition, under the lock, on any thread. */
typedef void kafka_offsets_f(void *ctx, const struct kafka_partition *);
void kafka_offsets_each(struct kafka_offsets *, kafka_offsets_f *, void *ctx);

/* Where the group stopped the last time. */
void kafka_offsets_begin(struct kafka_offsets *, struct kafka_partition *, int64_t offset);
/* The record with this offset was read and is in the batch (or is done, if there is no frame of it). */
void kafka_offsets_touch(struct kafka_offsets *, struct kafka_partition *, int64_t offset);
/* For all that was touched, which then is not any more; to be settled once for each of `frames` (0: it is settled already,
 * and *ack is NULL). False: no memory, and all stays touched. */
bool kafka_offsets_ack(struct kafka_offsets *, size_t frames, struct gw_ack_callback **ack) GW_MUST_CHECK;

/* What may be committed; -1: nothing that is not committed yet. */
int64_t kafka_offsets_due(struct kafka_offsets *, const struct kafka_partition *);
/* Records that were read and are not safe: at a kill, so many at most are read again. */
int64_t kafka_offsets_unsafe(struct kafka_offsets *, const struct kafka_partition *);
void kafka_offsets_set_end(struct kafka_offsets *, struct kafka_partition *, int64_t end);
/* Something was given up, and nothing of the partition is under way: reading starts again at *from. */
bool kafka_offsets_rewind(struct kafka_offsets *, struct kafka_partition *, int64_t *from);

/* Waits until no ack callback is open that holds one of these (NULL: any), until the monotonic time. False: one still is. */
bool kafka_offsets_wait(struct kafka_offsets *, struct kafka_partition *const *, size_t n, gw_nsec until);

#endif
