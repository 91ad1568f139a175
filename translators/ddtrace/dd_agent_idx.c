/* Reads chunks and spans of an agent's idx payloads, which are protocol v1.0 in protobuf. Texts are indexes
 * into the payload's table, and attributes have types. Fields that a v0.4 span does not have become the tags
 * that tracers use for them in v0.4.
 *
 * The state is in the caller's struct dd_decoder; arrays go to its arena. Called by dd_agent.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_agent.h"

/* Fields of datadog.trace.idx.TraceChunk. */
enum {
    CHUNK_PRIORITY = DD_PB(1, VARINT),
    CHUNK_ORIGIN = DD_PB(2, VARINT),
    CHUNK_ATTRIBUTES = DD_PB(3, LEN),
    CHUNK_SPANS = DD_AGENT_IDX_SPANS,
    CHUNK_DROPPED = DD_PB(5, VARINT),
    CHUNK_TRACE_ID = DD_PB(6, LEN),
    CHUNK_MECHANISM = DD_PB(7, VARINT),
    CHUNK_FIELDS = 7
};

/* Fields of Span. */
enum {
    SPAN_SERVICE = DD_PB(1, VARINT),
    SPAN_NAME = DD_PB(2, VARINT),
    SPAN_RESOURCE = DD_PB(3, VARINT),
    SPAN_SPAN_ID = DD_PB(4, FIXED64),
    SPAN_PARENT_ID = DD_PB(5, VARINT),
    SPAN_START = DD_PB(6, FIXED64),
    SPAN_DURATION = DD_PB(7, VARINT),
    SPAN_ERROR = DD_PB(8, VARINT),
    SPAN_ATTRIBUTES = DD_PB(9, LEN),
    SPAN_TYPE = DD_PB(10, VARINT),
    SPAN_LINKS = DD_PB(11, LEN),
    SPAN_EVENTS = DD_PB(12, LEN),
    SPAN_ENV = DD_PB(13, VARINT),
    SPAN_VERSION = DD_PB(14, VARINT),
    SPAN_COMPONENT = DD_PB(15, VARINT),
    SPAN_KIND = DD_PB(16, VARINT),
    SPAN_FIELDS = 16
};

/* Fields of SpanLink and SpanEvent. */
enum {
    LINK_TRACE_ID = DD_PB(1, LEN),
    LINK_SPAN_ID = DD_PB(2, FIXED64),
    LINK_ATTRIBUTES = DD_PB(3, LEN),
    LINK_TRACESTATE = DD_PB(4, VARINT),
    LINK_FLAGS = DD_PB(5, VARINT),
    LINK_FIELDS = 5,
    EVENT_TIME = DD_PB(1, FIXED64),
    EVENT_NAME = DD_PB(2, VARINT),
    EVENT_ATTRIBUTES = DD_PB(3, LEN),
    EVENT_FIELDS = 3
};

/* Fields of an entry of attributes, which is also a KeyValue; of AnyValue, ArrayValue and KeyValueList. */
enum {
    ENTRY_KEY = DD_PB(1, VARINT),
    ENTRY_VALUE = DD_PB(2, LEN),
    ENTRY_FIELDS = 2,
    ANY_STRING = DD_PB(1, VARINT),
    ANY_BOOL = DD_PB(2, VARINT),
    ANY_DOUBLE = DD_PB(3, FIXED64),
    ANY_INT = DD_PB(4, VARINT),
    ANY_BYTES = DD_PB(5, LEN),
    ANY_ARRAY = DD_PB(6, LEN),
    ANY_LIST = DD_PB(7, LEN),
    ANY_FIELDS = 7,
    VALUES = DD_PB(1, LEN)
};

/* Reads the index at the cursor and sets the text. */
static bool read_string(const struct dd_decoder *d, struct wire_view *v, gw_str *out)
{
    uint64_t number;
    return dd_pb_varint(v, &number) && dd_agent_string(d->agent->part, number, out);
}

