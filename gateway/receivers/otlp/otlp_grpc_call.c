/* otlp_grpc_call.c: Calls, from their headers to their answer, and the threads that run them.
 *
 *     WAITING ─ a call came: token? ─▶ READING ─ its message is whole ─▶ ANSWERING ─ the answer is sent, or nobody
 *        │                                │ receive_timeout: cancelled                  wants it any more ─▶ dropped
 *        └─ the server stops: dropped
 *
 * Each state is one batch of operations at Core, whose end comes as an event of the worker's queue. Owns calls; a
 * worker's calls are its thread's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/delivery/fanout.h"
#include "gateway/receivers/otlp/otlp_grpc_server_internal.h"

static const char component[] = "receiver=otlp";
enum { HEALTH = GW_SIGNALS, OTHER = OTLP_GRPC_METHODS, ARMED = 8, READING_MOST = 1024, ARENA_KEEP = 1 << 20 };
enum { POOL_KEEP = 4 << 20, HELD_MS = 5, TURN_MS = 1000 };
static const gw_nsec SWEEP = GW_SEC;

enum state { WAITING, READING, ANSWERING };

struct otlp_call {
    struct otlp_grpc_worker *worker;
    enum state state;
    int method; /* a signal, HEALTH or OTHER */
    grpc_call *call;
    grpc_metadata_array metadata;
    grpc_call_details details; /* of OTHER */
    gpr_timespec deadline;
    grpc_byte_buffer *request, *response;
    grpc_metadata trailer;
    grpc_slice words;
    grpc_slice held; /* the answer, while it is held back */
    int cancelled;
    gw_nsec since;                  /* when it began to read, or to be held back */
    struct otlp_call *next, **link; /* among those that are reading, or are held back */
};

void otlp_grpc_register(struct otlp_grpc *g)
{
    static const char *const names[OTLP_GRPC_METHODS] = {
        [GW_TRACES] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        [GW_LOGS] = "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        [GW_METRICS] = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        [HEALTH] = "/grpc.health.v1.Health/Check",
    };
    for (int i = 0; i < OTLP_GRPC_METHODS; i++)
        g->methods[i] = grpc_server_register_method(g->server, names[i], NULL, GRPC_SRM_PAYLOAD_NONE, 0);
}

/* --- a call's memory --- */

/* Waits for one more call of the method. */
static void wait_for(struct otlp_grpc_worker *w, int method)
{
    grpc_server *server = w->grpc->server;
    struct otlp_call *c = calloc(1, sizeof *c);
    if (!c)
        return; /* one fewer waits */
    c->worker = w;
    c->method = method;
    c->words = c->held = grpc_empty_slice();
    grpc_metadata_array_init(&c->metadata);
    grpc_call_details_init(&c->details);
    grpc_call_error e =
        method == OTHER
            ? grpc_server_request_call(server, &c->call, &c->details, &c->metadata, w->queue, w->queue, c)
            : grpc_server_request_registered_call(server, w->grpc->methods[method], &c->call, &c->deadline,
                                                  &c->metadata, NULL, w->queue, w->queue, c);
    GW_ASSERT(e == GRPC_CALL_OK);
}

static void drop_call(struct otlp_call *c)
{
    if (c->request)
        grpc_byte_buffer_destroy(c->request);
    if (c->response)
        grpc_byte_buffer_destroy(c->response);
    if (c->call)
        grpc_call_unref(c->call);
    grpc_slice_unref(c->words);
    grpc_slice_unref(c->held);
    grpc_slice_unref(c->trailer.value);
    grpc_metadata_array_destroy(&c->metadata);
    grpc_call_details_destroy(&c->details);
    free(c);
}

/* --- answers --- */

static gw_str view(const grpc_slice *s)
{
    return gw_str_n((const char *)GRPC_SLICE_START_PTR(*s), GRPC_SLICE_LENGTH(*s));
}

