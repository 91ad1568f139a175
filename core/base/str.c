/* str.c: Parses numbers, and checks and repairs UTF-8. Owns nothing. Called from every folder, on any thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/str.h"

#include <math.h>
#include <stdlib.h>

bool gw_str_u64(gw_str s, uint64_t *out)
{
    uint64_t value = 0;
    if (s.len == 0 || s.len > 20)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.ptr[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *out = value;
    return true;
}

bool gw_str_i64(gw_str s, int64_t *out)
{
    bool negative = s.len && *s.ptr == '-';
    uint64_t magnitude;
    if (!gw_str_u64(negative ? gw_str_from(s, 1) : s, &magnitude))
        return false;
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool gw_str_hex64(gw_str s, uint64_t *out)
{
    uint64_t value = 0;
    if (s.len == 0 || s.len > 16)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        int digit = gw_hex_digit(s.ptr[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    *out = value;
    return true;
}

bool gw_str_double(gw_str s, double *out)
{
    char copy[64], *end;
    if (s.len == 0 || s.len >= sizeof copy || !gw_char_in(*s.ptr, "+-.0123456789") ||
        gw_str_find(s, 'x') < s.len || gw_str_find(s, 'X') < s.len)
        return false;
    memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    *out = strtod(copy, &end); /* the process never leaves the C locale */
    return end == copy + s.len && isfinite(*out);
}

/* Length of the well-formed sequence that starts at p, or 0; *bad gets the length of the maximal ill-formed
 * part. */
static size_t sequence(const unsigned char *p, size_t left, size_t *bad)
{
    unsigned char lo = 0x80, hi = 0xBF;
    size_t need;
    *bad = 1;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        need = 1;
    else if (p[0] >= 0xE0 && p[0] <= 0xEF)
        need = 2, lo = p[0] == 0xE0 ? 0xA0 : 0x80, hi = p[0] == 0xED ? 0x9F : 0xBF;
    else if (p[0] >= 0xF0 && p[0] <= 0xF4)
        need = 3, lo = p[0] == 0xF0 ? 0x90 : 0x80, hi = p[0] == 0xF4 ? 0x8F : 0xBF;
    else
        return 0;
    for (size_t i = 1; i <= need; i++, lo = 0x80, hi = 0xBF) {
        if (i >= left || p[i] < lo || p[i] > hi)
            return 0;
        *bad = i + 1;
    }
    return need + 1;
}

/* Most text is ASCII: checks eight bytes at a time, and the rest with a word that overlaps the bytes before
 * it. */
static inline bool is_ascii(gw_str s)
{
    const uint64_t high = 0x8080808080808080u;
    uint64_t word, all = 0;
    if (s.len < 8) {
        for (size_t i = 0; i < s.len; i++)
            all |= (unsigned char)s.ptr[i];
        return !(all & high);
    }
    for (size_t i = 0; i < s.len - 8; i += 8) {
        memcpy(&word, s.ptr + i, 8);
        all |= word;
    }
    memcpy(&word, s.ptr + s.len - 8, 8);
    return !((all | word) & high);
}

bool gw_utf8_valid(gw_str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t left = is_ascii(s) ? 0 : s.len, bad;
    while (left) {
        size_t n = sequence(p, left, &bad);
        if (n == 0)
            return false;
        p += n, left -= n;
    }
    return true;
}

size_t gw_utf8_repair(gw_str s, char *out)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t left = s.len, bad;
    char *o = out;
    while (left) {
        size_t n = sequence(p, left, &bad);
        if (n) {
            memcpy(o, p, n);
            o += n;
        } else {
            memcpy(o, "\xEF\xBF\xBD", 3);
            o += 3, n = bad;
        }
        p += n, left -= n;
    }
    return (size_t)(o - out);
}

size_t gw_utf8_repaired_size(gw_str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t left = s.len, bad, size = 0;
    while (left) {
        size_t n = sequence(p, left, &bad);
        size += n ? n : 3;
        n = n ? n : bad;
        p += n, left -= n;
    }
    return size;
}
