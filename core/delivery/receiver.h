/* receiver.h: the contract of a receiver.
 *
 *   socket or file ─▶ receiver: read, decode, translate ─▶ fan-out: all exporters' queues or none ─▶ the true answer
 *
 * A receiver is one const struct in one file, named after the protocol it speaks, listed in modules.def. It
 * runs to completion: on its thread it reads bytes, translates them into frames and offers them; then it
 * answers. Receivers know the fan-out (fanout.h) and their translator; they never include an exporter's
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

struct gw_host; /* what the process lends to its receivers (gateway/receiver_host.h) */

typedef enum gw_code gw_receive_open_f(void *ctx, const struct gw_host *, const char *path,
                                       struct gw_diagnostics *);
typedef void gw_receive_f(void *ctx);
typedef void gw_receive_hint_f(void *ctx, FILE *to);

struct gw_receiver {
    const char *name, *summary;
    bool by_default; /* runs when the configuration names no receivers */
    /* At a reload (SIGHUP) a receiver with the same options is kept; one with other options gets a
     * successor, with a context of its own:
     *    on_http   all its addresses are sites of the shared HTTP server: the successor is opened and started beside
     *              it and gets every new request; the predecessor answers the requests that it has begun, and is
     *              stopped and closed after the last one
     *    else      exclusive, because two cannot read one source: the predecessor is stopped and closed, then the
     *              successor is opened. With `pause`, the predecessor is paused, the successor is opened and started
     *              and takes over the predecessor's sources if it can, then the predecessor is closed */
    bool on_http;
    unsigned library_threads;  /* threads, at most, that a library starts besides the receiver's own */
    const struct gw_opt *opts; /* ctx begins with the struct that they fill */
    size_t conf_size, ctx_size;
    /* checks, binds, registers routes; `path` is "receivers[0]", for gw_config_error. Nothing is read yet */
    gw_receive_open_f *open;
    gw_receive_f *start, *stop; /* stop returns when nothing of this receiver's will be offered any more */
    gw_receive_f
        *pause; /* instead of stop: nothing is read any more, and nothing is closed. NULL: see above */
    /* after a reload, of each that runs: which others run may have changed. NULL: it does not matter */
    gw_receive_f *reloaded;
    gw_receive_f *close; /* legal after a failed or absent open */
    /* after start: prints how to point an application at the addresses that are open. NULL: nothing */
    gw_receive_hint_f *hint;
    gw_receive_hint_f
        *describe; /* after open, for `ddgate check`: a few words on what reads its records. NULL: none */
    const struct gw_metric *metrics; /* its metrics; NULL: none */
    /* on the admin thread, between open and close: samples without a fixed place. NULL: none */
    gw_measure_f *measure;
};

#endif
