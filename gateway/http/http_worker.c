/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/http/http_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/thread.h"

enum {
    ARENA_KEEP = 1024 * 1024,       /* scratch memory that a worker keeps between requests at most … */
    BODIES_KEEP = 16 * 1024 * 1024, /* … and body buffers; */
    BODIES_KEEP_IDLE = 1024 * 1024, /* less when it has had nothing to do for a while */
    ACCEPTS = 16,                   /* connections taken per turn of the loop */
    RUNS = 16,                      /* of libmicrohttpd per turn */
    EVENTS = 32,
    SPARE = 256 /* connections that made way and that libmicrohttpd has not closed yet */
};
static const gw_nsec TICK = 250 * GW_MSEC, WANTED = GW_SEC, QUIET = 10 * GW_SEC;

struct message {
    int fd, listener; /* fd STOP, PARK: no socket, an order */
    struct gw_client *account;
};
enum { STOP = -1, PARK = -2 };

static bool watch(int epoll, int fd, uint32_t events, uint64_t kind, uint64_t index)
{
    struct epoll_event e = {.events = events, .data.u64 = kind << 32 | index};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

void gw_http_conn_state(struct conn *c, enum conn_state state)
{
    bool was = c->state == CONN_RECEIVING || c->state == CONN_ANSWERING, is = state == CONN_RECEIVING || state == CONN_ANSWERING;
    c->worker->busy += (unsigned)is - (unsigned)was;
    c->state = state;
}

/* Connections */

static void find_peer(struct conn *c, const struct sockaddr *sa)
{
    struct ucred cred = {0};
    socklen_t len = sizeof cred;
    c->peer.local = gw_listen_is_local(sa);
    if (sa->sa_family == AF_UNIX && getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
        c->peer.pid = cred.pid;
}

static size_t cost(const struct listener *l)
{
    return GW_HTTP_CONNECTION + (l->tls ? GW_HTTP_TLS : 0);
}

static void conn_open(struct worker *w, struct MHD_Connection *mhd, void **context)
{
    struct conn *c = calloc(1, sizeof *c);
    *context = c;
    atomic_fetch_add_explicit(&w->connections, 1, memory_order_relaxed);
    if (!c)
        return;
    c->worker = w;
    c->listener = w->incoming;
    c->paid = cost(w->incoming);
    memcpy(&c->address, w->incoming_peer, w->incoming_len);
    c->account = w->incoming_account;
    w->incoming = NULL;
    c->mhd = mhd;
    c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    c->idle_since = gw_now();
    c->next = w->conns;
    if (w->conns)
        w->conns->prev = c;
    w->conns = c;
    find_peer(c, w->incoming_peer);
}

static void conn_close(struct worker *w, struct conn *c)
{
    atomic_fetch_sub_explicit(&w->connections, 1, memory_order_relaxed);
    if (!c)
        return;
    gw_http_conn_state(c, CONN_DEAD);
    gw_budget_give(&w->http->places, c->paid);
    gw_body_release(&w->pool, &c->req.body);
    gw_client_limits_leave(w->http->client_limits, c->account);
    if (c->prev)
        c->prev->next = c->next;
    else
        w->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    free(c);
}

static void on_connection(void *worker, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        conn_open(worker, mhd, context);
    else
        conn_close(worker, *context);
}

/* What is the plain end of a pair libmicrohttpd must not take for TCP: it would try TCP's options at every answer. */
void gw_http_enroll(struct worker *w, int fd, const struct listener *l, const struct sockaddr *peer, socklen_t len,
                    struct gw_client *account)
{
    static const struct sockaddr_un local = {.sun_family = AF_UNIX};
    w->incoming = l;
    w->incoming_peer = peer;
    w->incoming_account = account;
    w->incoming_len = len;
    if (l->tls)
        MHD_add_connection(w->mhd, fd, (const struct sockaddr *)&local, sizeof local); /* closes fd itself when it fails, … */
    else
        MHD_add_connection(w->mhd, fd, peer, len);
    if (w->incoming) /* … and then nobody has taken the place */
        gw_http_release_slot(w, l, account);
    w->incoming = NULL;
}

void gw_http_release_slot(struct worker *w, const struct listener *l, struct gw_client *account)
{
    gw_budget_give(&w->http->places, cost(l));
    gw_client_limits_leave(w->http->client_limits, account);
}

/* Its place is paid for (take_slot); conn_open takes that over. */
static void adopt(struct worker *w, int fd, int listener, struct gw_client *account)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;
    const struct listener *l = &w->http->listeners[listener];
    if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0) {
        close(fd); /* gone already */
        gw_http_release_slot(w, l, account);
    } else if (l->tls) {
        gw_http_tls_proxy_begin(w, fd, l, (struct sockaddr *)&peer, len, account);
    } else {
        gw_http_enroll(w, fd, l, (struct sockaddr *)&peer, len, account);
    }
}

