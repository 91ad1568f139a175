/* Decides which chunks are passed on (dd_decide.h).
 *
 * Keeps no state; counts in the request's tally. Called by dd_translate.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_decide.h"

static bool has_error(const struct dd_chunk *chunk)
{
    for (size_t i = 0; i < chunk->n; i++)
        if (chunk->spans[i].error)
            return true;
    return false;
}

/* Returns the sampling rate of the chunk's service and counts its trace. */
static double rate_of_service(const struct dd_scanned *c, struct dd_tally *tally)
{
    gw_str env = c->env.len ? c->env : c->chunk->payload->env;
    return dd_tally_rate(tally, c->chunk->spans[c->local_root].service, env, true);
}

/* The chunk is kept although a rate may have been against it, so the probability is unknown. */
static enum dd_fate keep_regardless(struct dd_scanned *c)
{
    c->sampling.regardless = true;
    return DD_GOES_ON;
}

/* A person's rejection (priority -1) is not overridden by keep_errors. A trace that was rejected elsewhere is
 * counted once, at the part with its root. */
static enum dd_fate decide_rejected(struct dd_scanned *c, const struct dd_options *opt,
                                    struct dd_tally *tally)
{
    bool by_rate = c->sampling.priority >= 0 || c->sampling.priority == DD_NO_PRIORITY;
    if (by_rate && c->has_root)
        rate_of_service(c, tally);
    if (by_rate && opt->keep_errors && has_error(c->chunk))
        return keep_regardless(c);
    return opt->keep_rejected ? DD_GOES_ON : DD_REJECTED;
}

/* Returns whether the tracer kept every such trace, apart from the rate that applies here. */
static bool was_whole(const struct dd_scanned *c, bool followed_elsewhere, const struct dd_tally *tally)
{
    if (dd_sampling_says_rate(&c->sampling))
        return false;
    if (followed_elsewhere)
        return dd_rates_are_one(tally->rates);
    return c->has_root || c->mechanism == 0 || c->sampling.priority == DD_NO_PRIORITY;
}

static enum dd_fate decide_by_rate(struct dd_scanned *c, const struct dd_options *opt, struct dd_tally *tally)
{
    bool followed_elsewhere = !c->has_root && dd_sampling_follows_rates(&c->sampling);
    double rate = followed_elsewhere ? dd_rates_highest(tally->rates) : rate_of_service(c, tally);
    if (opt->keep_errors && has_error(c->chunk))
        return keep_regardless(c);
    if (!dd_rate_keeps(rate, c->trace_id)) {
        c->sampling.regardless = true; /* these spans were kept by single-span sampling */
        return DD_SAMPLED_OUT;
    }
    c->sampling.gateway_rate = rate;
    c->sampling.whole_before = was_whole(c, followed_elsewhere, tally);
    return DD_GOES_ON;
}

enum dd_fate dd_decide(struct dd_scanned *c, const struct dd_options *opt, struct dd_tally *tally)
{
    if (!tally)
        return c->rejected && !opt->keep_rejected ? DD_REJECTED : DD_GOES_ON;
    if (c->rejected)
        return decide_rejected(c, opt, tally);
    bool against = c->sampling.priority != DD_NO_PRIORITY && c->sampling.priority <= 0;
    if (against || dd_sampling_is_manual(&c->sampling)) /* against: but an agent kept it */
        return DD_GOES_ON;
    return decide_by_rate(c, opt, tally);
}
