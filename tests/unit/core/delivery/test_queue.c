/* The queue against a naive twin under random operations, and when it wakes its sender.
 * SPDX-License-Identifier: Apache-2.0 */
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
    bool due = first != GW_NEVER && (flush || total >= limits.bytes || total_items >= limits.items || first + limits.delay <= now);
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

/* Below the mark for who can wait, all of it for who cannot; and that somebody waits is nothing to be told. */
static void who_can_wait_stops_at_the_mark(void **state)
{
    struct gw_queue_state now;
    struct gw_frame *f = frame(1000, GW_LOGS, 0);
    struct gw_chain rooms[8], none;
    size_t cost = gw_frame_cost(f);
    struct gw_queue *q = gw_queue_new(8 * cost, false, no_wake, NULL);
    gw_queue_read_ahead(q, 2 * cost);
    assert_int_equal(gw_queue_reserve_ahead(q, GW_OTEL, &f, 1, &rooms[0]), GW_OK);
    assert_int_equal(gw_queue_reserve_ahead(q, GW_OTEL, &f, 1, &rooms[1]), GW_OK);
    assert_int_equal(gw_queue_reserve_ahead(q, GW_OTEL, &f, 1, &none), GW_QUEUE_FULL);
    gw_queue_state(q, &now);
    assert_true(now.used == 2 * cost && !now.refusing);
    assert_true(gw_queue_pressed(q));
    gw_queue_resize(q, 8 * cost, true);
    assert_false(gw_queue_pressed(q)); /* one that drops its oldest presses nobody */
    gw_queue_resize(q, 8 * cost, false);
    gw_queue_cancel(q, &rooms[1]);
    assert_false(gw_queue_pressed(q)); /* half of the mark */
    assert_int_equal(gw_queue_reserve_ahead(q, GW_OTEL, &f, 1, &rooms[1]), GW_OK);
    for (int i = 2; i < 8; i++)
        assert_int_equal(gw_queue_reserve(q, GW_OTEL, &f, 1, &rooms[i]), GW_OK);
    assert_int_equal(gw_queue_reserve(q, GW_OTEL, &f, 1, &none), GW_QUEUE_FULL);
    assert_int_equal(gw_queue_reserve_ahead(q, GW_OTEL, &f, 1, &none), GW_QUEUE_FULL);
    gw_queue_state(q, &now);
    assert_true(now.refusing);
    for (int i = 0; i < 8; i++)
        gw_queue_cancel(q, &rooms[i]);
    gw_queue_read_ahead(q, cost / 2);
    assert_int_equal(gw_queue_reserve_ahead(q, GW_OTEL, &f, 1, &rooms[0]), GW_OK); /* an empty queue takes any */
    gw_queue_resize(q, 8 * cost, true);
    assert_int_equal(gw_queue_reserve_ahead(q, GW_OTEL, &f, 1, &rooms[1]), GW_OK); /* so does one that drops its oldest */
    gw_queue_cancel(q, &rooms[0]);
    gw_queue_cancel(q, &rooms[1]);
    gw_frame_drop(f);
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
        cmocka_unit_test(who_can_wait_stops_at_the_mark),
        cmocka_unit_test(a_closed_queue_takes_what_was_reserved_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
