/* listener_access.h: what a receiver asks of those who come by TCP, in options that all receivers have.
 *
 *     tls  = { cert; key; client_ca; }      tls.h
 *     auth = { token; header; }             auth.h
 *     peer = { connections; requests; … }   client_limits.h
 *
 * None of it concerns Unix sockets, which have the permissions of their file and folder. What concerns
 * tracers on this machine and what concerns senders elsewhere is best written as two receivers: tracers can
 * neither show a token nor, most of them, trust a CA.
 *
 * A receiver puts GW_LISTENER_ACCESS_OPTS among its rows and opens its listener access before its listeners.
 * A listener that other machines can reach and that asks for nothing is worth a warning; which one it is
 * depends on what is missing.
 *
 * Threads: main.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LISTENER_ACCESS_H
#define GW_LISTENER_ACCESS_H

#include "gateway/net/auth.h"
#include "gateway/net/client_limits.h"
#include "gateway/net/tls.h"

/* `others`: what is not TCP stays plain; `clients`: what those may do that the CA vouches for. */
#define GW_TLS_OPTS(X, others, clients)                                                                      \
    X(str, tls_cert, "tls.cert", "", "", "",                                                                 \
      "PEM file with the server's certificate chain: TCP addresses of the receiver speak TLS (1.2 or 1.3) "  \
      "then, and only that. " others "The files are read again when they change.")                           \
    X(str, tls_key, "tls.key", "", "", "", "PEM file with the key of tls.cert, without a passphrase.")       \
    X(str, tls_client_ca, "tls.client_ca", "", "", "",                                                       \
      "PEM file with the CAs of clients: only those " clients " that show a certificate of one of them.")
/* `further`: what becomes of more of them. */
#define GW_PEER_CONNECTIONS_OPT(X, further)                                                                  \
    X(count, peer_connections, "peer.connections", "250", "0", "100000",                                     \
      "Most connections at a time from one address (of IPv6, one /64); 0: as many as there are. Further "    \
      "ones are " further)
#define GW_PEER_LOCAL_OPT(X)                                                                                 \
    X(flag, peer_local, "peer.local", "false", "", "",                                                       \
      "Bound loopback addresses too. Unix sockets never are.")

#define GW_LISTENER_ACCESS_OPTS(X)                                                                           \
    GW_TLS_OPTS(X, "Unix sockets stay plain. ", "connect")                                                   \
    X(secret, auth_token, "auth.token", "", "", "",                                                          \
      "Token that senders over TCP must show; several are separated by blanks, commas or lines, so that "    \
      "one can be replaced while the "                                                                       \
      "other still holds. Without: 401. Unix sockets are not asked.")                                        \
    X(list, auth_header, "auth.header", "Authorization, DD-API-KEY, X-Api-Key", "", "",                      \
      "Headers that may carry the token: Authorization as \"Bearer TOKEN\", any other the token alone.")     \
    GW_PEER_CONNECTIONS_OPT(X, "answered 429; where there is TLS they are closed.")                          \
    X(count, peer_requests, "peer.requests", "0", "0", "1000000",                                            \
      "Most requests a second from one address, over any while; 0: no bound. Further ones are answered 429 " \
      "with Retry-After. A TLS "                                                                             \
      "handshake counts as one.")                                                                            \
    X(count, peer_burst, "peer.burst", "0", "0", "1000000",                                                  \
      "How many requests of an address may come at once; 0: a second's.")                                    \
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
/* Says what an address lacks that other machines can reach. True when it said something: once for a receiver
 * is enough. */
bool gw_listener_access_warn(const struct gw_listener_access *, gw_str address, const char *path,
                             struct gw_diagnostics *);

#endif
