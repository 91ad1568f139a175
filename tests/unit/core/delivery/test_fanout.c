/* Receivers' side: all exporters or none, the ledger's balance, the budget; and everything with real threads.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/exporters/sender/export_bed.h"

#include <pthread.h>
#include <stdio.h>

extern const struct gw_exporter gw_exporter_blackhole;

static void a_dead_backend_stalls_its_own_queue_only(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].queue_size = 100000;
    b->conf[0].when_full = GW_FULL_DROP_OLDEST;
    b->conf[0].in_flight = 1;
    b->conf[0].batch_bytes = 10000;
    bed_add(b, "dead");
    bed_add(b, "live");
    b->paper[0].behave = outage;
    b->paper[0].up_at = GW_NEVER;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(bed_offer(b, GW_TRACES, 1000, 1), GW_OK);
        bed_run(b, b->now + GW_SEC);
    }
    bed_run(b, b->now + GW_SEC);
    bed_arrived(b, 1, 0, 200, 1);
    uint64_t evicted = bed_dropped(b, 0, GW_TRACES, GW_REASON_EVICTED);
    assert_in_range(evicted, 100, 120); /* 100 kB hold some 90 frames of 1000 bytes and their struct */
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_QUEUED) + bed_at(b, 0, GW_TRACES, GW_IN_PROCESS),
                     200 - evicted);
    b->paper[0].up_at = b->now;
    bed_run(b, b->now + 60 * GW_SEC);
    bed_arrived(b, 0, 200 - 80, 200, 1); /* the newest survived */
    bed_arrived(b, 0, 10, 100, 0);
    assert_int_equal(b->paper[0].taken_items, 200 - evicted);
    bed_drop(b);
}

static void a_request_is_queued_for_all_or_refused_whole(void **state)
{
    struct bed *b = bed_new();
    struct gw_err err;
    b->conf[1].queue_size = 5000;
    bed_add(b, "large");
    bed_add(b, "small");
    for (int i = 0; i < 4; i++)
        assert_int_equal(bed_offer(b, GW_TRACES, 1000, 3), GW_OK);
    size_t used = gw_queue_used(gw_sender_route(b->sender[0]).queue);
    struct gw_frame *f[2] = {bed_frame(b, GW_TRACES, 500, 3), bed_frame(b, GW_TRACES, 1000, 4)};
    struct gw_intake in = {.received = 8, .not_taken[GW_REASON_NIL_SPAN] = 1};
    assert_int_equal(gw_fanout_offer(b->fanout, GW_TRACES, f, 2, &in, &err), GW_QUEUE_FULL);
    assert_string_equal(err.what, "the queue of exporter small is full");
    assert_int_equal(in.not_taken[GW_REASON_QUEUE_FULL], 7);
    assert_int_equal(gw_queue_used(gw_sender_route(b->sender[0]).queue), used); /* its room was given back */
    bed_run(b, b->now + GW_SEC);
    bed_arrived(b, 0, 0, 4, 1);
    bed_arrived(b, 1, 0, 4, 1);
    bed_arrived(b, 1, 4, 6, 0);
    struct gw_ledger_view v = bed_view(b);
    assert_int_equal(v.signal[GW_TRACES].received, 20);
    assert_int_equal(v.signal[GW_TRACES].accepted, 12);
    assert_int_equal(v.signal[GW_TRACES].not_taken[GW_REASON_QUEUE_FULL], 7);
    assert_int_equal(v.signal[GW_TRACES].not_taken[GW_REASON_NIL_SPAN], 1);
    assert_int_equal(bed_offer(b, GW_TRACES, 1000, 3), GW_OK); /* there is room again */
    bed_run(b, b->now + GW_SEC);
    bed_drop(b);
}

static void a_request_larger_than_the_queue_is_taken_when_it_is_empty(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].queue_size = 5000;
    bed_add(b, "small");
    assert_int_equal(bed_offer(b, GW_TRACES, 20000, 3), GW_OK);
    assert_int_equal(bed_offer(b, GW_TRACES, 10, 3), GW_QUEUE_FULL);
    bed_run(b, b->now + GW_SEC);
    assert_int_equal(bed_offer(b, GW_TRACES, 10, 3), GW_OK);
    bed_run(b, b->now + GW_SEC);
    bed_drop(b);
}

