/* The queue against a naive twin under random operations, and when it wakes its sender.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/delivery/queue.h"

/* The twin: everything that is anywhere, in order of arrival. */
struct twin {
    struct {
        struct gw_frame *frame;
        enum { QUEUED, TAKEN } where;
    } all[4096];
    size_t n, used, capacity;
    bool drop_oldest;
};

static void twin_remove(struct twin *t, size_t i)
{
    t->used -= gw_frame_cost(t->all[i].frame);
    gw_frame_drop(t->all[i].frame);
    memmove(&t->all[i], &t->all[i + 1], (--t->n - i) * sizeof t->all[0]);
}

static size_t twin_oldest(const struct twin *t)
{
    size_t i = 0;
    while (i < t->n && t->all[i].where != QUEUED)
        i++;
    return i;
}

static size_t twin_queued(const struct twin *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += t->all[i].where == QUEUED;
    return n;
}

static struct gw_frame *frame(size_t len, enum gw_signal signal, gw_nsec arrived)
{
    struct gw_frame *f = gw_frame_new(signal, GW_OTEL, calloc(1, len), len, len, (uint32_t)(1 + len % 7));
    f->arrived = arrived;
    return f;
}

static void no_wake(void *arg)
{
}

static unsigned randomly(unsigned below)
{
    static uint64_t state = 88172645463325252u; /* xorshift64 */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state % below);
}

static void push_both(struct gw_queue *q, struct twin *t, gw_nsec now)
{
    struct gw_frame *f[3];
    struct gw_chain rooms, evicted = {NULL, NULL};
    size_t n = 1 + randomly(3), cost = 0;
    for (size_t i = 0; i < n; i++) {
        f[i] = frame(1 + randomly(600), (enum gw_signal)randomly(2), now);
        cost += gw_frame_cost(f[i]);
    }
    bool fits = t->drop_oldest || t->used == 0 || t->used + cost <= t->capacity;
    enum gw_code code = gw_queue_reserve(q, GW_OTEL, f, n, &rooms);
    assert_int_equal(code, fits ? GW_OK : GW_QUEUE_FULL);
    if (code == GW_OK && randomly(8) == 0) {
        gw_queue_cancel(q, &rooms);
        code = GW_BUSY;
    }
    if (code == GW_OK)
        gw_queue_push(q, &rooms, &evicted);
    for (size_t i = 0; i < n; i++) {
        if (code != GW_OK) {
            gw_frame_drop(f[i]);
            continue;
        }
        t->all[t->n].frame = f[i]; /* the caller's reference becomes the twin's */
        t->all[t->n++].where = QUEUED;
        t->used += gw_frame_cost(f[i]);
    }
    while (code == GW_OK && t->drop_oldest && t->used > t->capacity && twin_queued(t) > 1) {
        struct gw_node *node = gw_chain_pop(&evicted);
        assert_ptr_equal(node->frame, t->all[twin_oldest(t)].frame);
        gw_node_drop(node);
        twin_remove(t, twin_oldest(t));
    }
    assert_null(evicted.first);
}

/* The batch must be the first frames of its signal, as many as fit. */
static void take_both(struct gw_queue *q, struct twin *t, struct gw_chain *taken, gw_nsec now)
{
    struct gw_batch_limits limits = {200 + randomly(1500), 1 + randomly(30), 10};
    enum gw_signal signal = (enum gw_signal)randomly(2);
    bool flush = randomly(2);
    size_t bytes = 0, total = 0;
    uint64_t items = 0, total_items = 0;
    gw_nsec first = GW_NEVER;
    for (size_t i = 0; i < t->n; i++) {
        if (t->all[i].where != QUEUED || t->all[i].frame->signal != signal)
            continue;
        first = first == GW_NEVER ? t->all[i].frame->arrived : first;
        total += t->all[i].frame->len;
        total_items += t->all[i].frame->items;
    }
    bool due = first != GW_NEVER &&
               (flush || total >= limits.bytes || total_items >= limits.items || first + limits.delay <= now);
    struct gw_chain c;
    assert_int_equal(gw_queue_take(q, signal, &limits, now, flush, &c), due);
    for (size_t i = 0; due && i < t->n; i++) {
        if (t->all[i].where != QUEUED || t->all[i].frame->signal != signal)
            continue;
        bytes += t->all[i].frame->len;
        items += t->all[i].frame->items;
        if (taken->first && bytes != t->all[i].frame->len && (bytes > limits.bytes || items > limits.items))
            break;
        if (!c.first)
            break;
        assert_ptr_equal(c.first->frame, t->all[i].frame);
        t->all[i].where = TAKEN;
        gw_chain_add(taken, gw_chain_pop(&c));
    }
    assert_null(c.first);
}

