/* otlp_json_in.c: reads JSON by the rows of otlp_json_fields.def and writes each field as it is read. Each
 * nested message uses a stack frame; the JSON reader limits the nesting to a few hundred levels. Owns
 * nothing. Called by the OTLP receiver, on any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/otlp/otlp_json_in.h"

#include <endian.h>
#include <math.h>

#include "core/base/json.h"

/* --- the rows --- */

enum json_type {
    JSON_TEXT,
    JSON_HEX,
    JSON_BASE64,
    JSON_BOOL,
    JSON_ENUM,
    JSON_INT32,
    JSON_UINT32,
    JSON_SINT32,
    JSON_INT64,
    JSON_UINT64,
    JSON_FIXED32,
    JSON_FIXED64,
    JSON_SFIXED64,
    JSON_DOUBLE,
    JSON_MESSAGE
};

enum { OTLP_ENUM_SPAN_KIND, OTLP_ENUM_STATUS_CODE, OTLP_ENUM_SEVERITY, OTLP_ENUM_TEMPORALITY };

struct row {
    gw_str name; /* empty: end of the message's rows */
    uint8_t number, type, of;
    bool repeated;
};

static const struct row rows[] = {
#define JSON_MESSAGE(message) {.number = 0},
#define JSON_FIELD(message, number, name, type, of, repeated)                                                \
    {GW_LIT(name), number, JSON_##type, of, repeated},
#include "translators/otlp/otlp_json_fields.def"
#undef JSON_MESSAGE
#undef JSON_FIELD
    {.number = 0},
};

/* Index of the row before a message's first row. */
enum {
#define JSON_MESSAGE(message) AT_##message,
#define JSON_FIELD(message, number, name, type, of, repeated) AT_##message##_##number,
#include "translators/otlp/otlp_json_fields.def"
#undef JSON_MESSAGE
#undef JSON_FIELD
};

static const uint8_t at[OTLP_MESSAGES] = {
#define JSON_MESSAGE(message) [OTLP_##message] = AT_##message,
#define JSON_FIELD(message, number, name, type, of, repeated)
#include "translators/otlp/otlp_json_fields.def"
#undef JSON_MESSAGE
#undef JSON_FIELD
};

static const struct row *find(enum otlp_message m, gw_str name)
{
    for (const struct row *r = &rows[at[m] + 1]; r->name.len; r++)
        if (gw_str_eq(name, r->name))
            return r;
    return NULL;
}

/* --- enums by name --- */

static const struct {
    uint8_t of, value;
    gw_str name;
} enum_names[] = {
    {OTLP_ENUM_SPAN_KIND, 0, GW_LIT("SPAN_KIND_UNSPECIFIED")},
    {OTLP_ENUM_SPAN_KIND, 1, GW_LIT("SPAN_KIND_INTERNAL")},
    {OTLP_ENUM_SPAN_KIND, 2, GW_LIT("SPAN_KIND_SERVER")},
    {OTLP_ENUM_SPAN_KIND, 3, GW_LIT("SPAN_KIND_CLIENT")},
    {OTLP_ENUM_SPAN_KIND, 4, GW_LIT("SPAN_KIND_PRODUCER")},
    {OTLP_ENUM_SPAN_KIND, 5, GW_LIT("SPAN_KIND_CONSUMER")},
    {OTLP_ENUM_STATUS_CODE, 0, GW_LIT("STATUS_CODE_UNSET")},
    {OTLP_ENUM_STATUS_CODE, 1, GW_LIT("STATUS_CODE_OK")},
    {OTLP_ENUM_STATUS_CODE, 2, GW_LIT("STATUS_CODE_ERROR")},
    {OTLP_ENUM_TEMPORALITY, 0, GW_LIT("AGGREGATION_TEMPORALITY_UNSPECIFIED")},
    {OTLP_ENUM_TEMPORALITY, 1, GW_LIT("AGGREGATION_TEMPORALITY_DELTA")},
    {OTLP_ENUM_TEMPORALITY, 2, GW_LIT("AGGREGATION_TEMPORALITY_CUMULATIVE")},
};

/* SEVERITY_NUMBER_WARN, _WARN2, _WARN3, _WARN4: four values for each level. */
static bool severity(gw_str name, int64_t *out)
{
    static const gw_str prefix = GW_LIT("SEVERITY_NUMBER_"),
                        groups[] = {GW_LIT("TRACE"), GW_LIT("DEBUG"), GW_LIT("INFO"),
                                    GW_LIT("WARN"),  GW_LIT("ERROR"), GW_LIT("FATAL")};
    if (!gw_str_starts(name, prefix))
        return false;
    name = gw_str_from(name, prefix.len);
    *out = 0;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        gw_str more = gw_str_starts(name, groups[i]) ? gw_str_from(name, groups[i].len) : GW_STR("?");
        if (!more.len)
            *out = (int64_t)(4 * i + 1);
        else if (more.len == 1 && more.ptr[0] >= '2' && more.ptr[0] <= '4')
            *out = (int64_t)(4 * i) + more.ptr[0] - '0';
    }
    return *out || gw_str_eq(name, GW_STR("UNSPECIFIED"));
}

