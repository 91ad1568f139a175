/* otlp_json.c: writes any message of proto/ as OTLP/JSON, by walking its protobuf-c descriptor. Owns nothing:
 * it appends to the caller's buffer. Called by otlp_json_request.c, stdout.c and dead_letter.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/encoding/otlp_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/hex.h"

/* The value of a field: protobuf-c's descriptor has its offset in the struct. */
#define AT(T, p) (*(const T *)(p))

static bool is_plain(unsigned char c)
{
    return c >= ' ' && c < 0x7F && c != '"' && c != '\\';
}

static void text(struct out *o, gw_str s)
{
    static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    out_char(o, '"');
    while (s.len) {
        size_t plain = 0;
        while (plain < s.len && is_plain((unsigned char)s.ptr[plain]))
            plain++;
        if (plain) {
            out_bytes(o, gw_str_n(s.ptr, plain));
            s = gw_str_from(s, plain);
            continue;
        }
        uint32_t r = out_next_rune(&s);
        const char *letter = letters;
        while (*letter && r != (unsigned char)*letter)
            letter += 2;
        if (*letter)
            out_bytes(o, gw_str_n((char[]){'\\', letter[1]}, 2));
        else if (out_rune_hidden(r))
            out_printf(o, "\\u%04x", (unsigned)r);
        else
            out_rune(o, r);
    }
    out_char(o, '"');
}

static void hex(struct out *o, ProtobufCBinaryData b)
{
    char digits[2];
    out_char(o, '"');
    for (size_t i = 0; i < b.len; i++)
        out_bytes(o, gw_str_n(digits, (size_t)(gw_hex_put(digits, &b.data[i], 1) - digits)));
    out_char(o, '"');
}

static void base64(struct out *o, ProtobufCBinaryData b)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out_char(o, '"');
    for (size_t i = 0; i < b.len; i += 3) {
        size_t left = b.len - i;
        uint32_t v = (uint32_t)b.data[i] << 16 | (left > 1 ? (uint32_t)b.data[i + 1] << 8 : 0) |
                     (left > 2 ? b.data[i + 2] : 0);
        out_char(o, digits[v >> 18]);
        out_char(o, digits[v >> 12 & 63]);
        out_char(o, left > 1 ? digits[v >> 6 & 63] : '=');
        out_char(o, left > 2 ? digits[v & 63] : '=');
    }
    out_char(o, '"');
}

/* The shortest of three precisions that reads back as the same number. */
static void number(struct out *o, double d)
{
    char digits[32];
    if (!isfinite(d)) {
        out_word(o, isnan(d) ? "\"NaN\"" : d > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    if (d == 0) { /* readers that take "-0" for an integer lose its sign */
        out_word(o, signbit(d) ? "-0.0" : "0");
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, d);
        if (strtod(digits, NULL) == d)
            break;
    }
    out_word(o, digits);
}

/* protobuf-c has text only as bytes (proto/common.proto); the name decides which bytes are not text. */
static void bytes(struct out *o, const char *name, ProtobufCBinaryData b)
{
    if (strcmp(name, "trace_id") == 0 || strcmp(name, "span_id") == 0 ||
        strcmp(name, "parent_span_id") == 0 || strcmp(name, "profile_id") == 0)
        hex(o, b);
    else if (strcmp(name, "bytes_value") == 0 || strcmp(name, "original_payload") == 0)
        base64(o, b);
    else
        text(o, gw_str_n((const char *)b.data, b.len));
}

static void value(struct out *o, const ProtobufCFieldDescriptor *f, const void *p)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_ENUM:
        out_printf(o, "%" PRId32, AT(int32_t, p));
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        out_printf(o, "%" PRIu32, AT(uint32_t, p));
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        out_printf(o, "\"%" PRId64 "\"", AT(int64_t, p));
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        out_printf(o, "\"%" PRIu64 "\"", AT(uint64_t, p));
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        number(o, (double)AT(float, p));
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        number(o, AT(double, p));
        break;
    case PROTOBUF_C_TYPE_BOOL:
        out_word(o, AT(protobuf_c_boolean, p) ? "true" : "false");
        break;
    case PROTOBUF_C_TYPE_STRING:
        text(o, gw_str_z(AT(char *, p)));
        break;
    case PROTOBUF_C_TYPE_BYTES:
        bytes(o, f->name, AT(ProtobufCBinaryData, p));
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        otlp_json(o, AT(ProtobufCMessage *, p));
        break;
    }
}

static size_t width(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

static void array(struct out *o, const ProtobufCFieldDescriptor *f, const char *items, size_t n)
{
    out_char(o, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            out_char(o, ',');
        value(o, f, items + i * width(f->type));
    }
    out_char(o, ']');
}

static bool present(const ProtobufCFieldDescriptor *f, const char *m)
{
    static const char zeroes[sizeof(ProtobufCBinaryData)];
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return AT(size_t, m + f->quantifier_offset) != 0;
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return AT(uint32_t, m + f->quantifier_offset) == f->id;
    if (f->type == PROTOBUF_C_TYPE_BYTES)
        return AT(ProtobufCBinaryData, m + f->offset).len != 0;
    return memcmp(m + f->offset, zeroes, width(f->type)) != 0;
}

/* lower_snake to lowerCamel. */
static void name(struct out *o, const char *z)
{
    out_char(o, '"');
    for (; *z; z++)
        out_char(o, *z == '_' && z[1] ? (char)(*++z - 'a' + 'A') : *z);
    out_word(o, "\":");
}

void otlp_json(struct out *o, const ProtobufCMessage *message)
{
    const char *m = (const char *)message;
    bool first = true;
    out_char(o, '{');
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &message->descriptor->fields[i];
        if (!present(f, m))
            continue;
        if (!first)
            out_char(o, ',');
        first = false;
        name(o, f->name);
        if (f->label == PROTOBUF_C_LABEL_REPEATED)
            array(o, f, AT(char *, m + f->offset), AT(size_t, m + f->quantifier_offset));
        else
            value(o, f, m + f->offset);
    }
    out_char(o, '}');
}
