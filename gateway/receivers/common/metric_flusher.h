/* metric_flusher.h: the thread that ends the intervals of a metric store: it turns the points into frames
 * and offers them to the fan-out.
 *
 *     metric store ─ each interval ─▶ frames ─▶ fan-out      refused: the points stay and are added to the next interval
 *
 * Samples dropped in the interval are logged with the remedy.
 *
 * When a receiver stops, metric_flusher_last offers the rest until the queues accept it, for
 * METRIC_FLUSHER_LAST at most; then it counts as refused.
 *
 * Ownership: the receiver's; the store and the fan-out outlive it.
 * Threads: start, stop and last by the main thread.
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
    uint64_t told_over_limit, told_no_memory; /* dropped samples that were logged */
};

/* Initializes the private members; the caller has set the others. metric_flusher_fini is also legal if it was
 * not started. */
void metric_flusher_init(struct metric_flusher *);
void metric_flusher_fini(struct metric_flusher *);

/* False: no thread could be started, which was logged. */
bool metric_flusher_start(struct metric_flusher *);
/* The thread ends; nothing is flushed. */
void metric_flusher_stop(struct metric_flusher *);
/* Nothing comes any more, and the thread has ended: the rest goes out. */
void metric_flusher_last(struct metric_flusher *);

#endif
