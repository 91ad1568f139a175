/* Finds a span in frames and lists what it says. Walks over protobuf; frames are our own, so what does not parse is just not listed.
 *
 * Keeps no state. Called by dd_explain_run.c, dd_explain_span.c and the API.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_explain_sent.h"

#include "translators/otlp/otlp_write.h"

/* wire_next, where a field that is not length-delimited has an empty body. */
static bool next(struct wire_view *v, struct wire_field *f)
{
    *f = (struct wire_field){0};
    return wire_next(v, f);
}

/* --- values --- */

static gw_str finish(struct gw_arena *arena, struct otlp_buf *w)
{
    gw_str out = w->failed ? GW_NOSTR : gw_arena_dup(arena, otlp_written(w));
    otlp_fini(w);
    return out;
}

gw_str dd_sent_text(struct gw_arena *arena, gw_str text)
{
    struct otlp_buf w = {0};
    otlp_any_text(&w, text);
    return finish(arena, &w);
}

gw_str dd_sent_int(struct gw_arena *arena, int64_t v)
{
    struct otlp_buf w = {0};
    otlp_any_int(&w, v);
    return finish(arena, &w);
}

gw_str dd_sent_double(struct gw_arena *arena, double v)
{
    struct otlp_buf w = {0};
    otlp_any_double(&w, v);
    return finish(arena, &w);
}

static uint64_t number_of(const struct wire_field *f)
{
    struct wire_view v = f->whole;
    uint64_t n = 0;
    (void)wire_read_varint(&v, &n); /* its tag */
    if (f->type == WIRE_VARINT)
        (void)wire_read_varint(&v, &n);
    else
        n = 0;
    for (unsigned i = 0; f->type != WIRE_VARINT && v.at + i < v.end; i++)
        n |= (uint64_t)v.at[i] << 8 * i;
    return n;
}

static gw_str hex_value(struct gw_arena *arena, struct wire_view bytes)
{
    static const char digits[] = "0123456789abcdef";
    char text[64];
    size_t n = 0;
    for (; bytes.at < bytes.end && n + 2 < sizeof text; bytes.at++) {
        text[n++] = digits[*bytes.at >> 4];
        text[n++] = digits[*bytes.at & 15];
    }
    return dd_sent_text(arena, gw_str_n(text, n));
}

/* --- the list --- */

struct list {
    struct gw_arena *arena;
    struct dd_sent *to;
    size_t room;
};

static void put(struct list *l, enum dd_explained_place place, gw_str name, gw_str value)
{
    if (l->to->n == l->room && l->room < DD_SENT_ITEMS) {
        size_t room = l->room ? 2 * l->room : 64;
        struct dd_explained_item *more = gw_arena_raw(l->arena, room, sizeof *more);
        if (more && l->to->n)
            memcpy(more, l->to->items, l->to->n * sizeof *more);
        l->to->items = more ? more : l->to->items;
        l->room = more ? room : l->room;
    }
    if (l->to->n < l->room)
        l->to->items[l->to->n++] = (struct dd_explained_item){.place = place, .name = name, .value = value};
}

static gw_str joined(struct list *l, gw_str prefix, gw_str name)
{
    return prefix.len ? gw_arena_printf(l->arena, "%.*s.%.*s", GW_FMT(prefix), GW_FMT(name)) : name;
}

static void put_attribute(struct list *l, enum dd_explained_place place, gw_str prefix, struct wire_view kv)
{
    struct wire_field f;
    gw_str key = GW_NOSTR, value = GW_STR("");
    while (next(&kv, &f))
        if (f.number == 1)
            key = wire_text(f.body);
        else if (f.number == 2)
            value = wire_text(f.body);
    put(l, place, joined(l, prefix, key), value);
}

static void put_status(struct list *l, struct wire_view v)
{
    struct wire_field f;
    while (next(&v, &f))
        if (f.number == 2)
            put(l, DD_AT_FIELD, GW_STR("status.message"), dd_sent_text(l->arena, wire_text(f.body)));
        else if (f.number == 3)
            put(l, DD_AT_FIELD, GW_STR("status.code"), dd_sent_int(l->arena, (int64_t)number_of(&f)));
}

