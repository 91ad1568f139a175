/* otlp_write.c: writes protobuf fields into a growing buffer: nested messages with lengths that are filled in
 * later, attributes, and texts, in which invalid UTF-8 is repaired. After a failed allocation the buffer is
 * marked as failed and further writes do nothing. Called by all translators.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/otlp/otlp_write.h"

#include <endian.h>
#include <stdlib.h>

/* Field numbers of opentelemetry/proto/common/v1/common.proto. */
enum { KV_KEY = 1, KV_VALUE = 2 };
enum {
    ANY_STRING = 1,
    ANY_BOOL = 2,
    ANY_INT = 3,
    ANY_DOUBLE = 4,
    ANY_ARRAY = 5,
    ANY_KVLIST = 6,
    ANY_BYTES = 7
};
enum { ARRAY_VALUES = 1 };

enum { FIRST = 4096, HEAD = 24 /* room for the tags and lengths around a leaf */ };

void otlp_fini(struct otlp_buf *w)
{
    gw_budget_give(w->account, w->cap);
    free(w->data);
    *w = (struct otlp_buf){.account = w->account};
}

bool otlp_reserve(struct otlp_buf *w, size_t n)
{
    w->failed = true;
    if (!gw_budget_take(w->account, n))
        return false;
    w->data = malloc(n ? n : 1);
    if (!w->data) {
        gw_budget_give(w->account, n);
        gw_budget_no_memory(w->account);
        return false;
    }
    w->cap = n;
    w->failed = false;
    return true;
}

bool otlp_grow(struct otlp_buf *w, size_t n)
{
    size_t want, cap = w->cap < FIRST ? FIRST : w->cap;
    if (w->failed || __builtin_add_overflow(w->len, n, &want) || want > SIZE_MAX / 2) {
        w->failed = true;
        return false;
    }
    while (cap < want)
        cap += cap / 2;
    bool paid = gw_budget_take(w->account, cap - w->cap);
    uint8_t *data = paid ? realloc(w->data, cap) : NULL;
    if (!data) {
        gw_budget_give(w->account, paid ? cap - w->cap : 0);
        if (paid)
            gw_budget_no_memory(w->account);
        w->failed = true;
        return false;
    }
    w->data = data;
    w->cap = cap;
    return true;
}

void otlp_uint(struct otlp_buf *w, unsigned field, uint64_t v)
{
    if (v == 0 || !otlp_room(w, HEAD))
        return;
    uint8_t *p = wire_put_tag(w->data + w->len, field, WIRE_VARINT);
    otlp_end(w, wire_put_varint(p, v));
}

static inline uint8_t *put_le64(uint8_t *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, 8);
    return p + 8;
}

void otlp_fixed64(struct otlp_buf *w, unsigned field, uint64_t v)
{
    if (v == 0 || !otlp_room(w, HEAD))
        return;
    uint8_t *p = wire_put_tag(w->data + w->len, field, WIRE_FIXED64);
    otlp_end(w, put_le64(p, v));
}

void otlp_fixed32(struct otlp_buf *w, unsigned field, uint32_t v)
{
    if (v == 0 || !otlp_room(w, HEAD))
        return;
    uint8_t *p = wire_put_tag(w->data + w->len, field, WIRE_FIXED32);
    for (int i = 0; i < 4; i++)
        *p++ = (uint8_t)(v >> 8 * i);
    otlp_end(w, p);
}

void otlp_bytes(struct otlp_buf *w, unsigned field, gw_str s)
{
    if (s.len == 0 || !otlp_room(w, s.len + HEAD))
        return;
    uint8_t *p = wire_put_tag(w->data + w->len, field, WIRE_LEN);
    p = wire_put_varint(p, s.len);
    otlp_end(w, otlp_put_bytes(p, s));
}

size_t otlp_open(struct otlp_buf *w, unsigned field, unsigned guess)
{
    if (!otlp_room(w, HEAD))
        return w->len;
    otlp_end(w, wire_put_tag(w->data + w->len, field, WIRE_LEN) + guess);
    return w->len;
}

void otlp_close(struct otlp_buf *w, size_t mark, unsigned guess)
{
    if (w->failed)
        return;
    size_t len = w->len - mark, width = wire_varint_size(len);
    if (width != guess) {
        if (!otlp_room(w, HEAD))
            return;
        memmove(w->data + mark - guess + width, w->data + mark, len);
        w->len = w->len - guess + width;
    }
    wire_put_varint(w->data + mark - guess, len);
}

