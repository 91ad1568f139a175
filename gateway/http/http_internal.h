/* http_internal.h: shared by the files of the HTTP server; other files do not include it.
 *
 *   http.c             start and stop                                   main thread
 *   http_table.c       which sites answer at which address              main thread, except for references
 *   http_worker.c      the loop, changing over                          one thread per worker
 *   http_accept.c      accepting
 *   http_conn.c        connections: opening, registration, states, returning memory
 *   http_deadlines.c   connections and uploads that are closed
 *   http_recv.c        checks the bytes that libmicrohttpd reads (framed_recv.h)
 *   http_request.c     libmicrohttpd's callbacks: a request's headers, its body, its end
 *   http_response.c    answers: through libmicrohttpd, or directly to the socket when it is too early for that
 *   http_refused.c     logs refused requests and reports them to receivers
 *   http_delay.c       delayed answers
 *   http_later.c       answers from other threads
 *   http_tls.c         TLS, in front of libmicrohttpd
 *   http2_conn.c       connections of HTTP/2, for gRPC (grpc.h); http2_call.c, their calls, http2_memory.c, their memory
 *
 * Arrows: http_worker ─▶ http_accept, http_recv ─▶ http_request ─▶ http_deadlines ─▶ http_response ─▶
 * http_refused ─▶ http_conn ─▶ http_table; http_accept ─▶ http_tls ─▶ http2_conn ─▶ http2_call ─▶ http_response.
 *
 * libmicrohttpd runs without a thread of its own (MHD_run inside the worker's loop), so everything about a
 * connection happens on one thread: deadlines need no lock, and no other thread can close a descriptor in
 * use.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_HTTP_INTERNAL_H
#define GW_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>

#include "core/base/lock.h"
#include "gateway/http/body.h"
#include "gateway/http/framing.h"
#include "gateway/http/http.h"
#include "gateway/http/inflate.h"

enum { MAX_LISTENERS = 32, MAX_SITES = 8, MAX_LINGERING = 64, GW_HTTP_SAID = 1024 };

/* The meaning of a worker's epoll event: the kind in the upper half of its data, an index in the lower
 * one. */
enum { EV_MHD, EV_INBOX, EV_LISTENER, EV_LINGER };
#define EV_TLS_PROXY ((uint64_t)1 << 63) /* … except for TLS proxies: the bits below are its address, … */
#define EV_HTTP2 ((uint64_t)1 << 62)     /* … and for connections of HTTP/2 */

/* A listening socket. Tables that contain its address share and own it. */
struct listener {
    unsigned tables;                  /* number of tables that contain it; main thread */
    unsigned number;                  /* never reused */
    struct gw_address address, asked; /* asked: as in the configuration, where port 0 means any */
    /* Used by the main thread, and by workers whose table contains it; -1: not in the published table. */
    int fd;
    struct gw_socket_file file;
    char name[128];
};

/* The sites that answer at an address. */
struct binding {
    struct listener *listener;
    struct gw_tls *tls; /* the first site's; NULL: plain */
    bool grpc;          /* the address is for gRPC, over HTTP/2 */
    struct gw_http_site *sites[MAX_SITES];
    size_t sites_n;
};

/* All addresses. Constant once it is published, except refs and next. */
struct table {
    atomic_uint refs;
    struct table *next;           /* older, in gw_http.tables */
    struct gw_http_limits limits; /* the server's: idle_timeout, connections */
    struct binding bindings[MAX_LISTENERS];
    size_t n;
};

/* How a connection was accepted, and what was charged for it. */
struct origin {
    unsigned listener; /* number of the listener, which may be closed */
    /* whether the address used TLS at that time; such a connection is charged more memory */
    bool tls;
    struct gw_client *account; /* account whose limits apply; NULL: none */
    /* A reference to the last table with its address; NULL while the worker's own table contains it. */
    struct table *last;
};

enum conn_state {
    CONN_IDLE,      /* between requests, or while headers arrive */
    CONN_RECEIVING, /* the headers are complete, the body is arriving */
    CONN_WAITING,   /* suspended: another thread makes the answer */
    CONN_ANSWERING, /* libmicrohttpd has the answer */
    CONN_DEAD       /* answered early; further bytes are not read as requests */
};

