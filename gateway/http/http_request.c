/* http_request.c: handles a request from its headers to its answer: finds the route, checks token and limits,
 * collects and decompresses the body, calls the handler. Owns the request, which lives in its connection.
 * Called by libmicrohttpd, on the worker's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/http_internal.h"

#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/base/url.h"

enum {                  /* docs/threat-model.md */
       PIECES = 4096,   /* a body may arrive in this many pieces … */
       PIECE_BYTES = 64 /* … and one more for every PIECE_BYTES: a million one-byte chunks are an attack */
};

/* Headers */

/* The headers that the server itself needs. */
struct known_headers {
    gw_str length, transfer, encoding, type, fetch_site, expect, origin, asked_method;
    unsigned encodings;
};

static enum MHD_Result see_header(void *cookie, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                  const char *value, size_t value_len)
{
    struct known_headers *f = cookie;
    const struct {
        gw_str name;
        gw_str *value;
        unsigned *count;
    } known[] = {
        {GW_LIT("content-length"), &f->length, NULL},
        {GW_LIT("transfer-encoding"), &f->transfer, NULL},
        {GW_LIT("content-encoding"), &f->encoding, &f->encodings},
        {GW_LIT("content-type"), &f->type, NULL},
        {GW_LIT("sec-fetch-site"), &f->fetch_site, NULL},
        {GW_LIT("expect"), &f->expect, NULL},
        {GW_LIT("origin"), &f->origin, NULL},
        {GW_LIT("access-control-request-method"), &f->asked_method, NULL},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!gw_str_ieq(gw_str_n(name, name_len), known[i].name))
            continue;
        *known[i].value =
            gw_str_trim(gw_str_n(value, value_len)); /* libmicrohttpd leaves blanks at the end */
        if (known[i].count)
            ++*known[i].count;
    }
    return MHD_YES;
}

/* Returns the path of the target. In the absolute form (RFC 9112 §3.2.2), which clients of a proxy use, it is
 * the part after the authority. The host in it is ignored, like the header Host. */
static gw_str path_of(gw_str target)
{
    static const gw_str schemes[] = {GW_LIT("http://"), GW_LIT("https://")};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        gw_str rest = gw_str_from(target, schemes[i].len < target.len ? schemes[i].len : target.len);
        size_t host = gw_str_find(rest, '/');
        if (host && gw_str_ieq(gw_str_n(target.ptr, target.len - rest.len), schemes[i]))
            return host < rest.len ? gw_str_from(rest, host) : GW_STR("/");
    }
    return target;
}

static enum gw_http_method method_of(const char *name)
{
    static const struct {
        const char *name;
        enum gw_http_method method;
    } methods[] = {
        {"GET", GW_HTTP_GET}, {"HEAD", GW_HTTP_HEAD}, {"PUT", GW_HTTP_PUT}, {"POST", GW_HTTP_POST}};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(name, methods[i].name) == 0)
            return methods[i].method;
    return GW_HTTP_OTHER;
}

static bool matches(const struct gw_http_route *r, gw_str path)
{
    gw_str want = gw_str_z(r->path);
    return r->prefix ? gw_str_starts(path, want) : gw_str_eq(path, want);
}

static void find_route(struct request *q)
{
    const struct binding *b = q->binding;
    q->site = b->sites[0];
    for (size_t i = 0; i < b->sites_n; i++)
        for (size_t j = 0; j < b->sites[i]->routes_n; j++)
            if (matches(&b->sites[i]->routes[j], q->path)) {
                q->site = b->sites[i];
                q->route = &b->sites[i]->routes[j];
                return;
            }
}

/* From here to the answer, the request uses one table, whatever a reload publishes meanwhile. */
static void take_table(struct conn *c)
{
    struct request *q = &c->req;
    q->binding = gw_http_find_binding(c->worker->table, c->origin.listener);
    q->table = gw_http_table_ref(q->binding ? c->worker->table : c->origin.last);
    if (!q->binding)
        q->binding = gw_http_find_binding(q->table, c->origin.listener);
}

