/* What components count becomes Prometheus' text format: names, types, labels, order.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/base/metrics.h"

struct thing {
    int other;
    atomic_uint_least64_t lines, open;
};

static const struct gw_metric rows[] = {
    GW_COUNTER_AT(struct thing, lines, "thing_lines_total", "Lines read."),
    GW_GAUGE_AT(struct thing, open, "thing_open", "Things that are open."),
    GW_GAUGE_ASKED("thing_behind_bytes", "path", "Not read yet."),
    GW_METRICS_END,
};
static const struct gw_metric per_path[] = {
    GW_COUNTER_FOR(struct thing, lines, "thing_asks_total", "path", "/a", "Asked."),
    GW_COUNTER_FOR(struct thing, open, "thing_asks_total", "path", "/b", "Asked."),
    GW_METRICS_END,
};

static void measure(void *ctx, struct gw_metrics *m)
{
    struct thing *t = ctx;
    gw_metrics_add_for(m, &rows[2], t->other, GW_STR("/var/log/a\"b\\c\nd"));
}

static char text[8192];

static void print(struct gw_metrics *m)
{
    FILE *to = fmemopen(text, sizeof text, "w");
    assert_true(gw_metrics_print(m, to));
    fclose(to);
    gw_metrics_drop(m);
}

static void samples_of_a_name_stand_together(void **state)
{
    struct thing a = {.other = 7, .lines = 12, .open = 1},
                 b = {.other = 8, .lines = UINT64_C(9007199254740991), .open = 0};
    struct gw_metrics *m = gw_metrics_new();
    gw_metrics_owner(m, "receiver", GW_STR("thing"));
    gw_metrics_component(m, rows, measure, &a);
    gw_metrics_owner(m, "receiver", GW_STR("thing/2"));
    gw_metrics_component(m, rows, measure, &b);
    print(m);
    assert_string_equal(
        text, "# HELP ddgate_thing_lines_total Lines read.\n"
              "# TYPE ddgate_thing_lines_total counter\n"
              "ddgate_thing_lines_total{receiver=\"thing\"} 12\n"
              "ddgate_thing_lines_total{receiver=\"thing/2\"} 9007199254740991\n"
              "# HELP ddgate_thing_open Things that are open.\n"
              "# TYPE ddgate_thing_open gauge\n"
              "ddgate_thing_open{receiver=\"thing\"} 1\n"
              "ddgate_thing_open{receiver=\"thing/2\"} 0\n"
              "# HELP ddgate_thing_behind_bytes Not read yet.\n"
              "# TYPE ddgate_thing_behind_bytes gauge\n"
              "ddgate_thing_behind_bytes{receiver=\"thing\",path=\"/var/log/a\\\"b\\\\c\\nd\"} 7\n"
              "ddgate_thing_behind_bytes{receiver=\"thing/2\",path=\"/var/log/a\\\"b\\\\c\\nd\"} 8\n");
}

static void what_every_program_has_keeps_its_name(void **state)
{
    static const struct gw_metric cpu = GW_COUNTER_ASKED("process_cpu_seconds_total", "", "CPU time."),
                                  two = GW_GAUGE_ASKED("two", "signal,reason", "Two labels.");
    struct gw_metrics *m = gw_metrics_new();
    gw_metrics_add(m, &cpu, 0.25);
    gw_metrics_add_for2(m, &two, 3, GW_STR("traces"), GW_STR("queue_full"));
    print(m);
    assert_string_equal(text, "# HELP process_cpu_seconds_total CPU time.\n"
                              "# TYPE process_cpu_seconds_total counter\n"
                              "process_cpu_seconds_total 0.25\n"
                              "# HELP ddgate_two Two labels.\n"
                              "# TYPE ddgate_two gauge\n"
                              "ddgate_two{signal=\"traces\",reason=\"queue_full\"} 3\n");
}

static void a_long_label_is_cut_and_stays_a_label(void **state)
{
    static const struct gw_metric row = GW_GAUGE_ASKED("long", "path", "A long label.");
    char path[4000], *at;
    memset(path, '"', sizeof path);
    struct gw_metrics *m = gw_metrics_new();
    gw_metrics_add_for(m, &row, 1, gw_str_n(path, sizeof path));
    print(m);
    assert_true(strlen(text) < 1200);
    assert_non_null(at = strstr(text, "\"} 1\n"));
    assert_int_equal(at[-1], '"');  /* escaped, … */
    assert_int_equal(at[-2], '\\'); /* … so the one after it is the end */
}

static void rows_of_a_name_differ_by_a_label(void **state)
{
    struct thing a = {.lines = 12, .open = 1};
    struct gw_metrics *m = gw_metrics_new();
    gw_metrics_component(m, per_path, NULL, &a);
    print(m);
    assert_string_equal(text, "# HELP ddgate_thing_asks_total Asked.\n"
                              "# TYPE ddgate_thing_asks_total counter\n"
                              "ddgate_thing_asks_total{path=\"/a\"} 12\n"
                              "ddgate_thing_asks_total{path=\"/b\"} 1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_of_a_name_stand_together),
        cmocka_unit_test(rows_of_a_name_differ_by_a_label),
        cmocka_unit_test(what_every_program_has_keeps_its_name),
        cmocka_unit_test(a_long_label_is_cut_and_stays_a_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
