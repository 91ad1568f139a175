/* http_worker.c: runs a worker's loop: waits for events, has connections accepted, runs libmicrohttpd, checks
 * deadlines. When a reload publishes another table, the worker changes over between two turns of its loop.
 * Owns the worker's epoll and its thread. Started and stopped by http.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/http/http_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/pulse.h"
#include "core/base/thread.h"

enum {
    ARENA_KEEP = 1024 * 1024,       /* scratch memory that a worker keeps between requests, at most … */
    BODIES_KEEP = 16 * 1024 * 1024, /* … and body buffers; */
    BODIES_KEEP_IDLE = 1024 * 1024, /* less after it has been idle for a while */
    ACCEPTS = 16,                   /* connections accepted per turn of the loop … */
    BACKLOG = 1024,                 /* … and at an address that is about to be closed */
    RUNS = 16,                      /* runs of libmicrohttpd per turn */
    EVENTS = 32,
    SPARE = 256 /* connections that were evicted and that libmicrohttpd has not closed yet */
};
static const gw_nsec TICK = 250 * GW_MSEC, WANTED = GW_SEC, QUIET = 10 * GW_SEC;

/* If the worker changed over in the same turn, an event may refer to a binding of the previous table: then a
 * different listener is checked, which does no harm. */
static void accept_at(struct worker *w, uint32_t binding)
{
    if (binding < w->table->n)
        gw_http_accept(w, &w->table->bindings[binding], ACCEPTS);
}

/* Deadlines */

static void tick(struct worker *w, gw_nsec now)
{
    w->ticked = now;
    for (struct conn *c = w->conns; c; c = c->next)
        gw_http_check_conn(c, now);
    gw_http_later_collect(w);
    gw_http_tls_proxies_check(w, now);
    gw_http_tls_proxies_sweep(w);
    gw_http2_check(w, now - atomic_load_explicit(&w->http->wanting, memory_order_relaxed) < WANTED, now);
    for (int i = 0; i < MAX_LINGERING; i++)
        if (w->lingering[i].fd >= 0 && now > w->lingering[i].until)
            gw_http_linger_end(&w->lingering[i]);
    if (now - atomic_load_explicit(&w->http->wanting, memory_order_relaxed) < WANTED)
        gw_http_make_room(w, NULL, now); /* another worker may need memory that this worker holds */
    if (now - w->last_request > QUIET)
        gw_body_pool_trim(&w->pool, BODIES_KEEP_IDLE);
    if (!w->listening && !w->stopping)
        gw_http_listen_on(w);
}

/* The loop */

static void begin_stop(struct worker *w)
{
    w->stopping = true;
    for (size_t i = 0; i < w->table->n; i++)
        gw_http_accept(w, &w->table->bindings[i], ACCEPTS);
    gw_http_listen_off(w);
    gw_http2_stop(w);
}

/* Clients that connected before the descriptor of an address is closed are still served. */
static void accept_last(struct worker *w, const struct table *next)
{
    for (size_t i = 0; i < w->table->n; i++)
        if (!gw_http_find_binding(next, w->table->bindings[i].listener->number))
            gw_http_accept(w, &w->table->bindings[i], BACKLOG);
}

static void conns_leave(struct worker *w, const struct table *next)
{
    gw_nsec now = gw_now();
    for (struct conn *c = w->conns; c; c = c->next)
        if (!c->origin.last && !gw_http_find_binding(next, c->origin.listener)) {
            c->origin.last = gw_http_table_ref(w->table);
            c->left_at = now;
        }
}

/* Open requests have a reference to the table with which they began. */
static void change_over(struct worker *w)
{
    struct table *next = gw_http_table_current(w->http), *before = w->table;
    gw_http_listen_off(w);
    accept_last(w, next);
    conns_leave(w, next);
    gw_http_tls_proxies_leave(w, next);
    gw_http2_leave(w, next);
    w->table = next;
    if (!w->stopping)
        gw_http_listen_on(w);
    gw_http_table_drop(before);
    gw_lock(&w->http->lock);
    if (--w->http->due == 0)
        pthread_cond_signal(&w->http->changed_over);
    gw_unlock(&w->http->lock);
}