static bool pass_unknown(struct wire_view *v, uint32_t tag, uint32_t known)
{
    return tag >> 3 > known && dd_pb_skip(v, tag);
}

/* ---- attributes ---- */

/* An AnyValue; nested contents are not read yet. */
struct any {
    uint32_t is; /* ANY_…; 0: no value */
    union {
        gw_str text;             /* STRING, BYTES */
        union dd_number_value n; /* BOOL, DOUBLE, INT */
        struct wire_view inner;  /* ARRAY, LIST */
    };
};

static bool read_any_field(const struct dd_decoder *d, struct wire_view *v, uint32_t tag, struct any *out)
{
    if (tag >> 3 > ANY_FIELDS)
        return dd_pb_skip(v, tag);
    out->is = tag;
    switch (tag) {
    case ANY_STRING:
        return read_string(d, v, &out->text);
    case ANY_BOOL:
    case ANY_INT:
        return dd_pb_varint(v, &out->n.u);
    case ANY_DOUBLE:
        return dd_pb_fixed64(v, &out->n.u);
    case ANY_BYTES:
        return dd_pb_text(v, &out->text);
    case ANY_ARRAY:
    case ANY_LIST:
        return dd_pb_bytes(v, &out->inner);
    default:
        return false;
    }
}

static bool read_any(const struct dd_decoder *d, struct wire_view v, struct any *out)
{
    uint32_t tag;
    *out = (struct any){0};
    while (v.at < v.end)
        if (!dd_pb_tag(&v, &tag) || !read_any_field(d, &v, tag, out))
            return false;
    return out->is;
}

static bool read_entry(const struct dd_decoder *d, struct wire_view v, gw_str *key, struct any *value)
{
    uint32_t tag;
    struct wire_view inner = {v.end, v.end};
    *key = GW_NOSTR; /* protobuf does not write index 0, the empty text */
    while (v.at < v.end) {
        if (!dd_pb_tag(&v, &tag))
            return false;
        bool good = tag == ENTRY_KEY     ? read_string(d, &v, key)
                    : tag == ENTRY_VALUE ? dd_pb_bytes(&v, &inner)
                                         : pass_unknown(&v, tag, ENTRY_FIELDS);
        if (!good)
            return false;
    }
    return read_any(d, inner, value);
}

/* Returns a new item, or NULL if the arena's budget is used up. `likely` is the expected number of items. */
static void *push(struct dd_decoder *d, struct dd_agent_list *list, size_t size, size_t likely)
{
    if (list->n == list->room) {
        size_t room = list->n ? 2 * list->n : likely;
        char *items = gw_arena_raw(d->arena, room, size);
        if (!items)
            return NULL;
        if (list->n)
            memcpy(items, list->items, list->n * size);
        list->items = items;
        list->room = room;
    }
    return (char *)list->items + list->n++ * size;
}

enum { FEW = 4, INTERNAL = 1 };

static enum dd_got value_of(struct dd_decoder *, const struct any *, struct dd_value *, unsigned depth);

static enum dd_got read_array(struct dd_decoder *d, struct wire_view v, struct dd_value *out, unsigned depth)
{
    struct dd_agent_list items = {0};
    struct wire_view inner;
    struct any element;
    uint32_t tag;
    enum dd_got got = DD_TAKEN;
    while (!got && v.at < v.end) {
        if (!dd_pb_tag(&v, &tag) || tag != VALUES || !dd_pb_bytes(&v, &inner) ||
            !read_any(d, inner, &element))
            return DD_OTHER_TYPE;
        struct dd_value *item = push(d, &items, sizeof *item, FEW);
        got = item ? value_of(d, &element, item, depth + 1) : DD_ILL_FORMED;
    }
    *out = (struct dd_value){.type = DD_V_ARRAY, .array = {items.items, items.n}};
    return got;
}

