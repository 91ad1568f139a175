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
#include "exporters/otlp/otlp_endpoint.h"

/* Zeroed, nothing is known. */
struct otlp_trial {
    bool passed, failed;
};

/* Whether this request is compressed: always, or where the link is slow. */
static inline bool otlp_trial_compresses(const struct otlp_trial *t, const struct otlp_endpoint *to,
                                         const struct gw_batch *b)
{
    return to->compression != GW_COMPRESS_NONE || (to->may_compress && b->compress && !t->failed);
}

/* The outcome of a request that was compressed. */
static inline void otlp_trial_judge(struct otlp_trial *t, const struct otlp_endpoint *to,
                                    struct gw_outcome *o)
{
    if (!to->may_compress) /* somebody asked for it */
        return;
    if (o->verdict == GW_DONE)
        t->passed = true;
    else if (!t->passed && (o->verdict == GW_REFUSED || o->verdict == GW_RETRY_SLOWLY)) {
        t->failed = true;
        o->verdict = GW_RETRY;
    }
}

#endif
