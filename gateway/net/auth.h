/* auth.h: tokens that clients over TCP must show.
 *
 *     auth = { token = "${file:/run/secrets/tokens}"; header = [ "Authorization", "DD-API-KEY", "X-Api-Key" ]; };
 *
 *     Authorization: Bearer TOKEN     RFC 6750; the scheme in any case
 *     DD-API-KEY: TOKEN               as Datadog's agents, agentless exporters and log shippers send
 *
 * Several tokens are valid at a time (separated by blanks, commas or lines), so that one can be replaced
 * without refusing clients meanwhile. Only SHA-256 digests are stored and compared: the time of a
 * comparison reveals neither the length of a token nor how much of a guess is right, and every token is
 * compared, whichever matches. Tokens are never written.
 *
 * Threads: read on main; header on any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_AUTH_H
#define GW_AUTH_H

#include <stdint.h>

#include "core/config/option.h"

enum { GW_AUTH_TOKENS = 16, GW_AUTH_DIGEST = 32 };

struct gw_auth {
    uint8_t digests[GW_AUTH_TOKENS][GW_AUTH_DIGEST];
    size_t n; /* 0: no token is required */
    struct gw_list headers;
};

/* Reads the tokens from `tokens`; mistakes are reported at `path` ("receivers[0]"), without the token's text. */
void gw_auth_read(struct gw_auth *, gw_str tokens, const struct gw_list *headers, const char *path,
                  struct gw_diagnostics *);

/* A request's headers are shown one after another, in any order; *verdict begins as GW_NO_TOKEN. It becomes
 * GW_OK as soon as one bears a token, whatever else is there, and GW_BAD_TOKEN or GW_BAD_KEY for one that
 * does not. */
void gw_auth_header(const struct gw_auth *, gw_str name, gw_str value, enum gw_code *verdict);
/* The same for a token in the query or in the path. */
void gw_auth_token(const struct gw_auth *, gw_str token, enum gw_code *verdict);

#endif
