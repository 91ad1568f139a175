/* dogstatsd_proxy.h: how DogStatsD lines that came over HTTP reach the receiver dogstatsd, and who wants to
 * know its port.
 *
 *     ddtrace: POST /dogstatsd/v2/proxy ─ gw_dogstatsd_proxy_take ─▶ take() of the dogstatsd receiver ─▶ its series
 *     ddtrace: GET /info ─ wanted, port
 *
 * The first dogstatsd receiver that starts opens it, until that one stops. Receivers do not know one another:
 * the process lends it to all of them (receiver_host.h).
 *
 * Threads: any; what comes through is taken by one at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DOGSTATSD_PROXY_H
#define GW_DOGSTATSD_PROXY_H

#include <stdatomic.h>

#include "core/base/lock.h"
#include "core/base/str.h"

/* Lines that end with LF; `local`: the sender is on this machine. */
typedef void gw_dogstatsd_take_f(void *ctx, gw_str lines, bool local);

struct gw_dogstatsd_proxy {
    struct gw_lock lock;
    gw_dogstatsd_take_f *take; /* NULL: it is closed */
    void *ctx;
    atomic_bool wanted; /* a receiver will open it, or has */
    atomic_int port;    /* UDP; 0: nobody listens there */
};

static inline void gw_dogstatsd_proxy_init(struct gw_dogstatsd_proxy *d)
{
    gw_lock_init(&d->lock, GW_LOCK_DOGSTATSD_PROXY);
}

/* False: another receiver has opened it. */
static inline bool gw_dogstatsd_proxy_open(struct gw_dogstatsd_proxy *d, gw_dogstatsd_take_f *take, void *ctx)
{
    gw_lock(&d->lock);
    bool free = !d->take;
    if (free) {
        d->take = take;
        d->ctx = ctx;
    }
    gw_unlock(&d->lock);
    return free;
}

/* When it returns, nothing of that receiver's is under way. */
static inline void gw_dogstatsd_proxy_close(struct gw_dogstatsd_proxy *d, const void *ctx)
{
    gw_lock(&d->lock);
    if (d->ctx == ctx) {
        d->take = NULL;
        d->ctx = NULL;
    }
    gw_unlock(&d->lock);
}

/* False: it is closed. */
static inline bool gw_dogstatsd_proxy_take(struct gw_dogstatsd_proxy *d, gw_str lines, bool local)
{
    gw_lock(&d->lock);
    bool open = d->take != NULL;
    if (open)
        d->take(d->ctx, lines, local);
    gw_unlock(&d->lock);
    return open;
}

#endif
