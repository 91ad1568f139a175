/* otlp_endpoints.h: several backends of one exporter: the options `endpoints` and `failover`, read once for
 * gRPC and HTTP alike.
 *
 *     endpoints = [ "http://a:4318", "http://b:4318" ];  failover = [ "http://spare:4318" ];
 *
 * They replace `endpoint`. Headers, TLS files and compression are those of the exporter, and the scheme is the
 * same for all. Which of them gets a request is decided elsewhere (balancer.h).
 *
 * Threads: read on the main thread; the result is const from then on. Ownership: the array is freed by close.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_ENDPOINTS_H
#define OTLP_ENDPOINTS_H

#include <stdio.h>

#include "exporters/otlp/otlp_endpoint.h"

#define OTLP_ENDPOINTS_OPTS(X)                                                                               \
    X(list, endpoints, "endpoints", "", "", "",                                                              \
      "Several backends that share the load, written like endpoint and used in place of it. A name means "   \
      "all of its addresses, which are looked up every resolve_interval.")                                   \
    X(list, failover, "failover", "", "", "",                                                                \
      "Backends that get requests only while none of endpoints takes data.")                                 \
    X(duration, resolve_interval, "resolve_interval", "10s", "100ms", "1h",                                  \
      "How often names in endpoints and failover are looked up.")

/* Zeroed, there are none. */
struct otlp_endpoints {
    struct otlp_endpoint *all; /* those of `endpoints`, then those of `failover` */
    unsigned n, backups;       /* the last `backups` of them */
};

/* Adds a diagnostic for every mistake; false when there was one, or no memory. `endpoint` is the option of that
 * name, which must be empty where there are several; `path` is "exporters[0]". */
bool otlp_endpoints_read(struct otlp_endpoints *, const struct gw_list *endpoints,
                         const struct gw_list *failover, gw_str endpoint, const struct otlp_protocol *,
                         const char *path, struct gw_diagnostics *) GW_MUST_CHECK;
/* "http://a:4318, http://b:4318, else http://spare:4318" */
void otlp_endpoints_describe(const struct otlp_endpoints *, FILE *to);
void otlp_endpoints_close(struct otlp_endpoints *);

#endif
