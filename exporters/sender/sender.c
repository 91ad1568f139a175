/* sender.c: the policy of a sender: decides what is due now, and when the next step is. Owns nothing beyond
 * struct sender. Called by the loop of sender_lifecycle.c, on the sender's thread; tests call its steps with
 * a clock of their own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "exporters/sender/sender_internal.h"

/* Shortest time between two lookups of a frame's trace ids. */
static const gw_nsec complete_again = 50 * GW_MSEC;
/* Longest time, for data that people watch: half of batch.delay. */
static const gw_nsec complete_shown = 100 * GW_MSEC;

static const gw_nsec SUCCESSOR_GRACE_PERIOD = 2 * GW_SEC;
/* A backend that answered this recently, or was not used until now, is assumed to accept data. */
static const gw_nsec TAKES_DATA = GW_SEC;

static gw_nsec earlier(gw_nsec a, gw_nsec b)
{
    return a < b ? a : b;
}

/* --- what is due --- */

/* The time between lookups grows, except for data that people watch, because a log record must be printed
 * before its trace. */
static gw_nsec next_look(const struct gw_sender *s, gw_nsec age)
{
    gw_nsec pause = s->exporter->shows && age > complete_shown ? complete_shown : age;
    return pause > complete_again ? pause : complete_again;
}

static void join(struct gw_sender *s, gw_nsec now)
{
    struct gw_chain due = {NULL, NULL}, unknown = {NULL, NULL}, ready = {NULL, NULL};
    gw_queue_awaiting_ids(s->queue, s->draining ? GW_NEVER : now, &due);
    for (struct gw_node *node; (node = gw_chain_pop(&due));) {
        gw_nsec last = node->frame->arrived + s->conf->join_wait, age = now - node->frame->arrived;
        bool final = s->draining || now >= last || node->hurried;
        uint32_t left = gw_frame_complete_ids(node->frame, s->ids, final);
        if (final && left)
            gw_ledger_incomplete_ids(s->ledger, node->frame->signal, left);
        if (final || !left)
            node->bytes = node->frame->len; /* services may have been filled in */
        node->ids_due = now + next_look(s, age);
        if (node->ids_due > last)
            node->ids_due = last;
        gw_chain_add(final || !left ? &ready : &unknown, node);
    }
    if (unknown.first || ready.first)
        gw_queue_ids_completed(s->queue, &unknown, &ready);
}

static void expire(struct gw_sender *s, gw_nsec now)
{
    struct gw_chain old = {NULL, NULL};
    /* frames expire at their time, not after it */
    gw_queue_expire(s->queue, now - s->conf->max_age + 1, &old);
    if (old.first)
        gw_sender_drop_queued(s, &old, GW_REASON_EXPIRED);
}

/* Removes frames that became too old while the batch waited. A try that is later than planned does not make
 * frames older. Returns false if nothing is left; the batch is then freed. */
static bool prune(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    struct gw_chain old = {NULL, NULL};
    uint64_t items = gw_inflight_batch_prune(p, earlier(now, p->latest) - s->conf->max_age, &old);
    if (!old.first)
        return true;
    gw_sender_log_expired(s, GW_REASON_EXPIRED, items);
    gw_sender_keep_dropped(s, &old, GW_REASON_EXPIRED);
    gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_DROPPED, GW_REASON_EXPIRED, items);
    gw_sender_release(s, &old, true);
    if (p->batch.n)
        return true;
    gw_sender_finish_inflight(s, p);
    return false;
}

/* A batch may be larger than requests may be now, because it was made when they could be larger, or because a
 * single frame is larger. Splits it and returns the first part; the rest goes back to the queue. A frame
 * whose halves are hardly smaller is not split further: most of it is what its items share, and each part
 * would repeat that. */
