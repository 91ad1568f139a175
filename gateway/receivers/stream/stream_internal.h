/* stream_internal.h: shared by the files of a stream receiver; other files do not include it.
 *
 *   stream.c            life, the loop, the sinks: flush, stop and continue reading
 *   stream_listen.c     addresses                                                 main thread
 *   stream_conn.c       connections: accept, read, end, eviction
 *   stream_tls.c        their TLS
 *   stream_datagram.c   datagrams
 *   stream_takeover.c   takes over from streams that a reload paused              main thread
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_STREAM_INTERNAL_H
#define GW_STREAM_INTERNAL_H

#include <pthread.h>

#include "core/base/budget.h"
#include "gateway/receivers/stream/stream.h"

enum {
    STREAM_READ = 64 * 1024,    /* bytes read of a connection in one turn, and the longest datagram */
    STREAM_BATCH = 16,          /* datagrams read at once */
    STREAM_DATAGRAM_TURNS = 16, /* batches in one turn */
    STREAM_CONTROL = 64         /* bytes of the kernel's ancillary data of a datagram */
};

/* What an epoll event is about: first member of whatever its data points to. */
enum stream_what { STREAM_WAKE, STREAM_INNER, STREAM_LISTENER, STREAM_SOCKET };

struct stream_listener {
    enum stream_what what;
    enum stream_kind kind;
    int fd; /* -1: only checked */
    struct gw_address address;
    struct gw_socket_file file;
    char name[128];
    uint32_t dropped; /* the kernel's last count of drops */
};

struct stream_tls;

struct stream_conn {
    enum stream_what what;
    unsigned listener; /* its number */
    struct stream_conn *prev, *next;
    int fd;
    struct stream_tls *tls; /* NULL: plain */
    struct stream_framing framing;
    struct stream_multiline join;
    struct stream_peer peer;
    struct gw_client *account; /* NULL: not counted */
    size_t paid;
    bool spoke;          /* a record came of it */
    gw_nsec last_active; /* when something last came */
};

/* Why connections are not taken. */
enum stream_refusal {
    STREAM_NO_DESCRIPTORS,
    STREAM_NO_PLACE,
    STREAM_NO_WATCH,
    STREAM_NO_ACCEPT,
    STREAM_REFUSALS
};

struct stream {
    /* const after start */
    struct stream_settings set;
    const struct gw_host *host;
    struct gw_budget held; /* memory of connections and of their unfinished lines */
    struct gw_client_limits *client_limits;
    struct stream_listener listeners[STREAM_LISTENERS];
    size_t listeners_n;
    int epoll, inner, wake; /* -1: not open */
    pthread_t thread;
    bool running;
    /* its thread's */
    struct gw_log_sink *sink, *loose; /* of senders that wait, and of UDP's */
    gw_nsec due;                      /* when they are flushed; GW_NEVER: both are empty */
    bool full;                        /* the inner epoll is out of the outer one … */
    gw_nsec retry, pause;             /* … and when the sink is offered again */
    struct stream_conn *conns;
    int64_t conns_n;
    /* when connections are searched for records without new lines; GW_NEVER: there is none */
    gw_nsec quiet;
    bool accepting, stopping;
    atomic_bool pausing;
    struct stream *next_paused, *source; /* of all that are paused; one whose records are taken over */
    gw_nsec ticked, stop_by;
    gw_nsec refusal_said[STREAM_REFUSALS]; /* when it was last logged; 0: never */
    char *buffer;                          /* STREAM_BATCH × STREAM_READ */
    struct stream_conn *reading;           /* whose bytes are being framed … */
    const char *torn;                      /* … and how they ended */
    uint64_t observed;
};

/* stream.c */
/* Reading what `what` is about. False, with errno: the system has no memory or no right to another watch. */
bool stream_watch(int epoll, int fd, void *what);
void stream_unwatch(int epoll, int fd);
/* A record for a sink: into it, and on when it is worth it. */
void stream_take(struct stream *, struct gw_log_sink *, const struct stream_record *);

/* stream_conn.c */
void stream_accept(struct stream *, struct stream_listener *);
void stream_read(struct stream *, struct stream_conn *);
/* Passes the kept record on, marked with `torn` if it is incomplete. */
void stream_end(struct stream *, struct stream_conn *, const char *torn);
/* Into the list of those that are open, and out of it. */
void stream_link(struct stream *, struct stream_conn *);
void stream_unlink(struct stream *, struct stream_conn *);
/* Ends the record that waited for more lines. */
void stream_end_record(struct stream *, struct stream_conn *);
/* Ends idle ones. */
void stream_check(struct stream *, gw_nsec now);
/* Passes on records that wait for more lines. */
void stream_quiet(struct stream *, gw_nsec now);
/* The address for people. */
void stream_describe(struct stream_peer *, const struct sockaddr *);

/* stream_tls.c */
struct stream_tls *stream_tls_new(struct gw_tls *, int fd);
void stream_tls_drop(struct stream_tls *, bool send_goodbye);
bool stream_tls_is_shaking(const struct stream_tls *);
/* Like recv(2): 0 at the end, -1 with errno. EAGAIN: wait; EPROTO: *why has the reason. */
ssize_t stream_tls_read(struct stream_tls *, char *, size_t, char *why, size_t why_size);
/* True if decrypted data is waiting, which epoll does not report. */
bool stream_tls_pending(const struct stream_tls *);

/* stream_takeover.c; all on main, of streams without a thread */
/* Others may take of it from now on, until it is hidden. */
void stream_show_paused(struct stream *);
void stream_hide_paused(struct stream *);
/* Takes the listener of this kind and address from a paused stream, with its connections. False: there is
 * none. */
bool stream_take_listener(struct stream *, enum stream_kind, const struct gw_address *, mode_t mode);
/* Closes paused listeners that block another address with this port; their connections stay. */
void stream_make_way(enum stream_kind, const struct gw_address *);
/* Reads the connections that were taken, and has the records. False: the system cannot watch some. */
bool stream_begin_with_taken(struct stream *);

/* stream_datagram.c */
/* Before the first read. */
void stream_datagram_prepare(const struct stream *, struct stream_listener *);
/* True when there may be more. */
bool stream_datagram_read(struct stream *, struct stream_listener *);

#endif
