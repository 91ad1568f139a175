/* fn_text.c: Implements the builtins that change the text of a key: case, trim, cover, base64, decode. Owns
 * nothing: results are in the record's arena. Called by the evaluator.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <iconv.h>
#include <stdio.h>

#include "translators/pipeline/script_internal.h"
#include "translators/pipeline/unicase.h"

static bool change_case(struct sc_run *r, const struct sc_node *call,
                        gw_str (*how)(struct gw_arena *, gw_str))
{
    gw_str s;
    if (sc_get_text(r, call->kid[0], &s))
        sc_point_set(r->point, call->kid[0]->key, sc_str(how(r->arena, s)));
    return true;
}

bool fn_lowercase(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    (void)out;
    return change_case(r, call, sc_lower);
}

bool fn_uppercase(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    (void)out;
    return change_case(r, call, sc_upper);
}

bool check_trim(struct sc_check *c, struct sc_node *call)
{
    return sc_first_key(c, call) && (call->n == 1 || sc_want_text(c, call->kid[1]));
}

bool fn_trim(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    gw_str s;
    (void)out;
    if (!sc_get_text(r, call->kid[0], &s))
        return true;
    gw_str set = call->n == 2 ? call->kid[1]->text : GW_NOSTR;
    sc_point_set(r->point, call->kid[0]->key, sc_str(set.len ? gw_trim_set(s, set) : gw_trim_space(s)));
    return true;
}

static bool number_literal(const struct sc_node *x)
{
    return x->kind == SN_INT || x->kind == SN_FLOAT;
}

bool check_cover(struct sc_check *c, struct sc_node *call)
{
    const struct sc_node *range = call->kid[1];
    if (!sc_first_key(c, call))
        return false;
    return (range->kind == SN_LIST && range->n == 2 && number_literal(range->kid[0]) &&
            number_literal(range->kid[1])) ||
           sc_check_fail(c, range->pos, "a range is a list of two numbers");
}

static int64_t literal_int(const struct sc_node *x)
{
    return x->kind == SN_INT ? x->i : sc_trunc(x->f);
}

bool fn_cover(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v;
    (void)out;
    if (!sc_get(r, call->kid[0], &v) || v.type != SC_STR)
        return true;
    int64_t count = (int64_t)gw_utf8_count(v.s), start = literal_int(call->kid[1]->kid[0]),
            end = literal_int(call->kid[1]->kid[1]);
    if (end > count)
        end = count;
    if (end < 0 && end >= -count - 1)
        end += count + 1;
    if (start <= 0 && start >= INT64_MIN + count)
        start += count + 1;
    if (start > end)
        return true;
    struct gw_text b = {.arena = r->arena};
    gw_str rest = v.s;
    for (int64_t i = 0; rest.len; i++) {
        uint32_t rune = gw_utf8_next(&rest);
        gw_text_put_rune(&b, i + 1 < start || i >= end ? rune : sc_is_han(rune) ? 0xFF0A : '*');
    }
    sc_point_set(r->point, call->kid[0]->key, sc_str(gw_text_result(&b)));
    return true;
}

bool check_identifier(struct sc_check *c, struct sc_node *call)
{
    return call->kid[0]->kind == SN_IDENT ||
           sc_check_fail(c, call->kid[0]->pos, "%s: expected an identifier", call->fn->name);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool fn_b64enc(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v;
    (void)out;
    if (!sc_get(r, call->kid[0], &v) || v.type != SC_STR)
        return true;
    struct gw_text b = {.arena = r->arena};
    for (size_t i = 0; i < v.s.len; i += 3) {
        size_t n = v.s.len - i < 3 ? v.s.len - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < n ? (unsigned char)v.s.ptr[i + k] : 0);
        char four[4] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63],
                        n > 1 ? alphabet[bits >> 6 & 63] : '=', n > 2 ? alphabet[bits & 63] : '='};
        gw_text_put(&b, four, 4);
    }
    sc_point_set(r->point, call->kid[0]->key, sc_str(gw_text_result(&b)));
    return true;
}

static int sextet(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

/* SIZE_MAX, or the place of a mistake. Line ends are skipped. */
static size_t b64_decode(gw_str s, struct gw_text *b)
{
    uint32_t bits = 0;
    unsigned n = 0, pads = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '\n' || c == '\r')
            continue;
        int six = sextet(c);
        if (pads ? c != '=' || n + pads >= 4 : six < 0 && (c != '=' || n < 2))
            return i;
        if (six < 0) {
            pads++;
            continue;
        }
        bits = bits << 6 | (uint32_t)six;
        if (++n == 4) {
            gw_text_put(b, (char[]){(char)(bits >> 16), (char)(bits >> 8), (char)bits}, 3);
            n = 0;
        }
    }
    if (pads ? n + pads != 4 : n != 0)
        return s.len;
    if (n == 2)
        gw_text_put_char(b, (char)(bits >> 4));
    else if (n == 3)
        gw_text_put(b, (char[]){(char)(bits >> 10), (char)(bits >> 2)}, 2);
    return SIZE_MAX;
}

