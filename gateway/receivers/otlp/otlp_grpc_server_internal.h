/* otlp_grpc_server_internal.h: what otlp_grpc_server.c (the server) and otlp_grpc_call.c (its calls) share.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OTLP_GRPC_SERVER_INTERNAL_H
#define GW_OTLP_GRPC_SERVER_INTERNAL_H

#include <grpc/grpc.h>
#include <pthread.h>

#include "core/base/wakeup.h"
#include "gateway/http/inflate.h"
#include "gateway/receivers/otlp/otlp_grpc_server.h"
#include "gateway/receivers/otlp/otlp_grpc_listen.h"

enum { OTLP_GRPC_SOCKETS = 16, OTLP_GRPC_METHODS = GW_SIGNALS + 1 };

struct otlp_call;

/* One thread; all of it is the thread's but for what main opens and closes. */
struct otlp_grpc_worker {
    struct otlp_grpc *grpc;
    grpc_completion_queue *queue;
    pthread_t thread;
    bool running;
    struct gw_budget scratch;
    struct gw_arena arena;
    struct gw_body_pool pool;
    struct gw_inflater *inflater;
    struct otlp_intake_thread own;
    struct otlp_call *reading; /* calls whose message is awaited, the newest first */
    size_t reading_n;
    struct otlp_call *held, **held_end; /* calls whose answer is held back */
    gw_nsec swept;
};

struct otlp_grpc {
    struct otlp_receiver *receiver;
    bool tls, started;
    grpc_server *server;
    grpc_server_credentials *credentials;
    void *methods[OTLP_GRPC_METHODS]; /* by Core: signals, then the health check */
    struct otlp_grpc_worker *workers;
    size_t workers_n;
    struct gw_budget bodies;
    struct otlp_socket *sockets[OTLP_GRPC_SOCKETS];
    size_t sockets_n;
    struct otlp_acceptor *acceptor;
    struct gw_wakeup shut;
    atomic_bool is_shut; /* no call is left */
};

/* Before the server starts. */
void otlp_grpc_register(struct otlp_grpc *);
void otlp_grpc_worker_open(struct otlp_grpc *, struct otlp_grpc_worker *);
void otlp_grpc_worker_start(struct otlp_grpc_worker *);
void otlp_grpc_worker_stop(struct otlp_grpc_worker *); /* once no call is left */
void otlp_grpc_worker_close(struct otlp_grpc_worker *);

#endif
