/* A request's records are queued all, or none of them, however many frames they make.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/translators/logs/log_show.h"

#include "core/delivery/fanout.h"
#include "core/delivery/queue.h"
#include "gateway/receivers/log_http/log_http.h"

/* each line fills a frame, and a list of frames begins with room for 64 */
enum { LINES = 67, LINE = GW_FRAME_BYTES };
enum { ARENA = 64 << 10 };

struct rig {
    struct log_bed bed;
    struct gw_ledger *ledger;
    struct gw_fanout *fanout;
    struct gw_queue *queue;
    struct gw_host host;
    struct log_http receiver;
    struct log_batch *batches[1];
    struct gw_arena arena;
    struct gw_err err;
    uint64_t records;
};

static void wake(void *arg)
{
}

static void open_rig(struct rig *r, size_t queue_bytes, size_t arena_bytes)
{
    *r = (struct rig){.bed = {.options = {.parse = 1}}};
    log_bed_open(&r->bed, "http");
    r->bed.budget.limit = (size_t)1 << 30;
    r->ledger = gw_ledger_new();
    r->fanout = gw_fanout_new(r->ledger, &r->bed.budget);
    r->queue = gw_queue_new(queue_bytes, false, wake, NULL);
    unsigned exporter = gw_ledger_exporter(r->ledger, "paper", 1u << GW_LOGS);
    gw_fanout_add(r->fanout, (struct gw_route){r->queue, "paper", exporter, 1u << GW_LOGS, GW_OTEL, 0, 0});
    r->host = (struct gw_host){.fanout = r->fanout, .budget = &r->bed.budget};
    r->batches[0] = log_batch_new(r->bed.conf);
    r->receiver = (struct log_http){
        .conf = {.max_record = 1 << 20}, .host = &r->host, .batches = r->batches, .batches_n = 1};
    r->receiver.site.component = "receiver=http";
    gw_arena_init(&r->arena, arena_bytes);
}

static void close_rig(struct rig *r)
{
    struct gw_ledger_view v;
    gw_ledger_read(r->ledger, &v);
    assert_true(gw_ledger_balanced(&v));
    log_batch_drop(r->batches[0]);
    gw_fanout_drop(r->fanout);
    gw_queue_drop(r->queue);
    gw_ledger_drop(r->ledger);
    gw_arena_fini(&r->arena);
    assert_int_equal(atomic_load(&r->bed.budget.used), 0);
    log_bed_close(&r->bed);
}

static enum gw_code take(struct rig *r, enum http_log_form form, gw_str text)
{
    const struct log_input like = {.observed = 1};
    struct http_log body = {.form = form, .like = &like};
    const struct gw_http_request q = {.body = text, .arena = &r->arena};
    enum gw_code code = log_http_take(&r->receiver, &q, &body, 0, &r->records, &r->err);
    gw_arena_reset(&r->arena, 0);
    return code;
}

static struct gw_ledger_signal logs_of(struct rig *r)
{
    struct gw_ledger_view v;
    gw_ledger_read(r->ledger, &v);
    return v.signal[GW_LOGS];
}

static gw_str many_lines(void)
{
    size_t len = (size_t)LINES * (LINE + 1);
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, 'x', len);
    for (size_t i = 1; i <= LINES; i++)
        text[i * (LINE + 1) - 1] = '\n';
    return gw_str_n(text, len);
}

static uint64_t drain(struct rig *r)
{
    struct gw_chain out = {NULL, NULL};
    uint64_t items = 0;
    const struct gw_batch_limits all = {.bytes = SIZE_MAX, .items = UINT64_MAX};
    while (gw_queue_take(r->queue, GW_LOGS, &all, gw_now(), true, &out)) {
        for (const struct gw_node *n = out.first; n; n = n->next)
            items += n->frame->items;
        gw_queue_done(r->queue, &out);
    }
    return items;
}

/* The queue holds something, so a request that is larger than it is refused, and has room for the first 64
 * frames of it. */
static void more_frames_than_fit(void **state)
{
    struct rig r;
    gw_str lines = many_lines();
    open_rig(&r, SIZE_MAX, 1 << 20);
    assert_int_equal(take(&r, HTTP_LOG_LINES, gw_str_n(lines.ptr, LINE)), GW_OK);
    size_t used = gw_queue_used(r.queue);
    gw_queue_resize(r.queue, (LINES - 2) * used, false);
    assert_int_equal(take(&r, HTTP_LOG_LINES, lines), GW_QUEUE_FULL);
    assert_int_equal(r.records, LINES);
    if (gw_queue_used(r.queue) != used)
        fail_msg("a part of a request that was refused is in the queue: its sender brings it twice");
    assert_int_equal(logs_of(&r).accepted, 1);
    assert_int_equal(logs_of(&r).received, LINES + 1);
    assert_int_equal(logs_of(&r).not_taken[GW_REASON_QUEUE_FULL], LINES);
    assert_int_equal(drain(&r), 1);
    assert_int_equal(take(&r, HTTP_LOG_LINES, lines), GW_OK); /* as the sender does */
    assert_int_equal(drain(&r), LINES);
    free((void *)(uintptr_t)lines.ptr);
    close_rig(&r);
}

/* An arena that has no room for a list of that many frames. */
static void no_memory_for_so_many_frames(void **state)
{
    struct rig r;
    gw_str lines = many_lines();
    open_rig(&r, SIZE_MAX, ARENA);
    assert_non_null(gw_arena_raw(&r.arena, ARENA - 1024, 1)); /* 64 pointers fit, and not 128 more */
    assert_int_equal(take(&r, HTTP_LOG_LINES, lines), GW_BUSY);
    assert_int_equal(gw_queue_used(r.queue), 0);
    assert_int_equal(logs_of(&r).received, LINES);
    assert_int_equal(logs_of(&r).not_taken[GW_REASON_QUEUE_FULL], LINES);
    /* nothing of it is left in the batch */
    assert_int_equal(take(&r, HTTP_LOG_LINES, GW_STR("the next\n")), GW_OK);
    assert_int_equal(drain(&r), 1);
    free((void *)(uintptr_t)lines.ptr);
    close_rig(&r);
}

/* The first reading only looks; the second takes the escapes out, for which there may be no room. */
static void a_text_that_there_is_no_room_for(void **state)
{
    enum { ESCAPES = 100000 };
    static char body[2 * ESCAPES + 64];
    struct rig r;
    size_t n = (size_t)snprintf(body, sizeof body, "[\"first\",\"");
    for (int i = 0; i < ESCAPES; i++, n += 2)
        memcpy(body + n, "\\t", 2);
    n += (size_t)snprintf(body + n, sizeof body - n, "\",\"third\"]");
    open_rig(&r, 64 << 20, ARENA);
    assert_int_equal(take(&r, HTTP_LOG_JSON, gw_str_n(body, n)), GW_BUDGET);
    if (gw_queue_used(r.queue))
        fail_msg("the records before the one that there is no room for are in the queue");
    assert_int_equal(logs_of(&r).received, 3);
    assert_int_equal(logs_of(&r).not_taken[GW_REASON_BUDGET], 3);
    assert_int_equal(take(&r, HTTP_LOG_JSON, GW_STR("[\"next\"]")), GW_OK);
    assert_int_equal(drain(&r), 1);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_frames_than_fit),
        cmocka_unit_test(no_memory_for_so_many_frames),
        cmocka_unit_test(a_text_that_there_is_no_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
