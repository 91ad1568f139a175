/* line_point.c: Collects the tags and fields of a point of line protocol and writes it; also reads OTLP's
 * values for that. Owns nothing. Called by line_span.c, line_log.c and line_metric.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "exporters/encoding/line_point.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "core/base/hex.h"

enum { FIRST_ROOM = 16 };

/* --- values --- */

static struct line_value *add(struct line_point *p, struct line_values *to, gw_str name)
{
    if (!name.len)
        return NULL;
    if (to->n == to->room) {
        size_t room = to->room ? 2 * to->room : FIRST_ROOM;
        struct line_value *more = gw_arena_raw(p->arena, room, sizeof *more);
        if (!more)
            return NULL;
        if (to->n)
            memcpy(more, to->list, to->n * sizeof *more);
        to->list = more;
        to->room = room;
    }
    struct line_value *v = &to->list[to->n];
    *v = (struct line_value){.name = name, .place = to->n++};
    return v;
}

/* The text as a tag allows it: no line end, and no backslash at its end, which would escape the next
 * character. */
static gw_str tag_text(struct gw_arena *arena, gw_str value)
{
    while (value.len && value.ptr[value.len - 1] == '\\')
        value.len--;
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < ' ') {
            char *copy = gw_arena_raw(arena, value.len, 1);
            for (size_t k = 0; copy && k < value.len; k++)
                copy[k] = (unsigned char)value.ptr[k] < ' ' ? ' ' : value.ptr[k];
            return gw_str_n(copy, copy ? value.len : 0);
        }
    return value;
}

void line_tag(struct line_point *p, gw_str name, gw_str value)
{
    gw_str text = tag_text(p->arena, value);
    struct line_value *v = text.len ? add(p, &p->tags, name) : NULL;
    if (v)
        v->text = text;
}

void line_text(struct line_point *p, gw_str name, gw_str value)
{
    struct line_value *v = add(p, &p->fields, name);
    if (v)
        v->text = value;
}

void line_int(struct line_point *p, gw_str name, int64_t value)
{
    struct line_value *v = add(p, &p->fields, name);
    if (!v)
        return;
    v->type = LINE_INT;
    v->i = value;
}

void line_float(struct line_point *p, gw_str name, double value)
{
    struct line_value *v = isfinite(value) ? add(p, &p->fields, name) : NULL;
    if (!v)
        return;
    v->type = LINE_FLOAT;
    v->d = value;
}

/* --- OTLP's values --- */

#define IS(v, KIND) ((v)->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_##KIND##_VALUE)

gw_str line_text_of(const line_any *v)
{
    return v && IS(v, STRING) ? line_bytes(v->string_value) : GW_NOSTR;
}

const line_any *line_find(line_attribute *const *list, size_t n, const char *key)
{
    gw_str wanted = gw_str_z(key);
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(line_bytes(list[i]->key), wanted))
            return list[i]->value;
    return NULL;
}

static void put_number(struct gw_text *t, const line_any *v)
{
    char number[GW_NUMBER_SIZE];
    if (IS(v, DOUBLE) && !isfinite(v->double_value))
        gw_text_put_json(t, gw_str_n(number, gw_float_json(number, v->double_value)));
    else
        gw_text_put(t, number,
                    IS(v, DOUBLE) ? gw_float_json(number, v->double_value)
                                  : gw_i64_text(number, v->int_value));
}

static void put_list(struct gw_text *t, const Opentelemetry__Proto__Common__V1__ArrayValue *list)
{
    gw_text_put_char(t, '[');
    for (size_t i = 0; i < list->n_values; i++) {
        if (i)
            gw_text_put_char(t, ',');
        line_put_json(t, list->values[i]);
    }
    gw_text_put_char(t, ']');
}

