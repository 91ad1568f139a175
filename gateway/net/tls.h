/* tls.h: the certificate of a listener, and the CA that its clients need.
 *
 *     tls = { cert = "/etc/ddgate/server.pem"; key = "/etc/ddgate/server.key"; client_ca = "/etc/ddgate/clients.pem"; };
 *
 *   files ── gw_tls_new ──▶ keys (counted) ◀── gw_tls_take ── a connection keeps the keys that it began with
 *     └──── changed? ─────▶ keys, new             for as long as it lives
 *
 * When a connection arrives, at most every two seconds, the files are checked again, so a certificate is
 * renewed by writing the files (cert-manager, certbot, a mounted secret). New connections then get the new
 * one. If the files cannot be used, for example because only one of the two is there yet, the old one
 * stays, and the log reports it.
 *
 * GnuTLS, because libmicrohttpd uses it anyway. TLS 1.2 and 1.3 only, with forward secrecy and
 * authenticated ciphers.
 *
 * Threads: new and drop on main, before and after all others; take and give on any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TLS_H
#define GW_TLS_H

#include <gnutls/gnutls.h>

#include "core/config/option.h"

/* AEAD ciphers with elliptic-curve keys only: every client of the last ten years supports them. With
 * finite-field Diffie-Hellman a client could make the server compute a hundred times as much as itself. */
#define GW_TLS_PRIORITIES                                                                                    \
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-RSA:+ECDHE-ECDSA:-GROUP-DH-ALL:"           \
    "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:%SERVER_PRECEDENCE"

struct gw_tls_conf {
    /* paths; client_ca empty: no client certificate is required. The option's texts, which outlive this
     * object */
    gw_str cert, key, client_ca;
};

struct gw_tls;
struct gw_tls_keys;

/* NULL when the files cannot be used; reported at `path` ("receivers[0]"), as is an expired certificate.
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
