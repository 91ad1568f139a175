/* stream.c: Runs a stream: its life, its loop, and its sinks. It decides when sinks are flushed, and when a
 * full queue stops the reading. Owns the thread, both epolls and the sinks. Connections and datagrams of the
 * stream call stream_take; receivers call it through stream.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* pthread_setname_np */
#include "gateway/receivers/stream/stream_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/thread.h"

enum { EVENTS = 64 };
static const gw_nsec TICK = GW_SEC, LAST_PAUSE = 5 * GW_MSEC;

bool stream_watch(int epoll, int fd, void *what)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = what};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0 || errno == EEXIST;
}

void stream_unwatch(int epoll, int fd)
{
    (void)epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL); /* fails only where it is not watched */
}

static bool can_wait(const struct stream_listener *l)
{
    return l->kind != STREAM_UDP;
}

static bool has_connections(const struct stream_listener *l)
{
    return l->kind == STREAM_TCP || l->kind == STREAM_UNIX;
}

/* Feeds */

static enum stream_what inner_tag = STREAM_INNER, wake_tag = STREAM_WAKE;

static void hold_back(struct stream *s)
{
    if (!s->full) {
        stream_unwatch(s->epoll, s->inner);
        atomic_fetch_add_explicit(&s->set.counts->waits, 1, memory_order_relaxed);
        s->pause = 0;
    }
    s->pause = gw_log_sink_pause(s->pause);
    if (s->pause == GW_LOG_SINK_LONGEST)
        gw_log(GW_WARNING, s->set.component,
               "the exporters' queues are full: ddgate reads nothing, and senders wait, until there is room");
    s->full = true;
    s->retry = gw_now() + s->pause;
}

/* While nothing was read, no connection was idle. Where the system has no memory to watch them again, that is
 * tried again later. */
static void go_on(struct stream *s)
{
    gw_nsec now = gw_now();
    if (!stream_watch(s->epoll, s->inner, &inner_tag)) {
        gw_log(GW_WARNING, s->set.component,
               "connections cannot be watched, and are read later: %s (see fs.epoll.max_user_watches)",
               strerror(errno));
        s->pause = gw_log_sink_pause(s->pause);
        s->retry = now + s->pause;
        return;
    }
    s->full = false;
    for (struct stream_conn *c = s->conns; c; c = c->next)
        c->last_active = now;
}

static void flush_sink(struct stream *s)
{
    if (!gw_log_sink_empty(s->sink) && gw_log_sink_flush(s->sink, NULL, true) != GW_OK)
        hold_back(s);
    else if (s->full)
        go_on(s);
}

static void flush_loose(struct stream *s)
{
    if (gw_log_sink_empty(s->loose))
        return;
    if (gw_log_sink_flush(s->loose, NULL, false) != GW_OK)
        gw_log(GW_WARNING, s->set.component,
               "the exporters' queues are full: records that came by UDP are lost and counted as refused");
}

static void flush(struct stream *s)
{
    s->due = GW_NEVER;
    flush_loose(s);
    if (!s->full)
        flush_sink(s);
}

void stream_take(struct stream *s, struct gw_log_sink *sink, const struct stream_record *r)
{
    struct stream_counts *n = s->set.counts;
    atomic_fetch_add_explicit(&n->records, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&n->bytes, r->text.len, memory_order_relaxed);
    atomic_fetch_add_explicit(&n->cut, r->cut > 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&n->torn, r->torn != NULL, memory_order_relaxed);
    bool worth = s->set.record(s->set.ctx, sink, r);
    if (s->due == GW_NEVER)
        s->due = gw_now() + STREAM_LINGER;
    if (worth && sink == s->loose)
        flush_loose(s);
    else if (worth && !s->full)
        flush_sink(s);
}

size_t stream_attrs(const struct stream_record *r, struct log_attr attrs[static STREAM_ATTRS])
{
    size_t n = 0;
    if (*r->peer->address) {
        attrs[n++] = (struct log_attr){.key = GW_STR("client.address"), .text = gw_str_z(r->peer->address)};
        attrs[n++] = (struct log_attr){.key = GW_STR("client.port"), .is_int = true, .number = r->peer->port};
    }
    if (r->torn)
        attrs[n++] = (struct log_attr){.key = GW_STR("log.record.incomplete"), .text = gw_str_z(r->torn)};
    return n;
}

gw_str stream_host(const struct gw_host *host, const struct stream_record *r)
{
    return r->peer->local ? host->host_name : GW_NOSTR;
}

/* The loop */

static bool listen_on(struct stream *s)
{
    bool good = true;
    for (size_t i = 0; i < s->listeners_n; i++)
        if (has_connections(&s->listeners[i]) && s->listeners[i].fd >= 0)
            good = stream_watch(s->epoll, s->listeners[i].fd, &s->listeners[i]) && good;
    s->accepting = good;
    return good;
}

