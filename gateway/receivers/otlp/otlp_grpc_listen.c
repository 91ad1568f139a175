/* otlp_grpc_listen.c: Listening sockets by address, counted, in a table of the process; and the thread that accepts
 * connections and looks at their first bytes. The table is main's; an acceptor owns its thread and the connections
 * that have not said anything yet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "gateway/receivers/otlp/otlp_grpc_listen.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/thread.h"
#include "gateway/net/descriptors.h"

static const char component[] = "receiver=otlp";

/* --- sockets --- */

struct otlp_socket {
    struct gw_address address;
    int fd; /* -1: Core listens */
    unsigned users;
    bool named;
    struct otlp_socket *next;
};

static struct otlp_socket *all;

static struct otlp_socket *find(const struct gw_address *a)
{
    struct otlp_socket *s = all;
    while (s && !gw_listen_same(&s->address, a))
        s = s->next;
    return s;
}

enum gw_listen_result otlp_socket_take(struct gw_address *a, bool tls, struct otlp_socket **out,
                                       struct gw_listen_error *why)
{
    int fd = -1;
    struct otlp_socket *s = find(a);
    if (s && tls == (s->fd < 0)) {
        s->users++;
        *out = s;
        return GW_LISTEN_OK;
    }
    enum gw_listen_result r = gw_listen_open(a, &fd, why);
    if (r != GW_LISTEN_OK)
        return r;
    s = calloc(1, sizeof *s);
    GW_ASSERT(s);
    if (tls) { /* it could be had, and Core will */
        close(fd);
        fd = -1;
    }
    *s = (struct otlp_socket){.address = *a, .fd = fd, .users = 1, .next = all};
    *out = all = s;
    return GW_LISTEN_OK;
}

