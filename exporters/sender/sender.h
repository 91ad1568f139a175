/* sender.h: batching, sending, retrying and draining, written once for all exporters.
 *
 *   queue ─▶ ids ─▶ batch ─▶ [request][request][request][request]   at most `in_flight` open requests;
 *                                 │                                 the backlog stays in the queue
 *                                 ▼ verdict (exporter.h)
 *     DONE          counted as sent; items that the backend refused count as rejected, its text is logged
 *     RETRY         sent again after a back-off with full jitter, not before the backend's retry_after, but
 *                   before it expires (retry.h)
 *     TIMED_OUT     like RETRY; requests become smaller and fewer (congestion.h)
 *     SPLIT         halved by frames, a single frame by its spans or records (frame_split.h); a single span
 *                   or record is rejected
 *     REFUSED       halved to find the bad item while the backend accepts others (probes.h). What cannot be
 *                   halved is written to a dead-letter file if there is one (dead_letter.h), else counted as
 *                   rejected; the backend's text is logged
 *     RETRY_SLOWLY  sent again every retry.max; logged once, with the remedy, until the backend accepts data
 *     DISCARDED     counted as dropped (discarded)
 *
 * A request that fails repeatedly while others are accepted is halved (suspect.h), like one that is too
 * large.
 *
 * A request that waits for a retry frees its slot in flight, because an answer is about one request only. If
 * all requests of a signal fail, a circuit breaker (circuit_breaker.h) slows that signal down, so that an
 * outage does not cause ever more tries. Fresh data is taken from the queue until waiting requests fill half
 * of it.
 *
 * A frame is given up when it is older than max_age, and counted as expired. A dead backend stalls only its
 * own queue.
 *
 * Trace ids: a frame with incomplete trace ids waits in a lane of its own until gw_frame_complete_ids has
 * found all of them, or until join_wait after its arrival, and is then final. Other frames do not wait for
 * it.
 *
 * With a disk queue (disk_queue.h), frames that did not fit into memory are read back in their order whenever
 * the queue holds less than the requests in flight need. A record is done when everything made from it is
 * done. At a stop, the rest stays on the disk.
 *
 * Stop: the queue is closed, ids become final, batches are sent without waiting to be filled, waiting retries
 * are due at once and then as usual. At the deadline, open requests are cancelled and the rest is counted as
 * dropped (shutdown).
 *
 * Reload: a successor with another configuration takes over a sender's queue and ledger row, on its thread:
 *
 *      predecessor: takes nothing more ─▶ open requests end; they are cancelled after SUCCESSOR_GRACE_PERIOD
 *                   ─▶ unsettled data goes back to the queue
 *      successor:                   └─▶ takes it from there
 *
 * The policy is gw_sender_step: it does what is due at `now` and returns the time of the next step. It has no
 * clock and no thread; gw_sender_start runs it in one, tests run it with a clock of their own.
 *
 * Threads: new, start, stop, finish, drop on the main thread; step on one thread (the sender's). Ownership:
 * exporter, its ctx, conf, ledger and ids belong to the caller and outlive the sender.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SENDER_H
#define GW_SENDER_H

#include "core/config/option.h"
#include "core/delivery/exporter.h"
#include "core/delivery/fanout.h"
#include "core/delivery/ledger.h"

struct gw_trace_ids;
struct gw_disk_queue;
struct gw_budget;

/* Options that every exporter has besides its own. The values of `mode` are in the order of enum
 * gw_attribute_schema. */
#define GW_SENDER_OPTS(X)                                                                                    \
    X(str, name, "name", "", "", "",                                                                         \
      "Name in logs, metrics and the ledger; default: the type. Two exporters need two names.")              \
    X(list, signals, "signals", "", "", "",                                                                  \
      "Which of traces, logs, metrics and profiles it gets. Default: all that it supports, except "          \
      "profiles, which are experimental.")                                                                   \
    X(choice, mode, "mode", "otel", "otel|both|datadog", "",                                                 \
      "Attributes of spans: OpenTelemetry's, those and the original tags, or only the original tags.")       \
    X(size, queue_size, "queue_size", "64MiB", "1MiB", "64GiB",                                              \
      "How much data may be queued for this exporter or in process. Inputs that can wait (files, TCP, Unix " \
      "sockets, standard input) are not read while a quarter of it is in use.")                              \
    X(choice, when_full, "when_full", "auto", "auto|reject|drop_oldest", "",                                 \
      "What a full queue does: reject answers 429, so the application keeps the data; drop_oldest drops "    \
      "the oldest data and counts it. auto is drop_oldest for stdout and reject for all others.")            \
    X(size, batch_bytes, "batch.bytes", "3584KiB", "1KiB", "64MiB",                                          \
      "A request is sent when it has this size, uncompressed. gRPC servers refuse more than 4 MiB by "       \
      "default.")                                                                                            \
    X(count, batch_items, "batch.items", "8192", "1", "1000000",                                             \
      "A request is sent when it holds this many spans or records.")                                         \
    X(duration, batch_delay, "batch.delay", "200ms", "0s", "1m",                                             \
      "A request that is not full is sent this long after its first frame arrived.")                         \
    X(count, in_flight, "in_flight", "4", "1", "64", "Requests open at a time.")                             \
    X(duration, timeout, "timeout", "10s", "10ms", "10m", "Deadline of one request; a retry has its own.")   \
    X(duration, max_age, "max_age", "1h", "1s", "168h",                                                      \
      "Data that the backend has not accepted after this time is dropped and counted as expired.")           \
    X(duration, retry_initial, "retry.initial", "1s", "1ms", "10m",                                          \
      "Upper bound of the first pause before a retry; it doubles each time.")                                \
    X(duration, retry_max, "retry.max", "30s", "1ms", "1h", "Upper bound of every pause before a retry.")    \
    X(str, dead_letter_directory, "dead_letter.directory", "", "", "",                                       \
      "Folder for data that the backend calls malformed, as OTLP/JSON lines in NAME.jsonl; it must exist. "  \
      "Empty: such data is counted, logged and lost.")                                                       \
    X(size, dead_letter_max_size, "dead_letter.max_size", "64MiB", "16MiB", "1TiB",                          \
      "Limit of this exporter's two dead-letter files: the one that is written, and the previous one.")      \
    X(duration, join_wait, "join_wait", "2s", "0s", "1m",                                                    \
      "How long a span or log record waits for the upper half of its 128-bit trace id; less if more than a " \
      "quarter of queue_size waits in this way.")

