/* stream_conn.c: Handles the connections of a stream: which are accepted, how they are read and framed, and
 * how they end. The stream's list owns the connections. Called by stream.c, on the stream's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* accept4 */
#include "gateway/receivers/stream/stream_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/log.h"
#include "gateway/net/descriptors.h"

enum { ACCEPTS = 64, KEEPALIVE_AFTER = 60, KEEPALIVE_EVERY = 15, KEEPALIVE_TRIES = 4 };
static const gw_nsec HANDSHAKE = 10 * GW_SEC, IDLE = 10 * GW_SEC;

static void count(atomic_uint_least64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void stream_describe(struct stream_peer *p, const struct sockaddr *sa)
{
    *p = (struct stream_peer){.local = gw_listen_is_local(sa), .is_unix = sa->sa_family == AF_UNIX};
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)sa;
        inet_ntop(AF_INET, &in->sin_addr, p->address, sizeof p->address);
        p->port = ntohs(in->sin_port);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)sa;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&in->sin6_addr);
        inet_ntop(mapped ? AF_INET : AF_INET6, mapped ? in->sin6_addr.s6_addr + 12 : in->sin6_addr.s6_addr,
                  p->address, sizeof p->address);
        p->port = ntohs(in->sin6_port);
    }
}

void stream_link(struct stream *s, struct stream_conn *c)
{
    c->prev = NULL;
    c->next = s->conns;
    if (s->conns)
        s->conns->prev = c;
    s->conns = c;
    s->conns_n++;
    count(&s->set.counts->connections, 1);
}

void stream_unlink(struct stream *s, struct stream_conn *c)
{
    if (c->prev)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    s->conns_n--;
    atomic_fetch_sub_explicit(&s->set.counts->connections, 1, memory_order_relaxed);
}

/* Ends */

static void release_slot(struct stream *s, struct gw_client *account, size_t paid)
{
    gw_client_limits_leave(s->client_limits, account);
    gw_budget_give(&s->held, paid);
}

static void drop(struct stream *s, struct stream_conn *c, bool send_goodbye)
{
    stream_framing_fini(&c->framing);
    stream_tls_drop(c->tls, send_goodbye);
    stream_unwatch(s->inner, c->fd);
    close(c->fd);
    release_slot(s, c->account, c->paid);
    stream_unlink(s, c);
    free(c);
}

/* Of s->reading. */
static void on_record(void *to, gw_str text, uint64_t cut, uint64_t observed)
{
    struct stream *s = to;
    const struct stream_record r = {
        .text = text, .cut = cut, .torn = s->torn, .observed = observed, .peer = &s->reading->peer};
    s->reading->spoke = true;
    stream_take(s, s->sink, &r);
}

/* From the framing. A counted text is a record; lines may belong together. */
static void on_frame(void *to, gw_str text, uint64_t cut)
{
    struct stream *s = to;
    struct stream_conn *c = s->reading;
    const char *torn = s->torn;
    if (s->set.multiline.how == STREAM_MULTILINE_NONE) {
        on_record(s, text, cut, s->observed);
        return;
    }
    s->torn = NULL; /* is an attribute of the last record */
    if (c->framing.state == FRAME_COUNTED)
        stream_multiline_end(&s->set.multiline, &c->join, on_record, s);
    else
        stream_multiline_line(&s->set.multiline, &c->join, text, cut, s->observed, on_record, s);
    s->torn = torn;
    if (c->framing.state == FRAME_COUNTED)
        on_record(s, text, cut, s->observed);
}

void stream_end_record(struct stream *s, struct stream_conn *c)
{
    s->reading = c;
    stream_multiline_end(&s->set.multiline, &c->join, on_record, s);
}

void stream_quiet(struct stream *s, gw_nsec now)
{
    s->quiet = GW_NEVER;
    for (struct stream_conn *c = s->conns; c; c = c->next) {
        if (c->join.open && now - c->last_active >= STREAM_QUIET)
            stream_end_record(s, c);
        else if (c->join.open && c->last_active + STREAM_QUIET < s->quiet)
            s->quiet = c->last_active + STREAM_QUIET;
    }
}