static grpc_slice slice(gw_str s)
{
    return grpc_slice_from_copied_buffer(s.len ? s.ptr : "", s.len);
}

/* The state is Core's to change from here on; what stands in the call stays until it has. */
static void answer(struct otlp_call *c, int status, gw_str words, gw_str response, gw_str details)
{
    grpc_op ops[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_RECV_CLOSE_ON_SERVER}};
    size_t n = 2;
    c->state = ANSWERING;
    ops[1].data.recv_close_on_server.cancelled = &c->cancelled;
    if (status == GRPC_STATUS_OK) {
        grpc_slice message = slice(response);
        c->response = grpc_raw_byte_buffer_create(&message, 1);
        grpc_slice_unref(message);
        ops[n++] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = c->response};
    }
    c->words = slice(words);
    grpc_op *last = &ops[n++];
    *last = (grpc_op){.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
    last->data.send_status_from_server.status = (grpc_status_code)status;
    last->data.send_status_from_server.status_details = words.len ? &c->words : NULL;
    if (details.len) {
        c->trailer = (grpc_metadata){.key = grpc_slice_from_static_string("grpc-status-details-bin"),
                                     .value = slice(details)};
        last->data.send_status_from_server.trailing_metadata = &c->trailer;
        last->data.send_status_from_server.trailing_metadata_count = 1;
    }
    grpc_call_error e = grpc_call_start_batch(c->call, ops, n, c, NULL);
    GW_ASSERT(e == GRPC_CALL_OK);
}

static void answer_error(struct otlp_call *c, const struct gw_err *err)
{
    struct otlp_grpc_worker *w = c->worker;
    struct otlp_receiver *o = w->grpc->receiver;
    char text[512];
    int http = gw_code_http(err->code);
    int seconds = http == 429 || http == 503 ? gw_fanout_retry_after(o->host->fanout, gw_now()) : 0;
    gw_http_error_text(err, text, sizeof text);
    gw_str words = gw_str_z(text), first = gw_str_n(text, gw_str_find(words, '\n'));
    int status = otlp_answer_code(err->code);
    gw_log(http >= 429 ? GW_INFO : GW_WARNING, component, "a request over gRPC is answered %d: %.*s", status,
           GW_FMT(first));
    answer(c, status, first, GW_NOSTR, otlp_answer_status(err, seconds, false, &w->arena));
}

/* While an exporter's queue is lagging a good answer is held back, as over HTTP: whoever waits for it sends nothing
 * more meanwhile. */
static bool is_lagging(const struct otlp_call *c, gw_nsec now)
{
    return gw_fanout_delays(c->worker->grpc->receiver->host->fanout, (enum gw_signal)c->method, now);
}

static void answer_good(struct otlp_call *c, gw_str response)
{
    struct otlp_grpc_worker *w = c->worker;
    c->since = gw_now();
    if (!is_lagging(c, c->since)) {
        answer(c, GRPC_STATUS_OK, GW_NOSTR, response, GW_NOSTR);
        return;
    }
    c->held = slice(response);
    c->next = NULL;
    *w->held_end = c;
    w->held_end = &c->next;
}

/* In the order of their coming. */
static void answer_held(struct otlp_grpc_worker *w, gw_nsec now)
{
    struct otlp_call *c;
    while ((c = w->held) && (now - c->since >= GW_HTTP_LONGEST_DELAY || !is_lagging(c, now))) {
        w->held = c->next;
        if (!w->held)
            w->held_end = &w->held;
        answer(c, GRPC_STATUS_OK, GW_NOSTR, view(&c->held), GW_NOSTR);
    }
}

/* --- a call comes --- */

static enum gw_code check_token(const struct otlp_call *c)
{
    const struct gw_auth *auth = &c->worker->grpc->receiver->access.auth;
    enum gw_code verdict = GW_NO_TOKEN;
    if (!auth->n)
        return GW_OK;
    for (size_t i = 0; i < c->metadata.count; i++)
        gw_auth_header(auth, view(&c->metadata.metadata[i].key), view(&c->metadata.metadata[i].value),
                       &verdict);
    return verdict;
}

