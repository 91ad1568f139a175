/* multipart.h: the parts of a multipart/form-data body (RFC 7578, RFC 2046 §5.1).
 *
 *     --B CRLF headers CRLF CRLF body CRLF --B CRLF headers … CRLF --B--
 *            └────────── a part ─────────┘
 *
 * Lines end with CRLF, as the standard requires and profilers write them. A delimiter is a complete line:
 * text that only begins like one is part of the body. Text before the first and after the last delimiter is
 * ignored. A body without its last delimiter was truncated and is not a multipart body.
 *
 * Bounds: a boundary of 1 to 70 characters, a part's headers MULTIPART_HEADERS bytes, a body MULTIPART_PARTS parts.
 * Time is linear in the body; nothing is allocated.
 *
 * Threads: pure functions.  Ownership: views of the caller's bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROFILES_MULTIPART_H
#define PROFILES_MULTIPART_H

#include "core/base/err.h"
#include "core/base/str.h"

enum { MULTIPART_PARTS = 512, MULTIPART_HEADERS = 8 * 1024 };

struct multipart_part {
    gw_str name, filename; /* from Content-Disposition, between the quotes, unescaped; empty: missing */
    bool is_file;          /* it has a file name, be it empty */
    gw_str body;
};

struct multipart {
    gw_str all;         /* the body, for places of errors */
    gw_str rest;        /* from the next part's headers on */
    char delimiter[75]; /* CRLF--boundary */
    size_t delimiter_len;
    unsigned parts;
    bool over;
};

/* Begins with the first part. GW_BAD_MULTIPART: the content type names no boundary, or the body has none. */
enum gw_code multipart_begin(struct multipart *, gw_str content_type, gw_str body,
                             struct gw_err *) GW_MUST_CHECK;
/* GW_OK: *out is the next part, or `over` is set and it is empty. GW_BAD_MULTIPART with the place. */
enum gw_code multipart_next(struct multipart *, struct multipart_part *out, struct gw_err *) GW_MUST_CHECK;

#endif