/* Where the system has no memory to watch a listener, that is tried again at the next tick. */
static void resume_accepting(struct stream *s)
{
    if (!listen_on(s))
        gw_log(GW_WARNING, s->set.component,
               "listeners cannot be watched, and accept later: %s (see fs.epoll.max_user_watches)",
               strerror(errno));
}

static void begin_stop(struct stream *s, gw_nsec now)
{
    if (s->stopping || atomic_load(&s->pausing))
        return;
    s->stopping = true;
    gw_log_sink_stop(s->sink);
    s->stop_by = now + STREAM_STOP;
    stream_unwatch(s->epoll, s->wake);
    for (size_t i = 0; i < s->listeners_n; i++)
        if (has_connections(&s->listeners[i]) && s->listeners[i].fd >= 0) {
            stream_accept(s, &s->listeners[i]);
            stream_unwatch(s->epoll, s->listeners[i].fd);
        }
}

static void listener_event(struct stream *s, struct stream_listener *l)
{
    if (has_connections(l)) {
        stream_accept(s, l);
        return;
    }
    for (int i = 0;
         i < STREAM_DATAGRAM_TURNS && (l->kind == STREAM_UDP || !s->full) && stream_datagram_read(s, l); i++)
        ;
}

static void inner_event(struct stream *s)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(s->inner, events, EVENTS, 0);
    for (int i = 0; i < n && !s->full; i++) {
        if (*(enum stream_what *)events[i].data.ptr == STREAM_SOCKET)
            stream_read(s, events[i].data.ptr);
        else
            listener_event(s, events[i].data.ptr);
    }
}

static void dispatch(struct stream *s, void *what)
{
    switch (*(enum stream_what *)what) {
    case STREAM_WAKE:
        begin_stop(s, gw_now());
        break;
    case STREAM_INNER:
        inner_event(s);
        break;
    case STREAM_LISTENER:
        listener_event(s, what);
        break;
    case STREAM_SOCKET:
        break;
    }
}

static gw_nsec sooner(gw_nsec a, gw_nsec b)
{
    return a < b ? a : b;
}

/* In ms for epoll_wait, rounded up; -1: only a socket wakes us. */
static int nap(const struct stream *s, gw_nsec now)
{
    gw_nsec until = sooner(s->due, s->full ? s->retry : s->quiet);
    if (s->stopping && !s->full)
        return 0;
    if (s->stopping)
        until = sooner(until, s->stop_by);
    if (s->conns || !s->accepting)
        until = sooner(until, s->ticked + TICK);
    if (until == GW_NEVER)
        return -1;
    return until <= now ? 0 : (int)((until - now + GW_MSEC - 1) / GW_MSEC);
}

static void tick(struct stream *s, gw_nsec now)
{
    s->ticked = now;
    if (!s->full)
        stream_check(s, now);
    if (!s->accepting && !s->stopping)
        resume_accepting(s);
}

/* One turn. Returns whether there was something to do. */
static bool turn(struct stream *s)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(s->epoll, events, EVENTS, nap(s, gw_now()));
    for (int i = 0; i < n; i++)
        dispatch(s, events[i].data.ptr);
    gw_nsec now = gw_now();
    if (now >= s->quiet && !s->full)
        stream_quiet(s, now);
    if (now >= s->due)
        flush(s);
    if (s->full && now >= s->retry)
        flush_sink(s);
    if (now - s->ticked >= TICK)
        tick(s, now);
    return n > 0;
}

static void log_unread(const struct stream *s)
{
    int unread = 0, n;
    size_t conns = 0;
    for (const struct stream_conn *c = s->conns; c; c = c->next)
        if (ioctl(c->fd, FIONREAD, &n) == 0 && n > 0) {
            unread += n;
            conns++;
        }
    if (conns)
        gw_log(GW_WARNING, s->set.component,
               "%zu connections are closed because the exporters' queues are full: %d bytes were not read "
               "and are lost",
               conns, unread);
}

/* At the end of all input, or of the time: passes the rest of the connections on, and offers everything a
 * last time. */
static void finish(struct stream *s)
{
    log_unread(s);
    while (s->conns)
        stream_end(s, s->conns, "stop");
    flush(s);
    while (!gw_log_sink_empty(s->sink) && gw_now() < s->stop_by) {
        struct timespec t = {.tv_nsec = LAST_PAUSE};
        nanosleep(&t, NULL);
        flush_sink(s);
    }
}