static void read_inbox(struct worker *w)
{
    struct message m[EVENTS];
    ssize_t n = read(w->inbox[0], m, sizeof m);
    for (ssize_t i = 0; i < n / (ssize_t)sizeof *m; i++) {
        if (m[i].fd >= 0)
            gw_http_adopt(w, m[i].fd, &m[i].origin);
        else if (m[i].fd == CHANGE)
            change_over(w);
        else if (m[i].fd == LATER)
            gw_http_later_collect(w);
        else
            begin_stop(w);
    }
}

static void dispatch(struct worker *w, uint64_t what)
{
    uint32_t index = (uint32_t)what;
    if (what & EV_TLS_PROXY)
        gw_http_tls_proxy_run((struct tls_proxy *)(uintptr_t)(what & ~EV_TLS_PROXY));
    else if (what & EV_HTTP2)
        gw_http2_run((struct http2_conn *)(uintptr_t)(what & ~EV_HTTP2));
    else if (what >> 32 == EV_INBOX)
        read_inbox(w);
    else if (what >> 32 == EV_LISTENER)
        accept_at(w, index);
    else if (what >> 32 == EV_LINGER)
        gw_http_linger_read(w, &w->lingering[index]);
}

static bool has_work(struct worker *w)
{
    MHD_UNSIGNED_LONG_LONG ms;
    return MHD_get_timeout(w->mhd, &ms) == MHD_YES && ms == 0;
}

/* Returns how long the worker may sleep, in ms; 0 if libmicrohttpd has work. An idle worker wakes only for
 * its deadlines. */
static int nap(struct worker *w)
{
    if (has_work(w))
        return 0;
    bool work = w->conns || w->proxies || w->http2 || !w->listening || w->pool.kept_bytes > BODIES_KEEP_IDLE;
    for (int i = 0; i < MAX_LINGERING && !work; i++)
        work = w->lingering[i].fd >= 0;
    if (w->delayed || w->held_calls)
        return (int)(GW_HTTP_DELAY_TICK / GW_MSEC);
    return work ? (int)(TICK / GW_MSEC) : -1;
}

static void give_up(struct worker *w, enum conn_state state, const char *why)
{
    struct gw_err err;
    (void)gw_fail(&err, GW_STOPPING, 0, "%s", why);
    for (struct conn *c = w->conns; c; c = c->next) {
        if (c->state != state)
            continue;
        gw_http_refuse(c, &err);
        if (state != CONN_WAITING)
            continue;
        gw_http_later_end(c);
        MHD_resume_connection(c->mhd);
    }
}

/* Requests that are open when a stop begins may finish; at stop_by, uploads and requests that wait for
 * another thread get 503. */
static bool may_end(struct worker *w, gw_nsec now)
{
    if (!w->stopping)
        return false;
    if (w->busy == 0 && !has_work(w))
        return true;
    if (now < w->stop_by)
        return false;
    give_up(w, CONN_RECEIVING, "the body did not come in time");
    give_up(w, CONN_WAITING, "its upstream did not answer in time");
    gw_http2_give_up(w);
    return true;
}

static void turn(struct worker *w)
{
    struct epoll_event events[EVENTS];
    int sleep = nap(w);
    gw_pulse_rests();
    int n = epoll_wait(w->epoll, events, EVENTS, sleep);
    gw_pulse_works(gw_now());
    for (int i = 0; i < n; i++)
        dispatch(w, events[i].data.u64);
    gw_http_tls_proxies_sweep(w);
    gw_http_delayed_check(w, gw_now());
    gw_http2_held_check(w, gw_now());
    gw_http2_sweep(w);
    int runs = 0;
    /* Each run reads 16 KiB of every connection with data, so there are several runs for each check of the
     * worker's own epoll. */
    do
        MHD_run(w->mhd);
    while (++runs < RUNS && has_work(w));
    if (w->at_fault)
        gw_http_recv_check(w);
    gw_nsec now = gw_now();
    if (now - w->ticked >= TICK)
        tick(w, now);
}

static void *run(void *worker)
{
    struct worker *w = worker;
    gw_http_recv_begin(w);
    do
        turn(w);
    while (!may_end(w, gw_now()));
    return NULL;
}

