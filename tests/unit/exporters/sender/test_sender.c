/* Batching, retrying, splitting, joining and draining under a simulated clock: hours of outage in
 * milliseconds.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/exporters/sender/export_bed.h"

#include <sched.h>
#include <unistd.h>

#include "core/config/config_diagnostic.h"
#include "exporters/sender/probes.h"
#include "gateway/run/modules.h"
#include "tests/unit/exporters/request_frames.h"
#include "tests/unit/scratch.h"

static void small_frames_go_out_together_after_the_delay(void **state)
{
    struct bed *b = bed_of_one();
    for (int i = 0; i < 3; i++)
        assert_int_equal(bed_offer(b, GW_TRACES, 100, 5), GW_OK);
    bed_run(b, b->now + 199 * GW_MSEC);
    assert_int_equal(b->paper[0].sends, 0);
    bed_run(b, b->now + 20 * GW_MSEC);
    assert_int_equal(b->paper[0].sends, 1);
    assert_int_equal(b->paper[0].largest, 300);
    bed_arrived(b, 0, 0, 3, 1);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 15);
    bed_drop(b);
}

static void a_full_batch_waits_for_nothing_and_keeps_its_limits(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].batch_bytes = 1000;
    b->conf[0].batch_items = 50;
    bed_add(b, "paper");
    for (int i = 0; i < 9; i++) /* 4 fit by bytes; 2 of the larger ones by items */
        bed_offer(b, GW_TRACES, i < 5 ? 240 : 10, i < 5 ? 1 : 20);
    bed_settle(b, 0);
    assert_int_equal(b->paper[0].sends, 2);
    assert_int_equal(b->paper[0].open[0].batch->n, 4);
    assert_int_equal(b->paper[0].open[1].batch->n, 3);
    assert_int_equal(b->paper[0].open[1].batch->items, 41);
    bed_run(b, b->now + GW_SEC);
    assert_int_equal(b->paper[0].sends, 3); /* the rest was not full and has waited */
    bed_arrived(b, 0, 0, 9, 1);
    bed_drop(b);
}

static void a_frame_larger_than_a_batch_goes_alone(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].batch_bytes = 1000;
    bed_add(b, "paper");
    bed_offer(b, GW_TRACES, 5000, 1);
    bed_offer(b, GW_TRACES, 10, 1);
    bed_run(b, b->now + GW_SEC);
    assert_int_equal(b->paper[0].sends, 2);
    assert_int_equal(b->paper[0].largest, 5000);
    bed_drop(b);
}

static void signals_do_not_mix(void **state)
{
    struct bed *b = bed_of_one();
    bed_offer(b, GW_TRACES, 100, 2);
    bed_offer(b, GW_LOGS, 100, 3);
    bed_run(b, b->now + GW_SEC);
    assert_int_equal(b->paper[0].sends, 2);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 2);
    assert_int_equal(bed_at(b, 0, GW_LOGS, GW_DELIVERED), 3);
    bed_drop(b);
}

static void requests_overlap_up_to_in_flight(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].batch_bytes = 1000;
    b->conf[0].in_flight = 3;
    b->paper[0].latency = GW_SEC;
    bed_add(b, "paper");
    for (int i = 0; i < 12; i++)
        bed_offer(b, GW_TRACES, 1000, 1);
    bed_run(b, b->now + 3 * GW_SEC + 999 * GW_MSEC);
    assert_int_equal(b->paper[0].most_open, 3);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 9); /* three a second */
    bed_run(b, b->now + GW_SEC);
    bed_arrived(b, 0, 0, 12, 1);
    bed_drop(b);
}

static void an_outage_of_half_an_hour_loses_nothing(void **state)
{
    struct bed *b = bed_of_one();
    b->paper[0].behave = outage;
    b->paper[0].up_at = b->now + 1800 * GW_SEC;
    for (int i = 0; i < 900; i++) {
        assert_int_equal(bed_offer(b, GW_TRACES, 10000, 10), GW_OK);
        bed_run(b, b->now + 2 * GW_SEC);
    }
    assert_true(b->paper[0].sends < 4 * 400); /* four slots, on average one try in 15 s */
    assert_true(b->paper[0].sends > 4 * 60);
    bed_run(b, b->now + 60 * GW_SEC);
    bed_arrived(b, 0, 0, 900, 1);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 9000);
    bed_drop(b);
}

static struct gw_outcome asks_for_a_minute(struct paper *p, const struct gw_batch *batch, gw_nsec now)
{
    return p->sends > 1 ? takes_all(p, batch, now)
                        : (struct gw_outcome){.verdict = GW_RETRY, .retry_after = 60 * GW_SEC};
}

static void nothing_is_sent_before_the_backend_allows_it(void **state)
{
    struct bed *b = bed_of_one();
    b->paper[0].behave = asks_for_a_minute;
    bed_offer(b, GW_TRACES, 100, 1);
    bed_run(b, b->now + 120 * GW_SEC);
    assert_int_equal(b->paper[0].sends, 2);
    assert_true(b->paper[0].sent_at[1] - b->paper[0].sent_at[0] >= 60 * GW_SEC + b->paper[0].latency);
    bed_arrived(b, 0, 0, 1, 1);
    bed_drop(b);
}

static void what_is_too_old_is_given_up_wherever_it_is(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].in_flight = 1;
    b->conf[0].max_age = 600 * GW_SEC;
    bed_add(b, "paper");
    b->paper[0].behave = outage;
    b->paper[0].up_at = b->now + 1000 * GW_SEC;
    bed_offer(b, GW_TRACES, 100, 1); /* tried first */
    bed_run(b, b->now + GW_SEC);
    bed_offer(b, GW_TRACES, 100, 2); /* behind it */
    bed_run(b, b->now + 598 * GW_SEC);
    assert_int_equal(bed_dropped(b, 0, GW_TRACES, GW_REASON_EXPIRED), 0);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_QUEUED) + bed_at(b, 0, GW_TRACES, GW_IN_PROCESS), 3);
    bed_run(b, b->now + 10 * GW_SEC);
    assert_int_equal(bed_dropped(b, 0, GW_TRACES, GW_REASON_EXPIRED), 3);
    bed_offer(b, GW_TRACES, 100, 4);
    bed_run(b, b->now + 500 * GW_SEC);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 4);
    bed_arrived(b, 0, 0, 2, 0);
    bed_drop(b);
}

