/* log_sink.h: what every log receiver does with its records: collect, offer, wait.
 *
 *   reader thread:  read ─▶ lines ─▶ gw_log_sink_add ─▶ [log_batch] ─▶ gw_log_sink_flush ─▶ fan-out ─▶ queues
 *                     ▲                                                    │ queue full
 *                     └── reads nothing for gw_log_sink_pause ◀──────────┘
 *
 * A stream that can wait, waits: a full queue stops the reading of a file or a TCP connection, and its writer
 * feels it. It waits before the queue is full, when its exporter has enough to do; the rest of the room is
 * for those that cannot (UDP), which offer once and count what was refused, and for HTTP, which answers what
 * the queue says.
 *
 * Threads: a sink belongs to one thread; gw_log_sink_stop from any.
 *
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
/* Offers all that stands in the sink. The ack_callback (may be NULL) is called once when all of it was
 * brought to an end: at once where nobody exports it. GW_OK; with GW_QUEUE_FULL, GW_BUSY and GW_STOPPING
 * nothing is queued, and with `keep` everything stays in the sink for the next call (nothing is counted until
 * then); without, it is counted as refused. */
enum gw_code gw_log_sink_flush(struct gw_log_sink *, struct gw_ack_callback *, bool keep) GW_MUST_CHECK;
/* Forgets all that stands in the feed, and counts none of it: its source has it still, and brings it another
 * time. */
void gw_log_sink_discard(struct gw_log_sink *);
/* All that stands in `from` stands in `to` from now on, before what is added to it. False: no memory, and it
 * stays. */
bool gw_log_sink_take(struct gw_log_sink *to, struct gw_log_sink *from) GW_MUST_CHECK;
/* Flushes with `keep` until it succeeds, with pauses that grow. GW_OK, or GW_STOPPING after
 * gw_log_sink_stop. */
enum gw_code gw_log_sink_wait(struct gw_log_sink *, struct gw_ack_callback *) GW_MUST_CHECK;
/* How long who waits by itself sleeps before it flushes again: `last` is its former pause, 0 at first. Pauses
 * grow by an eighth of the wait, so that room is used soon after it is there, and a backend that is away
 * costs nothing. */
#define GW_LOG_SINK_LONGEST (500 * GW_MSEC)
gw_nsec gw_log_sink_pause(gw_nsec last);
/* Any thread: what is offered from now on may use all the room that queues have: there is no later. */
void gw_log_sink_stop(struct gw_log_sink *);

#endif
