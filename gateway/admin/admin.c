/* admin.c: Implements the admin listener: a libmicrohttpd daemon with its own thread for each address, and the
 * pages. Owns the daemons. The pipeline opens, starts, retires and drops it on the main thread; the daemons'
 * threads answer requests.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/admin/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/ledger_report.h"
#include "gateway/http/framed_recv.h"
#include "gateway/net/listen.h"

enum { CONNECTIONS = 64, ROOM = 16, CONNECTION_BYTES = 16 * 1024, IDLE_SECONDS = 10 };
/* From one request to the next, including headers: libmicrohttpd's timeout restarts with each byte. */
static const gw_nsec REQUEST_TIME = 20 * GW_SEC;

/* A connection of a daemon; its thread's only. */
struct peer {
    struct peer *prev, *next; /* newest first */
    int fd;
    struct gw_framing framing;
    uint32_t begun; /* number of requests that libmicrohttpd has begun, out of framing.heads */
    gw_nsec since;  /* when the last of them was, or the connection */
    bool ended;     /* shut down: libmicrohttpd closes it */
};

struct listener {
    struct gw_address address;
    struct gw_socket_file file;
    int fd;
    bool shared; /* with a running predecessor, whose socket file it is until that retires */
    struct MHD_Daemon *daemon;
    struct peer *peers; /* the daemon's thread's */
};

struct gw_admin {
    struct gw_admin_source source;
    char *text; /* of the option */
    atomic_bool retired;
    struct listener listeners[GW_LISTEN_ADDRESSES];
    size_t n;
};

/* --- pages: each writes its text and returns the status --- */

typedef unsigned page_f(const struct gw_admin_source *, FILE *);

static unsigned health(const struct gw_admin_source *p, FILE *to)
{
    fputs("ok\n", to);
    return MHD_HTTP_OK;
}

static unsigned ready(const struct gw_admin_source *p, FILE *to)
{
    if (!p->ready(p->ctx, to))
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    fputs("ready\n", to);
    return MHD_HTTP_OK;
}

static unsigned metrics(const struct gw_admin_source *p, FILE *to)
{
    struct gw_metrics *m = gw_metrics_new();
    if (m)
        p->measure(p->ctx, m);
    bool whole = m && gw_metrics_print(m, to);
    gw_metrics_drop(m);
    return whole ? MHD_HTTP_OK : MHD_HTTP_INTERNAL_SERVER_ERROR;
}

static unsigned ledger(const struct gw_admin_source *p, FILE *to)
{
    struct gw_ledger_view *view = malloc(sizeof *view);
    if (!view)
        return MHD_HTTP_INTERNAL_SERVER_ERROR;
    p->ledger(p->ctx, view);
    gw_ledger_json(to, view);
    free(view);
    return MHD_HTTP_OK;
}

static const struct page {
    const char *path, *type;
    page_f *write;
} pages[] = {
    {"/healthz", "text/plain; charset=utf-8", health},
    {"/readyz", "text/plain; charset=utf-8", ready},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", metrics},
    {"/ledger", "application/json", ledger},
};

static const struct page *find(const char *path)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (strcmp(pages[i].path, path) == 0)
            return &pages[i];
    return NULL;
}

/* --- answers --- */

/* Takes over text (malloc'd, may be NULL). */
static enum MHD_Result answer(const struct gw_admin *a, struct MHD_Connection *c, unsigned status,
                              const char *type, char *text, size_t len)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(text ? len : 0, text, MHD_RESPMEM_MUST_FREE);
    if (!r) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(r, "Content-Type", type);
    MHD_add_response_header(r, "Cache-Control", "no-store");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    if (atomic_load(&a->retired))
        MHD_add_response_header(r, "Connection", "close");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(r, "Allow", "GET, HEAD");
    enum MHD_Result ok = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return ok;
}

static enum MHD_Result refuse(const struct gw_admin *a, struct MHD_Connection *c, unsigned status,
                              const char *words)
{
    return answer(a, c, status, "text/plain; charset=utf-8", strdup(words), strlen(words));
}

