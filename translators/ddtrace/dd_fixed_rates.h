/* dd_fixed_rates.h: fixed sampling rates, from the option sampling.rates.
 *
 *     shop,env:prod    a service in an environment       wins over
 *     shop             a service in any environment      wins over
 *     *,env:prod       an environment                    wins over
 *     *                all others
 *
 * A key may also be written as tracers read it, "service:shop,env:prod"; "service:,env:" is "*".
 *
 * Ownership: texts are views of the configuration. Threads: constant after reading.
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

/* Reads "shop,env:prod" and "0.1". Returns NULL if both are valid, else a text that follows the key in an
 * error message. */
const char *dd_fixed_rate_read(const struct gw_map_item *, struct dd_fixed_rate *);
/* Returns whether two keys are the same, whatever their rates. */
bool dd_fixed_rate_same(const struct dd_fixed_rate *, const struct dd_fixed_rate *);
/* Returns the rate for a service in an env, or NULL. */
const struct dd_fixed_rate *dd_fixed_rate_of(const struct dd_fixed_rate *, size_t n, gw_str service,
                                             gw_str env);

#endif
