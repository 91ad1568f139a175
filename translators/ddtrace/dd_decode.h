/* dd_decode.h: definitions that the decoders of the wire formats share; private to them.
 *
 *      dd_decode.c ─▶ dd_v04.c   msgpack, array of arrays of maps
 *                  ─▶ dd_v05.c   msgpack, dictionary and arrays of 12
 *                  ─▶ dd_v07.c   msgpack, a map of facts and of chunks, which are maps of spans of v0.4
 *                  ─▶ dd_agent.c protobuf, what an agent sends: many processes' payloads
 *                  ─▶ dd_v10.c   msgpack, maps whose keys are numbers, texts by number (dd_v10.h)
 *                  ─▶ dd_json.c  JSON, nested or flat
 *
 * All of them return DD_OTHER_TYPE for an error that affects a span or a part of it, and DD_ILL_FORMED for
 * one that affects the payload. An arena whose budget is used up also returns DD_ILL_FORMED; dd_decode_fail
 * tells the two apart.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_DECODE_H
#define DD_DECODE_H

#include "translators/ddtrace/dd_span.h"

/* Each reads the envelope of its format. */
enum gw_code dd_v04_begin(struct dd_decoder *, struct gw_err *) GW_MUST_CHECK;
enum gw_code dd_v05_begin(struct dd_decoder *, struct gw_err *) GW_MUST_CHECK;
enum gw_code dd_v07_begin(struct dd_decoder *, struct gw_err *) GW_MUST_CHECK;
enum gw_code dd_agent_begin(struct dd_decoder *, gw_str body, struct gw_err *) GW_MUST_CHECK;
enum gw_code dd_v10_begin(struct dd_decoder *, struct gw_err *) GW_MUST_CHECK;
enum gw_code dd_json_begin(struct dd_decoder *, struct gw_err *) GW_MUST_CHECK;

/* v0.7, v1.0: reads one entry of the outer map; for `chunks`, the number of chunks that follow. */
enum gw_code dd_v07_field(struct dd_decoder *, struct gw_err *) GW_MUST_CHECK;
enum gw_code dd_v07_chunk(struct dd_decoder *, struct dd_chunk *, struct gw_intake *,
                          struct gw_err *) GW_MUST_CHECK;

enum gw_code dd_v10_field(struct dd_decoder *, struct gw_err *) GW_MUST_CHECK;
enum gw_code dd_v10_chunk(struct dd_decoder *, struct dd_chunk *, struct gw_intake *,
                          struct gw_err *) GW_MUST_CHECK;
/* Moves past the n values that begin at `start`, and adds the texts in them to the table. */
enum dd_got dd_v10_pass(struct dd_decoder *, const uint8_t *start, unsigned n);

/* Reads one span that is not nil. On DD_OTHER_TYPE, *why is the reason why the span is refused, and the
 * caller skips it. */
typedef enum dd_got dd_read_span_f(struct dd_decoder *, struct dd_span *, enum gw_reason *why);
dd_read_span_f dd_v04_span, dd_v05_span;
/* Reads n spans with `read`. Valid ones go to chunk->spans, refused ones are counted. The array has room for
 * as many spans as the remaining bytes can hold. */
enum dd_got dd_decode_spans(struct dd_decoder *, dd_read_span_f *read, uint32_t n, struct dd_chunk *,
                            struct gw_intake *);
/* Like dd_decode_next. */
enum gw_code dd_json_next(struct dd_decoder *, struct dd_chunk *, struct gw_intake *,
                          struct gw_err *) GW_MUST_CHECK;
enum gw_code dd_agent_next(struct dd_decoder *, struct dd_chunk *, struct gw_intake *,
                           struct gw_err *) GW_MUST_CHECK;

/* Clears the chunk before it is read. */
static inline void dd_decode_start_chunk(const struct dd_decoder *d, struct dd_chunk *chunk)
{
    *chunk =
        (struct dd_chunk){.payload = d->payload, .priority = DD_NO_PRIORITY, .mechanism = DD_NO_MECHANISM};
}

