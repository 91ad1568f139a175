/* dd_url.h: the parts of a URL, and the parts that nobody should see.
 *
 *     https://user:secret@host.example:8443/path/x?sig=abc&page=2#top
 *     scheme  userinfo    host         port path   query          fragment
 *
 * Tags hold whatever an application put there: relative references ("/path?q"), authorities ("host:80"), text
 * that is no URL at all. Splitting never fails on those: it takes what is there. Nothing is decoded,
 * lower-cased or normalised (RFC 3986 §3).
 *
 * Pure; views into the URL, or text in the arena where something had to be replaced.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_URL_H
#define DD_URL_H

#include "core/base/arena.h"

struct dd_url {
    gw_str scheme, userinfo, host, path, query, fragment; /* host without [ ]; query without '?' */
    int port;                                             /* 0: none, or none that is 1 … 65535 */
    bool absolute;                                        /* scheme://… */
};

/* What does not begin with a scheme and "//" is path, query and fragment. */
void dd_url_split(gw_str url, struct dd_url *);

/* The path, or "/" of a URL that has a host and no path. */
static inline gw_str dd_url_path(const struct dd_url *u)
{
    return u->path.len || !u->host.len ? u->path : GW_STR("/");
}

/* "host", "host:80", "[::1]:80", "::1" (two colons or more without brackets are an IPv6 address). *port is 0
 * when there is none. */
void dd_url_authority(gw_str text, gw_str *host, int *port);

/* 80 for http and ws, 443 for https and wss, else 0. Scheme in any case. */
int dd_url_default_port(gw_str scheme);

/* The URL with userinfo replaced by REDACTED:REDACTED (REDACTED when there is no ':'), and values of query
 * keys that hold secrets by REDACTED; url itself when there are none. Keys are compared without case:
 * signatures of cloud stores (X-Amz-Signature, X-Goog-Signature, sig, …) and the words for passwords, tokens
 * and keys (dd_url.c has the list). */
gw_str dd_url_redact(struct gw_arena *, gw_str url);
/* The same for the query alone, without '?'. */
gw_str dd_url_redact_query(struct gw_arena *, gw_str query);

#endif
