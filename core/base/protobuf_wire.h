/* protobuf_wire.h: walking over protobuf bytes that are ours, and copying parts of them.
 *
 *     view ── wire_next ─▶ field { number, type, whole (with its tag), body (of a length-delimited one) }
 *
 * For the cold paths that change a finished request: cutting one that is too large (frame_split.h), adding what belongs to one exporter
 * alone (resource_override.h). Nothing is interpreted but tags and lengths.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PROTOBUF_WIRE_H
#define GW_PROTOBUF_WIRE_H

#include "core/base/str.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_LEN = 2, WIRE_FIXED32 = 5 };

struct wire_view {
    const uint8_t *at, *end;
};

struct wire_field {
    unsigned number, type;
    struct wire_view whole, body;
};

static inline bool wire_read_varint(struct wire_view *v, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && v->at < v->end; shift += 7) {
        uint8_t byte = *v->at++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static inline bool wire_skip(struct wire_view *v, uint64_t n)
{
    if (n > (uint64_t)(v->end - v->at))
        return false;
    v->at += n;
    return true;
}

/* Cuts the next field off *v; false at the end and on anything that is not protobuf. */
static inline bool wire_next(struct wire_view *v, struct wire_field *f)
{
    uint64_t tag, n;
    f->whole.at = v->at;
    if (v->at == v->end || !wire_read_varint(v, &tag))
        return false;
    f->number = (unsigned)(tag >> 3);
    f->type = tag & 7;
    bool ok = false;
    if (f->type == WIRE_VARINT)
        ok = wire_read_varint(v, &n);
    else if (f->type == WIRE_LEN)
        ok = wire_read_varint(v, &n) && (f->body.at = v->at, wire_skip(v, n));
    else if (f->type == WIRE_FIXED64 || f->type == WIRE_FIXED32)
        ok = wire_skip(v, f->type == WIRE_FIXED64 ? 8 : 4);
    f->whole.end = f->body.end = v->at;
    return ok;
}

static inline gw_str wire_text(struct wire_view v)
{
    return gw_str_n((const char *)v.at, (size_t)(v.end - v.at));
}

static inline size_t wire_varint_size(uint64_t v)
{
    size_t n = 1;
    while (v >>= 7)
        n++;
    return n;
}

static inline uint8_t *wire_put_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)v | 0x80;
    *p++ = (uint8_t)v;
    return p;
}

/* The field as it stands; with p NULL it is only measured. */
static inline size_t wire_put_whole(uint8_t *p, const struct wire_field *f)
{
    size_t n = (size_t)(f->whole.end - f->whole.at);
    if (p)
        memcpy(p, f->whole.at, n);
    return n;
}

/* Size of a length-delimited field with n bytes of body; numbers up to 15. */
static inline size_t wire_len_field_size(size_t n)
{
    return 1 + wire_varint_size(n) + n;
}

/* Tag and length of such a field; the body follows. */
static inline uint8_t *wire_put_len_head(uint8_t *p, unsigned number, size_t n)
{
    return wire_put_varint(wire_put_varint(p, number << 3 | WIRE_LEN), n);
}

#endif
