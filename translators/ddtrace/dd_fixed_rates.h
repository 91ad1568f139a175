/* dd_fixed_rates.h: the sampling rates that the user fixed, option sampling.rates.
 *
 *     shop,env:prod    a service in an environment           before
 *     shop             a service, in whatever environment    before
 *     *,env:prod       an environment                        before
 *     *                everybody else
 *
 * A key may also be written as tracers read it, "service:shop,env:prod"; "service:,env:" is "*".
 *
 * Ownership: texts are views of the configuration.  Threads: const once read.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_FIXED_RATES_H
#define DD_FIXED_RATES_H

#include "core/config/option.h"

struct dd_fixed_rate {
    gw_str service, env;
    bool any_service, any_env;
    double rate; /* 0 to 1 */
};

/* Reads "shop,env:prod" and "0.1". NULL when both are good, else what is wrong, as words behind the key. */
const char *dd_fixed_rate_read(const struct gw_map_item *, struct dd_fixed_rate *);
/* The same as another, whatever the rate? */
bool dd_fixed_rate_same(const struct dd_fixed_rate *, const struct dd_fixed_rate *);
/* The one that holds for a service in an env, or NULL. */
const struct dd_fixed_rate *dd_fixed_rate_of(const struct dd_fixed_rate *, size_t n, gw_str service,
                                             gw_str env);

#endif
