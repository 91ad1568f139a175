/* tls_probe.h: what is wrong with a server's certificate, where gRPC does not say.
 *
 * gRPC Core knows "certificate verify failed" and nothing of why. So once it has said that, we shake hands
 * ourselves, with the same trust, and read OpenSSL's reason: expired, not valid yet, revoked, unknown.
 *
 * Threads: any; waits for at most two seconds. Nothing is sent but the handshake.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TLS_PROBE_H
#define GW_TLS_PROBE_H

#include "exporters/otlp/otlp_endpoint.h"

/* The remedy, a static text; NULL when the certificate is good or nothing could be learned. `server_name` is
 * tls.server_name, may be empty. */
const char *otlp_tls_probe(const struct otlp_endpoint *, gw_str server_name);

#endif
