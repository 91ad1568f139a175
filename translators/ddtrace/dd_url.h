/* dd_url.h: splits a URL into its parts, and removes the parts that must stay secret.
 *
 *     https://user:secret@host.example:8443/path/x?sig=abc&page=2#top
 *     scheme  userinfo    host         port path   query          fragment
 *
 * A tag may contain anything: relative references ("/path?q"), authorities ("host:80"), text that is not a
 * URL. Splitting never fails; it returns the parts that are there. Nothing is decoded, lower-cased or
 * normalised (RFC 3986 §3).
 *
 * Threads: pure functions. Results are views into the URL, or texts in the arena if something was replaced.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_URL_H
#define DD_URL_H

#include "core/base/arena.h"

struct dd_url {
    gw_str scheme, userinfo, host, path, query, fragment; /* host without [ ]; query without '?' */
    int port;                                             /* 0: missing, or not in 1 … 65535 */
    bool absolute;                                        /* scheme://… */
};

/* A text that does not begin with a scheme and "//" is path, query and fragment. */
void dd_url_split(gw_str url, struct dd_url *);

/* Returns the path, or "/" if the URL has a host and no path. */
static inline gw_str dd_url_path(const struct dd_url *u)
{
    return u->path.len || !u->host.len ? u->path : GW_STR("/");
}

/* Splits "host", "host:80", "[::1]:80" and "::1" (two or more colons without brackets are an IPv6 address).
 * *port is 0 if there is none. */
void dd_url_authority(gw_str text, gw_str *host, int *port);

/* Returns 80 for http and ws, 443 for https and wss, else 0. Scheme in any case. */
int dd_url_default_port(gw_str scheme);

/* Returns the URL with its userinfo replaced by REDACTED:REDACTED (REDACTED if there is no ':'), and with the
 * values of secret query keys replaced by REDACTED; the URL itself if there are none. Keys are compared
 * without case: signatures of cloud stores (X-Amz-Signature, X-Goog-Signature, sig, …) and the words for
 * passwords, tokens and keys (dd_url.c has the list). */
gw_str dd_url_redact(struct gw_arena *, gw_str url);
/* The same for the query alone, without '?'. */
gw_str dd_url_redact_query(struct gw_arena *, gw_str query);

#endif
