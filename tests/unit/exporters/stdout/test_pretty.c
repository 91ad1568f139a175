/* Traces for people: what a reader sees, to the letter; and that nothing a sender wrote gets further than its
 * own line.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/encoding/otlp_read.h"
#include "exporters/stdout/pretty.h"
#include "exporters/stdout/pretty_span.h"
#include "translators/otlp/otlp_write.h"

/* --- a batch, written as a translator writes it --- */

enum { MS = 1000000, MAX_FRAMES = 4 };
#define START UINT64_C(1700000000123000000) /* 2023-11-14 22:13:20.123Z */

struct page {
    struct otlp_buf w;
    size_t resource, scope, span;
    struct gw_arena arena;
    struct out out;
    struct pretty how;
};

static void begin(struct page *p)
{
    *p = (struct page){0};
    p->w = (struct otlp_buf){0};
    gw_arena_init(&p->arena, 16 << 20);
    out_init(&p->out, 16 << 20);
}

static void open_resource(struct page *p, const char *service)
{
    p->resource = otlp_open(&p->w, 1, 3);
    size_t mark = otlp_open(&p->w, 1, 2);
    otlp_attr_text(&p->w, 1, GW_STR("service.name"), gw_str_z(service));
    otlp_attr_text(&p->w, 1, GW_STR("deployment.environment.name"), GW_STR("prod"));
    otlp_attr_text(&p->w, 1, GW_STR("service.version"), GW_STR("1.2"));
    otlp_close(&p->w, mark, 2);
    p->scope = otlp_open(&p->w, 2, 3);
}

static void close_resource(struct page *p)
{
    otlp_close(&p->w, p->scope, 3);
    otlp_close(&p->w, p->resource, 3);
}

static void id(struct page *p, unsigned field, unsigned n, unsigned value)
{
    char bytes[16] = {0};
    bytes[n - 2] = (char)(value >> 8), bytes[n - 1] = (char)value;
    if (value)
        otlp_bytes(&p->w, field, gw_str_n(bytes, n));
}

static void open_span(struct page *p, unsigned trace, unsigned span, unsigned parent, const char *name,
                      unsigned kind, uint64_t at, uint64_t took)
{
    p->span = otlp_open(&p->w, 2, 2);
    id(p, 1, 16, trace);
    id(p, 2, 8, span);
    id(p, 4, 8, parent);
    otlp_text(&p->w, 5, gw_str_z(name));
    otlp_uint(&p->w, 6, kind);
    otlp_fixed64(&p->w, 7, START + at);
    otlp_fixed64(&p->w, 8, START + at + took);
}

static void attr(struct page *p, const char *key, const char *value)
{
    otlp_attr_text(&p->w, 9, gw_str_z(key), gw_str_z(value));
}

static void close_span(struct page *p)
{
    otlp_close(&p->w, p->span, 2);
}

static void leaf(struct page *p, unsigned trace, unsigned span, unsigned parent, const char *name,
                 uint64_t at)
{
    open_span(p, trace, span, parent, name, 1, at, MS);
    close_span(p);
}

static void break_span(struct page *p, const char *type, const char *message, const char *stack)
{
    size_t mark = otlp_open(&p->w, 11, 2);
    otlp_text(&p->w, 2, GW_STR("exception"));
    otlp_attr_text(&p->w, 3, GW_STR("exception.type"), gw_str_z(type));
    otlp_attr_text(&p->w, 3, GW_STR("exception.message"), gw_str_z(message));
    otlp_attr_text(&p->w, 3, GW_STR("exception.stacktrace"), gw_str_z(stack));
    otlp_close(&p->w, mark, 2);
    mark = otlp_open(&p->w, 15, 1);
    otlp_uint(&p->w, 3, 2);
    otlp_close(&p->w, mark, 1);
}

static const char *print(struct page *p)
{
    const pretty_request *r =
        (const pretty_request *)otlp_read(&p->arena, GW_TRACES, gw_str_n((const char *)p->w.data, p->w.len));
    assert_non_null(r);
    assert_true(pretty_traces(&p->out, &p->arena, &p->how, &r, 1, NULL, 0));
    out_char(&p->out, '\0');
    assert_false(p->out.failed);
    return p->out.data;
}

static void end(struct page *p)
{
    otlp_fini(&p->w);
    out_fini(&p->out);
    gw_arena_fini(&p->arena);
}

/* --- what a reader sees --- */

