/* http_recv.c: Reads a worker's connections for libmicrohttpd (framed_recv.h), and ends those with a framing
 * error: earlier complete requests are answered first, then comes 400. Owns nothing. Called by framed_recv.c,
 * as a callback, and by the worker's loop, on the worker's thread.
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

/* What a body has not got yet is read to where it is gathered, in large pieces: no more at a time than has come of it.
 * Of such bytes libmicrohttpd is told the number alone, and brings them without having seen them. */
static bool may_read_ahead(const struct conn *c)
{
    enum { LEAST = 16 * 1024 };
    const struct request *q = &c->req;
    uint64_t left = gw_framing_body(&c->framing);
    return left && c->state == CONN_RECEIVING && !q->refusal && !q->route->ignores_body &&
           q->body.len >= LEAST && q->got + q->told + q->ahead + left == q->claimed;
}

/* As recv; *tried false: there is no memory for it. */
static ssize_t read_ahead(struct conn *c, int fd, int flags, bool *tried)
{
    enum { MOST = 256 * 1024 };
    struct request *q = &c->req;
    size_t have = q->body.len + q->told + q->ahead;
    uint64_t left = gw_framing_body(&c->framing);
    size_t most = q->body.len < MOST ? q->body.len : MOST, n = left < most ? (size_t)left : most;
    *tried = gw_body_grow(&c->worker->pool, &q->body, have + n, (size_t)q->claimed);
    if (!*tried)
        return 0;
    ssize_t got = recvfrom(fd, q->body.data + have, n, flags, NULL, NULL);
    if (got > 0) {
        q->ahead += (size_t)got;
        gw_framing_pass(&c->framing, (uint64_t)got);
    }
    return got;
}

/* A socket that gives less than it was asked for is taken to have no more, as gw_recv_framed says. */
static ssize_t read_body(struct conn *c, int fd, size_t size, int flags, bool *tried)
{
    struct request *q = &c->req;
    ssize_t got = 0;
    while (q->ahead < size && may_read_ahead(c) && (got = read_ahead(c, fd, flags, tried)) > 0)
        ;
    *tried = *tried || q->ahead;
    size_t n = q->ahead < size ? q->ahead : size;
    q->ahead -= n;
    q->told += n;
    return n ? (ssize_t)n : got;
}

static ssize_t read_conn(void *worker, int fd, void *to, size_t size, int flags)
{
    struct worker *w = worker;
    struct conn *c = (size_t)fd < w->by_fd_n ? w->by_fd[fd] : NULL;
    if (!c)
        return recvfrom(fd, to, size, flags, NULL, NULL);
    bool tried = false;
    ssize_t read = read_body(c, fd, size, flags, &tried);
    if (tried)
        return read;
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