static struct gw_inflight_batch *first_part(struct gw_sender *s, struct gw_inflight_batch *p)
{
    struct gw_inflight_batch *half[2];
    while (p->batch.bytes > s->limits.bytes) {
        struct gw_retry retry = p->retry;
        struct gw_suspect suspect = p->suspect;
        bool is_cut = p->batch.n == 1;
        size_t whole = p->batch.bytes;
        if (gw_inflight_batch_split(p, s->conf->max_age, half) != GW_DIVIDED)
            break; /* a single item, or no memory: it is sent unchanged */
        half[0]->retry.tries = retry.tries;
        half[0]->suspect = suspect;
        gw_sender_give_back(s, half[1]);
        p = half[0];
        if (is_cut && p->batch.bytes > whole - whole / 4)
            break;
    }
    return p;
}

static void send(struct gw_sender *s, struct gw_inflight_batch *p, bool fresh, gw_nsec now)
{
    p = first_part(s, p);
    gw_breaker_pass(&s->breaker[p->batch.signal], &s->pace, fresh, now, gw_sender_random(s));
    if (s->open++ == 0)
        s->answered_at = now; /* the wait for its answer begins */
    s->fresh_next = gw_inflight_batch_is_retry(p);
    s->open_again += s->fresh_next;
    s->open_bytes += p->batch.bytes;
    p->sent = (struct gw_congestion_sent){now, p->batch.bytes, s->open_bytes};
    p->batch.compress = gw_congestion_compresses(&s->congestion, now);
    gw_sender_count(&s->counts.requests);
    s->exporter->send(s->ctx, &p->batch, s->conf->timeout, gw_sender_on_done, p);
}

/* All slots are in use. */
static bool is_full(const struct gw_sender *s)
{
    return s->open >= s->pace.most || !gw_congestion_has_room(&s->congestion, s->open_bytes);
}

/* Returns whether a batch that waits for a retry may take a slot. One slot is kept for fresh data, which a
 * backend may accept while it delays requests that it will not accept. A single slot alternates
 * (fresh_next). */
static bool has_place(const struct gw_sender *s, const struct gw_inflight_batch *p)
{
    unsigned most = s->pace.most > 1 ? s->pace.most - 1 : 1;
    return !is_full(s) && (!gw_inflight_batch_is_retry(p) || s->open_again < most);
}

/* Requests that wait for a retry fill half of the queue; the other half is for new data. */
static bool is_crowded(const struct gw_sender *s)
{
    return s->open + s->waiting_n >= s->pace.most && s->waiting_cost > (size_t)s->conf->queue_size / 2;
}

/* Returns when a waiting batch is sent: not before its time, and not before the breaker allows it, but before
 * it expires. A wait that the backend asked for applies to that request; it is ignored if the backend accepts
 * others and waiting batches block them. */
static gw_nsec due_at(const struct gw_sender *s, const struct gw_inflight_batch *p)
{
    const struct gw_breaker *b = &s->breaker[p->batch.signal];
    if (b->open)
        return b->next > p->due ? earlier(b->next, p->latest) : p->due;
    return b->taken && is_crowded(s) ? p->early : p->due;
}

static void send_due(struct gw_sender *s, gw_nsec now)
{
    for (struct gw_inflight_batch **at = &s->waiting.first; *at && !is_full(s);) {
        if (due_at(s, *at) > now || !has_place(s, *at)) {
            at = &(*at)->next;
            continue;
        }
        struct gw_inflight_batch *p = gw_sender_resume(s, at);
        if (prune(s, p, now))
            send(s, p, false, now);
    }
}

/* Returns whether the queue is in memory and drops its oldest data, which is the data that waits for a
 * retry. */
static bool evicts_waiting(const struct gw_sender *s)
{
    return !s->disk_log && gw_sender_drops_oldest(s->conf, s->exporter);
}

/* Keeps a little of such a queue free, because the queue itself can only drop what it holds, which is
 * newer. */
static void evict_waiting(struct gw_sender *s, gw_nsec now)
{
    size_t most = (size_t)s->conf->queue_size - (size_t)s->conf->queue_size / 16;
    for (size_t used; s->waiting.first && evicts_waiting(s) && (used = gw_queue_used(s->queue)) > most;)
        gw_sender_evict(s, used - most, now);
}

/* In other queues, too many waiting requests of a signal stop fresh data of it from being sent, unless the
 * last answer was that the backend accepts it. */
static bool is_held_back(const struct gw_sender *s, unsigned signal)
{
    const struct gw_breaker *b = &s->breaker[signal];
    return is_crowded(s) && !evicts_waiting(s) && (b->failures || !b->taken);
}

