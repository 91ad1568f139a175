/* retry.h: when to try again, without a clock, a thread or a source of randomness.
 *
 *   outcome ─▶ gw_retry_step(now, random) ─▶ again at … | give up
 *
 *   pause   full jitter: uniform in 0 … min(max, initial × 2ⁿ), n retries so far. Gateways that lost one backend together do not
 *           come back together, and a backend that recovers is not met by a wave.
 *           GW_RETRY_SLOWLY waits max/2 … max: nothing will change until a person has changed something.
 *   bounds  never before the backend's retry_after (OTLP: RetryInfo.retry_delay, Retry-After); a last try is made when
 *           the newest frame is about to expire, unless the backend forbids one that early: then the data is given up at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_RETRY_H
#define GW_RETRY_H

#include "core/delivery/exporter.h"

struct gw_retry_conf {
    gw_nsec initial, max; /* 0 < initial; max counts where it is the smaller one */
};

struct gw_retry {
    unsigned tries; /* retries decided so far */
    gw_nsec expiry; /* monotonic: after this the data is given up */
};

struct gw_step {
    bool give_up;
    gw_nsec until; /* monotonic, never after expiry */
};

/* `o` is GW_RETRY or GW_RETRY_SLOWLY; `random` is 64 uniform bits. */
struct gw_step gw_retry_step(struct gw_retry *, const struct gw_retry_conf *, const struct gw_outcome *o, gw_nsec now, uint64_t random);

#endif