static void frames_of_one_batch_expire_one_by_one(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].max_age = 600 * GW_SEC;
    b->conf[0].batch_delay = 60 * GW_SEC;
    bed_add(b, "paper");
    b->paper[0].behave = outage;
    b->paper[0].up_at = b->now + 615 * GW_SEC;
    bed_offer(b, GW_TRACES, 100, 1);
    bed_run(b, b->now + 50 * GW_SEC);
    bed_offer(b, GW_TRACES, 100, 2);
    bed_run(b, b->now + 600 * GW_SEC);
    assert_int_equal(bed_dropped(b, 0, GW_TRACES, GW_REASON_EXPIRED), 1);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 2);
    bed_drop(b);
}

static void what_is_too_large_is_halved_and_remembered(void **state)
{
    struct bed *b = bed_of_one();
    b->paper[0].behave = too_large;
    b->paper[0].limit = 150000;
    for (int i = 0; i < 30; i++)
        bed_offer(b, GW_TRACES, 20000, 3);
    bed_run(b, b->now + GW_SEC);
    bed_arrived(b, 0, 0, 30, 1);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 90);
    unsigned refused = b->paper[0].sends;
    for (int i = 0; i < 30; i++)
        bed_offer(b, GW_TRACES, 20000, 3);
    bed_run(b, b->now + GW_SEC);
    bed_arrived(b, 0, 30, 60, 1);
    /* four to seven frames each, by what was taken: none is refused any more */
    assert_in_range(b->paper[0].sends - refused, 5, 8);
    bed_drop(b);
}

static void one_span_that_is_too_large_is_rejected_alone(void **state)
{
    struct bed *b = bed_of_one();
    b->paper[0].behave = too_large;
    b->paper[0].limit = 1000;
    bed_offer(b, GW_TRACES, 500, 1);
    bed_offer(b, GW_TRACES, 1001, 1);
    bed_offer(b, GW_TRACES, 500, 1);
    bed_run(b, b->now + GW_SEC);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_REJECTED), 1);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 2);
    bed_arrived(b, 0, 1, 2, 0);
    bed_drop(b);
}

/* A slow link's requests are small. Parts of a frame that is one large resource would each send that again. */
static void what_spans_share_is_not_sent_with_each_of_them(void **state)
{
    static char shared[200000];
    struct gw_exporter far = paper_exporter;
    struct bed *b = bed_new();
    far.remote = true;
    b->paper[0].now = b->now;
    b->paper[0].latency = 2 * GW_SEC;
    b->sender[0] = gw_sender_new(&far, &b->paper[0], &b->conf[0], b->ledger, b->ids);
    gw_fanout_add(b->fanout, gw_sender_route(b->sender[0]));
    b->n = 1;
    memset(shared, 'x', sizeof shared);
    struct gw_frame *f = request_frame_of(GW_TRACES, "span", 1000, gw_str_n(shared, sizeof shared));
    f->arrived = b->now;
    assert_int_equal(bed_offer_frame(b, f), GW_OK);
    bed_run(b, b->now + 1000 * GW_SEC);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 1000);
    assert_in_range(b->paper[0].sends, 1, 12);
    bed_drop(b);
}

static struct gw_outcome takes_part(struct paper *p, const struct gw_batch *batch, gw_nsec now)
{
    return (struct gw_outcome){
        .verdict = GW_DONE, .rejected = batch->items > 10 ? 7 : 1000, .text = "no such project"};
}

static void partial_success_is_counted_and_not_repeated(void **state)
{
    struct bed *b = bed_of_one();
    b->paper[0].behave = takes_part;
    bed_offer(b, GW_TRACES, 100, 50);
    bed_run(b, b->now + GW_SEC);
    assert_int_equal(b->paper[0].sends, 1);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_REJECTED), 7);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 43);
    bed_offer(b, GW_TRACES, 100, 5); /* a backend that rejects more than it got */
    bed_run(b, b->now + GW_SEC);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_REJECTED), 12);
    bed_drop(b);
}

static struct gw_outcome hides_some(struct paper *p, const struct gw_batch *batch, gw_nsec now)
{
    return (struct gw_outcome){.verdict = GW_DONE, .rejected = 7, .filtered = batch->items > 20 ? 30 : 1000};
}

static void what_an_option_hides_is_counted_and_not_lost(void **state)
{
    struct gw_ledger_view view;
    struct bed *b = bed_of_one();
    b->paper[0].behave = hides_some;
    bed_offer(b, GW_TRACES, 100, 50);
    bed_run(b, b->now + GW_SEC);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_REJECTED), 7);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 13);
    assert_int_equal(bed_dropped(b, 0, GW_TRACES, GW_REASON_FILTERED), 30);
    bed_offer(b, GW_TRACES, 100, 10); /* an exporter that hides more than it got */
    bed_run(b, b->now + GW_SEC);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 13);
    assert_int_equal(bed_dropped(b, 0, GW_TRACES, GW_REASON_FILTERED), 33);
    gw_ledger_read(b->ledger, &view);
    assert_true(gw_ledger_balanced(&view));
    assert_int_equal(gw_ledger_lost(&view), 14); /* the rejected ones alone */
    bed_drop(b);
}

static struct gw_outcome refuses(struct paper *p, const struct gw_batch *batch, gw_nsec now)
{
    return (struct gw_outcome){.verdict = GW_REFUSED, .text = "bad data"};
}

