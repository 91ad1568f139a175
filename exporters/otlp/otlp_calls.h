/* otlp_calls.h: an exporter's unary calls with gRPC Core's C API, on one or several channels.
 *
 *   start ─▶ one unary call ─▶ completion queue
 *                               │ poller thread
 *   done ◀─ gw_grpc_judge (grpc_status.h) ◀─ wait ◀ wakeup, list of finished calls ◀──┘
 *
 * A completion queue also drives Core's connections, so one thread polls it as long as the exporter lives.
 * The thread only hands over finished calls.
 *
 * Calls fail fast: if the backend is unreachable, the result is UNAVAILABLE at once, and the data waits in
 * the sender's queue.
 *
 * Threads: open, close on the main thread; wake from any; everything else on the sender's.
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

/* A zeroed struct may be closed. */
struct otlp_calls {
    bool opened, polling;
    grpc_completion_queue *queue;
    grpc_metadata *headers; /* one more after the last names the compression */
    size_t n_headers;
    pthread_t poller;
    struct gw_wakeup wakeup;
    struct otlp_call *open; /* used by the sender's thread */
    /* Under lock: the poller appends, wait takes all. */
    struct gw_lock lock;
    struct otlp_call *finished, **finished_end;
};

/* Called from within wait when the call has ended. It may change the outcome. */
typedef void otlp_done_f(void *cookie, struct gw_outcome *);

struct otlp_call_conf {
    grpc_channel *channel;
    enum gw_signal signal;
    grpc_byte_buffer *request; /* taken over in every case */
    bool gzip;                 /* the request is compressed */
    gw_nsec timeout;
    otlp_done_f *done;
    void *cookie;
};

/* Adds a diagnostic for every header that gRPC does not allow; `path` is "exporters[0]". */
enum gw_code otlp_calls_open(struct otlp_calls *, const struct gw_map *headers, const char *path,
                             struct gw_diagnostics *) GW_MUST_CHECK;
/* Starts the thread. Returns false if that fails. */
bool otlp_calls_poll(struct otlp_calls *) GW_MUST_CHECK;
/* Call when no call is open. */
void otlp_calls_close(struct otlp_calls *);

/* Returns false if the call could not be started; `done` is not called then. */
bool otlp_calls_start(struct otlp_calls *, const struct otlp_call_conf *) GW_MUST_CHECK;

/* Implement wait, wake and cancel of an exporter (exporter.h). */
void otlp_calls_wait(struct otlp_calls *, gw_nsec until);
void otlp_calls_wake(struct otlp_calls *);
void otlp_calls_cancel(struct otlp_calls *);

#endif
