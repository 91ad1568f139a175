/* tls.h: the certificate that a listener shows, and whom it wants one from.
 *
 *     tls = { cert = "/etc/ddgate/server.pem"; key = "/etc/ddgate/server.key"; client_ca = "/etc/ddgate/clients.pem"; };
 *
 *   files ── gw_tls_new ──▶ keys (counted) ◀── gw_tls_take ── a connection keeps the keys that it began with
 *     └──── changed? ─────▶ keys, new             for as long as it lives
 *
 * The files are looked at again when a connection comes, at most every two seconds: who renews a certificate
 * just writes it (cert-manager, certbot, a mounted secret). New connections then get the new one. What cannot
 * be used, be it because only one of the two files is there yet, leaves the old one in place and is said in
 * the log.
 *
 * GnuTLS, because libmicrohttpd is built on it anyway. TLS 1.2 and 1.3 only, with forward secrecy and
 * authenticated ciphers.
 *
 * Threads: new and drop on main, before and after all others; take and give on any.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TLS_H
#define GW_TLS_H

#include <gnutls/gnutls.h>

#include "core/config/option.h"

/* AEAD ciphers with keys from elliptic curves only: what every client of the last ten years can do.
 * Finite-field Diffie-Hellman would let a sender make us compute for a hundred times what it computes
 * itself. */
#define GW_TLS_PRIORITIES                                                                                    \
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-RSA:+ECDHE-ECDSA:-GROUP-DH-ALL:"           \
    "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:%SERVER_PRECEDENCE"

struct gw_tls_conf {
    /* paths; client_ca empty: clients are not asked for a certificate. The option's, which outlive us */
    gw_str cert, key, client_ca;
};

struct gw_tls;
struct gw_tls_keys;

/* NULL when the files cannot be used; said at `path` ("receivers[0]"), as is a certificate that has expired.
 * `component` is for the log, later. */
struct gw_tls *gw_tls_new(const struct gw_tls_conf *, const char *component, const char *path,
                          struct gw_diagnostics *);
void gw_tls_drop(struct gw_tls *);
/* The same files? */
bool gw_tls_same(const struct gw_tls *, const struct gw_tls *);
bool gw_tls_asks_clients(const struct gw_tls *);

/* What new connections use now. Never NULL; give it back. */
struct gw_tls_keys *gw_tls_take(struct gw_tls *, gw_nsec now);
void gw_tls_give(struct gw_tls_keys *);
/* A server's session of these keys, over a non-blocking socket, before its handshake. NULL: no memory. */
gnutls_session_t gw_tls_session(const struct gw_tls_keys *, int fd);

#endif