static enum dd_got read_list(struct dd_decoder *d, struct wire_view v, struct dd_value *out, unsigned depth)
{
    struct dd_agent_list attrs = {0};
    struct wire_view inner;
    struct any element;
    uint32_t tag;
    gw_str key;
    enum dd_got got = DD_TAKEN;
    while (!got && v.at < v.end) {
        if (!dd_pb_tag(&v, &tag) || tag != VALUES || !dd_pb_bytes(&v, &inner) ||
            !read_entry(d, inner, &key, &element))
            return DD_OTHER_TYPE;
        struct dd_attr *attr = push(d, &attrs, sizeof *attr, FEW);
        if (!attr)
            return DD_ILL_FORMED;
        attr->key = key;
        got = value_of(d, &element, &attr->value, depth + 1);
    }
    *out = (struct dd_value){.type = DD_V_LIST, .list = {attrs.items, attrs.n}};
    return got;
}

static enum dd_got value_of(struct dd_decoder *d, const struct any *v, struct dd_value *out, unsigned depth)
{
    if (depth > DD_MAX_DEPTH)
        return DD_OTHER_TYPE;
    switch (v->is) {
    case ANY_STRING:
        *out = (struct dd_value){.type = DD_V_STRING, .s = v->text};
        return DD_TAKEN;
    case ANY_BYTES:
        *out = (struct dd_value){.type = DD_V_BYTES, .s = v->text};
        return DD_TAKEN;
    case ANY_BOOL:
        *out = (struct dd_value){.type = DD_V_BOOL, .b = v->n.u != 0};
        return DD_TAKEN;
    case ANY_INT:
        *out = (struct dd_value){.type = DD_V_INT, .i = v->n.i};
        return DD_TAKEN;
    case ANY_DOUBLE:
        *out = (struct dd_value){.type = DD_V_DOUBLE, .d = v->n.d};
        return DD_TAKEN;
    case ANY_ARRAY:
        return read_array(d, v->inner, out, depth);
    default:
        return read_list(d, v->inner, out, depth);
    }
}

static enum dd_got put_value(struct dd_decoder *d, struct dd_agent_tags *to, gw_str key, const struct any *v)
{
    struct dd_attr attr = {.key = key};
    enum dd_got got = value_of(d, v, &attr.value, 0);
    struct dd_attr *place = got ? NULL : push(d, &to->values, sizeof *place, FEW);
    if (place)
        *place = attr;
    return got ? got : place ? DD_TAKEN : DD_ILL_FORMED;
}

static enum dd_got put_tags(struct dd_decoder *d, struct dd_spread *to, gw_str key, const struct any *v)
{
    struct dd_value value;
    bool room;
    if (v->is == ANY_STRING) {
        room = dd_spread_text(d->arena, to, key, v->text);
    } else if (v->is == ANY_INT || v->is == ANY_DOUBLE) {
        enum dd_number_kind kind = v->is == ANY_DOUBLE ? DD_DOUBLE : DD_INT;
        room = dd_spread_number(d->arena, to, (struct dd_number){.key = key, .kind = kind, .u = v->n.u});
    } else {
        enum dd_got got = value_of(d, v, &value, 0);
        if (got)
            return got;
        room = dd_spread_value(d->arena, to, key, &value);
    }
    return room ? DD_TAKEN : DD_ILL_FORMED;
}

/* A tag that the agent sets on every span that it converted from v0.4 or v0.5. */
static const gw_str converted = GW_LIT("_dd.convertedv1");

/* On the first call, makes room for all attributes that follow and for fields that become tags. */
static bool make_room(struct dd_decoder *d, struct dd_spread *to, struct wire_view rest, uint32_t tag)
{
    to->meta_room = DD_PROMOTEDS + 1 + dd_pb_count_run(rest, tag);
    to->meta = gw_arena_raw(d->arena, to->meta_room, sizeof *to->meta);
    return to->meta;
}

