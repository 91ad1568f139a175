/* http_targets.h: the backends of an HTTP exporter that has several, the choice among them, and requests that go
 * on from one to the next.
 *
 *   endpoints, failover ─▶ a target for each address of each name (resolver.h), primaries and backups (balancer.h)
 *   send ─▶ the target with the fewest requests ── RETRY ──▶ one that was not tried ─▶ … ─▶ done
 *
 * The URL bears the name, as Host and certificates want it; the connection goes to the address.
 *
 * Threads: open, close on the main thread; all else on the sender's. Ownership: the endpoints, the URL paths and
 * the http_post are the caller's and outlive the targets; a request lasts until `done` was called.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_HTTP_TARGETS_H
#define OTLP_HTTP_TARGETS_H

#include "exporters/otlp/balancer.h"
#include "exporters/otlp/http_post.h"
#include "exporters/otlp/otlp_endpoints.h"
#include "exporters/otlp/resolver.h"

struct http_targets_conf {
    const struct otlp_endpoints *endpoints;
    const char *const *signal_path; /* by signal: appended to the endpoint's own path */
    gw_str server_name;             /* takes the host's place in URLs; empty: the host's name */
    gw_nsec resolve_interval;
    struct http_post *post;
    const char *component; /* of log lines; outlives the targets */
};

/* Zeroed, it may be closed. */
struct http_targets {
    struct http_targets_conf conf;
    struct balancer balancer;
    struct {
        struct curl_slist *connect_to; /* NULL: a free place */
        char address[80];
        unsigned endpoint;
        bool gone; /* it has open requests, and gets no more */
    } all[BALANCER_TARGETS];
    bool cancelled; /* nothing is sent on any more */
    struct resolver_name names[BALANCER_TARGETS];
    struct resolver resolver;
};

void http_targets_open(struct http_targets *, const struct http_targets_conf *);
void http_targets_close(struct http_targets *);

/* As send of an exporter (exporter.h). */
void http_targets_send(struct http_targets *, const struct gw_batch *, gw_nsec timeout, gw_done_f *,
                       void *cookie);

#endif
