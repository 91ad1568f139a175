/* Logs for people: how they look, with their trace and alone, and which of them wait for how long.
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
#include "exporters/stdout/trace_buffer.h"
#include "translators/otlp/otlp_write.h"

#define START UINT64_C(1700000000123000000) /* 2023-11-14 22:13:20.123Z */
enum { MS = 1000000 };

static void put_id(struct otlp_buf *w, unsigned field, unsigned n, unsigned value)
{
    char bytes[16] = {0};
    bytes[n - 1] = (char)value;
    if (value)
        otlp_bytes(w, field, gw_str_n(bytes, n));
}

/* What the tests say of a record; more is in its attributes. */
struct record {
    unsigned trace, span, ms, severity;
    const char *word, *text, *key, *value;
};

/* One batch of one frame: a resource, a scope, these records. */
struct batch {
    struct gw_batch batch;
    struct gw_frame *frame;
    struct buffered_batch buffered_batch;
};

static void make(struct batch *b, const char *logger, const struct record *records, unsigned n)
{
    struct otlp_buf w;
    w = (struct otlp_buf){0};
    size_t group = otlp_open(&w, 1, 3), resource = otlp_open(&w, 1, 2);
    otlp_attr_text(&w, 1, GW_STR("service.name"), GW_STR("shop"));
    otlp_close(&w, resource, 2);
    size_t scope = otlp_open(&w, 2, 3), name = otlp_open(&w, 1, 1);
    otlp_text(&w, 1, gw_str_z(logger));
    otlp_close(&w, name, 1);
    for (const struct record *r = records; r < records + n; r++) {
        size_t record = otlp_open(&w, 2, 3), body;
        otlp_fixed64(&w, 1, START + (uint64_t)r->ms * MS);
        otlp_uint(&w, 2, r->severity);
        otlp_text(&w, 3, gw_str_z(r->word));
        body = otlp_open(&w, 5, 2);
        otlp_any_text(&w, gw_str_z(r->text));
        otlp_close(&w, body, 2);
        if (r->key)
            otlp_attr_text(&w, 6, gw_str_z(r->key), gw_str_z(r->value));
        put_id(&w, 9, 16, r->trace);
        put_id(&w, 10, 8, r->span);
        otlp_close(&w, record, 3);
    }
    otlp_close(&w, scope, 3);
    otlp_close(&w, group, 3);
    *b = (struct batch){.frame = gw_frame_new(GW_LOGS, GW_OTEL, w.data, w.len, w.cap, n)};
    b->batch = (struct gw_batch){.signal = GW_LOGS, .n = 1, .bytes = w.len, .items = n, .frames = &b->frame};
    assert_true(buffered_batch_begin(&b->buffered_batch, &b->batch, b));
}

static void give_back(struct batch *b)
{
    buffered_batch_end(&b->buffered_batch);
    gw_frame_drop(b->frame);
}

/* Where things are written. */
struct page {
    struct out out;
    struct gw_arena arena;
    struct pretty how;
    struct trace_buffer trace_buffer;
};

static void begin(struct page *p, gw_nsec grace_period)
{
    *p = (struct page){0};
    out_init(&p->out, 1 << 20);
    gw_arena_init(&p->arena, 16 << 20);
    trace_buffer_init(&p->trace_buffer, grace_period);
}

static void end(struct page *p)
{
    out_fini(&p->out);
    gw_arena_fini(&p->arena);
}

static void shows(struct page *p, const char *want)
{
    out_char(&p->out, '\0');
    assert_string_equal(p->out.data, want);
    out_reset(&p->out);
}

/* What of the batch need not wait. */
static size_t show_now(struct page *p, struct batch *b)
{
    size_t n;
    struct pretty_log *logs = trace_buffer_now(&p->trace_buffer, &b->buffered_batch, &p->arena, &n);
    assert_non_null(logs);
    pretty_logs(&p->out, &p->how, logs, n);
    trace_buffer_written(&p->trace_buffer, &b->buffered_batch);
    return n;
}

