/* A page of `ddgate top`: it fits any terminal, reads what another version says, and sorts.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/run/top_draw.h"

static struct top_client clients[TOP_CLIENTS];
static struct gw_arena arena;
static struct out out;

static const char flow[] =
    "{\"time\":\"3000000000\",\"started\":\"1000000000\",\"later\":[{\"x\":{}}],\"signals\":{\"traces\":{"
    "\"received\":10,"
    "\"refused\":{\"queue_full\":3,\"bad_span\":1},\"dropped\":{},\"accepted\":6,\"exporters\":{}},"
    "\"odours\":{\"received\":1}},"
    "\"exporters\":[{\"name\":\"sls\",\"state\":\"down\",\"queue\":{\"items\":6,\"bytes\":2048,\"limit_"
    "bytes\":4096},"
    "\"disk\":null,\"per_second\":1.5,\"empty_in\":null,\"oldest\":2.5,\"latency\":{\"p50\":1000000,\"p99\":"
    "2000000},"
    "\"last_error\":\"refused \\u001b[31m\"},7],\"memory\":{\"used\":1,\"limit\":2},\"history\":null}";

static const char fleet[] = "{\"clients\":[{\"service\":\"b\",\"host\":\"h1\",\"spans\":5,\"spans_per_"
                            "second\":9,\"last_seen\":\"1\",\"warnings\":"
                            "[{\"id\":\"i\",\"text\":\"update "
                            "it\"}]},{\"service\":\"\\u0007a\",\"host\":\"h2\",\"spans_per_second\":1,"
                            "\"last_seen\":\"2\"},{\"service\":null,\"host\":[],\"warnings\":{}}]}";

static int setup(void **state)
{
    gw_arena_init(&arena, 1 << 20);
    out_init(&out, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    gw_arena_fini(&arena);
    out_fini(&out);
    return 0;
}

static struct top_page read_page(void)
{
    struct top_page p = {.clients = clients};
    assert_true(top_read_flow(&p, gw_str_z(flow), &arena));
    assert_true(top_read_fleet(&p, gw_str_z(fleet), &arena));
    return p;
}

static void what_is_said_is_read_and_the_rest_passed_over(void **state)
{
    struct top_page p = read_page();
    const struct top_signal *s = &p.signals[GW_TRACES];
    assert_int_equal(s->received, 10);
    assert_int_equal(s->refused, 4);
    assert_true(gw_str_eq(s->worst, GW_STR("queue_full")));
    assert_int_equal(p.exporters_n, 2);
    const struct top_exporter *x = &p.exporters[0];
    assert_true(x->has_latency && !x->has_disk && !x->empties && x->items == 6 && x->per_second > 1.4);
    assert_int_equal(p.clients_n, 3);
    assert_true(p.clients[0].rate > 8.9 && p.clients[0].warnings_n == 1);
    assert_int_equal(p.clients[2].service.len, 0);
}

static void what_is_no_such_json_is_told(void **state)
{
    for (size_t n = 0; n < sizeof flow - 1; n++) {
        struct top_page p = {.clients = clients};
        assert_false(top_read_flow(&p, gw_str_n(flow, n), &arena));
    }
    for (size_t n = 0; n < sizeof fleet - 1; n++) {
        struct top_page p = {.clients = clients};
        assert_false(top_read_fleet(&p, gw_str_n(fleet, n), &arena));
    }
}

static void a_page_fits_every_terminal(void **state)
{
    struct top_page p = read_page();
    for (unsigned columns = 1; columns < 160; columns++)
        for (unsigned rows = 4; rows < 40; rows++) {
            const struct top_view v = {.where = "127.0.0.1:8127",
                                       .trouble = "no answer",
                                       .columns = columns,
                                       .rows = rows,
                                       .keys = true};
            unsigned lines = 0;
            out_reset(&out);
            top_draw(&out, &v, &p, NULL);
            gw_str rest = gw_str_n(out.data, out.len), line;
            while (rest.len && gw_str_next(&rest, '\n', &line)) {
                assert_in_range(out_columns(line), 0, columns);
                lines++;
            }
            assert_in_range(lines, 3, rows);
            for (size_t i = 0; i < out.len; i++)
                assert_true((unsigned char)out.data[i] >= ' ' || out.data[i] == '\n');
        }
}

static const char *drawn(const struct top_page *p, const struct top_page *before)
{
    const struct top_view v = {.where = "here", .columns = 300};
    out_reset(&out);
    top_draw(&out, &v, p, before);
    out_char(&out, '\0');
    return out.data;
}

static void amounts_are_of_the_time_between(void **state)
{
    struct top_page p = read_page(), later = p;
    later.time += 2 * UINT64_C(1000000000);
    later.signals[GW_TRACES].received += 50;
    assert_non_null(strstr(drawn(&p, NULL), "RECEIVED "));
    const char *text = drawn(&later, &p);
    assert_non_null(strstr(text, "RECEIVED/S"));
    assert_non_null(strstr(text, "traces             25 ")); /* a second */
    later.started++;                                         /* another process */
    assert_null(strstr(drawn(&later, &p), "RECEIVED/S"));
}

static void clients_are_sorted(void **state)
{
    struct top_page p = read_page();
    top_sort(&p, TOP_BY_RATE);
    assert_true(gw_str_eq(p.clients[0].service, GW_STR("b")));
    top_sort(&p, TOP_BY_NAME);
    assert_int_equal(p.clients[0].service.len, 0);
    top_sort(&p, TOP_BY_LAST);
    assert_true(gw_str_eq(p.clients[0].host, GW_STR("h2")));
    top_sort(&p, TOP_BY_HOST);
    assert_true(gw_str_eq(p.clients[2].host, GW_STR("h2")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_said_is_read_and_the_rest_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_such_json_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_page_fits_every_terminal, setup, teardown),
        cmocka_unit_test_setup_teardown(amounts_are_of_the_time_between, setup, teardown),
        cmocka_unit_test_setup_teardown(clients_are_sorted, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
