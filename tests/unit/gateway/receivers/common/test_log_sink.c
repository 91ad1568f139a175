/* Records through a sink into a queue: what stays on refusal, what is counted, when its ack_callback is
 * called.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/translators/logs/log_show.h"

#include <pthread.h>

#include "core/base/budget.h"
#include "core/delivery/fanout.h"
#include "core/delivery/queue.h"
#include "gateway/receivers/common/log_sink.h"

struct rig {
    struct gw_ack_callback ack;
    int called, kept;
    struct log_bed bed;
    struct gw_ledger *ledger;
    struct gw_fanout *fanout;
    struct gw_queue *queue;
    unsigned exporter;
    struct gw_log_sink *sink;
};

static void hear(struct gw_ack_callback *ack, bool kept)
{
    struct rig *r = (struct rig *)ack;
    r->called++;
    r->kept += kept;
}

static void wake(void *arg)
{
}

static void open_rig(struct rig *r, size_t queue_bytes)
{
    *r = (struct rig){.ack = {hear}, .bed = {.options = {.parse = 1}}};
    log_bed_open(&r->bed, "file");
    r->ledger = gw_ledger_new();
    r->fanout = gw_fanout_new(r->ledger, &r->bed.budget);
    if (queue_bytes) {
        r->queue = gw_queue_new(queue_bytes, false, wake, NULL);
        r->exporter = gw_ledger_exporter(r->ledger, "paper", 1u << GW_LOGS);
        gw_fanout_add(r->fanout,
                      (struct gw_route){r->queue, "paper", r->exporter, 1u << GW_LOGS, GW_DATADOG, 0, 0});
    }
    r->sink = gw_log_sink_new(r->bed.conf, r->fanout, "receiver=file");
    assert_non_null(r->sink);
}

static void close_rig(struct rig *r)
{
    struct gw_ledger_view v;
    gw_log_sink_drop(r->sink);
    gw_ledger_read(r->ledger, &v);
    assert_true(gw_ledger_balanced(&v));
    gw_fanout_drop(r->fanout);
    gw_queue_drop(r->queue);
    gw_ledger_drop(r->ledger);
    log_bed_close(&r->bed);
}

static void put(struct rig *r, int n)
{
    static char text[1000];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < n; i++) {
        struct log_input in = {.text = {text, sizeof text}, .observed = 1};
        gw_log_sink_add(r->sink, &in);
    }
}

static struct gw_ledger_signal ledger_items(struct rig *r)
{
    struct gw_ledger_view v;
    gw_ledger_read(r->ledger, &v);
    return v.signal[GW_LOGS];
}

/* Everything leaves the queue; how many records there were. */
static uint64_t drain(struct rig *r)
{
    struct gw_chain out = {NULL, NULL};
    uint64_t items = 0;
    const struct gw_batch_limits all = {.bytes = SIZE_MAX, .items = UINT64_MAX};
    while (gw_queue_take(r->queue, GW_LOGS, &all, gw_now(), true, &out)) {
        for (const struct gw_node *n = out.first; n; n = n->next)
            items += n->frame->items;
        gw_queue_done(r->queue, &out);
    }
    return items;
}

/* Whatever the exporter's mode: this one is in mode "datadog". */
static void records_reach_the_queue(void **state)
{
    struct rig r;
    open_rig(&r, 64 << 20);
    assert_true(gw_log_sink_empty(r.sink));
    put(&r, 3000);
    assert_false(gw_log_sink_empty(r.sink));
    assert_int_equal(gw_log_sink_flush(r.sink, &r.ack, true), GW_OK);
    assert_true(gw_log_sink_empty(r.sink));
    assert_int_equal(ledger_items(&r).accepted, 3000);
    assert_int_equal(r.called, 0);
    assert_int_equal(drain(&r), 3000); /* three frames, one ack_callback */
    assert_int_equal(r.called, 1);
    assert_int_equal(r.kept, 1);
    close_rig(&r);
}

static void a_full_queue_keeps_or_refuses(void **state)
{
    struct rig r;
    open_rig(&r, 200000);
    put(&r, 150);
    assert_int_equal(gw_log_sink_flush(r.sink, NULL, true), GW_OK);
    put(&r, 100);
    assert_int_equal(gw_log_sink_flush(r.sink, &r.ack, true), GW_QUEUE_FULL);
    assert_int_equal(ledger_items(&r).received, 150);
    put(&r, 10);
    assert_int_equal(gw_log_sink_flush(r.sink, &r.ack, true), GW_QUEUE_FULL);
    assert_int_equal(drain(&r), 150);
    assert_int_equal(gw_log_sink_flush(r.sink, &r.ack, true), GW_OK);
    assert_int_equal(ledger_items(&r).received, 260);
    put(&r, 100);
    assert_int_equal(gw_log_sink_flush(r.sink, &r.ack, false), GW_QUEUE_FULL);
    assert_true(gw_log_sink_empty(r.sink));
    assert_int_equal(ledger_items(&r).not_taken[GW_REASON_QUEUE_FULL], 100);
    assert_int_equal(r.called, 0);
    assert_int_equal(drain(&r), 110);
    assert_int_equal(r.called, 1);
    close_rig(&r);
}

/* Who waits leaves room for who cannot; when it is stopped there is no later to wait for. */
static void who_can_wait_leaves_room(void **state)
{
    struct rig r;
    open_rig(&r, 400000);
    put(&r, 150);
    assert_int_equal(gw_log_sink_flush(r.sink, NULL, true), GW_OK);
    put(&r, 100);
    assert_int_equal(gw_log_sink_flush(r.sink, NULL, true), GW_QUEUE_FULL);
    assert_int_equal(gw_log_sink_flush(r.sink, NULL, false), GW_OK);
    put(&r, 70);
    assert_int_equal(gw_log_sink_flush(r.sink, NULL, true), GW_QUEUE_FULL);
    gw_log_sink_stop(r.sink);
    assert_int_equal(gw_log_sink_flush(r.sink, NULL, true), GW_OK);
    assert_int_equal(drain(&r), 320);
    close_rig(&r);
}

static void what_nobody_exports_ends_at_once(void **state)
{
    struct rig r;
    open_rig(&r, 0);
    put(&r, 1);
    assert_int_equal(gw_log_sink_flush(r.sink, &r.ack, false), GW_OK);
    assert_int_equal(r.called, 1);
    /* nothing is brought to an end at once, too */
    assert_int_equal(gw_log_sink_flush(r.sink, &r.ack, false), GW_OK);
    assert_int_equal(r.called, 2);
    close_rig(&r);
}

/* Whoever waited for a time notices room within an eighth of that time, and half a second. */
static void pauses_grow_with_the_wait(void **state)
{
    gw_nsec pause = gw_log_sink_pause(0), waited = 0;
    assert_true(pause == 5 * GW_MSEC);
    for (; pause < GW_LOG_SINK_LONGEST; pause = gw_log_sink_pause(pause)) {
        assert_true(pause <= 5 * GW_MSEC + waited / 8);
        waited += pause;
    }
    assert_true(waited < 5 * GW_SEC && gw_log_sink_pause(pause) == GW_LOG_SINK_LONGEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_reach_the_queue),          cmocka_unit_test(a_full_queue_keeps_or_refuses),
        cmocka_unit_test(pauses_grow_with_the_wait),        cmocka_unit_test(who_can_wait_leaves_room),
        cmocka_unit_test(what_nobody_exports_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
