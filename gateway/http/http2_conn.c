/* http2_conn.c: HTTP/2 connections on gRPC addresses: their sockets, nghttp2's sessions, deadlines, and
 * eviction. Owns the worker's list of them. Called by http_conn.c, for a socket that was accepted (or, with
 * TLS, the plain end of a pair), and by the worker's loop, on its thread.
 *
 * Limits of a connection: CALLS streams, memory (http2_memory.c), and one buffer of answers that the socket
 * does not take; while it is full, nothing is read. A client may reset WASTE calls before their message has
 * arrived, and gets one of them back every FORGIVEN; beyond that it gets ENHANCE_YOUR_CALM.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "gateway/http/grpc.h"
#include "gateway/http/http2_internal.h"

enum {
    CALLS = 100,
    HEADERS = 16 * 1024,
    FRAME = 256 * 1024,
    WINDOW = 1024 * 1024,
    CONN_WINDOW = 4 * 1024 * 1024
};
enum { READ = 64 * 1024, READS = 16, WRITE = 16 * 1024, WASTE = 200 };
static const gw_nsec FORGIVEN = 20 * GW_MSEC, STANDSTILL = GW_SEC, UNUSED = 10 * GW_SEC, LEAVE = GW_SEC;

/* --- nghttp2's calls --- */

static struct http2_call *call_of(nghttp2_session *session, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(session, stream);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *f, void *conn)
{
    if (f->hd.type != NGHTTP2_HEADERS || f->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct http2_call *call = http2_call_begin(conn, f->hd.stream_id);
    if (!call)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    nghttp2_session_set_stream_user_data(session, f->hd.stream_id, call);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *f, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *conn)
{
    struct http2_call *call = call_of(session, f->hd.stream_id);
    if (call)
        http2_call_header(call, gw_str_n((const char *)name, name_len),
                          gw_str_n((const char *)value, value_len));
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *f, void *conn)
{
    bool is_headers = f->hd.type == NGHTTP2_HEADERS;
    struct http2_call *call = f->hd.stream_id ? call_of(session, f->hd.stream_id) : NULL;
    if (!call || (!is_headers && f->hd.type != NGHTTP2_DATA))
        return 0;
    if (is_headers && f->headers.cat == NGHTTP2_HCAT_REQUEST)
        http2_call_admit(call);
    if (f->hd.flags & NGHTTP2_FLAG_END_STREAM)
        http2_call_end(call);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t n,
                   void *conn)
{
    struct http2_call *call = call_of(session, stream);
    if (call)
        http2_call_data(call, data, n);
    return 0;
}

/* A client that was answered before it finished sending need not send the rest. */
static int on_sent(nghttp2_session *session, const nghttp2_frame *f, void *conn)
{
    bool is_last = f->hd.type == NGHTTP2_HEADERS && f->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (is_last && nghttp2_session_get_stream_remote_close(session, f->hd.stream_id) == 0)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, f->hd.stream_id, NGHTTP2_NO_ERROR);
    return 0;
}

/* A token bucket of WASTE calls, like those of client_limits.h. */
static void note_waste(struct http2_conn *c)
{
    gw_nsec now = gw_now();
    c->waste = (c->waste > now ? c->waste : now) + FORGIVEN;
    if (c->leaving || c->waste - now < WASTE * FORGIVEN)
        return;
    c->leaving = true;
    c->left_at = now;
    const struct binding *b = gw_http_binding(c->worker, &c->origin);
    gw_http_log_client(b, (const struct sockaddr *)&c->address, "sent away",
                       "it opens calls and resets them before their message has come");
    nghttp2_session_terminate_session(c->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *conn)
{
    struct http2_call *call = call_of(session, stream);
    struct http2_conn *c = conn;
    if (!call)
        return 0;
    nghttp2_session_set_stream_user_data(session, stream, NULL);
    c->was_used = true;
    if (http2_call_close(call))
        note_waste(c);
    return 0;
}

/* --- life --- */

static bool start_session(struct http2_conn *c)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, CALLS},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW},
        {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, FRAME},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEADERS},
    };
    nghttp2_mem memory = http2_memory(c);
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *options = NULL;
    bool ok = nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&options) == 0;
    if (ok) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
        nghttp2_option_set_no_closed_streams(options, 1);
        ok = nghttp2_session_server_new3(&c->session, callbacks, c, options, &memory) == 0 &&
             nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings,
                                     sizeof settings / sizeof *settings) == 0 &&
             nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, CONN_WINDOW) == 0;
    }
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(options);
    return ok;
}

