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
    pid_t pid; /* of it: the process at the other end; 0 where it is in a PID namespace that is not seen */
    bool noted;
    char note[128];
};

struct gw_http_request {
    enum gw_http_method method;
    gw_str path;            /* as sent, without the query */
    gw_str content_type;    /* empty when absent */
    gw_str body;            /* inflated */
    struct gw_arena *arena; /* reset after the answer */
    struct gw_http_peer *peer;
    unsigned worker; /* 0 … gw_http_threads() - 1: index of what the receiver keeps per thread */
    const void *impl;
};

typedef void gw_http_header_f(void *cookie, gw_str name, gw_str value);
/* All request headers, in order. The views live as long as the request. */
void gw_http_headers(const struct gw_http_request *, gw_http_header_f *, void *cookie);
/* Passes all parameters of the query, in order, decoded: %41 is A, + is a blank. The views live until the
 * arena is reset; a parameter without room in it is empty. */
void gw_http_args(const struct gw_http_request *, gw_http_header_f *, void *cookie);

/* The query as it was sent, without its '?'. In the arena. */
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
    bool bare;        /* without the site's headers */
    struct gw_http_header more[GW_HTTP_REPLY_HEADERS];
    unsigned more_n;
};

void gw_http_reply_header(struct gw_http_reply *, const char *name, const char *value);
/* "payload is not well-formed msgpack at offset 12: want an array", and the advice on a second line; returns
 * like snprintf. */
int gw_http_error_text(const struct gw_err *, char *out, size_t size);
/* The answer to a mistake: status, text and place of the error. */
void gw_http_reply_error(struct gw_http_reply *, struct gw_arena *, const struct gw_err *, int retry_after);

/* An answer that another thread gives. */
struct gw_http_later;
/* In a handler, once: the connection waits for gw_http_answer_now, and the handler's reply is for nothing. The
 * request's table, and so its receiver, stays until then. NULL: no memory, answer as ever. A stop gives up
 * after its grace_period, and the client gets 503. */
struct gw_http_later *gw_http_answer_later(const struct gw_http_request *) GW_MUST_CHECK;
/* Any thread, once for each; what the reply points at is copied. While the server lives. */
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
    bool prefix;       /* every path that begins so */
    bool ignores_body; /* read but not kept; the handler sees an empty one */
    bool as_sent;      /* the handler sees the body as it was sent, compressed or not */
    /* the rest of the path may be the site's token: such a path must not be logged */
    bool ends_in_key;
    uint64_t max_body; /* instead of the site's; 0: the site's */
    bool may_delay;    /* its good answers are held back while the site's `delay` lasts */
    int tag;           /* the receiver's own */
    gw_http_f *handle;
};

struct gw_http_limits {
    uint64_t max_body, max_inflated; /* bytes of one request */
    gw_nsec receive_timeout;         /* from a request's headers to its body's last byte */
    gw_nsec idle_timeout;            /* of a kept connection; the longest of all sites counts */
    int64_t connections;             /* at most; the largest of all sites counts */
};

/* Counts for the admin page and the log at exit. Answers of the server are counted for the site whose route
 * was requested, or the listener's first site. */
enum { GW_HTTP_STATUSES = 16 };
struct gw_http_counts {
    atomic_uint_least64_t requests, wire_bytes, body_bytes; /* bytes as received, and after inflating */
    atomic_uint_least64_t status[GW_HTTP_STATUSES];         /* see gw_http_status_name */
    /* of TLS; one that sent nothing at all is neither */
    atomic_uint_least64_t handshakes, failed_handshakes;
};
/* The HTTP status of slot i ("200"), "other" for the last one. */
const char *gw_http_status_name(unsigned slot);

/* Why good answers are held back: the data of requests goes away more slowly than it comes. `lasts` is called
 * on workers, also when the receiver is gone that gave the answer, so ctx must outlive the server. NULL:
 * never. */
struct gw_http_delay {
    bool (*lasts)(void *ctx, unsigned what);
    void *ctx;
    unsigned what;
    gw_nsec longest; /* for which one answer is held back */
};
/* One that no sender notices: they send every second or so, and give up after seconds. */
#define GW_HTTP_LONGEST_DELAY (100 * GW_MSEC)

