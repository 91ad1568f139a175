/* The ledger as JSON and as samples.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/delivery/ledger_report.h"

static char text[32768];

/* 50 spans arrived, 40 were accepted, of which an exporter with an unusual name has brought 25 to different
 * ends. */
static struct gw_ledger *busy(void)
{
    struct gw_ledger *l = gw_ledger_new();
    struct gw_intake in = {
        .received = 50, .not_taken[GW_REASON_BAD_SPAN] = 2, .not_taken[GW_REASON_SAMPLED_OUT] = 8};
    unsigned e = gw_ledger_exporter(l, "a\"b\\c\n", 1u << GW_TRACES);
    gw_ledger_intake(l, GW_TRACES, &in, UINT64_C(1) << e);
    gw_ledger_move(l, e, GW_TRACES, GW_QUEUED, GW_IN_PROCESS, 0, 30);
    gw_ledger_move(l, e, GW_TRACES, GW_IN_PROCESS, GW_DELIVERED, 0, 10);
    gw_ledger_move(l, e, GW_TRACES, GW_IN_PROCESS, GW_REJECTED, 0, 7);
    gw_ledger_move(l, e, GW_TRACES, GW_IN_PROCESS, GW_SET_ASIDE, 0, 5);
    gw_ledger_move(l, e, GW_TRACES, GW_QUEUED, GW_DROPPED, GW_REASON_EXPIRED, 3);
    gw_ledger_recovered(l, e, GW_TRACES, 6);
    gw_ledger_move(l, e, GW_TRACES, GW_QUEUED, GW_STORED, 0, 6);
    return l;
}

static void as_json(void **state)
{
    struct gw_ledger *l = busy();
    struct gw_ledger_view v;
    gw_ledger_read(l, &v);
    FILE *to = fmemopen(text, sizeof text, "w");
    gw_ledger_json(to, &v);
    fclose(to);
    const char *begin = "{\"balanced\":true,\"signals\":{\"traces\":{\"received\":50,\"refused\":{\"bad_"
                        "span\":2},\"dropped\":{\"sampled_out\":8},"
                        "\"accepted\":40,\"trace_ids_left_at_64_bits\":0,\"exporters\":{"
                        "\"a\\\"b\\\\c\\u000a\":{\"accepted\":40,\"not_asked\":0,"
                        "\"recovered\":6,"
                        "\"queued\":7,\"in_process\":8,\"sent\":10,\"rejected\":7,\"set_aside\":5,\"stored\":"
                        "6,\"dropped\":{\"expired\":3}}}},"
                        "\"logs\":{\"received\":0,";
    assert_memory_equal(text, begin, strlen(begin));
    v.signal[GW_TRACES].received++;
    to = fmemopen(text, sizeof text, "w");
    gw_ledger_json(to, &v);
    fclose(to);
    assert_non_null(strstr(text, "\"balanced\":false"));
    gw_ledger_drop(l);
}

static void has(const char *line)
{
    if (!strstr(text, line))
        fail_msg("%s is not in\n%s", line, text);
}

static void as_samples(void **state)
{
    struct gw_ledger *l = busy();
    struct gw_ledger_view v;
    struct gw_metrics *m = gw_metrics_new();
    gw_ledger_read(l, &v);
    gw_ledger_measure(&v, m);
    FILE *to = fmemopen(text, sizeof text, "w");
    assert_true(gw_metrics_print(m, to));
    fclose(to);
    gw_metrics_drop(m);
    has("\nddgate_items_refused_total{signal=\"traces\",reason=\"bad_span\"} 2\n");
    has("\nddgate_items_dropped_total{signal=\"traces\",reason=\"sampled_out\"} 8\n");
    has("\nddgate_exporter_items_queued{exporter=\"a\\\"b\\\\c\\n\",signal=\"traces\"} 7\n");
    has("\nddgate_exporter_items_dropped_total{exporter=\"a\\\"b\\\\c\\n\",signal=\"traces\",reason="
        "\"expired\"} 3\n");
    has("\nddgate_exporter_items_recovered_total{exporter=\"a\\\"b\\\\c\\n\",signal=\"traces\"} 6\n");
    has("\nddgate_exporter_items_stored{exporter=\"a\\\"b\\\\c\\n\",signal=\"traces\"} 6\n");
    has("\nddgate_exporter_items_set_aside_total{exporter=\"a\\\"b\\\\c\\n\",signal=\"traces\"} 5\n");
    assert_null(strstr(text, "signal=\"logs\",reason"));
    gw_ledger_drop(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_json),
        cmocka_unit_test(as_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
