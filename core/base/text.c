/* text.c: Converts case, numbers and formats of text by the rules of Go, which the reference of the script
 * language uses. Owns nothing. Called by translators and scripts.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void gw_text_put(struct gw_text *b, const char *ptr, size_t len)
{
    if (len > b->cap - b->len) {
        size_t want = b->cap ? b->cap * 2 : 64;
        while (want - b->len < len && want < SIZE_MAX / 4)
            want *= 2;
        char *fresh = gw_arena_raw(b->arena, want, 1);
        if (!fresh)
            return;
        if (b->len)
            memcpy(fresh, b->ptr, b->len);
        b->ptr = fresh;
        b->cap = want;
    }
    if (len)
        memcpy(b->ptr + b->len, ptr, len);
    b->len += len;
}

void gw_text_put_char(struct gw_text *b, char c)
{
    gw_text_put(b, &c, 1);
}

void gw_text_put_z(struct gw_text *b, const char *z)
{
    gw_text_put(b, z, strlen(z));
}

size_t gw_utf8_encode(char out[4], uint32_t rune)
{
    if (rune < 0x80) {
        out[0] = (char)rune;
        return 1;
    }
    if (rune > 0x10FFFF || (rune >= 0xD800 && rune < 0xE000))
        rune = 0xFFFD;
    size_t n = rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, rune >>= 6)
        out[i] = (char)(0x80 | (rune & 0x3F));
    out[0] = (char)((n == 2 ? 0xC0 : n == 3 ? 0xE0 : 0xF0) | rune);
    return n;
}

void gw_text_put_rune(struct gw_text *b, uint32_t rune)
{
    char bytes[4];
    gw_text_put(b, bytes, gw_utf8_encode(bytes, rune));
}

uint32_t gw_utf8_next(gw_str *s)
{
    const unsigned char *p = (const unsigned char *)s->ptr;
    unsigned first = *p;
    size_t n = first < 0x80   ? 1
               : first < 0xC2 ? 0
               : first < 0xE0 ? 2
               : first < 0xF0 ? 3
               : first < 0xF5 ? 4
                              : 0;
    uint32_t rune = n == 1 ? first : n == 2 ? first & 0x1F : n == 3 ? first & 0x0F : first & 0x07;
    bool good = n && n <= s->len;
    for (size_t i = 1; good && i < n; i++) {
        good = (p[i] & 0xC0) == 0x80;
        rune = rune << 6 | (p[i] & 0x3F);
    }
    if (!good || (n == 3 && (rune < 0x800 || (rune >= 0xD800 && rune < 0xE000))) ||
        (n == 4 && (rune < 0x10000 || rune > 0x10FFFF))) {
        n = 1;
        rune = 0xFFFD;
    }
    *s = gw_str_n(s->ptr + n, s->len - n);
    return rune;
}

size_t gw_utf8_count(gw_str s)
{
    size_t n = 0;
    for (; s.len; n++)
        gw_utf8_next(&s);
    return n;
}

size_t gw_utf8_cut(gw_str s, size_t most)
{
    size_t n = s.len < most ? s.len : most;
    for (int back = 0; n < s.len && n > 0 && back < 3 && ((unsigned char)s.ptr[n] & 0xC0) == 0x80; back++)
        n--;
    return n;
}

bool gw_is_space(uint32_t r)
{
    return (r >= 9 && r <= 13) || r == ' ' || r == 0x85 || r == 0xA0 || r == 0x1680 ||
           (r >= 0x2000 && r <= 0x200A) || r == 0x2028 || r == 0x2029 || r == 0x202F || r == 0x205F ||
           r == 0x3000;
}

/* Of ASCII. */
static inline bool small_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Beyond ASCII. */
static gw_str trim_wide(gw_str s)
{
    while (s.len) {
        gw_str rest = s;
        if (!gw_is_space(gw_utf8_next(&rest)))
            break;
        s = rest;
    }
    while (s.len) {
        size_t back = 1;
        while (back < 4 && back < s.len && ((unsigned char)s.ptr[s.len - back] & 0xC0) == 0x80)
            back++;
        gw_str last = gw_str_n(s.ptr + s.len - back, back);
        if (!gw_is_space(gw_utf8_next(&last)) || last.len)
            break;
        s.len -= back;
    }
    return s;
}

