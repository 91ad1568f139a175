/* Records in, frames out: what a record says, how records are grouped and cut.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/logs/log_show.h"

static struct log_input line(const char *text)
{
    return (struct log_input){.text = gw_str_z(text), .observed = 5};
}

static void a_line_is_a_record(void **state)
{
    struct log_bed b = {.options = {.service = GW_LIT("shop"), .env = GW_LIT("prod"), .parse = 1}};
    struct show s;
    struct log_attr attrs[] = {{.key = GW_LIT("log.file.path"), .text = GW_LIT("/a.log")},
                               {.key = GW_LIT("n"), .is_int = true, .number = -7}};
    log_bed_open(&b, "file");
    struct log_input in = line("hello \xff world");
    in.time = 1623982028786000001u;
    in.severity = 13;
    in.severity_text = GW_STR("warning");
    in.attrs = attrs;
    in.attrs_n = 2;
    in.cut = 100;
    in.host = GW_STR("h1");
    assert_int_equal(log_add(b.batch, &in), GW_OK);
    struct gw_intake intake = log_bed_show(&b, &s);
    assert_int_equal(intake.received, 1);
    assert_string_equal(s.text, "{service.name=\"shop\" deployment.environment.name=\"prod\" "
                                "host.name=\"h1\"} @1623982028.786000001 warning(13) "
                                "\"hello \xef\xbf\xbd world\" {log.file.path=\"/a.log\" n=-7 "
                                "log.record.truncated_bytes=100 datadog.log.source=\"file\"}\n");
    log_bed_close(&b);
}

static void records_of_one_resource_stand_together(void **state)
{
    struct log_bed b = {.options = {.parse = 1}};
    struct show s;
    log_bed_open(&b, "tcp");
    for (int i = 0; i < 4; i++) {
        struct log_input in = line(i < 2 ? "early" : "late");
        in.service = i % 2 ? GW_STR("b") : GW_STR("a");
        assert_int_equal(log_add(b.batch, &in), GW_OK);
    }
    log_bed_show(&b, &s);
    assert_string_equal(s.text, "{service.name=\"a\"} \"early\" {datadog.log.source=\"tcp\"}\n"
                                "{service.name=\"a\"} \"late\" {datadog.log.source=\"tcp\"}\n"
                                "{service.name=\"b\"} \"early\" {datadog.log.source=\"tcp\"}\n"
                                "{service.name=\"b\"} \"late\" {datadog.log.source=\"tcp\"}\n");
    log_bed_close(&b);
}

static void options_add_tags_and_resource(void **state)
{
    struct gw_map_item tag = {GW_LIT("team"), GW_LIT("blue")},
                       over[] = {{GW_LIT("service.name"), GW_LIT("fixed")}, {GW_LIT("x"), GW_LIT("y")}};
    struct log_bed b = {
        .options = {.source = GW_LIT("nginx"), .tags = {&tag, 1}, .resource = {over, 2}, .parse = 1}};
    struct show s;
    struct log_input in = line("");
    in.service = GW_STR("other");
    log_bed_open(&b, "file");
    assert_int_equal(log_add(b.batch, &in), GW_OK);
    log_bed_show(&b, &s);
    assert_string_equal(
        s.text, "{service.name=\"fixed\" x=\"y\"} \"\" {datadog.log.source=\"nginx\" team=\"blue\"}\n");
    log_bed_close(&b);
}

static void a_record_may_be_empty(void **state)
{
    for (int parse = 0; parse < 2; parse++) {
        struct log_bed b = {.options = {.parse = parse}};
        struct show s;
        struct log_input in = {.observed = 5};
        log_bed_open(&b, "f");
        assert_int_equal(log_add(b.batch, &in), GW_OK);
        log_bed_show(&b, &s);
        assert_non_null(strstr(s.text, "{datadog.log.source=\"f\"}"));
        log_bed_close(&b);
    }
}

/* What stays the same from record to record is written once; what changes, or stands in the record already,
 * is not taken from there. */
static void attributes_of_the_intake_may_change(void **state)
{
    struct gw_map_item tag = {GW_LIT("team"), GW_LIT("blue")};
    struct log_bed b = {.options = {.tags = {&tag, 1}}};
    struct show s;
    char path[] = "/a.log";
    struct log_attr attrs[] = {{.key = GW_LIT("path"), .text = {path, 6}},
                               {.key = GW_LIT("n"), .is_int = true, .number = 1}};
    struct log_input in = {.text = GW_STR("x"), .observed = 5, .attrs = attrs, .attrs_n = 2};
    log_bed_open(&b, "f");
    for (int i = 0; i < 5; i++) {
        path[1] = "aabbb"[i]; /* the same memory */
        attrs[1].number = i == 3;
        in.text = i == 4 ? GW_STR("{\"path\":\"own\",\"msg\":\"x\"}") : GW_STR("x");
        assert_int_equal(log_add(b.batch, &in), GW_OK);
    }
    log_bed_show(&b, &s);
    assert_string_equal(s.text, "{service.name=\"unknown_service\"} (9) \"x\" {path=\"/a.log\" n=0 "
                                "datadog.log.source=\"f\" team=\"blue\"}\n"
                                "{service.name=\"unknown_service\"} (9) \"x\" {path=\"/a.log\" n=0 "
                                "datadog.log.source=\"f\" team=\"blue\"}\n"
                                "{service.name=\"unknown_service\"} (9) \"x\" {path=\"/b.log\" n=0 "
                                "datadog.log.source=\"f\" team=\"blue\"}\n"
                                "{service.name=\"unknown_service\"} (9) \"x\" {path=\"/b.log\" n=1 "
                                "datadog.log.source=\"f\" team=\"blue\"}\n"
                                "{service.name=\"unknown_service\"} (9) \"x\" {path=\"own\" n=0 "
                                "datadog.log.source=\"f\" team=\"blue\"}\n");
    log_bed_close(&b);
}