/* Path and query are kept as they were sent: no route needs "%41" to be "A", and "%00" would end the path. */
static size_t leave_escaped(void *cls, struct MHD_Connection *c, char *text)
{
    return strlen(text);
}

/* A daemon belongs to one worker. From 1.0 on, libmicrohttpd would otherwise defer a new connection to a
 * later MHD_run in case another thread added it; this way the connection begins within MHD_add_connection. */
#if MHD_VERSION >= 0x00097707
#define ONE_THREAD MHD_USE_NO_THREAD_SAFETY
#else
#define ONE_THREAD 0
#endif

static struct MHD_Daemon *start_mhd(struct worker *w)
{
    unsigned idle = (unsigned)(w->http->began.idle_timeout / GW_SEC);
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | ONE_THREAD,
                            0, NULL, NULL, gw_http_on_request, w, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)GW_HTTP_CONNECTION, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)w->http->began.connections + SPARE, MHD_OPTION_CONNECTION_TIMEOUT, idle,
                            MHD_OPTION_NOTIFY_COMPLETED, gw_http_on_completed, w,
                            MHD_OPTION_NOTIFY_CONNECTION, gw_http_on_connection, w,
                            MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_END);
}

/* Returns what a worker may keep unused: all workers together at most a sixteenth of max_memory. */
static size_t share(const struct gw_http *h, size_t most)
{
    size_t share = h->budget->limit / 16 / h->threads;
    return share < most ? share : most;
}

bool gw_http_worker_open(struct worker *w, struct gw_http *h, unsigned index)
{
    *w = (struct worker){
        .http = h, .index = index, .epoll = -1, .inbox = {-1, -1}, .table = gw_http_table_current(h)};
    w->delayed_end = &w->delayed;
    w->held_calls_end = &w->held_calls;
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
    gw_http_listen_on(w);
    return gw_http_watch(w->epoll, mhd, EPOLLIN, EV_MHD, 0) &&
           gw_http_watch(w->epoll, w->inbox[0], EPOLLIN, EV_INBOX, 0);
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
    w->stop_by = until; /* the pipe write happens before the worker's read */
    if (w->running && write(w->inbox[1], &stop, sizeof stop) != sizeof stop)
        gw_log(GW_ERROR, "receiver=http", "worker %u cannot be told to stop: %s", w->index, strerror(errno));
}

/* A full inbox empties within a turn. */
static void order_to_change(struct worker *w)
{
    static const struct message change = {.fd = CHANGE};
    static const struct timespec moment = {.tv_nsec = 100 * GW_USEC};
    while (write(w->inbox[1], &change, sizeof change) != sizeof change)
        nanosleep(&moment, NULL);
}

void gw_http_change_over(struct gw_http *h)
{
    gw_lock(&h->lock);
    h->due = h->workers_n;
    gw_unlock(&h->lock);
    for (unsigned i = 0; i < h->workers_n; i++)
        order_to_change(&h->workers[i]);
    gw_lock(&h->lock);
    while (h->due > 0)
        gw_cond_wait(&h->changed_over, &h->lock);
    gw_unlock(&h->lock);
}

void gw_http_worker_join(struct worker *w)
{
    if (w->running)
        pthread_join(w->thread, NULL);
    w->running = false;
}

/* Closes connections that another worker handed over after this one had ended. */
static void empty_inbox(struct worker *w)
{
    struct message m;
    while (w->inbox[0] >= 0 && read(w->inbox[0], &m, sizeof m) == sizeof m)
        if (m.fd >= 0) {
            close(m.fd);
            gw_http_release_slot(w, &m.origin);
        }
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void gw_http_worker_close(struct worker *w)
{
    empty_inbox(w);
    if (w->mhd)
        MHD_stop_daemon(w->mhd);
    gw_http2_close(w);
    gw_http_tls_proxies_close(w);
    for (int i = 0; i < MAX_LINGERING; i++)
        gw_http_linger_end(&w->lingering[i]);
    close_fd(w->epoll);
    close_fd(w->inbox[0]);
    close_fd(w->inbox[1]);
    free(w->by_fd);
    gw_inflater_drop(w->inflater);
    gw_body_pool_fini(&w->pool);
    gw_arena_fini(&w->arena);
    gw_http_table_drop(w->table);
}