gw_str gw_trim_space(gw_str s)
{
    while (s.len && small_space(*s.ptr))
        s = gw_str_n(s.ptr + 1, s.len - 1);
    while (s.len && small_space(s.ptr[s.len - 1]))
        s.len--;
    return s.len && ((*s.ptr | s.ptr[s.len - 1]) & 0x80) ? trim_wide(s) : s;
}

size_t gw_i64_text(char *to, int64_t i)
{
    char digits[20];
    size_t n = 0, at = 0;
    uint64_t u = i < 0 ? -(uint64_t)i : (uint64_t)i;
    do
        digits[n++] = (char)('0' + u % 10);
    while (u /= 10);
    if (i < 0)
        to[at++] = '-';
    while (n)
        to[at++] = digits[--n];
    return at;
}

/* The digits of |d| without a point, and the position of the point: 0.digits × 10^exponent. precision:
 * digits, or -1 for the shortest. */
static size_t digits_of(double d, int precision, char digits[32], int *exponent)
{
    char text[40];
    if (precision >= 0) {
        snprintf(text, sizeof text, "%.*e", precision - 1 > 25 ? 25 : precision > 0 ? precision - 1 : 0, d);
    } else {
        for (int p = 14; p < 17; p++) {
            snprintf(text, sizeof text, "%.*e", p, d);
            if (strtod(text, NULL) == d)
                break;
        }
    }
    size_t n = 0;
    const char *p = text;
    for (; *p && *p != 'e'; p++)
        if (*p != '.')
            digits[n++] = *p;
    *exponent = (int)strtol(p + 1, NULL, 10) + 1;
    while (precision < 0 && n > 1 && digits[n - 1] == '0')
        n--;
    return n;
}

static size_t special(char *to, double d)
{
    const char *text = isnan(d) ? "NaN" : d > 0 ? "+Inf" : "-Inf";
    size_t n = strlen(text);
    memcpy(to, text, n);
    return n;
}

static size_t put_plain(char *to, const char *digits, size_t n, int exponent)
{
    size_t at = 0;
    if (exponent <= 0) {
        to[at++] = '0';
        to[at++] = '.';
        for (int i = exponent; i < 0; i++)
            to[at++] = '0';
    }
    for (size_t i = 0; i < n; i++) {
        if (i && exponent > 0 && i == (size_t)exponent)
            to[at++] = '.';
        to[at++] = digits[i];
    }
    for (int i = (int)n; i < exponent; i++)
        to[at++] = '0';
    return at;
}

size_t gw_float_plain(char *to, double d)
{
    if (!isfinite(d))
        return special(to, d);
    size_t at = 0;
    if (signbit(d)) {
        to[at++] = '-';
        d = -d;
    }
    if (d == floor(d) && d < 1e15)
        return at + gw_i64_text(to + at, (int64_t)d);
    char digits[32];
    int exponent;
    size_t n = digits_of(d, -1, digits, &exponent);
    return at + put_plain(to + at, digits, n, exponent);
}

static size_t put_exponent(char *to, const char *digits, size_t n, int exponent, int width)
{
    size_t at = 0;
    to[at++] = digits[0];
    if (n > 1) {
        to[at++] = '.';
        memcpy(to + at, digits + 1, n - 1);
        at += n - 1;
    }
    return at +
           (size_t)snprintf(to + at, 8, "e%c%0*d", exponent - 1 < 0 ? '-' : '+', width, abs(exponent - 1));
}

