/* Reads the fixed sampling rates, and finds the one of a service (dd_fixed_rates.h).
 *
 * Keeps no state. Called by dd_sampler.c and, for error messages, by the receiver.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "translators/ddtrace/dd_fixed_rates.h"

static void read_key(gw_str key, struct dd_fixed_rate *out)
{
    static const gw_str service = GW_LIT("service:"), env = GW_LIT(",env:");
    bool whole = gw_str_starts(key, service);
    key = gw_str_from(key, whole ? service.len : 0);
    const char *at = key.len ? memmem(key.ptr, key.len, env.ptr, env.len) : NULL;
    out->service = gw_str_n(key.ptr, at ? (size_t)(at - key.ptr) : key.len);
    out->env = at ? gw_str_from(key, out->service.len + env.len) : GW_NOSTR;
    out->any_service = gw_str_eq(out->service, GW_STR("*")) || (whole && out->service.len == 0);
    out->any_env = !at || (whole && out->any_service && out->env.len == 0);
}

const char *dd_fixed_rate_read(const struct gw_map_item *item, struct dd_fixed_rate *out)
{
    *out = (struct dd_fixed_rate){0};
    read_key(item->key, out);
    if (out->service.len == 0 && !out->any_service)
        return "names no service: write shop, \"shop,env:prod\", or * for all others";
    if (!gw_str_double(item->value, &out->rate) || !(out->rate >= 0 && out->rate <= 1))
        return "is not a rate: write a number from 0 (nothing) to 1 (everything)";
    return NULL;
}

bool dd_fixed_rate_same(const struct dd_fixed_rate *a, const struct dd_fixed_rate *b)
{
    return a->any_service == b->any_service && a->any_env == b->any_env &&
           (a->any_service || gw_str_eq(a->service, b->service)) && gw_str_eq(a->env, b->env);
}

const struct dd_fixed_rate *dd_fixed_rate_of(const struct dd_fixed_rate *fixed, size_t n, gw_str service,
                                             gw_str env)
{
    const struct dd_fixed_rate *best = NULL;
    int rank = -1;
    for (size_t i = 0; i < n; i++) {
        const struct dd_fixed_rate *f = &fixed[i];
        bool fits =
            (f->any_service || gw_str_eq(f->service, service)) && (f->any_env || gw_str_eq(f->env, env));
        int its = 2 * !f->any_service + !f->any_env;
        if (fits && its > rank) {
            best = f;
            rank = its;
        }
    }
    return best;
}
