/* Reads native span links and span events in JSON: lists of objects. dd_parts.h defines the keys.
 *
 * Keeps no state; parts go to the decoder's arena. Called by dd_json.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_json.h"
#include "translators/ddtrace/dd_parts.h"

static const struct dd_part_reader reader;

/* A part that is being read. */
union part {
    struct dd_link link;
    struct dd_event event;
};

static enum dd_got skip_value(struct dd_decoder *d)
{
    return dd_json_done(gw_json_skip(&d->json));
}

static bool is_text(struct dd_decoder *d)
{
    return gw_json_kind(&d->json) == GW_JSON_STRING;
}

static bool is_list(struct dd_decoder *d)
{
    return gw_json_kind(&d->json) == GW_JSON_ARRAY;
}

static enum dd_got read_object(struct dd_decoder *d, dd_read_part_f *read, void *part)
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

static enum dd_got read_list(struct dd_decoder *d, dd_read_part_f *read, size_t size, void **out,
                             size_t *out_n, uint64_t *left_out)
{
    union part part;
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
        got = read_object(d, read, memset(&part, 0, sizeof part));
        if (got == DD_OTHER_TYPE && !dd_json_pass(d, &before)) {
            ++*left_out;
            continue;
        }
        if (got || !(*out = dd_json_room(d, *out, *out_n, size)))
            return DD_ILL_FORMED;
        memcpy((char *)*out + (*out_n)++ * size, &part, size);
    }
    return dd_json_walked(d);
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

static enum dd_got read_link(struct dd_decoder *d, void *part, enum dd_field field)
{
    return dd_part_link(&reader, d, part, field);
}

static enum dd_got read_event(struct dd_decoder *d, void *part, enum dd_field field)
{
    return dd_part_event(&reader, d, part, field);
}

static enum dd_got read_typed(struct dd_decoder *d, void *part, enum dd_field field)
{
    return dd_part_typed(&reader, d, part, field);
}

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

static enum dd_got read_elements(struct dd_decoder *d, struct dd_typed *t)
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

static enum dd_got read_array_member(struct dd_decoder *d, void *part, enum dd_field field)
{
    return field == DD_F_VALUES ? read_elements(d, part) : skip_value(d);
}

static enum dd_got read_array(struct dd_decoder *d, struct dd_typed *t)
{
    return read_object(d, read_array_member, t);
}

static enum dd_got read_event_attributes(struct dd_decoder *d, struct dd_event *event)
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

static const struct dd_part_reader reader = {
    .text = dd_json_text,
    .boolean = dd_json_bool,
    .u64 = dd_json_u64,
    .i64 = dd_json_i64,
    .real = dd_json_double,
    .number = dd_json_number,
    .skip = skip_value,
    .link_attributes = dd_json_texts,
    .event_attributes = read_event_attributes,
    .is_text = is_text,
    .is_list = is_list,
    .elements = read_elements,
    .array = read_array,
    .list = read_list,
    .link = read_link,
    .event = read_event,
};

enum dd_got dd_json_links(struct dd_decoder *d, struct dd_span *s)
{
    return dd_part_links(&reader, d, s);
}

enum dd_got dd_json_events(struct dd_decoder *d, struct dd_span *s)
{
    return dd_part_events(&reader, d, s);
}
