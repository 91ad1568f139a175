/* Lines of DogStatsD: what each section means, what costs the line, and lengths of events.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "translators/metrics/dogstatsd_line.h"
#include "translators/metrics/metric_unit.h"

static void is_text(gw_str got, const char *wanted)
{
    if (!gw_str_eq(got, gw_str_z(wanted)))
        fail_msg("got \"%.*s\", wanted \"%s\"", GW_FMT(got), wanted);
}

static struct dsd_line read_line(const char *text)
{
    struct dsd_line l;
    enum dsd_reason why = dsd_read(gw_str_z(text), &l);
    if (why != DSD_TAKEN)
        fail_msg("\"%s\" is refused: %s", text, dsd_reason_label(why));
    return l;
}

static void every_section_of_a_metric_is_read(void **state)
{
    struct dsd_line l = read_line("page.views:1:3|c|@0.5|#env:prod,service:web,bare|c:ci-83f|"
                                  "e:it-false,cn-app,pu-75|card:low|T1656581400|x:unknown");
    assert_int_equal(l.kind, DSD_METRIC);
    is_text(l.metric.name, "page.views");
    is_text(l.metric.values, "1:3");
    assert_int_equal(l.metric.type, DSD_COUNT);
    assert_true(l.metric.rate == 0.5);
    is_text(l.origin.tags, "env:prod,service:web,bare");
    is_text(l.origin.container, "ci-83f");
    is_text(l.origin.external, "it-false,cn-app,pu-75");
    is_text(l.origin.cardinality, "low");
    assert_int_equal(l.origin.time, 1656581400);
}

static void types_have_their_letters(void **state)
{
    static const struct {
        const char *line;
        enum dsd_type type;
    } rows[] = {{"a:1|c", DSD_COUNT},     {"a:1|g", DSD_GAUGE},        {"a:1|ms", DSD_TIMING},
                {"a:1|h", DSD_HISTOGRAM}, {"a:1|d", DSD_DISTRIBUTION}, {"a:x:y|s", DSD_SET}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(read_line(rows[i].line).metric.type, rows[i].type);
    is_text(read_line("a:x:y|s").metric.values, "x:y");
}

static void a_line_that_is_wrong_is_refused_for_its_reason(void **state)
{
    static const struct {
        const char *line, *reason;
    } rows[] = {
        {"a:1", "no_type"},
        {"hello", "no_type"},
        {":1|c", "no_name"},
        {"a|c", "no_name"},
        {"a:|c", "bad_value"},
        {"a:1|", "bad_type"},
        {"a:1|x", "bad_type"},
        {"a:1|mss", "bad_type"},
        {"a:1|c|@0", "bad_rate"},
        {"a:1|c|@1.5", "bad_rate"},
        {"a:1|c|@-1", "bad_rate"},
        {"a:1|c|@1e-13", "bad_rate"},
        {"a:1|c|@nan", "bad_rate"},
        {"a:1|c|@", "bad_rate"},
        {"a:1|c|T0", "bad_time"},
        {"a:1|c|T-5", "bad_time"},
        {"a:1|c|Tnow", "bad_time"},
        {"a:1|c|T99999999999999999", "bad_time"},
        {"_e{5,4}:title|tex", "bad_event"},
        {"_e{0,4}:|text", "bad_event"},
        {"_e{5,4:title|text", "bad_event"},
        {"_e{x,4}:title|text", "bad_event"},
        {"_e{18446744073709551615,18446744073709551615}:a|b", "bad_event"},
        {"_e{4611686018427387903,4611686018427387903}:a|b", "bad_event"},
        {"_e{5,4}:title|textra", "bad_event"},
        {"_sc|name|4", "bad_service_check"},
        {"_sc|name|", "bad_service_check"},
        {"_sc||0", "bad_service_check"},
        {"_sc|name|00", "bad_service_check"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dsd_line l;
        is_text(gw_str_z(dsd_reason_label(dsd_read(gw_str_z(rows[i].line), &l))), rows[i].reason);
    }
}

static void values_are_numbers(void **state)
{
    gw_str values = GW_STR("1::-2:+3.5:1e3:123456789012345678:x:nan:inf:0x10:");
    static const double wanted[] = {1, -2, 3.5, 1000, 123456789012345678.0};
    double v;
    bool good;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_true(dsd_next_value(&values, &v, &good) && good);
        assert_true(v == wanted[i]);
    }
    for (size_t i = 0; i < 4; i++)
        assert_true(dsd_next_value(&values, &v, &good) && !good);
    assert_false(dsd_next_value(&values, &v, &good));
}

static void datagrams_hold_lines(void **state)
{
    gw_str datagram = GW_STR("\na:1|c\r\n\n\r\nb:2|g\n"), line;
    assert_true(dsd_next(&datagram, &line));
    is_text(line, "a:1|c");
    assert_true(dsd_next(&datagram, &line));
    is_text(line, "b:2|g");
    assert_false(dsd_next(&datagram, &line));
}

static void events_are_read_by_their_lengths(void **state)
{
    struct dsd_line l =
        read_line("_e{7,9}:a|b_e{1|text\\n|c:|d:21|h:web1|k:key|p:low|s:nagios|t:warning|#env:prod|c:ci-1");
    char out[32];
    assert_int_equal(l.kind, DSD_EVENT);
    is_text(l.event.title, "a|b_e{1");
    is_text(l.event.text, "text\\n|c:");
    is_text(gw_str_n(out, dsd_unescape(l.event.text, out)), "text\n|c:");
    assert_int_equal(l.origin.time, 21);
    is_text(l.event.host, "web1");
    is_text(l.event.aggregation_key, "key");
    assert_true(l.event.low_priority);
    is_text(l.event.source, "nagios");
    assert_int_equal(l.event.alert, DSD_WARNING);
    is_text(l.origin.tags, "env:prod");
    is_text(l.origin.container, "ci-1");
    assert_int_equal(read_line("_e{2,2}:é|é").event.alert, DSD_INFO);
    assert_int_equal(read_line("_e{2,0}:ab||t:error").event.alert, DSD_ERROR);
}

static void lengths_may_count_characters_of_javascript(void **state)
{
    struct dsd_line l;
    assert_string_equal(dsd_reason_label(dsd_read(GW_STR("_e{5,7}:h\xc3\xa4user|x"), &l)), "bad_event");
    l = read_line("_e{6,6}:h\xc3\xa4user|\xf0\x9f\x98\x80 \xe2\x82\xac|x|t:error");
    is_text(l.event.title, "h\xc3\xa4user");
    is_text(l.event.text, "\xf0\x9f\x98\x80 \xe2\x82\xac|x");
    assert_int_equal(l.event.alert, DSD_ERROR);
}

static void checks_end_with_their_message(void **state)
{
    struct dsd_line l = read_line("_sc|db.up|2|d:21|h:web1|#env:prod|m:no|answer m\\: x\\n|#a:b");
    char out[64];
    assert_int_equal(l.kind, DSD_SERVICE_CHECK);
    is_text(l.check.name, "db.up");
    assert_int_equal(l.check.status, 2);
    is_text(l.check.host, "web1");
    is_text(l.origin.tags, "env:prod");
    is_text(gw_str_n(out, dsd_unescape(l.check.message, out)), "no|answer m: x\n|#a:b");
    assert_int_equal(read_line("_sc|a|0").check.status, 0);
    l = read_line("_sc|a|1|m:no|answer|c:ci-1|e:it-false|card:low"); /* Datadog's library for Python */
    is_text(l.check.message, "no|answer");
    is_text(l.origin.container, "ci-1");
    is_text(l.origin.external, "it-false");
    is_text(read_line("_sc|a|1|m:|c:x").check.message, "");
}

