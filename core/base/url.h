/* url.h: percent-encoding (RFC 3986 §2.1), read leniently.
 *
 *     "k%3Dv 100%"  ─▶  "k=v 100%"
 *
 * For text that others wrote: query arguments, OTEL_EXPORTER_OTLP_HEADERS. A reader that has to refuse a
 * wrong escape asks gw_hex_byte itself.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_URL_H
#define GW_URL_H

#include "core/base/hex.h"

/* Writes s with each %41 as the byte that it stands for; `out` has room for s.len bytes and may be s.ptr.
 * Returns the length. A % that no two digits follow stands for itself; + stays +. */
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
