/* exporter.h: the contract of an exporter.
 *
 *   fan-out ─▶ [queue] ─▶ sender thread: batch, retry, ─▶ exporter: one way to put bytes on a wire
 *                         deadlines (sender.h, written    (send, wait, wake: no queue, no retry, no policy)
 *                         once)
 *
 * An exporter is one const struct, named after the protocol it speaks, in one file that exports only that
 * symbol and has one line in modules.def. `open` reports every mistake that a user can make. `send` starts
 * one request and returns at once; its outcome comes through `done`, always from within the sender's own
 * call of `wait` (or of `send`), so an exporter needs no locks.
 *
 * Credentials belong to one exporter alone, so they are added in `send`; a frame never contains a secret.
 *
 * Threads: open and close on the main thread; send, wait on that exporter's sender thread; wake from any
 * thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_EXPORTER_H
#define GW_EXPORTER_H

#include <stdio.h>

#include "core/base/err.h"
#include "core/base/metrics.h"
#include "core/delivery/frame.h"

struct gw_opt;
struct gw_diagnostics;

/* What happens to the data, by the backend's answer. */
enum gw_verdict {
    /* Accepted, except for `rejected` items that the backend refused (partial success). Never sent again. */
    GW_DONE,
    GW_RETRY, /* not now: sent again after a back-off, not before retry_after */
    /* No answer within the timeout: like GW_RETRY, and requests become smaller and fewer (congestion.h). */
    GW_TIMED_OUT,
    GW_SPLIT,   /* split the batch and send the parts; a single frame that cannot be split is rejected */
    GW_REFUSED, /* never accepted: counted as rejected; the backend's text is logged */
    /* The data is good, the configuration is not (credentials, unknown project): retried slowly, logged
     * once. */
    GW_RETRY_SLOWLY,
    GW_DISCARDED /* the exporter has no endpoint for it: counted as discarded and dropped */
};

/* Returns whether the request was not accepted and is sent again unchanged. */
static inline bool gw_is_failure(enum gw_verdict verdict)
{
    return verdict == GW_RETRY || verdict == GW_TIMED_OUT || verdict == GW_RETRY_SLOWLY;
}

struct gw_outcome {
    enum gw_verdict verdict;
    uint64_t rejected; /* number of items, with GW_DONE; with `left`, of those that are not left */
    /* Number of items, with GW_DONE, that an option of the exporter excludes from the output; counted as
     * dropped (filtered). */
    uint64_t filtered;
    /* For a verdict that is not about the whole request: what the verdict applies to; the backend has
     * accepted the rest. For each frame of the batch: NULL if all of it was accepted, the frame itself if
     * nothing was, or a new frame of the items that are left, which the sender takes over. NULL: nothing was
     * accepted. Valid only during the call. */
    struct gw_frame **left;
    bool unreachable; /* with GW_RETRY: there was no connection, so any other request would fail too */
    /* From now; 0: none. It applies to this request, not to the backend as a whole. */
    gw_nsec retry_after;
    /* The text of the backend or of the transport, without secrets; empty after success. */
    char text[256];
    const char *remedy; /* static text: what the user can do; NULL: nothing */
};

/* Frames that form one request when concatenated. Valid until `done` was called. All have one signal and one
 * attribute schema. */
struct gw_batch {
    enum gw_signal signal;
    size_t n, bytes;
    uint64_t items;
    struct gw_frame **frames;
    /* The link is slow: compress the request, unless the configuration decides it. */
    bool compress;
};

typedef void gw_done_f(void *cookie, const struct gw_outcome *);

/* What the process provides to its exporters; the texts outlive them. */
struct gw_export_host {
    gw_str host_name; /* this machine's name, from the option or from the system; may be empty */
    unsigned signals; /* the signals that this exporter gets: a bit for each enum gw_signal */
    const char *name; /* the exporter's name, for its log lines */
    /* max_memory: memory that a library holds for the exporter is charged to it; may be NULL. */
    struct gw_budget *budget;
    /* Any thread: call when the reader of the exporter's output is gone for good. The process ends if this is
     * its only exporter. May be NULL. */
    void (*reader_left)(void *process);
    void *process;
};

typedef enum gw_code gw_export_open_f(void *ctx, const struct gw_export_host *, const char *path,
                                      struct gw_diagnostics *);
typedef void gw_export_close_f(void *ctx);
typedef void gw_send_f(void *ctx, const struct gw_batch *, gw_nsec timeout, gw_done_f *, void *cookie);
typedef void gw_wait_f(void *ctx, gw_nsec until);
typedef void gw_wake_f(void *ctx);
typedef void gw_cancel_f(void *ctx);
typedef void gw_describe_f(void *ctx, FILE *to);
typedef enum gw_attribute_schema gw_schema_f(const void *ctx, enum gw_attribute_schema mode);

struct gw_exporter {
    /* name: the type in the configuration, in logs and counters. summary: first line of its reference. */
    const char *name, *summary;
    unsigned signals;          /* the signals that it supports: a bit for each enum gw_signal */
    const struct gw_opt *opts; /* its own option rows (option.h); ctx begins with the struct that they fill */
    /* Names of options, NULL-terminated. One of them must be in the configuration (or come from the
     * environment); its value may be empty only if the user wrote it so. NULL: none is required. */
    const char *const *wants;
    size_t conf_size, ctx_size;
    /* The number of requests that it may have open, unless the option of that name is lower. */
    unsigned in_flight;
    unsigned library_threads; /* approximate number of threads that a library starts for it */
    /* it sends over a network: requests adapt to the link and the backend (congestion.h) */
    bool remote;
    bool shows; /* people read the output: related items should arrive together */
    /* when_full defaults to drop_oldest, so that a slow terminal does not cause refusals */
    bool drop_by_default;
    /* Main thread. */
    /* Returns the attribute schema that its frames need; called when the options are filled in. NULL: that of
     * the option mode. */
    gw_schema_f *schema;
    /* Adds a diagnostic per mistake, `path` is "exporters[0]". After a failed or missing open, close may be
     * called. */
    gw_export_open_f *open;
    gw_export_close_f *close; /* called when no request is open */
    /* The exporter's sender thread. */
    gw_send_f *send; /* starts one request; done is called exactly once for it */
    /* sleeps until an outcome was delivered, wake was called, or the monotonic time `until` */
    gw_wait_f *wait;
    /* Called before a wait if no further request will be opened, or a stop began: the exporter must not hold
     * anything back. May be NULL. */
    gw_cancel_f *hurry;
    gw_cancel_f *cancel; /* ends all open requests; their outcomes (GW_RETRY) come through the next waits */
    /* Any thread. */
    gw_wake_f *wake;
    /* After open, main thread: describes the destination, for the log and `ddgate check`:
     * "http://127.0.0.1:4317, compression none". */
    gw_describe_f *describe;
    const struct gw_metric *metrics; /* its metrics besides those of the sender; NULL: none */
    /* on the admin thread, between open and close: adds samples whose labels vary. NULL: none */
    gw_measure_f *measure;
};

/* What a full queue does, in the order of the option's values (sender.h). */
enum gw_when_full { GW_FULL_AUTO, GW_FULL_REJECT, GW_FULL_DROP_OLDEST };

#endif
