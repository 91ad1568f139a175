/* Reads spans of an agent's v0.x payloads: the fields of v0.4, in protobuf. Maps are repeated messages of key
 * and value. Agents are written in Go, so their entries come in a different order each time.
 *
 * A message is unreadable if a known field has the wrong type. Unknown fields are ignored.
 *
 * The state is in the caller's struct dd_decoder; arrays go to its arena. Called by dd_agent.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_agent.h"

/* Fields of datadog.trace.Span. */
enum {
    SPAN_SERVICE = DD_PB(1, LEN),
    SPAN_NAME = DD_PB(2, LEN),
    SPAN_RESOURCE = DD_PB(3, LEN),
    SPAN_TRACE_ID = DD_PB(4, VARINT),
    SPAN_SPAN_ID = DD_PB(5, VARINT),
    SPAN_PARENT_ID = DD_PB(6, VARINT),
    SPAN_START = DD_PB(7, VARINT),
    SPAN_DURATION = DD_PB(8, VARINT),
    SPAN_ERROR = DD_PB(9, VARINT),
    SPAN_META = DD_PB(10, LEN),
    SPAN_METRICS = DD_PB(11, LEN),
    SPAN_TYPE = DD_PB(12, LEN),
    SPAN_META_STRUCT = DD_PB(13, LEN),
    SPAN_LINKS = DD_PB(14, LEN),
    SPAN_EVENTS = DD_PB(15, LEN),
    SPAN_FIELDS = 15
};

/* Fields of SpanLink. */
enum {
    LINK_TRACE_ID = DD_PB(1, VARINT),
    LINK_TRACE_ID_HIGH = DD_PB(2, VARINT),
    LINK_SPAN_ID = DD_PB(3, VARINT),
    LINK_ATTRIBUTES = DD_PB(4, LEN),
    LINK_TRACESTATE = DD_PB(5, LEN),
    LINK_FLAGS = DD_PB(6, VARINT),
    LINK_FIELDS = 6
};

/* Fields of SpanEvent, of the values of its attributes, and of arrays of these. */
enum {
    EVENT_TIME = DD_PB(1, FIXED64),
    EVENT_NAME = DD_PB(2, LEN),
    EVENT_ATTRIBUTES = DD_PB(3, LEN),
    EVENT_FIELDS = 3,
    VALUE_TYPE = DD_PB(1, VARINT),
    VALUE_STRING = DD_PB(2, LEN),
    VALUE_BOOL = DD_PB(3, VARINT),
    VALUE_INT = DD_PB(4, VARINT),
    VALUE_DOUBLE = DD_PB(5, FIXED64),
    VALUE_ARRAY = DD_PB(6, LEN),
    VALUE_FIELDS = 6,
    ARRAY_VALUES = DD_PB(1, LEN)
};

/* Fields of a map entry. */
enum {
    ENTRY_KEY = DD_PB(1, LEN),
    ENTRY_VALUE = DD_PB(2, LEN),
    ENTRY_NUMBER = DD_PB(2, FIXED64),
    ENTRY_FIELDS = 2
};

/* Skips an unknown field; `known` is the number of fields that the message has. */
static bool pass_unknown(struct wire_view *v, uint32_t tag, uint32_t known)
{
    return tag >> 3 > known && dd_pb_skip(v, tag);
}

static enum dd_got read_number_entry(struct dd_decoder *d, struct wire_view v, void *item)
{
    struct dd_number *n = item;
    uint32_t tag;
    *n = (struct dd_number){.key = GW_NOSTR, .kind = DD_DOUBLE};
    while (v.at < v.end) {
        if (!dd_pb_tag(&v, &tag))
            return DD_OTHER_TYPE;
        bool good = tag == ENTRY_KEY      ? dd_pb_text(&v, &n->key)
                    : tag == ENTRY_NUMBER ? dd_pb_fixed64(&v, &n->u)
                                          : pass_unknown(&v, tag, ENTRY_FIELDS);
        if (!good)
            return DD_OTHER_TYPE;
    }
    return DD_TAKEN;
}

/* ---- links ---- */

static bool read_link_field(struct wire_view *v, uint32_t tag, struct dd_link *link)
{
    uint64_t n = 0;
    bool good;
    switch (tag) {
    case LINK_TRACE_ID:
        return dd_pb_varint(v, &link->trace_id);
    case LINK_TRACE_ID_HIGH:
        return dd_pb_varint(v, &link->trace_id_high);
    case LINK_SPAN_ID:
        return dd_pb_varint(v, &link->span_id);
    case LINK_TRACESTATE:
        return dd_pb_text(v, &link->tracestate);
    case LINK_FLAGS:
        good = dd_pb_varint(v, &n);
        link->flags = (uint32_t)n;
        return good;
    default:
        return pass_unknown(v, tag, LINK_FIELDS);
    }
}

