/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/pipeline/json_in.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/text.h"

struct in {
    const char *at, *end;
    struct gw_arena *arena;
    unsigned depth;
    bool strict;
};

static bool value(struct in *, struct sc_val *out);

static void blanks(struct in *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\n' || *in->at == '\r'))
        in->at++;
}

static bool take(struct in *in, char c)
{
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

static bool word(struct in *in, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(in->end - in->at) < len || memcmp(in->at, text, len) != 0)
        return false;
    in->at += len;
    return true;
}

static bool hex4(struct in *in, uint32_t *out)
{
    uint64_t u;
    if (in->end - in->at < 4 || !gw_str_hex64(gw_str_n(in->at, 4), &u))
        return false;
    in->at += 4;
    *out = (uint32_t)u;
    return true;
}

/* Behind \u: a code point, of two halves when they are a pair; half of one is U+FFFD. */
static bool unicode(struct in *in, struct gw_text *b)
{
    uint32_t rune, low;
    if (!hex4(in, &rune))
        return false;
    if (rune >= 0xD800 && rune < 0xDC00 && in->end - in->at >= 6 && in->at[0] == '\\' && in->at[1] == 'u') {
        const char *back = in->at;
        in->at += 2;
        if (!hex4(in, &low))
            return false;
        if (low >= 0xDC00 && low < 0xE000)
            rune = 0x10000 + ((rune - 0xD800) << 10) + (low - 0xDC00);
        else
            in->at = back;
    }
    gw_text_put_rune(b, rune);
    return true;
}

static bool escape(struct in *in, struct gw_text *b)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (in->at == in->end)
        return false;
    char c = *in->at++;
    if (c == 'u')
        return unicode(in, b);
    const char *hit = c ? strchr(from, c) : NULL;
    if (!hit)
        return false;
    gw_text_put_char(b, to[hit - from]);
    return true;
}

/* Up to the quote, a backslash or what may not stand in text: by the letter no control character, here only a NUL. */
static const char *plain(const struct in *in)
{
    const char *p = in->at;
    unsigned char least = in->strict ? 0x20 : 1;
    while (p < in->end && *p != '"' && *p != '\\' && (unsigned char)*p >= least)
        p++;
    return p;
}

/* Behind the opening quote. */
static bool text(struct in *in, gw_str *out)
{
    const char *from = in->at;
    in->at = plain(in);
    if (take(in, '"')) {
        *out = gw_str_n(from, (size_t)(in->at - 1 - from));
        return true;
    }
    struct gw_text b = {.arena = in->arena};
    gw_text_put(&b, from, (size_t)(in->at - from));
    while (!take(in, '"')) {
        if (!take(in, '\\') || !escape(in, &b))
            return false;
        from = in->at;
        in->at = plain(in);
        gw_text_put(&b, from, (size_t)(in->at - from));
    }
    *out = gw_text_result(&b);
    return true;
}

static size_t digits(struct in *in)
{
    const char *from = in->at;
    while (in->at < in->end && gw_is_digit(*in->at))
        in->at++;
    return (size_t)(in->at - from);
}

/* The double of up to 19 plain digits, which is most numbers there are; the rest goes the long way. */
static bool quick(gw_str s, struct sc_val *out)
{
    bool negative = *s.ptr == '-';
    uint64_t u;
    if (!gw_str_u64(negative ? gw_str_from(s, 1) : s, &u))
        return false;
    double d = (double)u;
    *out = sc_float(negative ? -d : d);
    if (u > (uint64_t)1 << 53 && s.len < 256) {
        out->digits_len = (uint8_t)s.len;
        out->f.digits = s.ptr;
    }
    return true;
}

static bool number(struct in *in, struct sc_val *out)
{
    const char *from = in->at;
    bool whole = true;
    take(in, '-');
    const char *first = in->at;
    size_t n = digits(in);
    if (!n || (in->strict && n > 1 && *first == '0'))
        return false;
    if (take(in, '.')) {
        whole = false;
        if (!digits(in) && in->strict)
            return false;
    }
    if (take(in, 'e') || take(in, 'E')) {
        whole = false;
        if (!take(in, '+'))
            take(in, '-');
        if (!digits(in))
            return false;
    }
    gw_str s = gw_str_n(from, (size_t)(in->at - from));
    if (whole && n < 20 && quick(s, out))
        return true;
    double d;
    *out = sc_float(0);
    if (!gw_parse_float(s, &d) && !in->strict) /* by the letter a number may be beyond what a double holds */
        return false;
    out->f.v = d;
    uint64_t u;
    if (whole && gw_str_u64(*from == '-' ? gw_str_from(s, 1) : s, &u) && s.len < 256) {
        out->digits_len = (uint8_t)s.len;
        out->f.digits = s.ptr;
    }
    return true;
}

static bool array(struct in *in, struct sc_val *out)
{
    struct sc_list *l = sc_list_new(in->arena);
    if (!l)
        return false;
    *out = (struct sc_val){.type = SC_LIST, .l = l};
    blanks(in);
    if (take(in, ']'))
        return true;
    do {
        struct sc_val item;
        if (!value(in, &item) || !sc_list_add(in->arena, l, item))
            return false;
        blanks(in);
    } while (take(in, ','));
    return take(in, ']');
}

static bool member(struct in *in, struct sc_map *m)
{
    struct sc_val val;
    gw_str name;
    blanks(in);
    if (!take(in, '"') || !text(in, &name))
        return false;
    blanks(in);
    if (!take(in, ':') || !value(in, &val))
        return false;
    struct sc_pair *pair = sc_map_append(in->arena, m);
    if (!pair)
        return false;
    *pair = (struct sc_pair){name, val};
    blanks(in);
    return true;
}

static bool object(struct in *in, struct sc_val *out)
{
    struct sc_map *m = sc_map_new(in->arena);
    if (!m)
        return false;
    *out = (struct sc_val){.type = SC_MAP, .m = m};
    blanks(in);
    if (take(in, '}'))
        return true;
    do
        if (!member(in, m))
            return false;
    while (take(in, ','));
    return take(in, '}') && sc_map_settle(in->arena, m);
}

static bool nested(struct in *in, bool (*read)(struct in *, struct sc_val *), struct sc_val *out)
{
    if (in->depth == SC_JSON_DEPTH)
        return false;
    in->depth++;
    in->at++;
    bool good = read(in, out);
    in->depth--;
    return good;
}

static bool value(struct in *in, struct sc_val *out)
{
    blanks(in);
    if (in->at == in->end)
        return false;
    switch (*in->at) {
    case '{':
        return nested(in, object, out);
    case '[':
        return nested(in, array, out);
    case '"':
        in->at++;
        *out = sc_str(GW_NOSTR);
        return text(in, &out->s);
    case 't':
        *out = sc_bool(true);
        return word(in, "true");
    case 'f':
        *out = sc_bool(false);
        return word(in, "false");
    case 'n':
        *out = sc_nil();
        return word(in, "null");
    default:
        return number(in, out);
    }
}

static bool read_all(struct gw_arena *a, gw_str s, bool strict, struct sc_val *out)
{
    struct in in = {s.ptr, s.ptr + s.len, a, 0, strict};
    if (!s.len || !value(&in, out))
        return false;
    blanks(&in);
    return in.at == in.end && !a->spent;
}

bool sc_json_read(struct gw_arena *a, gw_str s, struct sc_val *out)
{
    return read_all(a, s, false, out);
}

bool sc_json_valid(struct gw_arena *a, gw_str s)
{
    struct sc_val v;
    return read_all(a, s, true, &v);
}
