/* dogstatsd_take.h: a datagram of DogStatsD goes into a metric store, line by line.
 *
 *     datagram ─▶ line ─▶ metric          the point of its series (dogstatsd_series.h, metric_store.h)
 *                  │  └─▶ event           notice()
 *                  │  └─▶ service check   a gauge of its status; one that is not OK: notice() as well
 *                  └ not well-formed: counted by its reason; the lines beside it are taken
 *
 * Every line is counted once: lines = taken + Σ refused. What is taken and then finds no room in the store is
 * counted there, by values (struct metric_counts).
 *
 * Threads: one at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DOGSTATSD_TAKE_H
#define DOGSTATSD_TAKE_H

#include "translators/metrics/dogstatsd_series.h"

struct dsd_counts {
    atomic_uint_least64_t lines, events, checks, refused[DSD_REASON_N];
};

/* An event, or a service check that is not OK; its texts are good until the call returns. No lock is held. */
typedef void dsd_notice_f(void *ctx, const struct dsd_line *);

/* A line that is not well-formed; the same. */
typedef void dsd_refused_f(void *ctx, gw_str line, enum dsd_reason);

struct dsd_taker {
    struct metric_shard *shard;
    struct dsd_series series;
    struct dsd_counts *counts;
    dsd_notice_f *notice;
    dsd_refused_f *refused;
    void *ctx;
};

/* `host` is the sender's host name where it is known. */
void dsd_take(struct dsd_taker *, gw_str datagram, gw_str host);

#endif
