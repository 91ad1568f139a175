/* str.h: text as a view.
 *
 *     { ptr, len } ──▶ bytes that another struct owns
 *
 * A gw_str borrows its bytes. It is not NUL-terminated, and may contain NULs and, in input, bytes that are
 * not UTF-8. The place that stores a view documents its lifetime: views of a request body live until the
 * request's arena is reset; views of literals and of the configuration live as long as the process.
 *
 * Threads: pure functions, no state.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_STR_H
#define GW_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct gw_str {
    const char *ptr;
    size_t len;
};
typedef struct gw_str gw_str;

/* A view of a string literal, usable in constant initialisers: static const gw_str s = GW_LIT("env"); */
#define GW_LIT(literal)                                                                                      \
    {                                                                                                        \
        "" literal, sizeof(literal) - 1                                                                      \
    }
/* The same as an expression. */
#define GW_STR(literal) ((gw_str)GW_LIT(literal))
#define GW_NOSTR ((gw_str){NULL, 0})
/* printf("%.*s", GW_FMT(s)) */
#define GW_FMT(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline gw_str gw_str_n(const char *ptr, size_t len)
{
    return (gw_str){ptr, len};
}

static inline gw_str gw_str_z(const char *z)
{
    return (gw_str){z, z ? strlen(z) : 0};
}

/* Pass a literal as the second argument: then the comparison is a few instructions instead of a call. */
static inline bool gw_str_eq(gw_str a, gw_str b)
{
    return a.len == b.len && (b.len == 0 || memcmp(a.ptr, b.ptr, b.len) == 0);
}

static inline bool gw_str_starts(gw_str s, gw_str prefix)
{
    return s.len >= prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

static inline bool gw_str_ends(gw_str s, gw_str suffix)
{
    return s.len >= suffix.len && memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0;
}

/* ASCII only, as all text that is parsed here. They take an int, so a lexer may pass its "end of text" (-1). */
static inline bool gw_is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static inline bool gw_is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* 0 to 15, or -1 if c is not a hexadecimal digit. */
static inline int gw_hex_digit(int c)
{
    if (gw_is_digit(c))
        return c - '0';
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ? (c | 32) - 'a' + 10 : -1;
}

static inline char gw_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* ASCII case only: header names, methods, enum words. */
static inline bool gw_str_ieq(gw_str a, gw_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (gw_lower(a.ptr[i]) != gw_lower(b.ptr[i]))
            return false;
    return true;
}

/* The part of s from byte `from` on; empty when from is past the end. */
static inline gw_str gw_str_from(gw_str s, size_t from)
{
    return from >= s.len ? GW_NOSTR : (gw_str){s.ptr + from, s.len - from};
}

/* Index of c in s, or s.len when absent. */
static inline size_t gw_str_find(gw_str s, char c)
{
    const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return at ? (size_t)(at - s.ptr) : s.len;
}

/* True if the byte at this offset is a digit. */
static inline bool gw_digit_at(gw_str s, size_t at)
{
    return at < s.len && gw_is_digit(s.ptr[at]);
}

/* True if c is one of the characters of `set`. Unlike with strchr, NUL never is, because data may contain it. */
static inline bool gw_char_in(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* Removes the next field, up to `sep`, from *rest and returns it in *field; false when *rest is exhausted. An
 * empty field is a field. */
static inline bool gw_str_next(gw_str *rest, char sep, gw_str *field)
{
    if (!rest->ptr)
        return false;
    size_t at = gw_str_find(*rest, sep);
    *field = gw_str_n(rest->ptr, at);
    *rest = at < rest->len ? gw_str_n(rest->ptr + at + 1, rest->len - at - 1) : GW_NOSTR;
    return true;
}

static inline gw_str gw_str_trim(gw_str s)
{
    while (s.len && (*s.ptr == ' ' || *s.ptr == '\t'))
        s.ptr++, s.len--;
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* Parses a whole string as a decimal integer: optional '-', digits, no blanks; false for anything else and on
 * overflow of int64. */
bool gw_str_i64(gw_str s, int64_t *out);
/* The same for uint64: digits only. */
bool gw_str_u64(gw_str s, uint64_t *out);
/* 1 to 16 hexadecimal digits of either case, nothing else. */
bool gw_str_hex64(gw_str s, uint64_t *out);
/* Whole-string finite decimal number, C locale. */
bool gw_str_double(gw_str s, double *out);

/* True when every byte sequence is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most
 * U+10FFFF). */
bool gw_utf8_valid(gw_str s);
/* Writes s to out with every maximal ill-formed part replaced by U+FFFD (as the Unicode standard recommends,
 * §3.9, and Go and Python do). `out` has room for 3 × s.len bytes; returns the number of bytes written. */
size_t gw_utf8_repair(gw_str s, char *out);
/* The number of bytes that gw_utf8_repair would write. */
size_t gw_utf8_repaired_size(gw_str s);

#endif
