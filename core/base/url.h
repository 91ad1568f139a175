/* url.h: percent-encoding (RFC 3986 §2.1), read leniently.
 *
 *     "k%3Dv 100%"  ─▶  "k=v 100%"
 *
 * For text from outside: query arguments, OTEL_EXPORTER_OTLP_HEADERS. A reader that must refuse a wrong
 * escape uses gw_hex_byte.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_URL_H
#define GW_URL_H

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

#endif
