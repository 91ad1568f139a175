/* otlp_receiver.h: OTLP in, as OpenTelemetry's SDKs and collectors send it.
 *
 *      POST /v1/traces, /v1/logs, … ─┬▶ otlp_check: one walk over the bytes ─▶ otlp_cut: frames ─▶ fan-out ─▶ the true answer
 *      gRPC: TraceService/Export, … ─┘  (translators/otlp)                     as they came
 *
 *      otlp.c               options, routes, opening and closing
 *      otlp_receive_http.c  a request over HTTP, and its answer
 *      otlp_receive_grpc.c  a call over gRPC, and its answer
 *      otlp_services.c      health and server reflection; otlp_descriptors.h finds the descriptors
 *      common/otlp_intake.h a body to the queues: whatever brought it
 *      otlp_fleet.c         who sends, for the page and `ddgate top`
 *      otlp_answer.c        Export…ServiceResponse and google.rpc.Status
 *
 * Answers (OTLP specification 1.9, "OTLP/HTTP"): 200 with an Export…ServiceResponse: all items that its
 * partial_success does not refuse are in every exporter's queue; 400: nothing of the body was used; 429, 503:
 * nothing was accepted, and Retry-After tells when to send again.
 *
 * Profiles (v1development) are taken where an exporter names them, which is experimental; else they are answered 404 and
 * UNIMPLEMENTED, as by who does not know them.
 *
 * Private to the receiver's files.
 *
 * Threads: open, start, stop, close on main; requests and calls on HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OTLP_RECEIVER_H
#define GW_OTLP_RECEIVER_H

#include "core/config/option.h"
#include "core/delivery/ledger.h"
#include "gateway/http/grpc.h"
#include "gateway/http/http_open.h"
#include "gateway/receivers/common/otlp_intake.h"

#define OTLP_HTTP_LISTEN "127.0.0.1:4318, [::1]:4318"
#define OTLP_GRPC_LISTEN "127.0.0.1:4317, [::1]:4317"

#define OTLP_OPTS(X)                                                                                         \
    X(list, http, "http", OTLP_HTTP_LISTEN, "", "",                                                          \
      "Addresses to listen on for OTLP over HTTP: host:port, [ipv6]:port or :port (every address). If a "    \
      "configured address cannot be bound, ddgate does not start; default addresses only cause a warning.")  \
    X(list, grpc, "grpc", OTLP_GRPC_LISTEN, "", "",                                                          \
      "Addresses to listen on for OTLP over gRPC, in the same form; empty for none.")                        \
    GW_HTTP_BODY_OPTS(X, "25MiB", "64MiB")                                                                   \
    X(size, max_message, "max_message", "16MiB", "64KiB", "1GiB",                                            \
      "Longest message over gRPC, as sent; a longer one gets RESOURCE_EXHAUSTED.")                           \
    GW_HTTP_TIME_OPT(X)                                                                                      \
    X(duration, idle_timeout, "idle_timeout", "2m", "1s", "1h",                                              \
      "How long a connection is kept without a request.")                                                    \
    X(count, connections, "connections", "1000", "1", "100000",                                              \
      "Most connections at a time, over all HTTP receivers; see ddtrace.")                                   \
    GW_LISTENER_ACCESS_OPTS(X)                                                                               \
    GW_CORS_OPTS(X)                                                                                          \
    OTLP_INTAKE_OPTS(X)

struct otlp_conf {
    OTLP_OPTS(GW_FIELD)
};

struct otlp_receiver {
    struct otlp_conf conf; /* first: the option rows fill it */
    const struct gw_host *host;
    struct gw_listener_access access;
    struct gw_cors cors;
    struct gw_http_site site;
    struct gw_grpc grpc;
    struct gw_http_open open, open_grpc;
    struct otlp_intake_thread *threads; /* of HTTP workers */
    unsigned threads_n;
    struct otlp_intake intake;
};

/* For the table of clients: a request that was taken, in protobuf. `protocol`: "grpc", "http/protobuf", "http/json". */
void otlp_fleet_note(const struct otlp_receiver *, enum gw_signal, gw_str body, gw_str protocol,
                     gw_str transport);

/* The answer's message, in the arena: in protobuf, or in JSON as the request was. Empty in protobuf where all was
 * taken, or where there is no memory for it. */
gw_str otlp_answer_taken(const struct otlp_taken *, enum gw_signal, bool json, struct gw_arena *);
/* google.rpc.Status of an error: its gRPC code, its words and its place; in protobuf with retry_after (seconds, 0:
 * none) RetryInfo as well. */
gw_str otlp_answer_status(const struct gw_err *, int retry_after, bool json, struct gw_arena *);
/* The gRPC code of an error. */
int otlp_answer_code(enum gw_code);

/* Fills in o->grpc. */
void otlp_grpc_describe(struct otlp_receiver *);

/* Handlers of the methods of grpc.health.v1 and of server reflection. */
gw_grpc_f otlp_grpc_health, otlp_grpc_health_list, otlp_grpc_reflect;

gw_http_f otlp_http_export;
void otlp_http_word_error(void *ctx, const struct gw_http_request *, const struct gw_err *,
                          struct gw_http_reply *);

#endif