static bool enum_value(unsigned of, gw_str name, int64_t *out)
{
    if (of == OTLP_ENUM_SEVERITY)
        return severity(name, out);
    for (size_t i = 0; i < sizeof enum_names / sizeof *enum_names; i++)
        if (enum_names[i].of == of && gw_str_eq(enum_names[i].name, name)) {
            *out = enum_names[i].value;
            return true;
        }
    return false;
}

/* --- reading values --- */

struct reader {
    struct gw_json j;
    struct otlp_buf *w;
};

/* Accepts a whole number that is written with a fraction or an exponent. Doubles of 2^63 (unsigned: 2^64) or
 * more do not fit. */
static bool whole(double d, bool is_signed, uint64_t *out)
{
    if (!(d == floor(d)))
        return false;
    if (is_signed ? d < -0x1p63 || d >= 0x1p63 : d < 0 || d >= 0x1p64)
        return false;
    *out = d < 0 ? (uint64_t)(int64_t)d : (uint64_t)d;
    return true;
}

static bool text_integer(gw_str s, bool is_signed, uint64_t *out)
{
    int64_t i;
    double d;
    if (is_signed && gw_str_i64(s, &i)) {
        *out = (uint64_t)i;
        return true;
    }
    return (!is_signed && gw_str_u64(s, out)) || (gw_str_double(s, &d) && whole(d, is_signed, out));
}

static bool number_integer(const struct gw_json_number *n, bool is_signed, uint64_t *out)
{
    if (n->type == GW_JSON_DOUBLE)
        return whole(n->d, is_signed, out);
    *out = n->u;
    return n->type == GW_JSON_UINT ? !is_signed : is_signed || n->i >= 0;
}

/* Reads a 64-bit integer, written as text or as a number. */
static bool integer(struct reader *r, bool is_signed, uint64_t *out)
{
    struct gw_json_number n;
    gw_str s;
    bool fits;
    if (gw_json_kind(&r->j) == GW_JSON_STRING)
        fits = gw_json_text(&r->j, &s) && text_integer(s, is_signed, out);
    else
        fits = gw_json_number(&r->j, &n) && number_integer(&n, is_signed, out);
    return fits || gw_json_bad(&r->j, "is no integer that its field holds");
}

static bool small_integer(struct reader *r, bool is_signed, uint64_t *out)
{
    if (!integer(r, is_signed, out))
        return false;
    bool fits = is_signed ? (int64_t)*out == (int32_t)*out : *out <= UINT32_MAX;
    return fits || gw_json_bad(&r->j, "is no integer that its field holds");
}

static bool enumerator(struct reader *r, unsigned of, uint64_t *out)
{
    gw_str s;
    int64_t v;
    if (gw_json_kind(&r->j) != GW_JSON_STRING)
        return small_integer(r, true, out);
    if (!gw_json_text(&r->j, &s))
        return false;
    if (!enum_value(of, s, &v))
        return text_integer(s, true, out) || gw_json_bad(&r->j, "is no name of the enum");
    *out = (uint64_t)v;
    return true;
}