/* Reads one attribute, whose tag has been read. If it cannot be read, it is left out and counted. */
static enum dd_got add_attribute(struct dd_decoder *d, struct dd_agent_tags *to, struct wire_view *v,
                                 uint32_t tag)
{
    struct wire_view entry;
    struct any value;
    gw_str key;
    if (!dd_pb_bytes(v, &entry))
        return DD_OTHER_TYPE;
    if (!to->of_event && !to->typed.meta_room && !make_room(d, &to->typed, *v, tag))
        return DD_ILL_FORMED;
    enum dd_got got = DD_OTHER_TYPE;
    if (read_entry(d, entry, &key, &value)) {
        if (gw_str_eq(key, converted)) {
            to->converted = true;
            return DD_TAKEN;
        }
        got = to->of_event ? put_value(d, to, key, &value) : put_tags(d, &to->typed, key, &value);
    }
    d->left_out.tags += got == DD_OTHER_TYPE;
    return got == DD_ILL_FORMED ? got : DD_TAKEN;
}

enum dd_got dd_agent_idx_tag(struct dd_decoder *d, struct wire_view *v, uint32_t tag,
                             struct dd_agent_list *tags)
{
    struct dd_agent_tags one = {0};
    enum dd_got got = add_attribute(d, &one, v, tag);
    if (!got && !dd_spread_texts(d->arena, &one.typed))
        got = DD_ILL_FORMED;
    for (size_t i = 0; !got && i < one.typed.meta_n; i++) {
        struct dd_text *t = push(d, tags, sizeof *t, FEW);
        if (t)
            *t = one.typed.meta[i];
        else
            got = DD_ILL_FORMED;
    }
    return got;
}

/* ---- links and events ---- */

/* Reads 16 bytes, upper half first. An id of another length counts as missing. */
static bool read_trace_id(struct wire_view *v, uint64_t *high, uint64_t *low)
{
    struct wire_view id;
    if (!dd_pb_bytes(v, &id))
        return false;
    bool whole = id.end - id.at == 16;
    *high = whole ? dd_msgpack_be64(id.at) : 0;
    *low = whole ? dd_msgpack_be64(id.at + 8) : 0;
    return true;
}

static bool read_u32(struct wire_view *v, uint32_t *out)
{
    uint64_t n = 0;
    bool good = dd_pb_varint(v, &n);
    *out = (uint32_t)n;
    return good;
}

static bool read_link_field(const struct dd_decoder *d, struct wire_view *v, uint32_t tag,
                            struct dd_link *link)
{
    switch (tag) {
    case LINK_TRACE_ID:
        return read_trace_id(v, &link->trace_id_high, &link->trace_id);
    case LINK_SPAN_ID:
        return dd_pb_fixed64(v, &link->span_id);
    case LINK_TRACESTATE:
        return read_string(d, v, &link->tracestate);
    case LINK_FLAGS:
        return read_u32(v, &link->flags);
    default:
        return pass_unknown(v, tag, LINK_FIELDS);
    }
}

static enum dd_got read_link(struct dd_decoder *d, struct wire_view v, void *item)
{
    struct dd_link *link = item;
    struct dd_agent_tags attrs = {0};
    enum dd_got got = DD_TAKEN;
    uint32_t tag;
    *link = (struct dd_link){0};
    while (!got && v.at < v.end) {
        if (!dd_pb_tag(&v, &tag))
            return DD_OTHER_TYPE;
        got = tag == LINK_ATTRIBUTES ? add_attribute(d, &attrs, &v, tag)
                                     : dd_agent_got(read_link_field(d, &v, tag, link));
    }
    if (!got && !dd_spread_texts(d->arena, &attrs.typed))
        return DD_ILL_FORMED;
    link->attrs = attrs.typed.meta;
    link->attrs_n = attrs.typed.meta_n;
    return got;
}