static void refused_data_is_not_repeated(void **state)
{
    struct bed *b = bed_of_one();
    b->paper[0].behave = refuses;
    bed_offer(b, GW_LOGS, 100, 50);
    bed_run(b, b->now + 100 * GW_SEC);
    assert_int_equal(b->paper[0].sends, 1);
    assert_int_equal(bed_at(b, 0, GW_LOGS, GW_REJECTED), 50);
    bed_drop(b);
}

/* A frame whose serial number ends in 37 is bad, and the request with it. */
static struct gw_outcome dislikes_37(struct paper *p, const struct gw_batch *batch, gw_nsec now)
{
    for (size_t i = 0; i < batch->n; i++)
        if (serial_of(batch->frames[i]) % 100 == 37)
            return refuses(p, batch, now);
    return takes_all(p, batch, now);
}

static struct bed *bed_that_took_one(behave_f *behave)
{
    struct bed *b = bed_of_one();
    bed_offer(b, GW_TRACES, 100, 1);
    bed_run(b, b->now + GW_SEC);
    b->paper[0].behave = behave;
    b->paper[0].sends = 0;
    return b;
}

static void a_bad_items_neighbours_are_delivered(void **state)
{
    struct bed *b = bed_that_took_one(dislikes_37);
    for (int i = 1; i < 100; i++)
        bed_offer(b, GW_TRACES, 100, 1);
    bed_run(b, b->now + 10 * GW_SEC);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_REJECTED), 1);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 99);
    bed_arrived(b, 0, 0, 37, 1);
    bed_arrived(b, 0, 37, 38, 0);
    bed_arrived(b, 0, 38, 100, 1);
    assert_in_range(b->paper[0].sends, 10, 1 + 2 * 7);
    bed_drop(b);
}

static void so_are_those_of_many_requests(void **state)
{
    struct bed *b = bed_that_took_one(dislikes_37);
    for (int i = 1; i < 5000; i++) {
        bed_offer(b, GW_TRACES, 100, 1);
        if (i % 100 == 99)
            bed_run(b, b->now + 2 * GW_SEC);
    }
    bed_run(b, b->now + 10 * GW_SEC);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_REJECTED), 50);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 4950);
    bed_drop(b);
}

static void a_backend_that_refuses_everything_is_not_asked_without_end(void **state)
{
    struct bed *b = bed_that_took_one(refuses);
    for (int k = 0; k < 50; k++) {
        for (int i = 0; i < 100; i++)
            bed_offer(b, GW_TRACES, 100, 1);
        bed_run(b, b->now + 2 * GW_SEC);
    }
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_REJECTED), 5000);
    assert_in_range(b->paper[0].sends, 50, 50 + 2 * (GW_PROBES + 11));
    bed_drop(b);
}

static struct gw_outcome wants_credentials(struct paper *p, const struct gw_batch *batch, gw_nsec now)
{
    return now < p->up_at ? (struct gw_outcome){.verdict = GW_RETRY_SLOWLY,
                                                .text = "who are you",
                                                .remedy = "check headers"}
                          : takes_all(p, batch, now);
}

static void bad_credentials_are_tried_slowly_and_the_data_is_kept(void **state)
{
    struct bed *b = bed_of_one();
    b->paper[0].behave = wants_credentials;
    b->paper[0].up_at = b->now + 600 * GW_SEC;
    bed_offer(b, GW_TRACES, 100, 50);
    bed_run(b, b->now + 700 * GW_SEC);
    assert_true(b->paper[0].sends >= 20 && b->paper[0].sends <= 42); /* every 15 to 30 s */
    for (unsigned i = 1; i < b->paper[0].sends; i++)
        assert_true(b->paper[0].sent_at[i] - b->paper[0].sent_at[i - 1] >= 15 * GW_SEC);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 50);
    bed_drop(b);
}

static struct gw_outcome refuses_our_logs(struct paper *p, const struct gw_batch *batch, gw_nsec now)
{
    return batch->signal == GW_LOGS ? wants_credentials(p, batch, now) : takes_all(p, batch, now);
}

static void a_signal_that_is_held_does_not_hold_the_others(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].batch_bytes = 100;
    b->conf[0].in_flight = 2;
    bed_add(b, "paper");
    b->paper[0].behave = refuses_our_logs;
    b->paper[0].up_at = b->now + 100 * GW_SEC;
    for (int i = 0; i < 8; i++)
        bed_offer(b, GW_LOGS, 100, 1);
    bed_run(b, b->now + GW_SEC);
    for (int i = 0; i < 8; i++)
        bed_offer(b, GW_TRACES, 100, 1);
    bed_run(b, b->now + GW_SEC);
    bed_arrived(b, 0, 8, 16, 1);
    /* those that were open when the first was refused */
    assert_int_equal(bed_at(b, 0, GW_LOGS, GW_IN_PROCESS), 2);
    bed_run(b, b->now + 150 * GW_SEC);
    bed_arrived(b, 0, 0, 8, 1);
    bed_drop(b);
}

/* A frame whose one trace id has the lower half `low` and no upper one. */
static struct gw_frame *pending_ids_frame(struct bed *b, uint8_t low)
{
    struct gw_frame *f = bed_frame(b, GW_TRACES, 100, 1);
    uint32_t *offset = malloc(sizeof *offset);
    *offset = 20;
    f->data[35] = low;
    gw_frame_pending_ids(f, offset, 1);
    return f;
}

