/* cors.h: which web pages may send to an HTTP receiver, by the CORS protocol of the Fetch standard.
 *
 *     cors = { allowed_origins = [ "https://shop.example", "http://localhost:3000" ]; };
 *
 *     browser, for a page of https://shop.example                 receiver
 *       OPTIONS /v1/traces, Origin, Access-Control-Request-Method ─▶ 204, Access-Control-Allow-…    the preflight; it bears no token
 *       POST /v1/traces, Origin                                   ─▶ the answer, Access-Control-Allow-Origin
 *
 * Without origins, which is the default, pages of other sites are refused (Sec-Fetch-Site: cross-site), and there is no answer to a
 * preflight. An origin is scheme://host, or scheme://host:port, as browsers write it; "*." in front of the host stands for one or
 * more labels; "*" alone is every origin.
 *
 * Pages of origins that are named may send with credentials (Access-Control-Allow-Credentials): navigator.sendBeacon, by which
 * OpenTelemetry's exporters for browsers send, always does. Cookies mean nothing here; a client certificate lets the browser in as
 * it does without a page. With "*" that is not allowed, as browsers want it.
 *
 * Threads: read on main; allows on any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CORS_H
#define GW_CORS_H

#include "core/config/option.h"

#define GW_CORS_OPTS(X)                                                                                      \
    X(list, cors_origins, "cors.allowed_origins", "", "", "",                                                \
      "Origins of web pages whose scripts may send here, such as https://shop.example or "                   \
      "https://*.shop.example; * for every page. Empty: none may (no CORS).")                                \
    X(list, cors_headers, "cors.allowed_headers", "Authorization, Content-Encoding, Content-Type", "", "",   \
      "Headers that such scripts may set.")
/* Room for the value of a header. */
enum { GW_CORS_ORIGIN = 256, GW_CORS_HEADERS = 512 };
#define GW_CORS_MAX_AGE                                                                                      \
    "7200" /* seconds for which an answer to a preflight holds: the most that Chromium keeps it */

struct gw_cors {
    struct gw_list origins;        /* of the option; none: there is no CORS */
    bool any;                      /* every origin */
    char headers[GW_CORS_HEADERS]; /* of Access-Control-Allow-Headers */
};

/* Mistakes are reported at `path` ("receivers[0]"). The lists outlive it. */
void gw_cors_read(struct gw_cors *, const struct gw_list *origins, const struct gw_list *headers,
                  const char *path, struct gw_diagnostics *);
/* Whether pages of this origin, as the header Origin has it, may send. */
bool gw_cors_allows(const struct gw_cors *, gw_str origin);

#endif
