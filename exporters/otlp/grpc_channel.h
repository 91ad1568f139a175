/* grpc_channel.h: the connection of a gRPC exporter: library, credentials, channel arguments.
 *
 * gRPC Core keeps one connection per channel and reconnects it. None of its other features is used: no
 * retries, no service config, no pool shared with other channels, no tracing. sender.h does the retries and
 * counts them in the ledger.
 *
 * TLS: the roots come from tls.ca, else from the file in SSL_CERT_FILE, else from the system's bundle. A
 * proxy in grpc_proxy, https_proxy or http_proxy (except for hosts in no_proxy) is used, as in all gRPC
 * programs, but never for loopback addresses.
 *
 * Threads: credentials on the main thread; a channel on any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_GRPC_CHANNEL_H
#define GW_GRPC_CHANNEL_H

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "exporters/otlp/otlp_endpoint.h"

struct gw_grpc_options {
    gw_str server_name;                        /* expected name in the certificate; empty: the host */
    gw_nsec keepalive_time, keepalive_timeout; /* time 0: no keepalive probes */
};

/* Every exporter that uses gRPC calls start first and stop last; calls are counted. Redirects the library's
 * log to ddgate's. */
void gw_grpc_start(void);
void gw_grpc_stop(void);

/* Returns plain or TLS credentials. Returns NULL, with a diagnostic, if the system's CA certificates are
 * needed and none are found. `path` is "exporters[0]". */
grpc_channel_credentials *gw_grpc_credentials(const struct otlp_endpoint *, const char *path,
                                              struct gw_diagnostics *diagnostics);
/* Opens a channel to the endpoint's host, or to one of its addresses ("10.0.0.1:4317"; NULL: gRPC resolves
 * the host). Keeps a reference to the credentials. */
grpc_channel *gw_grpc_channel(const struct otlp_endpoint *, const struct gw_grpc_options *,
                              const char *address, grpc_channel_credentials *);

#endif