static void *run(void *stream)
{
    struct stream *s = stream;
    while (turn(s) || !s->stopping || (s->full && gw_now() < s->stop_by)) {
        if (atomic_load(&s->pausing))
            return NULL;
        if (s->stopping && gw_now() >= s->stop_by)
            break;
    }
    finish(s);
    return NULL;
}

/* Life */

struct stream *stream_new(const struct gw_host *host, const struct stream_settings *set)
{
    struct stream *s = calloc(1, sizeof *s);
    struct gw_listener_access access = set->access;
    struct stream_multiline_conf multiline = set->multiline;
    if (s) {
        *s = (struct stream){.set = *set,
                             .host = host,
                             .epoll = -1,
                             .inner = -1,
                             .wake = -1,
                             .due = GW_NEVER,
                             .quiet = GW_NEVER};
        s->held = (struct gw_budget){.limit = host->budget->limit / 3, .parent = host->budget};
        s->set.multiline.max = set->max_line;
        s->set.multiline.budget = &s->held;
        s->client_limits = gw_client_limits_new(set->connections);
    }
    if (s && s->client_limits)
        return s;
    gw_listener_access_close(&access);
    stream_multiline_conf_close(&multiline);
    free(s);
    return NULL;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void stream_drop(struct stream *s)
{
    if (!s)
        return;
    stream_stop(s);
    for (size_t i = 0; i < s->listeners_n; i++) {
        close_fd(s->listeners[i].fd);
        gw_listen_unlink(&s->listeners[i].address, s->listeners[i].file);
    }
    close_fd(s->epoll);
    close_fd(s->inner);
    close_fd(s->wake);
    gw_client_limits_drop(s->client_limits);
    gw_listener_access_close(&s->set.access);
    stream_multiline_conf_close(&s->set.multiline);
    free(s->buffer);
    free(s);
}

static bool watch_all(struct stream *s)
{
    bool good = stream_watch(s->epoll, s->wake, &wake_tag) && stream_watch(s->epoll, s->inner, &inner_tag) &&
                listen_on(s);
    for (size_t i = 0; i < s->listeners_n; i++) {
        struct stream_listener *l = &s->listeners[i];
        if (has_connections(l))
            continue;
        stream_datagram_prepare(s, l);
        good = stream_watch(can_wait(l) ? s->inner : s->epoll, l->fd, l) && good;
    }
    return good;
}

static bool start_thread(struct stream *s, struct gw_err *err)
{
    char name[GW_THREAD_NAME];
    snprintf(name, sizeof name, "log/%s", s->set.name);
    s->running = gw_thread_start(&s->thread, &(struct gw_thread){name, s->set.component, run, s}, err);
    return s->running;
}

static void announce(const struct stream *s)
{
    for (size_t i = 0; i < s->listeners_n; i++) {
        const struct stream_listener *l = &s->listeners[i];
        bool tls = s->set.access.tls && l->kind == STREAM_TCP;
        gw_log_each(GW_INFO, s->set.component, "listening on %s%s%s", l->name,
                    has_connections(l) ? "" : ", datagrams", tls ? ", TLS" : "");
    }
}

bool stream_start(struct stream *s)
{
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->inner = epoll_create1(EPOLL_CLOEXEC);
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->buffer = malloc((size_t)STREAM_BATCH * STREAM_READ);
    s->sink = gw_log_sink_new(s->set.logs, s->host->fanout, s->set.component);
    s->loose = gw_log_sink_new(s->set.logs, s->host->fanout, s->set.component);
    s->ticked = gw_now();
    bool good = s->epoll >= 0 && s->inner >= 0 && s->wake >= 0 && s->buffer && s->sink && s->loose;
    struct gw_err err;
    gw_fail(&err, GW_BUSY, 0, "no memory or descriptors");
    if (good && !(good = watch_all(s) && stream_begin_with_taken(s)))
        gw_fail(&err, GW_BUSY, 0, "%s", strerror(errno));
    if (good && start_thread(s, &err)) {
        announce(s);
        return true;
    }
    gw_log(GW_ERROR, s->set.component, "cannot start: %s", err.what);
    return false;
}

static void end_thread(struct stream *s)
{
    uint64_t one = 1;
    if (!s->running)
        return;
    while (write(s->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
    pthread_join(s->thread, NULL);
    s->running = false;
}

void stream_pause(struct stream *s)
{
    if (!s->running)
        return;
    atomic_store(&s->pausing, true);
    end_thread(s);
    stream_show_paused(s);
}

void stream_stop(struct stream *s)
{
    end_thread(s);
    if (atomic_exchange(&s->pausing, false)) { /* what no stream has taken over */
        stream_hide_paused(s);
        begin_stop(s, gw_now());
        run(s);
    }
    gw_log_sink_drop(s->sink);
    gw_log_sink_drop(s->loose);
    s->sink = s->loose = NULL;
}
