/* text.h: values as text and as JSON, and text built piece by piece.
 *
 * Numbers look as the reference engine (Go) writes them: shortest digits that read back as the same double, in text never with an
 * exponent, in JSON with one below 1e-6 and from 1e21 on. JSON has its names sorted and < > & escaped.
 *
 * Ownership: results live in the arena that is given. A spent arena makes them empty, and stays spent for the caller to see.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_TEXT_H
#define SC_TEXT_H

#include "translators/logs/script/value.h"

struct sc_buf {
    struct gw_arena *arena;
    char *ptr;
    size_t len, cap;
    unsigned depth; /* of the list or map that is being written */
};

/* Scripts can put a list into itself: what is nested deeper than this is written as null. */
enum { SC_TEXT_DEPTH = 256 };

void sc_put(struct sc_buf *, const char *ptr, size_t len);
void sc_put_char(struct sc_buf *, char);
void sc_put_z(struct sc_buf *, const char *);
static inline void sc_put_str(struct sc_buf *b, gw_str s)
{
    sc_put(b, s.ptr, s.len);
}
static inline gw_str sc_taken(const struct sc_buf *b)
{
    return gw_str_n(b->ptr ? b->ptr : "", b->len);
}

/* One code point as UTF-8: 1 to 4 bytes; what is none is U+FFFD. */
size_t sc_utf8_put(char out[4], uint32_t rune);
void sc_put_rune(struct sc_buf *, uint32_t rune);
/* Takes the next code point off *s, which is not empty. A byte that is no UTF-8 is U+FFFD, by itself, as in Go. */
uint32_t sc_utf8_next(gw_str *s);
/* How many code points there are. */
size_t sc_utf8_count(gw_str s);
/* Go's unicode.IsSpace at both ends. */
gw_str sc_trim_space(gw_str s);
/* The same with the characters of `set`. */
gw_str sc_trim_set(gw_str s, gw_str set);
bool sc_is_space(uint32_t rune);

enum { SC_NUMBER_ROOM = 360 };
/* Write one number to `to` (SC_NUMBER_ROOM bytes); return its length. */
size_t sc_i64_text(char *to, int64_t);
size_t sc_float_plain(char *to, double);                       /* never an exponent: 1e21 is 22 digits */
size_t sc_float_json(char *to, double);                        /* as JSON writes them; NaN and infinities by their names */
size_t sc_float_go(char *to, double, char fmt, int precision); /* strconv.FormatFloat for e, f, g; precision -1: shortest */

/* A value as text: the conversion of keys, tags and str(). Nothing is copied when v is text. */
gw_str sc_text(struct gw_arena *, const struct sc_val *v);
/* A value as JSON text. */
void sc_json(struct sc_buf *, const struct sc_val *v);
/* JSON text with its quotes. */
void sc_json_str(struct sc_buf *, gw_str s);

/* Whole-text conversions as Go's strconv does them; false when it is none. Out of range gives the bound, and false. */
bool sc_parse_int(gw_str s, int base, int64_t *out);
bool sc_parse_float(gw_str s, double *out);
bool sc_parse_bool(gw_str s, bool *out);

#endif
