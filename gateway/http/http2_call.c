/* http2_call.c: gRPC calls, from their headers to their answer: method, token and limits, the message's
 * bytes, decompression, the handler, and the HTTP/2 frames of the answer. Owns calls and the worker's list of
 * delayed answers. Called by http2_conn.c, on the worker's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/http/http2_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/thread.h"
#include "gateway/http/grpc.h"

/* --- a call's memory --- */

static const struct gw_grpc *grpc(const struct http2_call *c)
{
    return c->site->grpc;
}

/* Takes a reference to the table, like a request. */
static void take_table(struct http2_call *c)
{
    const struct origin *o = &c->conn->origin;
    struct table *now = c->conn->worker->table;
    c->table = gw_http_table_ref(gw_http_find_binding(now, o->listener) ? now : o->last);
    c->binding = gw_http_find_binding(c->table, o->listener);
    c->site = c->binding->sites[0];
}

static void release_table(struct http2_call *c)
{
    gw_http_table_drop(c->table);
    c->table = NULL;
    c->binding = NULL;
    c->site = NULL;
}

/* A stop waits only for calls with one message. */
static bool is_awaited(const struct http2_call *c)
{
    return c->state != CALL_HEADERS && (!c->method || c->method->kind == GW_GRPC_UNARY);
}

static void set_state(struct http2_call *c, enum call_state state)
{
    struct worker *w = c->conn->worker;
    bool before = is_awaited(c);
    c->state = state;
    w->busy += is_awaited(c) - before;
    c->conn->awaited += is_awaited(c) - before;
}

struct http2_call *http2_call_begin(struct http2_conn *conn, int32_t stream)
{
    struct http2_call *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->conn = conn;
    c->stream = stream;
    c->since = c->moved = conn->worker->last_request = gw_now();
    c->token = GW_NO_TOKEN;
    take_table(c);
    c->next = conn->calls;
    if (conn->calls)
        conn->calls->prev = c;
    conn->calls = c;
    conn->calls_n++;
    return c;
}

static void leave_held(struct http2_call *c)
{
    struct worker *w = c->conn->worker;
    struct http2_call **at = &w->held_calls;
    while (*at != c)
        at = &(*at)->held_next;
    *at = c->held_next;
    if (w->held_calls_end == &c->held_next)
        w->held_calls_end = at;
}

bool http2_call_close(struct http2_call *c)
{
    struct http2_conn *conn = c->conn;
    bool wasted = c->state == CALL_HEADERS || c->state == CALL_READING;
    if (c->state == CALL_HELD)
        leave_held(c);
    set_state(c, CALL_HEADERS);
    if (c->prev)
        c->prev->next = c->next;
    else
        conn->calls = c->next;
    if (c->next)
        c->next->prev = c->prev;
    conn->calls_n--;
    conn->idle_since = gw_now();
    gw_body_release(&conn->worker->pool, &c->body);
    gw_http_table_drop(c->table);
    http2_free(conn, c->out);
    http2_free(conn, c->words);
    http2_free(conn, c->detail);
    free(c);
    return wasted;
}

/* --- answers --- */

static nghttp2_nv field(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value),
                        NGHTTP2_NV_FLAG_NONE};
}

/* Writes grpc-status and the fields that go with it. Returns their number. */
static size_t status_fields(const struct http2_call *c, char number[static 12], nghttp2_nv *to)
{
    size_t n = 0;
    snprintf(number, 12, "%d", c->status);
    to[n++] = field("grpc-status", number);
    if (c->words)
        to[n++] = field("grpc-message", c->words);
    if (c->detail)
        to[n++] = field("grpc-status-details-bin", c->detail);
    return n;
}

