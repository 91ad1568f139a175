/* dogstatsd_proxy.h: passes DogStatsD lines that arrive over HTTP to the receiver dogstatsd, and provides
 * its port.
 *
 *     ddtrace: POST /dogstatsd/v2/proxy ─ gw_dogstatsd_proxy_take ─▶ take() of the dogstatsd receiver ─▶ its series
 *     ddtrace: GET /info ─ gw_dogstatsd_port ─▶ of the receivers that are open
 *
 * The first dogstatsd receiver that starts opens it, until that receiver stops; every open one is listed
 * with its port. Receivers do not know each other: the process lends this object to all of them
 * (receiver_host.h).
 *
 * Threads: any; one thread at a time passes lines.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DOGSTATSD_PROXY_H
#define GW_DOGSTATSD_PROXY_H

#include "core/base/lock.h"
#include "core/base/str.h"

/* Lines that end with LF; `local`: the sender is on this machine. */
typedef void gw_dogstatsd_take_f(void *ctx, gw_str lines, bool local);

/* A receiver that is open: it will open the proxy, or has. The receiver's own, zero at first. */
struct gw_dogstatsd_listener {
    int port; /* UDP; 0: it does not listen there */
    struct gw_dogstatsd_listener *next;
};

struct gw_dogstatsd_proxy {
    struct gw_lock lock;
    gw_dogstatsd_take_f *take; /* NULL: it is closed */
    void *ctx;
    struct gw_dogstatsd_listener *listeners;
};

static inline void gw_dogstatsd_proxy_init(struct gw_dogstatsd_proxy *d)
{
    gw_lock_init(&d->lock, GW_LOCK_DOGSTATSD_PROXY);
    d->listeners = NULL;
}

/* At the end of the list; once. */
static inline void gw_dogstatsd_list(struct gw_dogstatsd_proxy *d, struct gw_dogstatsd_listener *l, int port)
{
    gw_lock(&d->lock);
    struct gw_dogstatsd_listener **at = &d->listeners;
    while (*at)
        at = &(*at)->next;
    *l = (struct gw_dogstatsd_listener){.port = port};
    *at = l;
    gw_unlock(&d->lock);
}

/* Does nothing where it is not listed. */
static inline void gw_dogstatsd_unlist(struct gw_dogstatsd_proxy *d, struct gw_dogstatsd_listener *l)
{
    gw_lock(&d->lock);
    struct gw_dogstatsd_listener **at = &d->listeners;
    while (*at && *at != l)
        at = &(*at)->next;
    if (*at)
        *at = l->next;
    gw_unlock(&d->lock);
}

/* The first port that one of them listens on; 0: none does. *any: there is one. */
static inline int gw_dogstatsd_port(struct gw_dogstatsd_proxy *d, bool *any)
{
    int port = 0;
    gw_lock(&d->lock);
    *any = d->listeners;
    for (const struct gw_dogstatsd_listener *l = d->listeners; l && !port; l = l->next)
        port = l->port;
    gw_unlock(&d->lock);
    return port;
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
