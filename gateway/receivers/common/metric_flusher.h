/* metric_flusher.h: the thread that ends the intervals of a metric store: what came becomes frames, which are
 * offered to the fan-out.
 *
 *     metric store ─ each interval ─▶ frames ─▶ fan-out      refused: the points stay, and the next interval is added to them
 *
 * Samples that were dropped meanwhile are logged, with what helps.
 *
 * At the end of a receiver, metric_flusher_last offers what is left until the queues take it, for
 * METRIC_FLUSHER_LAST at most; then it counts as refused.
 *
 * Ownership: the receiver's; it outlives neither the store nor the fan-out. Threads: start, stop and last by the
 * main thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_METRIC_FLUSHER_H
#define GW_METRIC_FLUSHER_H

#include <pthread.h>

#include "core/base/wakeup.h"
#include "translators/metrics/metric_store.h"

struct gw_fanout;

static const gw_nsec METRIC_FLUSHER_LAST = 3 * GW_SEC;

struct metric_flusher {
    struct metric_store *store;
    struct gw_fanout *fanout;
    const char *component, *thread; /* "receiver=dogstatsd", "dogstatsd/flush" */
    _Atomic gw_nsec interval;       /* may change while it runs: from the next interval on */
    /* its own */
    pthread_t runner;
    bool running;
    atomic_bool stopping;
    struct gw_wakeup wakeup;
    uint64_t told_over_limit, told_no_memory; /* dropped samples that the log knows of */
};

/* The caller has set what is not its own. metric_flusher_fini also after it was not started. */
void metric_flusher_init(struct metric_flusher *);
void metric_flusher_fini(struct metric_flusher *);

/* False: there is no thread, which was logged. */
bool metric_flusher_start(struct metric_flusher *);
/* The thread ends; nothing is flushed. */
void metric_flusher_stop(struct metric_flusher *);
/* Nothing comes any more, and the thread has ended: the rest goes out. */
void metric_flusher_last(struct metric_flusher *);

#endif
