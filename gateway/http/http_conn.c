/* http_conn.c: manages the connections of a worker: hands them to libmicrohttpd, keeps their state, and
 * returns their memory at the end. The worker owns the connections. All functions are called on the worker's
 * thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/http/http_internal.h"

#include <netinet/in.h>
#include <stdlib.h>

#include <sys/epoll.h>
#include <sys/un.h>

bool gw_http_watch(int epoll, int fd, uint32_t events, uint64_t kind, uint64_t index)
{
    struct epoll_event e = {.events = events, .data.u64 = kind << 32 | index};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

static bool is_busy(enum conn_state s)
{
    return s == CONN_RECEIVING || s == CONN_WAITING || s == CONN_ANSWERING;
}

void gw_http_conn_state(struct conn *c, enum conn_state state)
{
    bool was = is_busy(c->state), is = is_busy(state);
    c->worker->busy += (unsigned)is - (unsigned)was;
    c->state = state;
}

void gw_http_release_table(struct request *q)
{
    gw_http_table_drop(q->table);
    q->table = NULL;
    q->binding = NULL;
    q->site = NULL;
    q->route = NULL;
}

void gw_http_peer_name(const struct gw_http_peer *p, char *out, size_t size)
{
    struct gw_address a = {.len = 0};
    *out = '\0';
    if (p->by_socket && p->pid)
        snprintf(out, size, "pid %ld", (long)p->pid);
    else if (p->address) {
        a.len = p->address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
        memcpy(&a.sa, p->address, a.len);
        gw_listen_name(&a, out, size);
    }
}

static void find_peer(struct conn *c, const struct sockaddr *sa)
{
    struct ucred cred = {0};
    socklen_t len = sizeof cred;
    c->peer.local = gw_listen_is_local(sa);
    c->peer.by_socket = sa->sa_family == AF_UNIX;
    c->peer.address = c->peer.by_socket ? NULL : (const struct sockaddr *)&c->address;
    if (c->peer.by_socket && getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
        c->peer.pid = cred.pid;
}

size_t gw_http_cost(bool tls)
{
    return GW_HTTP_CONNECTION + (tls ? GW_HTTP_TLS : 0);
}

const struct binding *gw_http_binding(const struct worker *w, const struct origin *o)
{
    const struct binding *b = gw_http_find_binding(w->table, o->listener);
    return b ? b : gw_http_find_binding(o->last, o->listener);
}

void gw_http_settle_origin(const struct worker *w, struct origin *o)
{
    if (!gw_http_find_binding(w->table, o->listener))
        return;
    gw_http_table_drop(o->last);
    o->last = NULL;
}

static bool has_room(struct worker *w, size_t need)
{
    size_t n = w->by_fd_n ? w->by_fd_n : 64;
    while (n < need)
        n *= 2;
    struct conn **more = n > w->by_fd_n ? realloc(w->by_fd, n * sizeof(struct conn *)) : w->by_fd;
    if (!more)
        return false;
    memset(more + w->by_fd_n, 0, (n - w->by_fd_n) * sizeof *more);
    w->by_fd = more;
    w->by_fd_n = n;
    return true;
}

/* Without memory for it, requests of the connection are refused, because their framing cannot be checked. */
static void set_by_fd(struct worker *w, int fd, struct conn *c)
{
    if (has_room(w, (size_t)fd + 1))
        w->by_fd[fd] = c;
}

static void conn_open(struct worker *w, struct MHD_Connection *mhd, void **context)
{
    struct conn *c = calloc(1, sizeof *c);
    *context = c;
    atomic_fetch_add_explicit(&w->connections, 1, memory_order_relaxed);
    if (!c)
        return;
    c->worker = w;
    c->origin = *w->incoming;
    gw_http_settle_origin(w, &c->origin);
    c->paid = gw_http_cost(c->origin.tls);
    memcpy(&c->address, w->incoming_peer, w->incoming_len);
    w->incoming = NULL;
    c->mhd = mhd;
    c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    set_by_fd(w, c->fd, c);
    c->idle_since = c->left_at = gw_now();
    c->next = w->conns;
    if (w->conns)
        w->conns->prev = c;
    w->conns = c;
    find_peer(c, w->incoming_peer);
}

static void conn_close(struct worker *w, struct conn *c)
{
    atomic_fetch_sub_explicit(&w->connections, 1, memory_order_relaxed);
    if (!c)
        return;
    set_by_fd(w, c->fd, NULL);
    gw_http_later_end(c);
    gw_http_conn_state(c, CONN_DEAD);
    gw_budget_give(&w->http->places, c->paid);
    gw_body_release(&w->pool, &c->req.body);
    gw_http_release_table(&c->req);
    gw_http_table_drop(c->origin.last);
    gw_client_limits_leave(w->http->client_limits, c->origin.account);
    if (c->prev)
        c->prev->next = c->next;
    else
        w->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    free(c);
}

void gw_http_on_connection(void *worker, struct MHD_Connection *mhd, void **context,
                           enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        conn_open(worker, mhd, context);
    else
        conn_close(worker, *context);
}

/* libmicrohttpd must not take the plain end of a pair for a TCP socket, because it would set TCP options at
 * every answer. */
void gw_http_enroll(struct worker *w, int fd, struct origin *o, const struct sockaddr *peer, socklen_t len)
{
    static const struct sockaddr_un local = {.sun_family = AF_UNIX};
    w->incoming = o;
    w->incoming_peer = peer;
    w->incoming_len = len;
    if (o->tls)
        /* closes fd itself when it fails, … */
        MHD_add_connection(w->mhd, fd, (const struct sockaddr *)&local, sizeof local);
    else
        MHD_add_connection(w->mhd, fd, peer, len);
    if (w->incoming) /* … and then the charge is not used */
        gw_http_release_slot(w, o);
    w->incoming = NULL;
    o->last = NULL;
}

void gw_http_release_slot(struct worker *w, struct origin *o)
{
    gw_budget_give(&w->http->places, gw_http_cost(o->tls));
    gw_client_limits_leave(w->http->client_limits, o->account);
    gw_http_table_drop(o->last);
    o->last = NULL;
}
