/* stream_takeover.c: Takes over from streams that a reload paused: listeners of the same address, their
 * connections, and records that no queue has accepted. Owns the list of paused streams, which have no thread.
 * Called when a stream is opened, started and dropped, on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/receivers/stream/stream_internal.h"

static struct stream *paused;

void stream_show_paused(struct stream *s)
{
    s->next_paused = paused;
    paused = s;
}

void stream_hide_paused(struct stream *s)
{
    struct stream **at = &paused;
    while (*at && *at != s)
        at = &(*at)->next_paused;
    if (*at)
        *at = s->next_paused;
}

/* --- connections --- */

/* The memory of its unfinished lines is charged to the new stream, even above the limit, because the
 * connection is already accepted. */
static void move_memory(struct stream *from, struct stream *to, struct stream_conn *c)
{
    size_t paid = c->paid + c->framing.cap + c->join.cap;
    gw_budget_give(&from->held, paid);
    gw_budget_force(&to->held, paid);
    c->framing.budget = &to->held;
    c->framing.mode = to->set.framing;
    c->framing.max = to->set.max_line;
    c->framing.blanks = to->set.multiline.how != STREAM_MULTILINE_NONE;
}

static void move_account(struct stream *from, struct stream *to, struct stream_conn *c)
{
    const struct gw_client_limits_conf *limits = &to->set.access.client_limits;
    struct sockaddr_storage sa = {.ss_family = AF_UNIX};
    socklen_t len = sizeof sa;
    gw_client_limits_leave(from->client_limits, c->account);
    c->account = NULL;
    if (getpeername(c->fd, (struct sockaddr *)&sa, &len) == 0 &&
        gw_client_limits_apply(limits, (struct sockaddr *)&sa))
        c->account = gw_client_limits_enter(to->client_limits, (struct sockaddr *)&sa, limits);
}

static void move_conn(struct stream *from, struct stream *to, struct stream_conn *c, unsigned listener)
{
    stream_unwatch(from->inner, c->fd);
    stream_unlink(from, c);
    move_memory(from, to, c);
    move_account(from, to, c);
    c->listener = listener;
    stream_link(to, c);
}

/* A connection that was accepted under other rules is not taken over: it is read to its end, as at a stop. */
static bool same_access(const struct stream *a, const struct stream *b)
{
    return !a->set.access.tls == !b->set.access.tls &&
           (!a->set.access.tls || gw_tls_same(a->set.access.tls, b->set.access.tls));
}

/* --- listeners --- */

static void set_mode(enum stream_kind kind, const struct gw_address *a, mode_t mode)
{
    if (kind == STREAM_UNIX || kind == STREAM_UNIX_DGRAM)
        (void)chmod(((const struct sockaddr_un *)&a->sa)->sun_path,
                    mode); /* ddgate's own file: this is allowed */
}

static void take(struct stream *from, struct stream_listener *its, struct stream *to)
{
    unsigned number = (unsigned)(its - from->listeners), at = (unsigned)to->listeners_n;
    stream_unwatch(from->epoll, its->fd);
    stream_unwatch(from->inner, its->fd);
    to->listeners[at] = *its;
    its->fd = -1;
    its->file = (struct gw_socket_file){0};
    for (struct stream_conn *c = from->conns, *next; c && same_access(from, to); c = next) {
        next = c->next;
        if (c->listener == number)
            move_conn(from, to, c, at);
    }
    to->source = from;
}

bool stream_take_listener(struct stream *s, enum stream_kind kind, const struct gw_address *a, mode_t mode)
{
    for (struct stream *from = paused; from; from = from->next_paused)
        for (struct stream_listener *l = from->listeners; l < from->listeners + from->listeners_n; l++) {
            if (l->fd < 0 || l->kind != kind || !gw_listen_same(&l->address, a))
                continue;
            set_mode(kind, a, mode);
            take(from, l, s);
            return true;
        }
    return false;
}

void stream_make_way(enum stream_kind kind, const struct gw_address *a)
{
    for (struct stream *from = paused; from; from = from->next_paused)
        for (struct stream_listener *l = from->listeners; l < from->listeners + from->listeners_n; l++) {
            if (l->fd < 0 || l->kind != kind || gw_listen_port(&l->address) != gw_listen_port(a))
                continue;
            if (kind == STREAM_TCP)
                stream_accept(from, l);
            close(l->fd);
            l->fd = -1;
        }
}

/* --- records --- */

static bool same_records(const struct stream *a, const struct stream *b)
{
    return a->set.multiline.how == b->set.multiline.how && a->set.multiline.how != STREAM_MULTILINE_PATTERN;
}

bool stream_begin_with_taken(struct stream *s)
{
    struct stream *from = s->source;
    bool good = true;
    if (!from)
        return true;
    s->source = NULL;
    if (!gw_log_sink_take(s->sink, from->sink) || !gw_log_sink_take(s->loose, from->loose))
        return false; /* counted as refused when that one is dropped */
    s->due = s->quiet = gw_now();
    for (struct stream_conn *c = s->conns; c; c = c->next) {
        good = stream_watch(s->inner, c->fd, c) && good;
        if (c->join.open && !same_records(from, s))
            stream_end_record(s, c);
    }
    return good;
}