void otlp_socket_give(struct otlp_socket *s)
{
    struct otlp_socket **link = &all;
    if (--s->users)
        return;
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

bool otlp_socket_name(struct otlp_socket *s, char out[128])
{
    bool first = !s->named;
    gw_listen_name(&s->address, out, 128);
    s->named = true;
    return first;
}

/* --- connections --- */

enum { WAITING = 256, PREFACE = 3, SOCKETS = 64 };

/* Says nothing yet. */
struct visitor {
    int fd;
    gw_nsec until;
};

struct otlp_acceptor {
    struct otlp_acceptor_conf conf;
    int stop; /* an eventfd */
    pthread_t thread;
    struct visitor visitors[WAITING];
    size_t visitors_n;
};

static void peer_name(int fd, char out[static 128])
{
    struct gw_address a = {.len = sizeof a.sa};
    snprintf(out, 128, "somebody");
    if (getpeername(fd, (struct sockaddr *)&a.sa, &a.len) == 0)
        gw_listen_name(&a, out, 128);
}

static void answer_http(int fd, const char *where)
{
    char body[256], all_of_it[512], sink[16 * 1024];
    int n =
        snprintf(body, sizeof body, "this port takes OTLP over gRPC; OTLP over HTTP is taken %s\n", where);
    int len = snprintf(all_of_it, sizeof all_of_it,
                       "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
                       "Connection: close\r\n\r\n%s",
                       n, body);
    (void)!send(fd, all_of_it, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    while (recv(fd, sink, sizeof sink, MSG_DONTWAIT) > 0) /* else TCP resets, and the answer is not read */
        ;
}

static void turn_away(const struct otlp_acceptor *a, int fd, bool is_tls)
{
    char name[128], where[64] = "at no port of this gateway";
    peer_name(fd, name);
    if (a->conf.http_port)
        snprintf(where, sizeof where, "at port %d", a->conf.http_port);
    if (is_tls)
        gw_log(GW_WARNING, component,
               "%s speaks TLS to a port of OTLP over gRPC that is plain: http:// instead of https:// in its "
               "endpoint, or tls.cert here",
               name);
    else
        gw_log(GW_WARNING, component,
               "%s speaks no HTTP/2 to a port that takes OTLP over gRPC: OTEL_EXPORTER_OTLP_PROTOCOL=grpc "
               "there; "
               "OTLP over HTTP is taken %s",
               name, where);
    if (!is_tls)
        answer_http(fd, where);
    close(fd);
}

/* True: it is somebody else's now, or nobody's. */
static bool look_at(const struct otlp_acceptor *a, int fd)
{
    enum { TLS_HANDSHAKE = 0x16 };
    char first[PREFACE];
    ssize_t n = recv(fd, first, sizeof first, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        close(fd);
        return true;
    }
    if (memcmp(first, "PRI", (size_t)n) == 0) /* or its beginning: Core looks at the rest */
        a->conf.hand_over(a->conf.ctx, fd);
    else
        turn_away(a, fd, first[0] == TLS_HANDSHAKE);
    return true;
}

static void accept_all(struct otlp_acceptor *a, int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (gw_descriptor_is_reserved(fd) || a->visitors_n == WAITING)
            close(fd);
        else if (!look_at(a, fd))
            a->visitors[a->visitors_n++] = (struct visitor){fd, gw_now() + a->conf.timeout};
    }
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        gw_log(GW_WARNING, component, "connections cannot be accepted: %s (see `ulimit -n`)",
               strerror(errno));
}

static void look_at_visitors(struct otlp_acceptor *a, const struct pollfd *polled)
{
    gw_nsec now = gw_now();
    size_t n = 0;
    for (size_t i = 0; i < a->visitors_n; i++) {
        struct visitor v = a->visitors[i];
        if (polled[i].revents && look_at(a, v.fd))
            continue;
        if (v.until < now)
            close(v.fd);
        else
            a->visitors[n++] = v;
    }
    a->visitors_n = n;
}

/* Those that were polled, then the new ones. */
static void turn(struct otlp_acceptor *a, struct pollfd *p, size_t listeners)
{
    look_at_visitors(a, p + 1 + listeners);
    for (size_t i = 0; i < listeners; i++)
        if (p[1 + i].revents)
            accept_all(a, p[1 + i].fd);
}

static void *run(void *arg)
{
    enum { TICK_MS = 1000 };
    struct otlp_acceptor *a = arg;
    struct pollfd p[1 + SOCKETS + WAITING];
    size_t listeners = 0;
    p[0] = (struct pollfd){a->stop, POLLIN, 0};
    for (size_t i = 0; i < a->conf.sockets_n && listeners < SOCKETS; i++)
        if (a->conf.sockets[i]->fd >= 0)
            p[1 + listeners++] = (struct pollfd){a->conf.sockets[i]->fd, POLLIN, 0};
    while (!p[0].revents) {
        for (size_t i = 0; i < a->visitors_n; i++)
            p[1 + listeners + i] = (struct pollfd){a->visitors[i].fd, POLLIN, 0};
        if (poll(p, 1 + listeners + a->visitors_n, TICK_MS) >= 0)
            turn(a, p, listeners);
    }
    return NULL;
}

struct otlp_acceptor *otlp_acceptor_start(const struct otlp_acceptor_conf *conf)
{
    struct otlp_acceptor *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->conf = *conf;
    a->stop = eventfd(0, EFD_CLOEXEC);
    if (a->stop >= 0 && gw_thread_start(&a->thread, &(struct gw_thread){"otlp", component, run, a}, NULL))
        return a;
    if (a->stop >= 0)
        close(a->stop);
    free(a);
    return NULL;
}

void otlp_acceptor_stop(struct otlp_acceptor *a)
{
    if (!a)
        return;
    eventfd_write(a->stop, 1);
    pthread_join(a->thread, NULL);
    for (size_t i = 0; i < a->visitors_n; i++)
        close(a->visitors[i].fd);
    close(a->stop);
    free(a);
}