static void a_frame_waits_for_its_trace_id_and_holds_up_nobody(void **state)
{
    struct bed *b = bed_of_one();
    struct gw_frame *known_soon = gw_frame_ref(pending_ids_frame(b, 5)),
                    *never_known = gw_frame_ref(pending_ids_frame(b, 6));
    gw_nsec start = b->now;
    bed_offer_frame(b, known_soon);
    bed_offer_frame(b, never_known);
    bed_offer(b, GW_TRACES, 100, 1);
    bed_run(b, start + 500 * GW_MSEC);
    bed_arrived(b, 0, 2, 3, 1);
    bed_arrived(b, 0, 0, 2, 0);
    gw_trace_ids_learn(b->ids, 5, 0x0102030405060708, b->now);
    bed_run(b, start + 1500 * GW_MSEC);
    bed_arrived(b, 0, 0, 1, 1);
    bed_arrived(b, 0, 1, 2, 0);
    assert_int_equal(known_soon->data[20], 1);
    assert_int_equal(known_soon->data[27], 8);
    bed_run(b, start + 1990 * GW_MSEC);
    bed_arrived(b, 0, 1, 2, 0);
    bed_run(b, start + 2100 * GW_MSEC);
    bed_arrived(b, 0, 1, 2, 1);
    assert_int_equal(never_known->data[20], 0);
    assert_int_equal(bed_view(b).signal[GW_TRACES].pending_ids, 1);
    gw_frame_drop(known_soon);
    gw_frame_drop(never_known);
    bed_drop(b);
}

static void a_stop_drains_at_once(void **state)
{
    struct bed *b = bed_of_one();
    b->conf[0].batch_delay = 60 * GW_SEC;
    bed_offer(b, GW_TRACES, 100, 1);
    bed_offer(b, GW_LOGS, 100, 1);
    bed_offer_frame(b, pending_ids_frame(b, 7));
    bed_settle(b, 0);
    assert_int_equal(b->paper[0].sends, 0);
    gw_sender_stop(b->sender[0], b->now + 5 * GW_SEC);
    assert_true(bed_settle(b, 0) < b->now + GW_SEC);
    b->now += b->paper[0].latency;
    assert_true(bed_settle(b, 0) == GW_SENDER_OVER);
    bed_arrived(b, 0, 0, 3, 1);
    assert_int_equal(bed_offer(b, GW_TRACES, 100, 9), GW_STOPPING);
    assert_int_equal(bed_view(b).signal[GW_TRACES].not_taken[GW_REASON_STOPPING], 9);
    bed_drop(b);
}

static void a_stop_ends_at_its_deadline_and_says_what_was_left(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].in_flight = 2;
    b->conf[0].batch_bytes = 100;
    b->paper[0].latency = 100 * GW_SEC; /* never answers in time */
    bed_add(b, "paper");
    for (int i = 0; i < 5; i++)
        bed_offer(b, GW_TRACES, 100, 1);
    bed_settle(b, 0);
    gw_sender_stop(b->sender[0], b->now + 5 * GW_SEC);
    bed_run(b, b->now + 4 * GW_SEC);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_IN_PROCESS), 2);
    bed_run(b, b->now + 2 * GW_SEC);
    assert_int_equal(b->paper[0].cancels, 1);
    assert_int_equal(bed_dropped(b, 0, GW_TRACES, GW_REASON_SHUTDOWN), 5);
    assert_true(bed_settle(b, 0) == GW_SENDER_OVER);
    struct gw_ledger_view v = bed_view(b);
    assert_int_equal(gw_ledger_lost(&v), 5);
    bed_drop(b);
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

/* What has an ack callback stays in its source: it is counted as returned and is not lost, whether it was in
 * process or queued. */
static void a_stop_gives_back_what_has_an_ack(void **state)
{
    struct bed *b = bed_new();
    struct told told[3] = {{{hear}, 0, false}, {{hear}, 0, false}, {{hear}, 0, false}};
    b->conf[0].in_flight = 1;
    b->conf[0].batch_bytes = 100;
    b->paper[0].latency = 100 * GW_SEC;
    bed_add(b, "paper");
    for (int i = 0; i < 3; i++) {
        struct gw_frame *f = bed_frame(b, GW_LOGS, 100, 2);
        f->ack = &told[i].ack;
        assert_int_equal(bed_offer_frame(b, f), GW_OK);
    }
    bed_settle(b, 0);
    gw_sender_stop(b->sender[0], b->now + GW_SEC);
    bed_run(b, b->now + 2 * GW_SEC);
    assert_true(bed_settle(b, 0) == GW_SENDER_OVER);
    assert_int_equal(bed_dropped(b, 0, GW_LOGS, GW_REASON_RETURNED), 6);
    assert_int_equal(bed_dropped(b, 0, GW_LOGS, GW_REASON_SHUTDOWN), 0);
    for (int i = 0; i < 3; i++)
        assert_true(told[i].times == 1 && !told[i].kept);
    struct gw_ledger_view v = bed_view(b);
    assert_int_equal(gw_ledger_lost(&v), 0);
    assert_true(gw_ledger_balanced(&v));
    bed_drop(b);
}

static void retries_that_wait_are_tried_when_the_stop_begins(void **state)
{
    struct bed *b = bed_of_one();
    b->paper[0].behave = wants_credentials;
    b->paper[0].up_at = b->now + 5 * GW_SEC;
    bed_offer(b, GW_TRACES, 100, 1);
    bed_run(b, b->now + 6 * GW_SEC);
    assert_int_equal(b->paper[0].sends, 1);
    gw_sender_stop(b->sender[0], b->now + GW_SEC);
    bed_run(b, b->now + GW_SEC);
    bed_arrived(b, 0, 0, 1, 1);
    bed_drop(b);
}