static void make_request(struct page *p)
{
    open_resource(p, "web");
    open_span(p, 0xabcd, 1, 0, "GET /orders/<id>", 2, 0, 12400000);
    attr(p, "http.request.method", "GET");
    otlp_attr_int(&p->w, 9, GW_STR("http.response.status_code"), 500);
    attr(p, "url.full", "http://shop/orders/7");
    attr(p, "operation.name", "flask.request");
    attr(p, "_dd.p.dm", "-4");
    attr(p, "customer", "acme");
    break_span(p, "ValueError", "no stock", "");
    close_span(p);
    leaf(p, 0xabcd, 3, 1, "render", 11 * MS);
    close_resource(p);
    open_resource(p, "orders-db");
    open_span(p, 0xabcd, 2, 1, "SELECT orders", 3, 1300000, 9870000);
    attr(p, "db.system.name", "postgresql");
    attr(p, "db.query.text", "SELECT * FROM orders WHERE id = ?");
    attr(p, "server.address", "db1");
    otlp_attr_int(&p->w, 9, GW_STR("server.port"), 5432);
    close_span(p);
    close_resource(p);
}

static void test_request(void **state)
{
    struct page p;
    begin(&p);
    make_request(&p);
    assert_string_equal(
        print(&p),
        "trace 0000000000000000000000000000abcd  3 spans · 12.4ms · 2023-11-14 22:13:20.123Z · 1 error\n"
        "  web env=prod version=1.2\n"
        "  orders-db env=prod version=1.2\n"
        "        0   12.4ms  server GET /orders/<id> [web]  ✗ ValueError: no stock  500 · "
        "http://shop/orders/7 · "
        "flask.request  customer=acme\n"
        "  +1.30ms   9.87ms  ├─ client SELECT orders [orders-db]  postgresql · SELECT * FROM orders WHERE id "
        "= ? · "
        "db1:5432\n"
        "  +11.0ms   1.00ms  └─ render\n"
        "\n");
    end(&p);
}

static void test_colour(void **state)
{
    struct page p;
    begin(&p);
    p.how.color = true;
    make_request(&p);
    const char *text = print(&p);
    assert_non_null(strstr(text, "\033[31mGET /orders/<id>\033[0m"));
    assert_non_null(strstr(text, "\033[31m500\033[0m"));
    /* every escape is followed by its end */
    for (const char *e = strchr(text, '\033'); e; e = strchr(e + 1, '\033'))
        assert_int_equal(e[1], '[');
    end(&p);
}

/* On a terminal no line is longer than the terminal is wide, counted in columns. */
static void test_width(void **state)
{
    for (size_t columns = 20; columns < 140; columns += 7) {
        struct page p;
        begin(&p);
        p.how.columns = columns;
        make_request(&p);
        open_resource(&p, "中文服务");
        open_span(&p, 0xabcd, 9, 1, "查询订单 😀 and a name that is very long indeed", 1, 0, 1);
        close_span(&p);
        close_resource(&p);
        gw_str rest = gw_str_z(print(&p)), line;
        while (gw_str_next(&rest, '\n', &line)) {
            size_t width = 0;
            while (line.len)
                width += out_rune_width(out_next_rune(&line));
            assert_in_range(width, 0, columns);
        }
        end(&p);
    }
}

static void test_stack(void **state)
{
    static const char python[] =
        "Traceback (most recent call last):\n  File \"a.py\", line 1, in a\n    b()\n  File \"a.py\", line "
        "2, in b\n"
        "    c()\n    ^^^\n  File \"a.py\", line 3, in c\n    raise ValueError(1)\nValueError: 1\n";
    static const char java[] = "java.lang.E: boom\n\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)\n\tat "
                               "x.Y(Y.java:3)\n\tat x.Z(Z.java:4)\n\tat no.more(N.java:5)\n";
    struct page p;
    begin(&p);
    open_resource(&p, "web");
    open_span(&p, 1, 1, 0, "outer", 1, 0, 3 * MS);
    break_span(&p, "ValueError", "1", python);
    close_span(&p);
    open_span(&p, 1, 2, 1, "inner", 1, 0, 2 * MS);
    break_span(&p, "ValueError", "1", python);
    close_span(&p);
    open_span(&p, 1, 3, 1, "other", 1, 2 * MS, MS);
    break_span(&p, "java.lang.E", "boom", java);
    close_span(&p);
    close_resource(&p);
    const char *text = strstr(print(&p), "        0");
    assert_string_equal(text, "        0   3.00ms  outer [web]  ✗ ValueError: 1\n"
                              "        0   2.00ms  ├─ inner  ✗ ValueError: 1\n"
                              "                    │         File \"a.py\", line 2, in b\n"
                              "                    │           c()\n"
                              "                    │         File \"a.py\", line 3, in c\n"
                              "                    │           raise ValueError(1)\n"
                              "  +2.00ms   1.00ms  └─ other  ✗ java.lang.E: boom\n"
                              "                            at a.B.c(B.java:1)\n"
                              "                            at a.B.d(B.java:2)\n"
                              "                            at x.Y(Y.java:3)\n"
                              "                            at x.Z(Z.java:4)\n"
                              "\n");
    end(&p);
}

