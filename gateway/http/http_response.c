/* http_response.c: sends answers through libmicrohttpd, or directly on the socket when a connection is
 * refused. Owns the worker's lingering sockets, which are read until the client has seen its answer. Called
 * by the other files of http/, on the worker's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/http/http_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/base/log.h"
#include "gateway/net/descriptors.h"

static const gw_nsec LINGER_TIME = 5 * GW_SEC;
static const uint64_t LINGER_BYTES = 64 * 1024 * 1024;

static const unsigned statuses[GW_HTTP_STATUSES] = {200, 202, 400, 401, 403, 404, 405, 408,
                                                    413, 415, 429, 500, 502, 503, 504, 0};

const char *gw_http_status_name(unsigned slot)
{
    static const char *const names[GW_HTTP_STATUSES] = {"200", "202", "400", "401",  "403", "404",
                                                        "405", "408", "413", "415",  "429", "500",
                                                        "502", "503", "504", "other"};
    return slot < GW_HTTP_STATUSES ? names[slot] : NULL;
}

void gw_http_count(struct gw_http_site *site, unsigned status)
{
    unsigned slot = 0;
    while (slot < GW_HTTP_STATUSES - 1 && statuses[slot] != status)
        slot++;
    atomic_fetch_add_explicit(&site->counts.status[slot], 1, memory_order_relaxed);
}

void gw_http_reply_header(struct gw_http_reply *r, const char *name, const char *value)
{
    GW_ASSERT(r->more_n < GW_HTTP_REPLY_HEADERS);
    r->more[r->more_n++] = (struct gw_http_header){name, value};
}

/* Returns whether the error has a position in the body, which may be 0. */
static bool has_place(enum gw_code code)
{
    return code == GW_BAD_MSGPACK || code == GW_BAD_PROTOBUF || code == GW_BAD_JSON ||
           code == GW_BAD_ENVELOPE || code == GW_BAD_LOGPLEX || code == GW_BAD_POINTS ||
           code == GW_BAD_ENCODING;
}

/* Errors for which the agent answers one word keep that word. */
int gw_http_error_text(const struct gw_err *err, char *out, size_t size)
{
    const char *text = gw_code_text(err->code), *colon = err->what[0] ? ": " : "",
               *advice = gw_code_advice(err->code);
    if (err->code == GW_TOO_LARGE || err->code == GW_TIMEOUT)
        return snprintf(out, size, "%s\n", text);
    if (err->code == GW_NOT_FOUND && err->what[0]) /* it says already where to go */
        return snprintf(out, size, "%s: %s\n", text, err->what);
    if (has_place(err->code))
        return snprintf(out, size, "%s at offset %zu%s%s\n%s\n", text, err->pos, colon, err->what, advice);
    return snprintf(out, size, "%s%s%s\n%s\n", text, colon, err->what, advice);
}

static int retry_after(enum gw_code code, int seconds)
{
    int status = gw_code_http(code);
    if (status != 429 && status != 503)
        return 0;
    return seconds > 0 ? seconds : 1;
}

void gw_http_reply_error(struct gw_http_reply *r, struct gw_arena *arena, const struct gw_err *err,
                         int seconds)
{
    char text[1024];
    gw_http_error_text(err, text, sizeof text);
    r->status = (unsigned)gw_code_http(err->code);
    r->type = "text/plain; charset=utf-8";
    r->body = gw_arena_dup(arena, gw_str_z(text));
    r->retry_after = retry_after(err->code, seconds);
}

/* Through libmicrohttpd */

static void add(struct MHD_Response *m, const char *name, const char *value)
{
    if (name && value && *value)
        MHD_add_response_header(m, name, value);
}

/* Returns whether the connection must close: at a stop, or if a reload removed the address or changed it
 * between plain and TLS. */
static bool is_last(const struct conn *c)
{
    const struct binding *now = gw_http_find_binding(c->worker->table, c->origin.listener);
    return c->worker->stopping || !now || now->grpc || !now->tls != !c->origin.tls;
}

static const char *value_now(const struct gw_http_site *s, size_t header)
{
    return s->headers[header].value || !s->header_now ? s->headers[header].value : s->header_now(s->ctx);
}

/* Headers that CORS wants on every answer to a page: Retry-After is the one that scripts look for. */
static void add_cors(const struct request *q, void (*to)(void *, const char *name, const char *value),
                     void *cookie)
{
    const struct gw_cors *cors = q->site->cors;
    char origin[GW_CORS_ORIGIN];
    if (!cors || !cors->origins.n)
        return;
    if (!cors->any)
        to(cookie, "Vary", "Origin");
    if (!q->is_from_origin)
        return;
    snprintf(origin, sizeof origin, "%.*s", GW_FMT(q->origin));
    to(cookie, "Access-Control-Allow-Origin", cors->any ? "*" : origin);
    to(cookie, "Access-Control-Allow-Credentials", cors->any ? "" : "true");
    to(cookie, "Access-Control-Expose-Headers", q->is_preflight ? "" : "Retry-After");
}