struct token {
    const struct conn *conn;
    const struct gw_auth *auth;
    enum gw_code verdict;
};

static enum MHD_Result see_token(void *cookie, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                 const char *value, size_t value_len)
{
    struct token *t = cookie;
    gw_auth_header(t->auth, gw_str_n(name, name_len), gw_str_trim(gw_str_n(value, value_len)), &t->verdict);
    return MHD_YES;
}

static enum MHD_Result see_token_arg(void *cookie, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                     const char *value, size_t value_len)
{
    struct token *t = cookie;
    char plain[256]; /* longer paths are not served */
    if (value_len <= sizeof plain &&
        gw_str_eq(gw_str_n(name, name_len), gw_str_z(t->conn->req.site->auth_arg)))
        gw_auth_token(t->auth, gw_str_n(plain, gw_url_decode(gw_str_n(value, value_len), plain)),
                      &t->verdict);
    return MHD_YES;
}

static enum gw_code check_token(const struct conn *c)
{
    const struct gw_http_route *r = c->req.route;
    struct token t = {c, c->req.site->auth, GW_NO_TOKEN};
    if (!t.auth || t.auth->n == 0 || c->req.binding->listener->address.sa.ss_family == AF_UNIX)
        return GW_OK;
    MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, see_token, &t);
    if (c->req.site->auth_arg)
        MHD_get_connection_values_n(c->mhd, MHD_GET_ARGUMENT_KIND, see_token_arg, &t);
    if (r && r->ends_in_key && c->req.path.len > strlen(r->path))
        gw_auth_token(t.auth, gw_str_from(c->req.path, strlen(r->path)), &t.verdict);
    return t.verdict;
}

/* What cors.h says of the page that sends, where the site knows of pages at all. */
static void see_origin(struct request *q, const struct known_headers *f, const char *method)
{
    const struct gw_cors *cors = q->site->cors;
    if (!cors || !cors->origins.n || !f->origin.len)
        return;
    q->origin = f->origin;
    q->is_from_origin = gw_cors_allows(cors, f->origin);
    q->is_preflight = q->route && f->asked_method.len && strcmp(method, "OPTIONS") == 0;
}

/* True if the client may use this site now; called before the body is read. A Unix socket has its file's
 * permissions instead. A preflight bears no token, and has no other effect than its answer. */
static enum gw_code admit(const struct conn *c)
{
    enum gw_code code = GW_PEER_LIMIT;
    if (!c->origin.account ||
        gw_client_limits_request(c->origin.account, &c->req.binding->sites[0]->client_limits, c->req.since))
        code = c->req.is_preflight ? GW_OK : check_token(c);
    if (code)
        gw_http_log_refused(c->req.binding, (const struct sockaddr *)&c->address, code);
    return code;
}

static enum gw_code check_request(struct request *q, const struct known_headers *f)
{
    if (!q->is_from_origin && (q->is_preflight || gw_str_ieq(f->fetch_site, GW_STR("cross-site"))))
        return GW_FORBIDDEN;
    if (!q->route)
        return GW_NOT_FOUND;
    if (q->is_preflight)
        return GW_OK;
    if (!(q->route->methods & q->method))
        return GW_METHOD_NOT_ALLOWED;
    q->encoding = f->encodings > 1 ? GW_ENC_UNKNOWN : gw_encoding_of(f->encoding);
    return q->encoding == GW_ENC_UNKNOWN && !q->route->ignores_body && !q->route->as_sent
               ? GW_UNSUPPORTED_ENCODING
               : GW_OK;
}

/* Returns the limit of the route's receiver, or the memory that could ever be available if that is less. */
static size_t most(const struct conn *c, uint64_t limit)
{
    size_t possible = gw_body_most(&c->worker->http->bodies);
    return limit < possible ? (size_t)limit : possible;
}

static uint64_t max_body(const struct request *q)
{
    return q->route && q->route->max_body ? q->route->max_body : q->site->limits.max_body;
}

