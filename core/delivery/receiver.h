/* receiver.h: what a receiver is.
 *
 *   socket or file ─▶ receiver: read, decode, translate ─▶ fan-out: all exporters' queues or none ─▶ the true answer
 *
 * A receiver is one const struct in one file, named after the protocol it speaks, listed in modules.def. It runs to completion:
 * on its thread bytes are read, translated into frames and offered; then it answers. Receivers know the fan-out (fanout.h) and
 * their translator; they never include an exporter's header.
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

typedef enum gw_code gw_receive_open_f(void *ctx, const struct gw_host *, const char *path, struct gw_diagnostics *);
typedef void gw_receive_f(void *ctx);
typedef void gw_receive_hint_f(void *ctx, FILE *to);

/* A configuration that is read again while the receiver runs (SIGHUP). Two steps, so that a mistake anywhere changes nothing:
 *
 *   prepare   checks the new options as open does, reads files that they name (scripts, …) and builds what follows from them, while the old
 *             ones still run. Mistakes are said at `path`. NULL without a mistake: this cannot be changed while it runs
 *             (another address, say), and the receiver is closed and opened again.
 *   adopt     puts it in place, between two records, the options at the beginning of ctx included; cannot fail. Afterwards nothing refers
 * to the old options: they are given back. abandon   instead of adopt, when somebody else made a mistake.
 *
 * `conf` is what the option rows fill, of the new configuration, and lives as long as it is in place. prepare is called even when
 * no option changed: what is in the files may have. Main thread. */
struct gw_reload {
    void *(*prepare)(void *ctx, const void *conf, const char *path, struct gw_diagnostics *);
    void (*adopt)(void *ctx, void *next);
    void (*abandon)(void *ctx, void *next);
};

struct gw_receiver {
    const char *name, *summary;
    bool by_default;           /* runs where the configuration says nothing of receivers */
    bool on_http;              /* all that it listens on are sites of the shared HTTP server: a reload opens it a second time, beside the
                                  first, and switches between two requests; it needs no gw_reload */
    const struct gw_opt *opts; /* ctx begins with the struct that they fill */
    size_t conf_size, ctx_size;
    gw_receive_open_f *open;    /* checks, binds, registers routes; `path` is "receivers[0]", for gw_config_error. Nothing is read yet */
    gw_receive_f *start, *stop; /* stop returns when nothing of this receiver's will be offered any more */
    gw_receive_f *close;        /* legal after a failed or absent open */
    gw_receive_hint_f *hint;    /* after start: lines for people: how to point an application at what is really open. NULL: none */
    const struct gw_metric *metrics; /* what it counts; NULL: nothing */
    const struct gw_reload *reload;  /* NULL: closed and opened again when its options change, and left alone when not */
    gw_measure_f *measure;           /* on the admin thread, between open and close: rows that stand at no fixed place. NULL: none */
};

#endif
