/* http_deadlines.c: finds the connections that must end: uploads and headers that are too slow, and, when
 * there are too many connections, the least useful one (docs/threat-model.md). Owns nothing. Called by the
 * worker's loop, on its thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/http/http_internal.h"

#include <sys/socket.h>

static const gw_nsec STANDSTILL = GW_SEC, GRACE = 10 * GW_SEC, UNUSED = 10 * GW_SEC, LEAVING = 10 * GW_SEC;

/* Answers 408 to an upload that takes too long; libmicrohttpd closes the connection the next time it handles
 * it. */
static void give_up(struct conn *c, const char *why)
{
    struct gw_err err;
    (void)gw_fail(&err, GW_TIMEOUT, 0, "%s", why);
    gw_http_refuse(c, &err);
    MHD_set_connection_option(c->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 1U);
}

void gw_http_make_room(struct worker *w, const struct conn *not_this, gw_nsec now)
{
    if (not_this)
        atomic_store_explicit(&w->http->wanting, now, memory_order_relaxed);
    for (struct conn *c = w->conns; c; c = c->next)
        if (c != not_this && c->state == CONN_RECEIVING && c->req.body.cap && now - c->req.moved > STANDSTILL)
            give_up(c, "the upload stood still while its memory was needed");
}

void gw_http_check_conn(struct conn *c, gw_nsec now)
{
    if (c->state == CONN_RECEIVING && now - c->req.since > c->req.site->limits.receive_timeout)
        give_up(c, "the body did not come within receive_timeout");
    /* libmicrohttpd's own timeout restarts with every byte, so headers that trickle are ended here */
    if (c->state == CONN_IDLE && now - c->idle_since > c->worker->http->began.idle_timeout + GRACE)
        shutdown(c->fd, SHUT_RDWR);
    /* The address was removed. A tracer sends every few seconds, and closes when an answer tells it to. */
    if (c->state == CONN_IDLE && c->origin.last && now - c->left_at > LEAVING)
        shutdown(c->fd, SHUT_RDWR);
}

/* Returns how dispensable the connection is; 0: it stays. A tracer uses its connection every few seconds; a
 * connection that never sent a request, or stopped within one, is probably not needed. */
static int dispensable(const struct conn *c, gw_nsec now)
{
    if (c->state == CONN_RECEIVING)
        return now - c->req.moved > STANDSTILL ? 2 : 0;
    if (c->state == CONN_ANSWERING) /* the client does not read the answer */
        return now - c->req.moved > UNUSED ? 2 : 0;
    if (c->state == CONN_IDLE && !c->used)
        return 3;
    return c->state == CONN_IDLE && now - c->idle_since > UNUSED ? 1 : 0;
}

bool gw_http_evict(struct worker *w, gw_nsec now)
{
    struct conn *best = NULL;
    int most = 0;
    /* newest first, so that the oldest of equals is taken */
    for (struct conn *c = w->conns; c; c = c->next) {
        int d = dispensable(c, now);
        if (d && d >= most) {
            best = c;
            most = d;
        }
    }
    if (!best)
        return false;
    gw_http_conn_state(best, CONN_DEAD);
    gw_body_release(&w->pool, &best->req.body);
    gw_budget_give(&w->http->places, best->paid);
    best->paid = 0;
    shutdown(best->fd, SHUT_RDWR);
    return true;
}
