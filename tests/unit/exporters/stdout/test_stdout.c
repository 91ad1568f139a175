/* The stdout exporter and a reader that does not read: nothing blocks, nothing is cut within a line.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <fcntl.h>
#include <pty.h>
#include <pthread.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/config/option.h"
#include "gateway/run/modules.h"
#include "translators/otlp/otlp_write.h"

enum { PRETTY, OTLP_JSON, MOST = 64 };

struct rig {
    void *ctx;
    int reader, terminal; /* the pipe's other end; standard output as it was */
    struct gw_frame *frames[MOST];
    struct gw_batch batch;
    unsigned outcomes;
    struct gw_outcome last;
};

static struct gw_frame *make_frame(const char *name, size_t len)
{
    struct otlp_buf w;
    char *text = malloc(len + 1);
    memset(text, *name, len);
    w = (struct otlp_buf){0};
    size_t resource = otlp_open(&w, 1, 3), scope = otlp_open(&w, 2, 3), span = otlp_open(&w, 2, 3);
    otlp_bytes(&w, 1, GW_STR("0123456789abcdef"));
    otlp_text(&w, 5, gw_str_n(text, len));
    otlp_close(&w, span, 3);
    otlp_close(&w, scope, 3);
    otlp_close(&w, resource, 3);
    free(text);
    return gw_frame_new(GW_TRACES, GW_OTEL, w.data, w.len, w.cap, 1);
}

/* A log with a trace id; in pretty it waits for its trace. */
static struct gw_frame *make_log(const char *text)
{
    struct otlp_buf w;
    w = (struct otlp_buf){0};
    size_t resource = otlp_open(&w, 1, 3), scope = otlp_open(&w, 2, 3), record = otlp_open(&w, 2, 3),
           body = otlp_open(&w, 5, 2);
    otlp_any_text(&w, gw_str_z(text));
    otlp_close(&w, body, 2);
    otlp_bytes(&w, 9, GW_STR("0123456789abcdef"));
    otlp_close(&w, record, 3);
    otlp_close(&w, scope, 3);
    otlp_close(&w, resource, 3);
    return gw_frame_new(GW_LOGS, GW_OTEL, w.data, w.len, w.cap, 1);
}

static void add_log(struct rig *r, const char *text)
{
    struct gw_frame *f = r->frames[r->batch.n++] = make_log(text);
    r->batch.signal = GW_LOGS;
    r->batch.items++;
    r->batch.bytes += f->len;
}

static void add(struct rig *r, const char *name, size_t len)
{
    struct gw_frame *f = r->frames[r->batch.n++] = make_frame(name, len);
    r->batch.items++;
    r->batch.bytes += f->len;
}

static void begin_format(struct rig *r, const int ends[2], int format)
{
    *r = (struct rig){.ctx = calloc(1, gw_exporter_stdout.ctx_size)};
    r->batch.frames = r->frames;
    fflush(stdout);
    r->terminal = dup(STDOUT_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    r->reader = ends[0];
    *(int *)((char *)r->ctx + gw_exporter_stdout.opts[0].offset) = format;
    *(gw_nsec *)((char *)r->ctx + gw_exporter_stdout.opts[1].offset) = 3600 * GW_SEC; /* gather */
    assert_int_equal(gw_exporter_stdout.open(r->ctx, &(struct gw_export_host){0}, "exporters[0]", NULL),
                     GW_OK);
}

static void begin_on(struct rig *r, const int ends[2])
{
    begin_format(r, ends, OTLP_JSON);
}

static void begin_pretty(struct rig *r)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    begin_format(r, ends, PRETTY);
    assert_string_equal(gw_exporter_stdout.opts[1].name, "gather");
}

static void begin(struct rig *r)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    begin_on(r, ends);
}

/* Closes the writing end; what is still in the pipe can be read. */
static void shut(struct rig *r)
{
    gw_exporter_stdout.close(r->ctx);
    gw_exporter_stdout.close(r->ctx); /* legal again */
    dup2(r->terminal, STDOUT_FILENO);
    close(r->terminal);
    free(r->ctx);
    for (size_t i = 0; i < r->batch.n; i++)
        gw_frame_drop(r->frames[i]);
}