static void the_budget_bounds_all_queues_and_is_charged_once(void **state)
{
    struct bed *b = bed_new();
    struct gw_err err;
    bed_add(b, "one");
    bed_add(b, "two");
    struct gw_frame *f = bed_frame(b, GW_TRACES, 1000, 1);
    b->budget.limit = gw_frame_cost(f) + 100;
    assert_int_equal(bed_offer_frame(b, f), GW_OK);
    f = bed_frame(b, GW_TRACES, 1000, 1);
    struct gw_intake in = {.received = 1};
    assert_int_equal(gw_fanout_offer(b->fanout, GW_TRACES, &f, 1, &in, &err), GW_BUSY);
    assert_non_null(strstr(err.what, "bytes of memory are in use"));
    bed_run(b, b->now + GW_SEC);
    assert_int_equal(bed_offer(b, GW_TRACES, 1000, 1), GW_OK);
    bed_run(b, b->now + GW_SEC);
    bed_drop(b);
}

static void an_exporter_gets_its_signals_and_its_schema(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].mode = GW_DATADOG;
    assert_true(gw_list_add(&b->conf[1].signals, GW_STR("traces"), &b->arena));
    bed_add(b, "both_in_datadog");
    bed_add(b, "traces_only");
    assert_int_equal(gw_fanout_schemas(b->fanout, GW_TRACES), 1u << GW_DATADOG | 1u << GW_OTEL);
    assert_int_equal(gw_fanout_schemas(b->fanout, GW_LOGS), 1u << GW_OTEL); /* whatever the mode */
    assert_int_equal(gw_fanout_schemas(b->fanout, GW_METRICS), 0);
    struct gw_frame *f[2] = {bed_frame(b, GW_TRACES, 100, 2), bed_frame(b, GW_TRACES, 200, 2)};
    f[1]->schema = GW_DATADOG;
    struct gw_intake in = {.received = 2};
    assert_int_equal(gw_fanout_offer(b->fanout, GW_TRACES, f, 2, &in, NULL), GW_OK);
    assert_int_equal(bed_offer(b, GW_LOGS, 100, 1), GW_OK);
    bed_run(b, b->now + GW_SEC);
    bed_arrived(b, 0, 0, 1, 0);
    bed_arrived(b, 0, 1, 3, 1);
    bed_arrived(b, 1, 0, 1, 1);
    bed_arrived(b, 1, 1, 3, 0);
    bed_drop(b);
}

static void who_can_wait_tries_again(void **state)
{
    struct bed *b = bed_of_one();
    struct gw_err err;
    b->paper[0].behave = outage;
    b->paper[0].up_at = GW_NEVER;
    while (bed_offer(b, GW_LOGS, 1 << 20, 1) == GW_OK)
        continue;
    struct gw_ledger_signal before = bed_view(b).signal[GW_LOGS];
    struct gw_frame *f = bed_frame(b, GW_LOGS, 1 << 20, 7);
    struct gw_intake in = {.received = 8, .not_taken[GW_REASON_BUDGET] = 1};
    assert_int_equal(gw_fanout_try(b->fanout, GW_LOGS, &f, 1, &in, true, &err), GW_QUEUE_FULL);
    assert_int_equal(bed_view(b).signal[GW_LOGS].received, before.received);
    assert_int_equal(in.not_taken[GW_REASON_QUEUE_FULL], 0);
    b->paper[0].up_at = b->now;
    bed_run(b, b->now + 600 * GW_SEC);
    assert_int_equal(gw_fanout_try(b->fanout, GW_LOGS, &f, 1, &in, true, &err), GW_OK);
    assert_int_equal(bed_view(b).signal[GW_LOGS].accepted, before.accepted + 7);
    bed_run(b, b->now + GW_SEC);
    bed_drop(b);
}

/* A file that can be read later leaves more than half of a queue to those that cannot come again. */
static void who_can_wait_keeps_an_exporter_busy_and_no_more(void **state)
{
    struct bed *b = bed_of_one();
    struct gw_err err;
    b->paper[0].behave = outage;
    b->paper[0].up_at = GW_NEVER;
    struct gw_frame *f = bed_frame(b, GW_LOGS, 1 << 20, 1);
    struct gw_intake in = {.received = 1};
    enum gw_code code;
    while ((code = gw_fanout_try(b->fanout, GW_LOGS, &f, 1, &in, true, &err)) == GW_OK)
        f = bed_frame(b, GW_LOGS, 1 << 20, 1);
    assert_int_equal(code, GW_QUEUE_FULL);
    struct gw_queue *q = gw_sender_route(b->sender[0]).queue;
    struct gw_queue_state now;
    gw_queue_state(q, &now);
    assert_true(now.lagging && !now.refusing && now.used <= now.capacity / 2);
    assert_int_equal(gw_fanout_offer(b->fanout, GW_LOGS, &f, 1, &in, &err), GW_OK);
    bed_drop(b);
}

