/* text.h: building UTF-8 text piece by piece in an arena, and converting numbers to text and back.
 *
 * Numbers have the format of the reference engine (Go): the shortest digits that read back as the same
 * double, in text never with an exponent, in JSON with one below 1e-6 and from 1e21 on. JSON has its names
 * sorted and < > & escaped.
 *
 * Ownership: results are in the given arena. A spent arena makes them empty, and stays spent for the caller
 * to check.
 * Threads: the arena's owner.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TEXT_H
#define GW_TEXT_H

#include "core/base/arena.h"

struct gw_text {
    struct gw_arena *arena;
    char *ptr;
    size_t len, cap;
    unsigned depth; /* nesting of the list or map that is being written */
};

void gw_text_put(struct gw_text *, const char *ptr, size_t len);
void gw_text_put_char(struct gw_text *, char);
void gw_text_put_z(struct gw_text *, const char *);
static inline void gw_text_put_str(struct gw_text *b, gw_str s)
{
    gw_text_put(b, s.ptr, s.len);
}
static inline gw_str gw_text_result(const struct gw_text *b)
{
    return gw_str_n(b->ptr ? b->ptr : "", b->len);
}

/* Encodes one code point as UTF-8: 1 to 4 bytes; an invalid one becomes U+FFFD. */
size_t gw_utf8_encode(char out[4], uint32_t rune);
void gw_text_put_rune(struct gw_text *, uint32_t rune);
/* Removes the next code point from *s, which is not empty. A byte that is not UTF-8 becomes one U+FFFD, as in
 * Go. */
uint32_t gw_utf8_next(gw_str *s);
/* The number of code points. */
size_t gw_utf8_count(gw_str s);
/* The length of the longest beginning of s, of at most `most` bytes, that ends between characters. */
size_t gw_utf8_cut(gw_str s, size_t most);
/* Removes Go's unicode.IsSpace at both ends. */
gw_str gw_trim_space(gw_str s);
/* The same with the characters of `set`. */
gw_str gw_trim_set(gw_str s, gw_str set);
bool gw_is_space(uint32_t rune);

enum { GW_NUMBER_SIZE = 360 };
/* Write one number to `to` (GW_NUMBER_SIZE bytes); return its length. */
size_t gw_i64_text(char *to, int64_t);
size_t gw_float_plain(char *to, double); /* never with an exponent: 1e21 is 22 digits */
/* as JSON writes them; NaN and infinities by their names */
size_t gw_float_json(char *to, double);
/* strconv.FormatFloat for e, f, g; precision -1: shortest */
size_t gw_float_go(char *to, double, char fmt, int precision);

/* JSON text with its quotes. */
void gw_text_put_json(struct gw_text *, gw_str s);

/* Whole-text conversions like Go's strconv; false for other text. Out of range gives the bound, and false. */
bool gw_parse_int(gw_str s, int base, int64_t *out);
bool gw_parse_float(gw_str s, double *out);
bool gw_parse_bool(gw_str s, bool *out);

#endif