static void put_span(struct otlp_buf *w, unsigned trace, unsigned span, unsigned parent, const char *name,
                     unsigned ms)
{
    size_t mark = otlp_open(w, 2, 2);
    put_id(w, 1, 16, trace);
    put_id(w, 2, 8, span);
    put_id(w, 4, 8, parent);
    otlp_text(w, 5, gw_str_z(name));
    otlp_fixed64(w, 7, START + (uint64_t)ms * MS);
    otlp_fixed64(w, 8, START + (uint64_t)(ms + 10) * MS);
    otlp_close(w, mark, 2);
}

/* The trace: a ─ b, with the logs that wait. False: there was no room to write it. */
static bool show_trace(struct page *p, unsigned trace, bool works)
{
    struct otlp_buf w;
    size_t n;
    w = (struct otlp_buf){0};
    size_t group = otlp_open(&w, 1, 3), scope = otlp_open(&w, 2, 3);
    put_span(&w, trace, 1, 0, "a", 0);
    put_span(&w, trace, 2, 1, "b", 5);
    put_span(&w, trace, 3, 1, "c", 9);
    otlp_close(&w, scope, 3);
    otlp_close(&w, group, 3);
    struct pretty_log *logs = trace_buffer_waiting(&p->trace_buffer, &p->arena, &n);
    const pretty_request *r =
        (const pretty_request *)otlp_read(&p->arena, GW_TRACES, gw_str_n((const char *)w.data, w.len));
    assert_non_null(r);
    assert_true(pretty_traces(&p->out, &p->arena, &p->how, &r, 1, logs, n));
    trace_buffer_shown(&p->trace_buffer, logs, n);
    if (works)
        trace_buffer_written(&p->trace_buffer, NULL);
    else
        trace_buffer_failed(&p->trace_buffer, NULL);
    trace_buffer_seen_trace(&p->trace_buffer, r->resource_spans[0]->scope_spans[0]->spans[0]->trace_id,
                            TRACE_SHOWN);
    otlp_fini(&w);
    return works;
}

static void alone(void **state)
{
    static const struct record records[] = {
        {0, 0, 0, 9, "INFO", "hello", "order", "42"},
        {0x12, 1, 1, 17, "", "failed\n  Traceback\r\n\nValueError: x", "exception.type", "ValueError"},
        {0, 0, 2, 0, "", "", NULL, NULL},
        {0, 0, 3, 13, "warning", "\033[31mred\033[0m \xff \xe2\x80\xae", "k\033", "v\n"},
    };
    struct page p;
    struct batch b;
    begin(&p, 0);
    make(&b, "app.views", records, 4);
    assert_int_equal(show_now(&p, &b), 4);
    shows(&p, "2023-11-14 22:13:20.123Z INFO  shop  app.views: hello  order=42\n"
              "2023-11-14 22:13:20.124Z ERROR shop  app.views: failed  · trace …00000012\n"
              "      Traceback\n"
              "    ValueError: x\n"
              "    ✗ ValueError\n"
              "2023-11-14 22:13:20.125Z -     shop  app.views: \n"
              "2023-11-14 22:13:20.126Z warning shop  app.views: \\x1b[31mred\\x1b[0m \xef\xbf\xbd \\u202e  "
              "k\\x1b=v\\n\n");
    assert_true(buffered_batch_is_over(&b.buffered_batch));
    give_back(&b);
    end(&p);
}

static void stacks_and_long_texts_are_bounded(void **state)
{
    static const struct record traceback = {
        0,
        0,
        0,
        17,
        "",
        "x",
        "exception.stacktrace",
        "Traceback (most recent call last):\n 1\n 2\n 3\n 4\n 5\nValueError: x"};
    char text[600] = "";
    struct record many = {0, 0, 0, 9, "", text, NULL, NULL};
    struct page p;
    struct batch b;
    begin(&p, 0);
    make(&b, "", &traceback, 1);
    show_now(&p, &b);
    shows(&p, "2023-11-14 22:13:20.123Z ERROR shop  x\n     2\n     3\n     4\n     5\n");
    give_back(&b);
    for (int i = 0; i < 31; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "line %d\n  ^^^\n", i);
    make(&b, "", &many, 1);
    show_now(&p, &b);
    shows(&p,
          "2023-11-14 22:13:20.123Z INFO  shop  line 0\n"
          "    line 1\n    line 2\n    line 3\n    line 4\n    line 5\n    line 6\n    line 7\n    line 8\n"
          "    … 10 more lines\n"
          "    line 19\n    line 20\n    line 21\n    line 22\n    line 23\n    line 24\n    line 25\n    "
          "line 26\n    line 27\n"
          "    line 28\n    line 29\n    line 30\n");
    give_back(&b);
    end(&p);
}