/* An exporter that takes data but not as fast as it comes delays answers; one that is away delays none, not
 * even beside it. */
static void a_slow_backend_delays_answers_and_a_dead_one_does_not(void **state)
{
    struct bed *b = bed_new();
    assert_true(gw_list_add(&b->conf[1].signals, GW_STR("traces"), &b->arena));
    bed_add(b, "dead");
    bed_add(b, "live");
    b->paper[0].behave = outage;
    b->paper[0].up_at = GW_NEVER;
    for (int i = 0; i < 30; i++) {
        assert_int_equal(bed_offer(b, GW_TRACES, 1 << 20, 1), GW_OK);
        bed_run(b, b->now + GW_SEC / 10);
        assert_false(gw_fanout_delays(b->fanout, GW_TRACES, b->now));
    }
    struct gw_queue_state dead;
    gw_queue_state(gw_sender_route(b->sender[0]).queue, &dead);
    assert_true(dead.used >= (size_t)30 << 20 && !dead.refusing);
    for (int i = 0; i < 25; i++) /* more at once than the live one is done with */
        assert_int_equal(bed_offer(b, GW_TRACES, 1 << 20, 1), GW_OK);
    bed_settle(b, 1);
    assert_true(gw_fanout_delays(b->fanout, GW_TRACES, b->now));
    assert_false(gw_fanout_delays(b->fanout, GW_LOGS, b->now)); /* it takes traces only */
    bed_run(b, b->now + GW_SEC / 10);
    assert_false(gw_fanout_delays(b->fanout, GW_TRACES, b->now));
    b->paper[0].up_at = b->now;
    bed_run(b, b->now + 60 * GW_SEC);
    bed_drop(b);
}

/* One that takes connections and never answers is away as well, though no request has failed yet. */
static void a_backend_that_does_not_answer_delays_for_a_moment_only(void **state)
{
    struct bed *b = bed_of_one();
    b->paper[0].latency = 3600 * GW_SEC;
    for (int i = 0; i < 30; i++)
        assert_int_equal(bed_offer(b, GW_TRACES, 1 << 20, 1), GW_OK);
    bed_settle(b, 0);
    assert_true(gw_fanout_delays(b->fanout, GW_TRACES, b->now));
    bed_run(b, b->now + GW_SEC);
    assert_false(gw_fanout_delays(b->fanout, GW_TRACES, b->now));
    for (unsigned i = 0; i < b->paper[0].n_open; i++)
        b->paper[0].open[i].due = b->now;
    b->paper[0].latency = 0;
    bed_run(b, b->now + 10 * GW_SEC);
    bed_drop(b);
}

static void what_nobody_exports_is_accepted_and_ends(void **state)
{
    struct bed *b = bed_of_one();
    assert_int_equal(bed_offer(b, GW_METRICS, 100, 5), GW_OK);
    struct gw_ledger_view v = bed_view(b);
    assert_int_equal(v.signal[GW_METRICS].accepted, 5);
    assert_int_equal(gw_ledger_lost(&v), 0);
    bed_drop(b);
}

static void refused_clients_are_told_when_the_backend_is_tried_again(void **state)
{
    struct bed *b = bed_new();
    b->conf[0].in_flight = 1;
    bed_add(b, "paper");
    assert_int_equal(gw_fanout_retry_after(b->fanout, b->now), 1);
    b->paper[0].behave = outage;
    b->paper[0].up_at = b->now + 300 * GW_SEC;
    bed_offer(b, GW_TRACES, 100, 1);
    int longest = 0;
    while (b->now < b->paper[0].up_at) {
        bed_run(b, b->now + GW_SEC);
        int told = gw_fanout_retry_after(b->fanout, b->now);
        longest = told > longest ? told : longest;
    }
    assert_in_range(longest, 5, 30);
    bed_run(b, b->now + 60 * GW_SEC);
    assert_int_equal(gw_fanout_retry_after(b->fanout, b->now), 1);
    bed_drop(b);
}