static void signals_that_an_exporter_cannot_carry_are_mistakes(void **state)
{
    struct gw_arena arena;
    struct gw_sender_conf conf;
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    char *said;
    size_t len;
    gw_arena_init(&arena, 1 << 16);
    assert_true(gw_opt_defaults(gw_sender_opts, &conf, &arena));
    assert_true(gw_list_add(&conf.signals, GW_STR("traces"), &arena) &&
                gw_list_add(&conf.signals, GW_STR("metrics"), &arena) &&
                gw_list_add(&conf.signals, GW_STR("tracks"), &arena));
    gw_sender_check(&conf, &paper_exporter, "exporters[0]", diagnostics);
    FILE *f = open_memstream(&said, &len);
    gw_diagnostics_print(diagnostics, f);
    fclose(f);
    assert_non_null(strstr(said, "exporters[0].signals: paper cannot carry metrics"));
    assert_non_null(strstr(said, "exporters[0].signals: \"tracks\" is not one of traces, logs, metrics"));
    assert_int_equal(gw_diagnostics_errors(diagnostics), 2);
    free(said);
    gw_diagnostics_drop(diagnostics);
    gw_arena_fini(&arena);
}

/* --- what the backend asks for, and what expires --- */

static struct gw_outcome asks_for_an_hour(struct paper *p, const struct gw_batch *batch, gw_nsec now)
{
    return now < p->up_at ? (struct gw_outcome){.verdict = GW_RETRY, .retry_after = 3600 * GW_SEC}
                          : takes_all(p, batch, now);
}

/* Retry-After equal to max_age, and longer: the data is neither dropped at once nor without a last try. */
static void a_try_is_made_before_the_data_expires_whatever_is_asked_for(void **state)
{
    static const int ages[] = {600, 3600, 3599};
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
        struct bed *b = bed_new();
        gw_nsec start = b->now;
        b->conf[0].max_age = ages[i] * GW_SEC;
        bed_add(b, "paper");
        b->paper[0].behave = asks_for_an_hour;
        b->paper[0].up_at = start + 10 * GW_SEC;
        for (int k = 0; k < 200; k++)
            bed_offer(b, GW_TRACES, 100, 1);
        bed_run(b, start + ages[i] * GW_SEC / 4 * 3 - 2 * GW_SEC);
        assert_int_equal(b->paper[0].sends, 1);
        bed_run(b, start + ages[i] * GW_SEC / 4 * 3 + 4 * GW_SEC);
        assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 200);
        bed_drop(b);
    }
}

/* A thread never wakes at the nanosecond. */
static void the_last_try_is_made_although_the_thread_wakes_late(void **state)
{
    struct bed *b = bed_new();
    gw_nsec start = b->now;
    b->conf[0].max_age = 600 * GW_SEC;
    b->conf[0].batch_delay = 10 * GW_SEC;
    bed_add(b, "paper");
    b->paper[0].behave = asks_for_an_hour;
    b->paper[0].up_at = start + 600 * GW_SEC - 1; /* earlier tries are in vain */
    bed_offer(b, GW_TRACES, 100, 1);
    bed_run(b, start + 5 * GW_SEC);
    bed_offer(b, GW_TRACES, 100, 1);
    bed_run(b, start + 599 * GW_SEC);
    b->now = start + 600 * GW_SEC + 70 * GW_MSEC;
    bed_run(b, b->now + GW_SEC);
    bed_arrived(b, 0, 0, 2, 1);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 2);
    bed_drop(b);
}

static void what_is_never_taken_expires_in_its_time_and_not_before(void **state)
{
    struct bed *b = bed_new();
    gw_nsec start = b->now;
    b->conf[0].max_age = 600 * GW_SEC;
    bed_add(b, "paper");
    b->paper[0].behave = asks_for_an_hour;
    b->paper[0].up_at = GW_NEVER;
    bed_offer(b, GW_TRACES, 100, 1);
    bed_run(b, start + 600 * GW_SEC - 1);
    assert_int_equal(bed_dropped(b, 0, GW_TRACES, GW_REASON_EXPIRED), 0);
    bed_run(b, start + 601 * GW_SEC);
    assert_int_equal(bed_dropped(b, 0, GW_TRACES, GW_REASON_EXPIRED), 1);
    assert_in_range(b->paper[0].sends, 3, 20); /* after three quarters of the rest each, and a last one */
    bed_drop(b);
}

/* What is still in process goes with a stop whose deadline has come. */
static void stop_and_drop(struct bed *b)
{
    gw_sender_stop(b->sender[0], b->now);
    bed_run(b, b->now + GW_SEC);
    bed_drop(b);
}

/* --- one request's trouble is not the others' --- */

enum { POISON = 8 };

/* The first requests are refused for ever, each by itself. */
static struct gw_outcome refuses_the_first(struct gw_outcome refusal, struct paper *p,
                                           const struct gw_batch *batch, gw_nsec now)
{
    return serial_of(batch->frames[0]) < POISON ? refusal : takes_all(p, batch, now);
}

static struct gw_outcome is_unavailable_for_the_first(struct paper *p, const struct gw_batch *batch,
                                                      gw_nsec now)
{
    return refuses_the_first((struct gw_outcome){.verdict = GW_RETRY, .text = "UNAVAILABLE"}, p, batch, now);
}

static struct gw_outcome postpones_the_first(struct paper *p, const struct gw_batch *batch, gw_nsec now)
{
    return refuses_the_first((struct gw_outcome){.verdict = GW_RETRY, .retry_after = 3600 * GW_SEC}, p, batch,
                             now);
}

static struct gw_outcome forbids_the_first(struct paper *p, const struct gw_batch *batch, gw_nsec now)
{
    return refuses_the_first((struct gw_outcome){.verdict = GW_RETRY_SLOWLY, .text = "403"}, p, batch, now);
}

/* More requests than may be in flight are refused; what comes behind them is delivered all the same, and
 * soon. */