static void put_map(struct gw_text *t, const Opentelemetry__Proto__Common__V1__KeyValueList *map)
{
    gw_text_put_char(t, '{');
    for (size_t i = 0; i < map->n_values; i++) {
        if (i)
            gw_text_put_char(t, ',');
        gw_text_put_json(t, line_bytes(map->values[i]->key));
        gw_text_put_char(t, ':');
        line_put_json(t, map->values[i]->value);
    }
    gw_text_put_char(t, '}');
}

static void put_hex(struct gw_text *t, ProtobufCBinaryData b)
{
    char digits[2];
    gw_text_put_char(t, '"');
    for (size_t i = 0; i < b.len; i++)
        gw_text_put(t, digits, (size_t)(gw_hex_put(digits, &b.data[i], 1) - digits));
    gw_text_put_char(t, '"');
}

/* At most as deep as otlp_read allows. */
void line_put_json(struct gw_text *t, const line_any *v)
{
    if (!v)
        gw_text_put_z(t, "null");
    else if (IS(v, STRING))
        gw_text_put_json(t, line_bytes(v->string_value));
    else if (IS(v, BOOL))
        gw_text_put_z(t, v->bool_value ? "true" : "false");
    else if (IS(v, INT) || IS(v, DOUBLE))
        put_number(t, v);
    else if (IS(v, ARRAY))
        put_list(t, v->array_value);
    else if (IS(v, KVLIST))
        put_map(t, v->kvlist_value);
    else if (IS(v, BYTES))
        put_hex(t, v->bytes_value);
    else
        gw_text_put_z(t, "null");
}

static gw_str json_of(struct gw_arena *arena, const line_any *v)
{
    struct gw_text t = {.arena = arena};
    line_put_json(&t, v);
    return gw_text_result(&t);
}

void line_any_field(struct line_point *p, gw_str name, const line_any *v)
{
    if (!v || v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE__NOT_SET)
        return;
    if (IS(v, STRING)) {
        line_text(p, name, line_bytes(v->string_value));
    } else if (IS(v, INT)) {
        line_int(p, name, v->int_value);
    } else if (IS(v, DOUBLE) && isfinite(v->double_value)) {
        line_float(p, name, v->double_value);
    } else if (IS(v, BOOL)) {
        struct line_value *field = add(p, &p->fields, name);
        if (field) {
            field->type = LINE_BOOL;
            field->b = v->bool_value;
        }
    } else {
        line_text(p, name, json_of(p->arena, v));
    }
}

void line_any_tag(struct line_point *p, gw_str name, const line_any *v)
{
    if (v && v->value_case != OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE__NOT_SET)
        line_tag(p, name, IS(v, STRING) ? line_bytes(v->string_value) : json_of(p->arena, v));
}

/* --- ids --- */

uint64_t line_id_number(ProtobufCBinaryData id)
{
    uint64_t number = 0;
    for (size_t i = id.len > 8 ? id.len - 8 : 0; i < id.len; i++)
        number = number << 8 | id.data[i];
    return number;
}

gw_str line_id(struct gw_arena *arena, ProtobufCBinaryData id, enum line_ids form)
{
    if (form == LINE_IDS_DECIMAL || !id.len)
        return gw_arena_printf(arena, "%" PRIu64, line_id_number(id));
    char *digits = gw_arena_raw(arena, 2 * id.len, 1);
    if (!digits)
        return GW_NOSTR;
    gw_hex_put(digits, id.data, id.len);
    return gw_str_n(digits, 2 * id.len);
}

/* --- resources --- */

static const struct {
    const char *attribute;
    gw_str tag;
} resource_tags[] = {{"service.name", GW_LIT("service")},
                     {"deployment.environment.name", GW_LIT("env")},
                     {"service.version", GW_LIT("version")},
                     {"host.name", GW_LIT("host")}};

enum { RESOURCE_TAGS = sizeof resource_tags / sizeof *resource_tags };

