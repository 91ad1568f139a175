/* sender_internal.h: definitions that the sender's files share; private to them.
 *
 *   sender_lifecycle.c new, start, stop, take over, finish, drop  main thread
 *                      the thread's body                          the sender's thread
 *   sender.c           the policy, gw_sender_step: ids, expire,   the sender's thread
 *                      send, take, drain
 *   sender_outcome.c   from a verdict to the ledger, to another   the sender's thread
 *                      try, or to parts
 *   sender_items.c     batches, and where their items go:         the sender's thread
 *                      ledger, queue, disk
 *   sender_disk.c      from the disk back into the queue          the sender's thread
 *   sender_metrics.c   metrics                                    any thread
 *   sender_state.c     the backend's state, last words, latency    the sender's thread writes, any reads
 *
 * A batch (inflight_batch.h) is in one place at a time, and gw_sender_step moves it from one to the next:
 *
 *   queue ─▶ exporter, counted in `open` ─▶ `settled` ─▶ finished or dropped: its nodes are done, its
 *                    ▲                          │         items counted once
 *                    │                          ├──────▶ given back to the queue, for the successor; also the
 *                    │                          │         rest of a batch that is sent in parts
 *                    └──── `waiting` ◀──────────┘
 *
 * Ownership: the sender always owns its batches; an exporter only reads them. Queue and ledger row pass to a
 * successor (owns_queue); exporter, ctx, conf, ledger, ids, disk_log and budget belong to others.
 *
 * Threads: each group of members of struct gw_sender names its thread. Between the main thread and the
 * sender's there are only atomic members, the queue, and members that were set before that thread saw the
 * sender: at its start, or through the predecessor's `successor`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SENDER_INTERNAL_H
#define GW_SENDER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/lock.h"
#include "core/delivery/queue.h"
#include "core/diskqueue/disk_queue.h"
#include "exporters/sender/circuit_breaker.h"
#include "exporters/sender/congestion.h"
#include "exporters/sender/dead_letter.h"
#include "exporters/sender/exporter_health.h"
#include "exporters/sender/inflight_batch.h"
#include "exporters/sender/probes.h"
#include "exporters/sender/sender.h"

#define GW_SENDER_NO_MEMORY_PAUSE (100 * GW_MSEC)

struct gw_inflight_batches {
    struct gw_inflight_batch *first, **end;
};

struct gw_sender_counts {
    atomic_uint_least64_t requests, retries, timeouts, splits, open, waiting, troubled, request_bytes;
};

/* What one sees of a sender and its backend. The sender's thread writes it, any reads it. */
enum { GW_SENDER_LATENCIES = 256 };
struct gw_sender_seen {
    atomic_uint backend;    /* enum gw_backend_state */
    _Atomic gw_nsec oldest; /* arrival of the oldest frame that waits for a retry; 0: none does */
    gw_nsec looked;         /* for it; the sender's thread only */
    atomic_uint_least32_t latency[GW_SENDER_LATENCIES]; /* of the last answers, µs */
    atomic_uint_least64_t answers;
    struct gw_lock lock;
    char words[300]; /* under lock: what the backend last said against a request … */
    int64_t said;    /* … and when, wall clock; 0: never */
};

struct gw_sender {
    /* Constant after new. */
    const struct gw_exporter *exporter;
    void *ctx;
    const struct gw_sender_conf *conf;
    struct gw_ledger *ledger;
    struct gw_trace_ids *ids;
    struct gw_queue *queue;
    struct gw_breaker_conf pace;     /* of retries; `most`: requests that may be open at a time */
    struct gw_segment_log *disk_log; /* NULL: memory only */
    struct gw_budget *budget;
    size_t refill_below; /* bytes in the queue that do not wait for a retry; below this, it is refilled */
    unsigned reader;     /* its number in the segment log */
    unsigned number, signals;
    char name[64], component[80];

    _Atomic gw_nsec deadline; /* GW_NEVER until stopped */
    struct gw_sender *_Atomic successor;
    atomic_bool over;
    pthread_t thread; /* main thread only, from here on */
    bool started, owns_queue;

    /* Sender's thread only. */
    struct gw_batch_limits limits; /* bytes: set by congestion */
    struct gw_congestion congestion;
    /* Waiting: for their time. Settled: with an outcome that was not handled yet. */
    struct gw_inflight_batches waiting, settled;
    unsigned waiting_n;  /* number of waiting batches … */
    size_t waiting_cost; /* … and what the queue is charged for them */
    struct gw_breaker breaker[GW_SIGNALS];
    struct gw_answers answers[GW_SIGNALS];
    struct gw_probes probes[GW_SIGNALS];
    unsigned open;       /* open requests … */
    unsigned open_again; /* … those that are retries … */
    size_t open_bytes;   /* … and the bytes of all */
    bool fresh_next;     /* the last request was a retry, so fresh data is next */
    gw_nsec split_at;    /* the earliest time for sending the parts of the next request that is too large */
    gw_nsec size_said;   /* when a size was last logged; 0: never */
    gw_nsec answered_at; /* when the backend last accepted a request, or was first used after a pause */
    unsigned turn;       /* the signal that is checked first */
    uint64_t random;
    gw_nsec hungry_until; /* there was no memory for a batch … */
    gw_nsec refill_at;    /* … or for data on the disk */
    bool draining, cancelled;
    /* When open requests are cancelled because of the successor; 0: there was none at the last step. */
    gw_nsec grace_period;
    struct gw_exporter_health health;
    struct gw_dead_letter dead_letter;

