/* Computes when a request that was not accepted is sent again, from times that the sender passes. Owns
 * nothing. Called by sender_outcome.c for each request and by circuit_breaker.c for each signal.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sender/retry.h"

/* Returns min(max, initial × 2^tries) without overflow. */
static gw_nsec ceiling(const struct gw_retry_conf *conf, unsigned tries)
{
    if (conf->initial >= conf->max)
        return conf->max;
    if (tries >= 62 || conf->initial > (conf->max >> tries))
        return conf->max;
    return conf->initial << tries;
}

static gw_nsec shorter(gw_nsec a, gw_nsec b)
{
    return a < b ? a : b;
}

/* Returns a uniform value in 0 … most, from the upper bits of random. */
static gw_nsec portion(gw_nsec most, uint64_t random)
{
    return (gw_nsec)((unsigned __int128)random * ((uint64_t)most + 1) >> 64);
}

gw_nsec gw_retry_pause(const struct gw_retry_conf *conf, enum gw_verdict verdict, unsigned tries,
                       uint64_t random)
{
    return verdict == GW_RETRY_SLOWLY ? conf->max / 2 + portion(conf->max / 2, random)
                                      : portion(ceiling(conf, tries), random);
}

gw_nsec gw_retry_latest(const struct gw_retry *r, gw_nsec now)
{
    return now < r->first_expiry ? r->first_expiry : r->expiry;
}

struct gw_step gw_retry_step(struct gw_retry *r, const struct gw_retry_conf *conf, const struct gw_outcome *o,
                             gw_nsec now, uint64_t random)
{
    if (now >= r->expiry)
        return (struct gw_step){.give_up = true};
    gw_nsec left = gw_retry_latest(r, now) - now,
            own = shorter(gw_retry_pause(conf, o->verdict, r->tries, random), left),
            asked = o->retry_after < left      ? o->retry_after
                    : left / 4 > conf->initial ? left - left / 4
                                               : left;
    r->tries++;
    return (struct gw_step){.until = now + (own < asked ? asked : own), .early = now + own};
}
