/* SPDX-License-Identifier: Apache-2.0
 * Span links and span events of JSON payloads; dd_parts.c for JSON. */
#include "translators/ddtrace/dd_json.h"

/* Reads an object's value for `field` into `part`. */
typedef enum dd_got read_field_f(struct dd_decoder *, void *part, enum dd_field field);

static enum dd_got read_object(struct dd_decoder *d, read_field_f *read, void *part)
{
    gw_str key;
    enum dd_got got;
    if (!dd_json_enter(d, GW_JSON_OBJECT, &got))
        return got;
    while (gw_json_member(&d->json, &key)) {
        got = read(d, part, dd_part_field(key));
        if (got)
            return got;
    }
    return dd_json_walked(d);
}

/* Reads a list of objects into an array of parts of `size` bytes each; `part` is a place for one. */
static enum dd_got read_list(struct dd_decoder *d, read_field_f *read, void *part, size_t size, void **out, size_t *out_n, uint64_t *bad)
{
    enum dd_got got;
    *out_n = 0;
    if (!dd_json_enter(d, GW_JSON_ARRAY, &got))
        return got;
    while (gw_json_item(&d->json)) {
        struct gw_json before = d->json;
        if (gw_json_kind(&d->json) == GW_JSON_NULL) {
            gw_json_null(&d->json);
            continue;
        }
        got = read_object(d, read, memset(part, 0, size));
        if (got == DD_OTHER_TYPE && !dd_json_pass(d, &before)) {
            ++*bad;
            continue;
        }
        if (got || !(*out = dd_json_room(d, *out, *out_n, size)))
            return DD_ILL_FORMED;
        memcpy((char *)*out + (*out_n)++ * size, part, size);
    }
    return dd_json_walked(d);
}

static enum dd_got read_link(struct dd_decoder *d, void *part, enum dd_field field)
{
    struct dd_link *link = part;
    uint64_t flags;
    enum dd_got got;
    switch (field) {
    case DD_F_TRACE_ID:
        return dd_json_u64(d, &link->trace_id);
    case DD_F_TRACE_ID_HIGH:
        return dd_json_u64(d, &link->trace_id_high);
    case DD_F_SPAN_ID:
        return dd_json_u64(d, &link->span_id);
    case DD_F_TRACESTATE:
        return dd_json_text(d, &link->tracestate);
    case DD_F_FLAGS:
        got = dd_json_u64(d, &flags);
        if (!got)
            link->flags = (uint32_t)flags;
        return got;
    case DD_F_ATTRIBUTES:
        return dd_json_texts(d, &link->attrs, &link->attrs_n);
    default:
        return dd_json_done(gw_json_skip(&d->json));
    }
}

static enum dd_got read_value(struct dd_decoder *d, struct dd_value *out, bool in_array);

static enum dd_got read_values(struct dd_decoder *d, struct dd_typed *t)
{
    enum dd_got got;
    t->n = 0;
    if (!dd_json_enter(d, GW_JSON_ARRAY, &got))
        return got;
    while (gw_json_item(&d->json)) {
        if (!(t->items = dd_json_room(d, t->items, t->n, sizeof *t->items)))
            return DD_ILL_FORMED;
        got = read_value(d, &t->items[t->n++], true);
        if (got)
            return got;
    }
    return dd_json_walked(d);
}

static enum dd_got read_array(struct dd_decoder *d, void *part, enum dd_field field)
{
    return field == DD_F_VALUES ? read_values(d, part) : dd_json_done(gw_json_skip(&d->json));
}

static enum dd_got read_typed(struct dd_decoder *d, void *part, enum dd_field field)
{
    struct dd_typed *t = part;
    if (field >= DD_F_STRING_VALUE && field <= DD_F_ARRAY_VALUE)
        t->last = field;
    switch (field) {
    case DD_F_TYPE:
        return dd_json_i64(d, &t->type);
    case DD_F_STRING_VALUE:
        return dd_json_text(d, &t->s);
    case DD_F_BOOL_VALUE:
        return dd_json_bool(d, &t->b);
    case DD_F_INT_VALUE:
        return dd_json_i64(d, &t->i);
    case DD_F_DOUBLE_VALUE:
        return dd_json_double(d, &t->d);
    case DD_F_ARRAY_VALUE:
        if (t->in_array)
            return DD_OTHER_TYPE;
        return gw_json_kind(&d->json) == GW_JSON_ARRAY ? read_values(d, t) : read_object(d, read_array, t);
    default:
        return dd_json_done(gw_json_skip(&d->json));
    }
}

