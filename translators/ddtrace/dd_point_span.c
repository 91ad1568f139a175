/* dd_point_span.c: writes one point of Datakit as a v0.4 span in JSON: the span in its `message`, or one made
 * from its tags and fields.
 *
 * Keeps no state. Called by dd_from_points.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_point_span.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Values of a point that become fields of the span. */
enum {
    SERVICE,
    OPERATION,
    RESOURCE,
    TYPE,
    SOURCE_TYPE,
    STATUS,
    SPAN_TYPE,
    START,
    DURATION,
    MESSAGE,
    TRACE_ID,
    SPAN_ID,
    PARENT_ID,
    OWN
};
static const gw_str own_names[OWN] = {
    [SERVICE] = GW_LIT("service"),         [OPERATION] = GW_LIT("operation"),
    [RESOURCE] = GW_LIT("resource"),       [TYPE] = GW_LIT("type"),
    [SOURCE_TYPE] = GW_LIT("source_type"), [STATUS] = GW_LIT("status"),
    [SPAN_TYPE] = GW_LIT("span_type"),     [START] = GW_LIT("start"),
    [DURATION] = GW_LIT("duration"),       [MESSAGE] = GW_LIT("message"),
    [TRACE_ID] = GW_LIT("trace_id"),       [SPAN_ID] = GW_LIT("span_id"),
    [PARENT_ID] = GW_LIT("parent_id")};

/* A tag of the span that is made from a tag or field of the point. */
struct tag {
    gw_str name, also; /* also: a second tag with the same value; empty: none */
    const struct point_value *value;
    bool number;
};

struct reading {
    const struct point *point;
    const struct point_value *own[OWN];
    struct tag *tags;
    size_t tags_n;
    uint64_t trace_id, trace_id_high, span_id, parent_id, process;
    struct gw_arena *arena;
};

static int own_place(gw_str name)
{
    for (int i = 0; i < OWN; i++)
        if (gw_str_eq(name, own_names[i]))
            return i;
    return -1;
}

static bool is_number(const struct point_value *v)
{
    return v->type == POINT_INT || v->type == POINT_UINT || v->type == POINT_DOUBLE;
}

/* Returns the tag from which Datakit made this value; any other value keeps its name as a tag. */
static struct tag tag_of(const struct point_value *v)
{
    static const struct {
        gw_str point, span, also;
        bool number;
    } rows[] = {
#define POINT_TAG(point, span, also, number) {GW_LIT(point), GW_LIT(span), GW_LIT(also), number},
#include "translators/ddtrace/dd_points.def"
#undef POINT_TAG
    };
    double d;
    bool number = is_number(v),
         reads = number || (v->type == POINT_TEXT && gw_str_double(v->text, &d) && isfinite(d));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (gw_str_eq(v->name, rows[i].point))
            return (struct tag){rows[i].span, rows[i].also, v, rows[i].number && reads};
    return (struct tag){v->name, GW_NOSTR, v, number};
}

/* Datakit replaces dots and dashes of a tag's name by underscores, so these count as one character. */
static uint64_t name_hash(gw_str name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i] == '.' || name.ptr[i] == '-' ? '_' : name.ptr[i];
        hash = (hash ^ (uint8_t)c) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static void sort_out(struct reading *r, const struct point_values *list)
{
    for (size_t i = 0; i < list->n; i++) {
        int place = own_place(list->list[i].name);
        if (place >= 0)
            r->own[place] = &list->list[i];
        else
            r->tags[r->tags_n++] = tag_of(&list->list[i]);
        if (gw_str_eq(list->list[i].name, GW_STR("runtime_id")) && list->list[i].type == POINT_TEXT)
            r->process = name_hash(list->list[i].text);
    }
}

/* --- values --- */

static gw_str text_of(const struct reading *r, int place)
{
    const struct point_value *v = r->own[place];
    struct gw_text json = {.arena = r->arena};
    if (!v || v->type == POINT_TEXT)
        return v ? v->text : GW_NOSTR;
    point_put_json(&json, v);
    return gw_text_result(&json);
}

/* Converts microseconds to ns. Negative or too large results are repaired later, with the times of all
 * spans. */
