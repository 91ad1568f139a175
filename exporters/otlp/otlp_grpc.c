/* The exporter that sends OTLP over gRPC, by gRPC Core's C API.
 *
 *   send ─▶ slices over the frames' own bytes (or one gzip buffer) ─▶ one unary call ─▶ completion queue
 *                                                                                       │ poller thread
 *   done ◀─ gw_grpc_judge (grpc_status.h) ◀─ wait ◀ wakeup, list of finished calls ◀────┘
 *
 * A completion queue is also what drives Core's connections, so one thread stays in it for the exporter's
 * life; all it does is hand finished calls over. A slice holds a reference of its frame, which Core may drop
 * from any of its threads after the call has ended.
 *
 * Calls fail fast: a backend that is away answers UNAVAILABLE at once, and the sender's queue does the
 * waiting.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <curl/curl.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/lock.h"
#include "core/base/thread.h"
#include "core/base/wakeup.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/exporter.h"
#include "exporters/otlp/compression_trial.h"
#include "exporters/otlp/grpc_channel.h"
#include "exporters/otlp/grpc_status.h"
#include "exporters/otlp/tls_probe.h"
#include "exporters/sender/compress.h"

#define OPTS(X)                                                                                              \
    X(duration, keepalive_time, "keepalive.time", "30s", "0s", "24h",                                        \
      "A connection with open requests is probed after this long without news; 0s: never. Servers may "      \
      "close on too frequent probes.")                                                                       \
    X(duration, keepalive_timeout, "keepalive.timeout", "10s", "100ms", "10m",                               \
      "A probe not answered for this long ends the connection.")

#define GW_CONF struct conf
OTLP_CONF(OPTS);

static const struct otlp_protocol protocol = {.name = "gRPC", .default_port = 4317};

static const gw_nsec PROBE_AGAIN = 60 * GW_SEC;

static const char *const methods[GW_SIGNALS] = {
    [GW_TRACES] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    [GW_LOGS] = "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    [GW_METRICS] = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
};

/* One request. */
struct call {
    struct call *next, **link;  /* among open calls: sender thread */
    struct call *next_finished; /* under lock, from completion to wait */
    struct ctx *ctx;
    grpc_call *call;
    grpc_byte_buffer *request, *response;
    grpc_metadata_array initial, trailing;
    grpc_status_code status;
    grpc_slice message;
    bool gzip;
    gw_done_f *done;
    void *cookie;
    /* orders our writes before the poller's, as gRPC's queue does where ThreadSanitizer cannot see it */
    atomic_bool sent;
};

struct ctx {
    struct conf conf;
    /* const after open */
    bool started, polling;
    struct otlp_endpoint target;
    grpc_channel *channel;
    grpc_completion_queue *queue;
    grpc_metadata *headers;
    size_t n_headers;
    struct gw_compressor *compressor; /* sender thread's; NULL: no compression */
    struct otlp_trial trial;          /* sender thread's, as what follows */
    const char *certificate_remedy;   /* what the last probe found; NULL: nothing */
    gw_nsec probed_at;                /* 0: never */
    pthread_t poller;
    struct gw_wakeup wakeup;
    /* sender thread */
    struct call *open;
    /* under lock: the poller appends, wait takes all */
    struct gw_lock lock;
    struct call *finished, **finished_end;
};
_Static_assert(offsetof(struct ctx, conf) == 0, "the pipeline fills conf");

/* --- headers --- */

static grpc_slice lower_case(gw_str key)
{
    grpc_slice slice = grpc_slice_malloc(key.len);
    for (size_t i = 0; i < key.len; i++)
        GRPC_SLICE_START_PTR(slice)[i] = (uint8_t)gw_lower(key.ptr[i]);
    return slice;
}

/* What otlp_endpoint_open has let pass but gRPC has its own ideas of. */
static const char *header_fault(grpc_slice key)
{
    if (!grpc_header_key_is_legal(key))
        return "is no name that gRPC carries: letters, digits, - _ . only";
    return grpc_is_binary_header(key) ? "ends in -bin, which is for binary values" : NULL;
}

