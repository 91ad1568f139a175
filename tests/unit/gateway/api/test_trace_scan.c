/* Traces among recent frames: roots, services, upper halves, logs, and what a follower sees of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <endian.h>

#include "core/delivery/frame.h"
#include "gateway/api/trace_scan.h"
#include "translators/otlp/otlp_write.h"

enum { RING = 8 * 1024 * 1024 };

static struct gw_budget budget;

static int setup(void **state)
{
    budget = (struct gw_budget){.limit = 64 * 1024 * 1024};
    gw_recent_open(&budget, RING, true);
    return 0;
}

static int teardown(void **state)
{
    gw_recent_close();
    return atomic_load(&budget.used) == 0 ? 0 : -1; /* everything was given back */
}

struct made {
    uint64_t high, low, parent, start, end;
    const char *name;
    int status;
};

static void put_id(struct otlp_buf *w, unsigned field, uint64_t high, uint64_t low, bool is_trace)
{
    uint64_t id[2] = {htobe64(high), htobe64(low)};
    size_t mark = otlp_open(w, field, 1);
    otlp_append(w, is_trace ? gw_str_n((char *)id, 16) : gw_str_n((char *)&id[1], 8));
    otlp_close(w, mark, 1);
}

static void put_fixed(struct otlp_buf *w, unsigned field, uint64_t n)
{
    uint8_t bytes[9] = {(uint8_t)(field << 3 | 1)};
    n = htole64(n);
    memcpy(bytes + 1, &n, 8);
    otlp_append(w, gw_str_n((char *)bytes, 9));
}

static void put_span(struct otlp_buf *w, const struct made *m)
{
    size_t span = otlp_open(w, 2, 2);
    put_id(w, 1, m->high, m->low, true);
    put_id(w, 2, 0, 7, false);
    if (m->parent)
        put_id(w, 4, 0, m->parent, false);
    otlp_text(w, 5, gw_str_z(m->name));
    put_fixed(w, 7, m->start);
    put_fixed(w, 8, m->end);
    if (m->status) {
        size_t status = otlp_open(w, 15, 1);
        otlp_append(w, gw_str_n((const char[]){3 << 3, (char)m->status}, 2));
        otlp_close(w, status, 1);
    }
    otlp_close(w, span, 2);
}

/* A frame of one resource with these spans. */
static void put_frame(uint64_t request, const char *service, bool is_first, size_t n,
                      const struct made *spans)
{
    struct otlp_buf w = {0};
    size_t group = otlp_open(&w, 1, 2), resource = otlp_open(&w, 1, 1);
    otlp_attr_text(&w, 1, GW_STR("service.name"), gw_str_z(service));
    otlp_close(&w, resource, 1);
    size_t scope = otlp_open(&w, 2, 2);
    for (size_t i = 0; i < n; i++)
        put_span(&w, &spans[i]);
    otlp_close(&w, scope, 2);
    otlp_close(&w, group, 2);
    assert_true(gw_recent_put(&(struct gw_recent_entry){.kind = GW_RECENT_FRAME,
                                                        .link = request,
                                                        .signal = GW_TRACES,
                                                        .is_first = is_first,
                                                        .parts = {[GW_FRAME_DATA] = otlp_written(&w)}}) > 0);
    otlp_fini(&w);
}

static void put_line(uint64_t high, uint64_t low)
{
    struct otlp_buf w = {0};
    put_id(&w, 9, high, low, true);
    assert_true(gw_recent_put(&(struct gw_recent_entry){.kind = GW_RECENT_LINE,
                                                        .signal = GW_LOGS,
                                                        .parts = {[GW_LINE_RECORD] = otlp_written(&w)}}) > 0);
    otlp_fini(&w);
}

static struct trace_scan *scan(const char *filter)
{
    struct gw_filter f;
    assert_int_equal(gw_filter_read(&f, gw_str_z(filter), NULL), GW_OK);
    struct trace_scan *s = trace_scan_new(&budget, &f, 0);
    assert_non_null(s);
    while (trace_scan_step(s, 1000))
        continue;
    return s;
}

static struct scan_trace *only_row(struct trace_scan *s)
{
    size_t n;
    struct scan_trace *rows = trace_scan_rows(s, &n);
    assert_int_equal(n, 1);
    return rows;
}

