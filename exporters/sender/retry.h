/* retry.h: decides when to send a request again, without a clock, a thread or a source of randomness.
 *
 *   outcome ─▶ gw_retry_step(now, random) ─▶ again at … | give up
 *
 *   pause   full jitter: uniform in 0 … min(max, initial × 2ⁿ) after n retries. Gateways that lost one
 *           backend at the same time do not retry at the same time, so a backend that recovers is not
 *           overloaded. GW_RETRY_SLOWLY waits max/2 … max, because nothing changes until a person acts.
 *   bounds  not before the backend's retry_after (OTLP: RetryInfo.retry_delay, Retry-After). If the request
 *           would expire before that, it waits three quarters of its remaining time: if a maintenance ends by
 *           then, the data is still alive. Whatever the backend asks for, the request is tried when its oldest
 *           frame expires, with all of its frames, and again when its newest frame expires. So nothing expires
 *           without a last try, and nothing is given up before it expires.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_RETRY_H
#define GW_RETRY_H

#include "core/delivery/exporter.h"

struct gw_retry_conf {
    gw_nsec initial, max; /* 0 < initial; if max is smaller, max counts */
};

struct gw_retry {
    unsigned tries;       /* number of retries so far */
    gw_nsec first_expiry; /* monotonic time when the oldest frame of the request expires … */
    gw_nsec expiry;       /* … and the newest one: then the request is given up */
};

struct gw_step {
    bool give_up;
    gw_nsec until; /* monotonic, never after gw_retry_latest */
    gw_nsec early; /* the time if the backend had not asked for a wait */
};

/* Returns the pause before retry number `tries`, counted from 0, if the backend asks for none. `random` is 64
 * uniform bits. */
gw_nsec gw_retry_pause(const struct gw_retry_conf *, enum gw_verdict, unsigned tries, uint64_t random);
/* Returns the latest time for sending the request, so that no frame that is alive at `now` expires without a
 * last try. */
gw_nsec gw_retry_latest(const struct gw_retry *, gw_nsec now);

/* `o` is a failure (gw_is_failure); `random` is 64 uniform bits. */
struct gw_step gw_retry_step(struct gw_retry *, const struct gw_retry_conf *, const struct gw_outcome *o,
                             gw_nsec now, uint64_t random);

#endif