/* Called by nghttp2 for the next bytes of the answer. */
static ssize_t give_bytes(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room, uint32_t *flags,
                          nghttp2_data_source *source, void *conn)
{
    struct http2_call *c = source->ptr;
    size_t n = c->out_len - c->out_at;
    if (n == 0 && !c->finished) {
        c->paused = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    n = n < room ? n : room;
    if (n)
        memcpy(to, c->out + c->out_at, n);
    c->out_at += n;
    if (c->finished && c->out_at == c->out_len) {
        nghttp2_nv trailers[3];
        char number[12];
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (nghttp2_submit_trailer(session, stream, trailers, status_fields(c, number, trailers)) != 0)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return (ssize_t)n;
}

#define ENCODINGS "identity,deflate,gzip,zstd"

/* Begins the answer, or sends all of it if there is no message. */
static void submit(struct http2_call *c)
{
    nghttp2_nv fields[6] = {field(":status", "200"), field("content-type", "application/grpc"),
                            field("grpc-accept-encoding", ENCODINGS)};
    nghttp2_data_provider bytes = {.source.ptr = c, .read_callback = give_bytes};
    nghttp2_session *session = c->conn->session;
    char number[12];
    size_t n = 3;
    if (c->finished && !c->out_len) {
        n += status_fields(c, number, fields + n);
        nghttp2_submit_response(session, c->stream, fields, n, NULL);
    } else {
        nghttp2_submit_response(session, c->stream, fields, n, &bytes);
    }
}

static void start_or_resume(struct http2_call *c)
{
    if (c->state != CALL_ANSWERING) {
        set_state(c, CALL_ANSWERING);
        submit(c);
    } else if (c->paused) {
        c->paused = false;
        nghttp2_session_resume_data(c->conn->session, c->stream);
    }
}

/* Appends a message to those that are not sent yet. */
static bool add_message(struct http2_call *c, gw_str m)
{
    size_t left = c->out_len - c->out_at, need = left + GW_HTTP2_PREFIX + m.len;
    char *out = http2_alloc(c->conn, need), *p = out + left;
    if (!out)
        return false;
    if (left)
        memcpy(out, c->out + c->out_at, left);
    *p++ = 0; /* not compressed */
    for (int shift = 24; shift >= 0; shift -= 8)
        *p++ = (char)(m.len >> shift);
    if (m.len)
        memcpy(p, m.ptr, m.len);
    http2_free(c->conn, c->out);
    c->out = out;
    c->out_at = 0;
    c->out_len = need;
    return true;
}

/* Encodes text for grpc-message. Returns NULL for no text, or if there is no memory. */
static char *percent_encoded(struct http2_conn *conn, gw_str s)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = s.len ? http2_alloc(conn, 3 * s.len + 1) : NULL, *p = out;
    for (size_t i = 0; out && i < s.len; i++) {
        unsigned char byte = (unsigned char)s.ptr[i];
        if (byte >= ' ' && byte < 0x7f && byte != '%') {
            *p++ = (char)byte;
            continue;
        }
        *p++ = '%';
        *p++ = digits[byte >> 4];
        *p++ = digits[byte & 15];
    }
    if (out)
        *p = 0;
    return out;
}

/* Without padding, which gRPC allows. */
static char *base64(struct http2_conn *conn, gw_str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = s.len ? http2_alloc(conn, s.len / 3 * 4 + 5) : NULL, *p = out;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; out && i < s.len; i++) {
        bits = bits << 8 | (uint8_t)s.ptr[i];
        for (held += 8; held >= 6; held -= 6)
            *p++ = digits[bits >> (held - 6) & 63];
    }
    if (out && held)
        *p++ = digits[bits << (6 - held) & 63];
    if (out)
        *p = 0;
    return out;
}

static void finish(struct http2_call *c, const struct gw_grpc_reply *r)
{
    c->finished = true;
    c->status = r->status;
    c->words = percent_encoded(c->conn, r->words);
    c->detail = base64(c->conn, r->detail);
    release_table(c);
    gw_body_release(&c->conn->worker->pool, &c->body);
    start_or_resume(c);
}

void http2_call_refuse(struct http2_call *c, const struct gw_err *err)
{
    struct gw_grpc_reply r = {.status = GW_GRPC_INTERNAL};
    if (c->finished)
        return;
    if (!c->site)
        take_table(c);
    gw_http_count(c->site, (unsigned)gw_code_http(err->code));
    grpc(c)->refuse(c->site->ctx, err, &c->conn->worker->arena, &r);
    finish(c, &r);
    gw_arena_reset(&c->conn->worker->arena, c->conn->worker->arena_keep);
}

void http2_call_let_go(struct http2_call *c)
{
    leave_held(c);
    start_or_resume(c);
}

/* Returns whether the site delays answers now, as http_delay.c does for HTTP. */
static bool is_to_wait(const struct http2_call *c)
{
    const struct gw_http_delay *d = &c->site->delay;
    return c->method->may_delay && !c->conn->worker->stopping && d->lasts && d->lasts(d->ctx, d->what);
}

static void hold(struct http2_call *c, gw_nsec longest)
{
    struct worker *w = c->conn->worker;
    set_state(c, CALL_HELD);
    c->held_until = gw_now() + longest;
    c->held_next = NULL;
    *w->held_calls_end = c;
    w->held_calls_end = &c->held_next;
}

