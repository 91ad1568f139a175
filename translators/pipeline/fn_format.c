/* fn_format.c: Implements strfmt with the verbs of Go's fmt and its texts for mistakes: %!d(string=x),
 * %!(EXTRA int64=42). Owns nothing: results are in the record's arena. Called by the evaluator.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "translators/pipeline/script_internal.h"

enum { WIDEST = 1000000 }; /* Go takes no wider field either */

bool check_strfmt(struct sc_check *c, struct sc_node *call)
{
    return sc_first_key(c, call) && sc_want_text(c, call->kid[1]);
}

struct spec {
    bool plus, minus, sharp, space, zero, source; /* source: %#v */
    int width, precision;                         /* -1: not given */
    char verb;                                    /* 0: beyond ASCII */
    gw_str letter;                                /* the same, as written */
};

struct args {
    struct sc_val *v;
    size_t n, at;
    bool reordered, bad; /* bad: an index that there is not, in the verb at hand */
};

static void pad(struct gw_text *b, const struct spec *f, gw_str s, bool zero)
{
    int fill = f->width - (int)gw_utf8_count(s);
    if (fill > 0 && zero && !f->minus && s.len && (*s.ptr == '+' || *s.ptr == '-')) {
        gw_text_put_char(b, *s.ptr);
        s = gw_str_from(s, 1);
    }
    for (int i = 0; i < fill && !f->minus; i++)
        gw_text_put_char(b, zero ? '0' : ' ');
    gw_text_put_str(b, s);
    for (int i = 0; i < fill && f->minus; i++)
        gw_text_put_char(b, ' ');
}

static void put_value(struct gw_text *b, const struct spec *f, const struct sc_val *v, unsigned depth);

static const char *go_type(const struct sc_val *v)
{
    static const char *const names[] = {"<nil>",   "<nil>",  "bool",           "int64",
                                        "float64", "string", "[]interface {}", "map[string]interface {}"};
    return names[v->type];
}

/* %!z(int64=42): the value as the same flags show it with %v */
static void put_bad(struct gw_text *b, const struct spec *f, const struct sc_val *v)
{
    struct spec plain = *f;
    plain.verb = 'v';
    gw_text_put_z(b, "%!");
    gw_text_put_str(b, f->letter);
    gw_text_put_char(b, '(');
    gw_text_put_z(b, go_type(v));
    if (v->type > SC_NIL) {
        gw_text_put_char(b, '=');
        put_value(b, &plain, v, 0);
    }
    gw_text_put_char(b, ')');
}

/* Zeroes make up for the precision, or for the width with the flag 0; Go counts the sign to the width, but
 * not 0x. */
static void put_int_base(struct gw_text *b, const struct spec *f, int64_t i, unsigned base, bool upper)
{
    char digits[64];
    size_t at = sizeof digits;
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    bool sign = i < 0 || f->plus || f->space;
    int least = f->precision >= 0 ? f->precision : f->zero && !f->minus && f->width > 0 ? f->width - sign : 1;
    struct gw_text q = {.arena = b->arena};
    if (i == 0 && f->precision == 0) {
        pad(b, f, GW_STR(""), false);
        return;
    }
    for (; u; u /= base)
        digits[--at] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[u % base];
    if (sign)
        gw_text_put_char(&q, i < 0 ? '-' : f->plus ? '+' : ' ');
    int zeroes = least - (int)(sizeof digits - at);
    if (f->verb == 'O')
        gw_text_put_z(&q, "0o");
    if (f->sharp && base == 8 && zeroes <= 0)
        zeroes = 1;
    else if (f->sharp && base != 10 && base != 8)
        gw_text_put_z(&q, base == 2 ? "0b" : upper ? "0X" : "0x");
    for (int n = 0; n < zeroes; n++)
        gw_text_put_char(&q, '0');
    gw_text_put(&q, digits + at, sizeof digits - at);
    pad(b, f, gw_text_result(&q), false);
}

/* As a Go literal between two quotes. */
static void quote(struct gw_text *q, gw_str s, char mark, bool ascii)
{
    gw_text_put_char(q, mark);
    while (s.len) {
        gw_str one = s;
        uint32_t c = gw_utf8_next(&s);
        static const char from[] = "\a\b\f\n\r\t\v\\", to[] = "abfnrtv\\";
        const char *hit = c && c < 0x80 ? strchr(from, (int)c) : NULL;
        char text[16];
        if (hit || c == (unsigned char)mark) {
            gw_text_put(q, (char[]){'\\', hit ? to[hit - from] : mark}, 2);
        } else if (c == 0xFFFD && one.len - s.len == 1) {
            gw_text_put(q, text, (size_t)snprintf(text, sizeof text, "\\x%02x", (unsigned char)*one.ptr));
        } else if (c < 0x20 || c == 0x7F || (ascii && c >= 0x80)) {
            gw_text_put(q, text,
                        (size_t)snprintf(text, sizeof text,
                                         c < 0x80      ? "\\x%02x"
                                         : c < 0x10000 ? "\\u%04x"
                                                       : "\\U%08x",
                                         c));
        } else {
            gw_text_put_rune(q, c);
        }
    }
    gw_text_put_char(q, mark);
}