static void colours_are_for_terminals(void **state)
{
    static const struct record error = {0, 0, 0, 17, "", "x", NULL, NULL};
    struct page p;
    struct batch b;
    begin(&p, 0);
    p.how = (struct pretty){.color = true, .columns = 40};
    make(&b, "", &error, 1);
    show_now(&p, &b);
    out_char(&p.out, '\0');
    assert_non_null(strstr(p.out.data, "\033[31mERROR\033[0m"));
    give_back(&b);
    end(&p);
}

static const struct record waiting[] = {
    {7, 2, 6, 9, "", "of b\nmore", NULL, NULL},   {7, 1, 1, 9, "", "of a", NULL, NULL},
    {7, 0, 2, 9, "", "of the trace", NULL, NULL}, {8, 1, 1, 9, "", "of another", NULL, NULL},
    {0, 0, 0, 9, "", "of none", NULL, NULL},      {7, 2, 5, 9, "", "of b, too", NULL, NULL},
    {7, 1, 8, 9, "", "of a, later", NULL, NULL},  {7, 1, 9, 9, "", "of a, last", NULL, NULL},
};

static void below_their_spans(void **state)
{
    struct page p;
    struct batch b;
    begin(&p, GW_SEC);
    make(&b, "", waiting, 8);
    assert_int_equal(show_now(&p, &b), 1);
    shows(&p, "2023-11-14 22:13:20.123Z INFO  shop  of none\n");
    trace_buffer_add(&p.trace_buffer, &b.buffered_batch, 0);
    assert_null(trace_buffer_take(&p.trace_buffer, GW_SEC - 1, false));
    assert_int_equal(trace_buffer_next(&p.trace_buffer), GW_SEC);
    show_trace(&p, 7, true);
    shows(&p, "trace 00000000000000000000000000000007  3 spans · 19.0ms · 2023-11-14 22:13:20.123Z\n"
              "        0   10.0ms  a []\n"
              "  +1.00ms           │  » INFO  of a\n"
              "  +5.00ms   10.0ms  ├─ b\n"
              "  +5.00ms           │     » INFO  of b, too\n"
              "  +6.00ms           │     » INFO  of b\n"
              "                    │         more\n"
              "  +8.00ms           │  » INFO  of a, later\n"
              "  +9.00ms   10.0ms  └─ c\n"
              "  +9.00ms              » INFO  of a, last\n"
              "  +2.00ms           » INFO  of the trace\n\n");
    /* what did not find its trace in time is shown alone */
    assert_ptr_equal(trace_buffer_take(&p.trace_buffer, GW_SEC, false), &b.buffered_batch);
    assert_null(p.trace_buffer.first);
    assert_int_equal(p.trace_buffer.bytes, 0);
    assert_int_equal(show_now(&p, &b), 1);
    shows(&p, "2023-11-14 22:13:20.124Z INFO  shop  of another  · trace …00000008\n");
    assert_true(buffered_batch_is_over(&b.buffered_batch));
    assert_int_equal(b.buffered_batch.unread, 0);
    give_back(&b);
    end(&p);
}

static void a_trace_that_was_shown_is_not_waited_for(void **state)
{
    struct page p;
    struct batch b;
    begin(&p, GW_SEC);
    show_trace(&p, 8, true);
    out_reset(&p.out);
    make(&b, "", waiting, 6);
    assert_int_equal(show_now(&p, &b), 2);
    shows(&p, "2023-11-14 22:13:20.124Z INFO  shop  of another  · trace …00000008\n"
              "2023-11-14 22:13:20.123Z INFO  shop  of none\n");
    give_back(&b);
    end(&p);
}

