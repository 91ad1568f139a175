/* url.h: percent-encoding (RFC 3986 §2.1), written, and read leniently.
 *
 *     "k%3Dv 100%"  ─▶  "k=v 100%"  ─▶  "k%3Dv%20100%25"
 *
 * For text from outside: query arguments, OTEL_EXPORTER_OTLP_HEADERS. A reader that must refuse a wrong
 * escape uses gw_hex_byte.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_URL_H
#define GW_URL_H

#include <stdio.h>

#include "core/base/hex.h"

/* Writes s with each %41 decoded; `out` has room for s.len bytes and may be s.ptr. Returns the length. A %
 * that is not followed by two digits stays; + stays +. */
static inline size_t gw_url_decode(gw_str s, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        int byte = s.ptr[i] == '%' ? gw_hex_byte(gw_str_from(s, i + 1)) : -1;
        out[n++] = byte < 0 ? s.ptr[i] : (char)byte;
        i += byte < 0 ? 0 : 2;
    }
    return n;
}

/* Adds s to the text in `to`, which has `room` bytes: letters, digits and "-._~" as they are, all else encoded. It is cut
 * where there is no room. */
static inline void gw_url_add(char *to, size_t room, gw_str s)
{
    size_t n = strlen(to);
    for (size_t i = 0; i < s.len && n + 4 < room; i++) {
        char c = s.ptr[i];
        bool plain = gw_is_letter(c) || gw_is_digit(c) || gw_char_in(c, "-._~");
        n += (size_t)snprintf(to + n, room - n, plain ? "%c" : "%%%02X", (unsigned char)c);
    }
}

#endif