static bool has_tag(gw_str attribute)
{
    for (size_t i = 0; i < RESOURCE_TAGS; i++)
        if (gw_str_eq(attribute, gw_str_z(resource_tags[i].attribute)))
            return true;
    return false;
}

void line_resource(struct line_point *p, line_attribute *const *list, size_t n, bool all)
{
    for (size_t i = 0; i < RESOURCE_TAGS; i++)
        line_any_tag(p, resource_tags[i].tag, line_find(list, n, resource_tags[i].attribute));
    for (size_t i = 0; all && i < n; i++)
        if (!has_tag(line_bytes(list[i]->key)))
            line_any_tag(p, line_bytes(list[i]->key), list[i]->value);
}

/* --- the line --- */

/* Puts a backslash before each of these; characters that are not allowed in a name become blanks. */
static void put_escaped(struct out *o, gw_str s, const char *special)
{
    for (size_t i = 0, from = 0; s.len && i <= s.len; i++) {
        bool ends = i == s.len, control = !ends && (unsigned char)s.ptr[i] < ' ';
        if (!ends && !control && !gw_char_in(s.ptr[i], special))
            continue;
        out_bytes(o, gw_str_n(s.ptr + from, i - from));
        if (!ends)
            out_char(o, control ? ' ' : '\\');
        from = control ? i + 1 : i;
    }
}

/* A field's text may have line ends. */
static void put_quoted(struct out *o, gw_str s)
{
    out_char(o, '"');
    for (size_t i = 0, from = 0; s.len && i <= s.len; i++) {
        if (i < s.len && s.ptr[i] != '"' && s.ptr[i] != '\\')
            continue;
        out_bytes(o, gw_str_n(s.ptr + from, i - from));
        if (i < s.len)
            out_char(o, '\\');
        from = i;
    }
    out_char(o, '"');
}

static void put_field(struct out *o, const struct line_value *v)
{
    char number[GW_NUMBER_SIZE];
    switch (v->type) {
    case LINE_TEXT:
        put_quoted(o, v->text);
        break;
    case LINE_INT:
        out_printf(o, "%" PRId64 "i", v->i);
        break;
    case LINE_FLOAT:
        out_bytes(o, gw_str_n(number, gw_float_json(number, v->d)));
        break;
    case LINE_BOOL:
        out_word(o, v->b ? "true" : "false");
    }
}

static int by_name(const void *a, const void *b)
{
    const struct line_value *v = a, *w = b;
    gw_str x = v->name, y = w->name;
    int c = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    c = c ? c : (x.len > y.len) - (x.len < y.len);
    return c ? c : (v->place > w->place) - (v->place < w->place);
}

/* Of several of one name the first stays. */
static void sort(struct line_values *v)
{
    size_t kept = 1;
    if (v->n < 2)
        return;
    qsort(v->list, v->n, sizeof *v->list, by_name);
    for (size_t i = 1; i < v->n; i++)
        if (!gw_str_eq(v->list[i].name, v->list[kept - 1].name))
            v->list[kept++] = v->list[i];
    v->n = kept;
}

bool line_write(struct out *o, struct line_point *p)
{
    if (!p->fields.n)
        return false;
    sort(&p->tags);
    sort(&p->fields);
    put_escaped(o, p->measurement.len ? p->measurement : GW_STR("unnamed"), ", ");
    for (size_t i = 0; i < p->tags.n; i++) {
        out_char(o, ',');
        put_escaped(o, p->tags.list[i].name, ",= ");
        out_char(o, '=');
        put_escaped(o, p->tags.list[i].text, ",= ");
    }
    for (size_t i = 0; i < p->fields.n; i++) {
        out_char(o, i ? ',' : ' ');
        put_escaped(o, p->fields.list[i].name, ",= ");
        out_char(o, '=');
        put_field(o, &p->fields.list[i]);
    }
    if (p->time)
        out_printf(o, " %" PRIu64, p->time);
    out_char(o, '\n');
    return true;
}
