/* http_internal.h: what the files of the HTTP server share, and nobody else includes.
 *
 *   http.c          sites, listeners, start and stop       main thread
 *   http_worker.c   accept, the loop                       one thread per worker
 *   http_reload.c      other sites and listeners while it runs          main thread, workers parked
 *   http_deadlines.c   connections and uploads that are given up
 *   http_request.c  libmicrohttpd's calls: a request's headers, its body, its end
 *   http_response.c   answers: through libmicrohttpd, or straight to the socket when it is too early for that
 *   http_delay.c      answers that are held back
 *   http_tls.c      TLS, in front of libmicrohttpd
 *
 * libmicrohttpd runs without a thread of its own (MHD_run inside the worker's loop), so everything about a connection happens on
 * one thread: deadlines need no lock, and a descriptor cannot be closed under our hands.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_HTTP_INTERNAL_H
#define GW_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>

#include "core/base/lock.h"
#include "gateway/http/body.h"
#include "gateway/http/http.h"
#include "gateway/http/inflate.h"

enum { MAX_LISTENERS = 32, MAX_SITES = 8, MAX_STAGED = MAX_LISTENERS * 2, MAX_LINGERING = 64 };

/* What an epoll event of a worker is about: the kind in the upper half of its data, an index in the lower one. */
enum { EV_MHD, EV_INBOX, EV_LISTENER, EV_LINGER };
#define EV_TLS_PROXY ((uint64_t)1 << 63) /* … but for pumps: below this bit is its address */

struct listener {
    struct gw_address address, asked; /* asked: as it stands in the configuration, where port 0 means any */
    int fd;                           /* -1: closed by a reload; connections that came by it live on */
    bool unused;                      /* closed so long ago that nobody is left who came by it: the place is free */
    struct gw_socket_file file;
    struct gw_tls *tls; /* of the first site; NULL: plain */
    char name[128];
    struct gw_http_site *sites[MAX_SITES];
    size_t sites_n;
};

enum conn_state {
    CONN_IDLE,      /* between requests, or in the middle of headers */
    CONN_RECEIVING, /* headers are here, the body is coming */
    CONN_ANSWERING, /* the answer is in libmicrohttpd's hands */
    CONN_DEAD       /* answered early; whatever comes is not read any more */
};

/* The request that a connection is at. */
struct request {
    struct gw_http_site *site;         /* whose limits and counts apply: the route's, else the listener's first */
    const struct gw_http_route *route; /* NULL: none */
    enum gw_http_method method;
    gw_str path, content_type;
    enum gw_code refusal; /* the answer is decided already; the body is read and dropped */
    enum gw_encoding encoding;
    bool chunked;         /* no length was claimed */
    uint64_t claimed;     /* Content-Length */
    uint64_t got, calls;  /* bytes received, and in how many pieces */
    gw_nsec since, moved; /* when the headers were complete, when the last byte came */
    struct gw_body body;
};

struct tls_proxy;

struct conn {
    struct conn *prev, *next; /* in worker->conns */
    struct worker *worker;
    const struct listener *listener;
    struct MHD_Connection *mhd;
    int fd; /* libmicrohttpd's */
    enum conn_state state;
    size_t paid; /* to places */
    bool used;   /* a request came to its end on it */
    gw_nsec idle_since;
    struct conn *delayed_next;  /* in worker->delayed: the answer is held back … */
    struct gw_http_delay delay; /* … for this reason, at most */
    gw_nsec delayed_until;
    struct gw_http_peer peer;
    struct sockaddr_storage address; /* the peer's */
    struct gw_client *account;       /* whose limits apply; NULL: none do */
    struct request req;
};

/* A connection that was answered early: what the client still sends is read away for a while, so that it gets to see the answer. */
struct lingering {
    int fd; /* -1: free slot */
    gw_nsec until;
    uint64_t left; /* bytes to read at most */
};

struct worker {
    struct gw_http *http;
    unsigned index;
    pthread_t thread;
    struct MHD_Daemon *mhd;
    int epoll, inbox[2]; /* inbox: a pipe of struct message */
    atomic_uint connections;
    /* this worker's thread only */
    struct gw_arena arena;
    size_t arena_keep; /* bytes of it between requests */
    struct gw_body_pool pool;
    struct gw_inflater *inflater;
    struct conn *conns;
    struct conn *delayed, **delayed_end; /* suspended, their answers queued */
    gw_nsec delayed_looked;              /* whether any may go */
    struct tls_proxy *proxies, *ended_proxies;
    unsigned busy;                   /* connections that are RECEIVING or ANSWERING */
    const struct listener *incoming; /* of the socket that is being handed to libmicrohttpd, … */
    const struct sockaddr *incoming_peer;
    socklen_t incoming_len;
    struct gw_client *incoming_account;
    struct lingering lingering[MAX_LINGERING];
    gw_nsec ticked, last_request;
    bool running, listening, stopping; /* it has a thread; its epoll has the listeners; it is on its way out */
    gw_nsec stop_by;
};

/* A site that a reload will put on a listener. */
struct staged {
    struct listener *listener; /* in listeners or in opened */
    struct gw_http_site *site;
};

