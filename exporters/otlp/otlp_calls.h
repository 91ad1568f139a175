/* otlp_calls.h: unary calls of an exporter on gRPC Core's C API, on one channel or on several.
 *
 *   start ─▶ one unary call ─▶ completion queue
 *                               │ poller thread
 *   done ◀─ gw_grpc_judge (grpc_status.h) ◀─ wait ◀ wakeup, list of finished calls ◀──┘
 *
 * A completion queue is also what drives Core's connections, so one thread stays in it for the exporter's life; all it
 * does is hand finished calls over.
 *
 * Calls fail fast: a backend that is away answers UNAVAILABLE at once, and the sender's queue does the waiting.
 *
 * Threads: open, close on the main thread; wake from any; all else on the sender's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_CALLS_H
#define OTLP_CALLS_H

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>

#include "core/base/lock.h"
#include "core/base/wakeup.h"
#include "core/config/option.h"
#include "core/delivery/exporter.h"

struct otlp_call;

/* Zeroed, it may be closed. */
struct otlp_calls {
    bool opened, polling;
    grpc_completion_queue *queue;
    grpc_metadata *headers; /* one more behind them names the compression */
    size_t n_headers;
    pthread_t poller;
    struct gw_wakeup wakeup;
    struct otlp_call *open; /* the sender's thread */
    /* under lock: the poller appends, wait takes all */
    struct gw_lock lock;
    struct otlp_call *finished, **finished_end;
};

/* The call is over, from within wait. The outcome may be changed. */
typedef void otlp_done_f(void *cookie, struct gw_outcome *);

struct otlp_call_conf {
    grpc_channel *channel;
    enum gw_signal signal;
    grpc_byte_buffer *request; /* taken over, whatever happens */
    bool gzip;                 /* it is compressed */
    gw_nsec timeout;
    otlp_done_f *done;
    void *cookie;
};

/* Adds a diagnostic for every header that gRPC cannot carry; `path` is "exporters[0]". */
enum gw_code otlp_calls_open(struct otlp_calls *, const struct gw_map *headers, const char *path,
                             struct gw_diagnostics *) GW_MUST_CHECK;
/* False when there is no thread. */
bool otlp_calls_poll(struct otlp_calls *) GW_MUST_CHECK;
/* No call is open any more. */
void otlp_calls_close(struct otlp_calls *);

/* False when it could not be started: then done is not called. */
bool otlp_calls_start(struct otlp_calls *, const struct otlp_call_conf *) GW_MUST_CHECK;

/* As wait, wake and cancel of an exporter (exporter.h). */
void otlp_calls_wait(struct otlp_calls *, gw_nsec until);
void otlp_calls_wake(struct otlp_calls *);
void otlp_calls_cancel(struct otlp_calls *);

#endif
