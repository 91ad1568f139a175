/* Batches in the sender's hands: what they hold, when they expire, and what becomes of their frames and of
 * the queue's charge when they are pruned and split.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/sender/inflight_batch.h"
#include "tests/unit/exporters/request_frames.h"

enum { MAX_AGE = 1000 };

/* Nodes of frames that arrived at these times; each has as many spans as its place, from one on, and costs
 * 100 times as much. */
static struct gw_chain chain_of(const gw_nsec *arrived, size_t n)
{
    struct gw_chain c = {NULL, NULL};
    for (size_t i = 0; i < n; i++) {
        struct gw_frame *f = request_frame(GW_TRACES, "span", (unsigned)i + 1);
        f->arrived = arrived[i];
        gw_chain_add(&c, gw_node_new(f, 100 * (i + 1)));
    }
    return c;
}

static void chain_drop(struct gw_chain c)
{
    for (struct gw_node *node; (node = gw_chain_pop(&c));)
        gw_node_drop(node);
}

static void inflight_batch_drop(struct gw_inflight_batch *p)
{
    chain_drop(gw_inflight_batch_open(p));
}

static size_t cost_of(const struct gw_chain *c)
{
    size_t cost = 0;
    for (const struct gw_node *node = c->first; node; node = node->next)
        cost += node->cost;
    return cost;
}

/* The batch says what its frames say. */
static void assert_sums(const struct gw_inflight_batch *p, size_t n, uint64_t items)
{
    size_t bytes = 0;
    uint64_t sum = 0;
    assert_int_equal(p->batch.n, n);
    for (size_t i = 0; i < n; i++) {
        bytes += p->batch.frames[i]->len;
        sum += p->batch.frames[i]->items;
    }
    assert_int_equal(p->batch.bytes, bytes);
    assert_int_equal(p->batch.items, sum);
    assert_int_equal(sum, items);
}

static void a_batch_holds_its_nodes_and_gives_them_back(void **state)
{
    static const gw_nsec arrived[] = {30, 10, 20};
    struct gw_chain c = chain_of(arrived, 3);
    const struct gw_node *first = c.first, *last = c.last;
    struct gw_inflight_batch *p = gw_inflight_batch_new(&c, MAX_AGE);
    assert_null(c.first);
    assert_sums(p, 3, 6);
    assert_int_equal(p->batch.signal, GW_TRACES);
    assert_true(p->retry.first_expiry == 10 + MAX_AGE && p->retry.expiry == 30 + MAX_AGE &&
                p->retry.tries == 0);
    c = gw_inflight_batch_open(p);
    assert_ptr_equal(c.first, first);
    assert_ptr_equal(c.last, last);
    chain_drop(c);
}

static void old_frames_leave_in_their_order(void **state)
{
    static const gw_nsec arrived[] = {30, 10, 20, 9};
    struct gw_chain c = chain_of(arrived, 4), old = {NULL, NULL};
    struct gw_inflight_batch *p = gw_inflight_batch_new(&c, MAX_AGE);
    /* not before: at that age it may still be sent */
    assert_int_equal(gw_inflight_batch_prune(p, 9, &old), 0);
    assert_null(old.first);
    assert_int_equal(gw_inflight_batch_prune(p, 20, &old), 2 + 4);
    assert_sums(p, 2, 1 + 3);
    assert_true(old.first->frame->arrived == 10 && old.last->frame->arrived == 9);
    assert_int_equal(gw_inflight_batch_prune(p, 31, &old), 1 + 3);
    assert_sums(p, 0, 0);
    assert_int_equal(cost_of(&old), 1000);
    chain_drop(old);
    inflight_batch_drop(p);
}

static void the_first_frames_can_be_taken(void **state)
{
    static const gw_nsec arrived[] = {1, 2, 3};
    struct gw_chain c = chain_of(arrived, 3), taken = {NULL, NULL};
    struct gw_inflight_batch *p = gw_inflight_batch_new(&c, MAX_AGE);
    gw_inflight_batch_take_frames(p, 0, &taken);
    assert_null(taken.first);
    gw_inflight_batch_take_frames(p, 2, &taken);
    assert_sums(p, 1, 3);
    assert_true(taken.first->frame->arrived == 1 && taken.last->frame->arrived == 2);
    gw_inflight_batch_take_frames(p, 1, &taken);
    assert_sums(p, 0, 0);
    chain_drop(taken);
    inflight_batch_drop(p);
}

static void many_frames_are_shared_out_by_their_bytes(void **state)
{
    static const gw_nsec arrived[] = {50, 40, 30, 20};
    struct gw_chain c = chain_of(arrived, 4);
    struct gw_inflight_batch *p = gw_inflight_batch_new(&c, MAX_AGE), *half[2];
    size_t bytes = p->batch.bytes;
    p->owner = &c;
    p->retry.tries = 7;
    assert_int_equal(gw_inflight_batch_split(p, MAX_AGE, half), GW_DIVIDED);
    assert_int_equal(half[0]->batch.n + half[1]->batch.n, 4);
    assert_int_equal(half[0]->batch.items + half[1]->batch.items, 10);
    assert_true(half[0]->batch.bytes <= bytes / 2 && half[0]->batch.n > 0);
    for (int i = 0; i < 2; i++) {
        assert_sums(half[i], half[i]->batch.n, half[i]->batch.items);
        assert_ptr_equal(half[i]->owner, &c);
        assert_int_equal(half[i]->retry.tries, 0); /* another request */
    }
    assert_true(half[0]->retry.expiry == 50 + MAX_AGE && half[1]->retry.first_expiry == 20 + MAX_AGE);
    assert_true(half[1]->retry.expiry < half[0]->retry.expiry);
    inflight_batch_drop(half[0]);
    inflight_batch_drop(half[1]);
}

