/* Offsets follow the settled front of what was read, in any order of settling and on any thread; nothing is safe that
 * was not delivered.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four before it */
#include <cmocka.h>

#include "gateway/receivers/kafka/kafka_offsets.h"

static struct kafka_offsets *new_tracker(void)
{
    struct kafka_offsets *t = kafka_offsets_new();
    assert_non_null(t);
    return t;
}

static struct kafka_partition *add(struct kafka_offsets *t, int32_t number)
{
    struct kafka_partition *p = kafka_offsets_add(t, "otlp_spans", number);
    assert_non_null(p);
    return p;
}

static struct gw_ack_callback *make_ack(struct kafka_offsets *t, size_t frames)
{
    struct gw_ack_callback *ack;
    assert_true(kafka_offsets_ack(t, frames, &ack));
    return ack;
}

/* One record a flush, one frame. */
static struct gw_ack_callback *read_one(struct kafka_offsets *t, struct kafka_partition *p, int64_t offset)
{
    kafka_offsets_touch(t, p, offset);
    return make_ack(t, 1);
}

static void settle(struct gw_ack_callback *ack, bool kept)
{
    ack->settled(ack, kept);
}

static void safe_follows_the_settled_front(void **state)
{
    struct kafka_offsets *t = new_tracker();
    struct kafka_partition *p = add(t, 0);
    assert_int_equal(kafka_offsets_due(t, p), -1);
    struct gw_ack_callback *a = read_one(t, p, 100), *b = read_one(t, p, 101), *c = read_one(t, p, 105);
    assert_int_equal(kafka_offsets_due(t, p), -1);
    assert_int_equal(kafka_offsets_unsafe(t, p), 6);
    settle(b, true);
    assert_int_equal(kafka_offsets_due(t, p), -1);
    settle(a, true);
    assert_int_equal(kafka_offsets_due(t, p), 102);
    settle(c, true);
    assert_int_equal(kafka_offsets_due(t, p), 106);
    assert_int_equal(kafka_offsets_unsafe(t, p), 0);
    p->committed = 106;
    assert_int_equal(kafka_offsets_due(t, p), -1);
    kafka_offsets_drop(t);
}

static void an_ack_waits_for_all_its_frames(void **state)
{
    struct kafka_offsets *t = new_tracker();
    struct kafka_partition *p = add(t, 0), *q = add(t, 1);
    kafka_offsets_touch(t, p, 4);
    kafka_offsets_touch(t, q, 7);
    kafka_offsets_touch(t, p, 5);
    struct gw_ack_callback *ack = make_ack(t, 3);
    settle(ack, true);
    settle(ack, true);
    assert_int_equal(kafka_offsets_due(t, p), -1);
    settle(ack, true);
    assert_int_equal(kafka_offsets_due(t, p), 6);
    assert_int_equal(kafka_offsets_due(t, q), 8);
    kafka_offsets_drop(t);
}

static void records_without_frames_wait_for_those_before_them(void **state)
{
    struct kafka_offsets *t = new_tracker();
    struct kafka_partition *p = add(t, 0);
    struct gw_ack_callback *before = read_one(t, p, 0);
    kafka_offsets_touch(t, p, 1); /* a poisoned one */
    assert_null(make_ack(t, 0));
    assert_int_equal(kafka_offsets_due(t, p), -1);
    settle(before, true);
    assert_int_equal(kafka_offsets_due(t, p), 2);
    kafka_offsets_drop(t);
}

static void what_was_given_up_is_read_again(void **state)
{
    struct kafka_offsets *t = new_tracker();
    struct kafka_partition *p = add(t, 0);
    int64_t from = -1;
    struct gw_ack_callback *a = read_one(t, p, 10), *b = read_one(t, p, 11), *c = read_one(t, p, 12);
    settle(c, true);
    settle(a, true);
    assert_false(kafka_offsets_rewind(t, p, &from));
    settle(b, false);
    assert_int_equal(kafka_offsets_due(t, p), 11);
    assert_true(kafka_offsets_rewind(t, p, &from));
    assert_int_equal(from, 11);
    settle(read_one(t, p, 11), true);
    assert_int_equal(kafka_offsets_due(t, p), 12);
    kafka_offsets_drop(t);
}