static void test_events_and_links(void **state)
{
    struct page p;
    begin(&p);
    open_resource(&p, "web");
    open_span(&p, 1, 1, 0, "job", 5, 0, 3 * MS);
    size_t mark = otlp_open(&p.w, 11, 2);
    otlp_fixed64(&p.w, 1, START + MS);
    otlp_text(&p.w, 2, GW_STR("cache miss"));
    otlp_attr_text(&p.w, 3, GW_STR("key"), GW_STR("k1"));
    otlp_close(&p.w, mark, 2);
    for (unsigned i = 0; i < 10; i++) {
        mark = otlp_open(&p.w, 13, 2);
        id(&p, 1, 16, 0x22);
        id(&p, 2, 8, 0x33 + i);
        otlp_close(&p.w, mark, 2);
    }
    close_span(&p);
    close_resource(&p);
    const char *text = strstr(print(&p), "        0");
    const char *want =
        "        0   3.00ms  consumer job [web]\n"
        "                         • +1.00ms cache miss  key=k1\n"
        "                         ↗ link to trace 00000000000000000000000000000022 span 0000000000000033\n";
    assert_memory_equal(text, want, strlen(want));
    assert_non_null(strstr(text, "\n                         … 2 more links\n"));
    end(&p);
}

/* --- shapes that senders can make --- */

static void test_orphans_and_order(void **state)
{
    struct page p;
    begin(&p);
    open_resource(&p, "web");
    leaf(&p, 2, 1, 0, "late trace, first seen", 50 * MS);
    leaf(&p, 1, 5, 77, "orphan", 2 * MS);
    leaf(&p, 1, 4, 1, "second", 3 * MS);
    leaf(&p, 1, 3, 1, "first", 1 * MS);
    close_resource(&p);
    open_resource(&p, "web");
    leaf(&p, 1, 1, 0, "root", 0);
    close_resource(&p);
    assert_string_equal(
        print(&p), "trace 00000000000000000000000000000001  4 spans · 4.00ms · 2023-11-14 22:13:20.123Z\n"
                   "  web env=prod version=1.2\n"
                   "        0   1.00ms  root [web]\n"
                   "  +1.00ms   1.00ms  ├─ first\n"
                   "  +3.00ms   1.00ms  └─ second\n"
                   "  +2.00ms   1.00ms  ↳ orphan [web]  parent 000000000000004d is not in this batch\n"
                   "\n"
                   "trace 00000000000000000000000000000002  1 span · 1.00ms · 2023-11-14 22:13:20.173Z\n"
                   "  web env=prod version=1.2\n"
                   "        0   1.00ms  late trace, first seen [web]\n"
                   "\n");
    end(&p);
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (; (text = strstr(text, word)); text++)
        n++;
    return n;
}

/* Own parents, equal ids, rings with tails: every span is shown exactly once. */
static void test_rings(void **state)
{
    srand(3);
    for (int round = 0; round < 500; round++) {
        struct page p;
        unsigned n = 1 + (unsigned)rand() % 30;
        begin(&p);
        open_resource(&p, "web");
        for (unsigned i = 0; i < n; i++)
            leaf(&p, 1 + (unsigned)rand() % 2, (unsigned)rand() % 12, (unsigned)rand() % 12, "spanspan",
                 (unsigned)rand() % 5);
        close_resource(&p);
        assert_int_equal(count(print(&p), "spanspan"), n);
        end(&p);
    }
}

/* A chain of 20 000 spans is drawn without recursion, and its lines stay short. */
static void test_deep(void **state)
{
    struct page p;
    begin(&p);
    open_resource(&p, "web");
    for (unsigned i = 1; i <= 20000; i++)
        leaf(&p, 1, i, i - 1, "n", i);
    close_resource(&p);
    gw_str rest = gw_str_z(print(&p)), line;
    size_t lines = 0;
    for (; gw_str_next(&rest, '\n', &line); lines++)
        assert_in_range(line.len, 0, 250);
    assert_int_equal(lines, 20000 + 4);
    assert_non_null(strstr(p.out.data, "…19975 "));
    end(&p);
}