/* A body that is discarded as it arrives needs no memory. */
static bool is_too_large(const struct conn *c, uint64_t bytes)
{
    return bytes > most(c, max_body(&c->req)) && !(c->req.route && c->req.route->ignores_body);
}

static bool claims_too_much(const struct conn *c)
{
    return is_too_large(c, c->req.claimed);
}

/* Answers at once and closes the connection. A client that gets the answer before it sends (Expect) has
 * nothing more to send. */
static enum MHD_Result refuse(struct conn *c, const struct gw_err *err)
{
    gw_http_refuse(c, err);
    gw_http_linger(c->worker, c->fd);
    return MHD_NO;
}

/* A request whose framing was not checked (framed_recv.h) is not served. */
static enum gw_code check_seen(struct conn *c)
{
    if (c->begun++ != c->framing.heads)
        return GW_OK;
    gw_log(GW_ERROR, "receiver=http",
           "a request is answered 500, because its framing could not be checked: no memory, or a "
           "libmicrohttpd that does not read by recv");
    return GW_INTERNAL;
}

static enum MHD_Result begin(struct conn *c, const char *url, const char *method)
{
    struct request *q = &c->req;
    struct known_headers f = {0};
    struct gw_err err = {0};
    *q = (struct request){.method = method_of(method), .path = path_of(gw_str_z(url)), .since = gw_now()};
    q->moved = q->since;
    c->worker->last_request = q->since;
    gw_http_conn_state(c, CONN_RECEIVING);
    MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, see_header, &f);
    q->content_type = f.type;
    q->chunked = f.transfer.len > 0; /* framing.h has checked these */
    (void)gw_str_u64(f.length, &q->claimed);
    take_table(c);
    find_route(q);
    see_origin(q, &f, method);
    atomic_fetch_add_explicit(&q->site->counts.requests, 1, memory_order_relaxed);
    if ((err.code = check_seen(c)) || (err.code = admit(c)))
        return refuse(c, &err);
    q->refusal = err.code = check_request(q, &f);
    if (!q->refusal && claims_too_much(c))
        err.code = GW_TOO_LARGE;
    if (err.code && (f.expect.len || claims_too_much(c)))
        return refuse(c, &err);
    return MHD_YES;
}

void gw_http_begin_unread(struct conn *c)
{
    gw_nsec now = gw_now();
    c->req =
        (struct request){.method = GW_HTTP_OTHER, .path = GW_STR("(unread)"), .since = now, .moved = now};
    gw_http_conn_state(c, CONN_RECEIVING);
    take_table(c);
    c->req.site = c->req.binding->sites[0];
    atomic_fetch_add_explicit(&c->req.site->counts.requests, 1, memory_order_relaxed);
}

/* Body */

static enum gw_code append(struct conn *c, const char *data, size_t n)
{
    struct request *q = &c->req;
    size_t expect = q->chunked ? most(c, max_body(q)) : (size_t)q->claimed;
    struct gw_body_pool *pool = &c->worker->pool;
    if (!gw_body_grow(pool, &q->body, q->body.len + n, expect)) {
        gw_http_make_room(c->worker, c, q->moved);
        if (!gw_body_grow(pool, &q->body, q->body.len + n, expect))
            return GW_BUSY;
    }
    memcpy(q->body.data + q->body.len, data, n);
    q->body.len += n;
    return GW_OK;
}

static enum MHD_Result receive(struct conn *c, const char *data, size_t n)
{
    struct request *q = &c->req;
    struct gw_err err = {0};
    if (c->state == CONN_DEAD) {
        gw_http_linger(c->worker, c->fd);
        return MHD_NO;
    }
    q->got += n;
    q->moved = gw_now();
    atomic_fetch_add_explicit(&q->site->counts.wire_bytes, n, memory_order_relaxed);
    if (is_too_large(c, q->got))
        err.code = GW_TOO_LARGE;
    else if (++q->calls > PIECES + q->got / PIECE_BYTES)
        (void)gw_fail(&err, GW_BAD_REQUEST, q->got, "the body comes in too many tiny chunks");
    else if (!q->refusal && !q->route->ignores_body)
        err.code = append(c, data, n);
    return err.code ? refuse(c, &err) : MHD_YES;
}

