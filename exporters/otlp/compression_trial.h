/* compression_trial.h: makes sure that automatic compression, which is used when the link is slow, does not
 * cost data.
 *
 * By default, a backend on this machine gets plain requests, and gzip when the link turns out to be slow
 * (congestion.h). The backend may not support gzip. So until a compressed request has been accepted, a final
 * refusal is attributed to the compression: that request and all later ones are sent plain.
 *
 * Threads: the sender's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_COMPRESSION_TRIAL_H
#define GW_COMPRESSION_TRIAL_H

#include "core/delivery/exporter.h"
#include "exporters/otlp/otlp_endpoint.h"

/* Initialize with zero: nothing is known. */
struct otlp_trial {
    bool passed, failed;
};

/* Returns whether this request is compressed: always, or because the link is slow. */
static inline bool otlp_trial_compresses(const struct otlp_trial *t, const struct otlp_endpoint *to,
                                         const struct gw_batch *b)
{
    return to->compression != GW_COMPRESS_NONE || (to->may_compress && b->compress && !t->failed);
}

/* Handles the outcome of a compressed request. */
static inline void otlp_trial_judge(struct otlp_trial *t, const struct otlp_endpoint *to,
                                    struct gw_outcome *o)
{
    if (!to->may_compress) /* compression was configured */
        return;
    if (o->verdict == GW_DONE)
        t->passed = true;
    else if (!t->passed && (o->verdict == GW_REFUSED || o->verdict == GW_RETRY_SLOWLY)) {
        t->failed = true;
        o->verdict = GW_RETRY;
    }
}

#endif
