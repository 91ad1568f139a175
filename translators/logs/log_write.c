/* log_write.c: Writes one LogRecord; all lengths are known before the first byte. Keeps no state: it writes
 * into the batch's buffer. Called by log_batch.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_write.h"

#include <endian.h>

/* Field numbers of opentelemetry/proto/logs/v1/logs.proto and common.proto. */
enum {
    SL_RECORDS = 2,
    TIME = 1,
    SEVERITY = 2,
    SEVERITY_TEXT = 3,
    BODY = 5,
    TRACE_ID = 9,
    SPAN_ID = 10,
    OBSERVED = 11,
    ANY_STRING = 1
};

enum { FIXED = 9 /* a tag and eight bytes */, TRACE_SIZE = 18, SPAN_SIZE = 10, HEAD = 16 };

/* A text and its size on the wire. */
struct sized {
    gw_str s;
    size_t size;
    bool valid;
};

static struct sized sized_text(struct otlp_buf *w, gw_str s)
{
    bool valid = gw_utf8_valid(s);
    w->repaired += !valid;
    return (struct sized){s, valid ? s.len : gw_utf8_repaired_size(s), valid};
}

static uint8_t *put_text_field(uint8_t *p, unsigned field, const struct sized *t)
{
    p = wire_put_varint(wire_put_tag(p, field, WIRE_LEN), t->size);
    return __builtin_expect(t->valid, 1) ? otlp_put_bytes(p, t->s) : p + gw_utf8_repair(t->s, (char *)p);
}

static uint8_t *put_fixed(uint8_t *p, unsigned field, uint64_t v)
{
    p = wire_put_tag(p, field, WIRE_FIXED64);
    v = htole64(v);
    memcpy(p, &v, sizeof v);
    return p + sizeof v;
}

static uint8_t *put_be64(uint8_t *p, uint64_t v)
{
    v = htobe64(v);
    memcpy(p, &v, sizeof v);
    return p + sizeof v;
}

static bool has_trace_id(const struct log_found *f)
{
    return f->trace.low || f->trace.high;
}

uint32_t log_write(struct otlp_buf *w, const struct log_found *f, uint64_t observed,
                   const struct otlp_buf *attrs)
{
    struct sized word = sized_text(w, f->severity_text), body = sized_text(w, f->body);
    size_t any = wire_len_field_size(body.size), start = w->len;
    size_t size = (f->time ? FIXED : 0) + (observed ? FIXED : 0) + (f->severity ? 2 : 0) +
                  (word.size ? wire_len_field_size(word.size) : 0) +
                  (f->body.ptr ? wire_len_field_size(any) : 0) + attrs->len +
                  (has_trace_id(f) ? TRACE_SIZE : 0) + (f->span ? SPAN_SIZE : 0);
    uint32_t id = 0;
    if (!otlp_room(w, size + HEAD))
        return 0;
    uint8_t *p = wire_put_varint(wire_put_tag(w->data + start, SL_RECORDS, WIRE_LEN), size);
    if (f->time)
        p = put_fixed(p, TIME, f->time);
    if (f->severity)
        p = wire_put_varint(wire_put_tag(p, SEVERITY, WIRE_VARINT), (uint64_t)f->severity);
    if (word.size)
        p = put_text_field(p, SEVERITY_TEXT, &word);
    if (f->body.ptr) {
        p = wire_put_varint(wire_put_tag(p, BODY, WIRE_LEN), any);
        p = put_text_field(p, ANY_STRING, &body);
    }
    p = otlp_put_bytes(p, gw_str_n((const char *)attrs->data, attrs->len));
    if (has_trace_id(f)) {
        *p++ = TRACE_ID << 3 | WIRE_LEN;
        *p++ = 16;
        if (!f->trace.high)
            id = (uint32_t)(p - (w->data + start));
        p = put_be64(put_be64(p, f->trace.high), f->trace.low);
    }
    if (f->span) {
        *p++ = SPAN_ID << 3 | WIRE_LEN;
        *p++ = 8;
        p = put_be64(p, f->span);
    }
    if (observed)
        p = put_fixed(p, OBSERVED, observed);
    otlp_end(w, p);
    return id;
}