static int64_t nanoseconds(const struct reading *r, int place)
{
    const struct point_value *v = r->own[place];
    int64_t ns, us;
    if (!v || !(is_number(v) || v->type == POINT_TEXT))
        return 0;
    if (v->type == POINT_DOUBLE)
        return fabs(v->d) < 9e15 ? (int64_t)(v->d * 1000) : INT64_MAX;
    us = v->i;
    if (v->type == POINT_UINT || (v->type == POINT_TEXT && !gw_str_i64(v->text, &us)))
        return v->type == POINT_UINT ? INT64_MAX : 0;
    return __builtin_mul_overflow(us, 1000, &ns) ? INT64_MAX : ns;
}

static int64_t start_of(const struct reading *r)
{
    int64_t start = nanoseconds(r, START), time = (int64_t)(r->point->time & INT64_MAX);
    return !r->own[START] || (start >= 0 && time / 1000 == start / 1000) ? time : start;
}

/* --- ids --- */

static bool has_letter(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!gw_is_digit(s.ptr[i]))
            return true;
    return false;
}

static bool read_id(gw_str text, bool hex, uint64_t *high, uint64_t *low)
{
    *high = 0;
    if (!hex)
        return gw_str_u64(text, low);
    size_t head = text.len > 16 ? text.len - 16 : 0;
    return gw_str_hex64(gw_str_from(text, head), low) &&
           (!head || gw_str_hex64(gw_str_n(text.ptr, head), high));
}

static const char *read_ids(struct reading *r)
{
    gw_str trace = text_of(r, TRACE_ID), span = text_of(r, SPAN_ID), parent = text_of(r, PARENT_ID);
    bool hex = trace.len == 32 || has_letter(trace) || has_letter(span) || has_letter(parent);
    uint64_t ignored;
    if (!read_id(trace, hex, &r->trace_id_high, &r->trace_id))
        return "trace_id is no id";
    if (!read_id(span, hex, &ignored, &r->span_id))
        return "span_id is no id";
    if (parent.len && !read_id(parent, hex, &ignored, &r->parent_id))
        return "parent_id is no id";
    return NULL;
}

/* --- the names of tags that the span has --- */

struct names {
    struct gw_arena *arena;
    uint64_t *list;
    size_t n;
};