/* The current request of a connection. */
struct request {
    /* A reference, from the headers to the answer; NULL: no request. The following members belong to the
     * request. */
    struct table *table;
    const struct binding *binding; /* of the address at which the connection arrived */
    /* The site whose limits and counts apply: the route's, else the binding's first. */
    struct gw_http_site *site;
    const struct gw_http_route *route; /* NULL: none */
    enum gw_http_method method;
    gw_str path, content_type;
    gw_str origin;        /* of a web page, where the site knows CORS */
    bool is_from_origin;  /* … that it allows */
    bool is_preflight;    /* a browser asks whether the page may send */
    enum gw_code refusal; /* the answer is already decided; the body is read and discarded */
    enum gw_encoding encoding;
    bool chunked;         /* the request has no Content-Length */
    uint64_t claimed;     /* Content-Length */
    uint64_t got, calls;  /* bytes received, and number of pieces */
    gw_nsec since, moved; /* when the headers were complete; when the last byte arrived */
    struct gw_body body;
};

struct tls_proxy;
struct http2_conn;
struct http2_call;

struct conn {
    struct conn *prev, *next; /* in worker->conns */
    struct worker *worker;
    struct origin origin;
    gw_nsec left_at; /* when origin.last was set */
    struct MHD_Connection *mhd;
    int fd; /* libmicrohttpd's */
    struct gw_framing framing;
    uint32_t begun; /* number of requests that libmicrohttpd has begun, of those in framing.heads */
    enum conn_state state;
    size_t paid; /* memory charged to `places` */
    bool used;   /* a request has ended on it */
    bool closes; /* it closes after the current answer */
    gw_nsec idle_since;
    struct conn *delayed_next;  /* in worker->delayed: the answer is delayed … */
    struct gw_http_delay delay; /* … for this reason and at most this long */
    gw_nsec delayed_until;
    struct gw_http_later *later; /* the answer that it waits for */
    struct gw_http_peer peer;
    struct sockaddr_storage address; /* the peer's */
    struct request req;
};

/* A connection that was answered early. What the client still sends is read and discarded for a while, so
 * that the client sees the answer. */
struct lingering {
    int fd; /* -1: free slot */
    gw_nsec until;
    uint64_t left; /* bytes to read at most */
};

/* A message to a worker's inbox. */
struct message {
    int fd; /* STOP, CHANGE, LATER: an order, not a socket */
    struct origin origin;
};
enum { STOP = -1, CHANGE = -2, LATER = -3 };

struct worker {
    struct gw_http *http;
    unsigned index;
    pthread_t thread;
    struct MHD_Daemon *mhd;
    int epoll, inbox[2]; /* inbox: a pipe of struct message */
    atomic_uint connections;
    /* Used by this worker's thread only. */
    struct table *table; /* a reference: new connections and requests use this table */
    struct gw_arena arena;
    size_t arena_keep; /* bytes of it that are kept between requests */
    struct gw_body_pool pool;
    struct gw_inflater *inflater;
    struct conn *conns;
    struct conn **by_fd; /* by libmicrohttpd's descriptors; by_fd_n of them, NULL: not this worker's */
    size_t by_fd_n;
    unsigned at_fault; /* connections that close after the requests before the fault are answered */
    struct conn *delayed, **delayed_end; /* suspended, their answers queued */
    gw_nsec delayed_looked;              /* when the delayed answers were last checked */
    struct gw_http_later *answered;      /* under gw_http.later_lock: answered, to be resumed */
    struct tls_proxy *proxies, *ended_proxies;
    struct http2_conn *http2, *ended_http2;
    struct http2_call *held_calls, **held_calls_end; /* delayed answers of gRPC */
    unsigned busy;                 /* connections that are RECEIVING or ANSWERING, and open gRPC calls */
    const struct origin *incoming; /* origin of the socket that is being handed to libmicrohttpd, … */
    const struct sockaddr *incoming_peer;
    socklen_t incoming_len;
    struct lingering lingering[MAX_LINGERING];
    gw_nsec ticked, last_request;
    /* it has a thread; its epoll has the listeners; it is stopping */
    bool running, listening, stopping;
    gw_nsec stop_by;
};

struct gw_http {
    /* max_memory, and the parts for connections and for bodies */
    struct gw_budget *budget, places, bodies;
    /* One for each worker. They outlive the workers, because the receivers' data per thread does. */
    struct gw_budget scratch[GW_HTTP_MAX_THREADS];
    _Atomic gw_nsec wanting; /* when an upload last had to wait for memory */
    unsigned threads;
    /* hashes of logged refusals (client, path); 0: empty. The newest ones, in sets (http_refused.c) */
    atomic_uint_least64_t said[GW_HTTP_SAID];
    uint64_t said_seed;
    _Atomic gw_nsec short_said;     /* when a shortage of descriptors was last logged; 0: never */
    atomic_uint_least64_t unserved; /* paths that were logged as not served */
    struct gw_client_limits *client_limits;
    struct worker *workers;
    unsigned workers_n;
    struct gw_http_limits began; /* the limits at the start, which libmicrohttpd keeps */
    bool stopped;
    struct table *draft;       /* main thread: the table being built; NULL: none */
    unsigned listeners;        /* main thread: listener numbers used so far */
    struct gw_lock later_lock; /* protects answers from other threads */
    struct gw_lock lock;
    /* The main thread changes the following members under the lock and reads them without it; other threads
     * read them under the lock. */
    struct table *table;  /* the published table; NULL: none yet */
    struct table *tables; /* all published tables that are not freed, newest first */
    unsigned measured_n;  /* workers that gw_http_measure may read */
    unsigned due;         /* workers that have not changed over yet; each one counts it down */
    pthread_cond_t changed_over;
};

