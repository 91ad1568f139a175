/* framing.h: finds where requests begin and end on a connection, and refuses ambiguous ones.
 *
 *   bytes ─▶ request line ─▶ header lines ─▶ body by Content-Length │ chunks ─▶ trailers ─▶ the next request
 *                 └─ a line that two readers could read in two ways ─▶ fault
 *
 * If two readers disagree about the end of a body, a client can smuggle a request past a proxy (RFC 9112
 * §11.2). libmicrohttpd (0.9.75) reads leniently: a line may end with LF alone, a header may be folded, its
 * name may end with a blank, a NUL ends its value. So every byte of a connection is checked here first. A
 * request has a fault if it has
 *
 *   lines that do not end with CRLF, a CR elsewhere, NUL or another control character
 *   a request line other than METHOD SP TARGET SP HTTP/d.d
 *   a header that is folded, has no name, or has a byte in its name that is not allowed there, such as a blank before
 *     the colon
 *   Content-Length that is not one decimal number below 2^64, or that occurs more than once
 *   Transfer-Encoding other than one `chunked`; or in HTTP/1.0; or together with a Content-Length
 *   a chunk whose size is not hexadecimal, or above 2^56, or that does not end with CRLF
 *   Content-Length or Transfer-Encoding in its trailers
 *   more than GW_FRAMING_EXTRA bytes of chunk extensions and trailers
 *
 * Legal parts without meaning here are removed from the bytes, so that libmicrohttpd does not see them:
 * blank lines before a request (at most two), blanks after the value of those two headers, chunk extensions
 * and trailers.
 *
 * Threads: one at a time for each struct. No memory beyond it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FRAMING_H
#define GW_FRAMING_H

#include "core/base/str.h"

enum { GW_FRAMING_EXTRA = 16 * 1024 };

/* Zero it at the beginning of a connection. */
struct gw_framing {
    const char *fault; /* text of the fault, for the sender; NULL: none so far. It is never cleared */
    bool too_large;    /* the fault is a Content-Length that is a number of 2^64 or more */
    uint32_t heads;    /* heads that were read completely and passed on */
    /* The other members belong to framing.c. */
    uint8_t state, field, blank_lines;
    bool has_length, chunked, http_1_0, in_trailers, blank;
    uint8_t n; /* bytes of the method, the version, a name or a value so far; stops at its limit */
    char name[17];
    uint32_t extra;  /* bytes of the request that were removed */
    uint64_t number; /* a length, as far as it has been read */
    uint64_t left;   /* remaining bytes of the body or the chunk */
};

/* Checks the next n bytes and removes those that libmicrohttpd must not see. Returns how many bytes are left
 * at the front; after a fault, how many of them belong to earlier requests. */
size_t gw_framing_read(struct gw_framing *, char *data, size_t n);

#endif
