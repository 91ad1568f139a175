/* otlp_grpc_server.h: OTLP over gRPC, by gRPC Core's C server API.
 *
 *   socket ─▶ otlp_grpc_listen.h ─▶ Core: HTTP/2 ─▶ completion queue ─▶ a thread each, one per core that the process may use
 *             accept, first bytes                                        call ─▶ token ─▶ message ─▶ inflate ─▶ otlp_intake ─▶ answer
 *
 * Methods: Export of the three services, and Check of grpc.health.v1; anything else is UNIMPLEMENTED. A message is
 * asked of Core only when the call may be answered (its token is good), and inflated here, within bounds, not by
 * Core, which knows none. Calls whose message does not come within receive_timeout are ended.
 *
 * Memory: a message stands in Core's slices until it is whole, and what is read of all of them is bounded by Core's
 * quota, a quarter of max_memory; then it is charged as bodies over HTTP are.
 *
 * Threads: open, start, stop, close on main.  Ownership: sockets are otlp_grpc_listen.c's, as a successor at a
 * reload takes them over.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OTLP_GRPC_SERVER_H
#define GW_OTLP_GRPC_SERVER_H

#include "gateway/receivers/otlp/otlp_receiver.h"

struct otlp_grpc;

/* Opens all addresses of option `grpc`, but for `ddgate check`, which opens none. What cannot be had is said, as for
 * `http`. NULL: none is open. *port: of the first one. */
struct otlp_grpc *otlp_grpc_open(struct otlp_receiver *, const char *path, int *port,
                                 struct gw_diagnostics *);
void otlp_grpc_start(struct otlp_grpc *);
/* Calls under way have a few seconds to come to their end. NULL is legal in these two. */
void otlp_grpc_stop(struct otlp_grpc *);
void otlp_grpc_close(struct otlp_grpc *);

#endif