static void a_single_frame_is_cut_and_the_charge_stays(void **state)
{
    struct gw_frame *f = request_frame(GW_TRACES, "span", 5);
    struct gw_chain c = {NULL, NULL};
    f->arrived = 40;
    f->stored = (struct gw_disk_position){3, 9}; /* on the disk, too: its parts know of each other */
    gw_chain_add(&c, gw_node_new(f, 1001));
    struct gw_inflight_batch *p = gw_inflight_batch_new(&c, MAX_AGE), *half[2];
    assert_int_equal(gw_inflight_batch_split(p, MAX_AGE, half), GW_DIVIDED);
    assert_sums(half[0], 1, 2);
    assert_sums(half[1], 1, 3);
    assert_int_equal(cost_of(&half[0]->nodes) + cost_of(&half[1]->nodes), 1001);
    for (int i = 0; i < 2; i++) {
        assert_true(half[i]->retry.expiry == 40 + MAX_AGE);
        assert_int_equal(half[i]->nodes.first->share->parts, 2);
    }
    struct gw_disk_position stored;
    assert_false(gw_node_settle(half[1]->nodes.first, true, &stored));
    assert_true(gw_node_settle(half[0]->nodes.first, true, &stored)); /* the last part settles the record */
    assert_true(stored.segment == 3 && stored.at == 9);
    inflight_batch_drop(half[0]);
    inflight_batch_drop(half[1]);
}

static void what_cannot_be_divided_stays_as_it_was(void **state)
{
    struct gw_frame *frames[] = {request_frame(GW_TRACES, "span", 1), request_frame(GW_TRACES, "span", 4)};
    frames[1]->items = 5; /* not what it holds: nobody could tell how many each half has */
    for (int i = 0; i < 2; i++) {
        struct gw_chain c = {NULL, NULL};
        gw_chain_add(&c, gw_node_new(frames[i], 100));
        struct gw_inflight_batch *p = gw_inflight_batch_new(&c, MAX_AGE), *half[2];
        assert_int_equal(gw_inflight_batch_split(p, MAX_AGE, half), GW_INDIVISIBLE);
        assert_sums(p, 1, frames[i]->items);
        assert_ptr_equal(p->batch.frames[0], frames[i]);
        inflight_batch_drop(p);
    }
}

static void what_was_taken_leaves(void **state)
{
    static const gw_nsec arrived[] = {50, 30, 20};
    struct gw_chain c = chain_of(arrived, 3), through = {NULL, NULL};
    c.last->frame->stored = (struct gw_disk_position){3, 9};
    struct gw_inflight_batch *p = gw_inflight_batch_new(&c, MAX_AGE);
    struct gw_frame *rest = request_frame(GW_TRACES, "rest", 2), *second = p->batch.frames[1];
    assert_int_equal(gw_inflight_batch_keep(p, (struct gw_frame *[]){NULL, second, rest}, &through), 1 + 1);
    assert_sums(p, 2, 2 + 2);
    assert_ptr_equal(p->batch.frames[0], second);
    assert_ptr_equal(p->batch.frames[1], rest);
    assert_int_equal(p->nodes.last->bytes, rest->len);
    assert_int_equal(cost_of(&p->nodes), 200 + 300); /* what the queue is charged does not change */
    assert_int_equal(through.first->frame->items, 1);
    assert_null(through.first->next);
    assert_true(rest->stored.segment == 3 && rest->stored.at == 9); /* the record is done with its rest */
    chain_drop(through);
    inflight_batch_drop(p);
}

/* Down to single spans, as by a backend that takes nothing larger: each span is there once. */
static void splitting_ends_at_single_spans(void **state)
{
    static const gw_nsec arrived[] = {1, 2, 3, 4, 5};
    struct gw_chain c = chain_of(arrived, 5);
    struct gw_inflight_batch *open[64] = {gw_inflight_batch_new(&c, MAX_AGE)};
    size_t n = 1, singles = 0;
    while (n) {
        struct gw_inflight_batch *p = open[--n], *half[2];
        if (gw_inflight_batch_split(p, MAX_AGE, half) == GW_DIVIDED) {
            open[n++] = half[0];
            open[n++] = half[1];
            continue;
        }
        assert_sums(p, 1, 1);
        singles++;
        inflight_batch_drop(p);
    }
    assert_int_equal(singles, 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_holds_its_nodes_and_gives_them_back),
        cmocka_unit_test(old_frames_leave_in_their_order),
        cmocka_unit_test(the_first_frames_can_be_taken),
        cmocka_unit_test(many_frames_are_shared_out_by_their_bytes),
        cmocka_unit_test(a_single_frame_is_cut_and_the_charge_stays),
        cmocka_unit_test(what_cannot_be_divided_stays_as_it_was),
        cmocka_unit_test(what_was_taken_leaves),
        cmocka_unit_test(splitting_ends_at_single_spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