static void units_stand_at_the_end_of_a_name(void **state)
{
    is_text(metric_unit_of(GW_STR("request.duration.seconds")), "s");
    is_text(metric_unit_of(GW_STR("disk_used_bytes")), "By");
    is_text(metric_unit_of(GW_STR("cpu.percent")), "%");
    is_text(metric_unit_of(GW_STR("minutes")), "");
    is_text(metric_unit_of(GW_STR("page.views")), "");
    is_text(metric_unit_of(GW_STR("items")), "");
    is_text(metric_unit_of(GW_STR("jvm.heap_memory")), "By");
    is_text(metric_unit_of(GW_STR("jvm.gc.old_gen_size")), "By");
    is_text(metric_unit_of(GW_STR("jvm.buffer_pool.direct.count")), "");
    is_text(metric_unit_of(GW_STR("runtime.node.event_loop.delay.count")), "");
    is_text(metric_unit_of(GW_STR("runtime.node.event_loop.delay.avg")), "ns");
    is_text(metric_unit_of(GW_STR("runtime.go.metrics.gc_pauses.seconds.p95")), "s");
    is_text(metric_unit_of(GW_STR("request.seconds.count")), "");
    is_text(metric_unit_of(GW_STR("max")), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_section_of_a_metric_is_read),
        cmocka_unit_test(types_have_their_letters),
        cmocka_unit_test(a_line_that_is_wrong_is_refused_for_its_reason),
        cmocka_unit_test(values_are_numbers),
        cmocka_unit_test(datagrams_hold_lines),
        cmocka_unit_test(events_are_read_by_their_lengths),
        cmocka_unit_test(lengths_may_count_characters_of_javascript),
        cmocka_unit_test(checks_end_with_their_message),
        cmocka_unit_test(units_stand_at_the_end_of_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