static void requests_that_are_refused_for_ever_keep_no_others_from_being_sent(void **state)
{
    static behave_f *const ways[] = {is_unavailable_for_the_first, postpones_the_first, forbids_the_first};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct bed *b = bed_new();
        b->conf[0].batch_bytes = 100; /* a frame is a request */
        bed_add(b, "paper");
        b->paper[0].behave = ways[i];
        for (int k = 0; k < POISON; k++)
            bed_offer(b, GW_TRACES, 100, 1);
        bed_run(b, b->now + 5 * GW_SEC);
        for (int k = 0; k < 100; k++)
            bed_offer(b, GW_TRACES, 100, 1);
        bed_run(b,
                /* 15 to 30 s for each 403, and as much for a retry */
                b->now + (ways[i] == forbids_the_first ? POISON * 60 : 30) * GW_SEC);
        bed_arrived(b, 0, POISON, POISON + 100, 1);
        gw_nsec before = b->now;
        bed_offer(b, GW_TRACES, 100, 1);
        bed_run(b, before + GW_SEC);
        if (ways[i] == postpones_the_first) /* which are tried no more: nothing slows the others */
            bed_arrived(b, 0, POISON + 100, POISON + 101, 1);
        assert_int_equal(bed_at(b, 0, GW_TRACES, GW_IN_PROCESS) + bed_at(b, 0, GW_TRACES, GW_QUEUED),
                         b->paper[0].taken[POISON + 100] ? POISON : POISON + 1);
        stop_and_drop(b);
    }
}

/* Nine seconds for each refusal, and one or more places: new data has the one that no retry gets, or the only
 * one by turns. */
static void requests_that_the_backend_hangs_over_leave_a_place(void **state)
{
    for (int in_flight = 1; in_flight <= 4; in_flight += 3) {
        struct bed *b = bed_new();
        b->conf[0].batch_bytes = 100;
        b->conf[0].in_flight = in_flight;
        bed_add(b, "paper");
        b->paper[0].behave = is_unavailable_for_the_first;
        b->paper[0].hangs = POISON;
        b->paper[0].hang = 9 * GW_SEC;
        for (int k = 0; k < POISON; k++)
            bed_offer(b, GW_TRACES, 100, 1);
        bed_run(b, b->now + 900 * GW_SEC); /* each has had its first try */
        for (uint32_t k = 0; k < 50; k++) {
            bed_offer(b, GW_TRACES, 100, 1);
            /* the breaker is open: the first one waits for its turn */
            bed_run(b, b->now + (k == 0 ? 120 : in_flight == 1 ? 60 : 1) * GW_SEC);
            if (b->paper[0].taken[POISON + k] != 1)
                fail_msg("%d in flight: request %u was not taken", in_flight, k);
        }
        stop_and_drop(b);
    }
}

/* However much waits for its retry, an outage is met by few tries, and its end by all that waits. */
static void an_outage_is_not_met_by_ever_more_tries(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].batch_bytes = 100;
    bed_add(b, "paper");
    b->paper[0].behave = outage;
    b->paper[0].up_at = b->now + 1800 * GW_SEC;
    for (int i = 0; i < 1800; i++) {
        bed_offer(b, GW_TRACES, 100, 1);
        bed_run(b, b->now + GW_SEC);
    }
    /* four requests would be tried each 15 s, on average */
    assert_in_range(b->paper[0].sends, 4 * 60, 4 * 200);
    bed_run(b, b->now + 30 * GW_SEC);
    bed_arrived(b, 0, 0, 1800, 1);
    bed_drop(b);
}

/* Half of the queue is for what comes. */
static void what_waits_for_a_retry_does_not_fill_the_queue(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].batch_bytes = 1000;
    b->conf[0].queue_size = 100000;
    bed_add(b, "paper");
    b->paper[0].behave = outage;
    b->paper[0].up_at = GW_NEVER;
    for (int i = 0; i < 1000 && bed_offer(b, GW_TRACES, 1000, 1) == GW_OK; i++)
        bed_run(b, b->now + 30 * GW_SEC);
    uint64_t in_process = bed_at(b, 0, GW_TRACES, GW_IN_PROCESS), queued = bed_at(b, 0, GW_TRACES, GW_QUEUED);
    assert_in_range(in_process, 40, 50); /* of 1000 bytes and their struct each */
    assert_in_range(queued, 40, 50);
    stop_and_drop(b);
}

static void a_queue_that_drops_its_oldest_drops_what_waits_for_a_retry(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].batch_bytes = 1000;
    b->conf[0].queue_size = 100000;
    b->conf[0].when_full = GW_FULL_DROP_OLDEST;
    bed_add(b, "paper");
    b->paper[0].behave = outage;
    b->paper[0].up_at = b->now + 300 * GW_SEC;
    for (int i = 0; i < 300; i++) {
        assert_int_equal(bed_offer(b, GW_TRACES, 1000, 1), GW_OK);
        bed_run(b, b->now + GW_SEC);
    }
    bed_run(b, b->now + 60 * GW_SEC);
    bed_arrived(b, 0, 300 - 80, 300, 1);
    bed_arrived(b, 0, 0, 200, 0);
    bed_drop(b);
}

/* --- successors --- */

/* The second paper becomes the successor of the first one's sender. */
static void take_over(struct bed *b)
{
    b->conf[1].name = b->conf[0].name;
    b->paper[1].now = b->now;
    b->sender[1] = gw_sender_successor(b->sender[0], &paper_exporter, &b->paper[1], &b->conf[1]);
    b->n = 2;
    gw_sender_take_over(b->sender[0], b->sender[1]);
}

/* On the clock of the bed, where no thread goes from one to the other: the first comes to its end before the
 * second begins. */
static void run_both(struct bed *b, gw_nsec until)
{
    b->n = 1;
    bed_run(b, until);
    b->n = 2;
    assert_true(gw_sender_step(b->sender[0], b->now) == GW_SENDER_OVER);
    bed_run(b, b->now + 5 * GW_SEC);
}

