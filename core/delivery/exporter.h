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

/* What a backend's answer means for the data. */
enum gw_verdict {
    /* taken, but for `rejected` items that the backend refused (partial success): never sent again */
    GW_DONE,
    GW_RETRY, /* not now: again after back-off, not before retry_after */
    /* no answer within the timeout: as GW_RETRY, and requests become smaller and fewer (congestion.h) */
    GW_TIMED_OUT,
    GW_SPLIT,   /* split the batch and send the parts; a single frame that cannot be split is rejected */
    GW_REFUSED, /* this data never will be taken: count as rejected, with the backend's words */
    /* the data is good, the configuration is not (credentials, unknown project): retried slowly, logged
     * once */
    GW_RETRY_SLOWLY,
    GW_DISCARDED /* the exporter has no endpoint for it: counted as that, and gone */
};

/* The request was not taken and is sent again as it is. */
static inline bool gw_is_failure(enum gw_verdict verdict)
{
    return verdict == GW_RETRY || verdict == GW_TIMED_OUT || verdict == GW_RETRY_SLOWLY;
}

struct gw_outcome {
    enum gw_verdict verdict;
    uint64_t rejected; /* items, with GW_DONE, or of those that are not left */
    /* items, with GW_DONE: an option of the exporter says that they are not shown; counted as dropped (filtered) */
    uint64_t filtered;
    /* with every verdict that is not about the whole request: what it is about, where the backend has taken the
     * rest. For each frame of the batch itself, NULL where it has taken all of it, or a frame of the items that are
     * left, which the sender takes over. NULL: nothing was taken. Valid during the call alone */
    struct gw_frame **left;
    bool unreachable; /* with GW_RETRY: there was no connection, so any other request would fail as well */
    /* from now; 0: none was named. Of this request, not of the backend's other answers */
    gw_nsec retry_after;
    /* the backend's words or the transport's, without secrets; empty when all went well */
    char text[256];
    const char *remedy; /* static text: what the user can do; NULL when nothing */
};

/* Frames laid end to end are one request. Valid until `done` was called. All have one signal and one
 * attribute schema. */
struct gw_batch {
    enum gw_signal signal;
    size_t n, bytes;
    uint64_t items;
    struct gw_frame **frames;
    /* the link is slow: compress it, where the configuration leaves that open */
    bool compress;
};

typedef void gw_done_f(void *cookie, const struct gw_outcome *);

/* What the process lends to its exporters; the text outlives them. */
struct gw_export_host {
    gw_str host_name; /* this machine's name, from the option or the system; may be empty */
    unsigned signals; /* bit per enum gw_signal that this exporter shall get */
    const char *name; /* the exporter's, for its log lines */
    /* max_memory: what a library holds for the exporter is charged to it; may be NULL */
    struct gw_budget *budget;
    /* any thread: whoever read what the exporter writes has gone for good. The process ends where this is its
     * only exporter. May be NULL */
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
    /* type in the configuration, in logs and counters; first line of its reference */
    const char *name, *summary;
    unsigned signals;          /* bit per enum gw_signal that it can carry */
    const struct gw_opt *opts; /* its own rows (option.h); ctx begins with the struct that they fill */
    /* names of options, NULL-terminated, one of which must be written in the configuration (or come from the
     * environment); it may be empty only where the user wrote it so. NULL: none must */
    const char *const *wants;
    size_t conf_size, ctx_size;
    /* the number of requests that it may have open, unless the option of that name is lower */
    unsigned in_flight;
    unsigned library_threads; /* that a library makes for it, about */
    bool remote;              /* it sends over a network: requests adapt to what that bears (congestion.h) */
    bool shows;               /* people read the output: related items should arrive together */
    bool drop_by_default;     /* when_full defaults to drop_oldest: a slow terminal refuses nothing */
    /* main thread */
    /* the attribute schema that its frames must have, for the option mode; called when the options are filled
     * in. NULL: that of the option */
    gw_schema_f *schema;
    /* adds a diagnostic per mistake, `path` is "exporters[0]"; legal to call close after a failed or absent
     * open */
    gw_export_open_f *open;
    gw_export_close_f *close; /* no request is open any more */
    /* the exporter's sender thread */
    gw_send_f *send; /* starts one request; done is called exactly once for it */
    /* sleeps until an outcome was delivered, wake was called, or monotonic time `until` */
    gw_wait_f *wait;
    /* before a wait: all requests are open that may be, or a stop began: nothing is to be held back. May be
     * NULL */
    gw_cancel_f *hurry;
    gw_cancel_f *cancel; /* ends all open requests; their outcomes (GW_RETRY) come through the next waits */
    /* any thread */
    gw_wake_f *wake;
    /* after open, main thread: where it sends, for the log and `ddgate check`: "http://127.0.0.1:4317,
     * compression none" */
    gw_describe_f *describe;
    const struct gw_metric *metrics; /* its metrics besides those of the sender; NULL: none */
    /* on the admin thread, between open and close: samples without a fixed place. NULL: none */
    gw_measure_f *measure;
};

/* Answers of a full queue, in the order of the option's words (sender.h). */
enum gw_when_full { GW_FULL_AUTO, GW_FULL_REJECT, GW_FULL_DROP_OLDEST };

#endif