static void done(void *rig, const struct gw_outcome *outcome)
{
    struct rig *r = rig;
    r->outcomes++;
    r->last = *outcome;
}

static size_t drain(struct rig *r, char *into, size_t room)
{
    size_t n = 0;
    ssize_t got;
    fcntl(r->reader, F_SETFL, O_NONBLOCK);
    while ((got = read(r->reader, into + n, room - n)) > 0)
        n += (size_t)got;
    return n;
}

/* And looks after it once, as the sender does. */
static void send(struct rig *r)
{
    gw_exporter_stdout.send(r->ctx, &r->batch, GW_SEC, done, r);
    gw_exporter_stdout.wait(r->ctx, gw_now());
}

static bool is_line(gw_str s)
{
    return gw_str_starts(s, GW_STR("{\"resourceSpans\":[{")) && gw_str_ends(s, GW_STR("}]}]}]}"));
}

static void test_small_batch(void **state)
{
    static char text[1 << 16];
    struct rig r;
    begin(&r);
    add(&r, "x", 3);
    send(&r); /* done at once: there is room */
    unsigned outcomes = r.outcomes;
    size_t n = drain(&r, text, sizeof text);
    shut(&r);
    assert_int_equal(outcomes, 1);
    assert_int_equal(r.last.verdict, GW_DONE);
    assert_true(gw_str_eq(gw_str_n(text, n),
                          GW_STR("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":"
                                 "\"30313233343536373839616263646566\",\"name\":\"xxx\"}]}]}]}\n")));
    close(r.reader);
}

/* The pipe fills up; the request stays open without blocking, cancel ends it, and the line that was begun is
 * finished later. */
static void test_stopped_reader(void **state)
{
    static char text[8 << 20];
    struct rig r;
    unsigned after_send, after_wait, after_cancel;
    begin(&r);
    for (int i = 0; i < 8; i++)
        add(&r, "y", 30000);
    send(&r);
    after_send = r.outcomes;
    gw_exporter_stdout.wait(r.ctx, gw_now() + 5 * GW_MSEC);
    after_wait = r.outcomes;
    gw_exporter_stdout.cancel(r.ctx);
    gw_exporter_stdout.wait(r.ctx, gw_now() + 5 * GW_MSEC);
    after_cancel = r.outcomes;
    enum gw_verdict cancelled = r.last.verdict;
    size_t n = drain(&r, text, sizeof text);
    send(&r);
    for (int i = 0; i < 1000 && r.outcomes == after_cancel; i++) {
        n += drain(&r, text + n, sizeof text - n);
        gw_exporter_stdout.wait(r.ctx, gw_now());
    }
    n += drain(&r, text + n, sizeof text - n);
    shut(&r);
    assert_int_equal(after_send, 0);
    assert_int_equal(after_wait, 0);
    assert_int_equal(after_cancel, 1);
    assert_int_equal(cancelled, GW_RETRY);
    assert_int_equal(r.outcomes, 2);
    assert_int_equal(r.last.verdict, GW_DONE);
    assert_int_equal(text[n - 1], '\n');
    gw_str rest = gw_str_n(text, n - 1), line;
    size_t lines = 0;
    for (; gw_str_next(&rest, '\n', &line); lines++)
        assert_true(is_line(line));
    /* what had gone out before, the line that was begun, and all eight again */
    assert_in_range(lines, 8 + 1, 8 + 4);
    close(r.reader);
}

/* A terminal that is not read: a write to it would block for good (the alarm would end this program), and its
 * flags are not ours. */
static void test_stopped_terminal(void **state)
{
    struct rig r;
    int ends[2];
    assert_int_equal(openpty(&ends[0], &ends[1], NULL, NULL, NULL), 0);
    begin_on(&r, ends);
    for (int i = 0; i < MOST; i++) /* so that one of them fits only in part */
        add(&r, "t", 1500);
    alarm(20);
    send(&r);
    gw_exporter_stdout.wait(r.ctx, gw_now() + 5 * GW_MSEC);
    gw_exporter_stdout.cancel(r.ctx);
    gw_exporter_stdout.wait(r.ctx, gw_now() + 5 * GW_MSEC);
    alarm(0);
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    shut(&r);
    assert_int_equal(r.outcomes, 1);
    assert_int_equal(r.last.verdict, GW_RETRY);
    assert_int_equal(flags & O_NONBLOCK, 0);
    close(r.reader);
}

