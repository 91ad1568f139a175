/* Writes fields of an OTLP Span that both writers share: known attributes, ids, times (dd_put.h).
 *
 * Keeps no state. Called by dd_write.c and dd_write_cached.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_put.h"

#include <endian.h>

enum { ATTRIBUTE_ROOM = 64 + 40 /* a head, and the tags and lengths around it */ };

/* Writes the KeyValue of a known attribute up to the contents of its AnyValue, which take any_size bytes. The
 * caller made room. */
static inline uint8_t *put_attr_head(struct otlp_buf *w, const struct dd_name_row *row, size_t any_size)
{
    uint8_t *p = w->data + w->len;
    *p++ = SPAN_ATTRIBUTES << 3 | WIRE_LEN;
    p = wire_put_varint(p, row->head_len + wire_varint_size(any_size) + any_size);
    /* a fixed number of bytes compiles to a few moves; superfluous bytes are overwritten */
    memcpy(p, row->head, 32);
    if (__builtin_expect(row->head_len > 32, 0))
        memcpy(p + 32, row->head + 32, sizeof row->head - 32);
    return wire_put_varint(p + row->head_len, any_size);
}

/* Writes the usual attribute, whose lengths all fit into one byte. Returns false, with nothing done, for
 * other attributes and for text that is not ASCII. */
static inline bool put_short_text(struct otlp_buf *w, const struct otlp_region *body,
                                  const struct dd_name_row *row, gw_str text)
{
    size_t size = row->head_len + text.len + 5;
    if (size > 127)
        return false;
    uint8_t *p = w->data + w->len;
    p[0] = SPAN_ATTRIBUTES << 3 | WIRE_LEN;
    p[1] = (uint8_t)(size - 2);
    memcpy(p + 2, row->head, 32);
    if (__builtin_expect(row->head_len > 32, 0))
        memcpy(p + 34, row->head + 32, sizeof row->head - 32);
    p += 2 + row->head_len;
    p[0] = (uint8_t)(text.len + 2);
    p[1] = ANY_STRING << 3 | WIRE_LEN;
    p[2] = (uint8_t)text.len;
    bool ascii = otlp_may_read_wide(body, text) ? otlp_copy_wide(p + 3, text.ptr, text.len)
                                                : otlp_copy_ascii(p + 3, text);
    if (__builtin_expect(!ascii, 0))
        return false;
    otlp_end(w, p + 3 + text.len);
    return true;
}

void dd_put_text(struct otlp_buf *w, const struct otlp_region *body, const struct dd_name_row *row,
                 gw_str text)
{
    if (!otlp_room(w, text.len + ATTRIBUTE_ROOM) || put_short_text(w, body, row, text))
        return;
    uint8_t *p = put_attr_head(w, row, 1 + wire_varint_size(text.len) + text.len);
    *p++ = ANY_STRING << 3 | WIRE_LEN;
    p = wire_put_varint(p, text.len);
    if (__builtin_expect(otlp_copy_ascii(p, text), 1) || gw_utf8_valid(text))
        otlp_end(w, p + text.len);
    else
        otlp_attr_text(w, SPAN_ATTRIBUTES, row->name, text); /* w->len has not changed */
}

void dd_put_number(struct otlp_buf *w, const struct dd_name_row *row, uint64_t varint, unsigned field)
{
    if (!otlp_room(w, ATTRIBUTE_ROOM))
        return;
    uint8_t *p = put_attr_head(w, row, 1 + wire_varint_size(varint));
    *p++ = (uint8_t)(field << 3 | WIRE_VARINT);
    otlp_end(w, wire_put_varint(p, varint));
}

void dd_put_double(struct otlp_buf *w, const struct dd_name_row *row, double d)
{
    if (!otlp_room(w, ATTRIBUTE_ROOM))
        return;
    uint8_t *p = put_attr_head(w, row, 9);
    *p++ = ANY_DOUBLE << 3 | WIRE_FIXED64;
    memcpy(p, &d, 8); /* little-endian, like the wire */
    otlp_end(w, p + 8);
}

static uint8_t *put_id(uint8_t *p, uint64_t id)
{
    id = __builtin_bswap64(id);
    memcpy(p, &id, 8);
    return p + 8;
}

/* trace_id and span_id have a fixed width and come first, so that an upper half that becomes known later can
 * be filled in. */
void dd_put_ids(struct dd_fields *f, const struct dd_scanned *c, struct otlp_buf *w)
{
    const struct dd_span *s = f->span;
    if (!otlp_room(w, 64 + c->state.len))
        return;
    uint8_t *p = w->data + w->len;
    *p++ = SPAN_TRACE_ID << 3 | WIRE_LEN;
    *p++ = 16;
    p = put_id(put_id(p, c->high), s->trace_id);
    *p++ = SPAN_ID << 3 | WIRE_LEN;
    *p++ = 8;
    p = put_id(p, s->span_id);
    if (c->state.len && !dd_has(f, DD_T_DD_PARENT_ID)) {
        *p++ = SPAN_TRACE_STATE << 3 | WIRE_LEN;
        p = otlp_put_bytes(wire_put_varint(p, c->state.len), c->state);
    }
    otlp_end(w, p);
    if (dd_has(f, DD_T_DD_PARENT_ID))
        otlp_text(w, SPAN_TRACE_STATE,
                  dd_sampling_state(&c->sampling, f->arena, s->trace_id, dd_text_of(f, DD_T_DD_PARENT_ID)));
    if (s->parent_id && s->parent_id != s->span_id && otlp_room(w, 16)) {
        p = w->data + w->len;
        *p++ = SPAN_PARENT_ID << 3 | WIRE_LEN;
        *p++ = 8;
        otlp_end(w, put_id(p, s->parent_id));
    }
}

static uint8_t *put_time(uint8_t *p, unsigned field, uint64_t ns)
{
    if (!ns)
        return p;
    *p++ = (uint8_t)(field << 3 | WIRE_FIXED64);
    ns = htole64(ns);
    memcpy(p, &ns, 8);
    return p + 8;
}

void dd_put_times(const struct dd_fields *f, struct otlp_buf *w)
{
    if (!otlp_room(w, 32))
        return;
    uint8_t *p = w->data + w->len;
    *p++ = SPAN_KIND << 3 | WIRE_VARINT;
    *p++ = (uint8_t)f->kind;
    p = put_time(p, SPAN_START, (uint64_t)f->span->start);
    otlp_end(w, put_time(p, SPAN_END, dd_end_time(f->span)));
}