static inline bool dd_is_msgpack(const struct dd_decoder *d)
{
    return d->format != DD_V04_JSON && d->format != DD_V01_JSON && d->format != DD_AGENT_PROTOBUF;
}

/* The keys of a span, a link, an event and a value of an event's attribute. */
enum dd_field {
    DD_F_UNKNOWN,
    DD_F_SERVICE,
    DD_F_NAME,
    DD_F_RESOURCE,
    DD_F_TYPE,
    DD_F_TRACE_ID,
    DD_F_SPAN_ID,
    DD_F_PARENT_ID,
    DD_F_START,
    DD_F_DURATION,
    DD_F_ERROR,
    DD_F_META,
    DD_F_METRICS,
    DD_F_META_STRUCT,
    DD_F_LINKS,
    DD_F_EVENTS,
    DD_F_TRACE_ID_HIGH,
    DD_F_TRACESTATE,
    DD_F_FLAGS,
    DD_F_DROPPED,
    DD_F_ATTRIBUTES,
    DD_F_TIME,
    DD_F_STRING_VALUE,
    DD_F_BOOL_VALUE,
    DD_F_INT_VALUE,
    DD_F_DOUBLE_VALUE,
    DD_F_ARRAY_VALUE,
    DD_F_VALUES
};

#define DD_IS(key, literal) (memcmp((key).ptr, literal, sizeof(literal) - 1) == 0)

static inline enum dd_field dd_span_field(gw_str key)
{
    switch (key.len) {
    case 4:
        return DD_IS(key, "meta")   ? DD_F_META
               : DD_IS(key, "name") ? DD_F_NAME
               : DD_IS(key, "type") ? DD_F_TYPE
                                    : DD_F_UNKNOWN;
    case 5:
        return DD_IS(key, "start") ? DD_F_START : DD_IS(key, "error") ? DD_F_ERROR : DD_F_UNKNOWN;
    case 7:
        return DD_IS(key, "service")   ? DD_F_SERVICE
               : DD_IS(key, "span_id") ? DD_F_SPAN_ID
               : DD_IS(key, "metrics") ? DD_F_METRICS
                                       : DD_F_UNKNOWN;
    case 8:
        return DD_IS(key, "trace_id")   ? DD_F_TRACE_ID
               : DD_IS(key, "resource") ? DD_F_RESOURCE
               : DD_IS(key, "duration") ? DD_F_DURATION
                                        : DD_F_UNKNOWN;
    case 9:
        return DD_IS(key, "parent_id") ? DD_F_PARENT_ID : DD_F_UNKNOWN;
    case 10:
        return DD_IS(key, "span_links") ? DD_F_LINKS : DD_F_UNKNOWN;
    case 11:
        return DD_IS(key, "meta_struct")   ? DD_F_META_STRUCT
               : DD_IS(key, "span_events") ? DD_F_EVENTS
                                           : DD_F_UNKNOWN;
    default:
        return DD_F_UNKNOWN;
    }
}

/* The keys of the other three kinds of map. They are rare, so a table is fast enough. */
enum dd_field dd_part_field(gw_str key);

/* Counts the span as received and, unless `why` is GW_REASONS, as refused for that reason. */
static inline void dd_decode_count(struct gw_intake *intake, enum gw_reason why)
{
    intake->received++;
    if (__builtin_expect(why != GW_REASONS, 0))
        intake->not_taken[why]++;
}

/* Returns what is wrong with the ids of a readable span, or GW_REASONS. The lower half of a trace id may be
 * zero if the upper half is not, and the upper half may be on another span of the chunk. So the translator
 * decides after it has read the chunk. */
static inline enum gw_reason dd_decode_fault(const struct dd_span *s)
{
    if (__builtin_expect(s->span_id != 0, 1))
        return GW_REASONS;
    return s->trace_id == 0 ? GW_REASON_ZERO_TRACE_ID : GW_REASON_ZERO_SPAN_ID;
}