size_t gw_float_json(char *to, double d)
{
    double size = fabs(d);
    if (!isfinite(d) || size == 0 || (size >= 1e-6 && size < 1e21))
        return gw_float_plain(to, d);
    char digits[32];
    int exponent;
    size_t at = 0, n = digits_of(size, -1, digits, &exponent);
    if (d < 0)
        to[at++] = '-';
    return at + put_exponent(to + at, digits, n, exponent, 1);
}

/* %g of Go: the shortest digits, or `precision` of them without zeroes at the end; an exponent when it is
 * under -4 or, for the shortest, from 6 on. */
static size_t float_g(char *to, double d, int precision)
{
    char digits[32];
    int exponent;
    size_t n = d == 0 ? 1 : digits_of(d, precision == 0 ? 1 : precision, digits, &exponent);
    if (d == 0) {
        digits[0] = '0';
        exponent = 1;
    }
    while (n > 1 && digits[n - 1] == '0')
        n--;
    int limit = precision < 0 ? 6 : precision == 0 ? 1 : precision;
    if (precision >= 0 && limit > (int)n && (int)n >= exponent)
        limit = (int)n;
    if (exponent - 1 < -4 || exponent - 1 >= limit)
        return put_exponent(to, digits, n, exponent, 2);
    return put_plain(to, digits, n, exponent);
}

size_t gw_float_go(char *to, double d, char fmt, int precision)
{
    if (!isfinite(d))
        return special(to, d);
    size_t at = 0;
    if (signbit(d)) {
        to[at++] = '-';
        d = -d;
    }
    if (precision > 40)
        precision = 40;
    if (fmt == 'g')
        return at + float_g(to + at, d, precision);
    if (fmt == 'e' && precision < 0) {
        char digits[32];
        int exponent;
        size_t n = d == 0 ? 1 : digits_of(d, -1, digits, &exponent);
        if (d == 0) {
            digits[0] = '0';
            exponent = 1;
        }
        return at + put_exponent(to + at, digits, n, exponent, 2);
    }
    if (precision < 0)
        return at + gw_float_plain(to + at, d);
    return at + (size_t)(fmt == 'e' ? snprintf(to + at, GW_NUMBER_SIZE - 1, "%.*e", precision, d)
                                    : snprintf(to + at, GW_NUMBER_SIZE - 1, "%.*f", precision, d));
}

void gw_text_put_json(struct gw_text *b, gw_str s)
{
    static const char hex[] = "0123456789abcdef";
    gw_text_put_char(b, '"');
    while (s.len) {
        size_t plain = 0;
        while (plain < s.len && (unsigned char)s.ptr[plain] >= 0x20 && (unsigned char)s.ptr[plain] < 0x80 &&
               !gw_char_in(s.ptr[plain], "\"\\<>&"))
            plain++;
        gw_text_put(b, s.ptr, plain);
        s = gw_str_n(s.ptr + plain, s.len - plain);
        if (!s.len)
            break;
        uint32_t c = gw_utf8_next(&s);
        if (c == '"' || c == '\\') {
            gw_text_put(b, (char[]){'\\', (char)c}, 2);
        } else if (c == '\n' || c == '\r' || c == '\t') {
            gw_text_put_z(b, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
        } else if (c < 0x80 || c == 0x2028 || c == 0x2029) {
            char escape[6] = {'\\', 'u', hex[c >> 12 & 15], hex[c >> 8 & 15], hex[c >> 4 & 15], hex[c & 15]};
            gw_text_put(b, escape, sizeof escape);
        } else {
            gw_text_put_rune(b, c);
        }
    }
    gw_text_put_char(b, '"');
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9'                       ? c - '0'
           : gw_lower(c) >= 'a' && gw_lower(c) <= 'z' ? gw_lower(c) - 'a' + 10
                                                      : 99;
}

/* With base 0 the prefix decides; single underscores are allowed between digits. */
static gw_str base_of(gw_str s, int *base)
{
    *base = 10;
    if (s.len < 2 || s.ptr[0] != '0')
        return s;
    char kind = gw_lower(s.ptr[1]);
    *base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
    return gw_str_from(s, kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1);
}

bool gw_parse_int(gw_str s, int base, int64_t *out)
{
    bool negative = s.len && *s.ptr == '-', any = base == 0, over = false;
    uint64_t u = 0, most = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
    *out = 0;
    if (s.len && (*s.ptr == '-' || *s.ptr == '+'))
        s = gw_str_from(s, 1);
    if ((base != 0 && base < 2) || base > 36 || !s.len)
        return false;
    if (any)
        s = base_of(s, &base);
    if (!s.len || s.ptr[s.len - 1] == '_')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (any && s.ptr[i] == '_' && !(i && s.ptr[i - 1] == '_'))
            continue;
        int digit = digit_of(s.ptr[i]);
        if (digit >= base)
            return false;
        over |= u > (most - (uint64_t)digit) / (uint64_t)base;
        u = over ? most : u * (uint64_t)base + (uint64_t)digit;
    }
    *out = negative ? (int64_t)(0 - u) : (int64_t)u;
    return !over;
}