/* Frames stay near their size, hold every record once, and what does not fit into the call comes with the
 * next. */
static void large_batches_are_cut(void **state)
{
    enum { RECORDS = 5000 };
    struct log_bed b = {.options = {.parse = 1}};
    static char text[1000];
    memset(text, 'x', sizeof text);
    log_bed_open(&b, "udp");
    for (int i = 0; i < RECORDS; i++) {
        struct log_input in = {.text = {text, sizeof text},
                               .observed = 1,
                               .service = i % 3 ? (gw_str)GW_LIT("a") : (gw_str)GW_LIT("b")};
        assert_int_equal(log_add(b.batch, &in), GW_OK);
    }
    size_t calls = 0, items = 0;
    while (log_batch_records(b.batch)) {
        struct gw_frame *frames[2];
        struct gw_intake intake;
        size_t n = log_finish(b.batch, frames, 2, &intake);
        uint64_t sum = 0;
        for (size_t i = 0; i < n; i++) {
            assert_in_range(frames[i]->len, 1, GW_FRAME_BYTES + 4096);
            sum += frames[i]->items;
            gw_frame_drop(frames[i]);
        }
        assert_int_equal(intake.received, sum);
        items += sum;
        calls++;
    }
    assert_int_equal(items, RECORDS);
    assert_in_range(calls, 3, 4);
    assert_int_equal(b.budget.used, 0);
    log_bed_close(&b);
}

/* Every name its own group, found again the second time. */
static void many_services_and_loggers(void **state)
{
    enum { NAMES = 20000 };
    struct log_bed b = {.options = {.source = GW_LIT("x")}};
    static char text[64];
    struct gw_frame *frames[16];
    struct gw_intake intake;
    log_bed_open(&b, "http");
    for (int i = 0; i < 2 * NAMES; i++) {
        snprintf(text, sizeof text, "{\"dd.service\":\"s%d\",\"logger\":\"l%d\",\"msg\":\"m\"}",
                 i % NAMES / 2, i % NAMES);
        struct log_input in = {.text = gw_str_z(text), .observed = 1};
        assert_int_equal(log_add(b.batch, &in), GW_OK);
    }
    size_t n = log_finish(b.batch, frames, 16, &intake), resources = 0, scopes = 0;
    assert_int_equal(intake.received, 2 * NAMES);
    while (n--) {
        show_logs *logs =
            opentelemetry__proto__logs__v1__logs_data__unpack(NULL, frames[n]->len, frames[n]->data);
        resources += logs->n_resource_logs;
        for (size_t i = 0; i < logs->n_resource_logs; i++)
            scopes += logs->resource_logs[i]->n_scope_logs;
        opentelemetry__proto__logs__v1__logs_data__free_unpacked(logs, NULL);
        gw_frame_drop(frames[n]);
    }
    assert_in_range(scopes, NAMES, NAMES + 16); /* one may be cut by each frame */
    assert_in_range(resources, NAMES / 2, NAMES / 2 + 16);
    log_bed_close(&b);
}

static void memory_is_bounded(void **state)
{
    struct log_bed b = {.budget = {.limit = 3 << 20}, .options = {.parse = 1}};
    static char text[100000];
    memset(text, 'x', sizeof text);
    log_bed_open(&b, "udp");
    struct log_input in = {.text = {text, sizeof text}, .observed = 1};
    int taken = 0;
    while (taken < 1000 && log_add(b.batch, &in) == GW_OK)
        taken++;
    assert_in_range(taken, 60, 90);
    struct gw_frame *frames[16];
    struct gw_intake intake;
    size_t n = log_finish(b.batch, frames, 16, &intake);
    assert_int_equal(intake.received, taken);
    while (n)
        gw_frame_drop(frames[--n]);
    assert_int_equal(log_add(b.batch, &in), GW_OK);
    log_bed_close(&b);
}

static void a_wrong_zone_is_said(void **state)
{
    struct log_bed b = {.options = {.timezone = GW_LIT("Mars/Olympus")}};
    log_bed_open(&b, "file");
    assert_int_equal(gw_diagnostics_errors(b.diagnostics), 1);
    log_bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_record),
        cmocka_unit_test(records_of_one_resource_stand_together),
        cmocka_unit_test(options_add_tags_and_resource),
        cmocka_unit_test(a_record_may_be_empty),
        cmocka_unit_test(attributes_of_the_intake_may_change),
        cmocka_unit_test(large_batches_are_cut),
        cmocka_unit_test(many_services_and_loggers),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(a_wrong_zone_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