static bool real(struct reader *r, uint64_t *bits)
{
    struct gw_json_number n = {0};
    double d = 0;
    gw_str s;
    bool good;
    if (gw_json_kind(&r->j) != GW_JSON_STRING) {
        good = gw_json_number(&r->j, &n);
        d = n.type == GW_JSON_DOUBLE ? n.d : n.type == GW_JSON_UINT ? (double)n.u : (double)n.i;
    } else {
        good = gw_json_text(&r->j, &s);
        if (good && gw_str_eq(s, GW_STR("NaN")))
            d = NAN;
        else if (good && gw_str_eq(s, GW_STR("Infinity")))
            d = INFINITY;
        else if (good && gw_str_eq(s, GW_STR("-Infinity")))
            d = -INFINITY;
        else
            good = good && gw_str_double(s, &d);
    }
    memcpy(bits, &d, sizeof d);
    return good || gw_json_bad(&r->j, "is no number");
}

/* --- writing them --- */

enum { HEAD = 24 }; /* room for a tag and a number */

static void put_varint(struct reader *r, unsigned field, uint64_t v)
{
    if (!otlp_room(r->w, HEAD))
        return;
    uint8_t *p = r->w->data + r->w->len;
    if (field) /* field 0: a value in a packed field has no tag */
        p = wire_put_tag(p, field, WIRE_VARINT);
    otlp_end(r->w, wire_put_varint(p, v));
}

static void put_fixed(struct reader *r, unsigned field, unsigned type, uint64_t v)
{
    size_t size = type == WIRE_FIXED64 ? 8 : 4;
    if (!otlp_room(r->w, HEAD))
        return;
    uint8_t *p = r->w->data + r->w->len;
    if (field)
        p = wire_put_tag(p, field, type);
    v = htole64(v);
    memcpy(p, &v, size);
    otlp_end(r->w, p + size);
}

/* Makes room for a field with n bytes and writes its tag. Empty values are written too, because an empty text
 * is a value. Returns NULL if there is no memory. */
static uint8_t *put_head(struct reader *r, unsigned field, size_t n)
{
    if (!otlp_room(r->w, n + HEAD))
        return NULL;
    uint8_t *p = wire_put_len_head(r->w->data + r->w->len, field, n);
    otlp_end(r->w, p + n);
    return p;
}

static bool put_text(struct reader *r, unsigned field)
{
    gw_str s;
    if (!gw_json_text(&r->j, &s))
        return false;
    uint8_t *p = put_head(r, field, s.len);
    if (p)
        otlp_put_bytes(p, s);
    return true;
}

static bool put_hex(struct reader *r, unsigned field)
{
    gw_str s;
    int bad = 0;
    if (!gw_json_text(&r->j, &s))
        return false;
    if (s.len % 2)
        return gw_json_bad(&r->j, "is no id in hexadecimal");
    uint8_t *p = put_head(r, field, s.len / 2);
    for (size_t i = 0; p && i < s.len; i += 2) {
        int high = gw_hex_digit(s.ptr[i]), low = gw_hex_digit(s.ptr[i + 1]);
        bad |= high | low;
        p[i / 2] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
    }
    return bad >= 0 || gw_json_bad(&r->j, "is no id in hexadecimal");
}

/* Accepts both base64 alphabets; -1: not a digit. */
static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (gw_is_digit(c))
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static bool put_base64(struct reader *r, unsigned field)
{
    gw_str s;
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;
    int bad = 0;
    if (!gw_json_text(&r->j, &s))
        return false;
    for (int i = 0; i < 2 && s.len && s.ptr[s.len - 1] == '='; i++)
        s.len--;
    if (s.len % 4 == 1)
        return gw_json_bad(&r->j, "is no base64");
    uint8_t *p = put_head(r, field, s.len * 6 / 8);
    for (size_t i = 0; p && i < s.len; i++) {
        int digit = base64_digit(s.ptr[i]);
        bad |= digit;
        bits = bits << 6 | (uint32_t)(digit & 63);
        have += 6;
        if (have >= 8) {
            have -= 8;
            p[n++] = (uint8_t)(bits >> have);
        }
    }
    return bad >= 0 || gw_json_bad(&r->j, "is no base64");
}

/* --- fields --- */

static bool put_message(struct reader *, enum otlp_message);

static bool put_nested(struct reader *r, unsigned field, enum otlp_message m)
{
    enum { LENGTH_BYTES = 2 };
    size_t mark = otlp_open(r->w, field, LENGTH_BYTES);
    bool ok = put_message(r, m);
    otlp_close(r->w, mark, LENGTH_BYTES);
    return ok;
}

