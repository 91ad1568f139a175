/* Reads the rare forms of msgpack; the usual ones are inline in dd_msgpack.h. Input is hostile: a length or
 * count is checked against the remaining bytes before it is used.
 *
 * The state is the caller's cursor, struct dd_msgpack. Called by the decoders of msgpack formats, dd_learn.c
 * and dd_struct.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_msgpack.h"

/* What the first byte of a value tells: `head` bytes come before the contents; `n` is the length (text, ext)
 * or count (containers). */
struct head {
    enum dd_kind kind;
    uint32_t head;
    uint64_t n;
};

void dd_msgpack_init(struct dd_msgpack *in, gw_str bytes, uint32_t max_elements)
{
    static const uint8_t none;
    const uint8_t *begin = bytes.len ? (const uint8_t *)bytes.ptr : &none;
    *in = (struct dd_msgpack){
        .at = begin, .end = begin + bytes.len, .begin = begin, .max_elements = max_elements};
}

/* Records the first byte that cannot be read. Returns DD_ILL_FORMED. `why` is static text. */
static enum dd_got dd_msgpack_bad(struct dd_msgpack *in, const uint8_t *where, const char *why,
                                  uint64_t claimed)
{
    in->bad = where;
    in->why = why;
    in->claimed = claimed;
    return DD_ILL_FORMED;
}

enum gw_code dd_msgpack_fail(const struct dd_msgpack *in, struct gw_err *err)
{
    size_t pos = (size_t)(in->bad - in->begin), left = (size_t)(in->end - in->bad);
    if (in->claimed)
        return gw_fail(err, GW_BAD_MSGPACK, pos, "%s: %llu, and %zu bytes are left", in->why,
                       (unsigned long long)in->claimed, left);
    return gw_fail(err, GW_BAD_MSGPACK, pos, "%s", in->why);
}

enum dd_kind dd_msgpack_kind(const struct dd_msgpack *in)
{
    static const uint8_t kinds[0x20] = {
        DD_NIL,     DD_NEVER,   DD_BOOL,    DD_BOOL,    DD_BIN,     DD_BIN,     DD_BIN,     DD_EXT, /* c0 */
        DD_EXT,     DD_EXT,     DD_FLOAT,   DD_FLOAT,   DD_INTEGER, DD_INTEGER, DD_INTEGER, DD_INTEGER,
        DD_INTEGER, DD_INTEGER, DD_INTEGER, DD_INTEGER, DD_EXT,     DD_EXT,     DD_EXT,     DD_EXT, /* d0 */
        DD_EXT,     DD_STR,     DD_STR,     DD_STR,     DD_ARRAY,   DD_ARRAY,   DD_MAP,     DD_MAP,
    };
    if (in->at == in->end)
        return DD_END;
    uint8_t b = *in->at;
    if (b < 0x80 || b >= 0xe0)
        return DD_INTEGER;
    if (b < 0xc0)
        return b < 0x90 ? DD_MAP : b < 0xa0 ? DD_ARRAY : DD_STR;
    return (enum dd_kind)kinds[b - 0xc0];
}

const char *dd_kind_name(enum dd_kind kind)
{
    static const char *const names[] = {"nothing",    "an unused byte", "nil",         "a bool",
                                        "an integer", "a float",        "text",        "bytes",
                                        "an array",   "a map",          "an extension"};
    return names[kind];
}

