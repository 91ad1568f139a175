/* admin.c: Opens and closes the addresses of the admin listener: a libmicrohttpd daemon with its own thread for
 * each, and the limits of its connections. Owns the daemons. The pipeline opens, starts, retires and drops it
 * on the main thread; the daemons' threads answer requests (admin_request.c).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/admin/admin_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/config/config_diagnostic.h"
#include "gateway/http/framed_recv.h"

enum { CONNECTIONS = 64, ROOM = 16, CONNECTION_BYTES = 16 * 1024, IDLE_SECONDS = 10 };
/* From one request to the next, including headers: libmicrohttpd's timeout restarts with each byte. */
static const gw_nsec REQUEST_TIME = 20 * GW_SEC;

/* --- connections --- */

/* For one connection too many: closes the oldest that has sent no request yet, else the oldest of all, so
 * that clients that keep connections open do not lock others out. */
static void make_room(struct peer *newest)
{
    unsigned open = 0;
    struct peer *oldest = NULL;
    for (struct peer *p = newest; p; p = p->next)
        if (!p->ended) {
            open++;
            oldest = !oldest || !p->begun || oldest->begun ? p : oldest;
        }
    if (open <= CONNECTIONS - ROOM)
        return;
    oldest->ended = true;
    shutdown(oldest->fd, SHUT_RDWR);
}

/* Writes directly to the socket: libmicrohttpd has answered the requests before, because it reads nothing
 * until then. */
static void end_early(const struct peer *p, unsigned status, const char *words)
{
    char text[256];
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 %u %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n%s\n",
                     status, MHD_get_reason_phrase_for(status), strlen(words) + 1, words);
    (void)!send(p->fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(p->fd, SHUT_WR);
}

static ssize_t read_peer(void *listener, int fd, void *to, size_t size, int flags)
{
    const struct listener *l = listener;
    struct peer *p = l->peers;
    while (p && p->fd != fd)
        p = p->next;
    if (!p)
        return recvfrom(fd, to, size, flags, NULL, NULL);
    ssize_t got =
        gw_recv_framed(&p->framing, fd, to, size, flags); /* unread bytes would reset the connection */
    bool late = gw_now() - p->since > REQUEST_TIME;
    if (!late && got > 0 && p->framing.fault)
        shutdown(
            fd, SHUT_RD); /* an event: else libmicrohttpd, which has read all that there was, reads no more */
    if (!late && (got > 0 || !p->framing.fault))
        return got;
    if (late)
        end_early(p, MHD_HTTP_REQUEST_TIMEOUT, "the request did not come in time");
    else
        end_early(p, MHD_HTTP_BAD_REQUEST, p->framing.fault);
    errno = ECONNRESET;
    return -1;
}

static void on_connection(void *listener, struct MHD_Connection *c, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct listener *l = listener;
    struct peer *p = *context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED && (p = calloc(1, sizeof *p))) {
        *context = p;
        p->since = gw_now();
        p->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        p->next = l->peers;
        if (l->peers)
            l->peers->prev = p;
        l->peers = p;
        gw_recv_by(read_peer, l);
        make_room(p);
    } else if (what == MHD_CONNECTION_NOTIFY_CLOSED && p) {
        *(p->prev ? &p->prev->next : &l->peers) = p->next;
        if (p->next)
            p->next->prev = p->prev;
        free(p);
    }
}

/* --- life --- */

static struct listener *find_listener(struct gw_admin *a, const struct gw_address *address)
{
    for (size_t i = 0; a && i < a->n; i++)
        if (gw_listen_same(&a->listeners[i].address, address))
            return &a->listeners[i];
    return NULL;
}

static enum gw_listen_result share_listener(struct listener *l, const struct listener *predecessor,
                                            struct gw_listen_error *why)
{
    *l = (struct listener){.address = predecessor->address, .file = predecessor->file, .shared = true};
    l->fd = fcntl(predecessor->fd, F_DUPFD_CLOEXEC, 3);
    if (l->fd >= 0)
        return GW_LISTEN_OK;
    snprintf(why->text, sizeof why->text, "the listener's descriptor cannot be copied: %s", strerror(errno));
    return GW_LISTEN_FAILED;
}

static enum gw_listen_result open_listener(struct listener *l, const struct gw_address *address,
                                           struct gw_admin *predecessor, struct gw_listen_error *why)
{
    const struct listener *running = find_listener(predecessor, address);
    if (running)
        return share_listener(l, running, why);
    *l = (struct listener){.address = *address};
    enum gw_listen_result r = gw_listen_open(&l->address, &l->fd, why);
    l->file = gw_listen_file(&l->address);
    return r;
}

static enum gw_listen_result open_listeners(struct gw_admin *a, gw_str text, struct gw_admin *predecessor,
                                            struct gw_listen_error *why)
{
    struct gw_address addresses[GW_LISTEN_ADDRESSES];
    size_t n;
    enum gw_listen_result r = gw_listen_resolve(text, addresses, &n, why);
    for (size_t i = 0; i < n && r == GW_LISTEN_OK; i++) {
        r = open_listener(&a->listeners[a->n], &addresses[i], predecessor, why);
        if (r == GW_LISTEN_OK)
            a->listeners[a->n++].shows = gw_admin_access_shows(&a->access, &a->conf, &addresses[i]);
        else if (r == GW_LISTEN_ABSENT && i + (a->n > 0) > 0)
            r = GW_LISTEN_OK; /* "localhost" on a machine without IPv6: one of its addresses is enough */
    }
    return r;
}

