/* Reads attributes of v1.0: one array with three values each: key, type, value.
 *
 * Keeps no state; tags go to the decoder's arena. Called by dd_v10.c and dd_v10_parts.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_v10.h"

/* Reads the number of attributes. */
static enum dd_got read_count(struct dd_decoder *d, uint32_t *n)
{
    enum dd_got got = dd_msgpack_array(&d->in, n);
    if (!got && *n % 3)
        return DD_OTHER_TYPE;
    *n /= 3;
    return got;
}

static inline enum dd_got read_type(struct dd_decoder *d, uint64_t *type)
{
    return dd_msgpack_u64(&d->in, type);
}

/* ---- values with their types ---- */

static enum dd_got read_value(struct dd_decoder *d, struct dd_value *out, unsigned depth);

static enum dd_got read_bytes(struct dd_decoder *d, gw_str *out)
{
    enum dd_kind kind = dd_msgpack_kind(&d->in);
    return kind == DD_BIN || kind == DD_NIL ? dd_msgpack_text(&d->in, out) : DD_OTHER_TYPE;
}

/* Reads an array; its elements are two values each: type, value. */
static enum dd_got read_array(struct dd_decoder *d, struct dd_value *out, unsigned depth)
{
    uint32_t n = 0;
    enum dd_got got = dd_msgpack_array(&d->in, &n);
    if (!got && n % 2)
        got = DD_OTHER_TYPE;
    if (got)
        return got;
    out->array.n = n /= 2;
    out->array.items = n ? gw_new(d->arena, struct dd_value, n) : NULL;
    if (n && !out->array.items)
        return DD_ILL_FORMED;
    for (uint32_t i = 0; !got && i < n; i++)
        got = read_value(d, &out->array.items[i], depth + 1);
    return got;
}

static enum dd_got read_list(struct dd_decoder *d, struct dd_value *out, unsigned depth)
{
    uint32_t n = 0;
    enum dd_got got = read_count(d, &n);
    if (got)
        return got;
    out->list.n = n;
    out->list.attrs = n ? gw_new(d->arena, struct dd_attr, n) : NULL;
    if (n && !out->list.attrs)
        return DD_ILL_FORMED;
    for (uint32_t i = 0; !got && i < n; i++) {
        got = dd_v10_text(d, &out->list.attrs[i].key);
        if (!got)
            got = read_value(d, &out->list.attrs[i].value, depth + 1);
    }
    return got;
}

/* Reads a type and a value of that type. */
static enum dd_got read_value(struct dd_decoder *d, struct dd_value *out, unsigned depth)
{
    uint64_t type;
    enum dd_got got = read_type(d, &type);
    if (got || depth > DD_MAX_DEPTH)
        return got ? got : DD_OTHER_TYPE;
    switch (type) {
    case DD_V10_TEXT:
        out->type = DD_V_STRING;
        return dd_v10_text(d, &out->s);
    case DD_V10_BOOL:
        out->type = DD_V_BOOL;
        return dd_msgpack_bool(&d->in, &out->b);
    case DD_V10_DOUBLE:
        out->type = DD_V_DOUBLE;
        return dd_msgpack_double(&d->in, &out->d);
    case DD_V10_INT:
        out->type = DD_V_INT;
        return dd_msgpack_i64(&d->in, &out->i);
    case DD_V10_BYTES:
        out->type = DD_V_BYTES;
        return read_bytes(d, &out->s);
    case DD_V10_ARRAY:
        out->type = DD_V_ARRAY;
        return read_array(d, out, depth);
    case DD_V10_LIST:
        out->type = DD_V_LIST;
        return read_list(d, out, depth);
    default:
        return DD_OTHER_TYPE;
    }
}

/* ---- tags ---- */

/* Leaves out an attribute that could not be read: skips n values from `start` on. A number beyond the table
 * refuses the span. */
