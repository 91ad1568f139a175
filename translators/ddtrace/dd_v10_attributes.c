/* Attributes of v1.0: one array, three values each: key, type, value.
 *
 * Keeps no state; tags go to the decoder's arena. Called by dd_v10.c and dd_v10_parts.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_strings.h"
#include "translators/ddtrace/dd_v10.h"

const gw_str dd_v10_bools[2] = {GW_LIT("false"), GW_LIT("true")};

/* How many attributes follow. */
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

/* Elements are two values each: type, value. */
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

/* A type and a value of it. */
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

/* Room for one more entry; all three kinds have one size. */
static bool make_room(struct gw_arena *arena, void *list, size_t n, size_t *room)
{
    _Static_assert(sizeof(struct dd_text) == sizeof(struct dd_number), "an entry is an entry");
    void **entries = list;
    size_t more = *room ? 2 * *room : 8;
    if (n < *room)
        return true;
    struct dd_text *copy = gw_arena_raw(arena, more, sizeof *copy);
    if (!copy)
        return false;
    if (n)
        memcpy(copy, *entries, n * sizeof *copy);
    *entries = copy;
    *room = more;
    return true;
}

static bool put_text(struct dd_decoder *d, struct dd_v10_tags *to, gw_str key, gw_str value)
{
    if (to->meta_n == to->meta_room && !make_room(d->arena, &to->meta, to->meta_n, &to->meta_room))
        return false;
    to->meta[to->meta_n++] = (struct dd_text){key, value};
    return true;
}

static bool put_number(struct dd_decoder *d, struct dd_v10_tags *to, struct dd_number number)
{
    if (to->metrics_n == to->metrics_room &&
        !make_room(d->arena, &to->metrics, to->metrics_n, &to->metrics_room))
        return false;
    to->metrics[to->metrics_n++] = number;
    return true;
}

static bool put_struct(struct dd_decoder *d, struct dd_v10_tags *to, gw_str key, gw_str value)
{
    if (to->structs_n == to->structs_room &&
        !make_room(d->arena, &to->structs, to->structs_n, &to->structs_room))
        return false;
    to->structs[to->structs_n++] = (struct dd_text){key, value};
    return true;
}

static bool spread(struct dd_decoder *, struct dd_v10_tags *, gw_str key, const struct dd_value *);

static bool spread_array(struct dd_decoder *d, struct dd_v10_tags *to, gw_str key, const struct dd_value *v)
{
    bool room = v->array.n || put_text(d, to, key, GW_STR("[]"));
    for (size_t i = 0; room && i < v->array.n; i++)
        room = spread(d, to, gw_arena_printf(d->arena, "%.*s.%zu", GW_FMT(key), i), &v->array.items[i]);
    return room;
}

static bool spread_list(struct dd_decoder *d, struct dd_v10_tags *to, gw_str key, const struct dd_value *v)
{
    bool room = v->list.n || put_text(d, to, key, GW_STR("{}"));
    for (size_t i = 0; room && i < v->list.n; i++)
        room = spread(d, to, dd_concat(d->arena, key, GW_STR("."), v->list.attrs[i].key),
                      &v->list.attrs[i].value);
    return room;
}

/* One tag for each value in it. False when the arena is spent. */
static bool spread(struct dd_decoder *d, struct dd_v10_tags *to, gw_str key, const struct dd_value *v)
{
    if (d->arena->spent)
        return false;
    switch (v->type) {
    case DD_V_STRING:
        return put_text(d, to, key, v->s);
    case DD_V_BOOL:
        return put_text(d, to, key, dd_v10_bools[v->b]);
    case DD_V_INT:
        return put_number(d, to, (struct dd_number){.key = key, .kind = DD_INT, .i = v->i});
    case DD_V_DOUBLE:
        return put_number(d, to, (struct dd_number){.key = key, .kind = DD_DOUBLE, .d = v->d});
    case DD_V_BYTES:
        return put_struct(d, to, key, v->s);
    case DD_V_ARRAY:
        return spread_array(d, to, key, v);
    case DD_V_LIST:
        return spread_list(d, to, key, v);
    }
    return true;
}

/* What could not be read is left out: n values from `start` on. A number that no entry has costs the span. */
static enum dd_got leave_out(struct dd_decoder *d, const uint8_t *start, unsigned n)
{
    if (d->texts.outside)
        return DD_OTHER_TYPE;
    d->left_out.tags++;
    return dd_v10_pass(d, start, n);
}

/* Any attribute that is neither text nor a number, or not what its type says. `start`: where its type
 * stands. */
static enum dd_got read_tag_any(struct dd_decoder *d, struct dd_v10_tags *to, gw_str key,
                                const uint8_t *start)
{
    struct dd_value v = {0};
    d->in.at = start;
    enum dd_got got = read_value(d, &v, 0);
    if (got)
        return got == DD_OTHER_TYPE ? leave_out(d, start, 2) : got;
    return spread(d, to, key, &v) ? DD_TAKEN : DD_ILL_FORMED;
}

static inline enum dd_got read_tag(struct dd_decoder *d, struct dd_v10_tags *to)
{
    gw_str key, value;
    struct dd_number number;
    union dd_number_value v;
    const uint8_t *start = d->in.at;
    enum dd_got got = dd_v10_text(d, &key);
    if (__builtin_expect(got, 0)) /* no text names nothing */
        return got == DD_OTHER_TYPE ? leave_out(d, start, 3) : got;
    start = d->in.at;
    unsigned type = start < d->in.end ? *start : 0;
    bool is_number = type == DD_V10_DOUBLE || type == DD_V10_INT;
    d->in.at += type == DD_V10_TEXT || is_number;
    if (type == DD_V10_TEXT && !dd_v10_text(d, &value))
        return put_text(d, to, key, value) ? DD_TAKEN : DD_ILL_FORMED;
    if (is_number && !dd_msgpack_number(&d->in, &number.kind, &v)) {
        number.key = key;
        number.u = v.u;
        return put_number(d, to, number) ? DD_TAKEN : DD_ILL_FORMED;
    }
    return read_tag_any(d, to, key, start);
}

enum dd_got dd_v10_attributes(struct dd_decoder *d, struct dd_v10_tags *to)
{
    uint32_t n = 0;
    enum dd_got got = read_count(d, &n);
    if (got)
        return got;
    *to = (struct dd_v10_tags){.meta_room = n + DD_PROMOTEDS, .metrics_room = n};
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
    struct dd_v10_tags tags = {0};
    bool room = true;
    enum dd_got got = dd_v10_attributes(d, &tags);
    if (got)
        return got;
    for (size_t i = 0; room && i < tags.metrics_n; i++) {
        const struct dd_number *n = &tags.metrics[i];
        union dd_number_value v = {.u = n->u};
        room = put_text(d, &tags, n->key, dd_decode_number_text(d->arena, n->kind, v));
    }
    for (size_t i = 0; room && i < tags.structs_n; i++)
        room = put_text(d, &tags, tags.structs[i].key, tags.structs[i].value);
    *out = tags.meta;
    *out_n = tags.meta_n;
    return room && !d->arena->spent ? DD_TAKEN : DD_ILL_FORMED;
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
