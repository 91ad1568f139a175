/* stream.h: shared by the receivers tcp, udp, unix and syslog: sockets, connections, and the thread that
 * reads them.
 *
 *   TCP, Unix ─ accept ─▶ connection ─ TLS ─▶ framing ─┐
 *   Unix datagrams ────────────────────────────────────┼─▶ record() ─▶ sink ─▶ queues      full: they are not read until there is room
 *   UDP ─ recvmmsg ────────────────────────────────────┴─▶ record() ─▶ sink ─▶ queues      full: counted as refused
 *
 * Each receiver has one thread with one epoll. Sources whose senders can wait are in an inner epoll, so
 * that back-pressure is one call: while a queue is full, the inner epoll is removed from the outer one.
 * Then the kernel's buffers fill, and writers wait. All of them wait together and continue together. UDP's
 * senders cannot wait, so UDP is always read.
 *
 * A record is queued when a frame is full, or STREAM_LINGER after the first record of it.
 *
 * Memory: a connection is charged STREAM_CONNECTION bytes (with TLS STREAM_TLS more) and the bytes of its
 * unfinished line; all of a receiver's at most a third of max_memory. Text without memory is cut off and
 * the record is marked. The number of connections is limited, in total and per address (client_limits.h);
 * above the limit, a connection that never sent a record or was idle for ten seconds is closed for a new
 * one.
 *
 * At a stop no more connections are accepted; received data is read, for at most STREAM_STOP, and offered.
 * A reload pauses a stream: streams that are opened next take over its listeners of the same addresses,
 * with their connections and the records that no queue has accepted. Listeners that no stream takes over
 * are closed when the stream is dropped.
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

struct stream_counts {
    atomic_uint_least64_t records, bytes;      /* taken, and their text */
    atomic_uint_least64_t cut, torn;           /* of these: too long; not whole when their connection ended */
    atomic_uint_least64_t connections, opened; /* open now; ever */
    /* connections that were closed at once, and handshakes that failed */
    atomic_uint_least64_t turned_away;
    atomic_uint_least64_t waits;        /* times that a full queue stopped the reading */
    atomic_uint_least64_t kernel_drops; /* datagrams that the kernel's buffer had no room for */
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

/* Adds the record to the sink and returns the result of gw_log_sink_add. */
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
    bool syslog; /* a datagram is one record including newlines; see stream_framing.h */
    size_t max_line;
    int64_t connections;
    gw_nsec idle_timeout;
    uint64_t receive_buffer;                /* 0: as the system has it */
    struct gw_listener_access access;       /* the stream's from then on; without tokens */
    struct stream_multiline_conf multiline; /* the same */
};

enum stream_kind { STREAM_TCP, STREAM_UNIX, STREAM_UDP, STREAM_UNIX_DGRAM };

struct stream;

/* NULL when there is no memory; then it has closed access and multiline. */
struct stream *stream_new(const struct gw_host *, const struct stream_settings *);
/* Also stops and frees a started stream. */
void stream_drop(struct stream *);

/* Opens an address of option `option` (`ddgate check` only parses it), and warns if other machines reach it.
 * `best_effort`: it is a default, and a failure to bind it is not an error. False: it is not open. */
bool stream_listen(struct stream *, enum stream_kind, gw_str address, mode_t mode, bool best_effort,
                   const char *option, struct gw_diagnostics *);
/* All of a list whose default is `usual`. */
void stream_listen_all(struct stream *, enum stream_kind, const struct gw_list *, const char *usual,
                       const char *option, struct gw_diagnostics *);
/* Addresses that are open, or would be. */
size_t stream_listeners(const struct stream *);
/* The name of the first open address of the kind: "127.0.0.1:9530". NULL: there is none. */
const char *stream_name(const struct stream *, enum stream_kind);

/* False: the system has no thread or descriptors for it, which is in the log. */
bool stream_start(struct stream *);
void stream_stop(struct stream *);
/* Its thread ends, and all that it has open stays so, for other streams to take. */
void stream_pause(struct stream *);

/* client.address, client.port, log.record.incomplete, as far as they are known. Returns how many. */
size_t stream_attrs(const struct stream_record *, struct log_attr attrs[static STREAM_ATTRS]);
/* host.name of a record: this machine's, where it came from here. */
gw_str stream_host(const struct gw_host *, const struct stream_record *);

/* Parses a mode such as "0666"; another text is reported as a mistake. */
mode_t stream_mode(gw_str text, const char *path, struct gw_diagnostics *);

#endif
