/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admin/admin.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/ledger_report.h"
#include "gateway/net/listen.h"

enum { CONNECTIONS = 32, CONNECTION_BYTES = 16 * 1024, IDLE_SECONDS = 10 };

struct listener {
    struct gw_address address;
    struct gw_socket_file file;
    int fd; /* libmicrohttpd's once it runs */
    struct MHD_Daemon *daemon;
};

struct gw_admin {
    struct gw_admin_source source;
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
static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type, char *text, size_t len)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(text ? len : 0, text, MHD_RESPMEM_MUST_FREE);
    if (!r) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(r, "Content-Type", type);
    MHD_add_response_header(r, "Cache-Control", "no-store");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(r, "Allow", "GET, HEAD");
    enum MHD_Result ok = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return ok;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *words)
{
    return answer(c, status, "text/plain; charset=utf-8", strdup(words), strlen(words));
}

static enum MHD_Result show(struct MHD_Connection *c, const struct page *page, const struct gw_admin_source *p)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (!to)
        return MHD_NO;
    unsigned status = page->write(p, to);
    bool whole = !ferror(to);
    if (fclose(to) != 0 || !whole) {
        free(text);
        return MHD_NO;
    }
    return answer(c, status, page->type, text, len);
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

/* Called with a request's headers, and again when it is whole. One that has a body is answered at once, which ends the connection. */
static enum MHD_Result on_request(void *admin, struct MHD_Connection *c, const char *url, const char *method, const char *version,
                                  const char *data, size_t *size, void **request)
{
    struct gw_admin *a = admin;
    const struct page *page = find(url);
    if (!*request && !has_body(c)) {
        *request = a;
        gw_thread_works_for("admin");
        return MHD_YES;
    }
    if (is_lured(c))
        return refuse(c, MHD_HTTP_FORBIDDEN, "not for pages of other sites\n");
    if (!page)
        return refuse(c, MHD_HTTP_NOT_FOUND, "here are /healthz, /readyz, /metrics and /ledger\n");
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
    return show(c, page, &a->source);
}

/* --- life --- */

static enum gw_listen_result open_listeners(struct gw_admin *a, gw_str text, struct gw_listen_error *why)
{
    struct gw_address addresses[GW_LISTEN_ADDRESSES];
    size_t n;
    enum gw_listen_result r = gw_listen_resolve(text, addresses, &n, why);
    for (size_t i = 0; i < n && r == GW_LISTEN_OK; i++) {
        struct listener *l = &a->listeners[a->n];
        l->address = addresses[i];
        r = gw_listen_open(&l->address, &l->fd, why);
        if (r == GW_LISTEN_OK) {
            l->file = gw_listen_file(&l->address);
            a->n++;
        } else if (r == GW_LISTEN_ABSENT && i + (a->n > 0) > 0) {
            r = GW_LISTEN_OK; /* "localhost" on a machine without IPv6: one of its addresses is enough */
        }
    }
    return r;
}

struct gw_admin *gw_admin_open(gw_str listen, const struct gw_admin_source *source, struct gw_diagnostics *diagnostics)
{
    struct gw_listen_error why;
    if (!listen.len)
        return NULL;
    struct gw_admin *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->source = *source;
    if (open_listeners(a, listen, &why) == GW_LISTEN_OK)
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
    l->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, a, MHD_OPTION_LISTEN_SOCKET, l->fd,
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                 (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_END);
    if (l->daemon)
        gw_log(GW_INFO, "admin", "listening on %s", name);
    else
        gw_log(GW_ERROR, "admin", "%s: the system gives no thread for it", name);
    return l->daemon;
}

bool gw_admin_start(struct gw_admin *a)
{
    for (size_t i = 0; a && i < a->n; i++)
        if (!start_one(a, &a->listeners[i]))
            return false;
    return true;
}

void gw_admin_drop(struct gw_admin *a)
{
    for (size_t i = 0; a && i < a->n; i++) {
        struct listener *l = &a->listeners[i];
        gw_listen_unlink(&l->address, l->file);
        if (l->daemon)
            MHD_stop_daemon(l->daemon); /* closes the socket */
        else
            close(l->fd);
    }
    free(a);
}
