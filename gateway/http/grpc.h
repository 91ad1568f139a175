/* grpc.h: gRPC calls for receivers: HTTP/2 on addresses of its own, with the limits and tables that the HTTP
 * server has for all connections.
 *
 *   accept, TLS, peer limits ─▶ HTTP/2 (nghttp2) ─▶ call: method, token ─▶ message ─▶ inflate ─▶ handler ─▶ answer
 *     http_accept.c               http2_conn.c                             http2_call.c
 *
 * A receiver describes its methods beside its routes (struct gw_http_site.grpc) and opens addresses for them
 * (gw_http_listen_grpc). The rules for requests apply to calls too: a call uses the table that was published
 * when it began, its message is charged as its bytes arrive, its token is checked before its message is read,
 * and a stop lets open calls finish.
 *
 * gRPC Core's server is not used because it has no defence against calls that are opened and reset at once
 * (CVE-2023-44487), nor against a client that does not acknowledge the limit on open calls: one connection
 * made it allocate a gigabyte. Here a connection has at most a hundred calls and a quarter of a megabyte, and
 * a client that wastes hundreds of calls is disconnected.
 *
 * Threads: like the handlers of http.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_GRPC_H
#define GW_GRPC_H

#include "core/base/arena.h"
#include "core/base/err.h"

/* The gRPC statuses that the server itself uses. */
enum gw_grpc_status {
    GW_GRPC_OK = 0,
    GW_GRPC_INVALID_ARGUMENT = 3,
    GW_GRPC_DEADLINE_EXCEEDED = 4,
    GW_GRPC_NOT_FOUND = 5,
    GW_GRPC_PERMISSION_DENIED = 7,
    GW_GRPC_RESOURCE_EXHAUSTED = 8,
    GW_GRPC_UNIMPLEMENTED = 12,
    GW_GRPC_INTERNAL = 13,
    GW_GRPC_UNAVAILABLE = 14,
    GW_GRPC_UNAUTHENTICATED = 16
};

enum gw_grpc_kind {
    GW_GRPC_UNARY, /* one message, one answer */
    GW_GRPC_WATCH, /* one message, one answer, and the call stays open until either side ends it */
    GW_GRPC_STREAM /* one answer for each message */
};

struct gw_grpc_call {
    gw_str message;         /* decompressed */
    struct gw_arena *arena; /* reset after the answer */
    unsigned worker;        /* as in struct gw_http_request */
};

struct gw_grpc_reply {
    int status;    /* GW_GRPC_OK unless the handler sets it */
    gw_str words;  /* for another status: a text for people */
    gw_str detail; /* for another status: google.rpc.Status, for programs */
    gw_str body;   /* for GW_GRPC_OK: the message; copied before the arena is reset */
};

struct gw_grpc_method;
typedef void gw_grpc_f(void *ctx, const struct gw_grpc_method *, const struct gw_grpc_call *,
                       struct gw_grpc_reply *);

struct gw_grpc_method {
    const char *path; /* "/package.Service/Method" */
    enum gw_grpc_kind kind;
    bool may_delay; /* like that of a route */
    int tag;        /* for the receiver's own use */
    gw_grpc_f *handle;
};

/* All pointers belong to the receiver; `ctx` is that of its site. */
struct gw_grpc {
    const struct gw_grpc_method *methods;
    size_t methods_n;
    uint64_t max_message; /* in bytes as sent */
    /* Writes the text of an error of the server itself, and logs it if that is useful. */
    void (*refuse)(void *ctx, const struct gw_err *, struct gw_arena *, struct gw_grpc_reply *);
    /* A client at this address uses another protocol: logs it, and writes into `out` the answer for an HTTP/1
     * client. */
    void (*stranger)(void *ctx, const char *peer, bool tls, char *out, size_t size);
};

#endif