/* There is no connection: waiting batches are used to find out when there is one again, in their order. */
static bool is_unreachable(const struct gw_sender *s, unsigned signal)
{
    if (!s->breaker[signal].open || !s->breaker[signal].unreachable)
        return false;
    for (const struct gw_inflight_batch *p = s->waiting.first; p; p = p->next)
        if (p->batch.signal == signal)
            return true;
    return s->open;
}

/* Returns the signals, as bits, of which a batch may be taken now. */
static unsigned takable(const struct gw_sender *s, gw_nsec now)
{
    unsigned signals = 0;
    if (now < s->hungry_until || is_full(s))
        return 0;
    for (unsigned i = 0; i < GW_SIGNALS; i++)
        if (s->exporter->signals & 1u << i && gw_breaker_allows(&s->breaker[i], now) && !is_held_back(s, i) &&
            !is_unreachable(s, i))
            signals |= 1u << i;
    return signals;
}

/* The same for cases in which fresh data has its turn: at an open breaker, or after a retry was sent. */
static unsigned takable_first(const struct gw_sender *s, gw_nsec now)
{
    unsigned signals = takable(s, now);
    for (unsigned i = 0; i < GW_SIGNALS; i++)
        if (s->breaker[i].open ? !s->breaker[i].fresh_turn : !s->fresh_next)
            signals &= ~(1u << i);
    return signals;
}

static bool take_one(struct gw_sender *s, unsigned signals, gw_nsec now)
{
    struct gw_chain nodes;
    for (unsigned i = 0; i < GW_SIGNALS; i++) {
        enum gw_signal signal = (enum gw_signal)((s->turn + i) % GW_SIGNALS);
        if (!(signals & 1u << signal) ||
            !gw_queue_take(s->queue, signal, &s->limits, now, s->draining, &nodes))
            continue;
        struct gw_inflight_batch *p = gw_inflight_batch_new(&nodes, s->conf->max_age);
        if (!p) {
            struct gw_chain none = {NULL, NULL};
            gw_queue_ids_completed(s->queue, &none, &nodes);
            s->hungry_until = now + GW_SENDER_NO_MEMORY_PAUSE;
            return false;
        }
        s->turn = signal + 1;
        p->owner = s;
        gw_sender_move(s, signal, GW_QUEUED, GW_IN_PROCESS, 0, p->batch.items);
        send(s, p, true, now);
        return true;
    }
    return false;
}

static void take(struct gw_sender *s, unsigned (*which)(const struct gw_sender *, gw_nsec), gw_nsec now)
{
    for (unsigned signals; (signals = which(s, now)) && take_one(s, signals, now);)
        ;
}

/* --- the end --- */

static void begin_drain(struct gw_sender *s, gw_nsec now)
{
    if (s->draining || atomic_load_explicit(&s->deadline, memory_order_acquire) == GW_NEVER)
        return;
    s->draining = true;
    memset(s->breaker, 0, sizeof s->breaker); /* every signal gets a try */
    for (struct gw_inflight_batch *p = s->waiting.first; p; p = p->next)
        p->due = p->early = now;
}

static void abandon(struct gw_sender *s)
{
    struct gw_chain rest = {NULL, NULL};
    if (!s->cancelled)
        s->exporter->cancel(s->ctx);
    s->cancelled = true;
    gw_queue_expire(s->queue, GW_NEVER, &rest);
    gw_sender_drop_queued(s, &rest, GW_REASON_SHUTDOWN);
    while (s->waiting.first) {
        gw_sender_drop_inflight(s, gw_sender_resume(s, &s->waiting.first), GW_REASON_SHUTDOWN);
    }
}

/* --- the step --- */

/* Returns when the next request that has to wait may be sent: a retry, or fresh data behind an open
 * breaker. */
static gw_nsec next_send(const struct gw_sender *s, gw_nsec now)
{
    gw_nsec due = GW_NEVER;
    if (is_full(s))
        return due;
    for (const struct gw_inflight_batch *p = s->waiting.first; p; p = p->next)
        if (has_place(s, p))
            due = earlier(due, due_at(s, p));
    for (int i = 0; i < GW_SIGNALS; i++)
        if (!gw_breaker_allows(&s->breaker[i], now))
            due = earlier(due, s->breaker[i].next);
    return due;
}

