/* http.h: the HTTP server that receivers share.
 *
 *   listeners (TCP, Unix)      workers: one thread, one libmicrohttpd daemon and one epoll each
 *     127.0.0.1:8126 ─┐           ┌▶ worker 0 ─▶ connection ─▶ headers: route, limits ─▶ body ─▶ inflate ─▶ handler ─▶ answer
 *     [::1]:8126     ─┼─ accept ──┤   arena, body buffers, inflater of its own: no lock while a request runs
 *     /run/x.socket  ─┘           └▶ worker 1  …     a new connection goes to the worker that has the fewest
 *
 * A receiver describes itself as a site: its routes, limits and the headers of every answer. It names the
 * addresses of the site; sites that name one address share its listener, and routes are searched in the
 * order of registration.
 *
 * Requests whose end is ambiguous get 400 before libmicrohttpd sees them (framing.h).
 *
 * The server does for every site: keep-alive, chunked bodies, Expect: 100-continue, Content-Encoding
 * (inflate.h). It also answers without a handler: 400 (framing, a body of tiny chunks, a bad encoding), 401
 * and 403 (auth.h; Sec-Fetch-Site: cross-site, unless cors.h allows the origin), 404, 405, 408 (the body did not arrive within
 * receive_timeout), 413 (max_body, max_inflated), 415 (Content-Encoding), 429 (memory, client_limits.h),
 * 503 (stopping). An answer that is sent before the body has arrived closes the connection, after the
 * client's remaining bytes have been read for a moment (otherwise TCP would reset the connection, and the
 * client would not see the answer).
 *
 * An answer may be delayed for a moment (gw_http_delay): only its connection is suspended. A client that
 * waits for it sends nothing more meanwhile, which is the only back-pressure of HTTP short of a refusal.
 *
 * Memory (docs/threat-model.md): a connection costs GW_HTTP_CONNECTION bytes (one with TLS GW_HTTP_TLS
 * more), all together at most a third of max_memory; a body costs its received bytes (body.h), all together
 * at most half; the translation of one request at most five eighths. When this is used up, uploads without
 * progress for a second are closed (408) for those that make progress.
 *
 * A reload replaces one table: which sites answer at which address (http_table.c). A request uses the table
 * that was published when its headers were complete, until its answer; the next request on the same
 * connection uses the table that is then published. So nothing that a request needs changes or goes away
 * while it is answered, and workers and connections know nothing of a reload.
 *
 *   draft ─▶ listen, keep ─┬▶ publish   new connections and requests use it; its predecessor is used until its last request is
 *                          │            answered, and the receivers that only it names are closed after that (uses)
 *                          └▶ discard   the addresses opened for it are closed; nothing has changed
 *
 * Threads: main, except gw_http_measure… (any) and the handlers (workers).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_HTTP_H
#define GW_HTTP_H

#include <stdatomic.h>
#include <sys/types.h>

#include "core/base/arena.h"
#include "core/base/budget.h"
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/metrics.h"
#include "gateway/net/auth.h"
#include "gateway/net/client_limits.h"
#include "gateway/net/cors.h"
#include "gateway/net/listen.h"
#include "gateway/net/listen_claims.h"
#include "gateway/net/tls.h"

enum { GW_HTTP_CONNECTION = 32 * 1024, GW_HTTP_TLS = 32 * 1024, GW_HTTP_MAX_THREADS = 256 };

enum gw_http_method {
    GW_HTTP_GET = 1,
    GW_HTTP_HEAD = 2,
    GW_HTTP_PUT = 4,
    GW_HTTP_POST = 8,
    GW_HTTP_OTHER = 16
};

/* The client of one connection; lives as long as the connection. `note` belongs to the receiver: what it
 * knows about the client. */
struct gw_http_peer {
    bool local;     /* loopback or Unix socket */
    bool by_socket; /* Unix socket */
    pid_t pid;      /* process at the other end of a Unix socket; 0 if it is in an invisible PID namespace */
    const struct sockaddr *address; /* NULL: a Unix socket's */
    bool noted;
    char note[128];
};

/* "127.0.0.1:40312"; of a Unix socket "pid 4711", or nothing where its process is not seen. */
void gw_http_peer_name(const struct gw_http_peer *, char *out, size_t size);

struct gw_http_request {
    enum gw_http_method method;
    gw_str path;            /* as sent, without the query */
    gw_str content_type;    /* empty if missing */
    gw_str body;            /* decompressed */
    struct gw_arena *arena; /* reset after the answer */
    struct gw_http_peer *peer;
    /* 0 … gw_http_threads() - 1: the worker's number, as index for the receiver's data per thread */
    unsigned worker;
    const void *impl;
};

typedef void gw_http_header_f(void *cookie, gw_str name, gw_str value);
/* All request headers, in order. The views live as long as the request. */
void gw_http_headers(const struct gw_http_request *, gw_http_header_f *, void *cookie);
/* Passes all parameters of the query, in order, decoded: %41 is A, + is a blank. The views live until the
 * arena is reset; a parameter without room in it is empty. */