static struct worker *least_loaded(struct gw_http *h, unsigned *all)
{
    struct worker *best = &h->workers[0];
    unsigned least = UINT32_MAX;
    *all = 0;
    for (unsigned i = 0; i < h->workers_n; i++) {
        unsigned n = atomic_load_explicit(&h->workers[i].connections, memory_order_relaxed);
        *all += n;
        if (n < least) {
            least = n;
            best = &h->workers[i];
        }
    }
    return best;
}

/* Pays for a place among so many connections. Where there are too many, one of this worker's makes way: they are spread evenly. */
static bool take_slot(struct worker *w, unsigned all, const struct listener *l)
{
    if (all < (uint64_t)w->http->limits.connections && gw_budget_take(&w->http->places, cost(l)))
        return true;
    gw_log(GW_WARNING, "receiver=http", "%u connections are open, the most that connections and max_memory allow", all);
    return (gw_http_tls_proxies_evict(w, gw_now()) || gw_http_evict(w, gw_now())) && gw_budget_take(&w->http->places, cost(l));
}

/* The account of who connects; false when it has used up what it may have. A TLS handshake costs more than a request, and counts as one. */
static bool open_account(struct worker *w, const struct listener *l, const struct sockaddr *peer, struct gw_client **account)
{
    const struct gw_client_limits_conf *limits = &l->sites[0]->client_limits;
    if (!gw_client_limits_apply(limits, peer))
        return true;
    *account = gw_client_limits_enter(w->http->client_limits, peer, limits);
    if (!*account || !l->tls || gw_client_limits_request(*account, limits, gw_now()))
        return *account != NULL;
    gw_client_limits_leave(w->http->client_limits, *account);
    return false;
}

/* Whose bounds are reached is turned away before anybody else has to make way. */
static void place(struct worker *w, int fd, int listener, const struct sockaddr *peer)
{
    unsigned all;
    const struct listener *l = &w->http->listeners[listener];
    struct worker *best = least_loaded(w->http, &all);
    struct message m = {fd, listener, NULL};
    if (!open_account(w, l, peer, &m.account)) {
        gw_http_log_refused(l, peer, GW_PEER_LIMIT);
        gw_http_turn_away(w, l, fd, GW_PEER_LIMIT);
    } else if (!take_slot(w, all, l)) {
        gw_client_limits_leave(w->http->client_limits, m.account);
        gw_http_turn_away(w, l, fd, GW_BUSY);
    } else if (best == w || w->stopping || write(best->inbox[1], &m, sizeof m) != sizeof m) {
        adopt(w, fd, listener, m.account);
    }
}

/* Listeners are shared: the kernel wakes one worker (EPOLLEXCLUSIVE), which places the connection. */
static void listen_on(struct worker *w)
{
    for (size_t i = 0; i < w->http->listeners_n; i++)
        if (w->http->listeners[i].fd >= 0)
            watch(w->epoll, w->http->listeners[i].fd, EPOLLIN | EPOLLEXCLUSIVE, EV_LISTENER, i);
    w->listening = true;
}

static void listen_off(struct worker *w)
{
    for (size_t i = 0; i < w->http->listeners_n; i++)
        if (w->http->listeners[i].fd >= 0)
            epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->http->listeners[i].fd, NULL);
    w->listening = false;
}

void gw_http_worker_watch(struct worker *w, size_t listener)
{
    if (w->listening)
        watch(w->epoll, w->http->listeners[listener].fd, EPOLLIN | EPOLLEXCLUSIVE, EV_LISTENER, listener);
}

void gw_http_worker_unwatch(struct worker *w, size_t listener)
{
    if (w->listening)
        epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->http->listeners[listener].fd, NULL);
}

static void accept_some(struct worker *w, int listener, int most)
{
    for (int i = 0; i < most && w->http->listeners[listener].fd >= 0; i++) {
        struct sockaddr_storage peer = {.ss_family = AF_UNIX};
        socklen_t len = sizeof peer;
        int fd = accept4(w->http->listeners[listener].fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            place(w, fd, listener, (struct sockaddr *)&peer);
        } else if (errno != ECONNABORTED && errno != EINTR) {
            if (errno != EAGAIN) { /* no descriptors, no memory: the next tick tries again */
                gw_log(GW_WARNING, "receiver=http", "connections cannot be accepted: %s (see `ulimit -n`)", strerror(errno));
                listen_off(w);
            }
            return;
        }
    }
}

