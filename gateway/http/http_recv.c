/* http_recv.c: what libmicrohttpd reads passes by framing.h first.
 *
 *     socket ─▶ recv, as libmicrohttpd calls it ─▶ framing: end of each request ─▶ libmicrohttpd
 *                                                     └─ fault ─▶ 400, and the connection ends
 *
 * libmicrohttpd owns its sockets and has no hook for their bytes, and a second pair of sockets in front of
 * each would cost more than the rest of a small request. So this program defines recv(2) itself, which the
 * dynamic linker prefers to the C library's: on a worker's thread, for a descriptor that is one of
 * libmicrohttpd's connections, the bytes are looked at where libmicrohttpd wants them; every other call is
 * the plain system call. Should a libmicrohttpd read in another way, no request gets through: a request
 * begins only when its head came by here (docs/notes/0009-the-bytes-of-http.md).
 *
 * Owns nothing. libmicrohttpd calls it on the worker's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>

#include "gateway/http/http_internal.h"

ssize_t gw_http_recv(int fd, void *to, size_t size, int flags) __asm__("recv");

static _Thread_local struct worker *reader; /* whose thread this is; NULL: no worker's */

void gw_http_recv_begin(struct worker *w)
{
    reader = w;
}

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

/* A socket that gives as much as it was asked for may have more, and libmicrohttpd takes less for all that
 * there is: what was taken out is made up for. */
static ssize_t read_framed(struct conn *c, int fd, char *to, size_t size, int flags)
{
    size_t have = 0;
    ssize_t got;
    bool full;
    do {
        got = recvfrom(fd, to + have, size - have, flags, NULL, NULL);
        if (got <= 0)
            return have ? (ssize_t)have : got;
        full = (size_t)got == size - have;
        have += gw_framing_read(&c->framing, to + have, (size_t)got);
    } while (!c->framing.fault && (have == 0 || (full && have < size)));
    return (ssize_t)have;
}

ssize_t gw_http_recv(int fd, void *to, size_t size, int flags)
{
    struct conn *c = reader && fd >= 0 && (size_t)fd < reader->by_fd_n ? reader->by_fd[fd] : NULL;
    if (!c)
        return recvfrom(fd, to, size, flags, NULL, NULL);
    ssize_t got = c->framing.fault ? 0 : read_framed(c, fd, to, size, flags);
    if (!c->framing.fault)
        return got;
    errno = EAGAIN;
    if (got <= 0 && (may_refuse(c) || c->state == CONN_DEAD)) {
        refuse(c);
        errno = ECONNRESET;
    } else {
        c->worker->at_fault++;
    }
    return got > 0 ? got : -1;
}
