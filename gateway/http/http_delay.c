/* http_delay.c: answers that are held back while the data of requests goes away more slowly than it comes
 * (core/delivery/queue.h: lagging).
 *
 * The connection is suspended with its answer queued: libmicrohttpd neither reads nor writes it until it is
 * resumed. Nothing waits in the worker, so its other connections are served meanwhile. The worker looks every
 * few milliseconds whether the reason is over, and lets every answer go that was held back for the longest
 * time. Looking, instead of being woken, costs nothing: a queue at its low mark still holds enough to keep
 * its sender busy until the next look. And there is no wakeup to be lost, nor anything to unregister.
 *
 * Owns the worker's list of suspended connections, in the order in which they were suspended. Called by
 * http_request.c, when a handler has answered, and by the worker's loop; on the worker's thread only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/http/http_internal.h"

static bool lasts(const struct gw_http_delay *d)
{
    return d->lasts && d->lasts(d->ctx, d->what);
}

void gw_http_delay_answer(struct conn *c, unsigned status)
{
    struct worker *w = c->worker;
    if (!c->req.route->may_delay || status >= 300 || w->stopping || !lasts(&c->req.site->delay))
        return;
    c->delay = c->req.site->delay;
    c->delayed_until = gw_now() + c->delay.longest;
    c->delayed_next = NULL;
    *w->delayed_end = c;
    w->delayed_end = &c->delayed_next;
    MHD_suspend_connection(c->mhd);
}

void gw_http_delayed_check(struct worker *w, gw_nsec now)
{
    struct conn *next = w->delayed;
    if (!next || (now - w->delayed_looked < GW_HTTP_DELAY_TICK && !w->stopping))
        return;
    w->delayed_looked = now;
    w->delayed = NULL;
    w->delayed_end = &w->delayed;
    for (struct conn *c; (c = next);) {
        next = c->delayed_next;
        if (w->stopping || now >= c->delayed_until || !lasts(&c->delay)) {
            MHD_resume_connection(c->mhd);
            continue;
        }
        c->delayed_next = NULL;
        *w->delayed_end = c;
        w->delayed_end = &c->delayed_next;
    }
}
