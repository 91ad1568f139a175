/* dd_sampler.h: sampling by a receiver: fixed rates from the user, and rates that follow the traffic.
 *
 *     target_per_second = 10       rates = { * = 0.1; shop = 1.0 }         one of the two, or a target and fixed services
 *
 *     requests ──▶ dd_tally: traces of each service and env ──▶ dd_sampler: counts of 30 s ──▶ dd_rates ──▶ tracers' answers
 *        ▲                                                                                        │
 *        └───────────────────────── decisions about what tracers did not decide ◀─────────────────┘
 *
 * The target is divided as Datadog's agent divides it: evenly over services and envs; what a small one does
 * not use is divided among the others. The traffic of a service is that of its busiest five seconds out of
 * the last thirty. Every five seconds with traffic the rates are computed again; no rate grows by more than a
 * fifth at once. New services get the rate that all services together would have, or the smallest rate of
 * all.
 *
 * What the gateway decides itself. A tracer that follows the rates decides at the root of a trace, and all
 * services after it follow its decision (mechanism 1, "-1" in _dd.p.dm). Other tracers decide by rules, not
 * at all, or before they knew the rates: a trace of theirs that begins here, or a part of one that began
 * elsewhere, is kept at the rate of its topmost span's service. Both use the same hash of the trace id
 * (dd_rates.h), so a trace that a tracer kept at the same or a smaller rate is always kept here. If a
 * following tracer decided elsewhere, a part of its trace is kept at the greatest rate of all: the gateway
 * does not know the root's service, and a smaller rate could tear the trace apart.
 *
 *     rejected by the tracer (priority 0 or less)          the gateway makes no decision
 *     kept by a person or a product (priority 2 but by no rule; mechanisms 4, 5, 10, 13)        kept
 *     a span with an error, and keep_errors                kept, even with priority 0
 *     everything else, including traces kept by rules      decided by the rate
 *
 * Ownership: the sampler belongs to the receiver. A tally belongs to a request and holds a reference to a
 * table of rates. Threads: a sampler is for any thread, under its lock; a tally for one. The caller passes
 * the time.
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
    uint64_t target;     /* traces per second; 0: no target */
    struct gw_map rates; /* fixed: "shop", "shop,env:prod", "*" for all others */
};

/* Returns what is wrong with the i-th fixed rate, as a text that follows its key; NULL if it is valid. */
const char *dd_sampler_mistake(const struct dd_sampler_conf *, size_t i);

/* Services and envs without traffic for ten minutes are forgotten. If there are this many, new ones get the
 * rate of all others. */
enum { DD_SAMPLER_PAIRS = 1000 };

struct dd_sampler;
struct dd_sampler *dd_sampler_new(const struct dd_sampler_conf *); /* NULL: no memory. Texts are copied */
void dd_sampler_drop(struct dd_sampler *);
/* Returns a reference to the current rates. */
struct dd_rates *dd_sampler_rates(struct dd_sampler *);

/* ---- one request ---- */

enum { DD_TALLY_PAIRS = 64 };

/* A service and env of this request. */
struct dd_tallied {
    uint64_t hash;
    gw_str service, env;
    double rate, traces;
};

struct dd_tally {
    struct dd_sampler *sampler;
    struct dd_rates *rates;
    struct gw_arena *keep; /* of the names */
    double weight;         /* of each trace; it includes traces that the tracer did not send */
    unsigned n;
    struct dd_tallied pairs[DD_TALLY_PAIRS]; /* traces of further pairs are not counted */
};

/* `chunks` and `dropped` are the tracer's numbers: X-Datadog-Trace-Count,
 * Datadog-Client-Dropped-P0-Traces. */
void dd_tally_begin(struct dd_tally *, struct dd_sampler *, struct gw_arena *keep, uint64_t chunks,
                    uint64_t dropped);
/* Returns the rate of a service; with `counts`, counts one trace of it. */
double dd_tally_rate(struct dd_tally *, gw_str service, gw_str env, bool counts);
/* Ends the request. Its counts are added to the sampler if the request was `taken`. */
void dd_tally_end(struct dd_tally *, bool taken, gw_nsec now);

#endif
