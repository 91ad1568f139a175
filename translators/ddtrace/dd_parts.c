/* Native span links and span events: what each key of them means. How a value is read is the format's business (dd_parts.h).
 *
 * Keeps no state. Called by dd_v04.c and dd_json.c; calls back into dd_parts_msgpack.c or dd_json_parts.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_parts.h"

static enum dd_got read_link(const struct dd_part_reader *r, struct dd_decoder *d, void *part, enum dd_field field)
{
    struct dd_link *link = part;
    uint64_t flags;
    enum dd_got got;
    switch (field) {
    case DD_F_TRACE_ID:
        return r->u64(d, &link->trace_id);
    case DD_F_TRACE_ID_HIGH:
        return r->u64(d, &link->trace_id_high);
    case DD_F_SPAN_ID:
        return r->u64(d, &link->span_id);
    case DD_F_TRACESTATE:
        return r->text(d, &link->tracestate);
    case DD_F_FLAGS:
        got = r->u64(d, &flags);
        if (!got)
            link->flags = (uint32_t)flags;
        return got;
    case DD_F_ATTRIBUTES:
        return r->link_attributes(d, &link->attrs, &link->attrs_n);
    default:
        return r->skip(d);
    }
}

static enum dd_got read_array(const struct dd_part_reader *r, struct dd_decoder *d, void *part, enum dd_field field)
{
    return field == DD_F_VALUES ? r->elements(d, part) : r->skip(d);
}

/* {values: [...]}, or the list itself; Datadog's arrays hold no arrays. */
static enum dd_got read_array_value(const struct dd_part_reader *r, struct dd_decoder *d, struct dd_typed *t)
{
    if (t->in_array)
        return DD_OTHER_TYPE;
    return r->is_list(d) ? r->elements(d, t) : r->map(d, read_array, t);
}

enum dd_got dd_parts_typed(const struct dd_part_reader *r, struct dd_decoder *d, void *part, enum dd_field field)
{
    struct dd_typed *t = part;
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
        return read_array_value(r, d, t);
    default:
        return r->skip(d);
    }
}

static enum dd_got read_event(const struct dd_part_reader *r, struct dd_decoder *d, void *part, enum dd_field field)
{
    struct dd_event *event = part;
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

enum dd_got dd_parts_links(const struct dd_part_reader *r, struct dd_decoder *d, struct dd_span *s)
{
    void *links = NULL;
    enum dd_got got = r->list(d, read_link, sizeof *s->links, &links, &s->links_n, &d->left_out.links);
    s->links = links;
    return got;
}

enum dd_got dd_parts_events(const struct dd_part_reader *r, struct dd_decoder *d, struct dd_span *s)
{
    void *events = NULL;
    enum dd_got got = r->list(d, read_event, sizeof *s->events, &events, &s->events_n, &d->left_out.events);
    s->events = events;
    return got;
}