static void finish_both(struct gw_queue *q, struct twin *t, struct gw_chain *taken)
{
    struct gw_node *node = gw_chain_pop(taken);
    struct gw_chain one = {NULL, NULL};
    for (size_t i = 0; node && i < t->n; i++)
        if (t->all[i].frame == node->frame) {
            twin_remove(t, i);
            gw_chain_add(&one, node);
            gw_queue_done(q, &one);
            return;
        }
}

static void expire_both(struct gw_queue *q, struct twin *t, gw_nsec oldest)
{
    struct gw_chain c = {NULL, NULL};
    gw_queue_expire(q, oldest, &c);
    for (size_t i; (i = twin_oldest(t)) < t->n && t->all[i].frame->arrived < oldest; twin_remove(t, i)) {
        struct gw_node *node = gw_chain_pop(&c);
        struct gw_chain one = {NULL, NULL};
        assert_ptr_equal(node->frame, t->all[i].frame);
        gw_chain_add(&one, node);
        gw_queue_done(q, &one);
    }
    assert_null(c.first);
}

static void behaves_as(bool drop_oldest)
{
    struct twin *t = calloc(1, sizeof *t);
    struct gw_chain taken = {NULL, NULL};
    t->capacity = 8000;
    t->drop_oldest = drop_oldest;
    struct gw_queue *q = gw_queue_new(t->capacity, drop_oldest, no_wake, NULL);
    for (gw_nsec now = 1; now < 20000; now++) {
        switch (randomly(6)) {
        case 0:
        case 1:
            push_both(q, t, now);
            break;
        case 2:
            take_both(q, t, &taken, now);
            break;
        case 5:
            if (randomly(20) == 0)
                expire_both(q, t, now - 100);
            break;
        default:
            finish_both(q, t, &taken);
        }
        assert_int_equal(gw_queue_used(q), t->used);
    }
    while (taken.first)
        finish_both(q, t, &taken);
    expire_both(q, t, GW_NEVER);
    assert_int_equal(gw_queue_used(q), 0);
    assert_false(gw_queue_finished(q));
    gw_queue_close(q);
    assert_true(gw_queue_finished(q));
    gw_queue_drop(q);
    free(t);
}

static void a_rejecting_queue_behaves_as_its_twin(void **state)
{
    behaves_as(false);
}

static void a_dropping_queue_behaves_as_its_twin(void **state)
{
    behaves_as(true);
}

/* --- joining --- */

static void push_one(struct gw_queue *q, struct gw_frame *f)
{
    struct gw_chain rooms, evicted = {NULL, NULL};
    assert_int_equal(gw_queue_reserve(q, GW_OTEL, &f, 1, &rooms), GW_OK);
    gw_queue_push(q, &rooms, &evicted);
    gw_frame_drop(f);
}

static struct gw_frame *pending_ids(size_t len, gw_nsec arrived)
{
    struct gw_frame *f = frame(len, GW_TRACES, arrived);
    gw_frame_pending_ids(f, calloc(1, sizeof(uint32_t)), 1);
    return f;
}