void stream_end(struct stream *s, struct stream_conn *c, const char *torn)
{
    bool is_torn = stream_framing_is_torn(&c->framing, torn != NULL);
    s->reading = c;
    s->torn = is_torn ? torn ? torn : "end" : NULL;
    s->observed = (uint64_t)gw_wall();
    stream_framing_end(&c->framing, on_frame, s);
    stream_multiline_end(&s->set.multiline, &c->join, on_record, s);
    s->torn = NULL;
    drop(s, c, !torn);
}

/* Places */

/* Closes a connection to make room: the oldest that has not sent a record in ten seconds, else the one that
 * is idle for longest and holds no part of a line. */
static bool evict(struct stream *s, gw_nsec now)
{
    struct stream_conn *best = NULL;
    for (struct stream_conn *c = s->conns; c; c = c->next) {
        bool can = now - c->last_active > IDLE && (!c->spoke || !stream_framing_is_inside(&c->framing));
        if (can && (!best || best->spoke > c->spoke ||
                    (best->spoke == c->spoke && c->last_active < best->last_active)))
            best = c;
    }
    if (best)
        stream_end(s, best, "evicted");
    return best != NULL;
}

static bool take_slot(struct stream *s, size_t cost)
{
    gw_nsec now = gw_now();
    if (s->conns_n >= s->set.connections && !evict(s, now))
        return false;
    return gw_budget_take(&s->held, cost) || (evict(s, now) && gw_budget_take(&s->held, cost));
}

/* NULL: there is no room, or no memory. */
static struct stream_conn *admit(struct stream *s, int fd, const struct sockaddr *sa, bool tls)
{
    const struct gw_client_limits_conf *limits = &s->set.access.client_limits;
    struct gw_client *account = NULL;
    size_t cost = STREAM_CONNECTION + (tls ? STREAM_TLS : 0);
    if (gw_client_limits_apply(limits, sa) &&
        !(account = gw_client_limits_enter(s->client_limits, sa, limits)))
        return NULL;
    struct stream_conn *c = take_slot(s, cost) ? calloc(1, sizeof *c) : NULL;
    if (!c) {
        gw_client_limits_leave(s->client_limits, account);
        return NULL;
    }
    *c = (struct stream_conn){
        .what = STREAM_SOCKET, .fd = fd, .account = account, .paid = cost, .last_active = gw_now()};
    c->framing = (struct stream_framing){.mode = s->set.framing,
                                         .max = s->set.max_line,
                                         .blanks = s->set.multiline.how != STREAM_MULTILINE_NONE,
                                         .syslog = s->set.syslog,
                                         .budget = &s->held};
    stream_describe(&c->peer, sa);
    return c;
}

/* A sender that vanished without a word is found out within two minutes. */
static void keep_alive(int fd)
{
    int on = 1, after = KEEPALIVE_AFTER, every = KEEPALIVE_EVERY, tries = KEEPALIVE_TRIES;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &after, sizeof after);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof every);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
}

static const gw_nsec SAID_AGAIN = 60 * GW_SEC;

/* Each is counted, and logged once a minute, so that a client that connects again and again cannot fill the
 * log. */
static bool may_log(struct stream *s, enum stream_refusal why)
{
    gw_nsec now = gw_now();
    if (s->refusal_said[why] && now - s->refusal_said[why] < SAID_AGAIN)
        return false;
    s->refusal_said[why] = now;
    return true;
}

static void turn_away(struct stream *s, const struct sockaddr *sa, const struct stream_listener *l,
                      enum stream_refusal why)
{
    static const char *const words[] = {
        [STREAM_NO_DESCRIPTORS] = "the process is almost out of descriptors (see `ulimit -n`)",
        [STREAM_NO_PLACE] = "there are as many as connections, peer.connections or max_memory allow",
        [STREAM_NO_WATCH] = "the system cannot watch it (see fs.epoll.max_user_watches)",
    };
    struct stream_peer who;
    count(&s->set.counts->turned_away, 1);
    if (!may_log(s, why))
        return;
    stream_describe(&who, sa);
    gw_log(GW_WARNING, s->set.component,
           "%s: a connection from %s is closed: %s. Further ones are counted, and not logged for a minute",
           l->name, who.is_unix ? "this machine" : who.address, words[why]);
}

