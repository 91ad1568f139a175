/* otlp_sink: the cheapest OTLP backend there can be: takes everything, counts spans.
 *
 *     otlp_sink            listens on ports of the system's choice: prints "grpc PORT" and "http PORT", and at SIGTERM or SIGINT
 *                          one JSON object: requests, spans, bytes (uncompressed)
 *
 * gRPC on gRPC Core's C interface, one completion queue and one thread; OTLP/HTTP on libmicrohttpd, plain or
 * gzip.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/base/str.h"

static struct {
    atomic_ullong requests, spans, bytes;
} seen;

/* --- counting --- */

static bool varint(const uint8_t **p, const uint8_t *end, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; *p < end && shift < 64; shift += 7) {
        uint8_t byte = *(*p)++;
        *v |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* ResourceSpans are field 1 of the request, ScopeSpans 2 of those, Spans 2 of those. */
static uint64_t count(const uint8_t *p, const uint8_t *end, unsigned level)
{
    uint64_t n = 0, tag, len;
    while (p < end && varint(&p, end, &tag) && (tag & 7) == 2 && varint(&p, end, &len) &&
           len <= (uint64_t)(end - p)) {
        if (tag >> 3 == (level == 0 ? 1 : 2))
            n += level == 2 ? 1 : count(p, p + len, level + 1);
        p += len;
    }
    return n;
}

static void take(const uint8_t *data, size_t len)
{
    seen.requests++;
    seen.bytes += len;
    seen.spans += count(data, data + len, 0);
}

/* --- gRPC: a call waits for a request, then receives, then answers --- */

struct call {
    enum { WAITING, RECEIVING, ANSWERING } step;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    grpc_byte_buffer *message, *answer;
    int cancelled;
};

static grpc_server *server;
static grpc_completion_queue *queue;

static void await_call(void)
{
    struct call *c = calloc(1, sizeof *c);
    grpc_call_details_init(&c->details);
    grpc_metadata_array_init(&c->metadata);
    if (grpc_server_request_call(server, &c->call, &c->details, &c->metadata, queue, queue, c) !=
        GRPC_CALL_OK)
        abort();
}

static void forget(struct call *c)
{
    if (c->call)
        grpc_call_unref(c->call);
    grpc_byte_buffer_destroy(c->message);
    grpc_byte_buffer_destroy(c->answer);
    grpc_call_details_destroy(&c->details);
    grpc_metadata_array_destroy(&c->metadata);
    free(c);
}

static void receive(struct call *c)
{
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_RECV_MESSAGE}};
    ops[1].data.recv_message.recv_message = &c->message;
    c->step = RECEIVING;
    if (grpc_call_start_batch(c->call, ops, 2, c, NULL) != GRPC_CALL_OK)
        abort();
}

static void answer(struct call *c)
{
    grpc_slice empty = grpc_empty_slice(), ok = grpc_slice_from_static_string("");
    grpc_op ops[3] = {{.op = GRPC_OP_SEND_MESSAGE},
                      {.op = GRPC_OP_SEND_STATUS_FROM_SERVER},
                      {.op = GRPC_OP_RECV_CLOSE_ON_SERVER}};
    if (c->message) {
        grpc_byte_buffer_reader reader;
        grpc_byte_buffer_reader_init(&reader, c->message);
        grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
        take(GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all));
        grpc_slice_unref(all);
        grpc_byte_buffer_reader_destroy(&reader);
    }
    c->answer = grpc_raw_byte_buffer_create(&empty, 1);
    c->step = ANSWERING;
    ops[0].data.send_message.send_message = c->answer;
    ops[1].data.send_status_from_server.status = c->message ? GRPC_STATUS_OK : GRPC_STATUS_INTERNAL;
    ops[1].data.send_status_from_server.status_details = &ok;
    ops[2].data.recv_close_on_server.cancelled = &c->cancelled;
    if (grpc_call_start_batch(c->call, ops, 3, c, NULL) != GRPC_CALL_OK)
        abort();
}

