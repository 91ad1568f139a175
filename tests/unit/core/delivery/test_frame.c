/* References, the cost, and the completion of ids that several senders race for.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/delivery/frame.h"
#include "core/delivery/trace_ids.h"

enum { IDS = 40, STRIDE = 20, LEN = IDS * STRIDE };

/* A frame of IDS trace ids, each after four bytes of 0xEE; the lower half of number i is 0x1000 + i. */
static struct gw_frame *frame_of_ids(void)
{
    uint8_t *data = calloc(LEN + 10, 1);
    uint32_t *offsets = calloc(IDS, sizeof *offsets);
    for (uint32_t i = 0; i < IDS; i++) {
        memset(data + i * STRIDE, 0xEE, 4);
        offsets[i] = i * STRIDE + 4;
        data[offsets[i] + 14] = 0x10;
        data[offsets[i] + 15] = (uint8_t)i;
    }
    struct gw_frame *f = gw_frame_new(GW_TRACES, GW_BOTH, data, LEN, LEN + 10, IDS);
    gw_frame_pending_ids(f, offsets, IDS);
    return f;
}

static void id_is(const struct gw_frame *f, uint32_t i, uint64_t high)
{
    uint8_t want[STRIDE] = {0xEE, 0xEE, 0xEE, 0xEE};
    for (int k = 0; k < 8; k++)
        want[4 + k] = (uint8_t)(high >> (56 - 8 * k));
    want[18] = 0x10;
    want[19] = (uint8_t)i;
    assert_memory_equal(f->data + i * STRIDE, want, STRIDE);
}

static void a_frame_lives_as_long_as_its_references(void **state)
{
    uint8_t *data = malloc(100);
    struct gw_frame *f = gw_frame_new(GW_LOGS, GW_OTEL, data, 60, 100, 7);
    assert_string_equal(gw_signal_name(f->signal), "logs");
    assert_int_equal(f->schema, GW_OTEL);
    assert_ptr_equal(f->data, data);
    assert_int_equal(f->items, 7);
    assert_int_equal(gw_frame_cost(f), sizeof *f + 100);
    assert_int_equal(gw_frame_complete_ids(f, NULL, false), 0); /* nothing to complete */
    assert_ptr_equal(gw_frame_ref(f), f);
    gw_frame_drop(f);
    assert_int_equal(f->len, 60);
    gw_frame_drop(f);
    gw_frame_drop(NULL);
}

static void ids_are_filled_in_as_they_become_known(void **state)
{
    struct gw_trace_ids *ids = gw_trace_ids_new(1000, GW_SEC);
    struct gw_frame *f = frame_of_ids();
    size_t cost = gw_frame_cost(f);
    assert_int_equal(cost, sizeof *f + LEN + 10 + IDS * 4);
    assert_int_equal(gw_frame_complete_ids(f, ids, false), IDS);
    gw_trace_ids_learn(ids, 0x1003, 0x6553f10000000001, f->arrived);
    gw_trace_ids_learn(ids, 0x1005, 0, f->arrived + 5); /* known to have 64 bits: as good as completed */
    assert_int_equal(gw_frame_complete_ids(f, ids, false), IDS - 2);
    id_is(f, 3, 0x6553f10000000001);
    id_is(f, 5, 0);
    for (uint64_t i = 0; i < IDS; i++)
        gw_trace_ids_learn(ids, 0x1000 + i, 0xAB00000000000000 + i, f->arrived);
    assert_int_equal(gw_frame_complete_ids(f, ids, false), 0);
    for (uint32_t i = 0; i < IDS; i++)
        id_is(f, i, i == 3 ? 0x6553f10000000001 : i == 5 ? 0 : 0xAB00000000000000 + i);
    assert_int_equal(gw_frame_cost(f), cost);
    gw_frame_drop(f);
    gw_trace_ids_drop(ids);
}

