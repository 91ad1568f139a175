/* stream_receiver.h: the receivers tcp, udp, unix and syslog; each is a row with its differences.
 *
 *     tcp.c      options ─┐
 *     udp.c      options ─┤   struct stream_protocol: addresses, records, hint
 *     unix.c     options ─┼─▶ open, start, stop, close (stream_receiver.c) ─▶ stream.h
 *     syslog.c   options ─┘
 *
 * All four fill the same struct of options; a receiver has rows for the options that it supports, and the
 * others stay zero.
 *
 * Threads: as in receiver.h; record() on the receiver's thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_STREAM_RECEIVER_H
#define GW_STREAM_RECEIVER_H

#include "core/delivery/receiver.h"
#include "gateway/receivers/stream/stream.h"

/* --- rows that several of them have --- */

#define STREAM_LISTEN_OPT(X, usual)                                                                          \
    X(list, listen, "listen", usual, "", "",                                                                 \
      "Addresses to listen on: host:port, [ipv6]:port or :port (every address). If a configured address "    \
      "cannot be bound, ddgate does not start; the default address only causes a warning.")
#define STREAM_FRAMING_OPT(X)                                                                                \
    X(choice, framing, "framing", "auto", "auto|newline|octet", "",                                          \
      "How records end: newline (LF, CR LF or NUL); octet: LEN SP TEXT; auto: octet if a syslog priority "   \
      "follows LEN, else newline, decided for each record.")
/* Of receivers with connections. */
#define STREAM_OPTS(X)                                                                                       \
    X(size, max_line, "max_line", "1MiB", "1KiB", "16MiB",                                                   \
      "Longest record; the rest of a longer one is cut off, and log.record.truncated_bytes is its length.")  \
    X(count, connections, "connections", "1000", "1", "100000",                                              \
      "Most connections at a time. Above that, a connection that never sent a record, or was idle for ten "  \
      "seconds, is closed for a new one; if there is none, the new one is closed.")                          \
    X(duration, idle_timeout, "idle_timeout", "1h", "1s", "30d",                                             \
      "How long a connection is kept without data.")
/* … and of those among them that speak TCP. */
#define STREAM_ACCESS_OPTS(X)                                                                                \
    GW_TLS_OPTS(X, "", "send")                                                                               \
    GW_PEER_CONNECTIONS_OPT(X, "are closed.")                                                                \
    GW_PEER_LOCAL_OPT(X)
#define STREAM_UDP_OPTS(X)                                                                                   \
    X(size, receive_buffer, "receive_buffer", "4MiB", "4KiB", "1GiB",                                        \
      "Size of the kernel's buffer for unread datagrams, for each UDP address; net.core.rmem_max at most.")

struct stream_conf {
    struct gw_list listen, udp, tcp;
    gw_str socket, mode;
    int socket_type, framing;
    STREAM_MULTILINE_OPTS(GW_FIELD)
    STREAM_OPTS(GW_FIELD)
    STREAM_ACCESS_OPTS(GW_FIELD)
    STREAM_UDP_OPTS(GW_FIELD)
    LOG_OPTS(GW_FIELD)
};

/* --- a receiver --- */

/* What its context is, or begins with. */
struct stream_receiver {
    struct stream_conf conf; /* first: the option rows fill it */
    const struct gw_host *host;
    struct log_options log_options;
    struct log_conf *logs;
    struct stream *stream;
    struct stream_counts counts;
};

enum { STREAM_LISTS = 2 };

/* The differences of a receiver. */
struct stream_protocol {
    const char *name, *component; /* "tcp", "receiver=tcp" */
    stream_record_f *record;      /* its ctx is the receiver's */
    bool syslog;                  /* as in stream_settings */
    size_t max_line;              /* 0: the option's value */
    struct stream_list {
        enum stream_kind kind;
        const char *option, *usual; /* its default */
        size_t field;               /* of struct stream_conf */
    } lists[STREAM_LISTS];
    /* none; in addition to the lists; instead of them */
    enum { STREAM_NO_SOCKET, STREAM_MAY_HAVE_SOCKET, STREAM_HAS_SOCKET } socket;
};

enum gw_code stream_receiver_open(struct stream_receiver *, const struct stream_protocol *,
                                  const struct gw_host *, const char *path, struct gw_diagnostics *);
gw_receive_f stream_receiver_start, stream_receiver_stop, stream_receiver_pause, stream_receiver_close;

/* The record as text. */
stream_record_f stream_receiver_text;
/* " echo hello > /dev/tcp/HOST/PORT": a line for people about the first address of a kind, where one is
 * open. */
/* Its script. */
void stream_receiver_describe(void *ctx, FILE *);
void stream_receiver_hint(const struct stream_receiver *, enum stream_kind, FILE *);

/* Members of a gw_receiver that all have alike. */
#define STREAM_RECEIVER                                                                                      \
    .opts = opts, .metrics = metrics, .conf_size = sizeof(struct stream_conf),                               \
    .start = stream_receiver_start, .stop = stream_receiver_stop, .pause = stream_receiver_pause,            \
    .open = open_, .hint = hint, .describe = stream_receiver_describe

/* --- rows of its metrics --- */

#define STREAM_COUNT(which, name, help)                                                                      \
    GW_COUNTER_AT(struct stream_receiver, counts.which, "stream_" name "_total", help)
#define STREAM_RECORD_METRICS                                                                                \
    STREAM_COUNT(records, "records", "Records that were read."),                                             \
        STREAM_COUNT(bytes, "bytes", "Bytes of their text."),                                                \
        STREAM_COUNT(cut, "cut_records", "Records that were longer than max_line, or than memory allowed."), \
        STREAM_COUNT(waits, "waits", "Times that a full queue stopped the reading.")
#define STREAM_CONNECTION_METRICS                                                                            \
    STREAM_COUNT(torn, "torn_records", "Records whose connection ended before they did."),                   \
        GW_GAUGE_AT(struct stream_receiver, counts.connections, "stream_connections",                        \
                    "Connections that are open."),                                                           \
        STREAM_COUNT(opened, "opened_connections", "Connections that were accepted."),                       \
        STREAM_COUNT(turned_away, "refused_connections",                                                     \
                     "Connections that were refused, failed TLS handshakes among them.")
#define STREAM_UDP_METRICS                                                                                   \
    STREAM_COUNT(kernel_drops, "kernel_drops",                                                               \
                 "Datagrams that the kernel dropped because receive_buffer was full.")

#endif