static void add_header(void *response, const char *name, const char *value)
{
    add(response, name, value);
}

static void add_headers(struct MHD_Response *m, struct conn *c, const struct gw_http_reply *r)
{
    char seconds[16];
    add(m, "Content-Type", r->type);
    for (size_t i = 0; i < c->req.binding->sites_n && !r->bare; i++) {
        const struct gw_http_site *s = c->req.binding->sites[i];
        for (size_t j = 0; j < s->headers_n; j++)
            add(m, s->headers[j].name, value_now(s, j));
    }
    for (unsigned i = 0; i < r->more_n; i++)
        add(m, r->more[i].name, r->more[i].value);
    add_cors(&c->req, add_header, m);
    snprintf(seconds, sizeof seconds, "%d", r->retry_after);
    add(m, "Retry-After", r->retry_after ? seconds : NULL);
    c->closes = is_last(c);
    add(m, "Connection", c->closes ? "close" : NULL);
}

enum MHD_Result gw_http_answer(struct conn *c, const struct gw_http_reply *r)
{
    void *body = (void *)(uintptr_t)r->body.ptr;
    struct MHD_Response *m = MHD_create_response_from_buffer(r->body.len, body, MHD_RESPMEM_MUST_COPY);
    if (!m)
        return MHD_NO;
    add_headers(m, c, r);
    gw_http_conn_state(c, CONN_ANSWERING);
    gw_http_count(c->req.site, r->status);
    enum MHD_Result ok = MHD_queue_response(c->mhd, r->status, m);
    MHD_destroy_response(m); /* it has copies of everything */
    gw_http_release_table(&c->req);
    return ok;
}

/* Returns the methods of a route for the header Allow. */
static const char *allowed(unsigned methods)
{
    static const char *const names[] = {"GET, HEAD", "PUT, POST", "GET, HEAD, PUT, POST"};
    bool reads = methods & GW_HTTP_GET, writes = methods & (GW_HTTP_PUT | GW_HTTP_POST);
    if (methods == GW_HTTP_POST)
        return "POST";
    return names[reads && writes ? 2 : writes];
}

static void add_where(const struct conn *c, struct gw_err *err)
{
    const struct binding *b = c->req.binding;
    const char *words = NULL;
    for (size_t i = 0; i < b->sites_n && !words; i++)
        words = b->sites[i]->elsewhere ? b->sites[i]->elsewhere(c->req.path) : NULL;
    if (words)
        (void)gw_fail(err, err->code, 0, "%s", words);
}

enum MHD_Result gw_http_answer_error(struct conn *c, struct gw_err *err)
{
    struct gw_http_reply r = {0};
    if (err->code == GW_NOT_FOUND)
        add_where(c, err);
    gw_http_note_refusal(c, err);
    gw_http_reply_error(&r, &c->worker->arena, err, 0);
    if (c->req.site->word_error) {
        struct gw_http_request q = gw_http_seen(c);
        c->req.site->word_error(c->req.site->ctx, &q, err, &r);
    }
    if (err->code == GW_METHOD_NOT_ALLOWED)
        gw_http_reply_header(&r, "Allow", allowed(c->req.route->methods));
    return gw_http_answer(c, &r);
}

enum MHD_Result gw_http_answer_preflight(struct conn *c)
{
    struct gw_http_reply r = {.status = 204};
    gw_http_reply_header(&r, "Access-Control-Allow-Methods", allowed(c->req.route->methods));
    gw_http_reply_header(&r, "Access-Control-Allow-Headers", c->req.site->cors->headers);
    gw_http_reply_header(&r, "Access-Control-Max-Age", GW_CORS_MAX_AGE);
    return gw_http_answer(c, &r);
}

/* Straight to the socket */

struct text {
    char at[2048];
    size_t len;
};

static void put(struct text *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(t->at + t->len, sizeof t->at - t->len, fmt, args);
    va_end(args);
    t->len += n > 0 && (size_t)n < sizeof t->at - t->len ? (size_t)n : 0;
}

static void put_site_headers(struct text *t, const struct binding *b)
{
    for (size_t i = 0; i < b->sites_n; i++)
        for (size_t j = 0; j < b->sites[i]->headers_n; j++) {
            const struct gw_http_header *h = &b->sites[i]->headers[j];
            const char *value = value_now(b->sites[i], j);
            if (value && *value)
                put(t, "%s: %s\r\n", h->name, value);
        }
}

