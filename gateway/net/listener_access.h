/* listener_access.h: what a receiver requires of clients over TCP, in options that all receivers have.
 *
 *     tls  = { cert; key; client_ca; }      tls.h
 *     auth = { token; header; }             auth.h
 *     peer = { connections; requests; … }   client_limits.h
 *
 * None of it applies to Unix sockets, which have the permissions of their file and folder. Use two
 * receivers for tracers on this machine and for remote senders: tracers cannot show a token, and most
 * cannot trust a private CA.
 *
 * A receiver includes GW_LISTENER_ACCESS_OPTS in its rows and opens its listener access before its
 * listeners. A listener that other machines can reach and that requires nothing causes a warning about what
 * is missing.
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LISTENER_ACCESS_H
#define GW_LISTENER_ACCESS_H

#include "gateway/net/auth.h"
#include "gateway/net/client_limits.h"
#include "gateway/net/tls.h"

/* `others`: addresses that stay plain; `clients`: what clients with a certificate of the CA may do. */
#define GW_TLS_OPTS(X, others, clients)                                                                      \
    X(str, tls_cert, "tls.cert", "", "", "",                                                                 \
      "PEM file with the server's certificate chain: TCP addresses of the receiver accept only "             \
      "TLS (1.2 or 1.3) then. " others "The files are read again when they change.")                         \
    X(str, tls_key, "tls.key", "", "", "", "PEM file with the key of tls.cert, without a passphrase.")       \
    X(str, tls_client_ca, "tls.client_ca", "", "", "",                                                       \
      "PEM file with the CAs of clients: only clients with a certificate of one of them may " clients ".")
/* `further`: what happens to further connections. */
#define GW_PEER_CONNECTIONS_OPT(X, further)                                                                  \
    X(count, peer_connections, "peer.connections", "250", "0", "100000",                                     \
      "Most connections at a time from one address (of IPv6, one /64); 0: no limit. Further "                \
      "ones " further)
#define GW_PEER_LOCAL_OPT(X)                                                                                 \
    X(flag, peer_local, "peer.local", "false", "", "",                                                       \
      "Limit loopback addresses too. Unix sockets are never limited.")

#define GW_LISTENER_ACCESS_OPTS(X)                                                                           \
    GW_TLS_OPTS(X, "Unix sockets stay plain. ", "connect")                                                   \
    X(secret, auth_token, "auth.token", "", "", "",                                                          \
      "Token that senders over TCP must show; several are separated by blanks, commas or lines, so that "    \
      "one can be replaced while the other is still valid. A request without a token gets 401. Unix "        \
      "sockets need no token.")                                                                              \
    X(list, auth_header, "auth.header", "Authorization, DD-API-KEY, X-Api-Key", "", "",                      \
      "Headers that may carry the token: Authorization has \"Bearer TOKEN\", any other only the token.")     \
    GW_PEER_CONNECTIONS_OPT(X, "get 429; with TLS they are closed.")                                         \
    X(count, peer_requests, "peer.requests", "0", "0", "1000000",                                            \
      "Most requests a second from one address; 0: no limit. Further ones get 429 with Retry-After. A TLS "  \
      "handshake counts as a request.")                                                                      \
    X(count, peer_burst, "peer.burst", "0", "0", "1000000",                                                  \
      "How many requests of an address may arrive at once; 0: those of a second.")                           \
    GW_PEER_LOCAL_OPT(X)

/* Out of a receiver's options: struct gw_listener_access_conf d = {GW_LISTENER_ACCESS_OPTS(GW_OPT_COPY)}; a
 * receiver without some of them leaves those zero. */
struct gw_listener_access_conf {
    GW_LISTENER_ACCESS_OPTS(GW_FIELD)
};

struct gw_listener_access {
    struct gw_tls *tls; /* NULL: plain */
    struct gw_auth auth;
    struct gw_client_limits_conf client_limits;
};

/* `path` is the receiver's: "receivers[0]". */
void gw_listener_access_open(struct gw_listener_access *, const struct gw_listener_access_conf *,
                             const char *component, const char *path, struct gw_diagnostics *);
void gw_listener_access_close(struct gw_listener_access *);
/* Warns about what an address lacks that other machines can reach. True when it warned: once for a receiver
 * is enough. */
bool gw_listener_access_warn(const struct gw_listener_access *, gw_str address, const char *path,
                             struct gw_diagnostics *);

#endif