static void note(struct names *names, gw_str name)
{
    size_t n = names->n;
    if (n == 0 || (n >= 32 && !(n & (n - 1)))) {
        uint64_t *more = gw_arena_raw(names->arena, n ? 2 * n : 32, sizeof *more);
        if (more && n)
            memcpy(more, names->list, n * sizeof *more);
        if (!more)
            return; /* the caller checks the arena */
        names->list = more;
    }
    names->list[names->n++] = name_hash(name);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool is_noted(const struct names *names, gw_str name)
{
    uint64_t hash = name_hash(name);
    return names->n && bsearch(&hash, names->list, names->n, sizeof hash, by_number);
}

/* --- writing --- */

static void put_name(struct gw_text *t, const char *name)
{
    gw_text_put_char(t, t->len && t->ptr[t->len - 1] != '{' ? ',' : ' ');
    gw_text_put_json(t, gw_str_z(name));
    gw_text_put_char(t, ':');
}

static void put_text(struct gw_text *t, const char *name, gw_str value)
{
    put_name(t, name);
    gw_text_put_json(t, value);
}

static void put_u64(struct gw_text *t, const char *name, uint64_t value)
{
    put_name(t, name);
    gw_text_put_str(t, gw_arena_printf(t->arena, "%" PRIu64, value));
}

static void put_i64(struct gw_text *t, const char *name, int64_t value)
{
    put_name(t, name);
    gw_text_put_str(t, gw_arena_printf(t->arena, "%" PRId64, value));
}

static void put_key(struct gw_text *t, gw_str key, bool *any)
{
    if (*any)
        gw_text_put_char(t, ',');
    *any = true;
    gw_text_put_json(t, key);
    gw_text_put_char(t, ':');
}

/* A number that the point has as text is not copied: JSON has no 088, and one such text would spoil the payload. */
static void put_number(struct gw_text *t, const struct point_value *v)
{
    struct point_value number = *v;
    if (v->type == POINT_TEXT && gw_str_i64(v->text, &number.i))
        number.type = POINT_INT;
    else if (v->type == POINT_TEXT && gw_str_double(v->text, &number.d))
        number.type = POINT_DOUBLE;
    point_put_json(t, &number);
}

/* Every value of meta is written as text. */
static void put_meta_value(struct gw_text *t, const struct point_value *v)
{
    struct gw_text json = {.arena = t->arena};
    if (v->type == POINT_TEXT) {
        gw_text_put_json(t, v->text);
        return;
    }
    point_put_json(&json, v);
    gw_text_put_json(t, gw_text_result(&json));
}

/* Writes the members of meta or metrics that come from the point, except those that the span has. */
static void put_tags(struct gw_text *t, const struct reading *r, bool numbers, const struct names *has,
                     bool *any)
{
    for (size_t i = 0; i < r->tags_n; i++) {
        const struct tag *tag = &r->tags[i];
        if (tag->number != numbers || is_noted(has, tag->name) || (tag->also.len && is_noted(has, tag->also)))
            continue;
        put_key(t, tag->name, any);
        if (numbers)
            put_number(t, tag->value);
        else
            put_meta_value(t, tag->value);
    }
}

static void put_upper_half(struct gw_text *t, const struct reading *r, const struct names *has, bool *any)
{
    if (!r->trace_id_high || is_noted(has, GW_STR("_dd.p.tid")))
        return;
    put_key(t, GW_STR("_dd.p.tid"), any);
    gw_text_put_json(t, gw_arena_printf(t->arena, "%016" PRIx64, r->trace_id_high));
}

/* --- the span of `message` --- */

/* The object of the span, member by member. */
struct said {
    gw_str meta, metrics; /* their members, without the braces */
    struct names names;
    uint64_t trace_id, span_id, process;
};

static bool read_members(struct gw_json *j, struct said *s, gw_str *members)
{
    struct gw_json walk;
    gw_str object, key, value;
    bool is_object = gw_json_kind(j) == GW_JSON_OBJECT;
    if (!gw_json_raw(j, &object) || !is_object)
        return !j->why; /* null, say */
    gw_json_init(&walk, object, j->arena);
    for (gw_json_object(&walk); gw_json_member(&walk, &key) && gw_json_raw(&walk, &value);) {
        note(&s->names, key);
        if (gw_str_eq(key, GW_STR("runtime-id")) && value.len > 2)
            s->process = name_hash(gw_str_n(value.ptr + 1, value.len - 2));
    }
    *members = gw_str_n(object.ptr + 1, object.len - 2);
    return true;
}

/* Copies everything but the tags unchanged. */
static bool copy_member(struct gw_json *j, struct said *s, gw_str key, struct gw_text *out)
{
    gw_str raw;
    if (gw_str_eq(key, GW_STR("meta")))
        return read_members(j, s, &s->meta);
    if (gw_str_eq(key, GW_STR("metrics")))
        return read_members(j, s, &s->metrics);
    if (!gw_json_raw(j, &raw))
        return false;
    if (gw_str_eq(key, GW_STR("trace_id")))
        gw_str_u64(raw, &s->trace_id);
    if (gw_str_eq(key, GW_STR("span_id")))
        gw_str_u64(raw, &s->span_id);
    gw_text_put_char(out, out->ptr[out->len - 1] == '{' ? ' ' : ',');
    gw_text_put_json(out, key);
    gw_text_put_char(out, ':');
    gw_text_put_str(out, raw);
    return true;
}

static void put_said(struct gw_text *t, gw_str members, bool any)
{
    struct gw_json blank;
    gw_json_init(&blank, members, t->arena);
    if (any && gw_json_kind(&blank) != GW_JSON_NONE)
        gw_text_put_char(t, ',');
    gw_text_put_str(t, members);
    gw_text_put_char(t, '}');
}

/* The span's own tags come last and so win. */
static void put_maps(struct gw_text *t, const struct reading *r, const struct said *s)
{
    bool any = false;
    put_name(t, "meta");
    gw_text_put_char(t, '{');
    put_upper_half(t, r, &s->names, &any);
    put_tags(t, r, false, &s->names, &any);
    put_said(t, s->meta, any);
    any = false;
    put_name(t, "metrics");
    gw_text_put_char(t, '{');
    put_tags(t, r, true, &s->names, &any);
    put_said(t, s->metrics, any);
    gw_text_put_char(t, '}');
}

/* Returns false, with `out` unchanged, if the message is not the span of this point. */
static bool put_message(struct reading *r, struct gw_text *out)
{
    const struct point_value *message = r->own[MESSAGE];
    struct said said = {.names = {.arena = r->arena}};
    struct gw_json j;
    gw_str key;
    size_t before = out->len;
    if (!message || message->type != POINT_TEXT)
        return false;
    gw_json_init(&j, message->text, r->arena);
    if (gw_json_kind(&j) != GW_JSON_OBJECT || !gw_json_object(&j))
        return false;
    gw_text_put_char(out, '{');
    while (!r->arena->spent && gw_json_member(&j, &key) && copy_member(&j, &said, key, out))
        continue;
    if (!gw_json_end(&j) || said.trace_id != r->trace_id || said.span_id != r->span_id || r->arena->spent) {
        out->len = before;
        return false;
    }
    if (said.names.n)
        qsort(said.names.list, said.names.n, sizeof *said.names.list, by_number);
    put_maps(out, r, &said);
    r->process = said.process ? said.process : r->process;
    return true;
}

/* --- the span of the point itself --- */

static bool is_error(gw_str status)
{
    return gw_str_eq(status, GW_STR("error")) || gw_str_eq(status, GW_STR("critical"));
}

static gw_str type_of(const struct reading *r)
{
    gw_str type = text_of(r, r->own[TYPE] ? TYPE : SOURCE_TYPE);
    return gw_str_eq(type, GW_STR("custom")) ? GW_NOSTR : type;
}

/* Writes values that describe the span but are not its tags: the Datakit collector, and what that collector
 * received. */
static void put_rest(struct gw_text *t, const struct reading *r, bool *any)
{
    if (!gw_str_eq(r->point->measurement, GW_STR("ddtrace"))) {
        put_key(t, GW_STR("source"), any);
        gw_text_put_json(t, r->point->measurement);
    }
    if (r->own[MESSAGE] && text_of(r, MESSAGE).len) {
        put_key(t, GW_STR("message"), any);
        gw_text_put_json(t, text_of(r, MESSAGE));
    }
}

static void put_fields(struct reading *r, struct gw_text *out)
{
    static const struct names none = {NULL, NULL, 0};
    gw_str operation = text_of(r, OPERATION), resource = text_of(r, RESOURCE);
    bool any = false;
    gw_text_put_char(out, '{');
    put_text(out, "service", text_of(r, SERVICE));
    put_text(out, "name", operation.len ? operation : resource);
    put_text(out, "resource", resource.len ? resource : operation);
    put_text(out, "type", type_of(r));
    put_u64(out, "trace_id", r->trace_id);
    put_u64(out, "span_id", r->span_id);
    put_u64(out, "parent_id", r->parent_id);
    put_i64(out, "start", start_of(r));
    put_i64(out, "duration", nanoseconds(r, DURATION));
    put_i64(out, "error", is_error(text_of(r, STATUS)));
    put_name(out, "meta");
    gw_text_put_char(out, '{');
    put_rest(out, r, &any);
    put_upper_half(out, r, &none, &any);
    put_tags(out, r, false, &none, &any);
    gw_text_put_char(out, '}');
    any = false;
    put_name(out, "metrics");
    gw_text_put_char(out, '{');
    put_tags(out, r, true, &none, &any);
    gw_text_put_z(out, "}}");
}

const char *dd_point_span(const struct point *p, struct gw_text *out, struct dd_point_ids *ids)
{
    struct reading r = {.point = p, .arena = out->arena};
    r.tags = gw_arena_raw(out->arena, p->tags.n + p->fields.n + 1, sizeof *r.tags);
    if (!r.tags)
        return NULL; /* the caller checks the arena */
    sort_out(&r, &p->tags);
    sort_out(&r, &p->fields);
    const char *why = read_ids(&r);
    if (why)
        return why;
    if (!put_message(&r, out))
        put_fields(&r, out);
    *ids = (struct dd_point_ids){r.trace_id, r.span_id, r.parent_id, r.process};
    return NULL;
}
