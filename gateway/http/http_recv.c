/* http_recv.c: reads a worker's connections for libmicrohttpd (framed_recv.h), and ends those with a framing
 * error: earlier complete requests are answered first, then 400 is sent. Owns nothing. Called by
 * framed_recv.c, as a callback, and by the worker's loop, on the worker's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/socket.h>

#include "gateway/http/framed_recv.h"
#include "gateway/http/http_internal.h"

/* Nothing more is read of the connection. */
static void refuse(struct conn *c)
{
    struct gw_err err;
    (void)gw_fail(&err, c->framing.too_large ? GW_TOO_LARGE : GW_BAD_REQUEST, 0, "%s", c->framing.fault);
    if (c->state == CONN_DEAD)
        return;
    if (!c->req.table)
        gw_http_begin_unread(c);
    gw_http_refuse(c, &err);
    gw_http_linger(c->worker, c->fd);
}

/* Requests in front of the one at fault are answered first. */
static bool may_refuse(const struct conn *c)
{
    return c->state != CONN_ANSWERING && c->begun == c->framing.heads;
}

static bool is_at_fault(const struct conn *c)
{
    return c->framing.fault && c->state != CONN_DEAD;
}

void gw_http_recv_check(struct worker *w)
{
    w->at_fault = 0;
    for (struct conn *c = w->conns; c; c = c->next) {
        if (is_at_fault(c) && may_refuse(c)) {
            refuse(c);
            MHD_set_connection_option(c->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 1U);
        }
        w->at_fault += is_at_fault(c);
    }
}

static ssize_t read_conn(void *worker, int fd, void *to, size_t size, int flags)
{
    struct worker *w = worker;
    struct conn *c = (size_t)fd < w->by_fd_n ? w->by_fd[fd] : NULL;
    if (!c)
        return recvfrom(fd, to, size, flags, NULL, NULL);
    ssize_t got = gw_recv_framed(&c->framing, fd, to, size, flags);
    if (!c->framing.fault)
        return got;
    errno = EAGAIN;
    if (got <= 0 && (may_refuse(c) || c->state == CONN_DEAD)) {
        refuse(c);
        errno = ECONNRESET;
    } else {
        w->at_fault++;
    }
    return got > 0 ? got : -1;
}

void gw_http_recv_begin(struct worker *w)
{
    gw_recv_by(read_conn, w);
}