static bool make_headers(struct ctx *c, const char *path, struct gw_diagnostics *diagnostics)
{
    char at[GW_OPTION_PATH];
    bool good = true;
    gw_option_path(at, path, "headers");
    c->headers = calloc(c->conf.headers.n + 1, sizeof *c->headers);
    if (!c->headers)
        return false;
    c->headers[c->conf.headers.n] =
        (grpc_metadata){.key = grpc_slice_from_static_string(GRPC_COMPRESSION_REQUEST_ALGORITHM_MD_KEY),
                        .value = grpc_slice_from_static_string("gzip")};
    for (size_t i = 0; i < c->conf.headers.n; i++) {
        const struct gw_map_item *item = &c->conf.headers.items[i];
        grpc_slice key = lower_case(item->key);
        const char *fault = header_fault(key);
        if (fault)
            gw_config_error(diagnostics, at, "\"%.*s\" %s", GW_FMT(item->key), fault);
        good = good && !fault;
        c->headers[c->n_headers++] = (grpc_metadata){
            .key = key, .value = grpc_slice_from_copied_buffer(item->value.ptr, item->value.len)};
    }
    return good;
}

/* --- the poller --- */

static void *poll_queue(void *arg)
{
    struct ctx *c = arg;
    for (grpc_event event;
         (event = grpc_completion_queue_next(c->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)).type !=
         GRPC_QUEUE_SHUTDOWN;) {
        struct call *call = event.tag;
        GW_ASSERT(atomic_load_explicit(&call->sent, memory_order_acquire));
        gw_lock(&c->lock);
        call->next_finished = NULL;
        *c->finished_end = call;
        c->finished_end = &call->next_finished;
        gw_unlock(&c->lock);
        gw_wakeup_signal(&c->wakeup);
    }
    return NULL;
}

/* --- open and close --- */

static bool make_channel(struct ctx *c, const char *path, struct gw_diagnostics *diagnostics)
{
    struct gw_grpc_options options = {c->conf.tls_server_name, c->conf.keepalive_time,
                                      c->conf.keepalive_timeout};
    c->channel = gw_grpc_channel(&c->target, &options, path, diagnostics);
    bool gzip = c->target.compression == GW_COMPRESS_GZIP || c->target.may_compress;
    if (gzip)
        c->compressor = gw_compressor_new(GW_COMPRESS_GZIP);
    return c->channel && (c->compressor || !gzip);
}

static bool make_queue(struct ctx *c)
{
    c->queue = grpc_completion_queue_create_for_next(NULL);
    c->polling =
        gw_thread_start(&c->poller, &(struct gw_thread){"grpc", "exporter=otlp", poll_queue, c}, NULL);
    return c->polling;
}

static enum gw_code grpc_open(void *ctx, const struct gw_export_host *host, const char *path,
                              struct gw_diagnostics *diagnostics)
{
    struct ctx *c = ctx;
    gw_grpc_start();
    curl_global_init(CURL_GLOBAL_DEFAULT); /* counted; for tls_probe.h */
    gw_wakeup_init(&c->wakeup);
    gw_lock_init(&c->lock, GW_LOCK_GRPC_FINISHED);
    c->finished_end = &c->finished;
    c->started = true;
    enum gw_code code = otlp_endpoint_open(&c->target, (const struct otlp_endpoint_conf *)&c->conf, &protocol,
                                           path, diagnostics);
    if (!make_headers(c, path, diagnostics))
        code = GW_BAD_REQUEST;
    if (c->target.off)
        gw_option_warning(diagnostics, path, "endpoint",
                          "is empty: nothing is uploaded, and everything counts as discarded");
    if (code != GW_OK || c->target.off)
        return code;
    return make_channel(c, path, diagnostics) && make_queue(c) ? GW_OK : GW_INTERNAL;
}

/* The order that Core wants: calls (none is open any more), queue, channel, library. */
static void grpc_close(void *ctx)
{
    struct ctx *c = ctx;
    if (!c->started)
        return;
    if (c->queue)
        grpc_completion_queue_shutdown(c->queue);
    if (c->polling)
        pthread_join(c->poller, NULL);
    if (c->queue)
        grpc_completion_queue_destroy(c->queue);
    if (c->channel)
        grpc_channel_destroy(c->channel);
    for (size_t i = 0; i < c->n_headers; i++) {
        grpc_slice_unref(c->headers[i].key);
        grpc_slice_unref(c->headers[i].value);
    }
    free(c->headers);
    if (c->compressor)
        gw_compressor_drop(c->compressor);
    gw_lock_fini(&c->lock);
    gw_wakeup_fini(&c->wakeup);
    otlp_endpoint_close(&c->target);
    curl_global_cleanup();
    gw_grpc_stop();
    *c = (struct ctx){.conf = c->conf};
}