/* The topic has forgotten what stood between the group's offset and the first record that comes. */
static void what_is_gone_is_not_waited_for(void **state)
{
    struct kafka_offsets *t = new_tracker();
    struct kafka_partition *p = add(t, 0);
    kafka_offsets_begin(t, p, 10);
    assert_int_equal(kafka_offsets_due(t, p), -1);
    kafka_offsets_touch(t, p, 1000000);
    assert_int_equal(kafka_offsets_unsafe(t, p), 1);
    settle(make_ack(t, 1), true);
    assert_int_equal(kafka_offsets_due(t, p), 1000001);
    kafka_offsets_drop(t);
}

static void one_frame_given_up_is_enough(void **state)
{
    struct kafka_offsets *t = new_tracker();
    struct kafka_partition *p = add(t, 0);
    kafka_offsets_touch(t, p, 3);
    struct gw_ack_callback *ack = make_ack(t, 2);
    settle(ack, false);
    settle(ack, true);
    assert_int_equal(kafka_offsets_due(t, p), -1);
    kafka_offsets_drop(t);
}

static void a_partition_that_comes_back_is_another(void **state)
{
    struct kafka_offsets *t = new_tracker();
    struct kafka_partition *old = add(t, 0);
    struct gw_ack_callback *ack = read_one(t, old, 1000);
    kafka_offsets_remove(t, old);
    assert_null(kafka_offsets_find(t, "otlp_spans", 0));
    struct kafka_partition *again = add(t, 0);
    assert_ptr_equal(kafka_offsets_find(t, "otlp_spans", 0), again);
    kafka_offsets_touch(t, again, 7);
    settle(ack, true);
    assert_int_equal(kafka_offsets_due(t, again), -1);
    settle(make_ack(t, 1), true);
    assert_int_equal(kafka_offsets_due(t, again), 8);
    kafka_offsets_drop(t);
}

static void a_partition_leaves_the_batch_that_it_is_in(void **state)
{
    struct kafka_offsets *t = new_tracker();
    struct kafka_partition *stays = add(t, 0), *leaves = add(t, 1);
    kafka_offsets_touch(t, leaves, 5);
    kafka_offsets_touch(t, stays, 5);
    kafka_offsets_remove(t, leaves);
    settle(make_ack(t, 1), true);
    assert_int_equal(kafka_offsets_due(t, stays), 6);
    kafka_offsets_drop(t);
}

static void acks_outlive_the_consumer(void **state)
{
    struct kafka_offsets *t = new_tracker();
    struct gw_ack_callback *ack = read_one(t, add(t, 0), 10);
    kafka_offsets_drop(t);
    settle(ack, false); /* a sanitizer sees what is freed too early, or never */
}

static void a_wait_ends(void **state)
{
    struct kafka_offsets *t = new_tracker();
    struct kafka_partition *p = add(t, 0), *q = add(t, 1);
    struct gw_ack_callback *ack = read_one(t, p, 1);
    assert_false(kafka_offsets_wait(t, &p, 1, gw_now()));
    assert_true(kafka_offsets_wait(t, &q, 1, gw_now()));
    assert_false(kafka_offsets_wait(t, NULL, 0, gw_now()));
    settle(ack, true);
    assert_true(kafka_offsets_wait(t, NULL, 0, gw_now()));
    kafka_offsets_drop(t);
}

/* --- orders at random --- */

enum { RECORDS = 400, PARTITIONS = 3 };

static uint64_t seed;
static uint32_t dice(uint32_t sides)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % sides;
}

/* What the tracker must say, kept the slow way: a flag a record. */
struct model {
    bool done[RECORDS];
    int64_t read;
};

static int64_t front(const struct model *m)
{
    int64_t n = 0;
    while (n < m->read && m->done[n])
        n++;
    return n;
}

struct open_one {
    struct gw_ack_callback *ack;
    size_t left;
    int64_t from[PARTITIONS], to[PARTITIONS];
};

