/* listen_claims.h: the addresses that the components of one configuration claim, so that a conflict is
 * reported before anything is bound, and by `ddgate check`, which binds nothing.
 *
 *     receivers[0] (ddtrace, HTTP)  127.0.0.1:8126 ─┐
 *     receivers[1] (http, HTTP)     127.0.0.1:8126 ─┴▶ shared: one listener, by path
 *     receivers[2] (tcp)            127.0.0.1:8126 ──▶ a mistake
 *     receivers[3] (ddtrace, HTTP)  127.0.0.1:8126 ──▶ a mistake: no request would reach it
 *
 * Threads: main. Ownership: the strings are the claimants' and outlive the claims.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LISTEN_CLAIMS_H
#define GW_LISTEN_CLAIMS_H

#include <stdio.h>

#include "gateway/net/listen.h"

struct gw_listen_claims;
/* NULL when there is no memory; then nothing is claimed. */
struct gw_listen_claims *gw_listen_claims_new(void);
void gw_listen_claims_drop(struct gw_listen_claims *);

struct gw_listen_claimant {
    const char *path; /* "receivers[0]", "admin.listen" */
    const char *kind; /* "receiver=ddtrace": two of one kind cannot share */
    int type;         /* SOCK_STREAM or SOCK_DGRAM */
    bool http;        /* on the shared HTTP server */
};
/* GW_LISTEN_CLAIMED, and who was first. Without claims (NULL) everything is granted. */
enum gw_listen_result gw_listen_claim(struct gw_listen_claims *, const struct gw_address *,
                                      const struct gw_listen_claimant *, struct gw_listen_error *);
/* True if exactly this address is claimed. */
bool gw_listen_is_claimed(const struct gw_listen_claims *, const struct gw_address *);
/* The addresses of `path`, separated by commas. False: it has none. */
bool gw_listen_claims_print(const struct gw_listen_claims *, const char *path, FILE *);

#endif
