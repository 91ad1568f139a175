/* http_accept.c: accepts new connections at the listeners of the worker's table, refuses or charges them, and
 * passes each to the worker with the fewest. Owns nothing. Called by the worker's loop, on its thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/base/log.h"
#include "gateway/http/http_internal.h"
#include "gateway/net/descriptors.h"

static const gw_nsec SHORT_SAID_AGAIN = 60 * GW_SEC;

/* Its memory is charged (take_slot); conn_open takes over the charge. */
void gw_http_adopt(struct worker *w, int fd, struct origin *o)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;
    if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0) {
        close(fd); /* the peer is gone already */
        gw_http_release_slot(w, o);
    } else if (o->tls) {
        gw_http_tls_proxy_begin(w, fd, o, (struct sockaddr *)&peer, len);
    } else {
        gw_http_hand_over(w, fd, o, (struct sockaddr *)&peer, len);
    }
}

static struct worker *least_loaded(struct gw_http *h, unsigned *all)
{
    struct worker *best = &h->workers[0];
    unsigned least = UINT32_MAX;
    *all = 0;
    for (unsigned i = 0; i < h->workers_n; i++) {
        unsigned n = atomic_load_explicit(&h->workers[i].connections, memory_order_relaxed);
        *all += n;
        if (n < least) {
            least = n;
            best = &h->workers[i];
        }
    }
    return best;
}

/* Closes one of this worker's connections to make room. */
static bool make_way(struct worker *w, gw_nsec now)
{
    return gw_http_tls_proxies_evict(w, now) || gw_http_evict(w, now) || gw_http2_evict(w, now);
}

/* Charges the memory of one connection among `all`. If there are too many, one of this worker's connections
 * is closed; connections are spread evenly over workers. */
static bool take_slot(struct worker *w, unsigned all, bool tls)
{
    if (all < (uint64_t)w->table->limits.connections && gw_budget_take(&w->http->places, gw_http_cost(tls)))
        return true;
    gw_log(GW_WARNING, "receiver=http",
           "%u connections are open, the most that connections and max_memory allow", all);
    return make_way(w, gw_now()) && gw_budget_take(&w->http->places, gw_http_cost(tls));
}

/* Returns true if the descriptor's number is not reserved; otherwise another connection is closed. Logged
 * once a minute. */
static bool has_descriptor(struct worker *w, int fd)
{
    if (!gw_descriptor_is_reserved(fd))
        return true;
    gw_nsec now = gw_now(), said = atomic_load_explicit(&w->http->short_said, memory_order_relaxed);
    if ((!said || now - said > SHORT_SAID_AGAIN) &&
        atomic_compare_exchange_strong_explicit(&w->http->short_said, &said, now, memory_order_relaxed,
                                                memory_order_relaxed))
        gw_log(GW_WARNING, "receiver=http",
               "the process is almost out of descriptors (see `ulimit -n`): idle connections make way for "
               "new ones, or new ones get 429");
    /* the other connection is closed a moment later */
    return make_way(w, now) && !gw_descriptor_is_last(fd);
}

/* Opens the client's account; returns false if the client has reached its limits. A TLS handshake counts as a
 * request, because it costs more than one. */
static bool open_account(struct worker *w, const struct binding *b, const struct sockaddr *peer,
                         struct gw_client **account)
{
    const struct gw_client_limits_conf *limits = &b->sites[0]->client_limits;
    if (!gw_client_limits_apply(limits, peer))
        return true;
    *account = gw_client_limits_enter(w->http->client_limits, peer, limits);
    if (!*account || !b->tls || gw_client_limits_request(*account, limits, gw_now()))
        return *account != NULL;
    gw_client_limits_leave(w->http->client_limits, *account);
    return false;
}

/* Sends the connection to another worker, which may use another table already, so the table under which it
 * was accepted is sent too. The message, with its padding, goes through a pipe. */
static bool send_to(const struct worker *other, const struct worker *w, int fd, const struct origin *o)
{
    struct message m;
    memset(&m, 0, sizeof m);
    m.fd = fd;
    m.origin.listener = o->listener;
    m.origin.tls = o->tls;
    m.origin.account = o->account;
    m.origin.last = gw_http_table_ref(w->table);
    if (write(other->inbox[1], &m, sizeof m) == sizeof m)
        return true;
    gw_http_table_drop(m.origin.last);
    return false;
}

/* A client that has reached its limits is refused before another client's connection is closed. */
static void place(struct worker *w, int fd, const struct binding *b, const struct sockaddr *peer)
{
    unsigned all;
    struct worker *best = least_loaded(w->http, &all);
    struct origin o = {.listener = b->listener->number, .tls = b->tls};
    if (!open_account(w, b, peer, &o.account)) {
        gw_http_log_refused(b, peer, GW_PEER_LIMIT);
        gw_http_turn_away(w, b, fd, GW_PEER_LIMIT);
    } else if (!has_descriptor(w, fd) || !take_slot(w, all, o.tls)) {
        gw_client_limits_leave(w->http->client_limits, o.account);
        gw_http_turn_away(w, b, fd, GW_BUSY);
    } else if (best == w || w->stopping || !send_to(best, w, fd, &o)) {
        gw_http_adopt(w, fd, &o);
    }
}

/* Listeners are shared: the kernel wakes one worker (EPOLLEXCLUSIVE), which places the connection. */
void gw_http_listen_on(struct worker *w)
{
    w->listening = true;
    for (size_t i = 0; i < w->table->n; i++) {
        int fd = w->table->bindings[i].listener->fd;
        if (gw_http_watch(w->epoll, fd, EPOLLIN | EPOLLEXCLUSIVE, EV_LISTENER, i) || errno == EEXIST)
            continue;
        gw_log(GW_WARNING, "receiver=http", "%s cannot be watched: %s; ddgate tries again",
               w->table->bindings[i].listener->name, strerror(errno));
        w->listening = false;
    }
}

void gw_http_listen_off(struct worker *w)
{
    for (size_t i = 0; i < w->table->n; i++)
        epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->table->bindings[i].listener->fd,
                  NULL); /* or it was not watched */
    w->listening = false;
}

void gw_http_accept(struct worker *w, const struct binding *b, int most)
{
    for (int i = 0; i < most; i++) {
        struct sockaddr_storage peer = {.ss_family = AF_UNIX};
        socklen_t len = sizeof peer;
        int fd = accept4(b->listener->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            place(w, fd, b, (struct sockaddr *)&peer);
        } else if (errno != ECONNABORTED && errno != EINTR) {
            if (errno != EAGAIN) { /* no descriptors or memory: the next tick tries again */
                gw_log(GW_WARNING, "receiver=http", "connections cannot be accepted: %s (see `ulimit -n`)",
                       strerror(errno));
                gw_http_listen_off(w);
            }
            return;
        }
    }
}
