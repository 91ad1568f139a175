/* Writes values of JSON text and of native span events as OTLP AnyValues. Values that are nested too deeply
 * are written as JSON text.
 *
 * Keeps no state; writes into the caller's buffer. Called by dd_events.c and dd_links.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_any.h"

static bool json_number(struct otlp_buf *w, struct gw_json *j)
{
    struct gw_json_number n;
    if (!gw_json_number(j, &n))
        return false;
    if (n.type == GW_JSON_INT)
        otlp_any_int(w, n.i);
    else
        otlp_any_double(w, n.type == GW_JSON_UINT ? (double)n.u : n.d);
    return true;
}

/* Reads the next value and writes the fields of an AnyValue. Returns false after an error in the text. */
static bool any_json(struct otlp_buf *w, struct gw_json *j, struct dd_oddities *odd, unsigned depth);

static bool json_array(struct otlp_buf *w, struct gw_json *j, struct dd_oddities *odd, unsigned depth)
{
    size_t array = otlp_open(w, DD_ANY_ARRAY, 1);
    gw_json_array(j);
    while (gw_json_item(j)) {
        size_t value = otlp_open(w, DD_ANY_VALUES, 1);
        any_json(w, j, odd, depth + 1);
        otlp_close(w, value, 1);
    }
    otlp_close(w, array, 1);
    return !j->why;
}

static bool json_members(struct otlp_buf *w, unsigned field, struct gw_json *j, struct dd_keys *keys,
                         struct dd_oddities *odd, unsigned depth)
{
    gw_str key;
    gw_json_object(j);
    while (gw_json_member(j, &key)) {
        dd_keys_note(keys, j->arena, w, key);
        size_t value, mark = otlp_attr_open(w, field, key, &value);
        any_json(w, j, odd, depth + 1);
        otlp_attr_close(w, mark, value);
    }
    return !j->why;
}

static bool json_object(struct otlp_buf *w, struct gw_json *j, struct dd_oddities *odd, unsigned depth)
{
    struct dd_keys keys = {0};
    size_t list = otlp_open(w, DD_ANY_KVLIST, 2);
    json_members(w, DD_ANY_VALUES, j, &keys, odd, depth);
    dd_keys_finish(&keys, j->arena, w, NULL, 0, odd);
    otlp_close(w, list, 2);
    return !j->why;
}

static bool json_raw(struct otlp_buf *w, struct gw_json *j)
{
    gw_str text;
    if (gw_json_raw(j, &text))
        otlp_any_text(w, text);
    return !j->why;
}

static bool any_json(struct otlp_buf *w, struct gw_json *j, struct dd_oddities *odd, unsigned depth)
{
    gw_str text;
    bool flag;
    switch (gw_json_kind(j)) {
    case GW_JSON_STRING:
        if (gw_json_text(j, &text))
            otlp_any_text(w, text);
        return !j->why;
    case GW_JSON_NUMBER:
        return json_number(w, j);
    case GW_JSON_BOOL:
        if (gw_json_bool(j, &flag))
            otlp_any_bool(w, flag);
        return !j->why;
    case GW_JSON_ARRAY:
        return depth < DD_ANY_DEPTH ? json_array(w, j, odd, depth) : json_raw(w, j);
    case GW_JSON_OBJECT:
        return depth < DD_ANY_DEPTH ? json_object(w, j, odd, depth) : json_raw(w, j);
    default:
        return gw_json_null(j);
    }
}

bool dd_attrs_json(struct otlp_buf *w, unsigned field, struct gw_json *j, const gw_str *without,
                   size_t without_n, struct dd_oddities *odd)
{
    struct dd_keys keys = {0};
    if (gw_json_kind(j) == GW_JSON_NULL)
        return gw_json_null(j);
    bool good = json_members(w, field, j, &keys, odd, 0);
    dd_keys_finish(&keys, j->arena, w, without, without_n, odd);
    return good;
}

/* The destination, and the settings of a walk. */
struct values {
    struct otlp_buf *w;
    struct gw_arena *arena;
    struct dd_oddities *odd;
};

static void any_value(const struct values *, const struct dd_value *, unsigned depth);

static void any_array(const struct values *to, const struct dd_value *v, unsigned depth)
{
    size_t array = otlp_open(to->w, DD_ANY_ARRAY, 1);
    for (size_t i = 0; i < v->array.n; i++) {
        size_t value = otlp_open(to->w, DD_ANY_VALUES, 1);
        any_value(to, &v->array.items[i], depth + 1);
        otlp_close(to->w, value, 1);
    }
    otlp_close(to->w, array, 1);
}

static void any_list(const struct values *to, const struct dd_value *v, unsigned depth)
{
    struct dd_keys keys = {0};
    size_t list = otlp_open(to->w, DD_ANY_KVLIST, 2), value;
    for (size_t i = 0; i < v->list.n; i++) {
        dd_keys_note(&keys, to->arena, to->w, v->list.attrs[i].key);
        size_t mark = otlp_attr_open(to->w, DD_ANY_VALUES, v->list.attrs[i].key, &value);
        any_value(to, &v->list.attrs[i].value, depth + 1);
        otlp_attr_close(to->w, mark, value);
    }
    dd_keys_finish(&keys, to->arena, to->w, NULL, 0, to->odd);
    otlp_close(to->w, list, 2);
}

static void any_value(const struct values *to, const struct dd_value *v, unsigned depth)
{
    switch (v->type) {
    case DD_V_STRING:
        otlp_any_text(to->w, v->s);
        return;
    case DD_V_BOOL:
        otlp_any_bool(to->w, v->b);
        return;
    case DD_V_INT:
        otlp_any_int(to->w, v->i);
        return;
    case DD_V_DOUBLE:
        otlp_any_double(to->w, v->d);
        return;
    case DD_V_BYTES:
        otlp_any_bytes(to->w, v->s);
        return;
    case DD_V_ARRAY:
        if (depth < DD_MAX_DEPTH)
            any_array(to, v, depth);
        return;
    case DD_V_LIST:
        if (depth < DD_MAX_DEPTH)
            any_list(to, v, depth);
    }
}

void dd_attr_value(struct otlp_buf *w, struct gw_arena *arena, unsigned field, const struct dd_attr *attr,
                   struct dd_oddities *odd)
{
    const struct values to = {w, arena, odd};
    size_t value, mark = otlp_attr_open(w, field, attr->key, &value);
    any_value(&to, &attr->value, 0);
    otlp_attr_close(w, mark, value);
}
