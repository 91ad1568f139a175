/* otlp_grpc_listen.h: the sockets of OTLP over gRPC, and who comes by them.
 *
 *   connection ─▶ first bytes ─┬─ HTTP/2's preface ─▶ handed over
 *                              ├─ anything else ────▶ told which port is right, a line in the log, closed
 *                              └─ none in time ─────▶ closed
 *
 * Sockets are shared by address: at a reload the successor takes the very socket that its predecessor listens on,
 * and no connection is lost between them. Where TLS is spoken Core listens itself, as it shakes hands; then a socket
 * here only remembers that the address is ours, so that the successor may bind it beside its predecessor.
 *
 * Threads: all but the acceptor's own thread: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OTLP_GRPC_LISTEN_H
#define GW_OTLP_GRPC_LISTEN_H

#include "core/base/clock.h"
#include "gateway/net/listen.h"

struct otlp_socket;
/* The socket of this address: one that is open already, or a new one. Give it back. */
enum gw_listen_result otlp_socket_take(struct gw_address *, bool tls, struct otlp_socket **,
                                       struct gw_listen_error *);
void otlp_socket_give(struct otlp_socket *);
/* Its address for people; true the first time that it is asked for: then it is worth a line in the log. */
bool otlp_socket_name(struct otlp_socket *, char out[128]);

struct otlp_acceptor_conf {
    struct otlp_socket *const *sockets;
    size_t sockets_n;
    gw_nsec timeout;                      /* for the first bytes */
    int http_port;                        /* where OTLP over HTTP is taken; 0: nowhere */
    void (*hand_over)(void *ctx, int fd); /* takes the connection over; on the acceptor's thread */
    void *ctx;
};
struct otlp_acceptor;
/* NULL: no memory, no thread. *conf is copied, the list of sockets is not. */
struct otlp_acceptor *otlp_acceptor_start(const struct otlp_acceptor_conf *);
/* After it no connection is handed over. NULL is legal. */
void otlp_acceptor_stop(struct otlp_acceptor *);

#endif
