/* stream_datagram.c: Reads datagrams, splits them into records, and counts those that the kernel dropped. The
 * kernel reports its drops with each datagram (SO_RXQ_OVFL), so a drop is known only when the next datagram
 * arrives. Owns nothing. Called by stream.c, on the stream's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* recvmmsg */
#include "gateway/receivers/stream/stream_internal.h"

#include <errno.h>

#include "core/base/log.h"

/* A privileged process gets the requested size, others at most net.core.rmem_max. The kernel doubles the
 * number, for its own overhead. */
void stream_datagram_prepare(const struct stream *s, struct stream_listener *l)
{
    int on = 1, want = (int)s->set.receive_buffer, got = 0;
    socklen_t len = sizeof got;
    if (l->kind != STREAM_UDP)
        return;
    setsockopt(l->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    if (!want)
        return;
    if (setsockopt(l->fd, SOL_SOCKET, SO_RCVBUFFORCE, &want, sizeof want) != 0)
        setsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &want, sizeof want);
    if (getsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &got, &len) == 0 && got / 2 < want)
        gw_log(
            GW_INFO, s->set.component,
            "%s: the kernel holds %d bytes of datagrams, not the %d of receive_buffer: see net.core.rmem_max",
            l->name, got / 2, want);
}

static void see_drops(struct stream *s, struct stream_listener *l, struct msghdr *h)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        uint32_t all, more;
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
            continue;
        memcpy(&all, CMSG_DATA(c), sizeof all);
        more = all - l->dropped; /* the kernel's number wraps around */
        l->dropped = all;
        if (!more)
            continue;
        atomic_fetch_add_explicit(&s->set.counts->kernel_drops, more, memory_order_relaxed);
        gw_log(GW_WARNING, s->set.component,
               "%s: the kernel dropped %u datagrams because they came faster than they were read: raise "
               "receive_buffer",
               l->name, more);
    }
}

struct datagram {
    struct stream *s;
    struct gw_log_sink *sink;
    struct stream_record record;
};

static void pass_on(struct datagram *d, gw_str text)
{
    while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r' ||
                        text.ptr[text.len - 1] == '\0'))
        text.len--;
    if (text.len > d->s->set.max_line) {
        d->record.cut += text.len - d->s->set.max_line;
        text.len = d->s->set.max_line;
    }
    d->record.text = text;
    if (text.len || d->record.cut)
        stream_take(d->s, d->sink, &d->record);
}

static enum stacktrace_verdict judge(struct stream_multiline_conf *k, struct stacktrace *trace, gw_str line)
{
    return k->how == STREAM_MULTILINE_PATTERN ? stream_multiline_match(k, line)
                                              : stacktrace_line(trace, line);
}

/* The record at the front of a datagram: its first line, with those that belong to it. */
static size_t record_length(const struct datagram *d, gw_str text)
{
    struct stream_multiline_conf *k = &d->s->set.multiline;
    struct stacktrace trace;
    gw_str rest = text, line = text;
    if (d->s->set.syslog)
        return text.len;
    gw_str_next(&rest, '\n', &line);
    size_t sure = line.len;
    if (k->how == STREAM_MULTILINE_NONE || gw_str_trim(line).len == 0)
        return sure;
    stacktrace_begin(&trace, line);
    while (gw_str_next(&rest, '\n', &line)) {
        enum stacktrace_verdict v = judge(k, &trace, line);
        if (v == STACKTRACE_STARTS)
            break;
        if (v == STACKTRACE_CONTINUES)
            sure = (size_t)(line.ptr + line.len - text.ptr);
    }
    return sure;
}

/* `cut`: bytes of it that our buffer had no room for; they are missing of its last record. */
static void split(struct datagram *d, gw_str text, uint64_t cut)
{
    for (size_t n; text.len || cut; text = gw_str_from(text, n + 1)) {
        n = record_length(d, text);
        bool last = n + 1 >= text.len;
        d->record.cut = last ? cut : 0;
        pass_on(d, gw_str_n(text.ptr, n));
        if (last)
            break;
    }
}

bool stream_datagram_read(struct stream *s, struct stream_listener *l)
{
    struct mmsghdr m[STREAM_BATCH] = {0};
    struct iovec v[STREAM_BATCH];
    struct sockaddr_storage from[STREAM_BATCH];
    union {
        struct cmsghdr align;
        char bytes[STREAM_CONTROL];
    } control[STREAM_BATCH];
    for (int i = 0; i < STREAM_BATCH; i++) {
        v[i] = (struct iovec){s->buffer + (size_t)i * STREAM_READ, STREAM_READ};
        from[i].ss_family = AF_UNIX;
        m[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                       .msg_namelen = sizeof from[i],
                                       .msg_iov = &v[i],
                                       .msg_iovlen = 1,
                                       .msg_control = control[i].bytes,
                                       .msg_controllen = sizeof control[i].bytes};
    }
    int n = recvmmsg(l->fd, m, STREAM_BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
    struct stream_peer peer = {.is_unix = true, .local = true};
    struct datagram d = {.s = s,
                         .sink = l->kind == STREAM_UDP ? s->loose : s->sink,
                         .record = {.peer = &peer, .observed = (uint64_t)gw_wall()}};
    for (int i = 0; i < n; i++) {
        if (l->kind == STREAM_UDP &&
            (i == 0 || memcmp(&from[i], &from[i - 1], m[i].msg_hdr.msg_namelen) != 0))
            stream_describe(&peer, (const struct sockaddr *)&from[i]);
        size_t len = m[i].msg_len, got = len < STREAM_READ ? len : STREAM_READ;
        split(&d, gw_str_n(v[i].iov_base, got), len - got);
        see_drops(s, l, &m[i].msg_hdr);
    }
    return n == STREAM_BATCH;
}
