/* stream.h: what the receivers tcp, udp, unix and syslog share: sockets, connections, and the thread that reads them.
 *
 *   TCP, Unix ─ accept ─▶ connection ─ TLS ─▶ framing ─┐
 *   Unix datagrams ────────────────────────────────────┼─▶ record() ─▶ feed ─▶ queues      full: they are not read until there is room
 *   UDP ─ recvmmsg ────────────────────────────────────┴─▶ record() ─▶ feed ─▶ queues      full: counted as refused
 *
 * One thread with one epoll a receiver. Sources whose senders can wait stand in an epoll of their own inside the first one, so that
 * back-pressure is one call: while a queue is full, the inner one is taken out. Then the kernel's buffers fill, and writers wait. All
 * wait alike, and all go on when there is room. UDP's senders cannot wait; nothing is read of it for less than what the queue says.
 *
 * A record goes to the queue when a frame's worth has come, or STREAM_LINGER after the first of it.
 *
 * Memory: a connection is charged STREAM_CONNECTION bytes (with TLS STREAM_TLS more) and what is held of a line that has not ended; all of
 * a receiver's at most a third of max_memory. What there is no memory for is cut off and said so. Connections are bounded in number, and of
 * one address (client_limits.h); past that, one that never sent a record or that was idle for ten seconds makes way.
 *
 * At a stop no more is accepted; what has come is read, at most for STREAM_STOP, and is offered.
 *
 * Threads: new, listen, start, stop, drop on main; record() on the receiver's thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_STREAM_H
#define GW_STREAM_H

#include <netinet/in.h>
#include <stdatomic.h>

#include "gateway/net/listen.h"
#include "gateway/net/listener_access.h"
#include "gateway/receiver_host.h"
#include "gateway/receivers/common/log_sink.h"
#include "gateway/receivers/stream/stream_framing.h"
#include "gateway/receivers/stream/stream_multiline.h"

enum { STREAM_CONNECTION = 4 * 1024, STREAM_TLS = 32 * 1024, STREAM_LISTENERS = 32, STREAM_ATTRS = 3 };
#define STREAM_LINGER (20 * GW_MSEC)
#define STREAM_STOP (3 * GW_SEC)

/* Options of receivers with connections. */
#define STREAM_OPTS(X)                                                                                                                     \
    X(size, max_line, "max_line", "1MiB", "1KiB", "16MiB",                                                                                 \
      "Longest record; the rest of a longer one is cut off, and the record says how much (log.record.truncated_bytes).")                   \
    X(count, connections, "connections", "1000", "1", "100000",                                                                            \
      "Most connections at a time. Past that, one that never sent a record, or that was idle for ten seconds, makes way for a new one; "   \
      "where there is none, the new one is closed.")                                                                                       \
    X(duration, idle_timeout, "idle_timeout", "1h", "1s", "30d", "How long a connection is kept on which nothing comes.")
/* … and of those among them that speak TCP. */
#define STREAM_ACCESS_OPTS(X)                                                                                                              \
    X(str, tls_cert, "tls.cert", "", "", "",                                                                                               \
      "PEM file with the server's certificate chain: TCP addresses of the receiver speak TLS (1.2 or 1.3) then, and only that. The files " \
      "are read again when they change.")                                                                                                  \
    X(str, tls_key, "tls.key", "", "", "", "PEM file with the key of tls.cert, without a passphrase.")                                     \
    X(str, tls_client_ca, "tls.client_ca", "", "", "",                                                                                     \
      "PEM file with the CAs of clients: only those may send that show a certificate of one of them.")                                     \
    X(count, peer_connections, "peer.connections", "250", "0", "100000",                                                                   \
      "Most connections at a time from one address (of IPv6, one /64); 0: as many as there are. Further ones are closed.")                 \
    X(flag, peer_local, "peer.local", "false", "", "", "Bound loopback addresses too. Unix sockets never are.")
#define STREAM_UDP_OPTS(X)                                                                                                                 \
    X(size, receive_buffer, "receive_buffer", "4MiB", "4KiB", "1GiB",                                                                      \
      "What the kernel may hold of datagrams that were not read yet, for each UDP address; it gives net.core.rmem_max at most.")

struct stream_counts {
    atomic_uint_least64_t records, bytes;      /* taken, and their text */
    atomic_uint_least64_t cut, torn;           /* of these: too long; not whole when their connection ended */
    atomic_uint_least64_t connections, opened; /* open now; ever */
    atomic_uint_least64_t turned_away;         /* connections that were closed at once, and handshakes that failed */
    atomic_uint_least64_t waits;               /* times that a full queue stopped the reading */
    atomic_uint_least64_t kernel_drops;        /* datagrams that the kernel's buffer had no room for */
};

/* Who sent a record. */
struct stream_peer {
    bool local;                     /* loopback or Unix socket */
    bool is_unix;                   /* the latter */
    char address[INET6_ADDRSTRLEN]; /* empty: a Unix socket */
    int port;
};