/* Escape sequences, line breaks and text direction in any place come out as visible escapes. */
static void test_terminal_injection(void **state)
{
    static const char evil[] = "a\033[2J\nb\r\xc2\x9b\x07\xe2\x80\xae\x7f";
    struct page p;
    begin(&p);
    open_resource(&p, evil);
    open_span(&p, 1, 1, 0, evil, 2, 0, MS);
    attr(&p, "url.full", evil);
    attr(&p, evil, evil);
    break_span(&p, evil, evil, evil);
    size_t mark = otlp_open(&p.w, 11, 2);
    otlp_text(&p.w, 2, gw_str_z(evil));
    otlp_attr_text(&p.w, 3, gw_str_z(evil), gw_str_z(evil));
    otlp_close(&p.w, mark, 2);
    close_span(&p);
    close_resource(&p);
    gw_str s = gw_str_z(print(&p));
    while (s.len) {
        uint32_t r = out_next_rune(&s);
        assert_true(r == '\n' || !out_rune_hidden(r));
    }
    assert_non_null(strstr(p.out.data, "a\\x1b[2J\\nb\\r\\x9b\\x07\\u202e\\x7f"));
    end(&p);
}

static void test_durations(void **state)
{
    static const struct {
        uint64_t ns;
        const char *text;
        size_t columns;
    } rows[] = {
        {0, "0ns", 3},
        {999, "999ns", 5},
        {1000, "1.00µs", 6},
        {9994, "9.99µs", 6},
        {9996, "10.0µs", 6},
        {99940, "99.9µs", 6},
        {99960, "100µs", 5},
        {999499, "999µs", 5},
        {1000000, "1.00ms", 6},
        {12400000, "12.4ms", 6},
        {1500000000, "1.50s", 5},
        {59949999999, "59.9s", 5},
        {60000000000, "1m00s", 5},
        {3599000000000, "59m59s", 6},
        {3600000000000, "1h00m", 5},
        {UINT64_MAX, "5124095h34m", 11},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[16];
        assert_int_equal(pretty_duration(text, rows[i].ns), rows[i].columns);
        assert_string_equal(text, rows[i].text);
    }
}

static void test_cutting(void **state)
{
    static const struct {
        const char *text;
        size_t columns;
        const char *want;
    } rows[] = {
        {"abc", 3, "abc"},
        {"abcd", 3, "ab…"},
        {"中文字", 6, "中文字"},
        {"中文字", 5, "中文…"},
        {"中文字", 4, "中…"},
        {"a\nb", 4, "a\\nb"},
        {"a\nbc", 4, "a\\n…"},
        {"a\nb", 2, "a…"},
        {"ab", 0, ""},
        {"ab", 1, "…"},
        {"e\xcc\x81", 1, "e\xcc\x81"},
        {"\xff", 1, "\xEF\xBF\xBD"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct out o;
        out_init(&o, 1000);
        out_shown(&o, gw_str_z(rows[i].text), rows[i].columns);
        assert_true(gw_str_eq(gw_str_n(o.data, o.len), gw_str_z(rows[i].want)));
        out_fini(&o);
    }
}

/* Without memory nothing is printed, and it is said. */
static void test_budget(void **state)
{
    struct page p;
    begin(&p);
    make_request(&p);
    const pretty_request *r =
        (const pretty_request *)otlp_read(&p.arena, GW_TRACES, gw_str_n((const char *)p.w.data, p.w.len));
    struct gw_arena none;
    gw_arena_init(&none, 10);
    assert_false(pretty_traces(&p.out, &none, &p.how, &r, 1, NULL, 0));
    assert_int_equal(p.out.len, 0);
    gw_arena_fini(&none);
    out_fini(&p.out);
    out_init(&p.out, 50); /* nor is more written than the limit */
    assert_true(pretty_traces(&p.out, &p.arena, &p.how, &r, 1, NULL, 0));
    assert_true(p.out.failed && p.out.len <= 50);
    end(&p);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_colour),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_stack),
        cmocka_unit_test(test_events_and_links),
        cmocka_unit_test(test_orphans_and_order),
        cmocka_unit_test(test_rings),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_terminal_injection),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_cutting),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
