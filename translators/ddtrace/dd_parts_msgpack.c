/* Reads native span links and span events in msgpack: lists of maps with text keys. dd_parts.h defines the
 * keys.
 *
 * Keeps no state; parts go to the decoder's arena. Called by dd_v04.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_parts.h"

static const struct dd_part_reader reader;

static enum dd_got read_text(struct dd_decoder *d, gw_str *out)
{
    return dd_msgpack_text(&d->in, out);
}

static enum dd_got read_bool(struct dd_decoder *d, bool *out)
{
    return dd_msgpack_bool(&d->in, out);
}

static enum dd_got read_u64(struct dd_decoder *d, uint64_t *out)
{
    return dd_msgpack_u64(&d->in, out);
}

static enum dd_got read_i64(struct dd_decoder *d, int64_t *out)
{
    return dd_msgpack_i64(&d->in, out);
}

static enum dd_got read_double(struct dd_decoder *d, double *out)
{
    return dd_msgpack_double(&d->in, out);
}

static enum dd_got read_number(struct dd_decoder *d, enum dd_number_kind *kind, union dd_number_value *v)
{
    return dd_msgpack_number(&d->in, kind, v);
}

static enum dd_got skip_value(struct dd_decoder *d)
{
    return dd_msgpack_skip(&d->in);
}

static bool is_text(struct dd_decoder *d)
{
    return dd_msgpack_kind(&d->in) == DD_STR;
}

static bool is_list(struct dd_decoder *d)
{
    return dd_msgpack_kind(&d->in) == DD_ARRAY;
}

static enum dd_got read_map(struct dd_decoder *d, dd_read_part_f *read, void *part)
{
    uint32_t n;
    enum dd_got got = dd_msgpack_map(&d->in, &n);
    for (uint32_t i = 0; !got && i < n; i++) {
        gw_str key = GW_NOSTR;
        got = dd_msgpack_text(&d->in, &key);
        if (got == DD_OTHER_TYPE) /* a key that is not text is no known key */
            got = dd_msgpack_skip(&d->in);
        if (!got)
            got = read(d, part, dd_part_field(key));
    }
    return got;
}

static enum dd_got read_list(struct dd_decoder *d, dd_read_part_f *read, size_t size, void **out,
                             size_t *out_n, uint64_t *left_out)
{
    uint32_t n;
    enum dd_got got = dd_msgpack_array(&d->in, &n);
    if (got)
        return got;
    char *parts = n ? gw_arena_array(d->arena, n, size) : NULL;
    if (n && !parts)
        return DD_ILL_FORMED;
    *out = parts;
    *out_n = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *start = d->in.at;
        char *part = parts + *out_n * size;
        if (dd_msgpack_nil(&d->in))
            continue;
        got = read_map(d, read, part);
        if (got == DD_TAKEN) {
            ++*out_n;
            continue;
        }
        if (got == DD_ILL_FORMED || dd_decode_pass(d, start))
            return DD_ILL_FORMED;
        ++*left_out;
        memset(part, 0, size);
    }
    return DD_TAKEN;
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
    static const enum dd_field bare[] = {
        [DD_BOOL] = DD_F_BOOL_VALUE,  [DD_INTEGER] = DD_F_INT_VALUE, [DD_FLOAT] = DD_F_DOUBLE_VALUE,
        [DD_STR] = DD_F_STRING_VALUE, [DD_ARRAY] = DD_F_ARRAY_VALUE, [DD_EXT] = DD_F_UNKNOWN};
    struct dd_typed t = {.type = -1, .in_array = in_array};
    enum dd_kind kind = dd_msgpack_kind(&d->in);
    enum dd_got got;
    if (kind == DD_MAP)
        got = read_map(d, read_typed, &t);
    else if (bare[kind])
        got = read_typed(d, &t, bare[kind]);
    else
        got = kind <= DD_NEVER ? dd_msgpack_skip(&d->in) : DD_OTHER_TYPE;
    return got ? got : dd_decode_choose(&t, out) ? DD_TAKEN : DD_OTHER_TYPE;
}

static enum dd_got read_elements(struct dd_decoder *d, struct dd_typed *t)
{
    uint32_t n;
    enum dd_got got = dd_msgpack_array(&d->in, &n);
    if (got)
        return got;
    t->items = n ? gw_new(d->arena, struct dd_value, n) : NULL;
    t->n = n;
    if (n && !t->items)
        return DD_ILL_FORMED;
    for (uint32_t i = 0; !got && i < n; i++)
        got = read_value(d, &t->items[i], true);
    return got;
}

static enum dd_got read_array_member(struct dd_decoder *d, void *part, enum dd_field field)
{
    return field == DD_F_VALUES ? read_elements(d, part) : skip_value(d);
}

static enum dd_got read_array(struct dd_decoder *d, struct dd_typed *t)
{
    return read_map(d, read_array_member, t);
}

static enum dd_got read_event_attributes(struct dd_decoder *d, struct dd_event *event)
{
    uint32_t n;
    enum dd_got got = dd_msgpack_map(&d->in, &n);
    if (got)
        return got;
    event->attrs = n ? gw_new(d->arena, struct dd_attr, n) : NULL;
    event->attrs_n = 0;
    if (n && !event->attrs)
        return DD_ILL_FORMED;
    for (uint32_t i = 0; i < n; i++) {
        struct dd_attr *attr = &event->attrs[event->attrs_n];
        bool named = false;
        got = dd_maps_key(d, &attr->key, &named);
        if (got)
            return got;
        const uint8_t *start = d->in.at;
        got = named ? read_value(d, &attr->value, false) : DD_OTHER_TYPE;
        if (got == DD_TAKEN) {
            event->attrs_n++;
            continue;
        }
        if (got == DD_ILL_FORMED || dd_decode_pass(d, start))
            return DD_ILL_FORMED;
        d->left_out.tags++;
    }
    return DD_TAKEN;
}

static const struct dd_part_reader reader = {
    .text = read_text,
    .boolean = read_bool,
    .u64 = read_u64,
    .i64 = read_i64,
    .real = read_double,
    .number = read_number,
    .skip = skip_value,
    .link_attributes = dd_maps_texts,
    .event_attributes = read_event_attributes,
    .is_text = is_text,
    .is_list = is_list,
    .elements = read_elements,
    .array = read_array,
    .list = read_list,
    .link = read_link,
    .event = read_event,
};

enum dd_got dd_parts_links(struct dd_decoder *d, struct dd_span *s)
{
    return dd_part_links(&reader, d, s);
}

enum dd_got dd_parts_events(struct dd_decoder *d, struct dd_span *s)
{
    return dd_part_events(&reader, d, s);
}