static gw_str event_name(struct wire_view v)
{
    struct wire_field f;
    gw_str name = GW_NOSTR;
    while (next(&v, &f))
        if (f.number == 2)
            name = wire_text(f.body);
    return name;
}

/* How many events of this name there are before `end`. */
static unsigned earlier_events(struct wire_view span, const uint8_t *end, gw_str name)
{
    struct wire_field f;
    unsigned n = 0;
    while (next(&span, &f) && f.whole.at < end)
        n += f.number == 11 && f.type == WIRE_LEN && gw_str_eq(event_name(f.body), name);
    return n;
}

static void put_event(struct list *l, struct wire_view span, const struct wire_field *event)
{
    struct wire_view v = event->body;
    struct wire_field f;
    gw_str name = event_name(v);
    unsigned before = earlier_events(span, event->whole.at, name);
    gw_str prefix = before ? gw_arena_printf(l->arena, "events[%.*s#%u]", GW_FMT(name), before + 1)
                           : gw_arena_printf(l->arena, "events[%.*s]", GW_FMT(name));
    put(l, DD_AT_EVENT, joined(l, prefix, GW_STR("name")), dd_sent_text(l->arena, name));
    while (next(&v, &f))
        if (f.number == 1)
            put(l, DD_AT_EVENT, joined(l, prefix, GW_STR("timeUnixNano")),
                dd_sent_int(l->arena, (int64_t)number_of(&f)));
        else if (f.number == 3)
            put_attribute(l, DD_AT_EVENT, prefix, f.body);
        else if (f.number == 4)
            put(l, DD_AT_EVENT, joined(l, prefix, GW_STR("droppedAttributesCount")),
                dd_sent_int(l->arena, (int64_t)number_of(&f)));
}

static void put_link(struct list *l, unsigned number, struct wire_view v)
{
    struct wire_field f;
    gw_str prefix = gw_arena_printf(l->arena, "links[%u]", number);
    while (next(&v, &f))
        switch (f.number) {
        case 1:
            put(l, DD_AT_LINK, joined(l, prefix, GW_STR("traceId")), hex_value(l->arena, f.body));
            break;
        case 2:
            put(l, DD_AT_LINK, joined(l, prefix, GW_STR("spanId")), hex_value(l->arena, f.body));
            break;
        case 3:
            put(l, DD_AT_LINK, joined(l, prefix, GW_STR("traceState")),
                dd_sent_text(l->arena, wire_text(f.body)));
            break;
        case 4:
            put_attribute(l, DD_AT_LINK, prefix, f.body);
            break;
        case 5:
            put(l, DD_AT_LINK, joined(l, prefix, GW_STR("droppedAttributesCount")),
                dd_sent_int(l->arena, (int64_t)number_of(&f)));
            break;
        case 6:
            put(l, DD_AT_LINK, joined(l, prefix, GW_STR("flags")),
                dd_sent_int(l->arena, (int64_t)number_of(&f)));
            break;
        default:
            break;
        }
}

/* What is not nested. */
static void put_field(struct list *l, const struct wire_field *f)
{
    static const char *const names[] = {[1] = "traceId",
                                        [2] = "spanId",
                                        [3] = "traceState",
                                        [4] = "parentSpanId",
                                        [5] = "name",
                                        [6] = "kind",
                                        [7] = "startTimeUnixNano",
                                        [8] = "endTimeUnixNano",
                                        [10] = "droppedAttributesCount",
                                        [12] = "droppedEventsCount",
                                        [14] = "droppedLinksCount",
                                        [16] = "flags"};
    bool known = f->number < sizeof names / sizeof *names && names[f->number];
    if (!known)
        return;
    bool id = f->number == 1 || f->number == 2 || f->number == 4;
    gw_str value = f->type != WIRE_LEN ? dd_sent_int(l->arena, (int64_t)number_of(f))
                   : id                ? hex_value(l->arena, f->body)
                                       : dd_sent_text(l->arena, wire_text(f->body));
    put(l, DD_AT_FIELD, gw_str_z(names[f->number]), value);
}