/* The memory is freed at the end of the worker's turn, because another event of the turn may refer to it. */
static void end(struct http2_conn *c)
{
    struct worker *w = c->worker;
    while (c->calls) {
        nghttp2_session_set_stream_user_data(c->session, c->calls->stream, NULL);
        (void)http2_call_close(c->calls);
    }
    nghttp2_session_del(c->session);
    c->session = NULL;
    free(c->out);
    epoll_ctl(w->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    c->fd = -1;
    gw_budget_give(&w->http->places, c->paid);
    gw_client_limits_leave(w->http->client_limits, c->origin.account);
    gw_http_table_drop(c->origin.last);
    atomic_fetch_sub_explicit(&w->connections, 1, memory_order_relaxed);
    if (c->prev)
        c->prev->next = c->next;
    else
        w->http2 = c->next;
    if (c->next)
        c->next->prev = c->prev;
    c->next = w->ended_http2;
    w->ended_http2 = c;
}

static bool watch(struct http2_conn *c, int how, bool reads, bool writes)
{
    struct epoll_event e = {.events = (reads ? EPOLLIN : 0) | (writes ? EPOLLOUT : 0),
                            .data.u64 = EV_HTTP2 | (uint64_t)(uintptr_t)c};
    return epoll_ctl(c->worker->epoll, how, c->fd, &e) == 0;
}

static struct http2_conn *new_conn(struct worker *w, int fd, struct origin *o)
{
    struct http2_conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->worker = w;
    c->fd = fd;
    c->origin = *o;
    c->paid = gw_http_cost(o->tls);
    c->since = c->idle_since = gw_now();
    if (start_session(c) && watch(c, EPOLL_CTL_ADD, true, false))
        return c;
    nghttp2_session_del(c->session);
    o->last = c->origin.last;
    gw_budget_give(&w->http->places, c->paid - gw_http_cost(o->tls));
    free(c);
    return NULL;
}

static void begin(struct worker *w, int fd, struct origin *o, const struct sockaddr *peer, socklen_t len)
{
    struct http2_conn *c = new_conn(w, fd, o);
    if (!c) {
        gw_http_release_slot(w, o);
        close(fd);
        return;
    }
    memcpy(&c->address, peer, len);
    o->last = NULL;
    gw_http_settle_origin(w, &c->origin);
    atomic_fetch_add_explicit(&w->connections, 1, memory_order_relaxed);
    c->next = w->http2;
    if (w->http2)
        w->http2->prev = c;
    w->http2 = c;
}

void gw_http_hand_over(struct worker *w, int fd, struct origin *o, const struct sockaddr *peer, socklen_t len)
{
    if (gw_http_binding(w, o)->grpc)
        begin(w, fd, o, peer, len);
    else
        gw_http_enroll(w, fd, o, peer, len);
}

void gw_http2_sweep(struct worker *w)
{
    while (w->ended_http2) {
        struct http2_conn *c = w->ended_http2;
        w->ended_http2 = c->next;
        free(c);
    }
}

/* --- writing --- */

static bool would_block(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* Keeps the bytes that the socket does not take. Returns false if the peer is gone or there is no memory. */
static bool put(struct http2_conn *c, const uint8_t *p, size_t n)
{
    ssize_t sent = send(c->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && !would_block())
        return false;
    sent = sent < 0 ? 0 : sent;
    if ((size_t)sent == n)
        return true;
    c->out_from = 0;
    c->out_to = n - (size_t)sent;
    c->out = malloc(c->out_to);
    if (!c->out)
        return false;
    memcpy(c->out, p + sent, c->out_to);
    c->blocked_since = gw_now();
    return true;
}

static bool put_rest(struct http2_conn *c)
{
    ssize_t n =
        c->out ? send(c->fd, c->out + c->out_from, c->out_to - c->out_from, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    if (n < 0)
        return would_block();
    c->out_from += (size_t)n;
    if (c->out_from < c->out_to)
        return true;
    free(c->out);
    c->out = NULL;
    return true;
}

/* Joins frames, so that they are sent in one piece. Returns false if the connection has ended. */
static bool flush(struct http2_conn *c)
{
    uint8_t piece[2 * WRITE + 64];
    const uint8_t *frame;
    if (!c->begun) /* nothing is sent before the protocol is known */
        return !c->leaving;
    bool ok = put_rest(c);
    for (ssize_t n = 1; ok && n > 0 && !c->out;) {
        size_t len = 0;
        while (len < WRITE && (n = nghttp2_session_mem_send(c->session, &frame)) > 0) {
            /* nghttp2 makes no frame above 16 KiB and its header */
            GW_ASSERT((size_t)n <= sizeof piece - len);
            memcpy(piece + len, frame, (size_t)n);
            len += (size_t)n;
        }
        ok = n >= 0 && (!len || put(c, piece, len));
    }
    bool blocked = c->out;
    if (ok && blocked != c->out_watched)
        ok = watch(c, EPOLL_CTL_MOD, !blocked, blocked);
    c->out_watched = blocked;
    return ok;
}

/* Returns whether there is nothing left to wait for. */
static bool is_over(const struct http2_conn *c)
{
    if (c->out)
        return false;
    return (c->leaving && !c->calls_n) ||
           (!nghttp2_session_want_read(c->session) && !nghttp2_session_want_write(c->session));
}

/* Call after everything that may have made frames. The client must get the last frames even if it still
 * sends. */
static void settle(struct http2_conn *c)
{
    bool ok = flush(c);
    if (ok && !is_over(c))
        return;
    if (ok) {
        shutdown(c->fd, SHUT_WR);
        gw_http_linger(c->worker, c->fd);
    }
    end(c);
}

/* Accepts no further calls; open calls finish. */
static void leave(struct http2_conn *c)
{
    if (c->leaving)
        return;
    c->leaving = true;
    c->left_at = gw_now();
    nghttp2_submit_goaway(c->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(c->session),
                          NGHTTP2_NO_ERROR, NULL, 0);
}

/* --- reading --- */

static void turn_away(struct http2_conn *c, bool is_tls)
{
    const struct binding *b = gw_http_binding(c->worker, &c->origin);
    struct gw_address address = {.len = c->address.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                         : sizeof(struct sockaddr_in)};
    char name[128], text[512] = "";
    memcpy(&address.sa, &c->address, address.len);
    gw_listen_name(&address, name, sizeof name);
    b->sites[0]->grpc->stranger(b->sites[0]->ctx, name, is_tls, text, sizeof text);
    if (!is_tls) {
        (void)!send(c->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
        shutdown(c->fd, SHUT_WR);
        gw_http_linger(c->worker, c->fd);
    }
    end(c);
}

/* Checks the first bytes. Returns true if they are HTTP/2's preface or its beginning, which nghttp2 reads. */
static bool is_http2(struct http2_conn *c, const uint8_t *p, size_t n)
{
    enum { TLS_HANDSHAKE = 0x16, KNOWN = 3 };
    if (c->begun || memcmp(p, NGHTTP2_CLIENT_MAGIC, n < KNOWN ? n : KNOWN) == 0) {
        c->begun = true;
        return true;
    }
    turn_away(c, p[0] == TLS_HANDSHAKE);
    return false;
}

/* Returns false if the connection is gone or is about to end. */
static bool read_some(struct http2_conn *c, bool *more)
{
    uint8_t data[READ];
    ssize_t n = recv(c->fd, data, sizeof data, MSG_DONTWAIT);
    *more = n == sizeof data;
    if (n < 0 && would_block())
        return true;
    if (n <= 0) {
        end(c);
        return false;
    }
    if (!is_http2(c, data, (size_t)n))
        return false;
    if (nghttp2_session_mem_recv(c->session, data, (size_t)n) >= 0)
        return true;
    (void)flush(c); /* sends nghttp2's reason, if it has one */
    end(c);
    return false;
}

void gw_http2_run(struct http2_conn *c)
{
    bool more = true;
    if (c->fd < 0)
        return;
    for (int i = 0; i < READS && more && !c->out; i++) {
        if (!read_some(c, &more))
            return;
        settle(c);
        if (c->fd < 0)
            return;
    }
    if (c->out)
        settle(c);
}

/* --- deadlines --- */

/* Returns whether a message is arriving: the only one, or one of a stream. */
static bool is_reading(const struct http2_call *call)
{
    return call->state == CALL_READING || (!call->finished && call->prefix_len);
}

static bool stands_still(const struct http2_call *call, gw_nsec now)
{
    return is_reading(call) && call->body.cap && now - call->moved > STANDSTILL;
}

static void check_call(struct http2_call *call, bool is_short, gw_nsec now)
{
    struct gw_err err;
    gw_nsec most = gw_http_binding(call->conn->worker, &call->conn->origin)->sites[0]->limits.receive_timeout;
    bool unary = !call->method || call->method->kind == GW_GRPC_UNARY;
    if (is_reading(call) && now - call->since > most)
        (void)gw_fail(&err, GW_TIMEOUT, 0, "the message did not come in time");
    else if (is_short && stands_still(call, now))
        (void)gw_fail(&err, GW_TIMEOUT, 0, "the message stood still while its memory was needed");
    else {
        if (call->state == CALL_ANSWERING && call->finished && unary && now - call->moved > 2 * most)
            nghttp2_submit_rst_stream(call->conn->session, NGHTTP2_FLAG_NONE, call->stream, NGHTTP2_CANCEL);
        return;
    }
    http2_call_refuse(call, &err);
}

static void check_conn(struct http2_conn *c, bool is_short, gw_nsec now)
{
    const struct worker *w = c->worker;
    gw_nsec most = gw_http_binding(w, &c->origin)->sites[0]->limits.receive_timeout;
    if ((!c->begun && now - c->since > most) || (c->out && now - c->blocked_since > most) ||
        (c->leaving && !c->calls_n && now - c->left_at > LEAVE)) {
        end(c);
        return;
    }
    for (struct http2_call *call = c->calls; call; call = call->next)
        check_call(call, is_short, now);
    if (c->begun && !c->calls_n && now - c->idle_since > w->http->began.idle_timeout)
        leave(c);
    settle(c);
}

void gw_http2_check(struct worker *w, bool is_short, gw_nsec now)
{
    for (struct http2_conn *c = w->http2, *next; c; c = next) {
        next = c->next;
        check_conn(c, is_short, now);
    }
}

void gw_http2_held_check(struct worker *w, gw_nsec now)
{
    while (w->held_calls) {
        struct http2_call *call = w->held_calls;
        struct http2_conn *c = call->conn;
        const struct gw_http_delay *d = &gw_http_binding(w, &c->origin)->sites[0]->delay;
        if (!w->stopping && now < call->held_until && d->lasts && d->lasts(d->ctx, d->what))
            return; /* those after it were delayed later */
        http2_call_let_go(call);
        settle(c);
    }
}

bool gw_http2_evict(struct worker *w, gw_nsec now)
{
    struct http2_conn *best = NULL;
    for (struct http2_conn *c = w->http2; c; c = c->next) /* newest first, so that the oldest is taken */
        if (!c->awaited && (now - c->idle_since > UNUSED || !c->was_used) &&
            (!best || best->was_used >= c->was_used))
            best = c;
    if (best)
        end(best);
    return best;
}

/* --- a reload, a stop --- */

static bool is_last(const struct http2_conn *c, const struct table *next)
{
    const struct binding *b = gw_http_find_binding(next, c->origin.listener);
    return !b || !b->tls != !c->origin.tls || !b->grpc;
}

void gw_http2_leave(struct worker *w, const struct table *next)
{
    for (struct http2_conn *c = w->http2, *after; c; c = after) {
        after = c->next;
        if (!c->origin.last && !gw_http_find_binding(next, c->origin.listener))
            c->origin.last = gw_http_table_ref(w->table);
        if (!is_last(c, next))
            continue;
        leave(c);
        settle(c);
    }
}

void gw_http2_stop(struct worker *w)
{
    for (struct http2_conn *c = w->http2, *next; c; c = next) {
        next = c->next;
        leave(c);
        settle(c);
    }
}

void gw_http2_give_up(struct worker *w)
{
    struct gw_err err;
    (void)gw_fail(&err, GW_STOPPING, 0, "the message did not come in time");
    for (struct http2_conn *c = w->http2, *next; c; c = next) {
        next = c->next;
        for (struct http2_call *call = c->calls; call; call = call->next)
            http2_call_refuse(call, &err);
        settle(c);
    }
}

void gw_http2_close(struct worker *w)
{
    while (w->http2)
        end(w->http2);
    gw_http2_sweep(w);
}