static enum dd_got read_link(struct dd_decoder *d, struct wire_view v, void *item)
{
    struct dd_link *link = item;
    struct dd_agent_list attrs = {0};
    enum dd_got got = DD_TAKEN;
    uint32_t tag;
    *link = (struct dd_link){0};
    while (!got && v.at < v.end) {
        if (!dd_pb_tag(&v, &tag))
            return DD_OTHER_TYPE;
        got = tag == LINK_ATTRIBUTES ? dd_agent_add(d, &attrs, &v, tag, sizeof(struct dd_text),
                                                    dd_agent_text_entry, &d->left_out.tags)
                                     : dd_agent_got(read_link_field(&v, tag, link));
    }
    link->attrs = attrs.items;
    link->attrs_n = attrs.n;
    return got;
}

/* ---- events ---- */

static enum dd_got read_array(struct dd_decoder *, struct wire_view, struct dd_typed *);

static enum dd_got read_typed(struct dd_decoder *d, struct wire_view *v, uint32_t tag, struct dd_typed *t)
{
    struct wire_view array;
    uint64_t n = 0;
    bool good;
    if (tag >= VALUE_STRING && tag <= VALUE_ARRAY)
        t->last = DD_F_STRING_VALUE + (tag >> 3) - (VALUE_STRING >> 3);
    switch (tag) {
    case VALUE_TYPE:
        good = dd_pb_varint(v, &n);
        t->type = n <= DD_V_ARRAY ? (int64_t)n : INT64_MAX;
        return dd_agent_got(good);
    case VALUE_STRING:
        return dd_agent_got(dd_pb_text(v, &t->s));
    case VALUE_BOOL:
        good = dd_pb_varint(v, &n);
        t->b = n != 0;
        return dd_agent_got(good);
    case VALUE_INT:
        good = dd_pb_varint(v, &n);
        t->i = (int64_t)n;
        return dd_agent_got(good);
    case VALUE_DOUBLE:
        good = dd_pb_fixed64(v, &n);
        memcpy(&t->d, &n, sizeof t->d);
        return dd_agent_got(good);
    case VALUE_ARRAY: /* Datadog's arrays cannot contain arrays */
        return t->in_array || !dd_pb_bytes(v, &array) ? DD_OTHER_TYPE : read_array(d, array, t);
    default:
        return dd_agent_got(pass_unknown(v, tag, VALUE_FIELDS));
    }
}

/* proto3 does not write zeroes. So a missing type either means text, or the writer has the values in a
 * `oneof` and the field that is present tells the type. */
static enum dd_got read_value(struct dd_decoder *d, struct wire_view v, struct dd_value *out, bool in_array)
{
    struct dd_typed t = {.type = -1, .in_array = in_array};
    enum dd_got got = DD_TAKEN;
    uint32_t tag;
    while (!got && v.at < v.end)
        got = dd_pb_tag(&v, &tag) ? read_typed(d, &v, tag, &t) : DD_OTHER_TYPE;
    return got ? got : dd_agent_got(dd_decode_choose(&t, out));
}

static enum dd_got read_element(struct dd_decoder *d, struct wire_view v, void *item)
{
    return read_value(d, v, item, true);
}

static enum dd_got read_array(struct dd_decoder *d, struct wire_view v, struct dd_typed *t)
{
    struct dd_agent_list values = {0};
    uint64_t left_out = 0;
    enum dd_got got = DD_TAKEN;
    uint32_t tag;
    while (!got && v.at < v.end) {
        if (!dd_pb_tag(&v, &tag))
            return DD_OTHER_TYPE;
        got = tag == ARRAY_VALUES
                  ? dd_agent_add(d, &values, &v, tag, sizeof(struct dd_value), read_element, &left_out)
                  : dd_agent_got(pass_unknown(&v, tag, 1));
    }
    t->items = values.items;
    t->n = values.n;
    return got ? got : dd_agent_got(left_out == 0);
}

static enum dd_got read_attribute(struct dd_decoder *d, struct wire_view v, void *item)
{
    struct dd_attr *attr = item;
    struct wire_view value = {v.end, v.end};
    uint32_t tag;
    attr->key = GW_NOSTR;
    while (v.at < v.end) {
        if (!dd_pb_tag(&v, &tag))
            return DD_OTHER_TYPE;
        bool good = tag == ENTRY_KEY     ? dd_pb_text(&v, &attr->key)
                    : tag == ENTRY_VALUE ? dd_pb_bytes(&v, &value)
                                         : pass_unknown(&v, tag, ENTRY_FIELDS);
        if (!good)
            return DD_OTHER_TYPE;
    }
    return read_value(d, value, &attr->value, false);
}

