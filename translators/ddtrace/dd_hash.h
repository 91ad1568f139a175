/* dd_hash.h: one hash function for tag keys, services and other texts that are looked up.
 *
 * It reads the whole string eight bytes at a time and folds a 128-bit product, so keys that differ in one
 * digit in the middle (`_dd.code_origin.frames.0.line`, `….1.line`) get different hashes. It is not secret:
 * tables that hostile text can reach limit their probing.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_HASH_H
#define DD_HASH_H

#include "core/base/str.h"

static inline uint64_t dd_hash_fold(uint64_t a, uint64_t b)
{
    __uint128_t p = (__uint128_t)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static inline uint64_t dd_hash_read(const char *p, size_t n)
{
    uint64_t v = 0;
    if (n >= 8)
        memcpy(&v, p, 8);
    else if (n >= 4) {
        uint32_t a, b;
        memcpy(&a, p, 4);
        memcpy(&b, p + n - 4, 4);
        v = (uint64_t)a << 32 | b;
    } else if (n)
        v = (uint64_t)(uint8_t)p[0] << 16 | (uint64_t)(uint8_t)p[n / 2] << 8 | (uint8_t)p[n - 1];
    return v;
}

/* Compares short texts without a function call. */
static inline bool dd_same(gw_str a, gw_str b)
{
    if (a.len != b.len)
        return false;
    size_t left = a.len;
    const char *p = a.ptr, *q = b.ptr;
    for (; left > 8; left -= 8, p += 8, q += 8)
        if (dd_hash_read(p, 8) != dd_hash_read(q, 8))
            return false;
    if (left == 8 || a.len > 8) /* the last eight bytes; some of them were compared before */
        return dd_hash_read(p + left - 8, 8) == dd_hash_read(q + left - 8, 8);
    return dd_hash_read(p, left) == dd_hash_read(q, left);
}

static inline uint64_t dd_hash(gw_str s)
{
    uint64_t h = 0x9E3779B97F4A7C15u ^ s.len;
    const char *p = s.ptr;
    size_t left = s.len;
    for (; left > 16; left -= 8, p += 8)
        h = dd_hash_fold(h ^ dd_hash_read(p, 8), 0xA0761D6478BD642Fu);
    uint64_t tail = left > 8 ? dd_hash_read(p + left - 8, 8) : 0;
    return dd_hash_fold(h ^ dd_hash_read(p, left), tail ^ 0xE7037ED1A0B428DBu);
}

#endif