static void *ring(void *ctx)
{
    gw_exporter_stdout.wake(ctx);
    return NULL;
}

/* A wake that came before the wait, and one from another thread, end it. */
static void test_wake(void **state)
{
    struct rig r;
    pthread_t other;
    begin(&r);
    gw_exporter_stdout.wake(r.ctx);
    gw_exporter_stdout.wait(r.ctx, GW_NEVER);
    pthread_create(&other, NULL, ring, r.ctx);
    gw_exporter_stdout.wait(r.ctx, GW_NEVER);
    pthread_join(other, NULL);
    shut(&r);
    close(r.reader);
}

/* Closed while a request is open: once with words, then without, and never a spin or a signal. */
static void test_closed(void **state)
{
    struct rig r;
    begin(&r);
    add(&r, "z", 10);
    add(&r, "z", 10);
    close(r.reader);
    send(&r);
    struct gw_outcome first = r.last;
    send(&r);
    shut(&r);
    assert_int_equal(r.outcomes, 2);
    assert_int_equal(first.verdict, GW_DONE);
    assert_int_equal(first.rejected, 2);
    assert_string_equal(first.text, "standard output: Broken pipe");
    assert_non_null(first.remedy);
    assert_int_equal(r.last.rejected, 2);
    assert_string_equal(r.last.text, "");
}

/* A batch of logs that waits stays open, until the sender wants nothing to be held back. */
static void test_hurry(void **state)
{
    static char text[1 << 16];
    struct rig r;
    begin_pretty(&r);
    add_log(&r, "hello");
    send(&r);
    unsigned before = r.outcomes;
    gw_exporter_stdout.hurry(r.ctx);
    gw_exporter_stdout.wait(r.ctx, gw_now());
    unsigned after = r.outcomes;
    size_t n = drain(&r, text, sizeof text - 1);
    shut(&r);
    assert_int_equal(before, 0);
    assert_int_equal(after, 1);
    assert_int_equal(r.last.verdict, GW_DONE);
    assert_int_equal(r.last.rejected, 0);
    text[n] = '\0';
    assert_non_null(strstr(text, "hello  · trace …63646566\n"));
    close(r.reader);
}

static void test_cancelled_while_it_waits(void **state)
{
    struct rig r;
    begin_pretty(&r);
    add_log(&r, "hello");
    send(&r);
    gw_exporter_stdout.cancel(r.ctx);
    gw_exporter_stdout.wait(r.ctx, gw_now());
    shut(&r);
    assert_int_equal(r.outcomes, 1);
    assert_int_equal(r.last.verdict, GW_RETRY);
    close(r.reader);
}

/* The reader goes while a batch of two waits: both are counted. */
static void test_closed_while_it_waits(void **state)
{
    struct rig r;
    begin_pretty(&r);
    add_log(&r, "one");
    add_log(&r, "two");
    send(&r);
    close(r.reader);
    gw_exporter_stdout.hurry(r.ctx);
    gw_exporter_stdout.wait(r.ctx, gw_now());
    shut(&r);
    assert_int_equal(r.outcomes, 1);
    assert_int_equal(r.last.verdict, GW_DONE);
    assert_int_equal(r.last.rejected, 2);
    assert_string_equal(r.last.text, "standard output: Broken pipe");
}

static void test_close_without_open(void **state)
{
    void *ctx = calloc(1, gw_exporter_stdout.ctx_size);
    gw_exporter_stdout.close(ctx);
    free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_small_batch),
                                       cmocka_unit_test(test_stopped_reader),
                                       cmocka_unit_test(test_stopped_terminal),
                                       cmocka_unit_test(test_wake),
                                       cmocka_unit_test(test_closed),
                                       cmocka_unit_test(test_hurry),
                                       cmocka_unit_test(test_cancelled_while_it_waits),
                                       cmocka_unit_test(test_closed_while_it_waits),
                                       cmocka_unit_test(test_close_without_open)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
