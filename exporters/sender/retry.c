/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/sender/retry.h"

/* min(max, initial × 2^tries) without overflow. */
static gw_nsec ceiling(const struct gw_retry_conf *conf, unsigned tries)
{
    if (conf->initial >= conf->max)
        return conf->max;
    if (tries >= 62 || conf->initial > (conf->max >> tries))
        return conf->max;
    return conf->initial << tries;
}

/* Uniform in 0 … most, by the upper bits of random. */
static gw_nsec portion(gw_nsec most, uint64_t random)
{
    return (gw_nsec)((unsigned __int128)random * ((uint64_t)most + 1) >> 64);
}

struct gw_step gw_retry_step(struct gw_retry *r, const struct gw_retry_conf *conf, const struct gw_outcome *o, gw_nsec now, uint64_t random)
{
    gw_nsec pause =
        o->verdict == GW_RETRY_SLOWLY ? conf->max / 2 + portion(conf->max / 2, random) : portion(ceiling(conf, r->tries), random);
    gw_nsec left = r->expiry - now;
    if (left <= 0 || o->retry_after > left)
        return (struct gw_step){.give_up = true};
    if (pause < o->retry_after)
        pause = o->retry_after;
    if (pause > left)
        pause = left;
    r->tries++;
    return (struct gw_step){.until = now + pause};
}