/* What is ready, in order, by length. */
static void ready_is(struct gw_queue *q, const size_t *lengths, size_t n)
{
    struct gw_batch_limits all = {1 << 30, 1 << 30, 0};
    struct gw_chain c;
    assert_int_equal(gw_queue_take(q, GW_TRACES, &all, GW_NEVER, true, &c), n > 0);
    for (size_t i = 0; i < n; i++) {
        struct gw_node *node = gw_chain_pop(&c);
        struct gw_chain one = {NULL, NULL};
        assert_non_null(node);
        assert_int_equal(node->frame->len, lengths[i]);
        gw_chain_add(&one, node);
        gw_queue_done(q, &one);
    }
    assert_null(c.first);
}

static void what_was_joined_returns_to_its_place(void **state)
{
    struct gw_queue *q = gw_queue_new(1 << 20, false, no_wake, NULL);
    struct gw_chain due = {NULL, NULL}, unknown = {NULL, NULL}, ready = {NULL, NULL};
    gw_nsec second = GW_SEC;
    push_one(q, pending_ids(100, 0));
    push_one(q, pending_ids(101, 0));
    push_one(q, frame(102, GW_TRACES, 0));
    push_one(q, pending_ids(103, 0));
    push_one(q, pending_ids(104, second));
    gw_queue_awaiting_ids(q, 10 * GW_MSEC, &due);
    assert_null(due.first); /* too early for all */
    gw_queue_awaiting_ids(q, second, &due);
    for (size_t len = 100; len < 104; len += len == 101 ? 2 : 1) {
        struct gw_node *node = gw_chain_pop(&due);
        assert_int_equal(node->frame->len, len);
        node->ids_due = 2 * second;
        gw_chain_add(len == 101 ? &unknown : &ready, node);
    }
    assert_null(due.first); /* 104 has just come */
    gw_queue_ids_completed(q, &unknown, &ready);
    ready_is(q, (size_t[]){100, 102, 103}, 3);
    gw_queue_awaiting_ids(q, GW_NEVER, &due);
    assert_int_equal(due.first->frame->len, 101);
    assert_int_equal(due.last->frame->len, 104);
    gw_queue_ids_completed(q, &unknown, &due);
    ready_is(q, (size_t[]){101, 104}, 2);
    assert_int_equal(gw_queue_used(q), 0);
    gw_queue_drop(q);
}

/* --- wakeups --- */

static void count_wake(void *arg)
{
    ++*(unsigned *)arg;
}

static void pushes_wake_only_when_there_is_something_to_do(void **state)
{
    unsigned wakes = 0;
    struct gw_queue *q = gw_queue_new(1 << 20, false, count_wake, &wakes);
    struct gw_batch_limits limits = {1000, 1000, 50};
    push_one(q, frame(10, GW_TRACES, 100));
    assert_int_equal(wakes, 0); /* not asleep */
    assert_true(gw_queue_arm(q, &limits, 1000, ~0u) == 150);
    push_one(q, frame(10, GW_TRACES, 101));
    assert_int_equal(wakes, 0); /* a timer runs already */
    push_one(q, frame(10, GW_LOGS, 102));
    assert_int_equal(wakes, 1); /* another lane has its first */
    push_one(q, frame(2000, GW_TRACES, 103));
    assert_int_equal(wakes, 1);                             /* woken already */
    assert_true(gw_queue_arm(q, &limits, 1000, ~0u) == 0);  /* full */
    assert_true(gw_queue_arm(q, &limits, 1000, 0) == 1100); /* nothing to do but the expiry */
    push_one(q, frame(2000, GW_METRICS, 104));
    assert_int_equal(wakes, 1); /* no request is free */
    push_one(q, pending_ids(20, 105));
    assert_int_equal(wakes, 2);
    assert_true(gw_queue_arm(q, &limits, GW_SEC, 0) == 105 + 50 * GW_MSEC);
    gw_queue_close(q);
    assert_int_equal(wakes, 3);
    gw_queue_drop(q);
}

