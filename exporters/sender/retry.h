/* retry.h: when to send a request again, without a clock, a thread or a source of randomness.
 *
 *   outcome ─▶ gw_retry_step(now, random) ─▶ again at … | give up
 *
 *   pause   full jitter: uniform in 0 … min(max, initial × 2ⁿ), n retries so far. Gateways that lost one
 *           backend together do not come back together, and a backend that recovers is not met by a wave.
 *           GW_RETRY_SLOWLY waits max/2 … max: nothing will change until a person has changed something.
 *   bounds  not before the backend's retry_after (OTLP: RetryInfo.retry_delay, Retry-After). One that the
 *           request would not live to see is taken for three quarters of what it has left: a maintenance that
 *           ends by then finds the data alive. Whatever the backend asks for, a try is made at the moment
 *           when the request's oldest frame expires, with all of its frames, and another one when its newest
 *           frame expires. So nothing expires without a last try, and nothing is given up before it expires.
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
    unsigned tries;       /* retries decided so far */
    gw_nsec first_expiry; /* monotonic: when the oldest frame of the request expires … */
    gw_nsec expiry;       /* … and the newest one: then the request is given up */
};

struct gw_step {
    bool give_up;
    gw_nsec until; /* monotonic, never after gw_retry_latest */
    gw_nsec early; /* when it would be, had the backend asked for nothing */
};

/* The pause before retry number `tries`, from 0, as far as the backend names none. `random` is 64 uniform
 * bits. */
gw_nsec gw_retry_pause(const struct gw_retry_conf *, enum gw_verdict, unsigned tries, uint64_t random);
/* When the request has to be sent at the latest, so that no frame that is alive at `now` expires without a
 * last try. */
gw_nsec gw_retry_latest(const struct gw_retry *, gw_nsec now);

/* `o` is a failure (gw_is_failure); `random` is 64 uniform bits. */
struct gw_step gw_retry_step(struct gw_retry *, const struct gw_retry_conf *, const struct gw_outcome *o,
                             gw_nsec now, uint64_t random);

#endif