void gw_http_args(const struct gw_http_request *, gw_http_header_f *, void *cookie);

/* Returns the query as it was sent, without its '?'. In the arena. */
gw_str gw_http_query(const struct gw_http_request *);

struct gw_http_header {
    const char *name, *value;
};

enum { GW_HTTP_REPLY_HEADERS = 8 };

struct gw_http_reply {
    unsigned status;  /* 200 unless the handler sets it */
    const char *type; /* Content-Type; NULL: none */
    gw_str body;      /* copied before the arena is reset */
    int retry_after;  /* seconds; 0: no such header */
    bool bare;        /* the site's headers are left out */
    struct gw_http_header more[GW_HTTP_REPLY_HEADERS];
    unsigned more_n;
};

void gw_http_reply_header(struct gw_http_reply *, const char *name, const char *value);
/* Writes a text such as "payload is not well-formed msgpack at offset 12: want an array", and the advice on a
 * second line; returns like snprintf. */
int gw_http_error_text(const struct gw_err *, char *out, size_t size);
/* Makes the answer for an error: status, text and place. */
void gw_http_reply_error(struct gw_http_reply *, struct gw_arena *, const struct gw_err *, int retry_after);

/* An answer that another thread provides. */
struct gw_http_later;
/* Call it in a handler, once: the connection waits for gw_http_answer_now, and the handler's reply is
 * ignored. The request's table, and so its receiver, stays until then. Returns NULL if there is no memory;
 * answer as usual then. A stop waits for at most its grace_period, and then the client gets 503. */
struct gw_http_later *gw_http_answer_later(const struct gw_http_request *) GW_MUST_CHECK;
/* Any thread, once for each struct, while the server lives. The data that the reply points to is copied. */
void gw_http_answer_now(struct gw_http_later *, const struct gw_http_reply *);

/* True when this answer to this client at this path was not logged yet, so each is logged once. GW_NOT_FOUND:
 * for all clients together. Handlers call it for their own answers. */
bool gw_http_first_refused(const struct gw_http_request *, enum gw_code);

struct gw_grpc;
struct gw_http_route;
typedef void gw_http_f(void *ctx, const struct gw_http_route *, const struct gw_http_request *,
                       struct gw_http_reply *);

struct gw_http_route {
    const char *path;
    unsigned methods;  /* bits of enum gw_http_method */
    bool prefix;       /* matches every path that begins with it */
    bool ignores_body; /* the body is read but not kept; the handler gets an empty one */
    bool as_sent;      /* the handler gets the body as it was sent, compressed or not */
    /* The rest of the path may be the site's token, so such a path must not be logged. */
    bool ends_in_key;
    uint64_t max_body; /* instead of the site's; 0: the site's */
    bool may_delay;    /* its success answers are delayed while the site's `delay` lasts */
    int tag;           /* for the receiver's own use */
    gw_http_f *handle;
};

struct gw_http_limits {
    uint64_t max_body, max_inflated; /* bytes, of one request */
    gw_nsec receive_timeout;         /* from the end of a request's headers to the last byte of its body */
    /* for a connection between requests; the largest value of all sites is used */
    gw_nsec idle_timeout;
    int64_t connections; /* maximum number; the largest value of all sites is used */
};

/* Counts for the admin page and the log at exit. Answers of the server are counted for the site whose route
 * was requested, or the listener's first site. */
enum { GW_HTTP_STATUSES = 16 };
struct gw_http_counts {
    atomic_uint_least64_t requests, wire_bytes, body_bytes; /* bytes as received, and after decompression */
    atomic_uint_least64_t status[GW_HTTP_STATUSES];         /* see gw_http_status_name */
    /* TLS handshakes. A connection that sent nothing is in neither count. */
    atomic_uint_least64_t handshakes, failed_handshakes;
};
/* The HTTP status of slot i ("200"), "other" for the last one. */
const char *gw_http_status_name(unsigned slot);

/* Why success answers are delayed: the data of requests leaves more slowly than it arrives. `lasts` is called
 * on workers, even after the receiver that answered was closed, so ctx must outlive the server. NULL: never
 * delay. */
struct gw_http_delay {
    bool (*lasts)(void *ctx, unsigned what);
    void *ctx;
    unsigned what;
    gw_nsec longest; /* maximum delay of one answer */
};
/* No sender notices such a delay: senders send about once a second, and time out after seconds. */
#define GW_HTTP_LONGEST_DELAY (100 * GW_MSEC)