/* http_table.c */
struct table *gw_http_table_current(struct gw_http *); /* a reference */
struct table *gw_http_table_ref(struct table *);
void gw_http_table_drop(struct table *); /* may be NULL */
/* The table's entry for a listener; NULL: none. */
const struct binding *gw_http_find_binding(const struct table *, unsigned listener);
/* Searches the newest table that contains it; NULL: none does. Under the lock, or on the main thread. */
struct gw_http_site *gw_http_site_of(const struct gw_http *, const void *ctx);
/* Logs the addresses that are new since `before` (NULL: all), or that changed between TLS and plain. */
void gw_http_announce(const struct gw_http *, const struct table *before);
/* Publishes the draft; returns its predecessor, with the main thread's reference. NULL: there was none. */
struct table *gw_http_switch_table(struct gw_http *);
/* Closes the descriptors of addresses that only the predecessor contains; no worker uses it any more. */
void gw_http_close_unnamed(const struct table *now, const struct table *before);
/* Call after the last worker is closed: closes everything. */
void gw_http_withdraw(struct gw_http *);

/* http_conn.c */
/* The memory charged for a connection. */
size_t gw_http_cost(bool tls);
bool gw_http_watch(int epoll, int fd, uint32_t events, uint64_t kind, uint64_t index);
/* Searches the worker's table, else the last one that contains the address. */
const struct binding *gw_http_binding(const struct worker *, const struct origin *);
void gw_http_conn_state(struct conn *, enum conn_state);
/* Called by libmicrohttpd when a connection begins or has ended. */
void gw_http_on_connection(void *worker, struct MHD_Connection *, void **context,
                           enum MHD_ConnectionNotificationCode);
/* Hands a socket, with its charge, to libmicrohttpd, which closes it at the end. The origin then belongs to
 * libmicrohttpd's connection. */
void gw_http_enroll(struct worker *, int fd, struct origin *, const struct sockaddr *peer, socklen_t);
/* Returns what accepting a connection took: memory, one of its peer's connections, the table. */
void gw_http_release_slot(struct worker *, struct origin *);
/* The request no longer needs its table. A second call has no effect. */
void gw_http_release_table(struct request *);
/* Adapts a connection that was accepted under another table, before this worker takes it. */
void gw_http_settle_origin(const struct worker *, struct origin *);

/* http_accept.c */
/* This worker takes over an accepted connection whose memory is charged. */
void gw_http_adopt(struct worker *, int fd, struct origin *);
/* Adds the listeners of the worker's table to its epoll. If the system cannot watch one, w->listening stays
 * false and the next tick tries again. */
void gw_http_listen_on(struct worker *);
void gw_http_listen_off(struct worker *);
/* Accepts at most this many connections. */
void gw_http_accept(struct worker *, const struct binding *, int most);

/* http_worker.c */
bool gw_http_worker_open(struct worker *, struct gw_http *, unsigned index);
bool gw_http_worker_start(struct worker *, struct gw_err *err);
void gw_http_worker_stop(struct worker *, gw_nsec until); /* only asks; join the thread afterwards */
void gw_http_worker_join(struct worker *);
void gw_http_worker_close(struct worker *);
/* Returns when every worker uses the published table: no later accept or request uses another. Open requests
 * continue. */
void gw_http_change_over(struct gw_http *);

/* http_delay.c */
#define GW_HTTP_DELAY_TICK (4 * GW_MSEC) /* time between two checks of delayed answers */
/* Before the answer with that status is queued: suspends the connection if its site delays answers now. */
void gw_http_delay_answer(struct conn *, unsigned status);
/* Resumes the answers whose time or reason is over; all of them if the worker is stopping. */
void gw_http_delayed_check(struct worker *, gw_nsec now);

/* http_later.c */
/* Resumes the connections whose answers have arrived. */
void gw_http_later_collect(struct worker *);
/* The answer for a connection that was resumed, until gw_http_later_end. */
const struct gw_http_reply *gw_http_later_reply(const struct conn *);
/* The answer was sent, or the connection ends without it. No effect if none is awaited. */
void gw_http_later_end(struct conn *);