static enum dd_got leave_out(struct dd_decoder *d, const uint8_t *start, unsigned n)
{
    if (d->texts.outside)
        return DD_OTHER_TYPE;
    d->left_out.tags++;
    return dd_v10_pass(d, start, n);
}

/* Reads any attribute that is neither text nor number, or whose value does not match its type. `start`: the
 * position of its type. */
static enum dd_got read_tag_any(struct dd_decoder *d, struct dd_spread *to, gw_str key, const uint8_t *start)
{
    struct dd_value v = {0};
    d->in.at = start;
    enum dd_got got = read_value(d, &v, 0);
    if (got)
        return got == DD_OTHER_TYPE ? leave_out(d, start, 2) : got;
    return dd_spread_value(d->arena, to, key, &v) ? DD_TAKEN : DD_ILL_FORMED;
}

static inline enum dd_got read_tag(struct dd_decoder *d, struct dd_spread *to)
{
    gw_str key, value;
    struct dd_number number;
    union dd_number_value v;
    const uint8_t *start = d->in.at;
    enum dd_got got = dd_v10_text(d, &key);
    if (__builtin_expect(got, 0)) /* a key that is not text is no known key */
        return got == DD_OTHER_TYPE ? leave_out(d, start, 3) : got;
    start = d->in.at;
    unsigned type = start < d->in.end ? *start : 0;
    bool is_number = type == DD_V10_DOUBLE || type == DD_V10_INT;
    d->in.at += type == DD_V10_TEXT || is_number;
    if (type == DD_V10_TEXT && !dd_v10_text(d, &value))
        return dd_spread_text(d->arena, to, key, value) ? DD_TAKEN : DD_ILL_FORMED;
    if (is_number && !dd_msgpack_number(&d->in, &number.kind, &v)) {
        number.key = key;
        number.u = v.u;
        return dd_spread_number(d->arena, to, number) ? DD_TAKEN : DD_ILL_FORMED;
    }
    return read_tag_any(d, to, key, start);
}

enum dd_got dd_v10_attributes(struct dd_decoder *d, struct dd_spread *to)
{
    uint32_t n = 0;
    enum dd_got got = read_count(d, &n);
    if (got)
        return got;
    *to = (struct dd_spread){.meta_room = n + DD_PROMOTEDS, .metrics_room = n};
    to->meta = gw_arena_raw(d->arena, to->meta_room, sizeof *to->meta);
    to->metrics = n ? gw_arena_raw(d->arena, n, sizeof *to->metrics) : NULL;
    if (!to->meta || (n && !to->metrics))
        return DD_ILL_FORMED;
    for (uint32_t i = 0; !got && i < n; i++)
        got = read_tag(d, to);
    return got;
}

enum dd_got dd_v10_attribute_texts(struct dd_decoder *d, struct dd_text **out, size_t *out_n)
{
    struct dd_spread tags = {0};
    enum dd_got got = dd_v10_attributes(d, &tags);
    if (got)
        return got;
    bool room = dd_spread_texts(d->arena, &tags);
    *out = tags.meta;
    *out_n = tags.meta_n;
    return room ? DD_TAKEN : DD_ILL_FORMED;
}

enum dd_got dd_v10_attribute_values(struct dd_decoder *d, struct dd_attr **out, size_t *out_n)
{
    uint32_t n = 0;
    enum dd_got got = read_count(d, &n);
    if (got)
        return got;
    *out_n = 0;
    *out = n ? gw_new(d->arena, struct dd_attr, n) : NULL;
    if (n && !*out)
        return DD_ILL_FORMED;
    for (uint32_t i = 0; !got && i < n; i++) {
        struct dd_attr *attr = &(*out)[*out_n];
        const uint8_t *start = d->in.at;
        got = dd_v10_text(d, &attr->key);
        if (!got)
            got = read_value(d, &attr->value, 0);
        if (got == DD_OTHER_TYPE) {
            *attr = (struct dd_attr){0};
            got = leave_out(d, start, 3);
        } else {
            ++*out_n;
        }
    }
    return got;
}
