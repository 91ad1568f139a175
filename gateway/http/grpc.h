/* grpc.h: gRPC calls, for receivers: HTTP/2 on addresses of its own, over what the HTTP server has for all of its connections.
 *
 *   accept, TLS, peer limits ─▶ HTTP/2 (nghttp2) ─▶ call: method, token ─▶ message ─▶ inflate ─▶ handler ─▶ answer
 *     http_accept.c               http2_conn.c                             http2_call.c
 *
 * A receiver describes its methods beside its routes (struct gw_http_site.grpc) and opens addresses for them
 * (gw_http_listen). What holds of requests holds of calls: a call goes by the table that was published when it began,
 * its message costs what has come of it, tokens are asked before it is read, a stop lets calls under way come to
 * their end.
 *
 * Why not gRPC Core's server: it has no defence against calls that are opened and reset at once (CVE-2023-44487), nor
 * against a client that does not acknowledge how many it may open; one connection made it hold a gigabyte. Here a
 * connection has a hundred calls and a quarter of a megabyte at most, and whoever wastes hundreds of calls is sent away.
 *
 * Threads: as handlers of http.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_GRPC_H
#define GW_GRPC_H

#include "core/base/arena.h"
#include "core/base/err.h"

/* Of gRPC's statuses those that are given here. */
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
    GW_GRPC_UNARY, /* a message, an answer */
    GW_GRPC_WATCH, /* a message, an answer, and the call stays open until either side ends it */
    GW_GRPC_STREAM /* an answer to each message */
};

struct gw_grpc_call {
    gw_str message;         /* inflated */
    struct gw_arena *arena; /* reset after the answer */
    unsigned worker;        /* as of struct gw_http_request */
};

struct gw_grpc_reply {
    int status;    /* GW_GRPC_OK unless the handler says otherwise */
    gw_str words;  /* of another status, for people */
    gw_str detail; /* google.rpc.Status, for programs */
    gw_str body;   /* of GW_GRPC_OK: the message; copied before the arena is reset */
};

struct gw_grpc_method;
typedef void gw_grpc_f(void *ctx, const struct gw_grpc_method *, const struct gw_grpc_call *,
                       struct gw_grpc_reply *);

struct gw_grpc_method {
    const char *path; /* "/package.Service/Method" */
    enum gw_grpc_kind kind;
    bool may_delay; /* as of a route */
    int tag;        /* the receiver's own */
    gw_grpc_f *handle;
};

/* All pointers are the receiver's; `ctx` is that of its site. */
struct gw_grpc {
    const struct gw_grpc_method *methods;
    size_t methods_n;
    uint64_t max_message; /* as sent */
    /* words an answer of the server's own, and says in the log what is worth it */
    void (*refuse)(void *ctx, const struct gw_err *, struct gw_arena *, struct gw_grpc_reply *);
    /* somebody at that address speaks something else: says so in the log, and in `out` what an HTTP/1 client is told */
    void (*stranger)(void *ctx, const char *peer, bool tls, char *out, size_t size);
};

#endif