static void the_ledger_reads_well(void **state)
{
    struct bed *b = bed_of_one();
    char *text;
    size_t len;
    struct gw_frame *f = bed_frame(b, GW_TRACES, 100, 40);
    struct gw_intake in = {
        .received = 50, .not_taken[GW_REASON_SAMPLED_OUT] = 8, .not_taken[GW_REASON_BAD_SPAN] = 2};
    assert_int_equal(gw_fanout_offer(b->fanout, GW_TRACES, &f, 1, &in, NULL), GW_OK);
    bed_run(b, b->now + GW_SEC);
    struct gw_ledger_view v = bed_view(b);
    FILE *out = open_memstream(&text, &len);
    gw_ledger_print(out, &v);
    fclose(out);
    assert_string_equal(text, "traces\n"
                              "  received                                         50\n"
                              "  refused (bad_span)                                2\n"
                              "  dropped (sampled_out)                             8\n"
                              "  accepted                                         40\n"
                              "  exporter paper\n"
                              "    sent                                           40\n");
    free(text);
    v.signal[GW_TRACES].exporter[0].at[GW_DELIVERED]--;
    assert_false(gw_ledger_balanced(&v));
    v = bed_view(b);
    v.signal[GW_TRACES].exporter[0].accepted++;
    assert_false(gw_ledger_balanced(&v));
    v = bed_view(b);
    v.signal[GW_TRACES].received++;
    assert_false(gw_ledger_balanced(&v));
    v = bed_view(b);
    v.signal[GW_TRACES].exporter[0].dropped[GW_REASON_EVICTED]++;
    assert_false(gw_ledger_balanced(&v));
    bed_drop(b);
}

/* --- real threads --- */

enum { PUSHERS = 4, REQUESTS = 3000 };

struct pusher {
    struct bed *b;
    uint64_t accepted;
};

static void *push_many(void *arg)
{
    struct pusher *p = arg;
    for (uint32_t i = 0; i < REQUESTS; i++) {
        struct gw_frame *f = gw_frame_new(GW_TRACES, GW_OTEL, calloc(1, 200), 200, 200, 2);
        uint32_t *offset = malloc(sizeof *offset);
        *offset = 20;
        f->data[35] = (uint8_t)i;
        f->data[3] = 0xff; /* no serial number */
        if (i % 16 == 0)
            gw_frame_pending_ids(f, offset, 1);
        else
            free(offset);
        if (i % 16 == 1)
            gw_trace_ids_learn(p->b->ids, i - 1, 9, gw_now());
        struct gw_intake in = {.received = 2};
        if (gw_fanout_offer(p->b->fanout, GW_TRACES, &f, 1, &in, NULL) == GW_OK)
            p->accepted += 2;
    }
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    struct bed *b = bed_new();
    void *hole[BED_EXPORTERS];
    struct pusher pusher[PUSHERS];
    pthread_t thread[PUSHERS];
    for (unsigned i = 0; i < BED_EXPORTERS; i++) {
        hole[i] = calloc(1, gw_exporter_blackhole.ctx_size);
        assert_int_equal(
            gw_exporter_blackhole.open(hole[i], &(struct gw_export_host){0}, "exporters[0]", NULL), GW_OK);
        b->conf[i].name = i ? GW_STR("drops") : GW_STR("keeps");
        b->conf[i].batch_delay = GW_MSEC;
        b->conf[i].queue_size = i ? 50000 : 1 << 20;
        b->conf[i].when_full = i ? GW_FULL_DROP_OLDEST : GW_FULL_REJECT;
        b->sender[i] = gw_sender_new(&gw_exporter_blackhole, hole[i], &b->conf[i], b->ledger, b->ids);
        gw_fanout_add(b->fanout, gw_sender_route(b->sender[i]));
        assert_true(gw_sender_start(b->sender[i]));
        b->n++;
    }
    uint64_t accepted = 0;
    for (int i = 0; i < PUSHERS; i++) {
        pusher[i] = (struct pusher){.b = b};
        pthread_create(&thread[i], NULL, push_many, &pusher[i]);
    }
    for (int i = 0; i < 50; i++)
        bed_view(b); /* balanced at any moment */
    for (int i = 0; i < PUSHERS; i++) {
        pthread_join(thread[i], NULL);
        accepted += pusher[i].accepted;
    }
    gw_fanout_stop(b->fanout);
    for (unsigned i = 0; i < BED_EXPORTERS; i++)
        gw_sender_stop(b->sender[i], gw_now() + 20 * GW_SEC);
    for (unsigned i = 0; i < BED_EXPORTERS; i++)
        gw_sender_finish(b->sender[i]);
    assert_int_equal(bed_view(b).signal[GW_TRACES].accepted, accepted);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), accepted);
    assert_int_equal(bed_at(b, 1, GW_TRACES, GW_DELIVERED) + bed_dropped(b, 1, GW_TRACES, GW_REASON_EVICTED),
                     accepted);
    bed_drop(b);
    for (unsigned i = 0; i < BED_EXPORTERS; i++) {
        gw_exporter_blackhole.close(hole[i]);
        gw_exporter_blackhole.close(hole[i]); /* legal */
        free(hole[i]);
    }
}