static void a_settled_frame_never_changes(void **state)
{
    struct gw_trace_ids *ids = gw_trace_ids_new(1000, GW_SEC);
    struct gw_frame *f = frame_of_ids();
    gw_trace_ids_learn(ids, 0x1000, 1, f->arrived);
    assert_int_equal(gw_frame_complete_ids(f, ids, true), IDS - 1); /* given up, said once */
    gw_trace_ids_learn(ids, 0x1001, 2, f->arrived);
    assert_int_equal(gw_frame_complete_ids(f, ids, false), 0);
    assert_int_equal(gw_frame_complete_ids(f, ids, true), 0);
    id_is(f, 0, 1);
    id_is(f, 1, 0);
    gw_frame_drop(f);
    gw_trace_ids_drop(ids);
}

static void knowledge_is_as_old_as_the_frame(void **state)
{
    struct gw_trace_ids *ids = gw_trace_ids_new(1000, GW_SEC);
    struct gw_frame *f = frame_of_ids();
    gw_trace_ids_learn(ids, 0x1000, 1, f->arrived - GW_SEC - 1); /* forgotten when the frame arrived */
    gw_trace_ids_learn(ids, 0x1001, 2, f->arrived - GW_SEC);
    assert_int_equal(gw_frame_complete_ids(f, ids, true), IDS - 1);
    id_is(f, 0, 0);
    id_is(f, 1, 2);
    gw_frame_drop(f);
    gw_trace_ids_drop(ids);
}

struct race {
    struct gw_frame *frame;
    struct gw_trace_ids *ids;
    int tries;
    uint64_t sum; /* of the bytes, as this sender read them */
    uint32_t given_up;
};

static void *sender(void *arg)
{
    struct race *r = arg;
    uint32_t left = 1;
    for (int i = 0; left && i < r->tries; i++)
        left = gw_frame_complete_ids(r->frame, r->ids, false);
    if (left)
        r->given_up = gw_frame_complete_ids(r->frame, r->ids, true);
    for (size_t i = 0; i < r->frame->len; i++)
        r->sum = r->sum * 31 + r->frame->data[i];
    gw_frame_drop(r->frame);
    return NULL;
}

static void senders_agree_on_the_bytes(void **state)
{
    for (int round = 0; round < 200; round++) {
        struct gw_trace_ids *ids = gw_trace_ids_new(1000, GW_SEC);
        struct gw_frame *f = frame_of_ids();
        gw_nsec at = f->arrived;
        struct race race[3];
        pthread_t thread[3];
        for (int i = 0; i < 3; i++) {
            race[i] = (struct race){gw_frame_ref(f), ids, round % 20 * (i + 1), 0, 0};
            assert_int_equal(pthread_create(&thread[i], NULL, sender, &race[i]), 0);
        }
        for (uint64_t i = 0; i < IDS; i++)
            gw_trace_ids_learn(ids, 0x1000 + i, i + 1, at);
        for (int i = 0; i < 3; i++)
            pthread_join(thread[i], NULL);
        uint32_t zero = 0;
        for (uint32_t i = 0; i < IDS; i++)
            zero += f->data[i * STRIDE + 11] == 0;
        assert_int_equal(race[0].given_up + race[1].given_up + race[2].given_up, zero);
        assert_int_equal(race[0].sum, race[1].sum);
        assert_int_equal(race[0].sum, race[2].sum);
        gw_frame_drop(f);
        gw_trace_ids_drop(ids);
    }
}

struct told {
    struct gw_ack_callback ack;
    int times;
    bool kept;
};

static void hear(struct gw_ack_callback *ack, bool kept)
{
    struct told *told = (struct told *)ack;
    told->times++;
    told->kept = kept;
}

static void an_ack_hears_of_the_last_reference(void **state)
{
    for (int abandoned = 0; abandoned < 2; abandoned++) {
        struct told told = {.ack = {hear}};
        struct gw_frame *f = gw_frame_new(GW_LOGS, GW_OTEL, malloc(10), 10, 10, 1);
        f->ack = &told.ack;
        gw_frame_ref(f);
        if (abandoned)
            assert_true(gw_frame_abandon(f));
        gw_frame_drop(f);
        assert_int_equal(told.times, 0);
        gw_frame_drop(f);
        assert_int_equal(told.times, 1);
        assert_int_equal(told.kept, !abandoned);
    }
    struct gw_frame *alone = gw_frame_new(GW_LOGS, GW_OTEL, malloc(10), 10, 10, 1);
    assert_false(gw_frame_abandon(alone));
    gw_frame_drop(alone);
}