/* Deadlines */

static void tick(struct worker *w, gw_nsec now)
{
    w->ticked = now;
    for (struct conn *c = w->conns; c; c = c->next)
        gw_http_check_conn(c, now);
    gw_http_tls_proxies_check(w, now);
    gw_http_tls_proxies_sweep(w);
    for (int i = 0; i < MAX_LINGERING; i++)
        if (w->lingering[i].fd >= 0 && now > w->lingering[i].until)
            gw_http_linger_end(&w->lingering[i]);
    if (now - atomic_load_explicit(&w->http->wanting, memory_order_relaxed) < WANTED)
        gw_http_make_room(w, NULL, now); /* memory that another worker needs may be here */
    if (now - w->last_request > QUIET)
        gw_body_pool_trim(&w->pool, BODIES_KEEP_IDLE);
    if (!w->listening && !w->stopping)
        listen_on(w);
}

/* The loop */

static void begin_stop(struct worker *w)
{
    w->stopping = true;
    for (size_t i = 0; i < w->http->listeners_n; i++)
        accept_some(w, (int)i, ACCEPTS);
    if (w->listening)
        listen_off(w);
}

static void stand_by(struct gw_http *h)
{
    gw_lock(&h->park_lock);
    h->parked++;
    pthread_cond_broadcast(&h->park_moved);
    while (h->parking)
        gw_cond_wait(&h->park_moved, &h->park_lock);
    h->parked--;
    pthread_cond_broadcast(&h->park_moved);
    gw_unlock(&h->park_lock);
}

static void read_inbox(struct worker *w)
{
    struct message m[EVENTS];
    ssize_t n = read(w->inbox[0], m, sizeof m);
    for (ssize_t i = 0; i < n / (ssize_t)sizeof *m; i++) {
        if (m[i].fd >= 0)
            adopt(w, m[i].fd, m[i].listener, m[i].account);
        else if (m[i].fd == PARK)
            stand_by(w->http);
        else
            begin_stop(w);
    }
}

static void dispatch(struct worker *w, uint64_t what)
{
    uint32_t index = (uint32_t)what;
    if (what & EV_TLS_PROXY)
        gw_http_tls_proxy_run((struct tls_proxy *)(uintptr_t)(what & ~EV_TLS_PROXY));
    else if (what >> 32 == EV_INBOX)
        read_inbox(w);
    else if (what >> 32 == EV_LISTENER)
        accept_some(w, (int)index, ACCEPTS);
    else if (what >> 32 == EV_LINGER)
        gw_http_linger_read(w, &w->lingering[index]);
}

static bool has_work(struct worker *w)
{
    MHD_UNSIGNED_LONG_LONG ms;
    return MHD_get_timeout(w->mhd, &ms) == MHD_YES && ms == 0;
}

/* How long the worker may sleep, in ms; 0 when libmicrohttpd has work at hand. An idle worker wakes for its deadlines only. */
static int nap(struct worker *w)
{
    if (has_work(w))
        return 0;
    bool work = w->conns || w->proxies || !w->listening || w->pool.kept_bytes > BODIES_KEEP_IDLE;
    for (int i = 0; i < MAX_LINGERING && !work; i++)
        work = w->lingering[i].fd >= 0;
    if (w->delayed)
        return (int)(GW_HTTP_DELAY_TICK / GW_MSEC);
    return work ? (int)(TICK / GW_MSEC) : -1;
}

/* The requests that are under way when a stop begins come to their end; at stop_by what is still being sent to us is told 503. */
static bool may_end(struct worker *w, gw_nsec now)
{
    if (!w->stopping)
        return false;
    if (w->busy == 0 && !has_work(w))
        return true;
    if (now < w->stop_by)
        return false;
    struct gw_err err;
    (void)gw_fail(&err, GW_STOPPING, 0, "the body did not come in time");
    for (struct conn *c = w->conns; c; c = c->next)
        if (c->state == CONN_RECEIVING)
            gw_http_refuse(c, &err);
    return true;
}

static void turn(struct worker *w)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(w->epoll, events, EVENTS, nap(w));
    for (int i = 0; i < n; i++)
        dispatch(w, events[i].data.u64);
    gw_http_tls_proxies_sweep(w);
    gw_http_delayed_check(w, gw_now());
    int runs = 0;
    do /* each reads 16 KiB of every connection that has some: more than one of them for each look at our own epoll */
        MHD_run(w->mhd);
    while (++runs < RUNS && has_work(w));
    gw_nsec now = gw_now();
    if (now - w->ticked >= TICK)
        tick(w, now);
}

static void *run(void *worker)
{
    struct worker *w = worker;
    do
        turn(w);
    while (!may_end(w, gw_now()));
    return NULL;
}

