/* protobuf_wire.h: tags, varints and lengths of protobuf on the wire: writing them, and walking over a
 * message.
 *
 *     view ── wire_next ─▶ field { number, type, whole (with its tag), body (of a length-delimited one) }
 *
 * The writing functions are the basis of otlp_write.h, on the hot path. Walking is for the rare paths that
 * read or change a finished request: one that is too large is divided (frame_split.h), one exporter adds
 * attributes of its own (resource_override.h). Only tags and lengths are interpreted.
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
    f->whole.at = f->body.at = v->at;
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
    return (size_t)(9 * (63 - __builtin_clzll(v | 1)) + 73) / 64; /* ⌈bits / 7⌉ */
}

/* Writes at p, returns the end; the room must be there. */
static inline uint8_t *wire_put_varint(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)v | 0x80;
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

/* Field numbers up to 15 take one byte of tag, up to 2047 two; OTLP has none above. */
static inline uint8_t *wire_put_tag(uint8_t *p, unsigned field, unsigned type)
{
    return wire_put_varint(p, field << 3 | type);
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
    return wire_put_varint(wire_put_tag(p, number, WIRE_LEN), n);
}

#endif