/* NULL, and why. */
static struct stream_conn *begin_conn(struct stream *s, int fd, const struct sockaddr *sa,
                                      const struct stream_listener *l, enum stream_refusal *why)
{
    bool tls = s->set.access.tls && l->kind == STREAM_TCP;
    *why = STREAM_NO_DESCRIPTORS;
    if (gw_descriptor_is_reserved(fd))
        return NULL;
    struct stream_conn *c = admit(s, fd, sa, tls);
    *why = STREAM_NO_PLACE;
    if (!c)
        return NULL;
    bool ready = !tls || (c->tls = stream_tls_new(s->set.access.tls, fd));
    if (ready && stream_watch(s->inner, fd, c))
        return c;
    if (ready)
        *why = STREAM_NO_WATCH;
    stream_tls_drop(c->tls, false);
    release_slot(s, c->account, c->paid);
    free(c);
    return NULL;
}

static void place(struct stream *s, int fd, const struct sockaddr *sa, const struct stream_listener *l)
{
    enum stream_refusal why;
    struct stream_conn *c = begin_conn(s, fd, sa, l, &why);
    if (!c) {
        turn_away(s, sa, l, why);
        close(fd);
        return;
    }
    if (l->kind == STREAM_TCP)
        keep_alive(fd);
    c->listener = (unsigned)(l - s->listeners);
    stream_link(s, c);
    count(&s->set.counts->opened, 1);
}

/* Without descriptors or memory nothing is accepted until the next tick. */
static void rest(struct stream *s)
{
    int error = errno;
    if (may_log(s, STREAM_NO_ACCEPT))
        gw_log(GW_WARNING, s->set.component, "connections cannot be accepted: %s (see `ulimit -n`)",
               strerror(error));
    for (size_t i = 0; i < s->listeners_n; i++)
        if (s->listeners[i].kind == STREAM_TCP || s->listeners[i].kind == STREAM_UNIX)
            stream_unwatch(s->epoll, s->listeners[i].fd);
    s->accepting = false;
}

void stream_accept(struct stream *s, struct stream_listener *l)
{
    for (int i = 0; i < ACCEPTS; i++) {
        struct sockaddr_storage peer = {.ss_family = AF_UNIX};
        socklen_t len = sizeof peer;
        int fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            place(s, fd, (struct sockaddr *)&peer, l);
        } else if (errno != ECONNABORTED && errno != EINTR) {
            if (errno != EAGAIN)
                rest(s);
            return;
        }
    }
}

/* Reading */

static ssize_t read_some(struct stream *s, struct stream_conn *c)
{
    char why[256];
    if (!c->tls)
        return recv(c->fd, s->buffer, STREAM_READ, 0);
    bool shaking = stream_tls_is_shaking(c->tls);
    ssize_t n = stream_tls_read(c->tls, s->buffer, STREAM_READ, why, sizeof why);
    if (n < 0 && errno == EPROTO) {
        count(&s->set.counts->turned_away, shaking);
        gw_log(GW_WARNING, s->set.component, "TLS with %s failed: %s", c->peer.address, why);
    }
    return n;
}

void stream_read(struct stream *s, struct stream_conn *c)
{
    size_t left = STREAM_READ;
    do {
        ssize_t n = read_some(s, c);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            stream_end(s, c, n == 0 ? NULL : errno == EPROTO ? "tls" : "reset");
            return;
        }
        c->last_active = gw_now();
        s->reading = c;
        s->observed = (uint64_t)gw_wall();
        stream_framing_push(&c->framing, gw_str_n(s->buffer, (size_t)n), on_frame, s);
        if (c->join.open && s->quiet == GW_NEVER)
            s->quiet = c->last_active + STREAM_QUIET;
        left = (size_t)n < left ? left - (size_t)n : 0;
    } while (stream_tls_pending(c->tls) || (c->tls && left));
}

void stream_check(struct stream *s, gw_nsec now)
{
    for (struct stream_conn *c = s->conns, *next; c; c = next) {
        next = c->next;
        if (now - c->last_active > (stream_tls_is_shaking(c->tls) ? HANDSHAKE : s->set.idle_timeout))
            stream_end(s, c, "timeout");
    }
}