/* --- send --- */

static void unpin_frame(void *frame)
{
    gw_frame_unpin(frame);
}

/* The frames' own bytes, laid end to end without a copy. */
static grpc_byte_buffer *plain_request(const struct gw_batch *batch)
{
    grpc_slice *slices = malloc(batch->n * sizeof *slices);
    if (!slices)
        return NULL;
    for (size_t i = 0; i < batch->n; i++) {
        struct gw_frame *f = gw_frame_pin(batch->frames[i]);
        slices[i] = grpc_slice_new_with_user_data(f->data, f->len, unpin_frame, f);
    }
    /* takes references of its own */
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(slices, batch->n);
    for (size_t i = 0; i < batch->n; i++)
        grpc_slice_unref(slices[i]);
    free(slices);
    return buffer;
}

static grpc_byte_buffer *gzip_request(struct gw_compressor *compressor, const struct gw_batch *batch)
{
    uint8_t *data;
    size_t len;
    if (!gw_compress(compressor, batch->frames, batch->n, &data, &len))
        return NULL;
    grpc_slice slice = grpc_slice_new_with_user_data(data, len, free, data);
    grpc_byte_buffer *buffer = grpc_raw_compressed_byte_buffer_create(&slice, 1, GRPC_COMPRESS_GZIP);
    grpc_slice_unref(slice);
    return buffer;
}

static void make_request(struct ctx *c, struct call *call, const struct gw_batch *batch)
{
    if (otlp_trial_compresses(&c->trial, &c->target, batch))
        call->request = gzip_request(c->compressor, batch);
    call->gzip = call->request;
    if (!call->request)
        call->request = plain_request(batch);
}

static struct call *call_new(struct ctx *c, const struct gw_batch *batch, gw_nsec timeout)
{
    struct call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    make_request(c, call, batch);
    if (!call->request) {
        free(call);
        return NULL;
    }
    gpr_timespec deadline =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(timeout, GPR_TIMESPAN));
    grpc_slice method = grpc_slice_from_static_string(methods[batch->signal]);
    call->call = grpc_channel_create_call(c->channel, NULL, GRPC_PROPAGATE_DEFAULTS, c->queue, method, NULL,
                                          deadline, NULL);
    call->message = grpc_empty_slice();
    grpc_metadata_array_init(&call->initial);
    grpc_metadata_array_init(&call->trailing);
    call->ctx = c;
    call->next = c->open;
    call->link = &c->open;
    if (c->open)
        c->open->link = &call->next;
    return c->open = call;
}

static void call_drop(struct call *call)
{
    *call->link = call->next;
    if (call->next)
        call->next->link = call->link;
    if (call->request)
        grpc_byte_buffer_destroy(call->request);
    if (call->response)
        grpc_byte_buffer_destroy(call->response);
    grpc_metadata_array_destroy(&call->initial);
    grpc_metadata_array_destroy(&call->trailing);
    grpc_slice_unref(call->message);
    grpc_call_unref(call->call);
    free(call);
}

/* All six operations of a unary call as one batch: it completes once, when the status is there. */
static bool call_start(struct ctx *c, struct call *call)
{
    /* the last of the headers names the compression */
    size_t headers = call->gzip ? c->n_headers + 1 : c->n_headers;
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .data.send_initial_metadata = {.count = headers, .metadata = c->headers}},
        {.op = GRPC_OP_SEND_MESSAGE,
         .flags = GRPC_WRITE_NO_COMPRESS,
         .data.send_message.send_message = call->request},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &call->initial},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->response},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &call->trailing,
                                        .status = &call->status,
                                        .status_details = &call->message}},
    };
    return grpc_call_start_batch(call->call, ops, sizeof ops / sizeof *ops, call, NULL) == GRPC_CALL_OK;
}

/* No endpoint: nothing is sent, and nobody is asked to try again. */
static void discard(gw_done_f *done, void *cookie)
{
    struct gw_outcome gone = {.verdict = GW_DISCARDED};
    done(cookie, &gone);
}

static void fail(gw_done_f *done, void *cookie, const char *why)
{
    struct gw_outcome o = {.verdict = GW_RETRY};
    snprintf(o.text, sizeof o.text, "%s", why);
    done(cookie, &o);
}