bool fn_b64dec(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v;
    struct gw_text b = {.arena = r->arena};
    (void)out;
    if (!sc_get(r, call->kid[0], &v) || v.type != SC_STR)
        return true;
    size_t bad = b64_decode(v.s, &b);
    if (bad != SIZE_MAX)
        return sc_run_fail(r, call->pos, "illegal base64 data at input byte %zu", bad);
    sc_point_set(r->point, call->kid[0]->key, sc_str(gw_text_result(&b)));
    return true;
}

bool check_decode(struct sc_check *c, struct sc_node *call)
{
    return sc_first_key(c, call) && sc_want_key(c, call->kid[1]);
}

struct encoding {
    gw_str name;
    const char *iconv;
    enum { UTF_8, UTF_16LE, UTF_16BE, GBK, GB18030 } kind;
};

static const struct encoding *encoding_of(gw_str name)
{
    static const struct encoding rows[] = {{GW_LIT("utf-16le"), "UTF-16LE", UTF_16LE},
                                           {GW_LIT("utf-16be"), "UTF-16BE", UTF_16BE},
                                           {GW_LIT("gbk"), "GBK", GBK},
                                           {GW_LIT("gb18030"), "GB18030", GB18030},
                                           {GW_LIT("'utf-8'"), "UTF-8", UTF_8}}; /* only in quotes, as ever */
    gw_str bare = name;
    if (name.len > 2 && *name.ptr == '\'' && name.ptr[name.len - 1] == '\'')
        bare = gw_str_n(name.ptr + 1, name.len - 2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (gw_str_eq(rows[i].kind == UTF_8 ? name : bare, rows[i].name))
            return &rows[i];
    return NULL;
}

/* Converts one character of `n` bytes; one without a Unicode equivalent, or with `no_private` one for private
 * use, becomes U+FFFD. */
static void put_unit(iconv_t how, const char *from, size_t n, bool no_private, struct gw_text *b)
{
    char piece[16], *in = (char *)from, *to = piece;
    size_t left = n, room = sizeof piece;
    iconv(how, NULL, NULL, NULL, NULL);
    size_t rc = iconv(how, &in, &left, &to, &room);
    gw_str rest = gw_str_n(piece, sizeof piece - room);
    uint32_t rune = rc == (size_t)-1 || left || !rest.len ? 0xFFFD : gw_utf8_next(&rest);
    gw_text_put_rune(b, no_private && rune >= 0xE000 && rune <= 0xF8FF ? 0xFFFD : rune);
}

/* How many bytes the next character has: in UTF-16 2 or 4, in GBK 1 or 2, in GB18030 also 4. */
static size_t unit_of(const struct encoding *e, gw_str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    if (s.len < 2)
        return 1;
    if (e->kind == UTF_16LE || e->kind == UTF_16BE) {
        size_t high = e->kind == UTF_16LE;
        return s.len >= 4 && (p[high] & 0xFC) == 0xD8 && (p[2 + high] & 0xFC) == 0xDC ? 4 : 2;
    }
    if (p[0] <= 0x80 || p[0] == 0xFF)
        return 1;
    if (p[1] >= '0' && p[1] <= '9' && e->kind == GB18030)
        return s.len < 4 ? 1 : 4;
    return p[1] >= 0x40 && p[1] != 0x7F && p[1] != 0xFF ? 2 : 1;
}

/* To UTF-8. */
static void convert(iconv_t how, const struct encoding *e, gw_str s, struct gw_text *b)
{
    bool chinese = e->kind == GBK || e->kind == GB18030;
    while (s.len && e->kind == UTF_8) /* only ill-formed bytes are changed */
        gw_text_put_rune(b, gw_utf8_next(&s));
    while (s.len && !b->arena->spent) {
        size_t n = unit_of(e, s);
        if (n == 1 && chinese && (unsigned char)*s.ptr == 0x80)
            gw_text_put_rune(b, 0x20AC); /* the euro of Windows */
        else
            put_unit(how, s.ptr, n, chinese, b);
        s = gw_str_n(s.ptr + n, s.len - n);
    }
}

bool fn_decode(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    gw_str s, name = call->kid[1]->text;
    (void)out;
    if (!sc_get_text(r, call->kid[0], &s) ||
        (call->kid[1]->kind != SN_STR && !sc_get_text(r, call->kid[1], &name)))
        return true;
    const struct encoding *encoding = encoding_of(name);
    iconv_t how = encoding ? iconv_open("UTF-8", encoding->iconv) : (iconv_t)-1;
    if (how == (iconv_t)-1)
        return true;
    struct gw_text b = {.arena = r->arena};
    convert(how, encoding, s, &b);
    iconv_close(how);
    sc_point_set(r->point, call->kid[0]->key, sc_str(gw_text_result(&b)));
    return true;
}

bool fn_conv_traceid(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v;
    uint64_t low;
    (void)out;
    if (!sc_get(r, call->kid[0], &v) || v.type != SC_STR || (v.s.len != 32 && v.s.len != 16) ||
        !gw_str_hex64(gw_str_from(v.s, v.s.len - 16), &low))
        return true;
    sc_point_set(r->point, call->kid[0]->key,
                 sc_str(gw_arena_printf(r->arena, "%llu", (unsigned long long)low)));
    return true;
}