static void start_reading(struct otlp_call *c)
{
    struct otlp_grpc_worker *w = c->worker;
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &c->request};
    c->state = READING;
    c->since = gw_now();
    c->next = w->reading;
    c->link = &w->reading;
    if (c->next)
        c->next->link = &c->next;
    w->reading = c;
    w->reading_n++;
    grpc_call_error e = grpc_call_start_batch(c->call, &op, 1, c, NULL);
    GW_ASSERT(e == GRPC_CALL_OK);
}

static void end_reading(struct otlp_call *c)
{
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    c->worker->reading_n--;
}

static void came(struct otlp_call *c)
{
    struct gw_err err = {.code = check_token(c)};
    if (!err.code && c->method != OTHER && c->worker->reading_n >= READING_MOST)
        err.code = GW_BUSY;
    if (err.code)
        answer_error(c, &err);
    else if (c->method == OTHER)
        answer(c, GRPC_STATUS_UNIMPLEMENTED,
               GW_STR("this is a port of OTLP: Export of TraceService, LogsService and MetricsService"),
               GW_NOSTR, GW_NOSTR);
    else
        start_reading(c);
}

/* Those whose message does not come: their end comes as an event. */
static void sweep(struct otlp_grpc_worker *w, gw_nsec now)
{
    if (now - w->swept < SWEEP)
        return;
    w->swept = now;
    for (struct otlp_call *c = w->reading; c; c = c->next)
        if (now - c->since > w->grpc->receiver->conf.receive_timeout)
            grpc_call_cancel_with_status(c->call, GRPC_STATUS_DEADLINE_EXCEEDED,
                                         "the message did not come in time", NULL);
}

/* --- its message --- */

/* In one piece, in *body where it must be copied. */
static enum gw_code gather(struct otlp_grpc_worker *w, const grpc_byte_buffer *b, struct gw_body *body,
                           gw_str *out)
{
    const grpc_slice_buffer *s = &b->data.raw.slice_buffer;
    *out = s->count == 1 ? view(&s->slices[0]) : GW_NOSTR;
    if (s->count < 2)
        return GW_OK;
    if (!gw_body_grow(&w->pool, body, s->length, s->length))
        return GW_BUSY;
    for (size_t i = 0; i < s->count; i++) {
        gw_str part = view(&s->slices[i]);
        memcpy(body->data + body->len, part.ptr, part.len);
        body->len += part.len;
    }
    *out = gw_str_n(body->data, body->len);
    return GW_OK;
}

static enum gw_code unpack(struct otlp_grpc_worker *w, const grpc_byte_buffer *b, gw_str packed,
                           struct gw_body *body, gw_str *out, struct gw_err *err)
{
    grpc_compression_algorithm how = b->data.raw.compression;
    *out = packed;
    if (how == GRPC_COMPRESS_NONE || !packed.len)
        return GW_OK;
    size_t most = w->grpc->receiver->conf.max_inflated;
    if (most > w->grpc->bodies.limit / 2)
        most = w->grpc->bodies.limit / 2;
    enum gw_code code = gw_inflate(w->inflater, how == GRPC_COMPRESS_GZIP ? GW_ENC_GZIP : GW_ENC_DEFLATE,
                                   packed, &w->pool, body, most, err);
    *out = gw_str_n(body->data, body->len);
    return code;
}

