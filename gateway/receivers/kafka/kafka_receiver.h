/* kafka_receiver.h: OTLP out of Kafka, as the OpenTelemetry Collector's exporter and ddgate's write it there.
 *
 *     broker ─▶ librdkafka ─▶ record ─▶ otlp_intake: frames ─▶ batch ─┬▶ fan-out ─▶ queues ─▶ backends
 *                                │ cannot be used                     │ no room: partitions are paused
 *                                ▼                                    ▼
 *                           dead letter                        ack callback: settled by the senders ─▶ offsets ─▶ commit
 *
 *      kafka_in.c         options, metrics, opening and closing
 *      kafka_consumer.c   the thread: reads, waits, stops
 *      kafka_group.c      what a group asks of its members: partitions that come and go, commits, lag
 *      kafka_batch.c      records become frames, which are offered together
 *      kafka_record.c     which signal, which encoding
 *      kafka_set_aside.c  records that cannot be used
 *      kafka_offsets.h    up to where each partition is safe
 *
 * An offset is committed when every exporter, or the disk queue, has all records before it. So a killed
 * process loses nothing. Records delivered since the last commit are read again: about those of one
 * commit_interval, at most max_uncommitted records per partition plus one batch.
 *
 *     start ─▶ running ── stop ─▶ draining ── close ─▶ over
 *                          │         └ offers nothing any more; stays in the group, commits what senders still deliver
 *                          └ the batch that no queue took is forgotten: Kafka has it
 *
 * Private to the receiver's files. Threads: open, start, stop, close on main; everything else on the consumer's, but for
 * the offsets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_KAFKA_RECEIVER_H
#define GW_KAFKA_RECEIVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/budget.h"
#include "core/base/wakeup.h"
#include "core/delivery/dead_letter_file.h"
#include "core/kafka/kafka_client.h"
#include "gateway/receivers/common/otlp_intake.h"
#include "gateway/receivers/kafka/kafka_offsets.h"
#include "gateway/receivers/kafka/kafka_record.h"

#define KAFKA_COMPONENT "receiver=kafka"

#define KAFKA_OPTS(X)                                                                                        \
    KAFKA_CLIENT_OPTS(X)                                                                                     \
    X(str, group, "group", "ddgate", "", "",                                                                 \
      "Consumer group: instances of one group share the partitions among them.")                             \
    X(list, traces, "topics.traces", "otlp_spans", "", "",                                                   \
      "Topics of spans; names, or regular expressions that begin with ^. Empty for none.")                   \
    X(list, logs, "topics.logs", "otlp_logs", "", "", "Topics of log records, in the same form.")            \
    X(list, metrics, "topics.metrics", "otlp_metrics", "", "", "Topics of metrics, in the same form.")       \
    X(choice, start, "start", "earliest", "earliest|latest", "",                                             \
      "Where the group begins in a partition without a committed offset, or if the broker no longer has "    \
      "that offset.")                                                                                        \
    X(choice, encoding, "encoding", "auto", "auto|otlp_proto|otlp_json", "",                                 \
      "Format of records. auto uses the header content-type or, if there is none, the first byte.")          \
    X(duration, commit_interval, "commit_interval", "1s", "50ms", "5m",                                      \
      "How often the offsets of delivered records are committed. After a kill, the records since then are "  \
      "read again.")                                                                                         \
    X(count, max_uncommitted, "max_uncommitted", "100000", "1", "100000000",                                 \
      "Most records of a partition that were read but are neither delivered nor on disk; above that, the "   \
      "partition is paused.")                                                                                \
    X(duration, handover, "handover", "5s", "0s", "1m",                                                      \
      "How long a partition that is reassigned, or a reload, waits for records that exporters are sending.") \
    X(size, buffer, "buffer", "16MiB", "1MiB", "1GiB",                                                       \
      "Most data that is fetched ahead, over all partitions. librdkafka uses about twice this memory, "      \
      "which is charged to max_memory.")                                                                     \
    X(str, dead_letter_directory, "dead_letter.directory", "", "", "",                                       \
      "Folder for records that cannot be used, one JSON line each in kafka.jsonl; it must exist. Empty: "    \
      "they are counted, and logged with topic, partition and offset.")                                      \
    X(size, dead_letter_max_size, "dead_letter.max_size", "64MiB", "1MiB", "1TiB",                           \
      "Limit of the two files there.")                                                                       \
    OTLP_INTAKE_OPTS(X)

struct kafka_conf {
    KAFKA_OPTS(GW_FIELD)
};

/* Any thread. */
struct kafka_counts {
    atomic_uint_least64_t records[GW_SIGNALS]; /* accepted records, complete or in part */
    atomic_uint_least64_t bytes;               /* of their values */
    atomic_uint_least64_t faults[KAFKA_FAULTS];
    atomic_uint_least64_t set_aside;
    atomic_uint_least64_t rebalances, lost;
    atomic_uint_least64_t commits, failed_commits;
    atomic_uint_least64_t waits;
    atomic_uint_least64_t partitions, paused; /* now */
};

/* Records that became frames and are not offered yet. */
struct kafka_batch {
    struct gw_budget scratch;
    struct gw_arena arena;
    struct otlp_frames frames[GW_SIGNALS];
    struct gw_intake intake[GW_SIGNALS];
    size_t records, bytes;
    bool sealed; /* an ack callback was made: no record joins any more */
};

struct kafka {
    struct kafka_conf conf; /* first: the option rows fill it */
    const struct gw_host *host;
    struct kafka_topics topics;
    struct kafka_client client;
    char fetch_kbytes[24], fetch_bytes[24]; /* of properties */
    struct otlp_intake intake;
    struct otlp_intake_thread intake_thread;
    struct gw_dead_letter_file dead_letter;
    struct kafka_offsets *offsets;
    struct kafka_counts counts;
    /* the thread */
    pthread_t thread;
    bool running;
    atomic_bool stopping, closing;
    struct gw_wakeup wake,
        quiet; /* main rings the one; the thread the other, when it will offer nothing any more */
    /* the thread's */
    struct kafka_batch batch;
    rd_kafka_message_t *stash; /* came while partitions were paused */
    bool paused;               /* all partitions are, for want of room */
    rd_kafka_queue_t *commits; /* answers to commits */
    bool committing;           /* one is on its way */
    gw_nsec commit_at;         /* when to check again which offsets are safe */
};

static inline void kafka_count(atomic_uint_least64_t *to, uint64_t n)
{
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

#endif