struct stream_record {
    gw_str text;
    uint64_t cut;     /* bytes that are missing at its end */
    const char *torn; /* why its end is missing: "reset", "timeout", …; NULL: it is whole */
    uint64_t observed;
    const struct stream_peer *peer;
};

/* Adds it to the feed and returns what gw_log_sink_add says. */
typedef bool stream_record_f(void *ctx, struct gw_log_sink *, const struct stream_record *);

/* All pointers are the receiver's, and outlive the stream. */
struct stream_settings {
    const char *component; /* "receiver=tcp" */
    const char *name;      /* "tcp": of the thread */
    const char *path;      /* "receivers[0]" */
    const struct log_conf *logs;
    stream_record_f *record;
    void *ctx; /* of record() */
    struct stream_counts *counts;
    enum stream_frame framing;
    bool whole_datagrams; /* a datagram is one record, newlines and all */
    size_t max_line;
    int64_t connections;
    gw_nsec idle_timeout;
    uint64_t receive_buffer;                /* 0: as the system has it */
    struct gw_listener_access access;       /* the stream's from then on; without tokens */
    struct stream_multiline_conf multiline; /* the same */
};

enum stream_kind { STREAM_TCP, STREAM_UNIX, STREAM_UDP, STREAM_UNIX_DGRAM };

struct stream;

/* NULL when there is no memory; door and joiner are closed then. */
struct stream *stream_new(const struct gw_host *, const struct stream_settings *);
/* Also ends what was started. */
void stream_drop(struct stream *);

/* Opens an address of option `option` (`ddgate check` only reads it), and warns when other machines reach it. `wished`: it is a default,
 * and what cannot be had of it ends nothing. False: it is not open. */
bool stream_listen(struct stream *, enum stream_kind, gw_str address, mode_t mode, bool best_effort, const char *option,
                   struct gw_diagnostics *);
/* All of a list whose default is `usual`. */
void stream_listen_all(struct stream *, enum stream_kind, const struct gw_list *, const char *usual, const char *option,
                       struct gw_diagnostics *);
/* Addresses that are open, or would be. */
size_t stream_listeners(const struct stream *);
/* The first open one of the kind by name: "127.0.0.1:9530". NULL: there is none. */
const char *stream_name(const struct stream *, enum stream_kind);

/* False: the system has no thread or descriptors for it, which is in the log. */
bool stream_start(struct stream *);
void stream_stop(struct stream *);

/* client.address, client.port, log.record.incomplete, as far as they are known. Returns how many. */
size_t stream_attrs(const struct stream_record *, struct log_attr attrs[static STREAM_ATTRS]);
/* host.name of a record: this machine's, where it came from here. */
gw_str stream_host(const struct gw_host *, const struct stream_record *);

/* The receivers' record() for text: ctx is the gw_host. */
bool stream_add_text(void *host, struct gw_log_sink *, const struct stream_record *);

/* What the door takes of a receiver's options: struct gw_listener_access_conf d = STREAM_ACCESS(receiver->conf). */
#define STREAM_ACCESS(conf)                                                                                                                \
    {                                                                                                                                      \
        .tls_cert = (conf).tls_cert, .tls_key = (conf).tls_key, .tls_client_ca = (conf).tls_client_ca,                                     \
        .peer_connections = (conf).peer_connections, .peer_local = (conf).peer_local                                                       \
    }
/* A mode such as "0666"; what is none is said. */
mode_t stream_mode(gw_str text, const char *path, struct gw_diagnostics *);

/* Rows of the counts, which stand in `ctx` at `field`. */
#define STREAM_COUNT(ctx, field, which, name, help) GW_COUNTER_AT(ctx, field.which, "stream_" name "_total", help)
#define STREAM_RECORD_METRICS(ctx, field)                                                                                                  \
    STREAM_COUNT(ctx, field, records, "records", "Records that were read."),                                                               \
        STREAM_COUNT(ctx, field, bytes, "bytes", "Bytes of their text."),                                                                  \
        STREAM_COUNT(ctx, field, cut, "cut_records", "Records that were longer than max_line, or than memory allowed."),                   \
        STREAM_COUNT(ctx, field, waits, "waits", "Times that a full queue stopped the reading.")
#define STREAM_CONNECTION_METRICS(ctx, field)                                                                                              \
    STREAM_COUNT(ctx, field, torn, "torn_records", "Records whose connection ended before they did."),                                     \
        GW_GAUGE_AT(ctx, field.connections, "stream_connections", "Connections that are open."),                                           \
        STREAM_COUNT(ctx, field, opened, "opened_connections", "Connections that were accepted."),                                         \
        STREAM_COUNT(ctx, field, turned_away, "refused_connections", "Connections that were refused, failed TLS handshakes among them.")
#define STREAM_UDP_METRICS(ctx, field)                                                                                                     \
    STREAM_COUNT(ctx, field, kernel_drops, "kernel_drops", "Datagrams that the kernel dropped because receive_buffer was full.")

#endif