static enum dd_got read_event(struct dd_decoder *d, struct wire_view v, void *item)
{
    struct dd_event *event = item;
    struct dd_agent_list attrs = {0};
    enum dd_got got = DD_TAKEN;
    uint64_t time = 0;
    uint32_t tag;
    *event = (struct dd_event){0};
    while (!got && v.at < v.end) {
        if (!dd_pb_tag(&v, &tag))
            return DD_OTHER_TYPE;
        if (tag == EVENT_ATTRIBUTES)
            got = dd_agent_add(d, &attrs, &v, tag, sizeof(struct dd_attr), read_attribute, &d->left_out.tags);
        else
            got = dd_agent_got(tag == EVENT_TIME   ? dd_pb_fixed64(&v, &time)
                               : tag == EVENT_NAME ? dd_pb_text(&v, &event->name)
                                                   : pass_unknown(&v, tag, EVENT_FIELDS));
    }
    event->time_unix_nano =
        dd_decode_time(time > INT64_MAX ? DD_UINT : DD_INT, (union dd_number_value){.u = time});
    event->attrs = attrs.items;
    event->attrs_n = attrs.n;
    return got;
}

/* ---- the span ---- */

/* The arrays of a span that grow while it is read. */
struct reading {
    struct dd_agent_list meta, metrics, meta_struct, links, events;
};

static bool read_signed(struct wire_view *v, int64_t *out)
{
    uint64_t n = 0;
    bool good = dd_pb_varint(v, &n);
    *out = (int64_t)n;
    return good;
}

static bool read_error(struct wire_view *v, struct dd_span *s)
{
    uint64_t n = 0;
    bool good = dd_pb_varint(v, &n);
    s->error = (int32_t)n;
    return good;
}

static inline bool read_scalar(struct wire_view *v, uint32_t tag, struct dd_span *s)
{
    switch (tag) {
    case SPAN_SERVICE:
        return dd_pb_text(v, &s->service);
    case SPAN_NAME:
        return dd_pb_text(v, &s->name);
    case SPAN_RESOURCE:
        return dd_pb_text(v, &s->resource);
    case SPAN_TYPE:
        return dd_pb_text(v, &s->type);
    case SPAN_TRACE_ID:
        return dd_pb_varint(v, &s->trace_id);
    case SPAN_SPAN_ID:
        return dd_pb_varint(v, &s->span_id);
    case SPAN_PARENT_ID:
        return dd_pb_varint(v, &s->parent_id);
    case SPAN_START:
        return read_signed(v, &s->start);
    case SPAN_DURATION:
        return read_signed(v, &s->duration);
    case SPAN_ERROR:
        return read_error(v, s);
    default:
        return pass_unknown(v, tag, SPAN_FIELDS);
    }
}

static inline enum dd_got read_field(struct dd_decoder *d, struct wire_view *v, uint32_t tag,
                                     struct dd_span *s, struct reading *r)
{
    switch (tag) {
    case SPAN_META:
        return dd_agent_add(d, &r->meta, v, tag, sizeof(struct dd_text), dd_agent_text_entry,
                            &d->left_out.tags);
    case SPAN_METRICS:
        return dd_agent_add(d, &r->metrics, v, tag, sizeof(struct dd_number), read_number_entry,
                            &d->left_out.tags);
    case SPAN_META_STRUCT:
        return dd_agent_add(d, &r->meta_struct, v, tag, sizeof(struct dd_text), dd_agent_text_entry,
                            &d->left_out.tags);
    case SPAN_LINKS:
        return dd_agent_add(d, &r->links, v, tag, sizeof(struct dd_link), read_link, &d->left_out.links);
    case SPAN_EVENTS:
        return dd_agent_add(d, &r->events, v, tag, sizeof(struct dd_event), read_event, &d->left_out.events);
    default:
        return dd_agent_got(read_scalar(v, tag, s));
    }
}

enum dd_got dd_agent_span(struct dd_decoder *d, struct wire_view v, struct dd_span *s, enum gw_reason *why)
{
    struct reading r = {0};
    enum dd_got got = DD_TAKEN;
    uint32_t tag;
    *s = (struct dd_span){0};
    *why = GW_REASON_BAD_SPAN;
    while (!got && v.at < v.end)
        got = dd_pb_tag(&v, &tag) ? read_field(d, &v, tag, s, &r) : DD_OTHER_TYPE;
    s->meta = r.meta.items;
    s->meta_n = r.meta.n;
    s->metrics = r.metrics.items;
    s->metrics_n = r.metrics.n;
    s->meta_struct = r.meta_struct.items;
    s->meta_struct_n = r.meta_struct.n;
    s->links = r.links.items;
    s->links_n = r.links.n;
    s->events = r.events.items;
    s->events_n = r.events.n;
    return got;
}
