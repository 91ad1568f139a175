/* admin_access.h: who may see the page and the API.
 *
 *     GET /healthz, /readyz, /metrics, /ledger    everybody who can connect, but no page of another site
 *     the page, /api/…                            on loopback and Unix sockets: programs and browsers of this machine;
 *                                                 with admin.auth.token: who shows the token, from anywhere
 *
 * The page and the API show data of applications. So they are off on an address that other machines can
 * reach, until there is a token: a configuration that asks for them there (admin.page = true) without one is a
 * mistake. Without a token, the Host header must be an address, localhost or the configured name: a name that
 * a stranger lets point to 127.0.0.1 (DNS rebinding) is refused. With one, any name is good, because a browser
 * sends a token only where a person gave it.
 *
 * A browser names where a request comes from (Sec-Fetch-Site). The API is for the page itself; a link to the
 * page may be followed from anywhere. The token comes as Authorization: Bearer TOKEN, or as the password of
 * Basic, for which browsers ask.
 *
 * Threads: read on main, before the start; then const.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_ADMIN_ACCESS_H
#define GW_ADMIN_ACCESS_H

#include "gateway/net/auth.h"
#include "gateway/net/listen.h"

/* Options admin.*; texts are the configuration's. */
struct gw_admin_conf {
    gw_str listen, token;
    bool page, is_page_written;
};

enum gw_admin_place { GW_ADMIN_FIGURES, GW_ADMIN_PAGE, GW_ADMIN_API };

struct gw_admin_access {
    struct gw_auth auth;
    char host[256]; /* of admin.listen, without the port */
};

/* The headers that decide; NULL where the request has none. */
struct gw_admin_asker {
    const char *host, *authorization, *fetch_site, *fetch_mode, *fetch_dest;
    bool by_file; /* over a Unix socket */
};

struct gw_admin_refusal {
    unsigned status;
    const char *words; /* NULL: it is not refused */
};

/* Reports mistakes of the options. */
void gw_admin_access_read(struct gw_admin_access *, const struct gw_admin_conf *, struct gw_diagnostics *);
/* Whether the page and the API are on at this address. */
bool gw_admin_access_shows(const struct gw_admin_access *, const struct gw_admin_conf *,
                           const struct gw_address *);
struct gw_admin_refusal gw_admin_access_refuses(const struct gw_admin_access *, enum gw_admin_place,
                                                const struct gw_admin_asker *);

#endif