/* Before: the next value is not null. field 0: the value is in a packed field. */
static bool put_value(struct reader *r, const struct row *row, unsigned field)
{
    uint64_t v = 0;
    bool truth = false, ok = false;
    switch ((enum json_type)row->type) {
    case JSON_TEXT:
        return put_text(r, field);
    case JSON_HEX:
        return put_hex(r, field);
    case JSON_BASE64:
        return put_base64(r, field);
    case JSON_MESSAGE:
        return put_nested(r, field, (enum otlp_message)row->of);
    case JSON_BOOL:
        ok = gw_json_bool(&r->j, &truth);
        v = truth;
        break;
    case JSON_ENUM:
        ok = enumerator(r, row->of, &v);
        break;
    case JSON_INT32:
    case JSON_SINT32:
        ok = small_integer(r, true, &v);
        break;
    case JSON_UINT32:
    case JSON_FIXED32:
        ok = small_integer(r, false, &v);
        break;
    case JSON_INT64:
    case JSON_SFIXED64:
        ok = integer(r, true, &v);
        break;
    case JSON_UINT64:
    case JSON_FIXED64:
        ok = integer(r, false, &v);
        break;
    case JSON_DOUBLE:
        ok = real(r, &v);
        break;
    }
    if (!ok)
        return false;
    if (row->type == JSON_SINT32)
        v = (uint32_t)((uint32_t)v << 1 ^ (uint32_t)((int32_t)v >> 31)); /* zigzag */
    if (row->type == JSON_FIXED32)
        put_fixed(r, field, WIRE_FIXED32, v);
    else if (row->type == JSON_FIXED64 || row->type == JSON_SFIXED64 || row->type == JSON_DOUBLE)
        put_fixed(r, field, WIRE_FIXED64, v);
    else
        put_varint(r, field, v);
    return true;
}

static bool is_packed(const struct row *row)
{
    return row->type != JSON_MESSAGE && row->type != JSON_TEXT;
}

/* In an array of values, null is a value without a type; elsewhere it is ignored. */
static bool put_item(struct reader *r, const struct row *row, unsigned field)
{
    if (gw_json_kind(&r->j) != GW_JSON_NULL)
        return put_value(r, row, field);
    if (row->type == JSON_MESSAGE && row->of == OTLP_ANY_VALUE)
        put_head(r, field, 0);
    return gw_json_null(&r->j);
}

static bool put_items(struct reader *r, const struct row *row)
{
    enum { LENGTH_BYTES = 1 };
    bool packed = is_packed(row);
    size_t mark = packed ? otlp_open(r->w, row->number, LENGTH_BYTES) : 0;
    if (gw_json_array(&r->j))
        while (gw_json_item(&r->j))
            if (!put_item(r, row, packed ? 0 : row->number))
                break;
    if (packed)
        otlp_close(r->w, mark, LENGTH_BYTES);
    return !r->j.why;
}

static bool put_field(struct reader *r, const struct row *row)
{
    if (gw_json_kind(&r->j) == GW_JSON_NULL)
        return gw_json_null(&r->j);
    return row->repeated ? put_items(r, row) : put_value(r, row, row->number);
}

static bool put_message(struct reader *r, enum otlp_message m)
{
    gw_str key;
    if (!gw_json_object(&r->j))
        return false;
    while (gw_json_member(&r->j, &key)) {
        const struct row *row = find(m, key);
        if (r->w->failed || !(row ? put_field(r, row) : gw_json_skip(&r->j)))
            return false;
    }
    return !r->j.why;
}

enum gw_code otlp_json_read(enum otlp_message request, gw_str text, struct gw_arena *arena,
                            struct otlp_buf *out, struct gw_err *err)
{
    struct reader r = {.w = out};
    gw_json_init(&r.j, text, arena);
    r.j.dialect = GW_JSON_STRICT;
    bool ok = put_message(&r, request) && gw_json_end(&r.j);
    if (out->failed)
        return gw_fail(err, GW_BUDGET, 0, "no memory for the request");
    return ok ? GW_OK : gw_json_fail(&r.j, err);
}
