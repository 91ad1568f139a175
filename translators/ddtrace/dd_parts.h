/* dd_parts.h: reads native span links and span events, in msgpack and in JSON; private to dd_parts_msgpack.c
 * and dd_json_parts.c.
 *
 *     keys of a link, an event, an attribute's value: dd_part_…     here, once
 *     a text, a number, a map, a list …                            struct dd_part_reader, once per format
 *
 * Both formats have the same keys with the same types and tolerances; only the way of reading a value
 * differs. A struct dd_part_reader holds the functions of one format; their results are those of the decoders
 * (dd_decode.h).
 *
 * The functions are always inlined into callers that pass a constant reader, so each format has direct calls
 * instead of calls through pointers: some tracers send events in every span, and this code is on the hot path
 * then.
 *
 * Keeps no state. Results are in the decoder's arena or are views of the body.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_PARTS_H
#define DD_PARTS_H

#include "translators/ddtrace/dd_decode.h"

#define DD_INLINE __attribute__((always_inline)) static inline

/* Reads the value of the key `field` into `part`. */
typedef enum dd_got dd_read_part_f(struct dd_decoder *, void *part, enum dd_field field);

struct dd_part_reader {
    /* Read a single value. */
    enum dd_got (*text)(struct dd_decoder *, gw_str *);
    enum dd_got (*boolean)(struct dd_decoder *, bool *);
    enum dd_got (*u64)(struct dd_decoder *, uint64_t *);
    enum dd_got (*i64)(struct dd_decoder *, int64_t *);
    enum dd_got (*real)(struct dd_decoder *, double *);
    enum dd_got (*number)(struct dd_decoder *, enum dd_number_kind *, union dd_number_value *);
    enum dd_got (*skip)(struct dd_decoder *);
    /* Read the attributes of a link, and those of an event. */
    enum dd_got (*link_attributes)(struct dd_decoder *, struct dd_text **, size_t *n);
    enum dd_got (*event_attributes)(struct dd_decoder *, struct dd_event *);
    bool (*is_text)(struct dd_decoder *);
    /* Read an attribute that is an array: [...], or {values: [...]}. */
    bool (*is_list)(struct dd_decoder *);
    enum dd_got (*elements)(struct dd_decoder *, struct dd_typed *);
    enum dd_got (*array)(struct dd_decoder *, struct dd_typed *);
    /* Reads a list of maps into an array of parts of `size` bytes each; *left_out counts those that cannot be
     * read. */
    enum dd_got (*list)(struct dd_decoder *, dd_read_part_f *read, size_t size, void **out, size_t *out_n,
                        uint64_t *left_out);
    dd_read_part_f *link, *event; /* dd_part_link and dd_part_event for this reader */
};

/* Reads a number, or decimal text. */
DD_INLINE enum dd_got dd_part_count(const struct dd_part_reader *r, struct dd_decoder *d, uint64_t *out)
{
    gw_str text;
    if (!r->is_text(d))
        return r->u64(d, out);
    enum dd_got got = r->text(d, &text);
    *out = 0;
    return got ? got : text.len == 0 || gw_str_u64(text, out) ? DD_TAKEN : DD_OTHER_TYPE;
}

/* Reads a number, or hexadecimal text. */
DD_INLINE enum dd_got dd_part_id(const struct dd_part_reader *r, struct dd_decoder *d, uint64_t *high,
                                 uint64_t *low)
{
    gw_str text;
    if (!r->is_text(d))
        return r->u64(d, low);
    enum dd_got got = r->text(d, &text);
    return got ? got : dd_hex_id(text, high, low) ? DD_TAKEN : DD_OTHER_TYPE;
}

/* Reads the value of the key `field` of a link. */
DD_INLINE enum dd_got dd_part_link(const struct dd_part_reader *r, struct dd_decoder *d, struct dd_link *link,
                                   enum dd_field field)
{
    uint64_t n;
    enum dd_got got;
    switch (field) {
    case DD_F_TRACE_ID:
        return dd_part_id(r, d, &link->trace_id_high, &link->trace_id);
    case DD_F_TRACE_ID_HIGH:
        return dd_part_id(r, d, NULL, &link->trace_id_high);
    case DD_F_SPAN_ID:
        return dd_part_id(r, d, NULL, &link->span_id);
    case DD_F_TRACESTATE:
        return r->text(d, &link->tracestate);
    case DD_F_FLAGS:
        got = dd_part_count(r, d, &n);
        if (!got)
            link->flags = (uint32_t)n;
        return got;
    case DD_F_DROPPED:
        got = dd_part_count(r, d, &n);
        if (!got)
            link->dropped = n > INT64_MAX ? 0 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
        return got;
    case DD_F_ATTRIBUTES:
        return r->link_attributes(d, &link->attrs, &link->attrs_n);
    default:
        return r->skip(d);
    }
}

/* Reads the value of the key `field` of an event. */
DD_INLINE enum dd_got dd_part_event(const struct dd_part_reader *r, struct dd_decoder *d,
                                    struct dd_event *event, enum dd_field field)
{
    enum dd_number_kind kind;
    union dd_number_value v;
    enum dd_got got;
    switch (field) {
    case DD_F_TIME:
        got = r->number(d, &kind, &v);
        if (!got)
            event->time_unix_nano = dd_decode_time(kind, v);
        return got;
    case DD_F_NAME:
        return r->text(d, &event->name);
    case DD_F_ATTRIBUTES:
        return r->event_attributes(d, event);
    default:
        return r->skip(d);
    }
}

/* Reads an array. Datadog's arrays cannot contain arrays. */
DD_INLINE enum dd_got dd_part_array(const struct dd_part_reader *r, struct dd_decoder *d, struct dd_typed *t)
{
    if (t->in_array)
        return DD_OTHER_TYPE;
    return r->is_list(d) ? r->elements(d, t) : r->array(d, t);
}

/* Reads the value of an attribute: {type, string_value | bool_value | int_value | double_value |
 * array_value}. A bare value is read like the member of its type. */
DD_INLINE enum dd_got dd_part_typed(const struct dd_part_reader *r, struct dd_decoder *d, struct dd_typed *t,
                                    enum dd_field field)
{
    if (field >= DD_F_STRING_VALUE && field <= DD_F_ARRAY_VALUE)
        t->last = field;
    switch (field) {
    case DD_F_TYPE:
        return r->i64(d, &t->type);
    case DD_F_STRING_VALUE:
        return r->text(d, &t->s);
    case DD_F_BOOL_VALUE:
        return r->boolean(d, &t->b);
    case DD_F_INT_VALUE:
        return r->i64(d, &t->i);
    case DD_F_DOUBLE_VALUE:
        return r->real(d, &t->d);
    case DD_F_ARRAY_VALUE:
        return dd_part_array(r, d, t);
    default:
        return r->skip(d);
    }
}

/* Read the fields span_links and span_events of a span. */
DD_INLINE enum dd_got dd_part_links(const struct dd_part_reader *r, struct dd_decoder *d, struct dd_span *s)
{
    void *links = NULL;
    enum dd_got got = r->list(d, r->link, sizeof *s->links, &links, &s->links_n, &d->left_out.links);
    s->links = links;
    return got;
}

DD_INLINE enum dd_got dd_part_events(const struct dd_part_reader *r, struct dd_decoder *d, struct dd_span *s)
{
    void *events = NULL;
    enum dd_got got = r->list(d, r->event, sizeof *s->events, &events, &s->events_n, &d->left_out.events);
    s->events = events;
    return got;
}

#endif