static void answer(struct http2_call *c, const struct gw_grpc_reply *r)
{
    bool waits = r->status == GW_GRPC_OK && is_to_wait(c);
    gw_nsec longest = c->site->delay.longest;
    gw_http_count(c->site, r->status == GW_GRPC_OK ? 200 : 400);
    if (r->status == GW_GRPC_OK && !add_message(c, r->body)) {
        http2_call_refuse(c, &(struct gw_err){.code = GW_BUSY});
        return;
    }
    if (c->method->kind != GW_GRPC_UNARY && r->status == GW_GRPC_OK) {
        release_table(c); /* such a call may outlive any table */
        start_or_resume(c);
    } else if (waits) {
        c->finished = true;
        release_table(c);
        hold(c, longest);
    } else {
        finish(c, r);
    }
}

/* --- a message --- */

static size_t most_inflated(const struct http2_call *c)
{
    size_t both = gw_body_most(&c->conn->worker->http->bodies), limit = c->site->limits.max_inflated;
    return limit < both / 9 * 8 ? limit : both / 9 * 8;
}

static enum gw_code unpack(struct http2_call *c, struct gw_body *unpacked, gw_str *message,
                           struct gw_err *err)
{
    struct worker *w = c->conn->worker;
    *message = gw_str_n(c->body.data, c->body.len);
    if (!c->prefix[0] || !message->len)
        return GW_OK;
    if (c->encoding == GW_ENC_IDENTITY)
        return gw_fail(err, GW_BAD_ENCODING, 0,
                       "a message is compressed, and grpc-encoding does not say how");
    enum gw_code code =
        gw_inflate(w->inflater, c->encoding, *message, &w->pool, unpacked, most_inflated(c), err);
    *message = gw_str_n(unpacked->data, unpacked->len);
    return code;
}

static void run_handler(struct http2_call *c)
{
    struct worker *w = c->conn->worker;
    struct gw_body unpacked = {0};
    struct gw_err err = {0};
    struct gw_grpc_call call = {.arena = &w->arena, .worker = w->index};
    struct gw_grpc_reply reply = {.status = GW_GRPC_OK};
    err.code = unpack(c, &unpacked, &call.message, &err);
    if (err.code) {
        http2_call_refuse(c, &err);
    } else {
        atomic_fetch_add_explicit(&c->site->counts.body_bytes, call.message.len, memory_order_relaxed);
        const char *before = gw_thread_works_for(c->site->component);
        c->method->handle(c->site->ctx, c->method, &call, &reply);
        gw_thread_works_for(before);
        answer(c, &reply);
    }
    gw_arena_reset(&w->arena, w->arena_keep);
    gw_body_release(&w->pool, &unpacked);
    gw_body_release(&w->pool, &c->body);
}

static bool is_whole(const struct http2_call *c)
{
    return c->prefix_len == GW_HTTP2_PREFIX && c->body.len == c->length;
}

static bool grow(struct http2_call *c, size_t n)
{
    struct worker *w = c->conn->worker;
    if (gw_body_grow(&w->pool, &c->body, c->body.len + n, c->length))
        return true;
    atomic_store_explicit(&w->http->wanting, c->moved, memory_order_relaxed);
    return false;
}

/* The prefix has arrived: checks its length against the limit. */
static enum gw_code check_length(struct http2_call *c, struct gw_err *err)
{
    for (int i = 1; i < GW_HTTP2_PREFIX; i++)
        c->length = c->length << 8 | c->prefix[i];
    if (c->prefix[0] > 1)
        return gw_fail(err, GW_BAD_REQUEST, 0, "a message of gRPC does not begin with 0 or 1");
    uint64_t most = gw_body_most(&c->conn->worker->http->bodies);
    most = grpc(c)->max_message < most ? grpc(c)->max_message : most;
    if (c->length <= most)
        return GW_OK;
    return gw_fail(err, GW_TOO_LARGE, 0, "a message of %u bytes is above max_message (%llu)", c->length,
                   (unsigned long long)most);
}

/* Takes the bytes of the current message. Returns their number. */
static size_t take_bytes(struct http2_call *c, const uint8_t *p, size_t n, struct gw_err *err)
{
    if (c->prefix_len < GW_HTTP2_PREFIX) {
        c->prefix[c->prefix_len++] = *p;
        if (c->prefix_len == GW_HTTP2_PREFIX)
            err->code = check_length(c, err);
        return 1;
    }
    size_t take = c->length - c->body.len < n ? c->length - c->body.len : n;
    if (take && !grow(c, take)) {
        err->code = GW_BUSY;
        return 0;
    }
    if (take)
        memcpy(c->body.data + c->body.len, p, take);
    c->body.len += take;
    return take;
}

/* Of a stream, each message is answered when it is complete; then the next one begins. */
static void take_streamed(struct http2_call *c)
{
    if (c->method->kind == GW_GRPC_UNARY || !is_whole(c))
        return;
    if (!c->site)
        take_table(c);
    run_handler(c);
    c->prefix_len = 0;
    c->length = 0;
}

