/* http_open.h: shared by HTTP receivers: opens a site from the receiver's options, and reports addresses
 * that cannot be bound.
 *
 *     listen = default rows   best effort: a taken address causes a warning, a missing one is skipped
 *     listen = the user's     required: an address that cannot be bound prevents the start
 *
 * `ddgate check` reads addresses without opening them, because a gateway may be running on them.
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_HTTP_OPEN_H
#define GW_HTTP_OPEN_H

#include "core/config/option.h"
#include "gateway/http/http.h"
#include "gateway/net/listener_access.h"
#include "gateway/receiver_host.h"

/* Option rows that HTTP receivers share: limits of a body with their defaults, and its timeout. */
#define GW_HTTP_BODY_OPTS(X, body, inflated)                                                                 \
    X(size, max_body, "max_body", body, "64KiB", "1GiB",                                                     \
      "Longest body of a request, as sent; a longer one gets 413.")                                          \
    X(size, max_inflated, "max_inflated", inflated, "64KiB", "1GiB",                                         \
      "Longest body after decompression; a longer one gets 413.")
#define GW_HTTP_TIME_OPT(X)                                                                                  \
    X(duration, receive_timeout, "receive_timeout", "10s", "100ms", "10m",                                   \
      "How long the body of a request may take to arrive; then the answer is 408.")
/* Makes the limits of a site from a receiver's options. */
#define GW_HTTP_LIMITS(c)                                                                                    \
    {                                                                                                        \
        (c)->max_body, (c)->max_inflated, (c)->receive_timeout, (c)->idle_timeout, (c)->connections          \
    }

/* Opens a receiver's addresses. The caller sets host, site and path ("receivers[0]"). */
struct gw_http_open {
    const struct gw_host *host;
    struct gw_http_site *site;
    const char *path;
    bool grpc;          /* the addresses are for gRPC */
    unsigned listeners; /* number of addresses that were bound */
    int port;           /* port of the first TCP listener; 0: none … */
    char host_text[64]; /* … and the host by which applications on this machine reach it */
};

/* Opens the listener access (TLS, token, limits) and sets it on the site; warns about addresses to which
 * anybody may send. */
void gw_http_open_access(struct gw_http_open *, struct gw_listener_access *,
                         const struct gw_listener_access_conf *, const struct gw_list *listen,
                         struct gw_diagnostics *);
/* Opens one address; `option` is its option: "listen". */
bool gw_http_open_one(struct gw_http_open *, gw_str address, bool best_effort, const char *option,
                      struct gw_diagnostics *);
/* Returns whether no other receiver of this configuration uses the address. */
bool gw_http_is_free(const struct gw_http_open *, gw_str address);
/* Opens all addresses of the option `listen`, whose default is `usual`; returns whether they are the default
 * ones. */
bool gw_http_open_all(struct gw_http_open *, const struct gw_list *listen, const char *usual,
                      struct gw_diagnostics *);

#endif
