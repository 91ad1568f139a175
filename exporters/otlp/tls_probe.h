/* tls_probe.h: finds out what is wrong with a server's certificate, because gRPC does not report it.
 *
 * gRPC Core reports "certificate verify failed" without a reason. After such an error, this code makes a
 * handshake with the same roots and reads OpenSSL's reason: expired, not valid yet, revoked, unknown.
 *
 * Threads: any; waits for at most two seconds. It sends only the handshake.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TLS_PROBE_H
#define GW_TLS_PROBE_H

#include "exporters/otlp/otlp_endpoint.h"

/* Returns the remedy, a static text; NULL if the certificate is valid or the reason is unknown. `server_name`
 * is tls.server_name, may be empty. */
const char *otlp_tls_probe(const struct otlp_endpoint *, gw_str server_name);

#endif