/* A text and the number of bytes that it takes on the wire. Invalid UTF-8 is repaired while it is written. */
struct text {
    gw_str s;
    size_t size;
    bool valid;
};

static inline struct text text(struct otlp_buf *w, gw_str s)
{
    bool valid = gw_utf8_valid(s);
    w->repaired += !valid;
    return (struct text){s, valid ? s.len : gw_utf8_repaired_size(s), valid};
}

static inline struct text trusted(gw_str s)
{
    return (struct text){s, s.len, true};
}

static inline uint8_t *put_text_field(uint8_t *p, unsigned field, struct text t)
{
    p = wire_put_tag(p, field, WIRE_LEN);
    p = wire_put_varint(p, t.size);
    return __builtin_expect(t.valid, 1) ? otlp_put_bytes(p, t.s) : p + gw_utf8_repair(t.s, (char *)p);
}

static void text_field(struct otlp_buf *w, unsigned field, struct text t)
{
    if (otlp_room(w, t.size + HEAD))
        otlp_end(w, put_text_field(w->data + w->len, field, t));
}

void otlp_text(struct otlp_buf *w, unsigned field, gw_str s)
{
    if (s.len)
        text_field(w, field, text(w, s));
}

/* Writes tag, length and key of a KeyValue, and the tag and length of its AnyValue, which takes `any_size`
 * bytes. */
static inline uint8_t *put_attr_head(struct otlp_buf *w, unsigned field, struct text key, size_t any_size)
{
    size_t key_size = key.size ? 1 + wire_varint_size(key.size) + key.size : 0;
    size_t kv_size = key_size + 1 + wire_varint_size(any_size) + any_size;
    if (!otlp_room(w, kv_size + HEAD))
        return NULL;
    uint8_t *p = wire_put_tag(w->data + w->len, field, WIRE_LEN);
    p = wire_put_varint(p, kv_size);
    if (key.size)
        p = put_text_field(p, KV_KEY, key);
    p = wire_put_tag(p, KV_VALUE, WIRE_LEN);
    return wire_put_varint(p, any_size);
}

static void attr_text(struct otlp_buf *w, unsigned field, struct text key, unsigned any_field,
                      struct text value)
{
    uint8_t *p = put_attr_head(w, field, key, 1 + wire_varint_size(value.size) + value.size);
    if (p)
        otlp_end(w, put_text_field(p, any_field, value));
}

/* The usual attribute: key and value are ASCII, and every length fits into one byte. Tags and lengths take 8
 * bytes. */
enum { SHORT = 127 - 6 };

static inline bool short_attr_text(struct otlp_buf *w, unsigned field, gw_str key, gw_str value)
{
    if (key.len + value.len > SHORT || key.len == 0 || value.len == 0 || field > 15 ||
        !otlp_room(w, 2 * SHORT))
        return false;
    uint8_t *p = w->data + w->len;
    p[0] = (uint8_t)(field << 3 | WIRE_LEN);
    p[1] = (uint8_t)(key.len + value.len + 6);
    p[2] = KV_KEY << 3 | WIRE_LEN;
    p[3] = (uint8_t)key.len;
    uint64_t bits = otlp_copy_bits(p + 4, key.ptr, key.len);
    p += 4 + key.len;
    p[0] = KV_VALUE << 3 | WIRE_LEN;
    p[1] = (uint8_t)(value.len + 2);
    p[2] = ANY_STRING << 3 | WIRE_LEN;
    p[3] = (uint8_t)value.len;
    bits |= otlp_copy_bits(p + 4, value.ptr, value.len);
    if (bits & OTLP_NOT_ASCII)
        return false; /* nothing was written: w->len has not changed */
    otlp_end(w, p + 4 + value.len);
    return true;
}

void otlp_attr_text(struct otlp_buf *w, unsigned field, gw_str key, gw_str value)
{
    if (!short_attr_text(w, field, key, value))
        attr_text(w, field, text(w, key), ANY_STRING, text(w, value));
}

void otlp_attr_bytes(struct otlp_buf *w, unsigned field, gw_str key, gw_str value)
{
    attr_text(w, field, text(w, key), ANY_BYTES, trusted(value));
}