/* http_deadlines.c */
void gw_http_check_conn(struct conn *, gw_nsec now);
/* Ends this worker's least useful connection; returns false if all are in use. */
bool gw_http_evict(struct worker *, gw_nsec now);
/* Closes this worker's uploads without progress. If it is for an upload of this worker, `not_this`, the other
 * workers do the same at their next tick. */
void gw_http_make_room(struct worker *, const struct conn *not_this, gw_nsec now);

/* http_recv.c */
/* The calling thread becomes the worker's. */
void gw_http_recv_begin(struct worker *);
/* Ends connections whose next request has a framing fault. */
void gw_http_recv_check(struct worker *);

/* http_request.c */
/* Begins a request that libmicrohttpd does not see, because it is about to be refused. */
void gw_http_begin_unread(struct conn *);
enum MHD_Result gw_http_on_request(void *worker, struct MHD_Connection *, const char *url, const char *method,
                                   const char *version, const char *data, size_t *size, void **request);
void gw_http_on_completed(void *worker, struct MHD_Connection *, void **request,
                          enum MHD_RequestTerminationCode);

/* http_tls.c */
/* Takes over a TCP connection, with its charge, that begins with a handshake. */
void gw_http_tls_proxy_begin(struct worker *, int fd, struct origin *, const struct sockaddr *peer,
                             socklen_t);
/* Call before the worker changes over from its table to `next`. */
void gw_http_tls_proxies_leave(struct worker *, const struct table *next);
void gw_http_tls_proxy_run(struct tls_proxy *);  /* handles an event */
void gw_http_tls_proxies_sweep(struct worker *); /* at the end of a turn */
/* ends handshakes that take longer than receive_timeout */
void gw_http_tls_proxies_check(struct worker *, gw_nsec now);
/* closes a slow one; returns false if there is none */
bool gw_http_tls_proxies_evict(struct worker *, gw_nsec now);
void gw_http_tls_proxies_close(struct worker *); /* after libmicrohttpd has closed its ends */

/* http_refused.c */
/* Logs and reports that the server refuses the connection's current request; the caller does the counting. */
void gw_http_note_refusal(struct conn *, const struct gw_err *);
/* Returns the request without its body, for handlers that are told about an answer of the server. */
struct gw_http_request gw_http_seen(struct conn *);

/* http2_conn.c */
/* Makes a socket with its charge, or the plain end of a TLS proxy's pair, a connection of the address's
 * protocol: libmicrohttpd's, or HTTP/2. */
void gw_http_hand_over(struct worker *, int fd, struct origin *, const struct sockaddr *peer, socklen_t);
void gw_http2_run(struct http2_conn *); /* handles an event */
void gw_http2_sweep(struct worker *);   /* at the end of a turn */
/* Checks deadlines; `is_short`: gives up messages without progress, because others need their memory. */
void gw_http2_check(struct worker *, bool is_short, gw_nsec now);
/* Sends delayed answers whose time or reason is over. */
void gw_http2_held_check(struct worker *, gw_nsec now);
/* Ends the least useful one; returns false if all are in use. */
bool gw_http2_evict(struct worker *, gw_nsec now);
/* Call before the worker changes over from its table to `next`. */
void gw_http2_leave(struct worker *, const struct table *next);
/* Called when a stop begins; when its time is over; when the worker closes. */
void gw_http2_stop(struct worker *);
void gw_http2_give_up(struct worker *);
void gw_http2_close(struct worker *);

/* http_response.c */
void gw_http_count(struct gw_http_site *, unsigned status);
/* Answers through libmicrohttpd; the connection stays open. */
enum MHD_Result gw_http_answer(struct conn *, const struct gw_http_reply *);
enum MHD_Result gw_http_answer_error(struct conn *, struct gw_err *);
/* To a browser's preflight, which is allowed. */
enum MHD_Result gw_http_answer_preflight(struct conn *);
/* Answers directly on the socket and ends the connection: for answers that cannot wait for the body. Drops
 * the body. */
void gw_http_refuse(struct conn *, const struct gw_err *);
/* Refuses a connection that libmicrohttpd never sees. Closes fd at the end. */
void gw_http_turn_away(struct worker *, const struct binding *, int fd, enum gw_code);
/* Logs who was refused what, and why; at most a few lines per second. */
void gw_http_log_client(const struct binding *, const struct sockaddr *peer, const char *what,
                        const char *why);
void gw_http_log_refused(const struct binding *, const struct sockaddr *peer, enum gw_code);
void gw_http_linger(struct worker *, int fd);
/* Reads and discards what has arrived; returns true if the slot became free. */
void gw_http_linger_read(struct worker *, struct lingering *);
void gw_http_linger_end(struct lingering *);

#endif
