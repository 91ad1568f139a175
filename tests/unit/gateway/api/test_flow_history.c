/* The last hour: what a step holds, gaps, the end of the ring, rates; with times of the test's own.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/api/flow_history.h"

static struct gw_ledger_view view;

static int setup(void **state)
{
    view = (struct gw_ledger_view){.exporters = 1, .exporter_name = {"s\"l"}};
    *state = gw_flow_history_new(0);
    return 0;
}

static int teardown(void **state)
{
    gw_flow_history_drop(*state);
    return 0;
}

static void receive(uint64_t n)
{
    struct gw_ledger_signal *s = &view.signal[GW_TRACES];
    s->received += n;
    s->accepted += n;
    s->exporter[0].accepted += n;
    s->exporter[0].at[GW_QUEUED] += n;
}

static void deliver(uint64_t n)
{
    view.signal[GW_TRACES].exporter[0].at[GW_QUEUED] -= n;
    view.signal[GW_TRACES].exporter[0].at[GW_DELIVERED] += n;
}

static char text[1 << 20];

static void write_json(struct gw_flow_history *h)
{
    FILE *to = fmemopen(text, sizeof text, "w");
    gw_flow_history_json(h, &view, to);
    fclose(to);
}

/* The last n points of a series. */
static void assert_points(struct gw_flow_history *h, const char *name, const char *last)
{
    char key[64];
    write_json(h);
    snprintf(key, sizeof key, "\"%s\":[", name);
    char *from = strstr(text, key), *end = from ? strchr(from, ']') : NULL;
    assert_non_null(end);
    *end = '\0';
    assert_true((size_t)(end - from) > strlen(last));
    assert_string_equal(end - strlen(last), last);
}

static void a_step_holds_what_came_in_it(void **state)
{
    struct gw_flow_history *h = *state;
    receive(5);
    gw_flow_history_sample(h, &view, 100, 1, GW_FLOW_STEP);
    receive(7);
    deliver(10);
    gw_flow_history_sample(h, &view, 150, 2, 2 * GW_FLOW_STEP);
    gw_flow_history_sample(h, &view, 150, 3, 3 * GW_FLOW_STEP);
    assert_points(h, "traces.received", ",null,5,7,0");
    assert_points(h, "s\\\"l.traces.sent", ",null,0,10,0"); /* the name is escaped */
    assert_points(h, "s\\\"l.traces.queued", ",null,5,2,2");
    assert_points(h, "bytes.received", ",null,100,50,0");
    write_json(h);
    assert_non_null(strstr(text, "\"step\":10000000000,\"end\":\"3\",\"points\":360,"));
    assert_null(strstr(text, "logs")); /* of which nothing ever came */
}

static void steps_that_nobody_ended_are_empty(void **state)
{
    struct gw_flow_history *h = *state;
    receive(5);
    gw_flow_history_sample(h, &view, 0, 1, GW_FLOW_STEP);
    receive(2);
    gw_flow_history_sample(h, &view, 0, 2, 4 * GW_FLOW_STEP + GW_SEC);
    assert_points(h, "traces.received", ",null,5,0,0,2");
    assert_points(h, "s\\\"l.traces.queued", ",5,5,5,7");
    assert_int_equal(gw_flow_history_due(h), 5 * GW_FLOW_STEP);
    receive(1); /* the machine slept for a day */
    gw_flow_history_sample(h, &view, 0, 3, 9000 * GW_FLOW_STEP);
    assert_points(h, "traces.received", ",0,0,1");
    assert_int_equal(gw_flow_history_due(h), 9001 * GW_FLOW_STEP);
}

static void an_hour_is_kept(void **state)
{
    struct gw_flow_history *h = *state;
    for (int i = 1; i <= GW_FLOW_POINTS + 3; i++) {
        receive((uint64_t)i);
        gw_flow_history_sample(h, &view, 0, i, i * GW_FLOW_STEP);
    }
    write_json(h);
    assert_non_null(strstr(text, "\"traces.received\":[4,5,6,"));
    assert_points(h, "traces.received", ",361,362,363");
}

static void the_rate_is_of_the_last_steps(void **state)
{
    struct gw_flow_history *h = *state;
    receive(100);
    deliver(100);
    gw_flow_history_sample(h, &view, 0, 1, GW_FLOW_STEP);
    receive(40);
    gw_flow_history_sample(h, &view, 0, 2, 2 * GW_FLOW_STEP);
    deliver(30);
    struct gw_flow_rate r = gw_flow_history_rate(h, &view, 0, 2 * GW_FLOW_STEP + 5 * GW_SEC);
    assert_true(r.sent > 1.99 && r.sent < 2.01);   /* 30 in 15 s */
    assert_true(r.given > 2.66 && r.given < 2.67); /* 40 in 15 s */
}

/* Each exporter adds series, and a configuration may have many in its time. */
static void series_are_bounded(void **state)
{
    struct gw_flow_history *h = *state;
    view.exporters = GW_LEDGER_EXPORTERS;
    for (unsigned e = 0; e < GW_LEDGER_EXPORTERS; e++) {
        snprintf(view.exporter_name[e], sizeof view.exporter_name[e], "e%u", e);
        for (int i = 0; i < GW_SIGNALS; i++)
            view.signal[i].exporter[e].at[GW_DELIVERED] = view.signal[i].exporter[e].at[GW_DROPPED] = 1;
    }
    gw_flow_history_sample(h, &view, 0, 1, GW_FLOW_STEP);
    write_json(h);
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, "\":[")); at++)
        n++;
    assert_int_equal(n, GW_FLOW_SERIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_step_holds_what_came_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(steps_that_nobody_ended_are_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(an_hour_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(the_rate_is_of_the_last_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(series_are_bounded, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
