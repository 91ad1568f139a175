/* dd_rates.h: which part of a service's traces is kept: what tracers are told, and what holds here.
 *
 *     {"rate_by_service":{"service:,env:":0.1,"service:shop,env:prod":1}}      version "ddgate-5d1f0c24e1a9b3c7"
 *                         └ all others ──┘    └ a service in an environment ┘  a hash of the text
 *
 * A tracer looks up the service and env of the span that a trace begins with, and keeps the trace when
 *
 *     (lower half of the trace id) × 1111111111111111111 mod 2^64  ≤  rate × 2^64
 *
 * Everybody who decides so decides alike: of two rates the smaller keeps a part of what the greater keeps. A
 * gateway with the same rates has the same version, after a restart too.
 *
 * A table never changes; who holds a reference may read it.
 * Ownership: references are counted; the last one drops the table.  Threads: any.
 * Errors: NULL: no memory.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_RATES_H
#define DD_RATES_H

#include "core/base/str.h"

/* Rates have at most six digits, as many as travel with a trace (_dd.p.ksr). */
struct dd_rate {
    gw_str service, env;
    double rate; /* 0 to 1 */
};

struct dd_rates;

/* The table of these rates, of which no two are of the same service and env; `rest` is everybody else's. The
 * texts are copied. */
struct dd_rates *dd_rates_new(const struct dd_rate *, size_t n, double rest);
struct dd_rates *dd_rates_ref(struct dd_rates *);
void dd_rates_drop(struct dd_rates *); /* NULL does nothing */

double dd_rates_find(const struct dd_rates *, gw_str service, gw_str env);
/* The greatest rate of all, and whether all are equal. */
double dd_rates_highest(const struct dd_rates *);
bool dd_rates_are_one(const struct dd_rates *);
/* The answer to a tracer, and its version; as long as the reference is held. */
gw_str dd_rates_answer(const struct dd_rates *);
gw_str dd_rates_version(const struct dd_rates *);

/* Rounded to six digits. */
double dd_rate_round(double);
/* Is a trace kept at this rate? */
bool dd_rate_keeps(double rate, uint64_t trace_id_low);

#endif