/* --- routes that change --- */

static void a_request_sees_the_old_routes_or_the_new_ones(void **state)
{
    struct bed *b = bed_new();
    bed_add(b, "old");
    bed_add(b, "new");
    struct gw_route old = gw_sender_route(b->sender[0]), new = gw_sender_route(b->sender[1]);
    gw_fanout_switch(b->fanout, &old, 1);
    assert_int_equal(bed_offer(b, GW_TRACES, 100, 3), GW_OK);
    gw_fanout_switch(b->fanout, &new, 1);
    assert_int_equal(bed_offer(b, GW_TRACES, 100, 4), GW_OK);
    bed_run(b, b->now + GW_SEC);
    bed_arrived(b, 0, 0, 1, 1);
    bed_arrived(b, 0, 1, 2, 0);
    bed_arrived(b, 1, 0, 1, 0);
    bed_arrived(b, 1, 1, 2, 1);
    struct gw_ledger_view v = bed_view(b);
    assert_int_equal(v.signal[GW_TRACES].exporter[0].not_asked, 4);
    assert_int_equal(v.signal[GW_TRACES].exporter[1].not_asked, 3);
    assert_int_equal(gw_ledger_lost(&v), 0);
    bed_drop(b);
}

static void a_request_translated_for_the_old_routes_goes_to_the_new_ones(void **state)
{
    struct bed *b = bed_new();
    struct gw_intake in = {.received = 5};
    b->conf[1].mode = GW_DATADOG;
    bed_add(b, "old");
    bed_add(b, "new");
    struct gw_route old = gw_sender_route(b->sender[0]), new = gw_sender_route(b->sender[1]);
    gw_fanout_switch(b->fanout, &old, 1);
    assert_int_equal(gw_fanout_schemas(b->fanout, GW_TRACES), 1u << GW_OTEL);
    struct gw_frame *f = bed_frame(b, GW_TRACES, 100, 5);
    gw_fanout_switch(b->fanout, &new, 1);
    assert_int_equal(gw_fanout_schemas(b->fanout, GW_TRACES), 1u << GW_DATADOG);
    assert_int_equal(gw_fanout_offer(b->fanout, GW_TRACES, &f, 1, &in, NULL), GW_OK);
    bed_run(b, b->now + GW_SEC);
    bed_arrived(b, 1, 0, 1, 1);
    assert_int_equal(gw_fanout_offer(b->fanout, GW_TRACES, NULL, 0, &(struct gw_intake){.received = 2}, NULL),
                     GW_OK);
    /* nobody wanted it when it was translated */
    assert_int_equal(bed_view(b).signal[GW_TRACES].exporter[1].not_asked, 2);
    bed_drop(b);
}

/* A name that comes back counts on; a name too many is refused. */
static void the_ledger_keeps_a_row_for_every_name(void **state)
{
    struct gw_ledger *l = gw_ledger_new();
    struct gw_intake in = {.received = 7};
    char name[16];
    unsigned a = gw_ledger_exporter(l, "a", 1u << GW_TRACES);
    gw_ledger_intake(l, GW_TRACES, &in, UINT64_C(1) << a);
    gw_ledger_move(l, a, GW_TRACES, GW_QUEUED, GW_DELIVERED, 0, 7);
    gw_ledger_signals(l, a, 0);
    unsigned c = gw_ledger_exporter(l, "b", 1u << GW_TRACES);
    gw_ledger_intake(l, GW_TRACES, &in, UINT64_C(1) << c);
    assert_int_equal(gw_ledger_exporter(l, "a", 1u << GW_TRACES), a);
    struct gw_ledger_view v;
    gw_ledger_read(l, &v);
    assert_true(gw_ledger_balanced(&v));
    assert_int_equal(v.signal[GW_TRACES].exporter[a].not_asked, 7);
    assert_int_equal(v.signal[GW_TRACES].exporter[c].not_asked, 7);
    assert_int_equal(v.signal[GW_TRACES].exporter[c].at[GW_QUEUED], 7);
    v.signal[GW_TRACES].exporter[a].not_asked--;
    assert_false(gw_ledger_balanced(&v));
    for (int i = 2; i < GW_LEDGER_EXPORTERS; i++) {
        snprintf(name, sizeof name, "n%d", i);
        assert_int_equal(gw_ledger_exporter(l, name, 0), i);
    }
    assert_int_equal(gw_ledger_exporter(l, "one too many", 0), GW_LEDGER_EXPORTERS);
    assert_int_equal(gw_ledger_exporter(l, "n9", 0), 9);
    gw_ledger_drop(l);
}

