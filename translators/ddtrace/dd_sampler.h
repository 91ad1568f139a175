/* dd_sampler.h: what a receiver keeps of the traces that come to it: rates that the user fixed, and rates that
 * follow the traffic.
 *
 *     target_per_second = 10       rates = { * = 0.1; shop = 1.0 }         one of the two, or a target and fixed services
 *
 *     requests ──▶ dd_tally: traces of each service and env ──▶ dd_sampler: counts of 30 s ──▶ dd_rates ──▶ tracers' answers
 *        ▲                                                                                        │
 *        └───────────────────────── decisions about what tracers did not decide ◀─────────────────┘
 *
 * The target is divided as Datadog's agent divides it: evenly over services and envs, and what a small one does
 * not use is the others'. A service's traffic is the busiest five seconds out of thirty; every five seconds, when
 * traffic comes, the rates are found anew; none grows by more than a fifth at once. Services that were not seen
 * before have the rate that all together would have, or the smallest of all.
 *
 * What is decided here. A tracer that follows the rates decides where a trace begins, and everybody behind it does
 * as it says (mechanism 1, "-1" in _dd.p.dm). Others decide by rules, by nothing, or before they knew the rates: a
 * trace of theirs that begins here, or a part of one that began elsewhere, is kept at the rate of its topmost
 * span's service. Both by the same hash of the trace id (dd_rates.h), so that a trace that a tracer kept at the
 * same rate or a smaller one is kept here for certain. A part of a trace that a following tracer decided about
 * elsewhere is kept at the greatest rate of all: we do not know where it began, and may not tear it apart.
 *
 *     against, by the tracer (priority 0 or less)          not our decision
 *     kept by a person or a product (priority 2 but by no rule; mechanisms 4, 5, 10, 13)        stays
 *     a span with an error, and keep_errors                stays, even with priority 0
 *     everything else, kept by rules too                   goes by the rate
 *
 * Ownership: the sampler is the receiver's; a tally is a request's, and holds a table of rates for its time.
 * Threads: a sampler any, under its lock; a tally one. Time is handed in.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_SAMPLER_H
#define DD_SAMPLER_H

#include "core/base/arena.h"
#include "core/base/clock.h"
#include "translators/ddtrace/dd_fixed_rates.h"
#include "translators/ddtrace/dd_rates.h"

/* What the user set. */
struct dd_sampler_conf {
    uint64_t target;     /* traces a second; 0: no target */
    struct gw_map rates; /* fixed: "shop", "shop,env:prod", "*" for all others */
};

/* What is wrong with the fixed rate of this number, as words behind its key; NULL: nothing. */
const char *dd_sampler_mistake(const struct dd_sampler_conf *, size_t i);

/* Rates of services and envs that were not seen for ten minutes are forgotten; past so many at a time, new ones
 * go by the rate of all others. */
enum { DD_SAMPLER_PAIRS = 1000 };

struct dd_sampler;
struct dd_sampler *dd_sampler_new(const struct dd_sampler_conf *); /* NULL: no memory. The texts are copied */
void dd_sampler_drop(struct dd_sampler *);
/* A reference to the rates as they are. */
struct dd_rates *dd_sampler_rates(struct dd_sampler *);

/* ---- one request ---- */

enum { DD_TALLY_PAIRS = 64 };

/* A service in an env, as far as the request has met it. */
struct dd_tallied {
    uint64_t hash;
    gw_str service, env;
    double rate, traces;
};

struct dd_tally {
    struct dd_sampler *sampler;
    struct dd_rates *rates;
    struct gw_arena *keep; /* of the names */
    double weight;         /* of a trace: it stands for those, too, that the tracer did not send */
    unsigned n;
    struct dd_tallied pairs[DD_TALLY_PAIRS]; /* traces of others are not counted */
};

/* `chunks` and `dropped` are the tracer's: X-Datadog-Trace-Count, Datadog-Client-Dropped-P0-Traces. */
void dd_tally_begin(struct dd_tally *, struct dd_sampler *, struct gw_arena *keep, uint64_t chunks,
                    uint64_t dropped);
/* The rate of a service; with `counts`, a trace of it was seen. */
double dd_tally_rate(struct dd_tally *, gw_str service, gw_str env, bool counts);
/* The request is over. What it counted enters the sampler when it was `taken`. */
void dd_tally_end(struct dd_tally *, bool taken, gw_nsec now);

#endif