static enum dd_got read_bare_number(struct dd_decoder *d, struct dd_typed *t)
{
    enum dd_number_kind kind;
    union dd_number_value v;
    enum dd_got got = dd_json_number(d, &kind, &v);
    t->last = kind == DD_INT ? DD_F_INT_VALUE : DD_F_DOUBLE_VALUE;
    if (kind == DD_INT)
        t->i = v.i;
    else
        t->d = dd_number_double(kind, v);
    return got;
}

/* {type, string_value | bool_value | int_value | double_value | array_value}; a bare value is taken as what it is. */
static enum dd_got read_value(struct dd_decoder *d, struct dd_value *out, bool in_array)
{
    struct dd_typed t = {.type = -1, .in_array = in_array};
    enum dd_got got;
    switch (gw_json_kind(&d->json)) {
    case GW_JSON_OBJECT:
        got = read_object(d, read_typed, &t);
        break;
    case GW_JSON_STRING:
        got = read_typed(d, &t, DD_F_STRING_VALUE);
        break;
    case GW_JSON_BOOL:
        got = read_typed(d, &t, DD_F_BOOL_VALUE);
        break;
    case GW_JSON_ARRAY:
        got = read_typed(d, &t, DD_F_ARRAY_VALUE);
        break;
    case GW_JSON_NUMBER:
        got = read_bare_number(d, &t);
        break;
    default:
        return DD_OTHER_TYPE;
    }
    return got ? got : dd_decode_choose(&t, out) ? DD_TAKEN : DD_OTHER_TYPE;
}

static enum dd_got read_attributes(struct dd_decoder *d, struct dd_event *event)
{
    struct dd_attr attr;
    enum dd_got got;
    event->attrs_n = 0;
    if (!dd_json_enter(d, GW_JSON_OBJECT, &got))
        return got;
    while (gw_json_member(&d->json, &attr.key)) {
        struct gw_json before = d->json;
        got = read_value(d, &attr.value, false);
        if (got == DD_OTHER_TYPE && !dd_json_pass(d, &before)) {
            d->left_out.tags++;
            continue;
        }
        if (got || !(event->attrs = dd_json_room(d, event->attrs, event->attrs_n, sizeof attr)))
            return DD_ILL_FORMED;
        event->attrs[event->attrs_n++] = attr;
    }
    return dd_json_walked(d);
}

static enum dd_got read_event(struct dd_decoder *d, void *part, enum dd_field field)
{
    struct dd_event *event = part;
    enum dd_number_kind kind;
    union dd_number_value v;
    enum dd_got got;
    switch (field) {
    case DD_F_TIME:
        got = dd_json_number(d, &kind, &v);
        if (!got)
            event->time_unix_nano = dd_decode_time(kind, v);
        return got;
    case DD_F_NAME:
        return dd_json_text(d, &event->name);
    case DD_F_ATTRIBUTES:
        return read_attributes(d, event);
    default:
        return dd_json_done(gw_json_skip(&d->json));
    }
}

enum dd_got dd_json_links(struct dd_decoder *d, struct dd_span *s)
{
    struct dd_link link;
    void *links = NULL;
    enum dd_got got = read_list(d, read_link, &link, sizeof link, &links, &s->links_n, &d->left_out.links);
    s->links = links;
    return got;
}

enum dd_got dd_json_events(struct dd_decoder *d, struct dd_span *s)
{
    struct dd_event event;
    void *events = NULL;
    enum dd_got got = read_list(d, read_event, &event, sizeof event, &events, &s->events_n, &d->left_out.events);
    s->events = events;
    return got;
}
