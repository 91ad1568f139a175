/* queue.h: the queue of one exporter, bounded in bytes.
 *
 *   receivers                                     lanes, one per signal                          the sender
 *   reserve ─▶ nodes ─▶ push ──▶ waiting [f][f]   trace ids whose upper half is not known yet ─▶ gw_queue_awaiting_ids
 *                            └─▶ ready   [f][f][f][f] ───────────────────────────────────────▶ gw_queue_take ─▶ … ─▶ gw_queue_done
 *                                └──────────────── capacity, in BYTES of frames ───────────────────────────────────┘
 *
 * A frame is charged from its reservation until the sender has finished with it, so data that is being sent
 * and retried is bounded as well. The bound is in bytes and not in frames, because a request of 2 MiB is
 * not the same load as one of 2 KiB.
 *
 * A full queue has two answers (option when_full):
 *   reject       reserve refuses; the receiver answers its client 429. Room is reserved for all exporters before anything is
 *                pushed, so a request is queued for all or refused as a whole.
 *   drop_oldest  reserve always succeeds; push returns the oldest nodes, which the caller counts and drops. The newest frame
 *                always stays.
 * An empty queue accepts a request that alone is larger than the capacity, because it could never be
 * accepted otherwise.
 *
 * Two limits are between empty and full, and one flag with hysteresis depends on them:
 *
 *   0 ──────────── low ──────────── high ─────────────────────────────── capacity
 *                  1/8              1/4
 *                   └─ not lagging   └─ lagging: senders that can wait wait       └─ full: 429, or the oldest frames are dropped
 *
 * The queue is lagging from the moment that it exceeds the high limit until it is down at the low limit.
 * Both count the frames that the sender could send or is sending. Frames that wait for their trace ids or
 * for a retry do not count, because reading less makes neither faster. The low limit leaves the sender
 * enough work until the waiting receivers continue.
 *   inputs that can wait (a file, a TCP connection)  reserve nothing while the queue is lagging: more data in memory would not
 *                                                    be sent faster, and the rest of the room is for inputs that cannot wait
 *   clients that wait for an answer (HTTP)           get it a moment later (gw_queue_delays), so that a sender on the same core
 *                                                    gets its turn; but only while the backend accepts data. A backend that is
 *                                                    away delays no client: its queue fills up
 *
 * Wakeups: the sender arms the queue before it sleeps. A push then calls `wake` at most once, and only when
 * there is something to do: a lane was empty (a timer must be set), or now holds a complete batch. If a
 * frame arrives before the sender arms the queue, gw_queue_arm returns that something is due, so no wakeup
 * is lost.
 *
 * Ownership: a node holds one reference to its frame. A node belongs to the code that unlinked it.
 * Threads: reserve, push, cancel, close, resize, wake from any; awaiting_ids, ids_completed, take, expire,
 * done, arm, inherit, backend from the sender. One mutex, held for a few pointer moves and never while
 * another lock is taken.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_QUEUE_H
#define GW_QUEUE_H

#include "core/base/err.h"
#include "core/delivery/frame.h"

struct gw_queue;

/* The entry of one frame in one queue. */
struct gw_node {
    struct gw_node *next;
    struct gw_frame *frame;
    /* shared with the other parts of a stored frame that was split; NULL: the frame is whole */
    struct gw_share *share;
    size_t bytes;     /* of the frame, as the lanes count them */
    size_t cost;      /* bytes charged to this queue; never changes, even if the frame does */
    uint64_t number;  /* order of arrival over all lanes */
    gw_nsec ids_due;  /* when to call gw_frame_complete_ids again */
    bool hurried;     /* too many frames wait for trace ids: the next lookup is final */
    bool pending_ids; /* waits for its trace ids: not counted as lagging */
};

/* State that the parts of a stored frame share. Used only by the sender. */
struct gw_share {
    struct gw_disk_position stored;
    unsigned parts;
    bool left; /* one of them stays for the next start */
};
/* Splits the entry of `whole` into two nodes for the two parts of its frame. Returns false if there is no
 * memory. */
bool gw_node_share(struct gw_node *whole, struct gw_node *rest);
/* The sender is done with the node, or leaves it on the disk (`through` false). Returns true, with the
 * position of the record, when all parts of the record are done. */
bool gw_node_settle(struct gw_node *, bool through, struct gw_disk_position *);

/* A chain of nodes. Empty: first == NULL. */
struct gw_chain {
    struct gw_node *first, *last;
};
void gw_chain_add(struct gw_chain *, struct gw_node *);
struct gw_node *gw_chain_pop(struct gw_chain *);
/* Takes over the reference. Returns NULL if there is no memory; then the reference still belongs to the
 * caller. */
struct gw_node *gw_node_new(struct gw_frame *, size_t cost);
/* Drops the node's frame reference and the node. The node must not be charged to a queue any more. */
void gw_node_drop(struct gw_node *);

typedef void gw_queue_wake_f(void *arg);

/* Returns NULL if there is no memory. `wake` is called from pushing threads, without the queue's lock. */
struct gw_queue *gw_queue_new(size_t capacity, bool drop_oldest, gw_queue_wake_f *, void *arg);
/* Drops the queue and all its frames. */
void gw_queue_drop(struct gw_queue *);
/* Another sender takes over the queue: from now on pushes wake that one. A push in progress may still wake
 * the predecessor. */