struct gw_sender_conf {
    GW_SENDER_OPTS(GW_FIELD)
};

/* The rows, ending with GW_OPT_END; offsets are those of struct gw_sender_conf. */
extern const struct gw_opt gw_sender_opts[];

/* Reports mistakes that rows cannot express: unknown signals, signals that the exporter does not support.
 * `path` is "exporters[0]". */
void gw_sender_check(const struct gw_sender_conf *, const struct gw_exporter *, const char *path,
                     struct gw_diagnostics *);
/* The same for files that options name; when the exporter is opened. */
void gw_sender_check_files(const struct gw_sender_conf *, const char *path, struct gw_diagnostics *);
/* Returns a bit for each enum gw_signal that the exporter gets. */
unsigned gw_sender_signals(const struct gw_sender_conf *, const struct gw_exporter *);

struct gw_sender;

/* Registers the sender with the ledger. `ctx` is the exporter's, opened (or to be opened before start).
 * Returns NULL if there is no memory. */
struct gw_sender *gw_sender_new(const struct gw_exporter *, void *ctx, const struct gw_sender_conf *,
                                struct gw_ledger *, struct gw_trace_ids *);
/* Makes a sender that can continue for `predecessor` (gw_sender_take_over). Until then nothing changes, and
 * it may be dropped. */
struct gw_sender *gw_sender_successor(struct gw_sender *predecessor, const struct gw_exporter *, void *ctx,
                                      const struct gw_sender_conf *);
/* Call after gw_sender_finish, or without a start, or when gw_sender_over returns true. Then the exporter may
 * be closed. */
void gw_sender_drop(struct gw_sender *);
/* Call before the start and before gw_sender_route: data that does not fit into memory goes to the disk
 * queue, and what an earlier run left there under this name is sent first. Returns false if the disk queue
 * has too many names. */
bool gw_sender_disk_queue(struct gw_sender *, struct gw_disk_queue *, struct gw_budget *) GW_MUST_CHECK;
/* Returns what gw_fanout_add needs. */
struct gw_route gw_sender_route(const struct gw_sender *);

/* Metrics of the sender for the admin page: rows, and their current values. Any thread. */
extern const struct gw_metric gw_sender_metrics[];
void gw_sender_measure(struct gw_sender *, struct gw_metrics *);

/* How the backend is: it took the last request, it does not at the moment, or it cannot be reached or refuses us
 * altogether. */
enum gw_backend_state { GW_BACKEND_OK, GW_BACKEND_RETRYING, GW_BACKEND_DOWN };
struct gw_sender_state {
    const char *name, *type; /* live as long as the sender */
    unsigned number;         /* its row in the ledger */
    enum gw_backend_state backend;
    size_t used, capacity; /* of its queue in memory, bytes */
    bool refusing;         /* the queue refuses */
    bool on_disk;          /* some of its data is only in the disk queue */
    gw_nsec oldest;        /* how long the oldest frame in memory has waited; 0: none does */
    gw_nsec p50, p99;      /* of the last 256 requests, from sending to the answer; 0: there was none */
    char words[300];       /* what the backend last said against a request, and the remedy; empty: nothing */
    int64_t said;          /* when, wall clock */
};
/* Any thread. */
void gw_sender_state(struct gw_sender *, struct gw_sender_state *);
/* Where it sends, as the exporter describes it. Any thread: what it says does not change after open. */
void gw_sender_describe(const struct gw_sender *, FILE *);

/* Returns false if no thread could be started. */
bool gw_sender_start(struct gw_sender *) GW_MUST_CHECK;
/* Begins to drain and returns at once, so that all senders drain at the same time. `deadline` is
 * monotonic. */
void gw_sender_stop(struct gw_sender *, gw_nsec deadline);
/* Waits for the thread, at most a moment longer than the deadline. */
void gw_sender_finish(struct gw_sender *);

/* The successor counts as started. The predecessor ends by itself; after that, later offers do not call its
 * wake. */
void gw_sender_take_over(struct gw_sender *predecessor, struct gw_sender *successor);
/* Returns whether its thread has left it; then it may be finished and dropped at once. */
bool gw_sender_over(const struct gw_sender *);

/* Does what is due and returns the time of the next step; GW_SENDER_OVER once it is stopped and empty. Called
 * by the thread and by tests. */
gw_nsec gw_sender_step(struct gw_sender *, gw_nsec now);
#define GW_SENDER_OVER INT64_MIN

#endif