static void grpc_send(void *ctx, const struct gw_batch *batch, gw_nsec timeout, gw_done_f *done, void *cookie)
{
    struct ctx *c = ctx;
    if (c->target.off) {
        discard(done, cookie);
        return;
    }
    struct call *call = call_new(c, batch, timeout);
    if (!call) {
        fail(done, cookie, "no memory for a request");
        return;
    }
    call->done = done;
    call->cookie = cookie;
    atomic_store_explicit(&call->sent, true, memory_order_release);
    if (call_start(c, call))
        return;
    call_drop(call);
    fail(done, cookie, "gRPC refused to start a call");
}

/* --- answers --- */

static gw_str view(const grpc_slice *slice)
{
    return gw_str_n((const char *)GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice));
}

static gw_str find_metadata(const grpc_metadata_array *trailing, gw_str key)
{
    for (size_t i = 0; i < trailing->count; i++)
        if (gw_str_eq(view(&trailing->metadata[i].key), key))
            return view(&trailing->metadata[i].value);
    return GW_NOSTR;
}

static grpc_slice read_response(struct call *call)
{
    grpc_byte_buffer_reader reader;
    if (!call->response || !grpc_byte_buffer_reader_init(&reader, call->response))
        return grpc_empty_slice();
    grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    return all;
}

/* gRPC does not know why a certificate was not accepted: we ask, once a minute at most. */
static void explain_certificate(struct ctx *c, struct gw_outcome *o)
{
    gw_nsec now = gw_now();
    if (!c->target.tls || !o->remedy || !strstr(o->text, "ertificate verify failed"))
        return;
    if (!c->probed_at || now - c->probed_at > PROBE_AGAIN) {
        c->certificate_remedy = otlp_tls_probe(&c->target, c->conf.tls_server_name);
        c->probed_at = now;
    }
    if (c->certificate_remedy)
        o->remedy = c->certificate_remedy;
}

static void call_finish(struct call *call)
{
    struct gw_outcome outcome;
    grpc_slice response = read_response(call);
    struct gw_grpc_answer answer = {
        .status = (int)call->status,
        .message = view(&call->message),
        .details = find_metadata(&call->trailing, GW_STR("grpc-status-details-bin")),
        .pushback = find_metadata(&call->trailing, GW_STR("grpc-retry-pushback-ms")),
        .response = view(&response),
    };
    gw_grpc_judge(&answer, &outcome);
    explain_certificate(call->ctx, &outcome);
    if (call->gzip)
        otlp_trial_judge(&call->ctx->trial, &call->ctx->target, &outcome);
    grpc_slice_unref(response);
    gw_done_f *done = call->done;
    void *cookie = call->cookie;
    call_drop(call);
    done(cookie, &outcome);
}

static void grpc_wait(void *ctx, gw_nsec until)
{
    struct ctx *c = ctx;
    gw_wakeup_wait(&c->wakeup, until);
    gw_lock(&c->lock);
    struct call *call = c->finished;
    c->finished = NULL;
    c->finished_end = &c->finished;
    gw_unlock(&c->lock);
    for (struct call *next; call; call = next) {
        next = call->next_finished;
        call_finish(call);
    }
}

static void grpc_wake(void *ctx)
{
    struct ctx *c = ctx;
    gw_wakeup_signal(&c->wakeup);
}

static void grpc_cancel(void *ctx)
{
    struct ctx *c = ctx;
    for (struct call *call = c->open; call; call = call->next)
        grpc_call_cancel(call->call, NULL);
}

static void grpc_describe(void *ctx, FILE *to)
{
    const struct ctx *c = ctx;
    if (c->target.off)
        fputs("nowhere: nothing is uploaded", to);
    else
        fprintf(to, "%s://%s, compression %s", c->target.tls ? "https" : "http", c->target.authority,
                otlp_endpoint_compression(&c->target));
}

const struct gw_exporter gw_exporter_otlp_grpc = {
    .name = "otlp_grpc",
    .summary = "Sends OTLP over gRPC to a collector or any backend that takes it.",
    .signals = 1u << GW_TRACES | 1u << GW_LOGS | 1u << GW_METRICS,
    .opts = opts,
    .wants = (const char *const[]){"endpoint", NULL},
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .library_threads = 8, /* gRPC's */
    .remote = true,
    .open = grpc_open,
    .close = grpc_close,
    .send = grpc_send,
    .wait = grpc_wait,
    .cancel = grpc_cancel,
    .wake = grpc_wake,
    .describe = grpc_describe,
};