static void a_successor_takes_what_waits(void **state)
{
    struct bed *b = bed_of_one();
    b->conf[0].in_flight = 2;
    b->paper[0].behave = outage;
    b->paper[0].up_at = GW_NEVER;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(bed_offer(b, GW_TRACES, 1000, 3), GW_OK);
        bed_run(b, b->now + 300 * GW_MSEC);
    }
    assert_true(bed_at(b, 0, GW_TRACES, GW_IN_PROCESS) > 0);
    b->conf[1].queue_size = 5000;
    take_over(b);
    run_both(b, b->now + GW_SEC);
    bed_arrived(b, 0, 0, 20, 0);
    bed_arrived(b, 1, 0, 20, 1);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 60);
    assert_int_equal(bed_view(b).exporters, 1);
    struct gw_queue_state q;
    gw_queue_state(gw_sender_route(b->sender[1]).queue, &q);
    assert_int_equal(q.capacity, 5000);
    assert_int_equal(q.used, 0);
    bed_drop(b);
}

static void open_requests_end_before_the_successor_begins(void **state)
{
    struct bed *b = bed_of_one();
    b->paper[0].latency = GW_SEC;
    assert_int_equal(bed_offer(b, GW_TRACES, 1000, 3), GW_OK);
    bed_run(b, b->now + 500 * GW_MSEC);
    assert_int_equal(b->paper[0].n_open, 1);
    take_over(b);
    assert_int_equal(bed_offer(b, GW_TRACES, 1000, 3), GW_OK);
    run_both(b, b->now + 2 * GW_SEC);
    bed_arrived(b, 0, 0, 1, 1);
    bed_arrived(b, 0, 1, 2, 0);
    bed_arrived(b, 1, 0, 1, 0);
    bed_arrived(b, 1, 1, 2, 1);
    assert_int_equal(b->paper[0].cancels, 0);
    bed_drop(b);
}

static void a_request_that_hangs_is_made_again_by_the_successor(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].max_age = b->conf[1].max_age = GW_NEVER / 4;
    bed_add(b, "paper");
    b->paper[0].latency = GW_NEVER / 4;
    assert_int_equal(bed_offer(b, GW_TRACES, 1000, 3), GW_OK);
    bed_run(b, b->now + GW_SEC);
    assert_int_equal(b->paper[0].n_open, 1);
    take_over(b);
    b->n = 1;
    bed_run(b, b->now + GW_SEC);
    assert_int_equal(b->paper[0].cancels, 0);
    run_both(b, b->now + 2 * GW_SEC);
    assert_int_equal(b->paper[0].cancels, 1);
    bed_arrived(b, 1, 0, 1, 1);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 3);
    bed_drop(b);
}

static void a_successor_that_nobody_needs_leaves_all_as_it_was(void **state)
{
    struct bed *b = bed_of_one();
    gw_sender_drop(gw_sender_successor(b->sender[0], &paper_exporter, &b->paper[1], &b->conf[1]));
    assert_int_equal(bed_offer(b, GW_TRACES, 1000, 3), GW_OK);
    bed_run(b, b->now + GW_SEC);
    bed_arrived(b, 0, 0, 1, 1);
    bed_drop(b);
}

/* Requests that wait for an hour, and an open circuit breaker, are the predecessor's: with the other
 * configuration all is tried at once. */
static void a_successor_begins_without_grudges(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].batch_bytes = 100;
    bed_add(b, "paper");
    b->paper[0].behave = asks_for_an_hour;
    b->paper[0].up_at = GW_NEVER;
    for (int i = 0; i < 20; i++)
        bed_offer(b, GW_TRACES, 100, 1);
    bed_run(b, b->now + 60 * GW_SEC);
    take_over(b);
    run_both(b, b->now + GW_SEC);
    bed_arrived(b, 1, 0, 20, 1);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 20);
    bed_drop(b);
}

/* --- successors, on the thread that they have in common --- */

enum { SENDERS = 3 };

/* An exporter that needs nothing, thrice; `send` may be another. */
struct threaded {
    struct bed *b;
    struct gw_exporter exporter;
    struct gw_sender *sender[SENDERS];
    void *ctx[SENDERS];
};

static void threaded_begin(struct threaded *t, struct bed *b)
{
    *t = (struct threaded){.b = b, .exporter = gw_exporter_blackhole};
    for (int i = 0; i < SENDERS; i++) {
        t->ctx[i] = calloc(1, t->exporter.ctx_size);
        assert_int_equal(t->exporter.open(t->ctx[i], &(struct gw_export_host){0}, "exporters[0]", NULL),
                         GW_OK);
    }
}

static void threaded_start(struct threaded *t)
{
    t->sender[0] = gw_sender_new(&t->exporter, t->ctx[0], &t->b->conf[0], t->b->ledger, t->b->ids);
    gw_fanout_add(t->b->fanout, gw_sender_route(t->sender[0]));
    assert_true(gw_sender_start(t->sender[0]));
}

/* Number i takes over from the one before it. */
static void threaded_take_over(struct threaded *t, int i)
{
    t->sender[i] = gw_sender_successor(t->sender[i - 1], &t->exporter, t->ctx[i], &t->b->conf[0]);
    gw_sender_take_over(t->sender[i - 1], t->sender[i]);
}

/* Number i drains; then all of them are gone. */
static void threaded_end(struct threaded *t, int i)
{
    gw_sender_stop(t->sender[i], GW_NEVER / 2);
    gw_sender_finish(t->sender[i]);
    for (int k = 0; k <= i; k++)
        assert_true(gw_sender_over(t->sender[k]));
    for (int k = 0; k < SENDERS; k++) {
        gw_sender_drop(t->sender[k]);
        t->exporter.close(t->ctx[k]);
        free(t->ctx[k]);
    }
}

/* The third is named before the second may have begun. What is pushed later wakes the third: with a delay of
 * an hour nothing else would send a full batch. */
