/* hex.h: bytes as hexadecimal digits.
 *
 * Reading accepts both cases; writing gives lower case, as trace ids are written everywhere. gw_hex_digit
 * reads one digit, gw_str_hex64 (str.h) a whole number.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_HEX_H
#define GW_HEX_H

#include "core/base/str.h"

/* Returns the byte of the first two digits of s, or -1 if s does not begin with two. */
static inline int gw_hex_byte(gw_str s)
{
    int high = s.len >= 2 ? gw_hex_digit(s.ptr[0]) : -1, low = high >= 0 ? gw_hex_digit(s.ptr[1]) : -1;
    return low < 0 ? -1 : high << 4 | low;
}

/* Writes 2 × n digits without a NUL; returns the end. */
static inline char *gw_hex_put(char *to, const void *bytes, size_t n)
{
    const uint8_t *from = bytes;
    for (size_t i = 0; i < n; i++) {
        *to++ = "0123456789abcdef"[from[i] >> 4];
        *to++ = "0123456789abcdef"[from[i] & 15];
    }
    return to;
}

#endif