static void *serve_grpc(void *unused)
{
    for (;;) {
        grpc_event event = grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        struct call *c = event.tag;
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (!c) /* the server is down */
            grpc_completion_queue_shutdown(queue);
        else if (!event.success || c->step == ANSWERING)
            forget(c);
        else if (c->step == WAITING)
            await_call(), receive(c);
        else
            answer(c);
    }
}

static int start_grpc(void)
{
    grpc_arg arg = {
        .type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, .value.integer = -1};
    grpc_channel_args args = {1, &arg};
    grpc_init();
    grpc_server_credentials *plain = grpc_insecure_server_credentials_create();
    server = grpc_server_create(&args, NULL);
    queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(server, queue, NULL);
    int port = grpc_server_add_http2_port(server, "127.0.0.1:0", plain);
    grpc_server_credentials_release(plain);
    grpc_server_start(server);
    for (int i = 0; i < 8; i++)
        await_call();
    return port;
}

/* --- HTTP --- */

struct body {
    uint8_t *data;
    size_t len, cap;
};

static void append(struct body *b, const void *data, size_t n)
{
    if (b->cap - b->len < n) {
        b->cap = (b->len + n) * 2;
        b->data = realloc(b->data, b->cap);
        if (!b->data)
            abort();
    }
    memcpy(b->data + b->len, data, n);
    b->len += n;
}

static bool inflate_body(struct body *b)
{
    struct body plain = {0};
    static uint8_t piece[1 << 16];
    z_stream z = {.next_in = b->data, .avail_in = (uInt)b->len};
    int status = inflateInit2(&z, 15 + 16);
    while (status == Z_OK) {
        z.next_out = piece, z.avail_out = sizeof piece;
        status = inflate(&z, Z_NO_FLUSH);
        append(&plain, piece, sizeof piece - z.avail_out);
    }
    inflateEnd(&z);
    free(b->data);
    *b = plain;
    return status == Z_STREAM_END;
}

static enum MHD_Result serve_http(void *unused, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *n,
                                  void **state)
{
    struct body *b = *state;
    if (!b) {
        *state = calloc(1, sizeof *b);
        return MHD_YES;
    }
    if (*n) {
        append(b, data, *n);
        *n = 0;
        return MHD_YES;
    }
    const char *encoding = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Encoding");
    bool good = !encoding || strcmp(encoding, "gzip") != 0 || inflate_body(b);
    if (good)
        take(b->data, b->len);
    struct MHD_Response *r = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(r, "Content-Type", "application/x-protobuf");
    enum MHD_Result queued = MHD_queue_response(connection, good ? 200 : 400, r);
    MHD_destroy_response(r);
    return queued;
}

static void end_http(void *unused, struct MHD_Connection *connection, void **state,
                     enum MHD_RequestTerminationCode how)
{
    struct body *b = *state;
    if (b)
        free(b->data);
    free(b);
    *state = NULL;
}

static struct MHD_Daemon *start_http(int *port)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *d =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, serve_http, NULL, MHD_OPTION_SOCK_ADDR,
                         (struct sockaddr *)&any, MHD_OPTION_NOTIFY_COMPLETED, end_http, NULL,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)256 * 1024, MHD_OPTION_END);
    *port = d ? MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port : 0;
    return d;
}

int main(void)
{
    sigset_t ends;
    int signal_number, http_port;
    pthread_t grpc_thread;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    int grpc_port = start_grpc();
    struct MHD_Daemon *http = start_http(&http_port);
    if (!grpc_port || !http)
        return fprintf(stderr, "otlp_sink: cannot listen\n"), 1;
    pthread_create(&grpc_thread, NULL, serve_grpc, NULL);
    printf("grpc %d\nhttp %d\n", grpc_port, http_port);
    fflush(stdout);
    sigwait(&ends, &signal_number);
    MHD_stop_daemon(http);
    grpc_server_shutdown_and_notify(server, queue, NULL);
    grpc_server_cancel_all_calls(server);
    pthread_join(grpc_thread, NULL);
    grpc_server_destroy(server);
    grpc_completion_queue_destroy(queue);
    printf("{\"requests\": %llu, \"spans\": %llu, \"bytes\": %llu}\n", seen.requests, seen.spans, seen.bytes);
    grpc_shutdown();
    return 0;
}