/* End */

/* Returns at most a third of max_memory, and no more than could ever fit beside the compressed body, whose
 * buffer doubles as it grows. */
static size_t most_inflated(const struct conn *c)
{
    size_t both = gw_body_most(&c->worker->http->bodies), packed = 2 * c->req.body.len + GW_BODY_FIRST;
    size_t room = packed < both ? both - packed : 1, limit = most(c, c->req.site->limits.max_inflated);
    if (limit > both / 9 * 8)
        limit = both / 9 * 8;
    return limit < room ? limit : room;
}

static enum gw_code unpack(struct conn *c, struct gw_body *unpacked, gw_str *body, struct gw_err *err)
{
    struct request *q = &c->req;
    *body = gw_str_n(q->body.data, q->body.len);
    if (q->encoding == GW_ENC_IDENTITY || q->body.len == 0 || q->route->as_sent)
        return GW_OK;
    enum gw_code code = gw_inflate(c->worker->inflater, q->encoding, *body, &c->worker->pool, unpacked,
                                   most_inflated(c), err);
    *body = gw_str_n(unpacked->data, unpacked->len);
    gw_body_release(&c->worker->pool, &q->body);
    return code;
}

static enum MHD_Result run_handler(struct conn *c, gw_str body)
{
    struct worker *w = c->worker;
    struct request *q = &c->req;
    struct gw_http_request request = {.method = q->method,
                                      .path = q->path,
                                      .content_type = q->content_type,
                                      .body = body,
                                      .arena = &w->arena,
                                      .peer = &c->peer,
                                      .worker = w->index,
                                      .impl = c};
    struct gw_http_reply reply = {.status = 200};
    atomic_fetch_add_explicit(&q->site->counts.body_bytes, body.len, memory_order_relaxed);
    const char *before = gw_thread_works_for(q->site->component);
    q->route->handle(q->site->ctx, q->route, &request, &reply);
    gw_thread_works_for(before);
    if (c->later) {
        gw_http_conn_state(c, CONN_WAITING);
        MHD_suspend_connection(c->mhd);
        return MHD_YES;
    }
    gw_http_delay_answer(c, reply.status);
    return gw_http_answer(c, &reply);
}

static enum MHD_Result answer_late(struct conn *c)
{
    enum MHD_Result ok = gw_http_answer(c, gw_http_later_reply(c));
    gw_http_later_end(c);
    return ok;
}

static enum MHD_Result finish(struct conn *c)
{
    struct worker *w = c->worker;
    struct gw_body unpacked = {0};
    struct gw_err err = {.code = c->req.refusal};
    gw_str body = GW_NOSTR;
    if (c->state == CONN_WAITING)
        return answer_late(c);
    if (c->state != CONN_RECEIVING)
        return MHD_NO;
    if (err.code == GW_FORBIDDEN && c->req.origin.len)
        (void)gw_fail(&err, GW_FORBIDDEN, 0, "%.*s is not in cors.allowed_origins", GW_FMT(c->req.origin));
    if (!err.code && !c->req.is_preflight)
        err.code = unpack(c, &unpacked, &body, &err);
    enum MHD_Result ok = err.code              ? gw_http_answer_error(c, &err)
                         : c->req.is_preflight ? gw_http_answer_preflight(c)
                                               : run_handler(c, body);
    gw_arena_reset(&w->arena, w->arena_keep);
    gw_body_release(&w->pool, &unpacked);
    gw_body_release(&w->pool, &c->req.body);
    return ok;
}

enum MHD_Result gw_http_on_request(void *worker, struct MHD_Connection *mhd, const char *url,
                                   const char *method, const char *version, const char *data, size_t *size,
                                   void **request)
{
    struct conn *c = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    size_t n = *size;
    if (!c)
        return MHD_NO; /* there was no memory for it */
    if (!*request) {
        *request = c;
        return begin(c, url, method);
    }
    *size = 0;
    return n ? receive(c, data, n) : finish(c);
}

