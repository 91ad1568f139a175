/* points_json.c: points as JSON, in both shapes that Datakit takes: objects of tags and fields, and lists of
 * fields that name their types ("PB-JSON").
 *
 * Keeps no state beyond the caller's cursor. Called by points.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/points/points.h"

static const char bad_time[] = "the time is not a number of units since 1970";

static void set_number(struct point_value *v, const struct gw_json_number *n)
{
    if (n->type == GW_JSON_UINT) {
        point_set_uint(v, n->u);
        return;
    }
    v->type = n->type == GW_JSON_INT ? POINT_INT : POINT_DOUBLE;
    v->u = n->u;
}

static bool read_value(struct gw_json *j, struct point_value *v)
{
    struct gw_json_number n;
    switch (gw_json_kind(j)) {
    case GW_JSON_STRING:
        return gw_json_text(j, &v->text);
    case GW_JSON_BOOL:
        v->type = POINT_BOOL;
        return gw_json_bool(j, &v->b);
    case GW_JSON_NUMBER:
        if (!gw_json_number(j, &n))
            return false;
        set_number(v, &n);
        return true;
    default:
        v->type = POINT_OTHER;
        return gw_json_raw(j, &v->text);
    }
}

/* Tags that are no text are their JSON. */
static bool as_tag(struct gw_arena *arena, struct point_value *v)
{
    struct gw_text text = {.arena = arena};
    if (v->type == POINT_TEXT)
        return true;
    point_put_json(&text, v);
    *v = (struct point_value){.name = v->name, .type = POINT_TEXT, .text = gw_text_result(&text)};
    return true;
}

static bool read_members(struct points *p, struct point_values *to, bool tags)
{
    struct gw_json *j = &p->json;
    gw_str key;
    if (gw_json_kind(j) == GW_JSON_NULL)
        return gw_json_null(j);
    if (gw_json_kind(j) != GW_JSON_OBJECT || !gw_json_object(j))
        return gw_json_bad(j, "tags and fields want to be objects");
    while (gw_json_member(j, &key)) {
        struct point_value spare = {.type = POINT_TEXT}, *v = point_add(p->arena, to, key);
        v = v ? v : &spare; /* the caller asks the arena */
        if (!read_value(j, v) || (tags && !as_tag(p->arena, v)))
            return false;
    }
    return !j->why;
}

/* --- fields that name their types --- */

/* i and u are numbers in quotes. */
static bool quoted_number(struct gw_json *j, struct point_value *v)
{
    gw_str digits;
    uint64_t natural;
    if (gw_json_kind(j) != GW_JSON_STRING)
        return read_value(j, v);
    if (!gw_json_text(j, &digits))
        return false;
    v->type = POINT_INT;
    if (gw_str_i64(digits, &v->i))
        return true;
    if (!gw_str_u64(digits, &natural))
        return gw_json_bad(j, "a field is no number");
    point_set_uint(v, natural);
    return true;
}

/* { "arr": [ { "i": "1" }, … ] } as JSON. */
static bool read_list(struct points *p, struct point_value *list);

static bool read_typed(struct points *p, gw_str type, struct point_value *v)
{
    struct gw_json *j = &p->json;
    if (gw_str_eq(type, GW_STR("i")) || gw_str_eq(type, GW_STR("u")))
        return quoted_number(j, v);
    if (gw_str_eq(type, GW_STR("f")) || gw_str_eq(type, GW_STR("b")) || gw_str_eq(type, GW_STR("s")) ||
        gw_str_eq(type, GW_STR("d")))
        return read_value(j, v);
    return gw_str_eq(type, GW_STR("a")) ? read_list(p, v) : gw_json_skip(j);
}

static bool read_item(struct points *p, struct gw_text *json)
{
    struct gw_json *j = &p->json;
    struct point_value v = {.type = POINT_TEXT};
    gw_str key;
    if (gw_json_kind(j) != GW_JSON_OBJECT || !gw_json_object(j))
        return gw_json_bad(j, "want an object");
    while (gw_json_member(j, &key))
        if (gw_str_eq(key, GW_STR("a")) ? !gw_json_skip(j) : !read_typed(p, key, &v))
            return false;
    gw_text_put_char(json, json->len ? ',' : '[');
    point_put_json(json, &v);
    return !j->why;
}