static void a_trace_is_added_up(void **state)
{
    const struct made web[] = {{5, 9, 3, 200, 900, "child", 2}, {5, 9, 0, 100, 800, "GET /a", 0}};
    const struct made db[] = {{5, 9, 7, 300, 1000, "SELECT", 2}};
    uint64_t request =
        gw_recent_put(&(struct gw_recent_entry){.kind = GW_RECENT_REQUEST,
                                                .parts = {[GW_REQUEST_RECEIVER] = GW_STR("ddtrace"),
                                                          [GW_REQUEST_LANGUAGE] = GW_STR("python"),
                                                          [GW_REQUEST_CLIENT_VERSION] = GW_STR("4.0.1")}});
    put_line(0, 9); /* before its spans, and with half of the id */
    put_frame(request, "web", true, 2, web);
    put_frame(request, "web", false, 2, web); /* the same in another schema */
    put_frame(request, "db", true, 1, db);
    struct trace_scan *s = scan("service:db");
    const struct scan_trace *t = only_row(s);
    assert_int_equal(t->high, 5);
    assert_int_equal(t->spans, 3);
    assert_int_equal(t->errors, 2);
    assert_int_equal(t->logs, 1);
    assert_int_equal(t->start, 100);
    assert_int_equal(t->end, 1000);
    assert_true(t->has_root);
    assert_string_equal(t->root, "GET /a");
    assert_string_equal(trace_scan_text(s, t->service), "web");
    assert_int_equal(t->services_n, 2);
    assert_string_equal(trace_scan_text(s, t->services[1]), "db");
    assert_string_equal(trace_scan_text(s, t->receiver), "ddtrace");
    assert_string_equal(trace_scan_text(s, t->client), "python 4.0.1");
    assert_int_equal(t->met, 1);
    trace_scan_drop(s);
}

static void until_the_root_comes_the_first_span_stands_for_it(void **state)
{
    const struct made late = {1, 2, 8, 500, 600, "late", 0}, early = {1, 2, 8, 400, 450, "early", 0},
                      root = {1, 2, 0, 450, 700, "root", 0};
    put_frame(0, "a", true, 1, &late);
    put_frame(0, "b", true, 1, &early);
    struct trace_scan *s = scan("");
    assert_string_equal(only_row(s)->root, "early");
    assert_false(only_row(s)->has_root);
    only_row(s)->is_changed = false;
    put_frame(0, "c", true, 1, &root);
    assert_false(trace_scan_step(s, 1000)); /* it goes on from where it was */
    assert_string_equal(only_row(s)->root, "root");
    assert_true(only_row(s)->has_root && only_row(s)->is_changed);
    assert_int_equal(only_row(s)->spans, 3);
    trace_scan_drop(s);
}

static void ids_that_share_a_lower_half_are_one_unless_both_are_whole(void **state)
{
    const struct made spans[] = {{0, 9, 0, 1, 2, "x", 0}, {5, 9, 0, 1, 2, "y", 0}, {6, 9, 0, 1, 2, "z", 0}};
    size_t n;
    put_frame(0, "a", true, 3, spans);
    struct trace_scan *s = scan("");
    struct scan_trace *rows = trace_scan_rows(s, &n);
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].spans + rows[1].spans, 3);
    assert_int_equal(rows[0].high, 5);
    assert_int_equal(rows[1].high, 6);
    trace_scan_drop(s);
}

static void of_too_many_the_older_half_is_forgotten(void **state)
{
    size_t n;
    for (uint64_t i = 1; i <= SCAN_TRACES + 10; i++) {
        const struct made m = {1, i, 0, i, i + 1, "x", 0};
        put_frame(0, "a", true, 1, &m);
    }
    struct trace_scan *s = scan("");
    const struct scan_trace *rows = trace_scan_rows(s, &n);
    assert_true(trace_scan_is_partial(s));
    assert_int_equal(n, SCAN_TRACES / 2 + 10);
    for (size_t i = 0; i < n; i++)
        assert_true(rows[i].low > SCAN_TRACES / 2);
    trace_scan_drop(s);
}

static void an_entry_larger_than_a_page_is_read(void **state)
{
    struct made *spans = calloc(10000, sizeof *spans);
    for (size_t i = 0; i < 10000; i++)
        spans[i] = (struct made){1, 1, i ? 5 : 0, i, i + 1, "a name of some length", 0};
    put_frame(0, "a", true, 10000, spans);
    struct trace_scan *s = scan("");
    assert_int_equal(only_row(s)->spans, 10000);
    assert_false(trace_scan_is_partial(s));
    trace_scan_drop(s);
    free(spans);
}

static void without_memory_there_is_no_scan(void **state)
{
    struct gw_filter f = {.n = 0};
    struct gw_budget small = {.limit = 1000};
    assert_null(trace_scan_new(&small, &f, 0));
    assert_int_equal(atomic_load(&small.used), 0);
}

static void bytes_that_are_no_spans_hurt_nobody(void **state)
{
    static const char *const bytes[] = {"\x0a\xff", "\x0a\x04\x12\x02\x12\xff", "\xff\xff\xff",
                                        "\x0a\x06\x12\x04\x12\x02\x39\x01"};
    size_t n;
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
        gw_recent_put(&(struct gw_recent_entry){.kind = GW_RECENT_FRAME,
                                                .signal = GW_TRACES,
                                                .is_first = true,
                                                .parts = {[GW_FRAME_DATA] = gw_str_z(bytes[i])}});
    struct trace_scan *s = scan("x");
    trace_scan_rows(s, &n);
    assert_int_equal(n, 0);
    trace_scan_drop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_trace_is_added_up, setup, teardown),
        cmocka_unit_test_setup_teardown(until_the_root_comes_the_first_span_stands_for_it, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_that_share_a_lower_half_are_one_unless_both_are_whole, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(of_too_many_the_older_half_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(an_entry_larger_than_a_page_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_there_is_no_scan, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_spans_hurt_nobody, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