/* Path and query as they were sent: nobody here needs "%41" to be "A", and "%00" would cut the path. */
static size_t leave_escaped(void *cls, struct MHD_Connection *c, char *text)
{
    return strlen(text);
}

static struct MHD_Daemon *start_mhd(struct worker *w)
{
    unsigned idle = (unsigned)(w->http->limits.idle_timeout / GW_SEC);
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, gw_http_on_request, w,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)GW_HTTP_CONNECTION, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)w->http->limits.connections + SPARE, MHD_OPTION_CONNECTION_TIMEOUT, idle, MHD_OPTION_NOTIFY_COMPLETED,
                            gw_http_on_completed, w, MHD_OPTION_NOTIFY_CONNECTION, on_connection, w, MHD_OPTION_UNESCAPE_CALLBACK,
                            leave_escaped, NULL, MHD_OPTION_END);
}

/* What a worker may keep unused: all of them together a sixteenth of the memory at most. */
static size_t share(const struct gw_http *h, size_t most)
{
    size_t share = h->budget->limit / 16 / h->threads;
    return share < most ? share : most;
}

bool gw_http_worker_open(struct worker *w, struct gw_http *h, unsigned index)
{
    *w = (struct worker){.http = h, .index = index, .epoll = -1, .inbox = {-1, -1}};
    w->delayed_end = &w->delayed;
    for (int i = 0; i < MAX_LINGERING; i++)
        w->lingering[i].fd = -1;
    gw_arena_init(&w->arena, h->scratch[index].limit);
    w->arena.account = &h->scratch[index];
    w->arena_keep = share(h, ARENA_KEEP);
    gw_body_pool_init(&w->pool, h->budget, &h->bodies, share(h, BODIES_KEEP));
    w->inflater = gw_inflater_new();
    w->mhd = start_mhd(w);
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!w->inflater || !w->mhd || w->epoll < 0 || pipe2(w->inbox, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    int mhd = MHD_get_daemon_info(w->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    listen_on(w);
    return watch(w->epoll, mhd, EPOLLIN, EV_MHD, 0) && watch(w->epoll, w->inbox[0], EPOLLIN, EV_INBOX, 0);
}

bool gw_http_worker_start(struct worker *w, struct gw_err *err)
{
    char name[GW_THREAD_NAME];
    snprintf(name, sizeof name, "http/%u", w->index);
    w->running = gw_thread_start(&w->thread, &(struct gw_thread){name, "receiver=http", run, w}, err);
    return w->running;
}

void gw_http_worker_stop(struct worker *w, gw_nsec until)
{
    static const struct message stop = {.fd = STOP};
    w->stop_by = until; /* the pipe orders it before the worker's reading of it */
    if (w->running && write(w->inbox[1], &stop, sizeof stop) != sizeof stop)
        gw_log(GW_ERROR, "receiver=http", "worker %u cannot be told to stop: %s", w->index, strerror(errno));
}

/* A full inbox empties within a turn. */
static void order_to_park(struct worker *w)
{
    static const struct message park = {.fd = PARK};
    static const struct timespec moment = {.tv_nsec = 100 * GW_USEC};
    while (write(w->inbox[1], &park, sizeof park) != sizeof park)
        nanosleep(&moment, NULL);
}

void gw_http_park(struct gw_http *h)
{
    gw_lock(&h->park_lock);
    h->parking = true;
    gw_unlock(&h->park_lock);
    for (unsigned i = 0; i < h->workers_n; i++)
        order_to_park(&h->workers[i]);
    gw_lock(&h->park_lock);
    while (h->parked < h->workers_n)
        gw_cond_wait(&h->park_moved, &h->park_lock);
    gw_unlock(&h->park_lock);
}

void gw_http_resume(struct gw_http *h)
{
    gw_lock(&h->park_lock);
    h->parking = false;
    pthread_cond_broadcast(&h->park_moved);
    while (h->parked > 0)
        gw_cond_wait(&h->park_moved, &h->park_lock);
    gw_unlock(&h->park_lock);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void gw_http_worker_close(struct worker *w)
{
    if (w->running)
        pthread_join(w->thread, NULL);
    if (w->mhd)
        MHD_stop_daemon(w->mhd);
    gw_http_tls_proxies_close(w);
    for (int i = 0; i < MAX_LINGERING; i++)
        gw_http_linger_end(&w->lingering[i]);
    close_fd(w->epoll);
    close_fd(w->inbox[0]);
    close_fd(w->inbox[1]);
    gw_inflater_drop(w->inflater);
    gw_body_pool_fini(&w->pool);
    gw_arena_fini(&w->arena);
}
