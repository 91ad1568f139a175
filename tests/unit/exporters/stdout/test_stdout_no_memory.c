/* An allocation is refused while something is printed, each one in turn: it is printed later, whole and once.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* pipe2 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/config/option.h"
#include "gateway/run/modules.h"
#include "tests/unit/exporters/request_frames.h"
#include "tests/unit/failing_malloc.h"

enum { PRETTY, OTLP_JSON, FRAMES = 3, ITEMS = 4, ROOM = 1 << 16, MOST_ALLOCATIONS = 10000 };

struct batch {
    struct gw_frame *frames[FRAMES];
    struct gw_batch batch;
    unsigned answers;
    struct gw_outcome outcome;
};

static void batch_begin(struct batch *b, enum gw_signal signal)
{
    *b = (struct batch){.batch = {.signal = signal, .frames = b->frames}};
    for (; b->batch.n < FRAMES; b->batch.n++) {
        struct gw_frame *f = b->frames[b->batch.n] =
            request_frame(signal, signal == GW_TRACES ? "span" : "record", ITEMS);
        b->batch.bytes += f->len;
        b->batch.items += f->items;
    }
}

static void batch_end(struct batch *b)
{
    for (size_t i = 0; i < FRAMES; i++)
        gw_frame_drop(b->frames[i]);
}

static void done(void *cookie, const struct gw_outcome *o)
{
    struct batch *b = cookie;
    b->answers++;
    b->outcome = *o;
}

/* What was printed, when allocation n was refused. *refused: one was. */
static size_t print(int format, unsigned long n, char text[ROOM], bool *refused, struct batch *spans,
                    struct batch *records)
{
    const struct gw_exporter *e = &gw_exporter_stdout;
    int ends[2], terminal = dup(STDOUT_FILENO);
    void *ctx = calloc(1, e->ctx_size);
    fflush(stdout);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    *(int *)((char *)ctx + e->opts[0].offset) = format;
    enum gw_code opened = e->open(ctx, &(struct gw_export_host){0}, "exporters[0]", NULL);
    failing_begin(n, 2);
    e->send(ctx, &records->batch, GW_SEC, done, records);
    e->send(ctx, &spans->batch, GW_SEC, done, spans);
    for (int i = 0; i < 1000 && !(spans->answers && records->answers); i++)
        e->wait(ctx, gw_now());
    *refused = failing_end();
    e->close(ctx);
    free(ctx);
    dup2(terminal, STDOUT_FILENO);
    close(terminal);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    ssize_t len = read(ends[0], text, ROOM);
    close(ends[0]);
    assert_int_equal(opened, GW_OK);
    assert_true(len >= 0);
    return (size_t)len;
}

/* A request that cannot even be begun is the sender's to send again. */
static bool is_sent_later(const struct batch *b)
{
    return b->outcome.verdict == GW_RETRY;
}

static void check(const struct batch *b, unsigned long n)
{
    if (b->answers != 1 || b->outcome.rejected || (b->outcome.verdict != GW_DONE && !is_sent_later(b)))
        fail_msg("allocation %lu: %u answers, verdict %d, %d rejected (%s)", n, b->answers,
                 (int)b->outcome.verdict, (int)b->outcome.rejected, b->outcome.text);
}

/* As above, with batches of its own. *sent_later: one of them was not begun. */
static size_t print_both(int format, unsigned long n, char text[ROOM], bool *refused, bool *sent_later)
{
    struct batch spans, records;
    batch_begin(&spans, GW_TRACES);
    batch_begin(&records, GW_LOGS);
    size_t len = print(format, n, text, refused, &spans, &records);
    check(&spans, n);
    check(&records, n);
    *sent_later = is_sent_later(&spans) || is_sent_later(&records);
    batch_end(&spans);
    batch_end(&records);
    return len;
}

static void all_is_printed_once(int format)
{
    static char whole[ROOM], text[ROOM];
    bool refused = true, sent_later;
    size_t whole_len = print_both(format, MOST_ALLOCATIONS, whole, &refused, &sent_later);
    assert_false(refused);
    assert_true(whole_len > 0);
    for (unsigned long n = 1;; n++) {
        size_t len = print_both(format, n, text, &refused, &sent_later);
        if (!refused)
            break;
        if (!sent_later && (len != whole_len || memcmp(text, whole, len) != 0))
            fail_msg("allocation %lu: %.*s", n, (int)len, text);
    }
}

static void lines_wait_for_memory(void **state)
{
    all_is_printed_once(OTLP_JSON);
}

static void trees_and_logs_wait_for_memory(void **state)
{
    all_is_printed_once(PRETTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_wait_for_memory),
        cmocka_unit_test(trees_and_logs_wait_for_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