static void put_header(void *text, const char *name, const char *value)
{
    if (*value)
        put(text, "%s: %s\r\n", name, value);
}

/* q: NULL before there is a request. */
static void put_error(struct text *t, const struct binding *b, const struct request *q,
                      const struct gw_err *err)
{
    char body[1024];
    int n = gw_http_error_text(err, body, sizeof body), status = gw_code_http(err->code),
        seconds = retry_after(err->code, 0);
    put(t,
        "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: "
        "close\r\n",
        status, MHD_get_reason_phrase_for((unsigned)status), n);
    if (seconds)
        put(t, "Retry-After: %d\r\n", seconds);
    if (status == 401)
        put(t, "WWW-Authenticate: Bearer realm=\"ddgate\"%s\r\n",
            err->code == GW_BAD_TOKEN ? ", error=\"invalid_token\"" : "");
    put_site_headers(t, b);
    if (q)
        add_cors(q, put_header, t);
    put(t, "\r\n%s", body);
}

/* Sends a complete answer of less than 2 KiB. Nothing else is being sent on this connection, so the socket
 * takes it at once. */
void gw_http_refuse(struct conn *c, const struct gw_err *err)
{
    struct text t = {.len = 0};
    gw_http_count(c->req.site, (unsigned)gw_code_http(err->code));
    gw_http_note_refusal(c, err);
    gw_body_release(&c->worker->pool, &c->req.body);
    gw_http_conn_state(c, CONN_DEAD);
    put_error(&t, c->req.binding, &c->req, err);
    gw_http_release_table(&c->req);
    (void)!send(c->fd, t.at, t.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(c->fd, SHUT_WR);
}

void gw_http_turn_away(struct worker *w, const struct binding *b, int fd, enum gw_code code)
{
    struct gw_err err = {.code = code};
    struct text t = {.len = 0};
    gw_http_count(b->sites[0], (unsigned)gw_code_http(code));
    /* Otherwise nothing can be sent: TLS would need a handshake, for which there is no room, and gRPC a
     * session. */
    if (!b->tls && !b->grpc) {
        put_error(&t, b, NULL, &err);
        (void)!send(fd, t.at, t.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        gw_http_linger(w, fd);
    }
    close(fd);
}

void gw_http_log_client(const struct binding *b, const struct sockaddr *peer, const char *what,
                        const char *why)
{
    struct gw_address address = {.len = peer->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                    : sizeof(struct sockaddr_in)};
    char name[128];
    memcpy(&address.sa, peer, address.len);
    gw_listen_name(&address, name, sizeof name);
    gw_log(GW_WARNING, b->sites[0]->component, "%s: %s: %s", name, what, why);
}

void gw_http_log_refused(const struct binding *b, const struct sockaddr *peer, enum gw_code code)
{
    char what[32];
    snprintf(what, sizeof what, "answered %d", gw_code_http(code));
    gw_http_log_client(b, peer, what, gw_code_text(code));
}

/* Lingering */

void gw_http_linger_end(struct lingering *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

/* Returns a free slot, or the one that becomes free first. */
static struct lingering *slot(struct worker *w)
{
    struct lingering *best = &w->lingering[0];
    for (int i = 0; i < MAX_LINGERING && best->fd >= 0; i++)
        if (w->lingering[i].fd < 0 || w->lingering[i].until < best->until)
            best = &w->lingering[i];
    return best;
}

void gw_http_linger(struct worker *w, int fd)
{
    struct lingering *l = slot(w);
    gw_http_linger_end(l);
    *l = (struct lingering){
        .fd = fcntl(fd, F_DUPFD_CLOEXEC, 3), .until = gw_now() + LINGER_TIME, .left = LINGER_BYTES};
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP,
                            .data.u64 = (uint64_t)EV_LINGER << 32 | (uint64_t)(l - w->lingering)};
    if (l->fd >= 0 &&
        (gw_descriptor_is_reserved(l->fd) || epoll_ctl(w->epoll, EPOLL_CTL_ADD, l->fd, &e) != 0))
        gw_http_linger_end(l);
}

void gw_http_linger_read(struct worker *w, struct lingering *l)
{
    char sink[64 * 1024];
    for (int i = 0; i < 8; i++) {
        ssize_t n = read(l->fd, sink, sizeof sink); /* it does not block */
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0 || (uint64_t)n > l->left) {
            gw_http_linger_end(l);
            return;
        }
        l->left -= (uint64_t)n;
    }
}
