/* trace_buffer.h: keeps logs for a moment until their trace arrives, so that they are printed with it.
 *
 *     batch of logs ─▶ printed at once: no trace id, or a trace that was printed already
 *                  └─▶ WAITING ─┬─ their trace arrives ──▶ printed in it
 *                               └─ `until`, no room, a stop ──▶ DUE: printed alone
 *
 * Tracers send a trace when it is finished, and logs arrive as they are written, a second or two earlier. A
 * batch stays open at its sender until the last of its records is printed. The waiting batches are bounded
 * in bytes (TRACE_BUFFER_BYTES); above that the oldest batch is printed.
 *
 * Threads: the exporter's sender thread. Ownership: buffered_batch_begin allocates, buffered_batch_end
 * frees; batches are the sender's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TRACE_BUFFER_H
#define GW_TRACE_BUFFER_H

#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/delivery/exporter.h"
#include "exporters/stdout/pretty_log.h"

enum { TRACE_BUFFER_BYTES = 512 * 1024, TRACE_BUFFER_SEEN = 4096 };

/* What became of a trace (selection.h): of its later parts and logs it decides as well. */
enum trace_fate { TRACE_UNSEEN, TRACE_SHOWN, TRACE_LEFT_OUT, TRACE_TOO_SHORT, TRACE_FOLDED };

/* A batch of logs. Each record is NEW, then WAITING or shown; WRITING from when it is put into the buffer
 * until that was written. */
struct buffered_batch {
    struct buffered_batch *next;
    const struct gw_batch *batch;
    void *owner;
    gw_nsec until;
    size_t n, done;    /* records; those that are written, or never will be */
    uint64_t unread;   /* of them: could not be read back, or are too large */
    uint64_t left_out; /* of them: an option says that they are not printed */
    uint8_t *state;
};

struct trace_buffer {
    gw_nsec grace_period; /* 0: nothing waits */
    struct buffered_batch *first, **last;
    size_t bytes; /* of the batches in the list */
    bool linked;  /* a record with a trace id came; its owner may set it back */
    /* traces that came last, each in the place that its id has: a later one takes it */
    struct trace_seen {
        uint8_t id[16];
        uint8_t fate;
    } seen[TRACE_BUFFER_SEEN];
};

void trace_buffer_init(struct trace_buffer *, gw_nsec grace_period);
/* False when there is no memory. */
bool buffered_batch_begin(struct buffered_batch *, const struct gw_batch *, void *owner);
void buffered_batch_end(struct buffered_batch *);

/* --- a batch that is shown: begin, records, then either written or failed --- */

/* A list of records to print, for pretty_logs: those of this batch that need not wait. NULL: the arena is
 * spent, and the batch has ended; but if the arena is `no_memory`, call it again later. */
struct pretty_log *trace_buffer_now(struct trace_buffer *, struct buffered_batch *, struct gw_arena *,
                                    size_t *n);
/* Those of all waiting batches, for pretty_traces; what it shows or leaves out is marked with
 * trace_buffer_shown. None where the arena is spent. */
struct pretty_log *trace_buffer_waiting(struct trace_buffer *, struct gw_arena *, size_t *n);
void trace_buffer_shown(struct trace_buffer *, struct pretty_log *, size_t n);
/* The output was written, or could not be. `h` may be NULL; the batches in the list are checked as well. */
void trace_buffer_written(struct trace_buffer *, struct buffered_batch *h);
void trace_buffer_failed(struct trace_buffer *, struct buffered_batch *h);
/* The same when there was no memory to fill the buffer: nothing is lost, the batch is shown later. */
void trace_buffer_undo(struct trace_buffer *, struct buffered_batch *h);

/* --- the list --- */

static inline bool buffered_batch_is_over(const struct buffered_batch *h)
{
    return h->done == h->n;
}
/* Adds the batch to the list, until its grace period is over. */
void trace_buffer_add(struct trace_buffer *, struct buffered_batch *, gw_nsec now);
/* Removes a batch from the list: one that has ended, else one that need not wait any more (`all`: any); its
 * waiting records are then due. NULL: none. */
struct buffered_batch *trace_buffer_take(struct trace_buffer *, gw_nsec now, bool all);
/* When the next one must not wait any more. */
static inline gw_nsec trace_buffer_next(const struct trace_buffer *h)
{
    return h->first ? h->first->until : GW_NEVER;
}
/* A trace came: logs of it that come later need not wait. */
void trace_buffer_seen_trace(struct trace_buffer *, ProtobufCBinaryData trace_id, enum trace_fate);
enum trace_fate trace_buffer_fate(const struct trace_buffer *, ProtobufCBinaryData trace_id);
/* A record of the lists above that is not printed. */
void trace_buffer_leave_out(struct pretty_log *);

#endif