static enum MHD_Result show(const struct gw_admin *a, struct MHD_Connection *c, const struct page *page)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (!to)
        return MHD_NO;
    unsigned status = page->write(&a->source, to);
    bool whole = !ferror(to);
    if (fclose(to) != 0 || !whole) {
        free(text);
        return MHD_NO;
    }
    return answer(a, c, status, page->type, text, len);
}

static bool is_lured(struct MHD_Connection *c)
{
    const char *from = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Sec-Fetch-Site");
    return from && strcmp(from, "cross-site") == 0;
}

static bool has_body(struct MHD_Connection *c)
{
    return MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length") ||
           MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Transfer-Encoding");
}

/* A request whose framing was not checked (framed_recv.h) is not served. */
static bool begin(struct peer *p)
{
    if (!p || p->begun == p->framing.heads)
        return false;
    p->begun++;
    p->since = gw_now();
    return true;
}

/* Called with a request's headers, and again when it is whole. One that has a body is answered at once, which
 * ends the connection. */
static enum MHD_Result on_request(void *admin, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **request)
{
    struct gw_admin *a = admin;
    const struct page *page = find(url);
    if (!*request && !begin(MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context))
        return refuse(a, c, MHD_HTTP_INTERNAL_SERVER_ERROR,
                      "no memory, or a libmicrohttpd that does not read by recv\n");
    if (!*request && !has_body(c)) {
        *request = a;
        gw_thread_works_for("admin");
        return MHD_YES;
    }
    if (is_lured(c))
        return refuse(a, c, MHD_HTTP_FORBIDDEN, "not for pages of other sites\n");
    if (!page)
        return refuse(a, c, MHD_HTTP_NOT_FOUND, "here are /healthz, /readyz, /metrics and /ledger\n");
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return refuse(a, c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
    return show(a, c, page);
}

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
            a->n++;
        else if (r == GW_LISTEN_ABSENT && i + (a->n > 0) > 0)
            r = GW_LISTEN_OK; /* "localhost" on a machine without IPv6: one of its addresses is enough */
    }
    return r;
}

struct gw_admin *gw_admin_open(gw_str listen, struct gw_admin *predecessor,
                               const struct gw_admin_source *source, struct gw_diagnostics *diagnostics)
{
    struct gw_listen_error why;
    if (!listen.len)
        return NULL;
    struct gw_admin *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->source = *source;
    a->text = strndup(listen.ptr, listen.len);
    if (!a->text)
        snprintf(why.text, sizeof why.text, "there is no memory for it");
    else if (open_listeners(a, listen, predecessor, &why) == GW_LISTEN_OK)
        return a;
    if (gw_str_eq(listen, GW_STR(GW_ADMIN_LISTEN)))
        gw_config_warning(diagnostics, "admin.listen", "%s; so there is no /metrics here", why.text);
    else
        gw_config_error(diagnostics, "admin.listen", "%s", why.text);
    gw_admin_drop(a);
    return NULL;
}

static bool start_one(struct gw_admin *a, struct listener *l)
{
    char name[128];
    gw_listen_name(&l->address, name, sizeof name);
    l->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request, a, MHD_OPTION_LISTEN_SOCKET,
        l->fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_END);
    if (l->daemon)
        gw_log_each(GW_INFO, "admin", "listening on %s", name);
    else
        gw_log(GW_ERROR, "admin", "%s: no thread could be started", name);
    return l->daemon;
}

bool gw_admin_start(struct gw_admin *a)
{
    for (size_t i = 0; a && i < a->n; i++)
        if (!start_one(a, &a->listeners[i]))
            return false;
    return true;
}

gw_str gw_admin_listen(const struct gw_admin *a)
{
    return gw_str_z(a->text);
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
    for (size_t i = 0; a && i < a->n; i++)
        drop_listener(&a->listeners[i], atomic_load(&a->retired));
    if (a)
        free(a->text);
    free(a);
}