/* True if the text can be between two backquotes. */
static bool raw(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '`' || s.ptr[i] == 0x7F || ((unsigned char)s.ptr[i] < ' ' && s.ptr[i] != '\t'))
            return false;
    return true;
}

static void put_quoted(struct gw_text *b, const struct spec *f, gw_str s)
{
    struct gw_text q = {.arena = b->arena};
    if (f->sharp && raw(s)) {
        gw_text_put_char(&q, '`');
        gw_text_put_str(&q, s);
        gw_text_put_char(&q, '`');
    } else {
        quote(&q, s, '"', f->plus);
    }
    pad(b, f, gw_text_result(&q), f->zero);
}

static void put_rune_number(struct gw_text *b, const struct spec *f, int64_t i)
{
    char text[40];
    struct gw_text q = {.arena = b->arena};
    if (f->verb == 'U') {
        pad(b, f, gw_str_n(text, (size_t)snprintf(text, sizeof text, "U+%04llX", (unsigned long long)i)),
            false);
        return;
    }
    gw_str rune = gw_str_n(text, gw_utf8_encode(text, i < 0 || i > 0x10FFFF ? 0xFFFD : (uint32_t)i));
    if (f->verb == 'c')
        gw_text_put_str(&q, rune);
    else
        quote(&q, rune, '\'', f->plus);
    pad(b, f, gw_text_result(&q), false);
}

static void put_int(struct gw_text *b, const struct spec *f, const struct sc_val *v)
{
    switch (f->verb) {
    case 'v':
    case 'd':
        put_int_base(b, f, v->i, 10, false);
        return;
    case 'b':
        put_int_base(b, f, v->i, 2, false);
        return;
    case 'o':
        put_int_base(b, f, v->i, 8, false);
        return;
    case 'O':
        put_int_base(b, f, v->i, 8, false);
        return;
    case 'x':
    case 'X':
        put_int_base(b, f, v->i, 16, f->verb == 'X');
        return;
    case 'c':
    case 'q':
    case 'U':
        put_rune_number(b, f, v->i);
        return;
    default:
        put_bad(b, f, v);
    }
}

static void put_float(struct gw_text *b, const struct spec *f, const struct sc_val *v)
{
    char text[GW_NUMBER_SIZE + 2], verb = gw_lower(f->verb);
    if (!gw_char_in(verb, "vefg")) {
        put_bad(b, f, v);
        return;
    }
    int precision = f->precision >= 0 ? f->precision : verb == 'v' || verb == 'g' ? -1 : 6;
    size_t n = gw_float_go(text + 1, v->f.v, verb == 'v' ? 'g' : verb, precision) + 1, from = 1;
    if (text[1] != '-' && text[1] != '+' && (f->plus || f->space)) {
        from = 0;
        text[0] = f->plus ? '+' : ' ';
    } else if (text[1] == '+' && !f->plus) {
        from = 2;
    }
    for (size_t i = from; (f->verb == 'E' || f->verb == 'G') && i < n; i++)
        text[i] = text[i] == 'e' ? 'E' : text[i];
    pad(b, f, gw_str_n(text + from, n - from), f->zero && isfinite(v->f.v));
}

static void put_hex_text(struct gw_text *b, const struct spec *f, gw_str s)
{
    struct gw_text q = {.arena = b->arena};
    const char *digits = f->verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t n = f->precision >= 0 && (size_t)f->precision < s.len ? (size_t)f->precision : s.len;
    for (size_t i = 0; i < n; i++) {
        if (f->space && i)
            gw_text_put_char(&q, ' ');
        if (f->sharp && (i == 0 || f->space))
            gw_text_put(&q, (char[]){'0', f->verb}, 2);
        gw_text_put(&q, (char[]){digits[(unsigned char)s.ptr[i] >> 4], digits[s.ptr[i] & 15]}, 2);
    }
    pad(b, f, gw_text_result(&q), f->zero);
}

static gw_str cut(gw_str s, int runes)
{
    gw_str rest = s;
    for (; runes > 0 && rest.len; runes--)
        gw_utf8_next(&rest);
    return gw_str_n(s.ptr, s.len - rest.len);
}

/* %#v shows values as Go source. */
static bool as_source(const struct spec *f)
{
    return f->verb == 'v' && f->source;
}