static bool read_list(struct points *p, struct point_value *list)
{
    struct gw_json *j = &p->json;
    struct gw_text json = {.arena = p->arena};
    gw_str key;
    if (gw_json_kind(j) != GW_JSON_OBJECT || !gw_json_object(j))
        return gw_json_bad(j, "want an object");
    while (gw_json_member(j, &key)) {
        if (!gw_str_eq(key, GW_STR("arr")) || gw_json_kind(j) != GW_JSON_ARRAY) {
            gw_json_skip(j);
            continue;
        }
        for (gw_json_array(j); gw_json_item(j);)
            if (!read_item(p, &json))
                return false;
    }
    gw_text_put_z(&json, json.len ? "]" : "[]");
    list->type = POINT_OTHER;
    list->text = gw_text_result(&json);
    return !j->why;
}

static bool read_field(struct points *p, struct point *out)
{
    struct gw_json *j = &p->json;
    struct point_value v = {.type = POINT_TEXT};
    bool tag = false;
    gw_str key;
    if (gw_json_kind(j) != GW_JSON_OBJECT || !gw_json_object(j))
        return gw_json_bad(j, "a field wants to be an object");
    while (gw_json_member(j, &key)) {
        bool good = gw_str_eq(key, GW_STR("key"))      ? gw_json_text(j, &v.name)
                    : gw_str_eq(key, GW_STR("is_tag")) ? gw_json_bool(j, &tag)
                                                       : read_typed(p, key, &v);
        if (!good)
            return false;
    }
    if (j->why || !v.name.len)
        return gw_json_bad(j, "a field has no key");
    struct point_value *to = point_add(p->arena, tag ? &out->tags : &out->fields, v.name);
    if (to)
        *to = v;
    return !to || !tag || as_tag(p->arena, to);
}

static bool read_fields(struct points *p, struct point *out)
{
    if (gw_json_kind(&p->json) != GW_JSON_ARRAY)
        return read_members(p, &out->fields, false);
    for (gw_json_array(&p->json); gw_json_item(&p->json);)
        if (!read_field(p, out))
            return false;
    return !p->json.why;
}

/* --- points --- */

static bool read_time(struct gw_json *j, uint64_t precision, uint64_t *ns)
{
    struct gw_json_number n;
    gw_str digits;
    uint64_t time = 0;
    if (gw_json_kind(j) == GW_JSON_STRING) {
        if (!gw_json_text(j, &digits) || !gw_str_u64(digits, &time))
            return gw_json_bad(j, bad_time);
    } else {
        if (gw_json_kind(j) != GW_JSON_NUMBER || !gw_json_number(j, &n) || n.type == GW_JSON_DOUBLE)
            return gw_json_bad(j, bad_time);
        time = n.type == GW_JSON_UINT ? n.u : n.i > 0 ? (uint64_t)n.i : 0;
    }
    return point_time(time, precision, ns) || gw_json_bad(j, bad_time);
}

static bool read_point(struct points *p, struct point *out)
{
    struct gw_json *j = &p->json;
    gw_str key;
    if (gw_json_kind(j) != GW_JSON_OBJECT || !gw_json_object(j))
        return gw_json_bad(j, "want a point, an object");
    while (gw_json_member(j, &key)) {
        bool name = gw_str_eq(key, GW_STR("measurement")) || gw_str_eq(key, GW_STR("name"));
        bool good = name                               ? gw_json_text(j, &out->measurement)
                    : gw_str_eq(key, GW_STR("tags"))   ? read_members(p, &out->tags, true)
                    : gw_str_eq(key, GW_STR("fields")) ? read_fields(p, out)
                    : gw_str_eq(key, GW_STR("time"))   ? read_time(j, p->precision, &out->time)
                                                       : gw_json_skip(j);
        if (!good)
            return false;
    }
    if (j->why)
        return false;
    return out->measurement.len ? out->fields.n || gw_json_bad(j, "a point has no field")
                                : gw_json_bad(j, "a point has no measurement");
}

bool points_next_json(struct points *p, struct point *out)
{
    struct gw_json before;
    if (p->list ? !gw_json_item(&p->json) : gw_json_kind(&p->json) == GW_JSON_NONE)
        return false;
    before = p->json;
    p->pos = (size_t)(before.at - before.begin);
    if (read_point(p, out))
        return true;
    p->why = p->json.why ? p->json.why : "want a point";
    p->pos = (size_t)((p->json.bad ? p->json.bad : p->json.at) - p->json.begin);
    p->json = before;
    return gw_json_skip(&p->json);
}
