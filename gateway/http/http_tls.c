/* http_tls.c: TLS in front of libmicrohttpd. Owns the worker's list of tls_proxy, one for each connection.
 * Called by the worker's loop, on its thread.
 *
 *     client ◀── TCP, records ──▶ tls_proxy ◀── socket pair, plain ──▶ libmicrohttpd
 *
 * libmicrohttpd could use TLS itself, but (0.9.75, with epoll) it repeats a handshake without waiting for
 * the client, so a stalled client uses a whole core. Here a connection is handed over when its handshake
 * has finished. Operations on the descriptor of a plain connection, such as an answer directly to the
 * socket or a shutdown, also work for the plain end of a pair.
 *
 * Both descriptors are edge-triggered, and each event moves data in both directions; the size of the pair's
 * buffer bounds a turn. A tls_proxy holds only the record that did not fit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "gateway/http/http_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/base/log.h"

enum { RECORD = 16 * 1024 };
static const gw_nsec HASTE = GW_SEC; /* limit of a handshake if another connection needs the memory */

struct tls_proxy {
    struct tls_proxy *prev, *next; /* in worker->pumps */
    struct worker *worker;
    /* When there is a pair, libmicrohttpd's connection owns the account, the charge and the table. */
    struct origin origin;
    struct sockaddr_storage peer;
    int tcp, pair; /* pair: -1 until the handshake has finished */
    gnutls_session_t session;
    struct gw_tls_keys *keys;
    gw_nsec since;
    bool spoken, blocked; /* the client sent something; GnuTLS holds a record that TCP did not take */
    char *held;           /* what the pair did not take */
    size_t held_from, held_to;
};

/* Life */