/* Writes the head of a number attribute, whose AnyValue takes any_size < 12 bytes; in the short way if
 * possible. */
static inline uint8_t *put_number_head(struct otlp_buf *w, unsigned field, gw_str key, size_t any_size)
{
    if (key.len - 1 < SHORT - 12 && field <= 15 && otlp_room(w, 2 * SHORT)) {
        uint8_t *p = w->data + w->len;
        p[0] = (uint8_t)(field << 3 | WIRE_LEN);
        p[1] = (uint8_t)(key.len + any_size + 4);
        p[2] = KV_KEY << 3 | WIRE_LEN;
        p[3] = (uint8_t)key.len;
        if (!(otlp_copy_bits(p + 4, key.ptr, key.len) & OTLP_NOT_ASCII)) {
            p[4 + key.len] = KV_VALUE << 3 | WIRE_LEN;
            p[5 + key.len] = (uint8_t)any_size;
            return p + 6 + key.len;
        }
    }
    return put_attr_head(w, field, text(w, key), any_size);
}

void otlp_attr_int(struct otlp_buf *w, unsigned field, gw_str key, int64_t value)
{
    uint8_t *p = put_number_head(w, field, key, 1 + wire_varint_size((uint64_t)value));
    if (p)
        otlp_end(w, wire_put_varint(wire_put_tag(p, ANY_INT, WIRE_VARINT), (uint64_t)value));
}

void otlp_attr_double(struct otlp_buf *w, unsigned field, gw_str key, double value)
{
    uint64_t bits;
    uint8_t *p = put_number_head(w, field, key, 9);
    memcpy(&bits, &value, sizeof bits);
    if (p)
        otlp_end(w, put_le64(wire_put_tag(p, ANY_DOUBLE, WIRE_FIXED64), bits));
}

void otlp_attr_bool(struct otlp_buf *w, unsigned field, gw_str key, bool value)
{
    uint8_t *p = put_number_head(w, field, key, 2);
    if (p)
        otlp_end(w, wire_put_varint(wire_put_tag(p, ANY_BOOL, WIRE_VARINT), value));
}

size_t otlp_attr_open(struct otlp_buf *w, unsigned field, gw_str key, size_t *value_mark)
{
    size_t mark = otlp_open(w, field, 2);
    otlp_text(w, KV_KEY, key);
    *value_mark = otlp_open(w, KV_VALUE, 2);
    return mark;
}

void otlp_attr_close(struct otlp_buf *w, size_t mark, size_t value_mark)
{
    otlp_close(w, value_mark, 2);
    otlp_close(w, mark, 2);
}

void otlp_attr_texts(struct otlp_buf *w, unsigned field, gw_str key, const gw_str *values, size_t n)
{
    size_t value_mark, mark = otlp_attr_open(w, field, key, &value_mark);
    size_t array = otlp_open(w, ANY_ARRAY, 1);
    for (size_t i = 0; i < n; i++) {
        size_t value = otlp_open(w, ARRAY_VALUES, 1);
        otlp_any_text(w, values[i]);
        otlp_close(w, value, 1);
    }
    otlp_close(w, array, 1);
    otlp_attr_close(w, mark, value_mark);
}

/* The members of AnyValue are a oneof, so they are written even when empty or zero. */
void otlp_any_text(struct otlp_buf *w, gw_str value)
{
    text_field(w, ANY_STRING, text(w, value));
}

void otlp_any_bool(struct otlp_buf *w, bool value)
{
    if (otlp_room(w, HEAD))
        otlp_end(w, wire_put_varint(wire_put_tag(w->data + w->len, ANY_BOOL, WIRE_VARINT), value));
}

void otlp_any_int(struct otlp_buf *w, int64_t value)
{
    if (otlp_room(w, HEAD))
        otlp_end(w, wire_put_varint(wire_put_tag(w->data + w->len, ANY_INT, WIRE_VARINT), (uint64_t)value));
}

void otlp_any_double(struct otlp_buf *w, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (otlp_room(w, HEAD))
        otlp_end(w, put_le64(wire_put_tag(w->data + w->len, ANY_DOUBLE, WIRE_FIXED64), bits));
}

void otlp_any_bytes(struct otlp_buf *w, gw_str value)
{
    text_field(w, ANY_BYTES, trusted(value));
}
