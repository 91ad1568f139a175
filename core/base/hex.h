/* hex.h: bytes as hexadecimal digits.
 *
 * Reading takes either case; writing gives lower case, as trace ids are written everywhere. For one digit
 * there is gw_hex_digit, for a whole number gw_str_hex64 (str.h).
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_HEX_H
#define GW_HEX_H

#include "core/base/str.h"

/* The byte that the first two digits of s are, or -1 where there are not two. */
static inline int gw_hex_byte(gw_str s)
{
    int high = s.len >= 2 ? gw_hex_digit(s.ptr[0]) : -1, low = high >= 0 ? gw_hex_digit(s.ptr[1]) : -1;
    return low < 0 ? -1 : high << 4 | low;
}

/* Writes 2 × n digits, no NUL behind them; returns the end. */
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