static int64_t time_of(uint64_t ns)
{
    return ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

static enum dd_got read_event(struct dd_decoder *d, struct wire_view v, void *item)
{
    struct dd_event *event = item;
    struct dd_agent_tags attrs = {.of_event = true};
    enum dd_got got = DD_TAKEN;
    uint64_t time = 0;
    uint32_t tag;
    *event = (struct dd_event){0};
    while (!got && v.at < v.end) {
        if (!dd_pb_tag(&v, &tag))
            return DD_OTHER_TYPE;
        if (tag == EVENT_ATTRIBUTES)
            got = add_attribute(d, &attrs, &v, tag);
        else
            got = dd_agent_got(tag == EVENT_TIME   ? dd_pb_fixed64(&v, &time)
                               : tag == EVENT_NAME ? read_string(d, &v, &event->name)
                                                   : pass_unknown(&v, tag, EVENT_FIELDS));
    }
    event->time_unix_nano = time_of(time);
    event->attrs = attrs.values.items;
    event->attrs_n = attrs.values.n;
    return got;
}

/* ---- chunks ---- */

enum dd_got dd_agent_idx_chunk_field(struct dd_decoder *d, struct wire_view *v, uint32_t tag,
                                     struct dd_chunk *chunk, struct dd_agent_tags *tags)
{
    uint64_t number = 0;
    uint32_t mechanism = 0;
    bool good;
    switch (tag) {
    case CHUNK_PRIORITY:
        return dd_agent_got(dd_agent_priority(v, chunk));
    case CHUNK_ORIGIN:
        good = dd_pb_varint(v, &number);
        d->left_out.tags += good && !dd_agent_string(d->agent->part, number, &chunk->origin);
        return dd_agent_got(good);
    case CHUNK_ATTRIBUTES:
        return add_attribute(d, tags, v, tag);
    case CHUNK_SPANS:
        return dd_agent_got(dd_agent_count_span(v, &tags->spans));
    case CHUNK_DROPPED:
        return dd_agent_got(dd_agent_flag(v, &chunk->dropped));
    case CHUNK_TRACE_ID:
        return dd_agent_got(read_trace_id(v, &chunk->high, &d->agent->trace_id));
    case CHUNK_MECHANISM:
        good = read_u32(v, &mechanism);
        chunk->mechanism = mechanism && mechanism <= UINT8_MAX ? (int)mechanism : DD_NO_MECHANISM;
        return dd_agent_got(good);
    default:
        return dd_agent_got(pass_unknown(v, tag, CHUNK_FIELDS));
    }
}

/* ---- spans ---- */

/* The lists of a span that grow while it is read, and the fields that become tags. */
struct reading {
    struct dd_agent_tags tags;
    struct dd_agent_list links, events;
    gw_str promoted[DD_PROMOTEDS]; /* without the kind */
    uint64_t kind;
    enum gw_reason why;
};

static bool read_name(const struct dd_decoder *d, struct wire_view *v, gw_str *out, struct reading *r)
{
    bool good = read_string(d, v, out);
    r->why = good ? r->why : GW_REASON_BAD_INDEX;
    return good;
}

static bool read_number(const struct dd_decoder *d, struct wire_view *v, uint32_t tag, struct dd_span *s,
                        struct reading *r)
{
    uint64_t n = 0;
    bool good = (tag & 7) == WIRE_FIXED64 ? dd_pb_fixed64(v, &n) : dd_pb_varint(v, &n);
    switch (tag) {
    case SPAN_SPAN_ID:
        s->span_id = n;
        break;
    case SPAN_PARENT_ID:
        s->parent_id = n;
        break;
    case SPAN_START:
        s->start = time_of(n);
        break;
    case SPAN_DURATION:
        s->duration = time_of(n);
        break;
    case SPAN_ERROR:
        s->error = n != 0;
        break;
    default:
        r->kind = n;
    }
    return good;
}

static bool read_scalar(const struct dd_decoder *d, struct wire_view *v, uint32_t tag, struct dd_span *s,
                        struct reading *r)
{
    switch (tag) {
    case SPAN_SERVICE:
        return read_name(d, v, &s->service, r);
    case SPAN_NAME:
        return read_name(d, v, &s->name, r);
    case SPAN_RESOURCE:
        return read_name(d, v, &s->resource, r);
    case SPAN_TYPE:
        return read_name(d, v, &s->type, r);
    case SPAN_ENV:
        return read_name(d, v, &r->promoted[DD_PROMOTED_ENV], r);
    case SPAN_VERSION:
        return read_name(d, v, &r->promoted[DD_PROMOTED_VERSION], r);
    case SPAN_COMPONENT:
        return read_name(d, v, &r->promoted[DD_PROMOTED_COMPONENT], r);
    case SPAN_SPAN_ID:
    case SPAN_PARENT_ID:
    case SPAN_START:
    case SPAN_DURATION:
    case SPAN_ERROR:
    case SPAN_KIND:
        return read_number(d, v, tag, s, r);
    default:
        return pass_unknown(v, tag, SPAN_FIELDS);
    }
}

static enum dd_got read_field(struct dd_decoder *d, struct wire_view *v, uint32_t tag, struct dd_span *s,
                              struct reading *r)
{
    switch (tag) {
    case SPAN_ATTRIBUTES:
        return add_attribute(d, &r->tags, v, tag);
    case SPAN_LINKS:
        return dd_agent_add(d, &r->links, v, tag, sizeof(struct dd_link), read_link, &d->left_out.links);
    case SPAN_EVENTS:
        return dd_agent_add(d, &r->events, v, tag, sizeof(struct dd_event), read_event, &d->left_out.events);
    default:
        return dd_agent_got(read_scalar(d, v, tag, s, r));
    }
}

static struct dd_text *find_tag(const struct dd_spread *tags, gw_str key)
{
    for (size_t i = tags->meta_n; i-- > 0;)
        if (gw_str_eq(tags->meta[i].key, key))
            return &tags->meta[i];
    return NULL;
}

/* Turns fields that v0.4 does not have into tags. In spans that the agent converted, kind "internal" also
 * stands for a missing kind, so it is not used. */
static enum dd_got promote(struct dd_decoder *d, struct reading *r)
{
    bool room = true;
    if (r->kind < DD_SPREAD_KINDS && !(r->kind == INTERNAL && r->tags.converted))
        r->promoted[DD_PROMOTED_KIND] = dd_spread_kinds[r->kind];
    for (size_t i = 0; room && i < DD_PROMOTEDS; i++) {
        struct dd_text *tag = r->promoted[i].len ? find_tag(&r->tags.typed, dd_spread_promoted[i]) : NULL;
        if (tag)
            tag->value = r->promoted[i];
        else if (r->promoted[i].len)
            room = dd_spread_text(d->arena, &r->tags.typed, dd_spread_promoted[i], r->promoted[i]);
    }
    return room ? DD_TAKEN : DD_ILL_FORMED;
}

enum dd_got dd_agent_idx_span(struct dd_decoder *d, struct wire_view v, struct dd_span *s,
                              enum gw_reason *why)
{
    struct reading r = {.why = GW_REASON_BAD_SPAN};
    enum dd_got got = DD_TAKEN;
    uint32_t tag;
    *s = (struct dd_span){.trace_id = d->agent->trace_id};
    while (!got && v.at < v.end)
        got = dd_pb_tag(&v, &tag) ? read_field(d, &v, tag, s, &r) : DD_OTHER_TYPE;
    got = got ? got : promote(d, &r);
    *why = r.why;
    dd_spread_span(s, &r.tags.typed);
    s->links = r.links.items;
    s->links_n = r.links.n;
    s->events = r.events.items;
    s->events_n = r.events.n;
    return got;
}