void gw_queue_inherit(struct gw_queue *, gw_queue_wake_f *, void *arg);
/* Sets new limits. Frames that already exceed them stay. */
void gw_queue_resize(struct gw_queue *, size_t capacity, bool drop_oldest);

/* Reserves room for the frames with this attribute schema, all or none. Returns GW_OK, GW_QUEUE_FULL, GW_BUSY
 * (no memory) or GW_STOPPING (closed). It does not take references yet; push does. */
enum gw_code gw_queue_reserve(struct gw_queue *, enum gw_attribute_schema, struct gw_frame **, size_t n,
                              struct gw_chain *out) GW_MUST_CHECK;
/* The same for data that can wait: it also returns GW_QUEUE_FULL while the queue is lagging, which does not
 * count as a refusal (gw_queue_state). If the queue drops its oldest frames, there is always room. */
enum gw_code gw_queue_reserve_unless_lagging(struct gw_queue *, enum gw_attribute_schema, struct gw_frame **,
                                             size_t n, struct gw_chain *out) GW_MUST_CHECK;
/* Returns a reservation. */
void gw_queue_cancel(struct gw_queue *, struct gw_chain *);
/* Cannot fail. `evicted` receives the nodes that were pushed out (drop_oldest), already uncharged: the caller
 * counts and drops them. */
void gw_queue_push(struct gw_queue *, struct gw_chain *, struct gw_chain *evicted);
/* Refuses further reservations and wakes the sender, which drains the queue until gw_queue_finished. */
void gw_queue_close(struct gw_queue *);

/* Limits of one request. */
struct gw_batch_limits {
    size_t bytes; /* a first frame is taken even if it alone is larger */
    uint64_t items;
    /* how long a batch that is not full waits for more frames, from the arrival of its first one */
    gw_nsec delay;
};

/* For the sender. Nodes whose trace ids are due for another lookup leave their lane; gw_queue_ids_completed
 * returns those with unknown ids to it, with a new ids_due, and makes the others ready. */
void gw_queue_awaiting_ids(struct gw_queue *, gw_nsec now, struct gw_chain *due);
void gw_queue_ids_completed(struct gw_queue *, struct gw_chain *unknown, struct gw_chain *ready);
/* Takes the next batch of this signal: full, or old enough, or any with `flush`. Returns false if there is
 * none yet. */
bool gw_queue_take(struct gw_queue *, enum gw_signal, const struct gw_batch_limits *, gw_nsec now, bool flush,
                   struct gw_chain *out);
/* Takes frames that arrived before `oldest` and still wait. It checks the first frame of each lane, like
 * gw_queue_arm: a frame read back from the disk may be older than the ones before it, and is returned when
 * those have left. */
void gw_queue_expire(struct gw_queue *, gw_nsec oldest, struct gw_chain *out);
/* Uncharges and drops nodes that the sender is done with. */
void gw_queue_done(struct gw_queue *, struct gw_chain *);

/* With a disk queue (segment_log.h): frames that do not fit are only on the disk, so this queue refuses
 * nothing for good and evicts nothing. Before the first reservation. */
void gw_queue_overflow(struct gw_queue *);
/* For frames read back from the disk: takes over the reference, even without room. Returns false if there is
 * no memory. */
bool gw_queue_restore(struct gw_queue *, struct gw_frame *);
/* A frame for the sender went only to the disk: wakes the sender if it sleeps; otherwise its next
 * gw_queue_arm returns that something is due. */
void gw_queue_wake(struct gw_queue *);

/* Arms the wakeup. Returns when the sender must check again if nothing else happens: the time of a batch, of
 * trace ids or of an expiry, or GW_NEVER. `takable`: the signals that the sender would take now, as bits;
 * ready frames of other signals do not wake it. */
gw_nsec gw_queue_arm(struct gw_queue *, const struct gw_batch_limits *, gw_nsec max_age, unsigned takable);
/* Returns true if it is closed and nothing is queued, reserved or in process any more. */
bool gw_queue_finished(struct gw_queue *);
/* Reports the state of the backend: until when it counts as one that accepts data, if it does not answer; the
 * time of the next try, 0 if there is no pause; and the bytes that are charged for requests that wait for a
 * retry. Those do not count as lagging, because the sender keeps up with everything else. */
void gw_queue_backend(struct gw_queue *, gw_nsec takes_data_until, gw_nsec next_try, size_t waiting);
/* Returns true if the answer to a client whose data went into this queue should be delayed a moment: the
 * queue is lagging, refuses when it is full, and its backend accepts data. Any thread. */
bool gw_queue_delays(struct gw_queue *, gw_nsec now);
/* Returns how long a refused client should wait, in whole seconds, 1 to 30: until the backend is tried next.
 * Any thread. */
int gw_queue_retry_after(struct gw_queue *, gw_nsec now);
/* Returns the number of charged bytes. */
size_t gw_queue_used(struct gw_queue *);
/* For the admin page. Any thread. */
struct gw_queue_state {
    size_t used, capacity;
    bool refusing; /* it refused something while less than a quarter was free, and has been so since */
    bool lagging;
    gw_nsec oldest; /* when the first of its waiting frames arrived; 0: none waits */
};
void gw_queue_state(struct gw_queue *, struct gw_queue_state *);

#endif
