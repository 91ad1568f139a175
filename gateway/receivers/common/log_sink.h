/* log_sink.h: the steps that every log receiver takes with its records: collect, offer, wait.
 *
 *   reader thread:  read ─▶ lines ─▶ gw_log_sink_add ─▶ [log_batch] ─▶ gw_log_sink_flush ─▶ fan-out ─▶ queues
 *                     ▲                                                    │ queue full
 *                     └── reads nothing for gw_log_sink_pause ◀──────────┘
 *
 * An input that can wait, waits: ddgate stops reading a file or a TCP connection, and its writer waits in
 * turn. It stops before the queue is full, when the exporter has enough work; the rest of the room is for
 * inputs that cannot wait (UDP), which offer once and count refused records, and for HTTP, which passes the
 * queue's answer on.
 *
 * Threads: a sink belongs to one thread; gw_log_sink_stop from any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LOG_SINK_H
#define GW_LOG_SINK_H

#include "core/delivery/fanout.h"
#include "translators/logs/log_record.h"

struct gw_log_sink;

/* `component` for log lines: "receiver=file". conf and the fan-out are the caller's and outlive the sink.
 * NULL when there is no memory. */
struct gw_log_sink *gw_log_sink_new(const struct log_conf *, struct gw_fanout *, const char *component);
/* Records that were not flushed are counted as refused. */
void gw_log_sink_drop(struct gw_log_sink *);

/* Into the batch. What cannot be held (no memory) is counted as refused. True when the sink is worth flushing
 * at once: it holds a frame's worth. */
bool gw_log_sink_add(struct gw_log_sink *, const struct log_input *);
bool gw_log_sink_empty(const struct gw_log_sink *);
/* Offers all records in the sink. The ack_callback (may be NULL) is called once when all of them have been
 * settled: at once if no exporter takes logs. GW_OK; with GW_QUEUE_FULL, GW_BUSY and GW_STOPPING nothing is
 * queued, and with `keep` everything stays in the sink for the next call (nothing is counted until then);
 * without it, everything is counted as refused. */
enum gw_code gw_log_sink_flush(struct gw_log_sink *, struct gw_ack_callback *, bool keep) GW_MUST_CHECK;
/* Discards all records without counting them: their source still has them and reads them again later. */
void gw_log_sink_discard(struct gw_log_sink *);
/* Moves all records of `from` to the front of `to`. False: no memory, and they stay. */
bool gw_log_sink_take(struct gw_log_sink *to, struct gw_log_sink *from) GW_MUST_CHECK;
/* Flushes with `keep` until it succeeds, with pauses that grow. GW_OK, or GW_STOPPING after
 * gw_log_sink_stop. */
enum gw_code gw_log_sink_wait(struct gw_log_sink *, struct gw_ack_callback *) GW_MUST_CHECK;
/* The time for which a waiting receiver sleeps before it flushes again: `last` is its previous pause, 0 at
 * first. Pauses grow by an eighth of the total wait, so free room is used soon, and a backend that is away
 * costs nothing. */
#define GW_LOG_SINK_LONGEST (500 * GW_MSEC)
gw_nsec gw_log_sink_pause(gw_nsec last);
/* Any thread: later offers may use all the room of the queues, because the receiver stops. */
void gw_log_sink_stop(struct gw_log_sink *);

#endif