static void routes_change_under_load_and_nothing_is_lost(void **state)
{
    struct bed *b = bed_new();
    void *hole[BED_EXPORTERS];
    struct pusher pusher[PUSHERS];
    pthread_t thread[PUSHERS];
    struct gw_route route[BED_EXPORTERS];
    for (unsigned i = 0; i < BED_EXPORTERS; i++) {
        hole[i] = calloc(1, gw_exporter_blackhole.ctx_size);
        assert_int_equal(
            gw_exporter_blackhole.open(hole[i], &(struct gw_export_host){0}, "exporters[0]", NULL), GW_OK);
        b->conf[i].name = i ? GW_STR("two") : GW_STR("one");
        b->sender[i] = gw_sender_new(&gw_exporter_blackhole, hole[i], &b->conf[i], b->ledger, b->ids);
        route[i] = gw_sender_route(b->sender[i]);
        assert_true(gw_sender_start(b->sender[i]));
        b->n++;
    }
    gw_fanout_switch(b->fanout, route, 2);
    for (int i = 0; i < PUSHERS; i++) {
        pusher[i] = (struct pusher){.b = b};
        pthread_create(&thread[i], NULL, push_many, &pusher[i]);
    }
    for (int i = 0; i < 300; i++) {
        gw_fanout_switch(b->fanout, &route[i % 2], 1 + (i % 3 == 0 && i % 2 == 0));
        bed_view(b);
    }
    uint64_t accepted = 0;
    for (int i = 0; i < PUSHERS; i++) {
        pthread_join(thread[i], NULL);
        accepted += pusher[i].accepted;
    }
    assert_int_equal(accepted, 2 * PUSHERS * REQUESTS); /* none was refused */
    for (unsigned i = 0; i < BED_EXPORTERS; i++)
        gw_sender_stop(b->sender[i], gw_now() + 20 * GW_SEC);
    for (unsigned i = 0; i < BED_EXPORTERS; i++)
        gw_sender_finish(b->sender[i]);
    struct gw_ledger_view v = bed_view(b);
    assert_int_equal(v.signal[GW_TRACES].accepted, accepted);
    assert_true(v.signal[GW_TRACES].exporter[0].at[GW_DELIVERED] +
                    v.signal[GW_TRACES].exporter[1].at[GW_DELIVERED] >=
                accepted);
    assert_int_equal(gw_ledger_lost(&v), 0);
    bed_drop(b);
    for (unsigned i = 0; i < BED_EXPORTERS; i++) {
        gw_exporter_blackhole.close(hole[i]);
        free(hole[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_backend_stalls_its_own_queue_only),
        cmocka_unit_test(a_request_is_queued_for_all_or_refused_whole),
        cmocka_unit_test(a_request_larger_than_the_queue_is_taken_when_it_is_empty),
        cmocka_unit_test(the_budget_bounds_all_queues_and_is_charged_once),
        cmocka_unit_test(an_exporter_gets_its_signals_and_its_schema),
        cmocka_unit_test(who_can_wait_tries_again),
        cmocka_unit_test(who_can_wait_keeps_an_exporter_busy_and_no_more),
        cmocka_unit_test(a_slow_backend_delays_answers_and_a_dead_one_does_not),
        cmocka_unit_test(a_backend_that_does_not_answer_delays_for_a_moment_only),
        cmocka_unit_test(what_nobody_exports_is_accepted_and_ends),
        cmocka_unit_test(refused_clients_are_told_when_the_backend_is_tried_again),
        cmocka_unit_test(the_ledger_reads_well),
        cmocka_unit_test(threads_lose_nothing),
        cmocka_unit_test(a_request_sees_the_old_routes_or_the_new_ones),
        cmocka_unit_test(a_request_translated_for_the_old_routes_goes_to_the_new_ones),
        cmocka_unit_test(the_ledger_keeps_a_row_for_every_name),
        cmocka_unit_test(routes_change_under_load_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