static void export(struct otlp_call *c)
{
    struct otlp_grpc_worker *w = c->worker;
    struct otlp_receiver *o = w->grpc->receiver;
    struct gw_body gathered = {0}, unpacked = {0};
    struct otlp_taken taken;
    struct gw_err err = {0};
    gw_str packed, body;
    err.code = gather(w, c->request, &gathered, &packed);
    if (!err.code)
        err.code = unpack(w, c->request, packed, &unpacked, &body, &err);
    if (!err.code)
        err.code =
            otlp_intake_take(&o->intake, &w->own, (enum gw_signal)c->method, body, &w->arena, &taken, &err);
    if (err.code)
        answer_error(c, &err);
    else
        answer_good(c, otlp_answer_taken(&taken, (enum gw_signal)c->method, false, &w->arena));
    if (!err.code && taken.refused)
        otlp_intake_log_faults(&o->intake, &taken, gw_signal_name((enum gw_signal)c->method));
    gw_arena_reset(&w->arena, ARENA_KEEP);
    gw_body_release(&w->pool, &gathered);
    gw_body_release(&w->pool, &unpacked);
}

static void read_whole(struct otlp_call *c)
{
    static const gw_str serving = GW_LIT("\x08\x01"); /* HealthCheckResponse { status: SERVING } */
    end_reading(c);
    if (!c->request)
        answer(c, GRPC_STATUS_INVALID_ARGUMENT, GW_STR("the call has no message"), GW_NOSTR, GW_NOSTR);
    else if (c->method == HEALTH)
        answer(c, GRPC_STATUS_OK, GW_NOSTR, serving, GW_NOSTR);
    else
        export(c);
}

/* --- the thread --- */

static void on_event(struct otlp_grpc_worker *w, grpc_event e)
{
    struct otlp_call *c = e.tag;
    if (e.tag == w->grpc) { /* the server has shut down */
        atomic_store(&w->grpc->is_shut, true);
        gw_wakeup_signal(&w->grpc->shut);
    } else if (c->state == WAITING && e.success) {
        wait_for(w, c->method);
        came(c);
    } else if (c->state == READING) {
        read_whole(c);
    } else {
        drop_call(c);
    }
}

static void *run(void *arg)
{
    struct otlp_grpc_worker *w = arg;
    for (;;) {
        gpr_timespec turn = gpr_time_from_millis(w->held ? HELD_MS : TURN_MS, GPR_TIMESPAN),
                     until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), turn);
        grpc_event e = grpc_completion_queue_next(w->queue, until, NULL);
        if (e.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (e.type == GRPC_OP_COMPLETE)
            on_event(w, e);
        sweep(w, gw_now());
        answer_held(w, gw_now());
    }
}

void otlp_grpc_worker_open(struct otlp_grpc *g, struct otlp_grpc_worker *w)
{
    struct gw_budget *whole = g->receiver->host->budget;
    w->grpc = g;
    w->held_end = &w->held;
    w->queue = grpc_completion_queue_create_for_next(NULL);
    w->scratch.limit = whole->limit / 8 * 5;
    w->scratch.parent = whole;
    gw_arena_init(&w->arena, w->scratch.limit);
    w->arena.account = &w->scratch;
    gw_body_pool_init(&w->pool, whole, &g->bodies, POOL_KEEP);
    w->inflater = gw_inflater_new();
    GW_ASSERT(w->inflater);
}

void otlp_grpc_worker_start(struct otlp_grpc_worker *w)
{
    for (int method = 0; method <= OTHER; method++)
        for (int i = 0; i < (method < HEALTH ? ARMED : 1); i++)
            wait_for(w, method);
    w->running = gw_thread_start(&w->thread, &(struct gw_thread){"otlp/grpc", component, run, w}, NULL);
    GW_ASSERT(w->running);
}

void otlp_grpc_worker_stop(struct otlp_grpc_worker *w)
{
    grpc_completion_queue_shutdown(w->queue);
    if (w->running)
        pthread_join(w->thread, NULL);
    w->running = false;
}

void otlp_grpc_worker_close(struct otlp_grpc_worker *w)
{
    if (w->running || !w->grpc)
        return;
    grpc_completion_queue_destroy(w->queue);
    otlp_intake_thread_fini(&w->own);
    gw_inflater_drop(w->inflater);
    gw_body_pool_fini(&w->pool);
    gw_arena_fini(&w->arena);
}