void http2_call_data(struct http2_call *c, const uint8_t *data, size_t n)
{
    enum { PENDING = 64 * 1024 };
    struct gw_err err = {0};
    bool reads = c->state == CALL_READING || (c->method && c->method->kind == GW_GRPC_STREAM);
    if (c->state == CALL_HEADERS || c->finished || !reads)
        return;
    c->moved = gw_now();
    if (c->state == CALL_ANSWERING && !c->prefix_len)
        c->since = c->moved;
    if (c->site)
        atomic_fetch_add_explicit(&c->site->counts.wire_bytes, n, memory_order_relaxed);
    while (n && !err.code && !c->finished) {
        if (is_whole(c))
            (void)gw_fail(&err, GW_BAD_REQUEST, 0, "the call has more than one message");
        else if (c->out_len - c->out_at > PENDING)
            (void)gw_fail(&err, GW_BUSY, 0, "answers of the stream are not read");
        if (err.code)
            break;
        if (!c->site)
            take_table(c);
        size_t taken = take_bytes(c, data, n, &err);
        data += taken;
        n -= taken;
        if (!err.code)
            take_streamed(c);
    }
    if (err.code)
        http2_call_refuse(c, &err);
}

void http2_call_end(struct http2_call *c)
{
    struct gw_err err;
    c->ended = true;
    if (c->finished || c->state == CALL_HEADERS)
        return;
    enum gw_grpc_kind kind = c->method->kind;
    if (kind == GW_GRPC_UNARY && is_whole(c)) {
        run_handler(c);
    } else if (kind == GW_GRPC_STREAM && !c->prefix_len) {
        finish(c, &(struct gw_grpc_reply){.status = GW_GRPC_OK});
    } else if (kind != GW_GRPC_WATCH || c->state == CALL_READING) {
        (void)gw_fail(&err, GW_BAD_REQUEST, c->body.len,
                      c->prefix_len ? "the call's message is cut short" : "the call has no message");
        http2_call_refuse(c, &err);
    }
}

/* --- headers --- */

void http2_call_header(struct http2_call *c, gw_str name, gw_str value)
{
    const struct gw_auth *auth = c->site ? c->site->auth : NULL;
    if (c->state != CALL_HEADERS)
        return; /* trailers */
    if (gw_str_eq(name, GW_STR(":path"))) {
        c->path_len = value.len < sizeof c->path ? value.len : 0;
        memcpy(c->path, value.ptr, c->path_len);
    } else if (gw_str_eq(name, GW_STR(":method"))) {
        c->is_post = gw_str_eq(value, GW_STR("POST"));
    } else if (gw_str_eq(name, GW_STR("content-type"))) {
        c->is_grpc = gw_str_starts(value, GW_STR("application/grpc"));
    } else if (gw_str_eq(name, GW_STR("grpc-encoding"))) {
        c->encoding = gw_encoding_of(value);
    }
    if (auth && auth->n)
        gw_auth_header(auth, name, value, &c->token);
}

static void find_method(struct http2_call *c)
{
    gw_str path = gw_str_n(c->path, c->path_len);
    for (size_t i = 0; i < grpc(c)->methods_n && !c->method; i++)
        if (gw_str_eq(path, gw_str_z(grpc(c)->methods[i].path)))
            c->method = &grpc(c)->methods[i];
}

static enum gw_code check(struct http2_call *c, struct gw_err *err)
{
    struct gw_client *account = c->conn->origin.account;
    enum gw_code code = GW_OK;
    if (account && !gw_client_limits_request(account, &c->site->client_limits, c->since))
        code = GW_PEER_LIMIT;
    else if (c->site->auth && c->site->auth->n)
        code = c->token;
    if (code) {
        gw_http_log_refused(c->binding, (const struct sockaddr *)&c->conn->address, code);
        return code;
    }
    if (c->conn->worker->stopping)
        return GW_STOPPING;
    if (!c->is_post || !c->is_grpc)
        return gw_fail(err, GW_BAD_REQUEST, 0, "this is no call of gRPC: POST of application/grpc");
    if (!c->method)
        return gw_fail(err, GW_NOT_FOUND, 0, "%.*s", (int)c->path_len, c->path);
    if (c->encoding == GW_ENC_UNKNOWN)
        return gw_fail(err, GW_UNSUPPORTED_ENCODING, 0, "messages may be compressed by " ENCODINGS);
    return GW_OK;
}

void http2_call_admit(struct http2_call *c)
{
    struct gw_err err = {0};
    find_method(c);
    atomic_fetch_add_explicit(&c->site->counts.requests, 1, memory_order_relaxed);
    err.code = check(c, &err);
    set_state(c, CALL_READING);
    if (err.code)
        http2_call_refuse(c, &err);
}