/* Returns whether nothing is sent before the next try. */
static bool is_stuck(const struct gw_sender *s)
{
    bool stuck = is_full(s);
    for (unsigned i = 0; i < GW_SIGNALS; i++)
        stuck |= s->breaker[i].open || is_held_back(s, i);
    return stuck && s->health.troubled;
}

/* Tells receivers, through the queue, how the backend is: a backend in trouble delays no client's answer, and
 * a full queue will not have room before the next try, which refused clients are told as the time to wait. */
static void report_backend(struct gw_sender *s, gw_nsec due)
{
    bool pause = is_stuck(s) && due != GW_NEVER;
    gw_queue_backend(s->queue, s->health.troubled ? 0 : s->answered_at + TAKES_DATA, pause ? due : 0,
                     s->waiting_cost);
}

static gw_nsec next_step(struct gw_sender *s, gw_nsec now)
{
    if (s->settled.first)
        return now;
    /* Open requests are being cancelled; reserved data may still be pushed. */
    if (gw_sender_over_deadline(s, now))
        return gw_queue_arm(s->queue, &s->limits, 0, ~0u);
    gw_nsec due = next_send(s, now);
    report_backend(s, due);
    if (now < s->hungry_until)
        due = earlier(due, s->hungry_until);
    if (now < s->refill_at)
        due = earlier(due, s->refill_at);
    due = earlier(due, gw_queue_arm(s->queue, &s->limits, s->conf->max_age, takable(s, now)));
    return earlier(due, atomic_load_explicit(&s->deadline, memory_order_acquire));
}

static bool anything_left(const struct gw_sender *s, gw_nsec now)
{
    return !gw_queue_finished(s->queue) || (s->disk_log && gw_segment_log_lagging(s->disk_log, s->reader) &&
                                            !gw_sender_over_deadline(s, now));
}

/* Publishes the state after this step. */
static void publish(struct gw_sender *s)
{
    atomic_store_explicit(&s->counts.open, s->open, memory_order_relaxed);
    atomic_store_explicit(&s->counts.waiting, s->waiting_n, memory_order_relaxed);
    atomic_store_explicit(&s->counts.request_bytes, s->limits.bytes, memory_order_relaxed);
    atomic_store_explicit(&s->counts.troubled, s->health.troubled, memory_order_relaxed);
}

/* The remaining work before the successor starts. */
static gw_nsec step_down(struct gw_sender *s, gw_nsec now)
{
    if (!s->grace_period)
        s->grace_period = now + SUCCESSOR_GRACE_PERIOD;
    gw_nsec limit = earlier(s->grace_period, atomic_load(&s->deadline));
    while (s->waiting.first)
        gw_sender_give_back(s, gw_sender_resume(s, &s->waiting.first));
    publish(s);
    if (!s->open)
        return GW_SENDER_OVER;
    if (now >= limit && !s->cancelled) {
        s->exporter->cancel(s->ctx);
        s->cancelled = true;
    }
    return s->settled.first ? now : s->cancelled ? GW_NEVER : limit;
}

gw_nsec gw_sender_step(struct gw_sender *s, gw_nsec now)
{
    gw_sender_settle(s, now);
    s->limits.bytes = gw_congestion_request_bytes(&s->congestion);
    if (gw_sender_has_successor(s))
        return step_down(s, now);
    begin_drain(s, now);
    join(s, now);
    if (gw_sender_over_deadline(s, now)) {
        abandon(s);
    } else {
        expire(s, now);
        evict_waiting(s, now);
        gw_sender_refill(s, now);
        take(s, takable_first, now);
        send_due(s, now);
        take(s, takable, now);
        if (s->exporter->hurry && s->open && (s->draining || is_full(s)))
            s->exporter->hurry(s->ctx);
    }
    publish(s);
    gw_sender_see_waiting(s, now);
    return anything_left(s, now) ? next_step(s, now) : GW_SENDER_OVER;
}