static void settle_one(struct open_one *open, size_t *n, struct model *models)
{
    size_t which = dice((uint32_t)*n);
    struct open_one *o = &open[which];
    bool last = --o->left == 0;
    struct open_one copy = *o;
    settle(copy.ack, true);
    if (!last)
        return;
    for (int i = 0; i < PARTITIONS; i++)
        for (int64_t r = copy.from[i]; r < copy.to[i]; r++)
            models[i].done[r] = true;
    open[which] = open[--*n];
}

static void read_some(struct kafka_offsets *t, struct kafka_partition **p, struct model *models,
                      struct open_one *open, size_t *n)
{
    struct open_one *o = &open[(*n)++];
    *o = (struct open_one){.left = 1 + dice(3)};
    for (int i = 0; i < PARTITIONS; i++) {
        o->from[i] = models[i].read;
        for (uint32_t k = dice(4); k && models[i].read < RECORDS; k--)
            kafka_offsets_touch(t, p[i], models[i].read++);
        o->to[i] = models[i].read;
    }
    o->ack = make_ack(t, o->left);
}

static void check(struct kafka_offsets *t, struct kafka_partition **p, const struct model *models)
{
    for (int i = 0; i < PARTITIONS; i++) {
        int64_t due = kafka_offsets_due(t, p[i]), want = front(&models[i]);
        if (models[i].read)
            assert_int_equal(due < 0 ? p[i]->committed : due, want);
        if (due >= 0 && dice(2))
            p[i]->committed = due;
    }
}

static void any_order_of_settling(void **state)
{
    static struct open_one open[RECORDS * 4];
    for (uint64_t s = 1; s <= 50; s++) {
        struct kafka_offsets *t = new_tracker();
        struct kafka_partition *p[PARTITIONS];
        struct model models[PARTITIONS] = {0};
        size_t n = 0;
        seed = s;
        for (int i = 0; i < PARTITIONS; i++)
            p[i] = add(t, i);
        for (int step = 0; step < RECORDS; step++) {
            if (n == 0 || dice(2))
                read_some(t, p, models, open, &n);
            else
                settle_one(open, &n, models);
            check(t, p, models);
        }
        while (n)
            settle_one(open, &n, models);
        check(t, p, models);
        kafka_offsets_drop(t);
    }
}

static void *settle_all(void *arg)
{
    struct gw_ack_callback **acks = arg;
    for (int i = 0; i < RECORDS; i += 2)
        settle(acks[i], true);
    return NULL;
}

static void on_several_threads(void **state)
{
    struct kafka_offsets *t = new_tracker();
    struct kafka_partition *p = add(t, 0);
    struct gw_ack_callback *acks[RECORDS];
    pthread_t other;
    for (int i = 0; i < RECORDS; i++)
        acks[i] = read_one(t, p, i);
    assert_int_equal(pthread_create(&other, NULL, settle_all, acks), 0);
    for (int i = RECORDS - 1; i > 0; i -= 2)
        settle(acks[i], true);
    assert_true(kafka_offsets_wait(t, NULL, 0, gw_now() + 60 * GW_SEC));
    pthread_join(other, NULL);
    assert_int_equal(kafka_offsets_due(t, p), RECORDS);
    kafka_offsets_drop(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(safe_follows_the_settled_front),
        cmocka_unit_test(an_ack_waits_for_all_its_frames),
        cmocka_unit_test(records_without_frames_wait_for_those_before_them),
        cmocka_unit_test(what_was_given_up_is_read_again),
        cmocka_unit_test(what_is_gone_is_not_waited_for),
        cmocka_unit_test(one_frame_given_up_is_enough),
        cmocka_unit_test(a_partition_that_comes_back_is_another),
        cmocka_unit_test(a_partition_leaves_the_batch_that_it_is_in),
        cmocka_unit_test(acks_outlive_the_consumer),
        cmocka_unit_test(a_wait_ends),
        cmocka_unit_test(any_order_of_settling),
        cmocka_unit_test(on_several_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
