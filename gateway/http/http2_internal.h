/* http2_internal.h: a connection of HTTP/2 and its calls, as http2_conn.c, http2_call.c and http2_memory.c share them. Both belong to one
 * worker, and all is called on its thread.
 *
 *   HEADERS ─ method, token, limits ─▶ READING ─ the message is whole ─▶ handler ─┬▶ ANSWERING ─ sent ─▶ gone
 *                    │                    │ receive_timeout, a stop               ├▶ HELD ─ as over HTTP ─▶ ANSWERING
 *                    └────────────────────┴─────────────────────── refused ──────▶┘
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_HTTP2_INTERNAL_H
#define GW_HTTP2_INTERNAL_H

#include <nghttp2/nghttp2.h>

#include "gateway/http/http_internal.h"

enum call_state { CALL_HEADERS, CALL_READING, CALL_HELD, CALL_ANSWERING };

enum { GW_HTTP2_PATH = 192, GW_HTTP2_PREFIX = 5 };

struct http2_call {
    struct http2_call *prev, *next; /* in conn->calls */
    struct http2_conn *conn;
    int32_t stream;
    enum call_state state;
    /* a reference, as of struct request; NULL: it is answered */
    struct table *table;
    const struct binding *binding;
    struct gw_http_site *site;
    const struct gw_grpc_method *method; /* NULL: none of ours */
    /* of the headers */
    enum gw_code token; /* as far as they were seen */
    bool is_post, is_grpc;
    enum gw_encoding encoding;
    size_t path_len;
    char path[GW_HTTP2_PATH];
    /* of the message */
    bool ended; /* the client sends nothing more */
    uint8_t prefix[GW_HTTP2_PREFIX];
    size_t prefix_len;
    uint32_t length; /* that the prefix claims */
    uint64_t got;
    struct gw_body body;
    gw_nsec since, moved; /* when the call, or its present message, began, and when the last byte came */
    /* of the answer */
    struct http2_call *held_next; /* in worker->held_calls */
    gw_nsec held_until;
    char *out; /* messages with their prefixes; http2_alloc'd, as are words and detail */
    size_t out_at, out_len;
    bool paused;   /* nghttp2 waits for more of it */
    bool finished; /* the status follows what is there */
    int status;
    char *words, *detail; /* as they stand in headers; NULL: none */
};

struct http2_conn {
    struct http2_conn *prev, *next; /* in worker->http2 */
    struct worker *worker;
    struct origin origin;
    struct sockaddr_storage address;
    int fd; /* -1: it has ended */
    nghttp2_session *session;
    size_t paid, used; /* to places; by nghttp2 */
    bool begun;        /* the preface is one of HTTP/2 */
    bool leaving;      /* it was told so */
    bool out_watched;
    char *out; /* what the socket did not take */
    size_t out_from, out_to;
    gw_nsec since, idle_since, blocked_since, left_at;
    bool was_used;
    gw_nsec waste; /* when all calls that came to nothing are forgiven */
    struct http2_call *calls;
    size_t calls_n, awaited; /* of them: those that a stop waits for */
};

/* http2_memory.c: what nghttp2 allocates by, and the same for answers. NULL: the connection has no more, or the server. */
nghttp2_mem http2_memory(struct http2_conn *);
void *http2_alloc(struct http2_conn *, size_t);
void http2_free(struct http2_conn *, void *); /* NULL is legal */

/* NULL: no memory. */
struct http2_call *http2_call_begin(struct http2_conn *, int32_t stream);
void http2_call_header(struct http2_call *, gw_str name, gw_str value);
/* The headers are whole. */
void http2_call_admit(struct http2_call *);
void http2_call_data(struct http2_call *, const uint8_t *, size_t);
/* The client sends nothing more. */
void http2_call_end(struct http2_call *);
/* Answers it by an error, whatever state it is in; the client need not send the rest. */
void http2_call_refuse(struct http2_call *, const struct gw_err *);
/* Lets a held answer go. */
void http2_call_let_go(struct http2_call *);
/* The stream is gone, and so is the call. True: it came to nothing, and that was the client's doing. */
bool http2_call_close(struct http2_call *);

#endif