    /* Written by the sender's thread, read by any. */
    struct gw_sender_counts counts;
    struct gw_sender_seen seen;
};

static inline void gw_sender_count(atomic_uint_least64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static inline bool gw_sender_over_deadline(const struct gw_sender *s, gw_nsec now)
{
    return now >= atomic_load_explicit(&s->deadline, memory_order_acquire);
}

static inline bool gw_sender_has_successor(struct gw_sender *s)
{
    return atomic_load_explicit(&s->successor, memory_order_acquire);
}

/* What happens when the queue is full. */
static inline bool gw_sender_drops_oldest(const struct gw_sender_conf *conf,
                                          const struct gw_exporter *exporter)
{
    return conf->when_full == GW_FULL_AUTO ? exporter->drop_by_default
                                           : conf->when_full == GW_FULL_DROP_OLDEST;
}

/* sender_items.c */
void gw_sender_append(struct gw_inflight_batches *, struct gw_inflight_batch *);
struct gw_inflight_batch *gw_sender_detach(struct gw_inflight_batches *, struct gw_inflight_batch **at);
/* Puts the batch into `waiting` until `due`, or until `early` if it blocks others. */
void gw_sender_postpone(struct gw_sender *, struct gw_inflight_batch *, gw_nsec early, gw_nsec due,
                        gw_nsec now);
/* Two halves of a batch that is not sent as a whole (again) wait in its place. */
void gw_sender_postpone_halves(struct gw_sender *, struct gw_inflight_batch *half[2], gw_nsec due,
                               gw_nsec now);
/* Removes the batch from `waiting`. */
struct gw_inflight_batch *gw_sender_resume(struct gw_sender *, struct gw_inflight_batch **at);
/* Moves items in the ledger. */
void gw_sender_move(struct gw_sender *, enum gw_signal, enum gw_place from, enum gw_place to, enum gw_reason,
                    uint64_t items);
/* The sender is done with the nodes. `through`: they need not be sent again; otherwise a disk queue keeps
 * them. */
void gw_sender_release(struct gw_sender *, struct gw_chain *, bool through);
/* Everything in the batch is counted; frees it. */
void gw_sender_finish_inflight(struct gw_sender *, struct gw_inflight_batch *);
/* Logs a warning if the reason is max_age. Data that a stop leaves behind is in the ledger, which is printed
 * a moment later. */
void gw_sender_log_expired(struct gw_sender *, enum gw_reason, uint64_t items);
/* Tells whoever looks at recent data (recent.h) that these frames are given up. */
void gw_sender_keep_dropped(const struct gw_sender *, const struct gw_chain *, enum gw_reason);
/* Gives up data in memory, or in the queue. At a stop, it goes back to its source or stays on the disk if
 * there is one. */
void gw_sender_drop_inflight(struct gw_sender *, struct gw_inflight_batch *, enum gw_reason);
void gw_sender_drop_queued(struct gw_sender *, struct gw_chain *, enum gw_reason);
/* Gives up frames of the oldest waiting batch, until that much is free in the queue or the batch is empty.
 * There is such a batch. */
void gw_sender_evict(struct gw_sender *, size_t bytes, gw_nsec now);
/* Returns the batch to the queue; this sender or a successor takes it again, before newer data. */
void gw_sender_give_back(struct gw_sender *, struct gw_inflight_batch *);

/* sender_outcome.c */
/* 64 uniform bits. */
uint64_t gw_sender_random(struct gw_sender *);
/* A gw_done_f, called from within the exporter's send or wait. The cookie is the batch. */
void gw_sender_on_done(void *cookie, const struct gw_outcome *);
/* Handles all outcomes since the last step. */
void gw_sender_settle(struct gw_sender *, gw_nsec now);

/* sender_state.c */
/* A request has its outcome. */
void gw_sender_saw(struct gw_sender *, const struct gw_inflight_batch *, gw_nsec now);
/* At the end of a step: the age of what waits for a retry. */
void gw_sender_see_waiting(struct gw_sender *, gw_nsec now);
/* A successor goes on with what was seen. */
void gw_sender_inherit_seen(struct gw_sender *, struct gw_sender *predecessor);

/* sender_disk.c */
/* If other components hold the memory, waits for it, unless there would be nothing to send meanwhile. */
void gw_sender_refill(struct gw_sender *, gw_nsec now);

#endif
