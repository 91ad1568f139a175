/* otlp_calls.c: headers, the poller thread, and calls from start to outcome. Owns calls, the completion queue
 * and the thread. Called by the gRPC exporter.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/otlp/otlp_calls.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/thread.h"
#include "core/config/config_diagnostic.h"
#include "exporters/otlp/grpc_status.h"

static const char *const methods[GW_SIGNALS] = {
    [GW_TRACES] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    [GW_LOGS] = "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    [GW_METRICS] = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    [GW_PROFILES] = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
};

struct otlp_call {
    struct otlp_call *next, **link;  /* list of open calls: sender thread */
    struct otlp_call *next_finished; /* under lock, between completion and wait */
    grpc_call *call;
    grpc_byte_buffer *request, *response;
    grpc_metadata_array initial, trailing;
    grpc_status_code status;
    grpc_slice message;
    otlp_done_f *done;
    void *cookie;
    /* Orders this thread's writes before the poller's. gRPC's queue does so too, but ThreadSanitizer cannot
     * see that. */
    atomic_bool sent;
};

/* --- headers --- */

static grpc_slice lower_case(gw_str key)
{
    grpc_slice slice = grpc_slice_malloc(key.len);
    for (size_t i = 0; i < key.len; i++)
        GRPC_SLICE_START_PTR(slice)[i] = (uint8_t)gw_lower(key.ptr[i]);
    return slice;
}

/* Returns the fault of a header that otlp_endpoint_open accepts and gRPC does not. */
static const char *header_fault(grpc_slice key)
{
    if (!grpc_header_key_is_legal(key))
        return "is no name that gRPC carries: letters, digits, - _ . only";
    return grpc_is_binary_header(key) ? "ends in -bin, which is for binary values" : NULL;
}

static bool make_headers(struct otlp_calls *c, const struct gw_map *headers, const char *path,
                         struct gw_diagnostics *diagnostics)
{
    char at[GW_OPTION_PATH];
    bool good = true;
    gw_option_path(at, path, "headers");
    c->headers = calloc(headers->n + 1, sizeof *c->headers);
    if (!c->headers)
        return false;
    c->headers[headers->n] =
        (grpc_metadata){.key = grpc_slice_from_static_string(GRPC_COMPRESSION_REQUEST_ALGORITHM_MD_KEY),
                        .value = grpc_slice_from_static_string("gzip")};
    for (size_t i = 0; i < headers->n; i++) {
        const struct gw_map_item *item = &headers->items[i];
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
    struct otlp_calls *c = arg;
    for (grpc_event event;
         (event = grpc_completion_queue_next(c->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)).type !=
         GRPC_QUEUE_SHUTDOWN;) {
        struct otlp_call *call = event.tag;
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

static grpc_slice read_response(struct otlp_call *call)
{
    grpc_byte_buffer_reader reader;
    if (!call->response || !grpc_byte_buffer_reader_init(&reader, call->response))
        return grpc_empty_slice();
    grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    return all;
}

static void call_drop(struct otlp_call *call)
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

/* Starts all six operations of a unary call as one batch, which completes once, with the status. */
static bool start_operations(struct otlp_calls *c, struct otlp_call *call, bool gzip)
{
    /* the last header names the compression */
    size_t headers = gzip ? c->n_headers + 1 : c->n_headers;
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

/* --- a call --- */

static struct otlp_call *call_new(struct otlp_calls *c, const struct otlp_call_conf *conf)
{
    struct otlp_call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    gpr_timespec deadline =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(conf->timeout, GPR_TIMESPAN));
    grpc_slice method = grpc_slice_from_static_string(methods[conf->signal]);
    call->call = grpc_channel_create_call(conf->channel, NULL, GRPC_PROPAGATE_DEFAULTS, c->queue, method,
                                          NULL, deadline, NULL);
    call->request = conf->request;
    call->message = grpc_empty_slice();
    grpc_metadata_array_init(&call->initial);
    grpc_metadata_array_init(&call->trailing);
    call->done = conf->done;
    call->cookie = conf->cookie;
    call->next = c->open;
    call->link = &c->open;
    if (c->open)
        c->open->link = &call->next;
    return c->open = call;
}

bool otlp_calls_start(struct otlp_calls *c, const struct otlp_call_conf *conf)
{
    struct otlp_call *call = call_new(c, conf);
    if (!call) {
        grpc_byte_buffer_destroy(conf->request);
        return false;
    }
    atomic_store_explicit(&call->sent, true, memory_order_release);
    if (start_operations(c, call, conf->gzip))
        return true;
    call_drop(call);
    return false;
}

static void finish(struct otlp_call *call)
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
    grpc_slice_unref(response);
    otlp_done_f *done = call->done;
    void *cookie = call->cookie;
    call_drop(call);
    done(cookie, &outcome);
}

void otlp_calls_wait(struct otlp_calls *c, gw_nsec until)
{
    gw_wakeup_wait(&c->wakeup, until);
    gw_lock(&c->lock);
    struct otlp_call *call = c->finished;
    c->finished = NULL;
    c->finished_end = &c->finished;
    gw_unlock(&c->lock);
    for (struct otlp_call *next; call; call = next) {
        next = call->next_finished;
        finish(call);
    }
}

void otlp_calls_wake(struct otlp_calls *c)
{
    gw_wakeup_signal(&c->wakeup);
}

void otlp_calls_cancel(struct otlp_calls *c)
{
    for (struct otlp_call *call = c->open; call; call = call->next)
        grpc_call_cancel(call->call, NULL);
}

/* --- open and close --- */

enum gw_code otlp_calls_open(struct otlp_calls *c, const struct gw_map *headers, const char *path,
                             struct gw_diagnostics *diagnostics)
{
    gw_wakeup_init(&c->wakeup);
    gw_lock_init(&c->lock, GW_LOCK_GRPC_FINISHED);
    c->finished_end = &c->finished;
    c->opened = true;
    return make_headers(c, headers, path, diagnostics) ? GW_OK : GW_BAD_REQUEST;
}

bool otlp_calls_poll(struct otlp_calls *c)
{
    c->queue = grpc_completion_queue_create_for_next(NULL);
    c->polling =
        gw_thread_start(&c->poller, &(struct gw_thread){"grpc", "exporter=otlp", poll_queue, c}, NULL);
    return c->polling;
}

void otlp_calls_close(struct otlp_calls *c)
{
    if (!c->opened)
        return;
    if (c->queue)
        grpc_completion_queue_shutdown(c->queue);
    if (c->polling)
        pthread_join(c->poller, NULL);
    if (c->queue)
        grpc_completion_queue_destroy(c->queue);
    for (size_t i = 0; i < c->n_headers; i++) {
        grpc_slice_unref(c->headers[i].key);
        grpc_slice_unref(c->headers[i].value);
    }
    free(c->headers);
    gw_lock_fini(&c->lock);
    gw_wakeup_fini(&c->wakeup);
    *c = (struct otlp_calls){0};
}
