/* dd_rates.h: the sampling rates of services: the answer to tracers, and the rates that apply here.
 *
 *     {"rate_by_service":{"service:,env:":0.1,"service:shop,env:prod":1}}      version "ddgate-5d1f0c24e1a9b3c7"
 *                         └ all others ──┘    └ a service in an environment ┘  a hash of the text
 *
 * A tracer looks up the service and env of the root span of a trace, and keeps the trace if
 *
 *     (lower half of the trace id) × 1111111111111111111 mod 2^64  ≤  rate × 2^64
 *
 * All components that use this rule agree: a trace that is kept at one rate is kept at every greater rate.
 * Gateways with the same rates have the same version, even after a restart.
 *
 * A table never changes; a thread that holds a reference may read it. Ownership: references are counted; the
 * last one frees the table. Threads: any. Errors: NULL means that there is no memory.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_RATES_H
#define DD_RATES_H

#include "core/base/str.h"

/* Rates have at most six digits, the precision with which they are propagated (_dd.p.ksr). */
struct dd_rate {
    gw_str service, env;
    double rate; /* 0 to 1 */
};

struct dd_rates;

/* Makes the table of these rates; no two may be of the same service and env. `rest` is the rate for all
 * others. Texts are copied. */
struct dd_rates *dd_rates_new(const struct dd_rate *, size_t n, double rest);
struct dd_rates *dd_rates_ref(struct dd_rates *);
void dd_rates_drop(struct dd_rates *); /* NULL does nothing */

double dd_rates_find(const struct dd_rates *, gw_str service, gw_str env);
/* Returns the greatest rate, and whether all rates are equal. */
double dd_rates_highest(const struct dd_rates *);
bool dd_rates_are_one(const struct dd_rates *);
/* The answer to a tracer, and its version; valid while the reference is held. */
gw_str dd_rates_answer(const struct dd_rates *);
gw_str dd_rates_version(const struct dd_rates *);

/* Rounds to six digits. */
double dd_rate_round(double);
/* Returns whether a trace is kept at this rate. */
bool dd_rate_keeps(double rate, uint64_t trace_id_low);

#endif