static void list_span(struct list *l, struct wire_view span)
{
    struct wire_view v = span;
    struct wire_field f;
    unsigned links = 0;
    while (next(&v, &f))
        if (f.number == 9)
            put_attribute(l, DD_AT_SPAN, GW_NOSTR, f.body);
        else if (f.number == 11)
            put_event(l, span, &f);
        else if (f.number == 13)
            put_link(l, links++, f.body);
        else if (f.number == 15)
            put_status(l, f.body);
        else
            put_field(l, &f);
}

static void list_scope(struct list *l, struct wire_view v)
{
    struct wire_field f;
    while (next(&v, &f))
        if (f.number == 1 || f.number == 2)
            put(l, DD_AT_SCOPE, f.number == 1 ? GW_STR("scope.name") : GW_STR("scope.version"),
                dd_sent_text(l->arena, wire_text(f.body)));
}

static void list_resource(struct list *l, struct wire_view v)
{
    struct wire_field f;
    while (next(&v, &f))
        if (f.number == 1)
            put_attribute(l, DD_AT_RESOURCE, GW_NOSTR, f.body);
}

/* --- the search --- */

/* The last eight bytes of an id. */
static uint64_t id_of(struct wire_view bytes)
{
    uint64_t id = 0;
    while (bytes.at < bytes.end)
        id = id << 8 | *bytes.at++;
    return id;
}

static bool is_span(struct wire_view v, uint64_t trace_id, uint64_t span_id)
{
    struct wire_field f;
    bool trace = false, span = false;
    while (!(trace && span) && next(&v, &f))
        if (f.number == 1)
            trace = id_of(f.body) == trace_id;
        else if (f.number == 2)
            span = id_of(f.body) == span_id;
    return trace && span;
}

static bool find_in_scope(struct wire_view v, uint64_t trace_id, uint64_t span_id, struct dd_sent *out)
{
    struct wire_field f;
    bool found = false;
    gw_str scope = GW_NOSTR;
    while (next(&v, &f))
        if (f.number == 1)
            scope = wire_text(f.body);
        else if (f.number == 2 && !found && is_span(f.body, trace_id, span_id)) {
            out->span = wire_text(f.body);
            found = true;
        }
    out->scope = found ? scope : out->scope;
    return found;
}

static bool find_in_resource(struct wire_view v, uint64_t trace_id, uint64_t span_id, struct dd_sent *out)
{
    struct wire_field f;
    bool found = false;
    gw_str resource = GW_NOSTR;
    while (next(&v, &f))
        if (f.number == 1)
            resource = wire_text(f.body);
        else if (f.number == 2 && !found)
            found = find_in_scope(f.body, trace_id, span_id, out);
    out->resource = found ? resource : out->resource;
    return found;
}

static struct wire_view view_of(gw_str s)
{
    const uint8_t *at = (const uint8_t *)s.ptr;
    return (struct wire_view){at, s.len ? at + s.len : at};
}

bool dd_sent_find_in(gw_str request, uint64_t trace_id, uint64_t span_id, struct dd_sent *out)
{
    struct wire_view v = view_of(request);
    struct wire_field f;
    bool found = false;
    *out = (struct dd_sent){0};
    while (!found && next(&v, &f))
        found = f.number == 1 && find_in_resource(f.body, trace_id, span_id, out);
    return found;
}

bool dd_sent_find(struct gw_frame *const *frames, size_t n, enum gw_attribute_schema schema,
                  uint64_t trace_id, uint64_t span_id, struct dd_sent *out)
{
    for (size_t i = 0; i < n; i++)
        if (frames[i]->schema == schema &&
            dd_sent_find_in(gw_str_n((const char *)frames[i]->data, frames[i]->len), trace_id, span_id, out))
            return true;
    return false;
}

void dd_sent_list(struct gw_arena *arena, struct dd_sent *s)
{
    struct list l = {.arena = arena, .to = s};
    s->items = NULL;
    s->n = 0;
    list_span(&l, view_of(s->span));
    list_scope(&l, view_of(s->scope));
    list_resource(&l, view_of(s->resource));
}

const struct dd_explained_item *dd_sent_item(const struct dd_sent *s, enum dd_explained_place place,
                                             gw_str name, size_t hint)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct dd_explained_item *item = &s->items[(hint + i) % s->n];
        if (item->place == place && gw_str_eq(item->name, name))
            return item;
    }
    return NULL;
}