static bool watch_proxy(struct tls_proxy *p, int fd)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                            .data.u64 = EV_TLS_PROXY | (uint64_t)(uintptr_t)p};
    return epoll_ctl(p->worker->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

static void unlink_proxy(struct tls_proxy *p)
{
    if (p->prev)
        p->prev->next = p->next;
    else
        p->worker->proxies = p->next;
    if (p->next)
        p->next->prev = p->prev;
}

/* Closes everything. The memory is freed at the end of the worker's turn, because another event of the turn
 * may refer to it. The socket may live on as a copy that lingers, so it is removed from epoll. */
static void end(struct tls_proxy *p)
{
    struct worker *w = p->worker;
    if (p->pair >= 0) {
        close(p->pair);
    } else {
        atomic_fetch_sub_explicit(&w->connections, 1, memory_order_relaxed);
        gw_http_release_slot(w, &p->origin);
    }
    epoll_ctl(w->epoll, EPOLL_CTL_DEL, p->tcp, NULL);
    close(p->tcp);
    p->tcp = -1;
    gnutls_deinit(p->session);
    gw_tls_give(p->keys);
    free(p->held);
    unlink_proxy(p);
    p->next = w->ended_proxies;
    w->ended_proxies = p;
}

void gw_http_tls_proxies_sweep(struct worker *w)
{
    while (w->ended_proxies) {
        struct tls_proxy *p = w->ended_proxies;
        w->ended_proxies = p->next;
        free(p);
    }
}

void gw_http_tls_proxies_leave(struct worker *w, const struct table *next)
{
    for (struct tls_proxy *p = w->proxies; p; p = p->next)
        if (p->pair < 0 && !p->origin.last && !gw_http_find_binding(next, p->origin.listener))
            p->origin.last = gw_http_table_ref(w->table);
}

/* Takes the keys from the table under which the connection was accepted, because the address used TLS
 * there. */
static struct gw_tls_keys *take_keys(const struct worker *w, const struct origin *o, gw_nsec now)
{
    return gw_tls_take(gw_http_find_binding(o->last ? o->last : w->table, o->listener)->tls, now);
}

/* Clients of gRPC require ALPN. */
static void offer_http2(gnutls_session_t session)
{
    static const gnutls_datum_t protocol = {(unsigned char *)"h2", 2};
    gnutls_alpn_set_protocols(session, &protocol, 1, 0);
}

static struct tls_proxy *new_proxy(struct worker *w, int fd, const struct origin *o)
{
    struct tls_proxy *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->worker = w;
    p->tcp = fd;
    p->pair = -1;
    p->since = gw_now();
    p->keys = take_keys(w, o, p->since);
    p->session = gw_tls_session(p->keys, fd);
    if (p->session && gw_http_find_binding(o->last ? o->last : w->table, o->listener)->grpc)
        offer_http2(p->session);
    if (p->session && watch_proxy(p, fd))
        return p;
    if (p->session)
        gnutls_deinit(p->session);
    gw_tls_give(p->keys);
    free(p);
    return NULL;
}

void gw_http_tls_proxy_begin(struct worker *w, int fd, struct origin *o, const struct sockaddr *peer,
                             socklen_t len)
{
    struct tls_proxy *p = new_proxy(w, fd, o);
    if (!p) {
        gw_http_release_slot(w, o);
        close(fd);
        return;
    }
    memcpy(&p->peer, peer, len);
    p->origin = *o;
    p->next = w->proxies;
    if (w->proxies)
        w->proxies->prev = p;
    w->proxies = p;
    atomic_fetch_add_explicit(&w->connections, 1, memory_order_relaxed);
}

/* Handshake */

/* Answers plain HTTP on an https:// address; a TLS record never begins with a capital letter. */
static void answer_plain_http(struct tls_proxy *p)
{
    static const char body[] = "TLS is spoken here: write https:// in the URL\n";
    char text[256];
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: "
                     "%zu\r\nConnection: close\r\n\r\n%s",
                     sizeof body - 1, body);
    (void)!send(p->tcp, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(p->tcp, SHUT_WR);
    gw_http_linger(p->worker, p->tcp);
}

/* A client that sent nothing is a load balancer's probe, which is not a failure. */
static void note_failure(const struct tls_proxy *p, int error)
{
    const struct binding *b = gw_http_binding(p->worker, &p->origin);
    char why[256];
    gnutls_datum_t text = {0};
    if (!p->spoken)
        return;
    atomic_fetch_add_explicit(&b->sites[0]->counts.failed_handshakes, 1, memory_order_relaxed);
    if (error == GNUTLS_E_FATAL_ALERT_RECEIVED)
        snprintf(why, sizeof why, "the client says: %s", gnutls_alert_get_name(gnutls_alert_get(p->session)));
    else if (error == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR &&
             gnutls_certificate_verification_status_print(gnutls_session_get_verify_cert_status(p->session),
                                                          GNUTLS_CRT_X509, &text, 0) == 0)
        snprintf(why, sizeof why, "the client's certificate: %s", (const char *)text.data);
    /* OpenSSL's clients send the alert unencrypted although TLS 1.3 requires encryption */
    else if (error == GNUTLS_E_DECRYPTION_FAILED)
        snprintf(why, sizeof why,
                 "the client gave up, most likely because it does not trust the certificate");
    else
        snprintf(why, sizeof why, "%s", gnutls_strerror(error));
    gnutls_free(text.data);
    gw_http_log_client(b, (const struct sockaddr *)&p->peer, "TLS handshake failed", why);
}

/* Hands the plain end to libmicrohttpd. */
static bool hand_over(struct tls_proxy *p)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    p->pair = pair[0];
    /* it counts as a connection from here on */
    atomic_fetch_sub_explicit(&p->worker->connections, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&gw_http_binding(p->worker, &p->origin)->sites[0]->counts.handshakes, 1,
                              memory_order_relaxed);
    gw_http_hand_over(p->worker, pair[1], &p->origin, (const struct sockaddr *)&p->peer, sizeof p->peer);
    return watch_proxy(p, p->pair);
}

/* Returns true if the handshake has finished successfully. Returns false with *going set if it waits for the
 * client. */
static bool shake(struct tls_proxy *p, bool *going)
{
    char first;
    ssize_t n = p->spoken ? 1 : recv(p->tcp, &first, 1, MSG_PEEK);
    *going = n < 0 && (errno == EAGAIN || errno == EINTR);
    if (n <= 0)
        return false;
    if (!p->spoken && first >= 'A' && first <= 'Z') {
        answer_plain_http(p);
        return false;
    }
    p->spoken = true;
    int rc;
    do
        rc = gnutls_handshake(p->session);
    while (rc < 0 && rc != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(rc));
    *going = rc == GNUTLS_E_AGAIN;
    if (rc < 0 && !*going) {
        note_failure(p, rc);
        gnutls_alert_send_appropriate(p->session, rc);
    }
    return rc == 0 && hand_over(p);
}

