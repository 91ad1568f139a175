/* http_delay.c: delays answers while the data of requests leaves more slowly than it arrives
 * (core/delivery/queue.h: lagging).
 *
 * The connection is suspended with its answer queued: libmicrohttpd neither reads nor writes it until it is
 * resumed. The worker does not wait, so its other connections are served meanwhile. Every few milliseconds
 * the worker checks whether the reason is over, and resumes every answer that was delayed for the maximum
 * time. Polling costs nothing here, because a queue at its low mark still holds enough work for its sender
 * until the next check. So no wakeup can be lost, and nothing has to be unregistered.
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
