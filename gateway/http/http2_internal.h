/* http2_internal.h: an HTTP/2 connection and its calls, shared by http2_conn.c, http2_call.c and
 * http2_memory.c. Both belong to one worker, and everything is called on its thread.
 *
 *   HEADERS ─ method, token, limits ─▶ READING ─ message complete ─▶ handler ─┬▶ ANSWERING ─ sent ─▶ gone
 *                    │                    │ receive_timeout, a stop            ├▶ HELD: delayed ─▶ ANSWERING
 *                    └────────────────────┴─────────────────────── refused ───▶┘
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
    /* A reference, as in struct request; NULL: it is answered. */
    struct table *table;
    const struct binding *binding;
    struct gw_http_site *site;
    const struct gw_grpc_method *method; /* NULL: unknown */
    /* From the headers. */
    enum gw_code token; /* result of the headers seen so far */
    bool is_post, is_grpc;
    enum gw_encoding encoding;
    size_t path_len;
    char path[GW_HTTP2_PATH];
    /* Of the message. */
    bool ended; /* the client sends nothing more */
    uint8_t prefix[GW_HTTP2_PREFIX];
    size_t prefix_len;
    uint32_t length; /* from the prefix */
    uint64_t got;
    struct gw_body body;
    gw_nsec since, moved; /* when the call, or its current message, began, and when the last byte arrived */
    /* Of the answer. */
    struct http2_call *held_next; /* in worker->held_calls */
    gw_nsec held_until;
    char *out; /* messages with their prefixes; from http2_alloc, like words and detail */
    size_t out_at, out_len;
    bool paused;   /* nghttp2 waits for more data */
    bool finished; /* the status follows the data */
    int status;
    char *words, *detail; /* encoded for headers; NULL: none */
};

struct http2_conn {
    struct http2_conn *prev, *next; /* in worker->http2 */
    struct worker *worker;
    struct origin origin;
    struct sockaddr_storage address;
    int fd; /* -1: the connection has ended */
    nghttp2_session *session;
    size_t paid, used; /* memory charged to `places`; memory that is in use */
    bool begun;        /* HTTP/2's preface has arrived */
    bool leaving;      /* the client was told that the connection ends */
    bool out_watched;
    char *out; /* what the socket did not take */
    size_t out_from, out_to;
    gw_nsec since, idle_since, blocked_since, left_at;
    bool was_used;
    gw_nsec waste; /* when all wasted calls are forgiven */
    struct http2_call *calls;
    size_t calls_n, awaited; /* awaited: calls that a stop waits for */
};

/* http2_memory.c: nghttp2's allocator, and the same for answers. NULL: the limit of the connection or of the
 * server is reached. */
nghttp2_mem http2_memory(struct http2_conn *);
void *http2_alloc(struct http2_conn *, size_t);
void http2_free(struct http2_conn *, void *); /* NULL is allowed */

/* Returns NULL if there is no memory. */
struct http2_call *http2_call_begin(struct http2_conn *, int32_t stream);
void http2_call_header(struct http2_call *, gw_str name, gw_str value);
/* The headers are complete. */
void http2_call_admit(struct http2_call *);
void http2_call_data(struct http2_call *, const uint8_t *, size_t);
/* The client sends nothing more. */
void http2_call_end(struct http2_call *);
/* Answers the call with an error, in any state; the client need not send the rest. */
void http2_call_refuse(struct http2_call *, const struct gw_err *);
/* Sends a delayed answer. */
void http2_call_let_go(struct http2_call *);
/* The stream has ended, and with it the call. Returns true if the client wasted the call. */
bool http2_call_close(struct http2_call *);

#endif