void gw_admin_check(const struct gw_admin_conf *conf, struct gw_diagnostics *diagnostics)
{
    struct gw_admin_access access;
    gw_admin_access_read(&access, conf, diagnostics);
}

/* Copies of the texts; false without memory. */
static bool keep_conf(struct gw_admin *a, const struct gw_admin_conf *conf)
{
    a->conf = *conf;
    a->conf.listen = gw_str_z(strndup(conf->listen.ptr, conf->listen.len));
    a->conf.token = gw_str_z(strndup(conf->token.len ? conf->token.ptr : "", conf->token.len));
    return a->conf.listen.ptr && a->conf.token.ptr;
}

struct gw_admin *gw_admin_open(const struct gw_admin_conf *conf, struct gw_admin *predecessor,
                               const struct gw_admin_source *source, struct gw_diagnostics *diagnostics)
{
    struct gw_listen_error why;
    if (!conf->listen.len)
        return NULL;
    struct gw_admin *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->source = *source;
    a->followers = gw_followers_new(source->api);
    gw_admin_access_read(&a->access, conf, diagnostics);
    if (!keep_conf(a, conf) || !a->followers)
        snprintf(why.text, sizeof why.text, "there is no memory for it");
    else if (open_listeners(a, conf->listen, predecessor, &why) == GW_LISTEN_OK)
        return a;
    if (gw_str_eq(conf->listen, GW_STR(GW_ADMIN_LISTEN)))
        gw_config_warning(diagnostics, "admin.listen", "%s; so there is no /metrics here", why.text);
    else
        gw_config_error(diagnostics, "admin.listen", "%s", why.text);
    gw_admin_drop(a);
    return NULL;
}

static bool start_one(struct gw_admin *a, struct listener *l)
{
    char name[128];
    l->admin = a;
    gw_listen_name(&l->address, name, sizeof name);
    l->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        gw_admin_on_request, l, MHD_OPTION_NOTIFY_COMPLETED, gw_admin_on_completed, l,
        MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_SECONDS, MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_END);
    if (l->daemon)
        gw_log_each(GW_INFO, "admin", "listening on %s", name);
    else
        gw_log(GW_ERROR, "admin", "%s: no thread could be started", name);
    if (l->daemon && a->conf.page && !l->shows)
        gw_log_each(GW_INFO, "admin",
                    "%s has no page and no API: other machines can reach it; admin.auth.token "
                    "turns them on, admin.page = false ends this line",
                    name);
    return l->daemon;
}

bool gw_admin_start(struct gw_admin *a)
{
    bool shows = false;
    for (size_t i = 0; a && i < a->n; i++) {
        if (!start_one(a, &a->listeners[i]))
            return false;
        shows = shows || a->listeners[i].shows;
    }
    return !shows || gw_followers_start(a->followers);
}

bool gw_admin_is(const struct gw_admin *a, const struct gw_admin_conf *conf)
{
    return gw_str_eq(a->conf.listen, conf->listen) && gw_str_eq(a->conf.token, conf->token) &&
           a->conf.page == conf->page;
}

void gw_admin_page_url(const struct gw_admin *a, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; a && i < a->n; i++) {
        const struct listener *l = &a->listeners[i];
        char name[128];
        if (!l->shows || l->address.sa.ss_family == AF_UNIX)
            continue;
        gw_listen_name(&l->address, name, sizeof name);
        snprintf(out, size, "http://%s/", name);
        return;
    }
}

/* A thread of the daemon may be about to accept: the descriptor stays open until the daemon is stopped, but
 * no client can connect to it. */
static void retire_listener(struct listener *l, struct listener *successor)
{
    if (l->daemon)
        MHD_quiesce_daemon(l->daemon);
    if (successor) {
        successor->shared = false;
        return;
    }
    gw_listen_unlink(&l->address, l->file);
    shutdown(l->fd, SHUT_RDWR);
}

void gw_admin_retire(struct gw_admin *a, struct gw_admin *successor)
{
    atomic_store(&a->retired, true);
    gw_followers_end(a->followers);
    for (size_t i = 0; i < a->n; i++)
        retire_listener(&a->listeners[i], find_listener(successor, &a->listeners[i].address));
}

bool gw_admin_over(const struct gw_admin *a)
{
    unsigned open = 0;
    for (size_t i = 0; i < a->n; i++)
        if (a->listeners[i].daemon)
            open += MHD_get_daemon_info(a->listeners[i].daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
                        ->num_connections;
    return open == 0;
}

/* A daemon closes its socket, unless it has given it back. */
static void drop_listener(struct listener *l, bool retired)
{
    if (!l->shared && !retired)
        gw_listen_unlink(&l->address, l->file);
    if (l->daemon)
        MHD_stop_daemon(l->daemon);
    if (!l->daemon || retired)
        close(l->fd);
}

void gw_admin_drop(struct gw_admin *a)
{
    if (!a)
        return;
    if (a->followers)
        gw_followers_stop(a->followers);
    for (size_t i = 0; i < a->n; i++)
        drop_listener(&a->listeners[i], atomic_load(&a->retired));
    gw_followers_drop(a->followers);
    free((char *)a->conf.listen.ptr);
    if (a->conf.token.ptr)
        OPENSSL_cleanse((char *)a->conf.token.ptr, a->conf.token.len);
    free((char *)a->conf.token.ptr);
    free(a);
}
