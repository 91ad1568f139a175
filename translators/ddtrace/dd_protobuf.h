/* dd_protobuf.h: a cursor over the fields of a protobuf message, for decoders on the hot path.
 *
 *     view of a message ──▶ dd_pb_tag, then the field's value by its type: dd_pb_varint, dd_pb_fixed64, dd_pb_bytes ──▶ next tag
 *
 * A nested message is a view too. Every read returns false if the remaining bytes are too few; the view is
 * then at the byte that cannot be read, or shortly after it. Nothing is allocated or copied. Groups (types 3
 * and 4), which proto3 does not have, are not supported.
 *
 * A repeated field occurs once per value, so an array for it is sized by counting: the values are usually
 * adjacent (dd_pb_count_run), but need not be (dd_pb_count_all).
 *
 * Threads: pure functions. Ownership: the bytes belong to the caller and must outlive every view.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_PROTOBUF_H
#define DD_PROTOBUF_H

#include "core/base/protobuf_wire.h"

/* A field's number and type, as on the wire. */
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
    memcpy(out, v->at, 8); /* little-endian, like this machine */
    v->at += 8;
    return true;
}

/* Reads the bytes of a length-delimited field: text, or a message. */
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

/* Moves past the value of a field whose tag was read. */
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

/* Counts the adjacent values of a length-delimited field from here on; its tag has one byte. */
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

/* Counts the values up to the end of the message, or up to an error. */
static inline size_t dd_pb_count_all(struct wire_view v, uint32_t wanted)
{
    uint32_t tag;
    size_t n = 0;
    while (v.at < v.end && dd_pb_tag(&v, &tag) && dd_pb_skip(&v, tag))
        n += tag == wanted;
    return n;
}

#endif