static void a_closed_queue_takes_what_was_reserved_and_no_more(void **state)
{
    struct gw_queue *q = gw_queue_new(1 << 20, false, no_wake, NULL);
    struct gw_frame *f = frame(10, GW_TRACES, 0);
    struct gw_chain rooms, more, evicted = {NULL, NULL};
    assert_int_equal(gw_queue_reserve(q, GW_OTEL, &f, 1, &rooms), GW_OK);
    gw_queue_close(q);
    assert_false(gw_queue_finished(q));
    assert_int_equal(gw_queue_reserve(q, GW_OTEL, &f, 1, &more), GW_STOPPING);
    gw_queue_push(q, &rooms, &evicted);
    gw_frame_drop(f);
    assert_false(gw_queue_finished(q));
    ready_is(q, (size_t[]){10}, 1);
    assert_true(gw_queue_finished(q));
    gw_queue_drop(q);
}

/* A refusal is remembered until there is room to speak of, so that whoever asks does not see it flicker. */
static void a_queue_that_refused_says_so_until_a_quarter_is_free(void **state)
{
    struct gw_queue_state now;
    struct gw_frame *f[9];
    struct gw_chain rooms[9], more, evicted = {NULL, NULL};
    for (int i = 0; i < 9; i++)
        f[i] = frame(1000, GW_TRACES, 0);
    size_t cost = gw_frame_cost(f[0]);
    struct gw_queue *q = gw_queue_new(8 * cost, false, no_wake, NULL);
    for (int i = 0; i < 8; i++)
        assert_int_equal(gw_queue_reserve(q, GW_OTEL, &f[i], 1, &rooms[i]), GW_OK);
    gw_queue_state(q, &now);
    assert_true(now.used == 8 * cost && now.capacity == 8 * cost && !now.refusing);
    assert_int_equal(gw_queue_reserve(q, GW_OTEL, &f[8], 1, &more), GW_QUEUE_FULL);
    gw_queue_cancel(q, &rooms[0]);
    gw_queue_state(q, &now);
    assert_true(now.refusing);
    gw_queue_cancel(q, &rooms[1]);
    gw_queue_state(q, &now);
    assert_false(now.refusing);
    for (int i = 2; i < 8; i++)
        gw_queue_push(q, &rooms[i], &evicted);
    for (int i = 0; i < 9; i++)
        gw_frame_drop(f[i]);
    gw_queue_drop(q);
}

/* Beyond a quarter of the capacity the oldest ones are asked a last time, at once. */
static void what_waits_for_its_join_is_bounded(void **state)
{
    struct gw_queue *q = gw_queue_new(40000, false, no_wake, NULL);
    struct gw_chain due = {NULL, NULL}, none = {NULL, NULL};
    for (int i = 0; i < 3; i++)
        push_one(q, pending_ids((size_t)(4000 + i), 1000 * GW_SEC));
    gw_queue_awaiting_ids(q, 1000 * GW_SEC, &due);
    assert_non_null(due.first);
    assert_int_equal(due.first->frame->len, 4000);
    assert_true(due.first->hurried);
    assert_null(due.first->next);
    gw_queue_ids_completed(q, &none, &due);
    gw_queue_awaiting_ids(q, 1000 * GW_SEC, &due);
    assert_null(due.first);
    gw_queue_awaiting_ids(q, GW_NEVER, &due);
    assert_int_equal(due.first->frame->len, 4001);
    assert_false(due.first->hurried);
    gw_queue_ids_completed(q, &none, &due);
    gw_queue_drop(q);
}

/* --- the marks --- */

static bool is_lagging(struct gw_queue *q)
{
    struct gw_queue_state now;
    gw_queue_state(q, &now);
    return now.lagging;
}

/* From above the high mark, a quarter, down to the low one, an eighth. */
static void a_queue_is_lagging_between_its_marks(void **state)
{
    struct gw_frame *f = frame(1000, GW_LOGS, 0);
    struct gw_chain rooms[16];
    size_t cost = gw_frame_cost(f);
    struct gw_queue *q = gw_queue_new(16 * cost, false, no_wake, NULL);
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 5; i++) {
            assert_false(is_lagging(q));
            assert_int_equal(gw_queue_reserve(q, GW_OTEL, &f, 1, &rooms[i]), GW_OK);
        }
        for (int i = 4; i >= 2; i--) {
            assert_true(is_lagging(q));
            gw_queue_cancel(q, &rooms[i]);
        }
        for (int i = 1; i >= 0; i--) {
            assert_false(is_lagging(q));
            gw_queue_cancel(q, &rooms[i]);
        }
    }
    gw_frame_drop(f);
    gw_queue_drop(q);
}