/* A frame that was halved, and one half halved again: the ack callback waits for all parts, and one given up
 * is enough. */
static void an_ack_waits_for_the_parts(void **state)
{
    for (int abandoned = 0; abandoned < 2; abandoned++) {
        struct told told = {.ack = {hear}};
        struct gw_frame *whole = gw_frame_new(GW_LOGS, GW_OTEL, malloc(10), 10, 10, 3), *part[4];
        whole->ack = &told.ack;
        for (int i = 0; i < 4; i++)
            part[i] = gw_frame_new(GW_LOGS, GW_OTEL, malloc(10), 10, 10, 1);
        gw_frame_part(part[0], whole);
        gw_frame_part(part[1], whole);
        gw_frame_drop(whole);
        gw_frame_part(part[2], part[1]);
        gw_frame_part(part[3], part[1]);
        gw_frame_drop(part[1]);
        gw_frame_drop(part[2]);
        gw_frame_drop(part[0]);
        assert_int_equal(told.times, 0);
        if (abandoned)
            assert_true(gw_frame_abandon(part[3]));
        gw_frame_drop(part[3]);
        assert_int_equal(told.times, 1);
        assert_int_equal(told.kept, !abandoned);
    }
}

/* 9857984778103717792 by way of a double: as C prints it, and as JavaScript does. Only logs lose digits
 * so. */
static void rounded_ids_of_logs_are_repaired(void **state)
{
    static const uint64_t written[] = {UINT64_C(9857984778103717888), UINT64_C(9857984778103718000)},
                          low = UINT64_C(9857984778103717792);
    struct gw_trace_ids *ids = gw_trace_ids_new(1000, GW_SEC);
    gw_trace_ids_learn(ids, low, 7, 0);
    for (int i = 0; i < 4; i++) {
        uint8_t *data = calloc(16, 1);
        uint32_t *offset = calloc(1, sizeof *offset);
        uint64_t id = __builtin_bswap64(written[i % 2]), got[2];
        memcpy(data + 8, &id, 8);
        struct gw_frame *f = gw_frame_new(i < 2 ? GW_LOGS : GW_TRACES, GW_OTEL, data, 16, 16, 1);
        f->arrived = 0;
        gw_frame_pending_ids(f, offset, 1);
        assert_int_equal(gw_frame_complete_ids(f, ids, true), i < 2 ? 0 : 1);
        memcpy(got, f->data, 16);
        assert_int_equal(__builtin_bswap64(got[0]), i < 2 ? 7 : 0);
        assert_int_equal(__builtin_bswap64(got[1]), i < 2 ? low : written[i % 2]);
        gw_frame_drop(f);
    }
    gw_trace_ids_drop(ids);
}

static void a_pin_keeps_the_bytes_and_no_ack_waiting(void **state)
{
    struct told told = {.ack = {hear}};
    uint8_t *data = calloc(10, 1);
    struct gw_frame *f = gw_frame_new(GW_LOGS, GW_OTEL, data, 10, 10, 1);
    f->ack = &told.ack;
    gw_frame_pin(f);
    gw_frame_drop(f);
    assert_int_equal(told.times, 1);
    assert_true(told.kept);
    assert_ptr_equal(f->data, data);
    assert_int_equal(f->data[9], 0);
    gw_frame_unpin(f);
    assert_int_equal(told.times, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_lives_as_long_as_its_references),
        cmocka_unit_test(ids_are_filled_in_as_they_become_known),
        cmocka_unit_test(rounded_ids_of_logs_are_repaired),
        cmocka_unit_test(a_settled_frame_never_changes),
        cmocka_unit_test(knowledge_is_as_old_as_the_frame),
        cmocka_unit_test(a_pin_keeps_the_bytes_and_no_ack_waiting),
        cmocka_unit_test(an_ack_hears_of_the_last_reference),
        cmocka_unit_test(an_ack_waits_for_the_parts),
        cmocka_unit_test(senders_agree_on_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
