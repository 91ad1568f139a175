/* dd_protobuf.h: a cursor over the fields of a protobuf message, for decoders on the hot path.
 *
 *     view of a message ──▶ dd_pb_tag, then the field's value by its type: dd_pb_varint, dd_pb_fixed64, dd_pb_bytes ──▶ next tag
 *
 * A nested message is a view in its turn. Every read is false when the bytes that are left do not hold what is
 * asked for; the view then stands at, or shortly behind, the byte that cannot be read. Nothing is allocated
 * and nothing is copied; groups (types 3 and 4), which proto3 does not have, are not read.
 *
 * A repeated field stands as often as it has values, so an array for it is sized by counting them: mostly they
 * stand behind one another (dd_pb_count_run), but nothing forbids otherwise (dd_pb_count_all).
 *
 * Threads: pure functions. Ownership: the bytes are the caller's and outlive every view.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_PROTOBUF_H
#define DD_PROTOBUF_H

#include "core/base/protobuf_wire.h"

/* A field's number and type, as they stand on the wire. */
#define DD_PB(number, type) ((number) << 3 | WIRE_##type)

static inline bool dd_pb_varint(struct wire_view *v, uint64_t *out)
{
    if (__builtin_expect(v->at < v->end && *v->at < 0x80, 1)) {
        *out = *v->at++;
        return true;
    }
    return wire_read_varint(v, out);
}

/* Field numbers begin with 1 and end below 2^29. */
static inline bool dd_pb_tag(struct wire_view *v, uint32_t *tag)
{
    uint64_t wide;
    if (!dd_pb_varint(v, &wide) || wide < 8 || wide > UINT32_MAX)
        return false;
    *tag = (uint32_t)wide;
    return true;
}

static inline bool dd_pb_fixed64(struct wire_view *v, uint64_t *out)
{
    if (v->end - v->at < 8)
        return false;
    memcpy(out, v->at, 8); /* little-endian, as this machine is */
    v->at += 8;
    return true;
}

/* The bytes of a length-delimited field: text, or a message. */
static inline bool dd_pb_bytes(struct wire_view *v, struct wire_view *out)
{
    uint64_t n;
    if (!dd_pb_varint(v, &n) || n > (uint64_t)(v->end - v->at))
        return false;
    out->at = v->at;
    out->end = v->at += n;
    return true;
}

static inline bool dd_pb_text(struct wire_view *v, gw_str *out)
{
    struct wire_view bytes;
    if (!dd_pb_bytes(v, &bytes))
        return false;
    *out = wire_text(bytes);
    return true;
}

/* Moves behind the value of a field whose tag was read. */
static inline bool dd_pb_skip(struct wire_view *v, uint32_t tag)
{
    uint64_t ignored;
    struct wire_view bytes;
    switch (tag & 7) {
    case WIRE_VARINT:
        return dd_pb_varint(v, &ignored);
    case WIRE_LEN:
        return dd_pb_bytes(v, &bytes);
    case WIRE_FIXED64:
        return wire_skip(v, 8);
    case WIRE_FIXED32:
        return wire_skip(v, 4);
    default:
        return false;
    }
}

/* How many values of a length-delimited field follow one another from here on; its tag has one byte. */
static inline size_t dd_pb_count_run(struct wire_view v, uint32_t tag)
{
    struct wire_view bytes;
    size_t n = 0;
    while (v.at < v.end && *v.at == tag) {
        v.at++;
        if (!dd_pb_bytes(&v, &bytes))
            return n;
        n++;
    }
    return n;
}

/* How many there are up to the end of the message, or to what cannot be read. */
static inline size_t dd_pb_count_all(struct wire_view v, uint32_t wanted)
{
    uint32_t tag;
    size_t n = 0;
    while (v.at < v.end && dd_pb_tag(&v, &tag) && dd_pb_skip(&v, tag))
        n += tag == wanted;
    return n;
}

#endif