static inline int32_t dd_decode_int32(int64_t v)
{
    return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

/* Reads an index in its usual forms and sets *out to that entry of the list (v0.5, v1.0). Returns false,
 * without reading anything, if the value has another form or the list has no such entry. */
static inline bool dd_take_index(struct dd_msgpack *in, const gw_str *list, size_t n, gw_str *out)
{
    const uint8_t *p = in->at;
    size_t index, taken;
    if ((size_t)(in->end - p) < 5)
        return false;
    if (*p < 0x80) {
        index = *p;
        taken = 1;
    } else if (*p == 0xcc) {
        index = p[1];
        taken = 2;
    } else if (*p == 0xcd) {
        index = (size_t)p[1] << 8 | p[2];
        taken = 3;
    } else if (*p == 0xce) { /* the form that dd-trace-js always uses */
        index = dd_msgpack_be32(p + 1);
        taken = 5;
    } else {
        return false;
    }
    if (__builtin_expect(index >= n, 0))
        return false;
    in->at = p + taken;
    *out = list[index];
    return true;
}

/* Reads the field `error` in msgpack, 0 or 1. */
enum dd_got dd_decode_error(struct dd_msgpack *, int32_t *out);

/* Converts a time. dd-trace-js 5 and 6 send doubles: they are rounded and clamped; NaN becomes 0. */
int64_t dd_decode_time(enum dd_number_kind, union dd_number_value);

/* Converts a number to text, in the fewest digits that read back as the same number. Returns an empty text if
 * the arena's budget is used up. */
gw_str dd_decode_number_text(struct gw_arena *, enum dd_number_kind, union dd_number_value);
/* Converts text to a number. Returns false if it is not a number. */
bool dd_decode_text_number(gw_str, enum dd_number_kind *, union dd_number_value *);

/* An attribute of a native event: several typed fields, and `type`, which tells which one holds the value; in
 * any order. */
struct dd_typed {
    int64_t type; /* −1: missing; then the last field holds the value */
    enum dd_field last;
    bool in_array; /* an element of an array; it cannot be an array itself */
    gw_str s;
    bool b;
    int64_t i;
    double d;
    struct dd_value *items;
    size_t n;
};
/* Returns false if there is no such type. */
bool dd_decode_choose(const struct dd_typed *, struct dd_value *);

/* Read msgpack maps of tags. An entry that cannot be read is left out and counted (left_out);
 * DD_OTHER_TYPE if the value is not a map.
 *   texts    meta, attributes of links: numbers and bools are converted to text
 *   numbers  metrics: text is accepted if it is a number
 *   structs  meta_struct: the bytes of a msgpack value, either inside a bin or directly */
enum dd_got dd_maps_texts(struct dd_decoder *, struct dd_text **out, size_t *out_n);
enum dd_got dd_maps_numbers(struct dd_decoder *, struct dd_number **out, size_t *out_n);
enum dd_got dd_maps_structs(struct dd_decoder *, struct dd_text **out, size_t *out_n);
/* Reads the next value as text if it is any scalar; DD_OTHER_TYPE if not. */
enum dd_got dd_maps_scalar_text(struct dd_decoder *, gw_str *out);
/* Reads the next value as a number; numeric text and bools are accepted. If it is none of these, it is
 * skipped and *number is false. */
enum dd_got dd_maps_number(struct dd_decoder *, enum dd_number_kind *, union dd_number_value *, bool *number);
/* Reads a key. If it is not a scalar, it is skipped and *named is false. */
enum dd_got dd_maps_key(struct dd_decoder *, gw_str *key, bool *named);

/* Read span_links and span_events in msgpack. Items that are nil or cannot be read are left out; the latter
 * are counted (left_out). */
enum dd_got dd_parts_links(struct dd_decoder *, struct dd_span *);
enum dd_got dd_parts_events(struct dd_decoder *, struct dd_span *);

/* Skips the value that begins at `start` and could not be read. Returns DD_TAKEN or DD_ILL_FORMED. */
static inline enum dd_got dd_decode_pass(struct dd_decoder *d, const uint8_t *start)
{
    d->in.at = start;
    return dd_msgpack_skip(&d->in);
}

/* After DD_ILL_FORMED: returns GW_BUDGET if the arena's budget is used up, else `code` with the place and the
 * text from d->in. */
enum gw_code dd_decode_fail(const struct dd_decoder *, struct gw_err *) GW_MUST_CHECK;

#endif