/* Moving */

static bool would_block(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* Sends the record that was kept. Returns false if the other end is closed. */
static bool push_held(struct tls_proxy *p)
{
    while (p->held_from < p->held_to) {
        ssize_t n =
            send(p->pair, p->held + p->held_from, p->held_to - p->held_from, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
            return would_block();
        p->held_from += (size_t)n;
    }
    free(p->held);
    p->held = NULL;
    return true;
}

static bool hold(struct tls_proxy *p, const char *data, size_t size)
{
    p->held = malloc(size);
    if (!p->held)
        return false;
    memcpy(p->held, data, size);
    p->held_from = 0;
    p->held_to = size;
    return push_held(p);
}

/* Moves data from the client. If the client ends its side, that is passed on, and answers can still be
 * sent. */
static bool move_in(struct tls_proxy *p)
{
    char data[RECORD];
    if (p->held && !push_held(p))
        return false;
    while (!p->held) {
        ssize_t n = gnutls_record_recv(p->session, data, sizeof data);
        if (n == GNUTLS_E_AGAIN)
            return true;
        if (n == 0)
            return shutdown(p->pair, SHUT_WR) == 0;
        if (n < 0 && (gnutls_error_is_fatal((int)n) || n == GNUTLS_E_REHANDSHAKE))
            return false;
        if (n < 0)
            continue; /* a warning or an interruption */
        ssize_t sent = send(p->pair, data, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && !would_block())
            return false;
        sent = sent < 0 ? 0 : sent;
        if (sent < n && !hold(p, data + sent, (size_t)(n - sent)))
            return false;
    }
    return true;
}

/* Moves data to the client. Returns false if libmicrohttpd has closed its end and everything it wrote has
 * been sent. */
static bool move_out(struct tls_proxy *p)
{
    char data[RECORD];
    size_t most = gnutls_record_get_max_size(p->session);
    for (;;) {
        ssize_t n = 0;
        if (p->blocked) /* GnuTLS continues with the record that it holds */
            n = gnutls_record_send(p->session, NULL, 0);
        else if ((n = recv(p->pair, data, most < sizeof data ? most : sizeof data, MSG_DONTWAIT)) > 0)
            n = gnutls_record_send(p->session, data, (size_t)n);
        else if (n < 0 && would_block())
            return true;
        else
            break;
        p->blocked = n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED;
        if (p->blocked)
            return true;
        if (n < 0)
            return false;
    }
    gnutls_bye(p->session, GNUTLS_SHUT_WR);
    return false;
}

void gw_http_tls_proxy_run(struct tls_proxy *p)
{
    bool going = true;
    if (p->tcp < 0)
        return; /* ended earlier in this turn */
    if (p->pair < 0 && !shake(p, &going)) {
        if (!going)
            end(p);
        return;
    }
    if (!move_in(p) || !move_out(p))
        end(p);
}

/* Deadlines */

void gw_http_tls_proxies_check(struct worker *w, gw_nsec now)
{
    for (struct tls_proxy *p = w->proxies, *next; p; p = next) {
        next = p->next;
        if (p->pair < 0 && now - p->since > gw_http_binding(w, &p->origin)->sites[0]->limits.receive_timeout)
            end(p);
    }
}

bool gw_http_tls_proxies_evict(struct worker *w, gw_nsec now)
{
    struct tls_proxy *oldest = NULL;
    for (struct tls_proxy *p = w->proxies; p; p = p->next)
        if (p->pair < 0 && now - p->since > HASTE && (!oldest || p->since < oldest->since))
            oldest = p;
    if (oldest)
        end(oldest);
    return oldest != NULL;
}

void gw_http_tls_proxies_close(struct worker *w)
{
    for (struct tls_proxy *p = w->proxies, *next; p; p = next) {
        next = p->next;
        if (p->pair < 0 || move_out(p)) /* the last answers; libmicrohttpd has closed its ends */
            gnutls_alert_send(p->session, GNUTLS_AL_WARNING, GNUTLS_A_CLOSE_NOTIFY);
        end(p);
    }
    gw_http_tls_proxies_sweep(w);
}