static void a_thread_goes_from_successor_to_successor(void **state)
{
    struct bed *b = bed_new();
    struct threaded t;
    b->conf[0].batch_delay = 3600 * GW_SEC;
    b->conf[0].batch_items = 1;
    threaded_begin(&t, b);
    threaded_start(&t);
    threaded_take_over(&t, 1);
    threaded_take_over(&t, 2);
    while (!gw_sender_over(t.sender[1]))
        sched_yield();
    for (unsigned i = 1; i <= 100; i++) {
        b->now = gw_now();
        assert_int_equal(bed_offer(b, GW_TRACES, 100, 2), GW_OK);
        while (bed_at(b, 0, GW_TRACES, GW_DELIVERED) != 2 * i)
            sched_yield();
    }
    threaded_end(&t, 2);
    bed_drop(b);
}

static void send_refused(void *ctx, const struct gw_batch *batch, gw_nsec timeout, gw_done_f *done,
                         void *cookie)
{
    struct gw_outcome o = {.verdict = GW_REFUSED, .text = "malformed"};
    done(cookie, &o);
}

static void offer_refused(struct bed *b)
{
    struct gw_frame *f = request_frame(GW_TRACES, "span", 1);
    f->arrived = gw_now();
    assert_int_equal(bed_offer_frame(b, f), GW_OK);
}

/* Both dead-letter files are full when the successor comes: what it overwrites was set aside by its
 * predecessor, and is counted. */
static void a_successor_knows_what_was_set_aside(void **state)
{
    char folder[] = "/tmp/dead_letters_XXXXXX", path[64], old[64];
    struct bed *b = bed_new();
    struct threaded t;
    assert_non_null(scratch_folder(folder));
    snprintf(path, sizeof path, "%s/blackhole.jsonl", folder);
    snprintf(old, sizeof old, "%s/blackhole.old.jsonl", folder);
    b->conf[0].dead_letter_directory = gw_str_z(folder);
    b->conf[0].dead_letter_max_size = 400; /* two lines a file */
    b->conf[0].batch_items = 1;
    threaded_begin(&t, b);
    t.exporter.send = send_refused;
    threaded_start(&t);
    for (int i = 0; i < 4; i++)
        offer_refused(b);
    while (bed_at(b, 0, GW_TRACES, GW_SET_ASIDE) != 4)
        sched_yield();
    threaded_take_over(&t, 1);
    while (!gw_sender_over(t.sender[0]))
        sched_yield();
    offer_refused(b);
    threaded_end(&t, 1);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_SET_ASIDE), 3);
    assert_int_equal(bed_dropped(b, 0, GW_TRACES, GW_REASON_OVERWRITTEN), 2);
    bed_drop(b);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(old), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_frames_go_out_together_after_the_delay),
        cmocka_unit_test(a_full_batch_waits_for_nothing_and_keeps_its_limits),
        cmocka_unit_test(a_frame_larger_than_a_batch_goes_alone),
        cmocka_unit_test(signals_do_not_mix),
        cmocka_unit_test(requests_overlap_up_to_in_flight),
        cmocka_unit_test(an_outage_of_half_an_hour_loses_nothing),
        cmocka_unit_test(nothing_is_sent_before_the_backend_allows_it),
        cmocka_unit_test(what_is_too_old_is_given_up_wherever_it_is),
        cmocka_unit_test(frames_of_one_batch_expire_one_by_one),
        cmocka_unit_test(what_is_too_large_is_halved_and_remembered),
        cmocka_unit_test(one_span_that_is_too_large_is_rejected_alone),
        cmocka_unit_test(what_spans_share_is_not_sent_with_each_of_them),
        cmocka_unit_test(partial_success_is_counted_and_not_repeated),
        cmocka_unit_test(what_an_option_hides_is_counted_and_not_lost),
        cmocka_unit_test(refused_data_is_not_repeated),
        cmocka_unit_test(a_bad_items_neighbours_are_delivered),
        cmocka_unit_test(so_are_those_of_many_requests),
        cmocka_unit_test(a_backend_that_refuses_everything_is_not_asked_without_end),
        cmocka_unit_test(bad_credentials_are_tried_slowly_and_the_data_is_kept),
        cmocka_unit_test(a_signal_that_is_held_does_not_hold_the_others),
        cmocka_unit_test(a_frame_waits_for_its_trace_id_and_holds_up_nobody),
        cmocka_unit_test(a_stop_drains_at_once),
        cmocka_unit_test(a_stop_ends_at_its_deadline_and_says_what_was_left),
        cmocka_unit_test(a_stop_gives_back_what_has_an_ack),
        cmocka_unit_test(retries_that_wait_are_tried_when_the_stop_begins),
        cmocka_unit_test(signals_that_an_exporter_cannot_carry_are_mistakes),
        cmocka_unit_test(a_try_is_made_before_the_data_expires_whatever_is_asked_for),
        cmocka_unit_test(the_last_try_is_made_although_the_thread_wakes_late),
        cmocka_unit_test(what_is_never_taken_expires_in_its_time_and_not_before),
        cmocka_unit_test(requests_that_are_refused_for_ever_keep_no_others_from_being_sent),
        cmocka_unit_test(requests_that_the_backend_hangs_over_leave_a_place),
        cmocka_unit_test(an_outage_is_not_met_by_ever_more_tries),
        cmocka_unit_test(what_waits_for_a_retry_does_not_fill_the_queue),
        cmocka_unit_test(a_queue_that_drops_its_oldest_drops_what_waits_for_a_retry),
        cmocka_unit_test(a_successor_takes_what_waits),
        cmocka_unit_test(open_requests_end_before_the_successor_begins),
        cmocka_unit_test(a_request_that_hangs_is_made_again_by_the_successor),
        cmocka_unit_test(a_successor_that_nobody_needs_leaves_all_as_it_was),
        cmocka_unit_test(a_successor_begins_without_grudges),
        cmocka_unit_test(a_thread_goes_from_successor_to_successor),
        cmocka_unit_test(a_successor_knows_what_was_set_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
