/* fanout.h: hands the frames of receivers to the queues of exporters.
 *
 *      offer(frames) ──▶ reserve room in the queue of every exporter that takes the signal
 *                          all have room ─▶ a reference into each queue, ledger, GW_OK          (the sender gets 200)
 *                          one has not   ─▶ nothing is queued anywhere, ledger, GW_QUEUE_FULL   (the sender gets 429)
 *
 * Queues with when_full = drop_oldest always have room: their oldest frames are dropped and counted. A frame
 * goes to the exporters whose option `mode` is its attribute schema. Frames of logs and metrics have only one
 * schema (GW_OTEL) and go to all.
 *
 * With a disk queue (disk_queue.h) the frames are written there before the answer. A memory queue without
 * room is then no reason to refuse: its exporter reads the frames from the disk later. A request is refused
 * when the disk is full or cannot be written.
 *
 * The routes may be replaced while requests are offered (hot reload): each offer sees the old ones or the new
 * ones, whole. A request that was translated for the old routes may be offered to the new ones. An exporter
 * whose schema it lacks then gets a schema that it has; if no exporter took the signal before, the request
 * goes to none of the new ones.
 *
 * Threads: any receiver thread offers; switch on the main thread. Ownership: offer takes the caller's
 * reference of every frame, whatever it answers. SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FANOUT_H
#define GW_FANOUT_H

#include "core/base/err.h"
#include "core/delivery/frame.h"
#include "core/delivery/ledger.h"

struct gw_fanout;
struct gw_budget;
struct gw_queue;
struct gw_durable;

/* One exporter, as receivers see it. */
struct gw_route {
    struct gw_queue *queue;
    const char *name;
    unsigned exporter; /* its number in the ledger */
    unsigned signals;  /* bit per enum gw_signal */
    enum gw_attribute_schema schema;
    unsigned reader; /* its number in the disk queue, if there is one */
    unsigned asked;  /* those of the signals that its option `signals` names */
};

/* Main thread, before the first offer and after the last one. Owns neither ledger nor budget nor queues.
 * Returns NULL if there is no memory. */
struct gw_fanout *gw_fanout_new(struct gw_ledger *, struct gw_budget *);
void gw_fanout_add(struct gw_fanout *, struct gw_route); /* at most GW_MAX_EXPORTERS */
/* Replaces all routes at once, at any time. When it returns, no offer sees the old ones any more: their
 * queues may be closed. */
void gw_fanout_switch(struct gw_fanout *, const struct gw_route *, unsigned n);
/* Before the first offer: offered frames are written there first. Not owned. */
void gw_fanout_durable(struct gw_fanout *, const struct gw_durable *, void *ctx);
void gw_fanout_drop(struct gw_fanout *);
/* Any thread: offers from now on are refused with GW_STOPPING. */
void gw_fanout_stop(struct gw_fanout *);

/* Bit per enum gw_attribute_schema that an exporter of this signal uses. 0: no exporter takes the signal;
 * then everything is accepted and discarded. */
unsigned gw_fanout_schemas(const struct gw_fanout *, enum gw_signal);

/* Returns true if the option `signals` of an exporter names the signal. An exporter that takes the signal
 * only by default may have a backend that does not want all of it. */
bool gw_fanout_asked(const struct gw_fanout *, enum gw_signal);

/* The frames of each attribute schema that gw_fanout_schemas named hold gw_intake_accepted() items together.
 * Always writes the intake into the ledger; on refusal the accepted part becomes refused(queue_full |
 * stopping). GW_OK, GW_QUEUE_FULL, GW_BUSY, GW_STORAGE or GW_STOPPING. */
enum gw_code gw_fanout_offer(struct gw_fanout *, enum gw_signal, struct gw_frame **frames, size_t n,
                             struct gw_intake *, struct gw_err *) GW_MUST_CHECK;

/* The same; accepted items are also queued for the ledger rows in `also` (bits) that are not exporters. */
enum gw_code gw_fanout_offer_also(struct gw_fanout *, enum gw_signal, struct gw_frame **frames, size_t n,
                                  struct gw_intake *, uint64_t also, struct gw_err *) GW_MUST_CHECK;

/* Like gw_fanout_offer, but on refusal nothing is counted, and frames and intake still belong to the caller,
 * who may try again. `can_wait`: the caller can wait as long as necessary, so the offer is refused while a
 * queue in memory is lagging (queue.h), even if it has room. */
enum gw_code gw_fanout_try(struct gw_fanout *, enum gw_signal, struct gw_frame **frames, size_t n,
                           const struct gw_intake *, bool can_wait, struct gw_err *) GW_MUST_CHECK;

/* Any thread; waits for the disk. True when all data accepted so far is on the disk, as the disk queue's
 * options require, or if there is no disk queue. False when some of it may not be: a source that can read it
 * again must keep its old offset. */
bool gw_fanout_sync(struct gw_fanout *) GW_MUST_CHECK;

/* True when the answer to a request of this signal should be delayed a moment: the queue of an exporter that
 * takes the signal is lagging, and its backend takes data (gw_queue_delays). An exporter that reads from the
 * disk delays no answer. */
bool gw_fanout_delays(struct gw_fanout *, enum gw_signal, gw_nsec now);
/* The same for the current time, as a callback (struct gw_http_delay). */
static inline bool gw_fanout_delays_now(void *fanout, unsigned signal)
{
    return gw_fanout_delays(fanout, (enum gw_signal)signal, gw_now());
}

/* Returns after how many whole seconds, at least 1, a refused sender should try again. */
int gw_fanout_retry_after(struct gw_fanout *, gw_nsec now);

#endif
