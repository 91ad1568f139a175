/* compression_trial.h: compression that nobody asked for, used where the link is slow, must not cost data.
 *
 * A backend on this machine is sent plain requests by default, and gzip once the way there proves to be slow
 * (congestion.h). It may not know gzip: as long as no compressed request was taken, whatever refuses one for
 * good is taken to refuse the compression. Then the request is sent again, plain, as are all others.
 *
 * Threads: the sender's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_COMPRESSION_TRIAL_H
#define GW_COMPRESSION_TRIAL_H

#include "core/delivery/exporter.h"

/* Zeroed, nothing is known. */
struct otlp_trial {
    bool passed, failed;
};

static inline bool otlp_trial_allows(const struct otlp_trial *t)
{
    return !t->failed;
}

/* The outcome of a request that was compressed without having been asked for. */
static inline void otlp_trial_judge(struct otlp_trial *t, struct gw_outcome *o)
{
    if (o->verdict == GW_DONE)
        t->passed = true;
    else if (!t->passed && (o->verdict == GW_REFUSED || o->verdict == GW_RETRY_SLOWLY)) {
        t->failed = true;
        o->verdict = GW_RETRY;
    }
}

#endif