static void put_text(struct gw_text *b, const struct spec *f, const struct sc_val *v)
{
    gw_str s = f->precision >= 0 && f->verb != 'x' && f->verb != 'X' ? cut(v->s, f->precision) : v->s;
    if (as_source(f))
        put_quoted(b, f, s);
    else if (f->verb == 'v' || f->verb == 's')
        pad(b, f, s, f->zero);
    else if (f->verb == 'q')
        put_quoted(b, f, s);
    else if (f->verb == 'x' || f->verb == 'X')
        put_hex_text(b, f, s);
    else
        put_bad(b, f, v);
}

static void put_list(struct gw_text *b, const struct spec *f, const struct sc_list *l, unsigned depth)
{
    gw_text_put_z(b, as_source(f) ? "[]interface {}{" : "[");
    for (size_t i = 0; i < l->n && !b->arena->spent; i++) {
        if (i)
            gw_text_put_z(b, as_source(f) ? ", " : " ");
        put_value(b, f, &l->items[i], depth + 1);
    }
    gw_text_put_char(b, as_source(f) ? '}' : ']');
}

static void put_map(struct gw_text *b, const struct spec *f, const struct sc_map *m, unsigned depth)
{
    gw_text_put_z(b, as_source(f) ? "map[string]interface {}{" : "map[");
    for (size_t i = 0; i < m->n && !b->arena->spent; i++) {
        struct sc_val name = sc_str(m->pairs[i].name);
        if (i)
            gw_text_put_z(b, as_source(f) ? ", " : " ");
        put_value(b, f, &name, depth + 1);
        gw_text_put_char(b, ':');
        put_value(b, f, &m->pairs[i].val, depth + 1);
    }
    gw_text_put_char(b, as_source(f) ? '}' : ']');
}

static void put_value(struct gw_text *b, const struct spec *f, const struct sc_val *v, unsigned depth)
{
    switch ((enum sc_type)v->type) {
    case SC_VOID:
    case SC_NIL:
        if (depth)
            gw_text_put_z(b, as_source(f) ? "interface {}(nil)" : "<nil>");
        else if (f->verb == 'v')
            pad(b, f, GW_STR("<nil>"), false);
        else
            put_bad(b, f, v);
        return;
    case SC_BOOL:
        if (f->verb == 'v' || f->verb == 't')
            pad(b, f, v->b ? GW_STR("true") : GW_STR("false"), false);
        else
            put_bad(b, f, v);
        return;
    case SC_INT:
        put_int(b, f, v);
        return;
    case SC_FLOAT:
        put_float(b, f, v);
        return;
    case SC_STR:
        put_text(b, f, v);
        return;
    case SC_LIST:
        if (depth < SC_TEXT_DEPTH)
            put_list(b, f, v->l, depth);
        return;
    case SC_MAP:
        if (depth < SC_TEXT_DEPTH)
            put_map(b, f, v->m, depth);
        return;
    }
}

/* Digits of the format; -1: there are none, or too many: then the format ends. */
static int take_number(gw_str *s)
{
    int n = -1;
    while (s->len && gw_is_digit(*s->ptr)) {
        if (n > WIDEST) {
            *s = GW_NOSTR;
            return -1;
        }
        n = (n < 0 ? 0 : n) * 10 + (*s->ptr - '0');
        *s = gw_str_from(*s, 1);
    }
    return n;
}

/* After a *: the next argument is the number; false, with Go's word for it, if it is not a number. */
static bool take_argument(struct args *a, int *out)
{
    const struct sc_val *v = a->at < a->n ? &a->v[a->at++] : NULL;
    bool good = v && v->type == SC_INT && v->i >= -WIDEST && v->i <= WIDEST;
    *out = good ? (int)v->i : 0;
    return good;
}

/* [2]: the next argument is the second. False: there is no index here. */
static bool take_index(gw_str *s, struct args *a)
{
    if (!s->len || *s->ptr != '[')
        return false;
    a->reordered = true;
    size_t close = gw_str_find(*s, ']');
    gw_str digits = gw_str_n(s->ptr + 1, close - 1), rest = digits;
    bool closed = close < s->len && close > 1;
    int n = closed ? take_number(&rest) : -1;
    bool number = closed && n >= 0 && rest.len == 0;
    if (number && n >= 1 && (size_t)n <= a->n)
        a->at = (size_t)n - 1;
    else
        a->bad = true;
    *s = gw_str_from(*s, close < s->len && s->len >= 3 ? close + 1 : 1);
    return number;
}