/* A batch all of whose records were shown with their traces is done before its time. */
static void what_is_over_goes_at_once(void **state)
{
    struct page p;
    struct batch b;
    begin(&p, GW_SEC);
    make(&b, "", waiting, 2);
    assert_int_equal(show_now(&p, &b), 0);
    trace_buffer_add(&p.trace_buffer, &b.buffered_batch, 0);
    show_trace(&p, 7, true);
    assert_ptr_equal(trace_buffer_take(&p.trace_buffer, 1, false), &b.buffered_batch);
    assert_true(buffered_batch_is_over(&b.buffered_batch));
    give_back(&b);
    end(&p);
}

/* Their trace could not be written: they still can, alone. */
static void a_trace_that_fails_takes_nothing_along(void **state)
{
    struct page p;
    struct batch b;
    begin(&p, GW_SEC);
    make(&b, "", waiting, 2);
    show_now(&p, &b);
    trace_buffer_add(&p.trace_buffer, &b.buffered_batch, 0);
    show_trace(&p, 7, false);
    assert_null(trace_buffer_take(&p.trace_buffer, 1, false));
    assert_ptr_equal(trace_buffer_take(&p.trace_buffer, 1, true), &b.buffered_batch);
    out_reset(&p.out);
    assert_int_equal(show_now(&p, &b), 2);
    assert_true(buffered_batch_is_over(&b.buffered_batch));
    assert_int_equal(b.buffered_batch.unread, 0);
    give_back(&b);
    end(&p);
}

static void what_waits_is_bounded(void **state)
{
    struct page p;
    struct batch b[4];
    begin(&p, GW_SEC);
    for (int i = 0; i < 4; i++) {
        make(&b[i], "", waiting, 2);
        b[i].batch.bytes = TRACE_BUFFER_BYTES / 2 - 1;
        show_now(&p, &b[i]);
        trace_buffer_add(&p.trace_buffer, &b[i].buffered_batch, i);
    }
    assert_ptr_equal(trace_buffer_take(&p.trace_buffer, 1, false), &b[0].buffered_batch);
    assert_ptr_equal(trace_buffer_take(&p.trace_buffer, 1, false), &b[1].buffered_batch);
    assert_null(trace_buffer_take(&p.trace_buffer, 1, false));
    assert_ptr_equal(trace_buffer_take(&p.trace_buffer, 1, true), &b[2].buffered_batch);
    assert_ptr_equal(trace_buffer_take(&p.trace_buffer, 1, true), &b[3].buffered_batch);
    for (int i = 0; i < 4; i++)
        give_back(&b[i]);
    end(&p);
}

/* Bytes that are no request, and fewer records than the frame claims. */
static void what_cannot_be_read_is_counted(void **state)
{
    struct page p;
    struct batch b;
    begin(&p, GW_SEC);
    make(&b, "", waiting + 4, 1);
    b.frame->items = 3;
    buffered_batch_end(&b.buffered_batch);
    b.batch.items = 3;
    assert_true(buffered_batch_begin(&b.buffered_batch, &b.batch, NULL));
    assert_int_equal(show_now(&p, &b), 1);
    assert_true(buffered_batch_is_over(&b.buffered_batch));
    assert_int_equal(b.buffered_batch.unread, 2);
    give_back(&b);
    make(&b, "", waiting + 4, 1);
    memset(b.frame->data, 0xff, b.frame->len);
    assert_int_equal(show_now(&p, &b), 0);
    assert_int_equal(b.buffered_batch.unread, 1);
    give_back(&b);
    /* no memory to look */
    make(&b, "", waiting, 6);
    struct gw_arena none;
    size_t n;
    gw_arena_init(&none, 16);
    assert_null(trace_buffer_now(&p.trace_buffer, &b.buffered_batch, &none, &n));
    assert_true(buffered_batch_is_over(&b.buffered_batch));
    assert_int_equal(b.buffered_batch.unread, 6);
    gw_arena_fini(&none);
    give_back(&b);
    end(&p);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone),
        cmocka_unit_test(stacks_and_long_texts_are_bounded),
        cmocka_unit_test(colours_are_for_terminals),
        cmocka_unit_test(below_their_spans),
        cmocka_unit_test(a_trace_that_was_shown_is_not_waited_for),
        cmocka_unit_test(what_is_over_goes_at_once),
        cmocka_unit_test(a_trace_that_fails_takes_nothing_along),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(what_cannot_be_read_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
