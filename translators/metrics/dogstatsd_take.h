/* dogstatsd_take.h: puts a DogStatsD datagram into a metric store, line by line.
 *
 *     datagram ─▶ line ─▶ metric          the point of its series (dogstatsd_series.h, metric_store.h)
 *                  │  └─▶ event           notice()
 *                  │  └─▶ service check   a gauge of its status; if it is not OK, notice() as well
 *                  └ not well-formed: counted by its reason; the other lines are stored
 *
 * Every line is counted once: lines = taken + Σ refused. If a line is well-formed but the store has no room,
 * the store counts its values as dropped (struct metric_counts).
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

/* Reports an event, or a service check that is not OK. Its texts are valid until the call returns. No lock is
 * held. */
typedef void dsd_notice_f(void *ctx, const struct dsd_line *);

/* Reports a line that is not well-formed. The text is valid until the call returns. No lock is held. */
typedef void dsd_refused_f(void *ctx, gw_str line, enum dsd_reason);

struct dsd_taker {
    struct metric_shard *shard;
    struct dsd_series series;
    struct dsd_counts *counts;
    dsd_notice_f *notice;
    dsd_refused_f *refused;
    /* a client library counts what it has sent: datadog.dogstatsd.client.metrics, every 10 s; the shard's lock is
     * held. NULL: no matter */
    dsd_notice_f *client;
    void *ctx;
};

/* `host` is the sender's host name, or empty if it is unknown. */
void dsd_take(struct dsd_taker *, gw_str datagram, gw_str host);

#endif