/* All pointers are the receiver's and outlive the server's run. */
struct gw_http_site {
    const char *component; /* in log lines: "receiver=ddtrace" */
    const struct gw_http_route *routes;
    size_t routes_n;
    /* of every answer on the listeners of this site; read at answer time */
    const struct gw_http_header *headers;
    size_t headers_n;
    /* the value at this moment of a header whose value is NULL; any worker. NULL: such a header is left out */
    const char *(*header_now)(void *ctx);
    void *ctx; /* handed to handlers */
    struct gw_http_delay delay;
    /* the server has answered a request itself, by 4xx or 503, and no handler sees it; NULL: no matter. Of
     * the request there are method, path and headers. */
    void (*refused)(void *ctx, const struct gw_http_request *, enum gw_code);
    /* words an answer of the server's own, as this receiver's clients read it: type and body of the reply, which
     * has them in plain text; NULL: they stay so. Of the request there are method, path, content_type and headers.
     * Answers that end the connection before the body has come stay as they are. */
    void (*word_error)(void *ctx, const struct gw_http_request *, const struct gw_err *,
                       struct gw_http_reply *);
    /* another address that serves this path, for the text of a 404; NULL: none is known. May be NULL */
    const char *(*elsewhere)(gw_str path);
    const struct gw_grpc *grpc; /* what is served at its addresses of gRPC; NULL: it has none */
    struct gw_http_limits limits;
    /* of those who come by TCP; the first site's of an address apply to it */
    struct gw_client_limits_conf client_limits;
    /* spoken where it comes by TCP; NULL: plain. Sites that share an address agree */
    struct gw_tls *tls;
    const struct gw_auth *auth; /* required of clients over TCP; NULL: nothing */
    /* parameter of the query that may carry the token as well; NULL: none */
    const char *auth_arg;
    const struct gw_cors *cors; /* the web pages that may send; NULL: none */
    /* some default address could not be bound: a reload tries again */
    bool incomplete;
    struct gw_http_counts counts;
};

/* What every site counts, and the server. */
extern const struct gw_metric gw_http_metrics[];

struct gw_http;
/* Adds the samples of the sites with this ctx. Any thread, while the server is not stopped. */
void gw_http_measure_site(struct gw_http *, const void *ctx, struct gw_metrics *);
/* Adds the samples of the server. Any thread, while the server is not stopped. */
void gw_http_measure(struct gw_http *, struct gw_metrics *);
/* NULL when there is no memory. `threads`: see gw_cpus(). Starts the first draft. */
struct gw_http *gw_http_new(struct gw_budget *, int threads);
void gw_http_drop(struct gw_http *);

/* Before start. A receiver's option `threads` overrides the number; the largest wins. */
void gw_http_want_threads(struct gw_http *, int threads);
unsigned gw_http_threads(const struct gw_http *);

/* Puts the site on the address, in the draft: on a listener that is open already, or on a new one (listen.h).
 * *first, when it names none, becomes the first address. */
enum gw_listen_result gw_http_listen(struct gw_http *, gw_str address, struct gw_http_site *,
                                     struct gw_address *first, struct gw_listen_error *);
/* The same for its calls of gRPC (grpc.h), over HTTP/2. */
enum gw_listen_result gw_http_listen_grpc(struct gw_http *, gw_str address, struct gw_http_site *,
                                          struct gw_address *first, struct gw_listen_error *);

/* Starts another draft; an unfinished one is discarded. False when there is no memory. */
bool gw_http_draft(struct gw_http *) GW_MUST_CHECK;
/* Puts the receiver of this ctx into the draft, as it is in the published table; its addresses are claimed for `path`. False when it cannot share
 * an address with those before.
 */
bool gw_http_keep(struct gw_http *, const void *ctx, struct gw_listen_claims *, const char *path,
                  struct gw_listen_error *) GW_MUST_CHECK;
/* True if the published table has the receiver at every address that it named. */
bool gw_http_is_whole(const struct gw_http *, const void *ctx);
void gw_http_discard(struct gw_http *);
/* Returns when all new connections and requests go by it; cannot fail. Addresses that it does not name are
 * closed: connections that came by one have one more request answered, by the predecessor. What only a start
 * can change stays: the number of threads, idle_timeout, more connections. */
void gw_http_publish(struct gw_http *);
/* Whether the published table, or a request or connection by way of an older one, may still call the receiver
 * of this ctx. */
bool gw_http_uses(const struct gw_http *, const void *ctx);
/* Adds a receiver's counts to those of its successor, and clears them. Any thread, while neither receiver is
 * closed. */
void gw_http_move_counts(struct gw_http *, const void *from_ctx, const void *to_ctx);
/* Frees tables that are no longer used. Receivers for which gw_http_uses is false may be closed before or
 * after it. */
void gw_http_sweep(struct gw_http *);

/* Publishes the draft, and starts the workers when there is an address and they do not run: the pipeline's
 * part, not a receiver's, once all sites are ready. After a failure stop cleans up. */
enum gw_code gw_http_start(struct gw_http *, struct gw_err *) GW_MUST_CHECK;

/* Closes the listeners, lets open requests finish for at most `grace_period`, ends the workers. After it no
 * handler runs. A second call has no effect. */
void gw_http_stop(struct gw_http *, gw_nsec grace_period);

#endif