static uint64_t big_endian(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

/* By first byte, 0xc0 to 0xdf: how many bytes follow it in fixed-size scalars, or in the length or count of
 * the other types. */
static const uint8_t argument[0x20] = {
    0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8, /* c0 */
    1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4, /* d0 */
};

/* Reads the head of the next value and checks that its contents fit into the remaining bytes. */
static enum dd_got read_head(struct dd_msgpack *in, struct head *h)
{
    size_t left = (size_t)(in->end - in->at), need;
    uint8_t b = left ? *in->at : 0;
    *h = (struct head){.kind = dd_msgpack_kind(in), .head = 1};
    if (h->kind <= DD_NEVER)
        return dd_msgpack_bad(
            in, in->at, h->kind == DD_END ? "the body ends where a value should begin" : "0xc1 is no msgpack",
            0);
    if (b < 0x80 || b >= 0xe0)
        return DD_TAKEN;
    if (b < 0xc0) {
        h->n = h->kind == DD_STR ? b & 31 : b & 15;
    } else {
        unsigned arg = argument[b - 0xc0];
        if (left <= arg)
            return dd_msgpack_bad(in, in->at, "the body ends inside a value", 0);
        h->head += arg;
        if (h->kind >= DD_STR)
            h->n = b >= 0xd4 && b <= 0xd8 ? 1u << (b - 0xd4) : big_endian(in->at + 1, arg);
        if (h->kind == DD_EXT && left <= h->head++) /* the extension's type */
            return dd_msgpack_bad(in, in->at, "the body ends inside an extension", 0);
    }
    need = h->kind == DD_MAP ? (size_t)h->n * 2 : (size_t)h->n;
    if (need > left - h->head)
        return dd_msgpack_bad(in, in->at,
                              h->kind == DD_MAP || h->kind == DD_ARRAY
                                  ? "claims more elements than can follow"
                                  : "claims more bytes than follow",
                              h->n);
    if ((h->kind == DD_MAP || h->kind == DD_ARRAY) && h->n > in->max_elements)
        return dd_msgpack_bad(in, in->at, "has more elements than allowed", h->n);
    return DD_TAKEN;
}

enum dd_got dd_msgpack_container_any(struct dd_msgpack *in, enum dd_kind kind, uint32_t *n)
{
    struct head h;
    if (read_head(in, &h))
        return DD_ILL_FORMED;
    if (h.kind != kind && h.kind != DD_NIL)
        return DD_OTHER_TYPE;
    in->at += h.head;
    *n = (uint32_t)h.n;
    return DD_TAKEN;
}

enum dd_got dd_msgpack_text_any(struct dd_msgpack *in, gw_str *out)
{
    struct head h;
    size_t left = (size_t)(in->end - in->at);
    /* str32, the only form that dd-trace-js writes */
    if (left >= 5 && *in->at == 0xdb && dd_msgpack_be32(in->at + 1) <= left - 5) {
        *out = gw_str_n((const char *)in->at + 5, dd_msgpack_be32(in->at + 1));
        in->at += 5 + out->len;
        return DD_TAKEN;
    }
    if (read_head(in, &h))
        return DD_ILL_FORMED;
    if (h.kind != DD_STR && h.kind != DD_BIN && h.kind != DD_NIL)
        return DD_OTHER_TYPE;
    *out = gw_str_n((const char *)in->at + h.head, (size_t)h.n);
    in->at += h.head + h.n;
    return DD_TAKEN;
}

static double float_of(const uint8_t *p)
{
    union {
        uint64_t u;
        double d;
    } f64 = {0};
    union {
        uint32_t u;
        float f;
    } f32;
    if (*p == 0xcb) {
        f64.u = dd_msgpack_be64(p + 1);
        return f64.d;
    }
    f32.u = (uint32_t)big_endian(p + 1, 4);
    return f32.f;
}

/* p is the first byte of an integer whose bytes are all present. */
static enum dd_number_kind integer_of(const uint8_t *p, union dd_number_value *v)
{
    switch (*p) {
    case 0xcc:
        v->i = p[1];
        break;
    case 0xcd:
        v->i = (int64_t)big_endian(p + 1, 2);
        break;
    case 0xce:
        v->i = (int64_t)big_endian(p + 1, 4);
        break;
    case 0xcf:
        v->u = dd_msgpack_be64(p + 1);
        return v->i < 0 ? DD_UINT : DD_INT;
    case 0xd0:
        v->i = (int8_t)p[1];
        break;
    case 0xd1:
        v->i = (int16_t)big_endian(p + 1, 2);
        break;
    case 0xd2:
        v->i = (int32_t)big_endian(p + 1, 4);
        break;
    case 0xd3:
        v->u = dd_msgpack_be64(p + 1);
        break;
    default: /* fixint */
        v->i = (int8_t)*p;
    }
    return DD_INT;
}

enum dd_got dd_msgpack_number_any(struct dd_msgpack *in, enum dd_number_kind *kind, union dd_number_value *v)
{
    struct head h;
    if (read_head(in, &h))
        return DD_ILL_FORMED;
    if (h.kind == DD_FLOAT) {
        *kind = DD_DOUBLE;
        v->d = float_of(in->at);
    } else if (h.kind == DD_INTEGER) {
        *kind = integer_of(in->at, v);
    } else if (h.kind == DD_NIL) {
        *kind = DD_INT;
        v->i = 0;
    } else {
        return DD_OTHER_TYPE;
    }
    in->at += h.head;
    return DD_TAKEN;
}

static bool is_whole(double d)
{
    return d >= -0x1p63 && d < 0x1p64 && d == __builtin_trunc(d);
}

bool dd_number_u64(enum dd_number_kind kind, union dd_number_value v, uint64_t *out)
{
    if (kind != DD_DOUBLE)
        *out = v.u;
    else if (is_whole(v.d))
        *out = v.d < 0 ? (uint64_t)(int64_t)v.d : (uint64_t)v.d;
    else
        return false;
    return true;
}

bool dd_number_i64(enum dd_number_kind kind, union dd_number_value v, int64_t *out)
{
    if (kind == DD_DOUBLE && !is_whole(v.d))
        return false;
    if (kind == DD_INT)
        *out = v.i;
    else
        *out = kind == DD_DOUBLE && v.d < 0x1p63 ? (int64_t)v.d : INT64_MAX;
    return true;
}

double dd_number_double(enum dd_number_kind kind, union dd_number_value v)
{
    return kind == DD_DOUBLE ? v.d : kind == DD_UINT ? (double)v.u : (double)v.i;
}

enum dd_got dd_msgpack_u64_any(struct dd_msgpack *in, uint64_t *out)
{
    const uint8_t *start = in->at;
    enum dd_number_kind kind;
    union dd_number_value v;
    enum dd_got got = dd_msgpack_number(in, &kind, &v);
    if (got || dd_number_u64(kind, v, out))
        return got;
    in->at = start;
    return DD_OTHER_TYPE;
}

enum dd_got dd_msgpack_i64_any(struct dd_msgpack *in, int64_t *out)
{
    const uint8_t *start = in->at;
    enum dd_number_kind kind;
    union dd_number_value v;
    enum dd_got got = dd_msgpack_number(in, &kind, &v);
    if (got || dd_number_i64(kind, v, out))
        return got;
    in->at = start;
    return DD_OTHER_TYPE;
}

enum dd_got dd_msgpack_double(struct dd_msgpack *in, double *out)
{
    enum dd_number_kind kind;
    union dd_number_value v;
    enum dd_got got = dd_msgpack_number(in, &kind, &v);
    if (!got)
        *out = dd_number_double(kind, v);
    return got;
}

enum dd_got dd_msgpack_bool(struct dd_msgpack *in, bool *out)
{
    struct head h;
    if (read_head(in, &h))
        return DD_ILL_FORMED;
    if (h.kind != DD_BOOL && h.kind != DD_NIL)
        return DD_OTHER_TYPE;
    *out = *in->at == 0xc3;
    in->at++;
    return DD_TAKEN;
}

enum dd_got dd_msgpack_skip(struct dd_msgpack *in)
{
    const uint8_t *start = in->at;
    struct head h;
    /* `pending` values are still to be skipped. Each takes at least one byte, so there cannot be more of them
     * than bytes. */
    for (uint64_t pending = 1; pending; pending--) {
        if (read_head(in, &h))
            goto bad;
        const uint8_t *value = in->at;
        in->at += h.head;
        if (h.kind == DD_ARRAY || h.kind == DD_MAP)
            pending += h.kind == DD_MAP ? h.n * 2 : h.n;
        else
            in->at += h.n;
        if (pending - 1 > (uint64_t)(in->end - in->at)) {
            dd_msgpack_bad(in, value, "the containers that are open claim more elements than can follow",
                           pending - 1);
            goto bad;
        }
    }
    return DD_TAKEN;
bad:
    in->at = start;
    return DD_ILL_FORMED;
}

enum dd_got dd_msgpack_raw(struct dd_msgpack *in, gw_str *out)
{
    const uint8_t *start = in->at;
    enum dd_got got = dd_msgpack_skip(in);
    *out = gw_str_n((const char *)start, (size_t)(in->at - start));
    return got;
}
