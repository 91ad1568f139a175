/* grpc_channel.h: the connection of a gRPC exporter: library, credentials, channel arguments.
 *
 * gRPC Core keeps one connection per channel and reconnects it. Of what it can do besides, this takes
 * nothing: no retries, no service config, no pool shared with other channels, no tracing; retrying is
 * sender.h's and is seen in the ledger.
 *
 * TLS: roots are tls.ca, else what SSL_CERT_FILE names, else the system's bundle. A proxy named by
 * grpc_proxy, https_proxy or http_proxy (but for no_proxy) is used, as all gRPC programs do, though never for
 * loopback addresses.
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
    gw_str server_name;                        /* to expect in the certificate; empty: the host */
    gw_nsec keepalive_time, keepalive_timeout; /* time 0: no probes */
};

/* First and last of every exporter that uses gRPC; they count. Sends the library's own words to our log. */
void gw_grpc_start(void);
void gw_grpc_stop(void);

/* Plain ones, or for TLS. NULL when the system's CA certificates are needed and there are none: then there is a
 * diagnostic. `path` is "exporters[0]". */
grpc_channel_credentials *gw_grpc_credentials(const struct otlp_endpoint *, const char *path,
                                              struct gw_diagnostics *diagnostics);
/* To the endpoint's host, or to one of its addresses ("10.0.0.1:4317"; NULL: gRPC resolves the host). Keeps a
 * reference of the credentials. */
grpc_channel *gw_grpc_channel(const struct otlp_endpoint *, const struct gw_grpc_options *,
                              const char *address, grpc_channel_credentials *);

#endif