/* All pointers belong to the receiver and must outlive the server's run. */
struct gw_http_site {
    const char *component; /* in log lines: "receiver=ddtrace" */
    const struct gw_http_route *routes;
    size_t routes_n;
    /* Headers of every answer on the listeners of this site; read when the answer is made. */
    const struct gw_http_header *headers;
    size_t headers_n;
    /* Returns the current value of a header whose `value` is NULL; any worker. If it returns NULL, the header
     * is left out. */
    const char *(*header_now)(void *ctx);
    void *ctx; /* passed to handlers */
    struct gw_http_delay delay;
    /* Called when the server itself has answered a request with 4xx or 503, so that no handler sees it; may
     * be NULL. Of the request, method, path and headers are set. */
    void (*refused)(void *ctx, const struct gw_http_request *, enum gw_code);
    /* Changes an answer of the server itself to what this receiver's clients expect: type and body of the
     * reply, which contain plain text. May be NULL. Of the request, method, path, content_type and headers
     * are set. Answers that end the connection before the body has arrived cannot be changed. */
    void (*word_error)(void *ctx, const struct gw_http_request *, const struct gw_err *,
                       struct gw_http_reply *);
    /* Returns another address that serves this path, for the text of a 404; NULL: unknown. May be NULL */
    const char *(*elsewhere)(gw_str path);
    const struct gw_grpc *grpc; /* its methods on addresses of gRPC; NULL: none */
    struct gw_http_limits limits;
    /* Limits of TCP clients; for an address with several sites, those of the first site apply. */
    struct gw_client_limits_conf client_limits;
    /* TLS on TCP addresses; NULL: plain. Sites that share an address must agree. */
    struct gw_tls *tls;
    const struct gw_auth *auth; /* required of TCP clients; NULL: nothing is required */
    /* Name of a query parameter that may contain the token too; NULL: none. */
    const char *auth_arg;
    const struct gw_cors *cors; /* the web pages that may send; NULL: none */
    /* Some default address could not be bound; a reload tries again. */
    bool incomplete;
    struct gw_http_counts counts;
};

/* Metrics of every site, and of the server. */
extern const struct gw_metric gw_http_metrics[];

struct gw_http;
/* Adds the samples of the sites with this ctx. Any thread, while the server is not stopped. */
void gw_http_measure_site(struct gw_http *, const void *ctx, struct gw_metrics *);
/* Adds the samples of the server. Any thread, while the server is not stopped. */
void gw_http_measure(struct gw_http *, struct gw_metrics *);
/* Returns NULL if there is no memory. `threads`: see gw_cpus(). Begins the first draft. */
struct gw_http *gw_http_new(struct gw_budget *, int threads);
void gw_http_drop(struct gw_http *);

/* Before start. A receiver's option `threads` overrides the number; the largest wins. */
void gw_http_want_threads(struct gw_http *, int threads);
unsigned gw_http_threads(const struct gw_http *);

/* Adds the site to the address in the draft: on a listener that is open, or on a new one (listen.h). *first
 * is set to the first address if it is empty. */
enum gw_listen_result gw_http_listen(struct gw_http *, gw_str address, struct gw_http_site *,
                                     struct gw_address *first, struct gw_listen_error *);
/* The same for its gRPC calls (grpc.h), over HTTP/2. */
enum gw_listen_result gw_http_listen_grpc(struct gw_http *, gw_str address, struct gw_http_site *,
                                          struct gw_address *first, struct gw_listen_error *);

/* Begins another draft; an unfinished one is discarded. Returns false if there is no memory. */
bool gw_http_draft(struct gw_http *) GW_MUST_CHECK;
/* Adds the receiver of this ctx to the draft, with its addresses from the published table, which are claimed
 * for `path`. Returns false if it cannot share an address with earlier receivers.
 */
bool gw_http_keep(struct gw_http *, const void *ctx, struct gw_listen_claims *, const char *path,
                  struct gw_listen_error *) GW_MUST_CHECK;
/* True if the published table has the receiver at every address that it named. */
bool gw_http_is_whole(const struct gw_http *, const void *ctx);
void gw_http_discard(struct gw_http *);
/* Returns when all new connections and requests use the draft; cannot fail. Addresses that it does not
 * contain are closed: the predecessor answers one more request on each of their connections. Some settings
 * change only at a start: the number of threads, idle_timeout, more connections. */
void gw_http_publish(struct gw_http *);
/* Returns whether the published table, or a request or connection that uses an older one, may still call the
 * receiver of this ctx. */
bool gw_http_uses(const struct gw_http *, const void *ctx);
/* Adds a receiver's counts to those of its successor, and clears them. Any thread, while neither receiver is
 * closed. */
void gw_http_move_counts(struct gw_http *, const void *from_ctx, const void *to_ctx);
/* Frees tables that are no longer used. Receivers for which gw_http_uses is false may be closed before or
 * after it. */
void gw_http_sweep(struct gw_http *);

/* Publishes the draft and, if there is an address and the workers do not run, starts them. Called by the
 * pipeline when all sites are ready, not by receivers. After a failure, call stop. */
enum gw_code gw_http_start(struct gw_http *, struct gw_err *) GW_MUST_CHECK;

/* Closes the listeners, lets open requests finish for at most `grace_period`, ends the workers. After it no
 * handler runs. A second call has no effect. */
void gw_http_stop(struct gw_http *, gw_nsec grace_period);

#endif