static gw_str take_flags(gw_str s, struct spec *f)
{
    for (; s.len; s = gw_str_from(s, 1)) {
        bool *flag = *s.ptr == '+'   ? &f->plus
                     : *s.ptr == '-' ? &f->minus
                     : *s.ptr == '#' ? &f->sharp
                     : *s.ptr == ' ' ? &f->space
                     : *s.ptr == '0' ? &f->zero
                                     : NULL;
        if (!flag)
            break;
        *flag = true;
    }
    return s;
}

static gw_str take_width(struct gw_text *b, gw_str s, struct args *a, struct spec *f, bool *indexed)
{
    if (s.len && *s.ptr == '*') {
        s = gw_str_from(s, 1);
        if (!take_argument(a, &f->width)) {
            gw_text_put_z(b, "%!(BADWIDTH)");
            f->width = -1;
        } else if (f->width < 0) {
            f->width = -f->width;
            f->minus = true;
        }
        *indexed = false;
        return s;
    }
    f->width = take_number(&s);
    a->bad |= *indexed && f->width >= 0; /* the index belongs right before the verb */
    return s;
}

static gw_str take_precision(struct gw_text *b, gw_str s, struct args *a, struct spec *f, bool *indexed)
{
    s = gw_str_from(s, 1);
    a->bad |= *indexed;
    *indexed = take_index(&s, a);
    if (s.len && *s.ptr == '*') {
        s = gw_str_from(s, 1);
        if (!take_argument(a, &f->precision) || f->precision < 0) {
            gw_text_put_z(b, "%!(BADPREC)");
            f->precision = -1;
        }
        *indexed = false;
        return s;
    }
    f->precision = take_number(&s);
    f->precision = f->precision < 0 ? 0 : f->precision;
    return s;
}

static void put_wrong(struct gw_text *b, gw_str verb, const char *what)
{
    gw_text_put_z(b, "%!");
    gw_text_put_str(b, verb);
    gw_text_put_z(b, what);
}

/* Behind a %. */
static gw_str put_verb(struct gw_text *b, gw_str s, struct args *a)
{
    struct spec f = {.width = -1, .precision = -1};
    a->bad = false;
    s = take_flags(s, &f);
    bool indexed = take_index(&s, a);
    s = take_width(b, s, a, &f, &indexed);
    if (s.len && *s.ptr == '.')
        s = take_precision(b, s, a, &f, &indexed);
    if (!indexed)
        take_index(&s, a);
    if (!s.len) {
        gw_text_put_z(b, "%!(NOVERB)");
        return s;
    }
    gw_str verb = s;
    gw_utf8_next(&s);
    verb.len -= s.len;
    f.verb = verb.len == 1 ? *verb.ptr : 0;
    f.letter = verb;
    if (f.verb == 'v') { /* # and + have another meaning, which numbers do not share */
        f.source = f.sharp;
        f.sharp = f.plus = false;
    }
    if (f.verb == '%')
        gw_text_put_char(b, '%');
    else if (a->bad)
        put_wrong(b, verb, "(BADINDEX)");
    else if (a->at >= a->n)
        put_wrong(b, verb, "(MISSING)");
    else if (f.verb == 'T')
        pad(b, &f, cut(gw_str_z(go_type(&a->v[a->at++])), f.precision < 0 ? WIDEST : f.precision), f.zero);
    else
        put_value(b, &f, &a->v[a->at++], 0);
    return s;
}

static void put_extra(struct gw_text *b, const struct args *a)
{
    struct spec plain = {.width = -1, .precision = -1, .verb = 'v'};
    gw_text_put_z(b, "%!(EXTRA ");
    for (size_t i = a->at; i < a->n; i++) {
        if (i > a->at)
            gw_text_put_z(b, ", ");
        gw_text_put_z(b, go_type(&a->v[i]));
        if (a->v[i].type > SC_NIL) {
            gw_text_put_char(b, '=');
            put_value(b, &plain, &a->v[i], 0);
        }
    }
    gw_text_put_char(b, ')');
}

bool fn_strfmt(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct args a = {.v = gw_new(r->arena, struct sc_val, call->n), .n = call->n - 2};
    struct gw_text b = {.arena = r->arena};
    (void)out;
    if (!a.v)
        return false;
    for (uint32_t i = 2; i < call->n; i++)
        if (!sc_try(r, call->kid[i], &a.v[i - 2], NULL))
            return false;
    for (gw_str s = call->kid[1]->text; s.len;) {
        size_t plain = gw_str_find(s, '%');
        gw_text_put(&b, s.ptr, plain);
        s = gw_str_n(s.ptr + plain, s.len - plain);
        if (s.len)
            s = put_verb(&b, gw_str_n(s.ptr + 1, s.len - 1), &a);
    }
    if (!a.reordered && a.at < a.n)
        put_extra(&b, &a);
    sc_point_set(r->point, call->kid[0]->key, sc_str(gw_text_result(&b)));
    return true;
}