struct gw_http {
    struct gw_budget *budget, places, bodies;      /* max_memory, and what connections and bodies may take of it */
    struct gw_budget scratch[GW_HTTP_MAX_THREADS]; /* of each worker; outlives the workers, as what receivers keep per thread does */
    _Atomic gw_nsec wanting;                       /* when an upload last had to wait for memory */
    unsigned threads;
    struct listener listeners[MAX_LISTENERS];
    size_t listeners_n;
    struct gw_http_limits limits; /* of the server: idle_timeout, connections */
    struct gw_client_limits *client_limits;
    struct worker *workers;
    unsigned workers_n;
    struct gw_http_limits began; /* limits as of the start: what libmicrohttpd knows */
    /* main thread, between gw_http_stage_begin and its end: the picture that a reload will put in place */
    bool staging;
    struct staged staged[MAX_STAGED];
    size_t staged_n;
    struct listener opened[MAX_LISTENERS]; /* for it */
    size_t opened_n;
    struct gw_http_site gone; /* of those whose receiver is no more */
    struct gw_lock park_lock;
    pthread_cond_t park_moved;
    /* under park_lock */
    unsigned parked;
    bool parking;
    bool stopped;
};

/* http.c */
void gw_http_announce(const struct listener *);
void gw_http_close_listener(struct listener *); /* again without effect */

enum gw_listen_result gw_http_open_listener(struct listener *, const struct gw_address *, struct gw_tls *, struct gw_listen_error *);

/* http_reload.c */
enum gw_listen_result gw_http_stage(struct gw_http *, const struct gw_address *, struct gw_http_site *, struct gw_address *first,
                                    struct gw_listen_error *);

/* http_worker.c */
bool gw_http_worker_open(struct worker *, struct gw_http *, unsigned index);
bool gw_http_worker_start(struct worker *, struct gw_err *err);
void gw_http_worker_stop(struct worker *, gw_nsec until); /* asks; join the thread afterwards */
void gw_http_worker_close(struct worker *);
/* Of a parked worker. */
void gw_http_worker_watch(struct worker *, size_t listener);
void gw_http_worker_unwatch(struct worker *, size_t listener);
void gw_http_conn_state(struct conn *, enum conn_state);

/* http_delay.c */
#define GW_HTTP_DELAY_TICK (4 * GW_MSEC) /* between two looks at what is held back */
/* Before the answer with that status is queued: suspends the connection where its site wants a moment. */
void gw_http_delay_answer(struct conn *, unsigned status);
/* Lets those go whose time or reason is over, and all when the worker is stopping. */
void gw_http_delayed_check(struct worker *, gw_nsec now);

/* http_deadlines.c */
void gw_http_check_conn(struct conn *, gw_nsec now);
/* Ends the connection of this worker that is the least loss; false when all are in use. */
bool gw_http_evict(struct worker *, gw_nsec now);
/* Gives up this worker's uploads that stand still; when it is for an upload of its own, `not_this`, other workers do so as well at
 * their next tick. */
void gw_http_make_room(struct worker *, const struct conn *not_this, gw_nsec now);

/* http_request.c */
enum MHD_Result gw_http_on_request(void *worker, struct MHD_Connection *, const char *url, const char *method, const char *version,
                                   const char *data, size_t *size, void **request);
void gw_http_on_completed(void *worker, struct MHD_Connection *, void **request, enum MHD_RequestTerminationCode);

/* Where the request's path leads on this listener. */
void gw_http_find_route(struct request *, const struct listener *);

/* Hands a socket, with its place, to libmicrohttpd, which closes it in the end. */
void gw_http_enroll(struct worker *, int fd, const struct listener *, const struct sockaddr *peer, socklen_t, struct gw_client *);
/* What accepting a connection took: memory, and one of its peer's connections. */
void gw_http_release_slot(struct worker *, const struct listener *, struct gw_client *);

/* http_tls.c */
/* Some handshake or connection of this worker came by that listener. */
bool gw_http_tls_proxies_use(const struct worker *, const struct listener *);
/* Takes over a TCP connection, with its place, that begins with a handshake. */
void gw_http_tls_proxy_begin(struct worker *, int fd, const struct listener *, const struct sockaddr *peer, socklen_t, struct gw_client *);
void gw_http_tls_proxy_run(struct tls_proxy *);               /* there was an event */
void gw_http_tls_proxies_sweep(struct worker *);              /* at the end of a turn */
void gw_http_tls_proxies_check(struct worker *, gw_nsec now); /* ends handshakes that take longer than receive_timeout */
bool gw_http_tls_proxies_evict(struct worker *, gw_nsec now); /* ends one that takes long already; false: there is none */
void gw_http_tls_proxies_close(struct worker *);              /* after libmicrohttpd has closed its ends */

/* http_response.c */
/* Through libmicrohttpd; the connection is kept. */
enum MHD_Result gw_http_answer(struct conn *, const struct gw_http_reply *);
enum MHD_Result gw_http_answer_error(struct conn *, const struct gw_err *);
/* Straight to the socket, and that was the connection's last: for answers that cannot wait for the body. Drops the body. */
void gw_http_refuse(struct conn *, const struct gw_err *);
/* For a connection that libmicrohttpd never sees. Closes fd in the end. */
void gw_http_turn_away(struct worker *, const struct listener *, int fd, enum gw_code);
/* A line in the log, a few a second at most: who was refused what, and why. */
void gw_http_log_client(const struct listener *, const struct sockaddr *peer, const char *what, const char *why);
void gw_http_log_refused(const struct listener *, const struct sockaddr *peer, enum gw_code);
void gw_http_linger(struct worker *, int fd);
/* Reads away what has come; true when the slot became free. */
void gw_http_linger_read(struct worker *, struct lingering *);
void gw_http_linger_end(struct lingering *);

#endif