void gw_http_on_completed(void *worker, struct MHD_Connection *mhd, void **request,
                          enum MHD_RequestTerminationCode how)
{
    struct conn *c = *request;
    *request = NULL;
    if (!c)
        return;
    gw_body_release(&c->worker->pool, &c->req.body);
    gw_http_release_table(&c->req);
    c->idle_since = gw_now();
    c->used = true;
    /* Otherwise, further requests of the client would make TCP reset the connection before the client has
     * read the answer. */
    if (c->closes)
        gw_http_linger(c->worker, c->fd);
    if (c->state != CONN_DEAD)
        gw_http_conn_state(c, CONN_IDLE);
}

static enum MHD_Result pass_header(void *cookie, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                   const char *value, size_t value_len)
{
    const struct {
        gw_http_header_f *f;
        void *cookie;
    } *to = cookie;
    to->f(to->cookie, gw_str_n(name, name_len), gw_str_trim(gw_str_n(value, value_len)));
    return MHD_YES;
}

void gw_http_headers(const struct gw_http_request *request, gw_http_header_f *f, void *cookie)
{
    const struct conn *c = request->impl;
    struct {
        gw_http_header_f *f;
        void *cookie;
    } to = {f, cookie};
    MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, pass_header, &to);
}

struct args {
    gw_http_header_f *f;
    void *cookie;
    struct gw_arena *arena;
};

static gw_str unescaped(struct gw_arena *arena, gw_str s)
{
    char *out = gw_arena_raw(arena, s.len, 1);
    return out ? gw_str_n(out, gw_url_decode(s, out)) : GW_NOSTR;
}

static enum MHD_Result pass_arg(void *cookie, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                const char *value, size_t value_len)
{
    const struct args *to = cookie;
    to->f(to->cookie, unescaped(to->arena, gw_str_n(name, name_len)),
          unescaped(to->arena, gw_str_n(value, value_len)));
    return MHD_YES;
}

/* libmicrohttpd has already replaced + by a blank. */
void gw_http_args(const struct gw_http_request *request, gw_http_header_f *f, void *cookie)
{
    const struct conn *c = request->impl;
    struct args to = {f, cookie, request->arena};
    MHD_get_connection_values_n(c->mhd, MHD_GET_ARGUMENT_KIND, pass_arg, &to);
}

struct query {
    char *at;
    size_t len;
};

static void add_to_query(struct query *q, gw_str s)
{
    for (size_t i = 0; i < s.len; i++, q->len++)
        if (q->at)
            q->at[q->len] = s.ptr[i] == ' ' ? '+' : s.ptr[i]; /* undoes libmicrohttpd's replacement */
}

static enum MHD_Result add_arg(void *cookie, enum MHD_ValueKind kind, const char *name, size_t name_len,
                               const char *value, size_t value_len)
{
    struct query *q = cookie;
    if (q->len)
        add_to_query(q, GW_STR("&"));
    add_to_query(q, gw_str_n(name, name_len));
    if (value)
        add_to_query(q, GW_STR("="));
    add_to_query(q, gw_str_n(value, value_len));
    return MHD_YES;
}

/* Joins the parts of the query. They are still escaped (leave_escaped), so the result is the query as it was
 * sent. */
gw_str gw_http_query(const struct gw_http_request *request)
{
    const struct conn *c = request->impl;
    struct query measured = {0}, q = {0};
    MHD_get_connection_values_n(c->mhd, MHD_GET_ARGUMENT_KIND, add_arg, &measured);
    if (measured.len)
        q.at = gw_arena_raw(request->arena, measured.len, 1);
    if (q.at)
        MHD_get_connection_values_n(c->mhd, MHD_GET_ARGUMENT_KIND, add_arg, &q);
    return gw_str_n(q.at, q.len);
}
