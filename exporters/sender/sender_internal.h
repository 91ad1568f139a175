/* sender_internal.h: what the files of the sender share, and nobody else includes.
 *
 *   sender_lifecycle.c new, start, stop, take over, finish, drop  main thread
 *                      the thread's body                          the sender's thread
 *   sender.c           the policy, gw_sender_step: ids, expire,   the sender's thread
 *                      send, take, drain
 *   sender_outcome.c   from a verdict to the ledger, to another   the sender's thread
 *                      try, or to parts
 *   sender_items.c     batches, and where their items go:         the sender's thread
 *                      ledger, queue, disk
 *   sender_disk.c      what is only on the disk, back into the    the sender's thread
 *                      queue
 *   sender_metrics.c   what is seen from outside                  any thread
 *
 * A batch (inflight_batch.h) is in one place at a time, and gw_sender_step takes it from one to the next:
 *
 *   queue ─▶ exporter, counted in `open` ─▶ `settled` ─▶ finished or dropped: its nodes are done, its
 *                    ▲                          │         items counted once
 *                    │                          ├──────▶ given back to the queue, for the successor; so is the
 *                    │                          │         rest of a batch that is sent in parts
 *                    └──── `waiting` ◀──────────┘
 *
 * Ownership: the sender owns its batches everywhere, an exporter only reads the batch of one. Queue and
 * ledger row pass to a successor (owns_queue); exporter, ctx, conf, ledger, ids, disk_log and budget are
 * others'.
 *
 * Threads: each group of members of struct gw_sender says whose it is. Between the main thread and the
 * sender's nothing passes but atomic members, the queue, and what stood there before that thread saw the
 * sender: at its start, or through the predecessor's `successor`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SENDER_INTERNAL_H
#define GW_SENDER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

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

struct gw_sender {
    /* const after new */
    const struct gw_exporter *exporter;
    void *ctx;
    const struct gw_sender_conf *conf;
    struct gw_ledger *ledger;
    struct gw_trace_ids *ids;
    struct gw_queue *queue;
    struct gw_breaker_conf pace;     /* of retries; `most`: requests that may be open at a time */
    struct gw_segment_log *disk_log; /* NULL: memory only */
    struct gw_budget *budget;
    size_t refill_below; /* bytes in the queue that do not wait for a retry */
    unsigned reader;     /* its number in the segment log */
    unsigned number, signals;
    char name[64], component[80];

    _Atomic gw_nsec deadline; /* GW_NEVER until stopped */
    struct gw_sender *_Atomic successor;
    atomic_bool over;
    pthread_t thread; /* main thread only, as what follows */
    bool started, owns_queue;

    /* sender's thread only */
    struct gw_batch_limits limits; /* bytes: as congestion says */
    struct gw_congestion congestion;
    /* for their time; with an outcome that was not looked at yet */
    struct gw_inflight_batches waiting, settled;
    unsigned waiting_n;  /* batches that wait … */
    size_t waiting_cost; /* … and what the queue is charged for them */
    struct gw_breaker breaker[GW_SIGNALS];
    struct gw_answers answers[GW_SIGNALS];
    struct gw_probes probes[GW_SIGNALS];
    unsigned open;       /* requests at the exporter … */
    unsigned open_again; /* … those of them that were not taken before … */
    size_t open_bytes;   /* … and the bytes of all */
    bool fresh_next;     /* the last request sent was one that was not taken before */
    gw_nsec split_at;    /* when the parts of the next request that is too large are sent at the earliest */
    gw_nsec size_said;   /* when the log last spoke of a size; 0: never */
    gw_nsec answered_at; /* when the backend last took a request, or began to be asked after a pause */
    unsigned turn;       /* signal to look at first */
    uint64_t random;
    gw_nsec hungry_until; /* there was no memory for a batch … */
    gw_nsec refill_at;    /* … or for what is on the disk */
    bool draining, cancelled;
    /* when open requests are cancelled for the successor's sake; 0: there was none at the last step */
    gw_nsec grace_period;
    struct gw_exporter_health health;
    struct gw_dead_letter dead_letter;

    /* written by the sender's thread, read by any */
    struct gw_sender_counts counts;
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

/* What a full queue does. */
static inline bool gw_sender_drops_oldest(const struct gw_sender_conf *conf,
                                          const struct gw_exporter *exporter)
{
    return conf->when_full == GW_FULL_AUTO ? exporter->drop_by_default
                                           : conf->when_full == GW_FULL_DROP_OLDEST;
}

/* sender_items.c */
void gw_sender_append(struct gw_inflight_batches *, struct gw_inflight_batch *);
struct gw_inflight_batch *gw_sender_detach(struct gw_inflight_batches *, struct gw_inflight_batch **at);
/* Waits in `waiting` until `due`, or until `early` where it is in the way of others. */
void gw_sender_postpone(struct gw_sender *, struct gw_inflight_batch *, gw_nsec early, gw_nsec due,
                        gw_nsec now);
/* Two halves of a batch, which was not sent as a whole (again), wait instead of it. */
void gw_sender_postpone_halves(struct gw_sender *, struct gw_inflight_batch *half[2], gw_nsec due,
                               gw_nsec now);
/* Out of `waiting`. */
struct gw_inflight_batch *gw_sender_resume(struct gw_sender *, struct gw_inflight_batch **at);
/* In the ledger. */
void gw_sender_move(struct gw_sender *, enum gw_signal, enum gw_place from, enum gw_place to, enum gw_reason,
                    uint64_t items);
/* The sender is done with them. `through`: nobody has to send them again; else a disk queue keeps them. */
void gw_sender_release(struct gw_sender *, struct gw_chain *, bool through);
/* Everything in it is counted. It is gone. */
void gw_sender_finish_inflight(struct gw_sender *, struct gw_inflight_batch *);
/* Warns when the reason is max_age. What a stop leaves behind is said by the ledger, which is printed a
 * moment later. */
void gw_sender_log_expired(struct gw_sender *, enum gw_reason, uint64_t items);
/* Gives up what is in process, or in the queue; at a stop it goes back to its source or stays on the disk,
 * where it has one. */
void gw_sender_drop_inflight(struct gw_sender *, struct gw_inflight_batch *, enum gw_reason);
void gw_sender_drop_queued(struct gw_sender *, struct gw_chain *, enum gw_reason);
/* Gives up frames of the oldest batch that waits, until that much is free in the queue or the batch is
 * gone. There is one. */
void gw_sender_evict(struct gw_sender *, size_t bytes, gw_nsec now);
/* It will be taken from the queue again, by this sender or a successor, before what came later. */
void gw_sender_give_back(struct gw_sender *, struct gw_inflight_batch *);

/* sender_outcome.c */
/* 64 uniform bits. */
uint64_t gw_sender_random(struct gw_sender *);
/* A gw_done_f, from within the exporter's send or wait. The cookie is the batch. */
void gw_sender_on_done(void *cookie, const struct gw_outcome *);
/* Whatever has an outcome since the last step. */
void gw_sender_settle(struct gw_sender *, gw_nsec now);

/* sender_disk.c */
/* Memory that others hold is waited for, unless there would be nothing to send meanwhile. */
void gw_sender_refill(struct gw_sender *, gw_nsec now);

#endif