/* Removes underscores between digits; 0: one is elsewhere, or the text is too long. */
static size_t without_underscores(char *to, size_t room, gw_str s)
{
    size_t n = 0;
    if (s.len >= room)
        return 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '_')
            to[n++] = s.ptr[i];
        else if (!i || i + 1 == s.len || s.ptr[i - 1] < '0' || s.ptr[i - 1] > '9' || s.ptr[i + 1] < '0' ||
                 s.ptr[i + 1] > '9')
            return 0;
    }
    to[n] = 0;
    return n;
}

bool gw_parse_float(gw_str s, double *out)
{
    char text[400];
    *out = 0;
    s = gw_str_n(text, without_underscores(text, sizeof text, s));
    gw_str word = s.len && (*s.ptr == '-' || *s.ptr == '+') ? gw_str_from(s, 1) : s;
    bool named = gw_str_ieq(word, GW_STR("inf")) || gw_str_ieq(word, GW_STR("infinity")) ||
                 gw_str_ieq(s, GW_STR("nan"));
    if (!s.len)
        return false;
    if (!named) {
        bool hex = word.len > 2 && word.ptr[0] == '0' && gw_lower(word.ptr[1]) == 'x';
        for (size_t i = 0; i < s.len; i++)
            if (!gw_char_in(s.ptr[i], hex ? "0123456789abcdefABCDEFxXpP+-." : "0123456789eE+-."))
                return false;
        if (hex && !memchr(s.ptr, 'p', s.len) && !memchr(s.ptr, 'P', s.len))
            return false;
    }
    char *end;
    double d = strtod(text, &end);
    if (*end || end == text)
        return false;
    *out = d;
    return named || isfinite(d);
}

bool gw_parse_bool(gw_str s, bool *out)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"}, *const no[] = {
                                                                                  "0",     "f",     "F",
                                                                                  "FALSE", "false", "False"};
    *out = false;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (gw_str_eq(s, gw_str_z(yes[i])))
            return *out = true;
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (gw_str_eq(s, gw_str_z(no[i])))
            return true;
    return false;
}

static bool in_set(gw_str set, uint32_t rune)
{
    while (set.len)
        if (gw_utf8_next(&set) == rune)
            return true;
    return false;
}

gw_str gw_trim_set(gw_str s, gw_str set)
{
    while (s.len) {
        gw_str rest = s;
        if (!in_set(set, gw_utf8_next(&rest)))
            break;
        s = rest;
    }
    while (s.len) {
        size_t back = 1;
        while (back < 4 && back < s.len && ((unsigned char)s.ptr[s.len - back] & 0xC0) == 0x80)
            back++;
        gw_str last = gw_str_n(s.ptr + s.len - back, back);
        if (!in_set(set, gw_utf8_next(&last)) || last.len)
            break;
        s.len -= back;
    }
    return s;
}
