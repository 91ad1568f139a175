/* receiver.h: the contract of a receiver.
 *
 *   socket or file ─▶ receiver: read, decode, translate ─▶ fan-out: all exporters' queues or none ─▶ answer
 *
 * A receiver is one const struct in one file, named after the protocol it speaks, listed in modules.def. It
 * works without handing over: on its thread it reads bytes, translates them into frames and offers them; then
 * it answers. Receivers use the fan-out (fanout.h) and their translator; they never include an exporter's
 * header.
 *
 * Threads: open, start, stop, close on the main thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_RECEIVER_H
#define GW_RECEIVER_H

#include <stdio.h>

#include "core/base/err.h"
#include "core/base/metrics.h"
#include "core/delivery/frame.h"

struct gw_opt;
struct gw_diagnostics;

struct gw_host; /* what the process provides to its receivers (gateway/receiver_host.h) */

typedef enum gw_code gw_receive_open_f(void *ctx, const struct gw_host *, const char *path,
                                       struct gw_diagnostics *);
typedef void gw_receive_f(void *ctx);
typedef void gw_receive_hint_f(void *ctx, FILE *to);

struct gw_receiver {
    const char *name, *summary;
    bool by_default; /* runs if the configuration names no receivers */
    /* At a reload (SIGHUP) a receiver with the same options is kept; one with other options gets a
     * successor, with a context of its own:
     *    on_http   all its addresses are sites of the shared HTTP server: the successor is opened and started beside
     *              it and gets every new request; the predecessor answers the requests that it has begun, and is
     *              stopped and closed after the last one
     *    else      exclusive, because two cannot read one source: the predecessor is stopped and closed, then the
     *              successor is opened. With `pause`, the predecessor is paused, the successor is opened and started
     *              and takes over the predecessor's sources if it can, then the predecessor is closed */
    bool on_http;
    /* maximum number of threads that a library starts besides the receiver's own */
    unsigned library_threads;
    const struct gw_opt *opts; /* ctx begins with the struct that they fill */
    size_t conf_size, ctx_size;
    /* Checks, binds, registers routes; `path` is "receivers[0]", for gw_config_error. It does not read data
     * yet. */
    gw_receive_open_f *open;
    gw_receive_f *start, *stop; /* stop returns when this receiver offers nothing any more */
    gw_receive_f *pause; /* in place of stop: reads nothing more, and closes nothing. NULL: see above */
    /* Called after a reload for each running receiver, because the set of running receivers may have changed.
     * May be NULL. */
    gw_receive_f *reloaded;
    gw_receive_f *close; /* may be called after a failed or missing open */
    /* After start: prints how to point an application at the open addresses. May be NULL. */
    gw_receive_hint_f *hint;
    gw_receive_hint_f
        *describe; /* after open, for `ddgate check`: a few words about what reads its records. May be NULL */
    const struct gw_metric *metrics; /* its metrics; NULL: none */
    /* on the admin thread, between open and close: adds samples whose labels vary. NULL: none */
    gw_measure_f *measure;
};

#endif