/* Another capacity has other marks. */
static void marks_follow_the_capacity(void **state)
{
    struct gw_frame *f = frame(1000, GW_LOGS, 0);
    struct gw_chain rooms[4];
    size_t cost = gw_frame_cost(f);
    struct gw_queue *q = gw_queue_new(100 * cost, false, no_wake, NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(gw_queue_reserve(q, GW_OTEL, &f, 1, &rooms[i]), GW_OK);
    assert_false(is_lagging(q));
    gw_queue_resize(q, 8 * cost, false);
    assert_true(is_lagging(q));
    gw_queue_resize(q, 100 * cost, false);
    assert_false(is_lagging(q));
    for (int i = 0; i < 4; i++)
        gw_queue_cancel(q, &rooms[i]);
    gw_frame_drop(f);
    gw_queue_drop(q);
}

/* One request that is larger than the room tells nothing of others: nothing might leave the queue for long. */
static void a_large_request_does_not_make_a_queue_full(void **state)
{
    struct gw_queue_state now;
    struct gw_frame *small = frame(1000, GW_TRACES, 0),
                    *large[8] = {small, small, small, small, small, small};
    struct gw_chain rooms[2], none;
    size_t cost = gw_frame_cost(small);
    struct gw_queue *q = gw_queue_new(8 * cost, false, no_wake, NULL);
    assert_int_equal(gw_queue_reserve(q, GW_OTEL, large, 6, &rooms[0]), GW_OK);
    assert_int_equal(gw_queue_reserve(q, GW_OTEL, large, 3, &none), GW_QUEUE_FULL);
    gw_queue_state(q, &now);
    assert_true(now.used == 6 * cost && !now.refusing);
    assert_int_equal(gw_queue_reserve(q, GW_OTEL, large, 1, &rooms[1]), GW_OK);
    assert_int_equal(gw_queue_reserve(q, GW_OTEL, large, 3, &none), GW_QUEUE_FULL);
    gw_queue_state(q, &now);
    assert_true(now.used == 7 * cost && now.refusing);
    gw_queue_cancel(q, &rooms[1]);
    gw_queue_state(q, &now);
    assert_false(now.refusing);
    gw_queue_cancel(q, &rooms[0]);
    gw_frame_drop(small);
    gw_queue_drop(q);
}

/* What can wait stops where the queue begins to lag, and goes on where that ends; all the room is for what
 * cannot. */
static void what_can_wait_is_not_taken_while_the_queue_lags(void **state)
{
    struct gw_queue_state now;
    struct gw_frame *f = frame(1000, GW_LOGS, 0);
    struct gw_chain rooms[8], none;
    size_t cost = gw_frame_cost(f);
    struct gw_queue *q = gw_queue_new(8 * cost, false, no_wake, NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(gw_queue_reserve_unless_lagging(q, GW_OTEL, &f, 1, &rooms[i]), GW_OK);
    assert_int_equal(gw_queue_reserve_unless_lagging(q, GW_OTEL, &f, 1, &none), GW_QUEUE_FULL);
    gw_queue_state(q, &now);
    assert_true(now.used == 3 * cost && !now.refusing);
    gw_queue_cancel(q, &rooms[2]);
    assert_int_equal(gw_queue_reserve_unless_lagging(q, GW_OTEL, &f, 1, &none), GW_QUEUE_FULL);
    gw_queue_cancel(q, &rooms[1]);
    for (int i = 1; i < 3; i++)
        assert_int_equal(gw_queue_reserve_unless_lagging(q, GW_OTEL, &f, 1, &rooms[i]), GW_OK);
    for (int i = 3; i < 8; i++)
        assert_int_equal(gw_queue_reserve(q, GW_OTEL, &f, 1, &rooms[i]), GW_OK);
    assert_int_equal(gw_queue_reserve(q, GW_OTEL, &f, 1, &none), GW_QUEUE_FULL);
    gw_queue_state(q, &now);
    assert_true(now.refusing);
    gw_queue_resize(q, 8 * cost, true);
    /* one that drops its oldest takes any */
    assert_int_equal(gw_queue_reserve_unless_lagging(q, GW_OTEL, &f, 1, &none), GW_OK);
    gw_queue_cancel(q, &none);
    for (int i = 0; i < 8; i++)
        gw_queue_cancel(q, &rooms[i]);
    struct gw_frame *large = frame(20000, GW_LOGS, 0);
    /* so does an empty one */
    assert_int_equal(gw_queue_reserve_unless_lagging(q, GW_OTEL, &large, 1, &none), GW_OK);
    gw_queue_cancel(q, &none);
    gw_frame_drop(large);
    gw_frame_drop(f);
    gw_queue_drop(q);
}

/* No backend is to blame for frames that wait for their trace ids: they are counted when they are ready. */
static void what_waits_for_its_ids_is_not_counted_against_the_marks(void **state)
{
    struct gw_chain due = {NULL, NULL}, none = {NULL, NULL};
    struct gw_queue *q = gw_queue_new(16000, false, no_wake, NULL);
    push_one(q, pending_ids(4000, 1000 * GW_SEC));
    push_one(q, pending_ids(4001, 1000 * GW_SEC));
    assert_true(gw_queue_used(q) > 8000);
    assert_false(is_lagging(q));
    gw_queue_awaiting_ids(q, GW_NEVER, &due);
    assert_false(is_lagging(q)); /* they are being looked at */
    gw_queue_ids_completed(q, &none, &due);
    assert_true(is_lagging(q));
    gw_queue_expire(q, GW_NEVER, &due);
    gw_queue_done(q, &due);
    assert_false(is_lagging(q));
    push_one(q, pending_ids(4000, 1000 * GW_SEC));
    gw_queue_expire(q, GW_NEVER, &due); /* before it was looked at */
    gw_queue_done(q, &due);
    assert_int_equal(gw_queue_used(q), 0);
    push_one(q, frame(7000, GW_TRACES, 0));
    assert_true(is_lagging(q));
    gw_queue_drop(q);
}

/* A queue delays answers while it is lagging, would refuse, and has a backend that takes data. */
static void only_a_queue_whose_backend_takes_data_delays(void **state)
{
    struct gw_queue *q = gw_queue_new(8000, false, no_wake, NULL);
    gw_nsec now = 50 * GW_SEC;
    push_one(q, frame(1000, GW_TRACES, 0));
    gw_queue_backend(q, now + GW_SEC, 0, 0);
    assert_false(gw_queue_delays(q, now));
    push_one(q, frame(3000, GW_TRACES, 0));
    assert_true(gw_queue_delays(q, now));
    assert_false(gw_queue_delays(q, now + GW_SEC)); /* nothing was heard of it since */
    gw_queue_backend(q, 0, now + 7 * GW_SEC, 0);    /* it is away */
    assert_false(gw_queue_delays(q, now));
    gw_queue_backend(q, now + GW_SEC, 0, 0);
    gw_queue_resize(q, 8000, true);
    assert_false(gw_queue_delays(q, now));
    gw_queue_drop(q);
}

/* Requests that wait for a retry are the backend's affair: a file is read on while the rest of the queue
 * keeps up. */
static void waiting_requests_do_not_count_against_the_marks(void **state)
{
    struct gw_queue *q = gw_queue_new(8000, false, no_wake, NULL);
    push_one(q, frame(4000, GW_TRACES, 0));
    assert_true(is_lagging(q));
    gw_queue_backend(q, 0, 0, 3900);
    assert_false(is_lagging(q));
    push_one(q, frame(2500, GW_TRACES, 0));
    assert_true(is_lagging(q));
    gw_queue_backend(q, 0, 0, 0);
    assert_true(is_lagging(q));
    gw_queue_drop(q);
}

static void a_refused_client_waits_for_the_next_try(void **state)
{
    struct gw_queue *q = gw_queue_new(8000, false, no_wake, NULL);
    gw_nsec now = 50 * GW_SEC;
    assert_int_equal(gw_queue_retry_after(q, now), 1);
    gw_queue_backend(q, 0, now + 6 * GW_SEC + 1, 0);
    assert_int_equal(gw_queue_retry_after(q, now), 7);
    assert_int_equal(gw_queue_retry_after(q, now + 6 * GW_SEC), 1);
    assert_int_equal(gw_queue_retry_after(q, now + 60 * GW_SEC), 1);
    gw_queue_backend(q, 0, GW_NEVER, 0);
    assert_int_equal(gw_queue_retry_after(q, now), 30);
    gw_queue_drop(q);
}

/* --- from one sender to the next, and wakeups --- */

/* What the predecessor was to be woken for goes to the new one, with everything that stands in the
 * queue. */
static void a_queue_passes_to_another_sender(void **state)
{
    static const struct gw_batch_limits limits = {1 << 20, 1000, GW_SEC};
    unsigned predecessor = 0, next = 0;
    struct gw_chain got;
    struct gw_queue *q = gw_queue_new(100000, false, count_wake, &predecessor);
    push_one(q, frame(1000, GW_TRACES, 5 * GW_SEC));
    assert_true(gw_queue_arm(q, &limits, GW_NEVER / 2, ~0u) == 6 * GW_SEC);
    gw_queue_inherit(q, count_wake, &next);
    /* the new one has not armed it yet: it looks before it sleeps */
    push_one(q, frame(1000, GW_LOGS, 5 * GW_SEC));
    assert_int_equal(predecessor + next, 0);
    assert_true(gw_queue_take(q, GW_TRACES, &limits, 6 * GW_SEC, false, &got));
    gw_queue_done(q, &got);
    gw_queue_arm(q, &limits, GW_NEVER / 2, ~0u);
    push_one(q, frame(1000, GW_TRACES, 6 * GW_SEC));
    assert_int_equal(predecessor, 0);
    assert_int_equal(next, 1);
    gw_queue_arm(q, &limits, GW_NEVER / 2, ~0u);
    gw_queue_wake(q);
    gw_queue_close(q);
    assert_int_equal(predecessor, 0);
    assert_int_equal(next, 3);
    gw_queue_drop(q);
}

/* A sender that is on its way to sleep when something goes to the disk only does not fall asleep. */
static void a_wake_before_the_sleep_is_not_lost(void **state)
{
    static const struct gw_batch_limits limits = {1 << 20, 1000, GW_SEC};
    unsigned woken = 0;
    struct gw_queue *q = gw_queue_new(100000, false, count_wake, &woken);
    gw_queue_wake(q);
    assert_int_equal(woken, 0);
    assert_true(gw_queue_arm(q, &limits, GW_NEVER / 2, ~0u) <= 0); /* due at once */
    assert_true(gw_queue_arm(q, &limits, GW_NEVER / 2, ~0u) == GW_NEVER);
    gw_queue_wake(q);
    assert_int_equal(woken, 1);
    assert_true(gw_queue_arm(q, &limits, GW_NEVER / 2, ~0u) == GW_NEVER); /* it was woken for that */
    gw_queue_drop(q);
}

/* A sender that drains a closed queue sleeps while somebody has a reservation: it hears when that is given
 * back. */
static void the_last_reservation_that_is_given_back_ends_the_drain(void **state)
{
    static const struct gw_batch_limits limits = {1 << 20, 1000, GW_SEC};
    unsigned woken = 0;
    struct gw_chain rooms[2];
    struct gw_frame *f = frame(1000, GW_LOGS, 0);
    struct gw_queue *q = gw_queue_new(100000, false, count_wake, &woken);
    for (int i = 0; i < 2; i++)
        assert_int_equal(gw_queue_reserve(q, GW_OTEL, &f, 1, &rooms[i]), GW_OK);
    gw_queue_close(q);
    assert_int_equal(woken, 1);
    assert_true(gw_queue_arm(q, &limits, GW_NEVER / 2, ~0u) == GW_NEVER);
    gw_queue_cancel(q, &rooms[0]);
    assert_int_equal(woken, 1);
    gw_queue_cancel(q, &rooms[1]);
    assert_int_equal(woken, 2);
    assert_true(gw_queue_finished(q));
    gw_frame_drop(f);
    gw_queue_drop(q);
}

/* Frames that come back from the disk are older than what arrived before them. When the queue says that
 * something is due to expire, something expires: a sender that goes by it never spins. */
static void what_expires_is_what_is_due(void **state)
{
    static const struct gw_batch_limits limits = {1 << 20, 1000, GW_NEVER / 4};
    enum { MAX_AGE = 100 };
    struct gw_chain old = {NULL, NULL};
    struct gw_queue *q = gw_queue_new(100000, false, no_wake, NULL);
    push_one(q, frame(1001, GW_TRACES, 1000 * GW_SEC));
    assert_true(gw_queue_restore(q, frame(1002, GW_LOGS, 900 * GW_SEC))); /* a later number, and older */
    assert_true(gw_queue_restore(q, frame(1003, GW_TRACES, 900 * GW_SEC)));
    assert_true(gw_queue_restore(q, pending_ids(1004, 890 * GW_SEC)));
    for (gw_nsec now = 1000 * GW_SEC; now < 1101 * GW_SEC; now += GW_SEC) {
        struct gw_chain due = {NULL, NULL}, none = {NULL, NULL};
        gw_queue_awaiting_ids(q, now, &due);
        gw_queue_ids_completed(q, &none, &due);
        gw_queue_expire(q, now - MAX_AGE * GW_SEC + 1, &old);
        assert_true(gw_queue_arm(q, &limits, MAX_AGE * GW_SEC, 0) > now || now >= 1100 * GW_SEC);
        if (now == 1000 * GW_SEC)
            assert_int_equal(old.last->frame->len, 1002); /* at the head of its lane */
    }
    size_t n = 0;
    for (const struct gw_node *node = old.first; node; node = node->next)
        n++;
    assert_int_equal(n, 4);
    gw_queue_done(q, &old);
    assert_int_equal(gw_queue_used(q), 0);
    gw_queue_drop(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rejecting_queue_behaves_as_its_twin),
        cmocka_unit_test(a_dropping_queue_behaves_as_its_twin),
        cmocka_unit_test(what_was_joined_returns_to_its_place),
        cmocka_unit_test(what_waits_for_its_join_is_bounded),
        cmocka_unit_test(pushes_wake_only_when_there_is_something_to_do),
        cmocka_unit_test(a_queue_that_refused_says_so_until_a_quarter_is_free),
        cmocka_unit_test(a_queue_is_lagging_between_its_marks),
        cmocka_unit_test(marks_follow_the_capacity),
        cmocka_unit_test(a_large_request_does_not_make_a_queue_full),
        cmocka_unit_test(what_can_wait_is_not_taken_while_the_queue_lags),
        cmocka_unit_test(what_waits_for_its_ids_is_not_counted_against_the_marks),
        cmocka_unit_test(only_a_queue_whose_backend_takes_data_delays),
        cmocka_unit_test(waiting_requests_do_not_count_against_the_marks),
        cmocka_unit_test(a_refused_client_waits_for_the_next_try),
        cmocka_unit_test(a_queue_passes_to_another_sender),
        cmocka_unit_test(a_wake_before_the_sleep_is_not_lost),
        cmocka_unit_test(the_last_reservation_that_is_given_back_ends_the_drain),
        cmocka_unit_test(what_expires_is_what_is_due),
        cmocka_unit_test(a_closed_queue_takes_what_was_reserved_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
