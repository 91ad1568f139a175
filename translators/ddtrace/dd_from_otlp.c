/* dd_from_otlp.c: converts OTLP to an AgentPayload, field by field. A resource is first checked: does it come
 * from a Datadog SDK, and can all of its spans be represented in the payload? Then it is written. Keeps no
 * state. Called by the OTLP receiver.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_from_otlp.h"

#include <endian.h>
#include <stdio.h>

#include "core/base/hex.h"

/* Fields of OTLP: of requests and the messages down to spans, of Span, of KeyValue and AnyValue. */
enum {
    REQUEST_RESOURCE_SPANS = 1,
    RS_RESOURCE = 1,
    RS_SCOPE_SPANS = 2,
    RS_SCHEMA_URL = 3,
    RESOURCE_ATTRIBUTES = 1,
    SS_SPANS = 2
};
enum { TRACE_ID = 1, SPAN_ID = 2, TRACE_STATE = 3, PARENT_ID = 4, NAME = 5, KIND = 6, START = 7, END = 8 };
enum { ATTRIBUTES = 9, EVENTS = 11, LINKS = 13, STATUS = 15, STATUS_MESSAGE = 2, STATUS_CODE = 3 };
enum {
    KEY = 1,
    VALUE = 2,
    TEXT = 1,
    BOOL = 2,
    INT = 3,
    DOUBLE = 4,
    ARRAY = 5,
    LIST = 6,
    BYTES = 7,
    ERROR = 2
};
enum { EVENT_TIME = 1, EVENT_NAME = 2, EVENT_ATTRIBUTES = 3 };
enum { LINK_TRACE = 1, LINK_SPAN = 2, LINK_STATE = 3, LINK_ATTRIBUTES = 4, LINK_FLAGS = 6 };
/* Fields of datadog.trace: AgentPayload, TracerPayload, TraceChunk, Span, SpanEvent, SpanLink. */
enum { AGENT_PAYLOADS = 5, P_LANGUAGE = 2, P_LANGUAGE_VERSION = 3, P_TRACER_VERSION = 4, P_RUNTIME_ID = 5 };
enum { P_CHUNKS = 6, P_TAGS = 7, P_ENV = 8, P_HOST = 9, P_VERSION = 10, CHUNK_PRIORITY = 1, CHUNK_SPANS = 3 };
enum {
    S_SERVICE = 1,
    S_NAME = 2,
    S_RESOURCE = 3,
    S_TRACE = 4,
    S_ID = 5,
    S_PARENT = 6,
    S_START = 7,
    S_DURATION = 8
};
enum { S_ERROR = 9, S_META = 10, S_METRICS = 11, S_TYPE = 12, S_STRUCT = 13, S_LINKS = 14, S_EVENTS = 15 };
enum { E_TIME = 1, E_NAME = 2, E_ATTRIBUTES = 3, L_TRACE = 1, L_HIGH = 2, L_SPAN = 3, L_ATTRIBUTES = 4 };
enum { L_STATE = 5, L_FLAGS = 6, V_TYPE = 1, V_TEXT = 2, V_BOOL = 3, V_INT = 4, V_DOUBLE = 5 };
enum { V_IS_TEXT = 0, V_IS_BOOL = 1, V_IS_INT = 2, V_IS_DOUBLE = 3, LENGTH_BYTES = 2, LONG_BYTES = 3 };
#define FLAGS_ARE_PRESENT (UINT32_C(1) << 31)
#define NO_PRIORITY ((uint64_t)(int64_t)-128)

/* --- reading --- */

struct value {
    unsigned kind; /* TEXT … BYTES; 0: none */
    gw_str text;   /* of TEXT and BYTES */
    uint64_t bits; /* of the other kinds */
};

struct pair {
    gw_str key;
    struct value value;
};

static uint64_t number_of(const struct wire_field *f)
{
    struct wire_view v = f->whole;
    uint64_t tag, n = 0;
    (void)wire_read_varint(&v, &tag);
    if (f->type == WIRE_VARINT) {
        (void)wire_read_varint(&v, &n);
    } else {
        memcpy(&n, v.at, f->type == WIRE_FIXED64 ? 8 : 4);
        n = le64toh(n);
    }
    return n;
}

static struct value read_value(struct wire_view v)
{
    struct value out = {0};
    for (struct wire_field f = {0}; wire_next(&v, &f);)
        if (f.number >= TEXT && f.number <= BYTES) {
            out.kind = f.number;
            if (f.type == WIRE_LEN)
                out.text = wire_text(f.body);
            else
                out.bits = number_of(&f);
        }
    return out;
}

static struct pair read_pair(struct wire_view v)
{
    struct pair p = {.key = GW_NOSTR};
    for (struct wire_field f = {0}; wire_next(&v, &f);)
        if (f.type == WIRE_LEN && f.number == KEY)
            p.key = wire_text(f.body);
        else if (f.type == WIRE_LEN && f.number == VALUE)
            p.value = read_value(f.body);
    return p;
}

/* Finds the next message in this field. */
static bool next_in(struct wire_view *v, unsigned number, struct wire_view *body)
{
    for (struct wire_field f = {0}; wire_next(v, &f);)
        if (f.number == number && f.type == WIRE_LEN) {
            *body = f.body;
            return true;
        }
    return false;
}

static bool next_pair(struct wire_view *v, unsigned number, struct pair *p)
{
    struct wire_view body;
    if (!next_in(v, number, &body))
        return false;
    *p = read_pair(body);
    return true;
}

/* Returns the text attribute with this name; if there are several, the last one. */
static gw_str text_of(struct wire_view v, unsigned number, gw_str key)
{
    gw_str found = GW_NOSTR;
    for (struct pair p; next_pair(&v, number, &p);)
        if (p.value.kind == TEXT && gw_str_eq(p.key, key))
            found = p.value.text;
    return found;
}

static struct wire_view resource_of(struct wire_view resource_spans)
{
    struct wire_view resource = {NULL, NULL};
    (void)next_in(&resource_spans, RS_RESOURCE, &resource);
    return resource;
}

/* --- whose it is --- */

/* dd-trace-js marks its resources. ddtrace 4.16 (Python) only names itself. A gateway that has translated
 * spans of a tracer does so too, but it also names the schema of its attributes. */
static bool is_datadogs(struct wire_view resource_spans)
{
    struct wire_view resource = resource_of(resource_spans), schema;
    gw_str semantics = text_of(resource, RESOURCE_ATTRIBUTES, GW_STR("datadog.sdk.semantics"));
    if (semantics.len)
        return gw_str_eq(semantics, GW_STR("datadog"));
    if (gw_str_eq(text_of(resource, RESOURCE_ATTRIBUTES, GW_STR("_dd.sdk.otlp_export")), GW_STR("true")))
        return true;
    return gw_str_eq(text_of(resource, RESOURCE_ATTRIBUTES, GW_STR("telemetry.sdk.name")),
                     GW_STR("datadog")) &&
           !(next_in(&resource_spans, RS_SCHEMA_URL, &schema) && schema.at < schema.end);
}

static bool is_flat(struct wire_view v, unsigned number)
{
    for (struct pair p; next_pair(&v, number, &p);)
        if (p.value.kind == ARRAY || p.value.kind == LIST)
            return false;
    return true;
}

static bool has_place(struct wire_view span)
{
    struct wire_view events = span, links = span, one;
    bool ok = is_flat(span, ATTRIBUTES);
    while (ok && next_in(&events, EVENTS, &one))
        ok = is_flat(one, EVENT_ATTRIBUTES);
    while (ok && next_in(&links, LINKS, &one))
        ok = is_flat(one, LINK_ATTRIBUTES);
    return ok;
}

static bool all_have_place(struct wire_view resource_spans)
{
    struct wire_view scope, span;
    while (next_in(&resource_spans, RS_SCOPE_SPANS, &scope))
        while (next_in(&scope, SS_SPANS, &span))
            if (!has_place(span))
                return false;
    return is_flat(resource_of(resource_spans), RESOURCE_ATTRIBUTES);
}

/* --- writing --- */

/* Enough for any number of 64 bits. */
enum { NUMBER = 32 };

/* Returns a value as a text tag. `room` is for numbers. */
static gw_str as_text(const struct value *v, char room[static NUMBER])
{
    double d;
    switch (v->kind) {
    case TEXT:
    case BYTES:
        return v->text;
    case BOOL:
        return v->bits ? GW_STR("true") : GW_STR("false");
    case INT:
        return gw_str_n(room, (size_t)snprintf(room, NUMBER, "%lld", (long long)v->bits));
    case DOUBLE:
        memcpy(&d, &v->bits, sizeof d);
        return gw_str_n(room, (size_t)snprintf(room, NUMBER, "%.17g", d));
    default:
        return GW_NOSTR;
    }
}

static void put_entry(struct otlp_buf *w, unsigned field, gw_str key, gw_str value)
{
    size_t entry = otlp_open(w, field, LENGTH_BYTES);
    otlp_bytes(w, 1, key);
    otlp_bytes(w, 2, value);
    otlp_close(w, entry, LENGTH_BYTES);
}

static void put_text(struct otlp_buf *w, unsigned field, gw_str s)
{
    if (s.len)
        otlp_bytes(w, field, s);
}

static void put_metric(struct otlp_buf *w, const struct pair *p)
{
    double d = (double)(int64_t)p->value.bits;
    uint64_t bits = p->value.bits;
    if (p->value.kind == INT)
        memcpy(&bits, &d, sizeof bits);
    size_t entry = otlp_open(w, S_METRICS, LENGTH_BYTES);
    otlp_bytes(w, 1, p->key);
    otlp_fixed64(w, 2, bits);
    otlp_close(w, entry, LENGTH_BYTES);
}

/* The tags that become fields of the span. */
struct own {
    gw_str service, name, resource, type;
};

static bool take_own(struct own *o, const struct pair *p)
{
    const struct {
        gw_str key;
        gw_str *value;
    } known[] = {{GW_LIT("service.name"), &o->service},
                 {GW_LIT("operation.name"), &o->name},
                 {GW_LIT("resource.name"), &o->resource},
                 {GW_LIT("span.type"), &o->type}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (p->value.kind == TEXT && gw_str_eq(p->key, known[i].key)) {
            *known[i].value = p->value.text;
            return true;
        }
    return false;
}

static void put_attribute(struct otlp_buf *w, struct own *own, const struct pair *p)
{
    char room[NUMBER];
    if (!p->key.len || !p->value.kind || take_own(own, p))
        return;
    if (p->value.kind == INT || p->value.kind == DOUBLE)
        put_metric(w, p);
    else
        put_entry(w, p->value.kind == BYTES ? S_STRUCT : S_META, p->key, as_text(&p->value, room));
}

static void put_event_value(struct otlp_buf *w, const struct value *v)
{
    size_t value = otlp_open(w, 2, LENGTH_BYTES);
    if (v->kind == BOOL) {
        otlp_uint(w, V_TYPE, V_IS_BOOL);
        otlp_uint(w, V_BOOL, v->bits);
    } else if (v->kind == INT) {
        otlp_uint(w, V_TYPE, V_IS_INT);
        otlp_uint(w, V_INT, v->bits);
    } else if (v->kind == DOUBLE) {
        otlp_uint(w, V_TYPE, V_IS_DOUBLE);
        otlp_fixed64(w, V_DOUBLE, v->bits);
    } else {
        otlp_bytes(w, V_TEXT, v->text);
    }
    otlp_close(w, value, LENGTH_BYTES);
}

static void put_event(struct otlp_buf *w, struct wire_view event)
{
    size_t mark = otlp_open(w, S_EVENTS, LENGTH_BYTES);
    struct wire_view v = event;
    for (struct wire_field f = {0}; wire_next(&v, &f);)
        if (f.number == EVENT_TIME && f.type == WIRE_FIXED64)
            otlp_fixed64(w, E_TIME, number_of(&f));
        else if (f.number == EVENT_NAME && f.type == WIRE_LEN)
            put_text(w, E_NAME, wire_text(f.body));
    for (struct pair p; next_pair(&event, EVENT_ATTRIBUTES, &p);) {
        size_t entry = otlp_open(w, E_ATTRIBUTES, LENGTH_BYTES);
        otlp_bytes(w, 1, p.key);
        put_event_value(w, &p.value);
        otlp_close(w, entry, LENGTH_BYTES);
    }
    otlp_close(w, mark, LENGTH_BYTES);
}

/* Returns half of an id; zero if it is missing. */
static uint64_t half(gw_str id, size_t from)
{
    uint64_t v = 0;
    if (id.len >= from + 8)
        memcpy(&v, id.ptr + from, 8);
    return be64toh(v);
}

static void put_link(struct otlp_buf *w, struct wire_view link)
{
    size_t mark = otlp_open(w, S_LINKS, LENGTH_BYTES);
    struct wire_view v = link;
    char room[NUMBER];
    for (struct wire_field f = {0}; wire_next(&v, &f);) {
        gw_str text = f.type == WIRE_LEN ? wire_text(f.body) : GW_NOSTR;
        if (f.number == LINK_TRACE) {
            otlp_uint(w, L_TRACE, half(text, 8));
            otlp_uint(w, L_HIGH, half(text, 0));
        } else if (f.number == LINK_SPAN) {
            otlp_uint(w, L_SPAN, half(text, 0));
        } else if (f.number == LINK_STATE) {
            put_text(w, L_STATE, text);
        } else if (f.number == LINK_FLAGS && f.type == WIRE_FIXED32) {
            otlp_uint(w, L_FLAGS, (uint32_t)number_of(&f) | FLAGS_ARE_PRESENT);
        }
    }
    for (struct pair p; next_pair(&link, LINK_ATTRIBUTES, &p);)
        put_entry(w, L_ATTRIBUTES, p.key, as_text(&p.value, room));
    otlp_close(w, mark, LENGTH_BYTES);
}

/* --- spans --- */

struct span {
    gw_str trace_id, name, state, message;
    uint64_t id, parent, start, end, kind, status;
};

static gw_str kind_name(uint64_t kind)
{
    static const gw_str names[] = {GW_LIT(""),       GW_LIT("internal"), GW_LIT("server"),
                                   GW_LIT("client"), GW_LIT("producer"), GW_LIT("consumer")};
    return kind < sizeof names / sizeof *names ? names[kind] : GW_NOSTR;
}

static void read_status(struct span *s, struct wire_view v)
{
    for (struct wire_field f = {0}; wire_next(&v, &f);)
        if (f.number == STATUS_CODE && f.type == WIRE_VARINT)
            s->status = number_of(&f);
        else if (f.number == STATUS_MESSAGE && f.type == WIRE_LEN)
            s->message = wire_text(f.body);
}

static struct span read_span(struct wire_view v)
{
    struct span s = {.id = 0};
    for (struct wire_field f = {0}; wire_next(&v, &f);) {
        gw_str text = f.type == WIRE_LEN ? wire_text(f.body) : GW_NOSTR;
        switch (f.number) {
        case TRACE_ID:
            s.trace_id = text.len == 16 ? text : GW_NOSTR;
            break;
        case SPAN_ID:
            s.id = half(text, 0);
            break;
        case PARENT_ID:
            s.parent = half(text, 0);
            break;
        case TRACE_STATE:
            s.state = text;
            break;
        case NAME:
            s.name = text;
            break;
        case KIND:
            s.kind = number_of(&f);
            break;
        case START:
            s.start = number_of(&f);
            break;
        case END:
            s.end = number_of(&f);
            break;
        case STATUS:
            read_status(&s, f.body);
        }
    }
    return s;
}

/* Writes fields that Datadog's spans do not have as tags. */
static void put_fields_as_tags(struct otlp_buf *w, const struct span *s, struct wire_view span)
{
    char high[16];
    if (s->trace_id.len && half(s->trace_id, 0)) {
        gw_hex_put(high, (const uint8_t *)s->trace_id.ptr, 8);
        put_entry(w, S_META, GW_STR("_dd.p.tid"), gw_str_n(high, sizeof high));
    }
    if (kind_name(s->kind).len)
        put_entry(w, S_META, GW_STR("span.kind"), kind_name(s->kind));
    if (s->state.len)
        put_entry(w, S_META, GW_STR("tracestate"), s->state);
    if (s->status == ERROR && s->message.len && !text_of(span, ATTRIBUTES, GW_STR("error.message")).len &&
        !text_of(span, ATTRIBUTES, GW_STR("error.msg")).len)
        put_entry(w, S_META, GW_STR("error.message"), s->message);
}

static void put_span(struct otlp_buf *w, struct wire_view span, gw_str service)
{
    struct span s = read_span(span);
    struct own own = {.service = service, .resource = s.name};
    struct wire_view v = span, one;
    size_t mark = otlp_open(w, CHUNK_SPANS, LENGTH_BYTES);
    for (struct pair p; next_pair(&v, ATTRIBUTES, &p);)
        put_attribute(w, &own, &p);
    put_fields_as_tags(w, &s, span);
    put_text(w, S_SERVICE, own.service);
    put_text(w, S_NAME, own.name.len ? own.name : s.name);
    put_text(w, S_RESOURCE, own.resource);
    put_text(w, S_TYPE, own.type);
    otlp_uint(w, S_TRACE, half(s.trace_id, 8));
    otlp_uint(w, S_ID, s.id);
    otlp_uint(w, S_PARENT, s.parent);
    otlp_uint(w, S_START, s.start);
    otlp_uint(w, S_DURATION, s.end > s.start ? s.end - s.start : 0);
    otlp_uint(w, S_ERROR, s.status == ERROR);
    for (v = span; next_in(&v, EVENTS, &one);)
        put_event(w, one);
    for (v = span; next_in(&v, LINKS, &one);)
        put_link(w, one);
    otlp_close(w, mark, LENGTH_BYTES);
}

/* Adjacent spans of one trace become a chunk. */
static void put_chunks(struct otlp_buf *w, struct wire_view scope, gw_str service)
{
    gw_str trace = GW_NOSTR;
    size_t chunk = 0;
    bool is_open = false;
    for (struct wire_view span; next_in(&scope, SS_SPANS, &span);) {
        struct span s = read_span(span);
        if (is_open && !gw_str_eq(s.trace_id, trace)) {
            otlp_close(w, chunk, LONG_BYTES);
            is_open = false;
        }
        if (!is_open) {
            chunk = otlp_open(w, P_CHUNKS, LONG_BYTES);
            otlp_uint(w, CHUNK_PRIORITY, NO_PRIORITY);
        }
        is_open = true;
        trace = s.trace_id;
        put_span(w, span, service);
    }
    if (is_open)
        otlp_close(w, chunk, LONG_BYTES);
}

/* --- the process --- */

/* Returns the field of a TracerPayload for an attribute; 0: none, it becomes a tag. */
static unsigned field_of(gw_str key)
{
    static const struct {
        gw_str key;
        unsigned field;
    } known[] = {{GW_LIT("telemetry.sdk.language"), P_LANGUAGE},
                 {GW_LIT("telemetry.sdk.version"), P_TRACER_VERSION},
                 {GW_LIT("process.runtime.version"), P_LANGUAGE_VERSION},
                 {GW_LIT("runtime-id"), P_RUNTIME_ID},
                 {GW_LIT("service.instance.id"), P_RUNTIME_ID},
                 {GW_LIT("deployment.environment.name"), P_ENV},
                 {GW_LIT("deployment.environment"), P_ENV},
                 {GW_LIT("host.name"), P_HOST},
                 {GW_LIT("service.version"), P_VERSION}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gw_str_eq(key, known[i].key))
            return known[i].field;
    return 0;
}

/* Attributes that describe only the transport, or that the translation writes again. */
static bool is_over(gw_str key)
{
    static const gw_str names[] = {GW_LIT("_dd.sdk.otlp_export"), GW_LIT("datadog.sdk.semantics"),
                                   GW_LIT("_dd.stats_computed"), GW_LIT("telemetry.sdk.name"),
                                   GW_LIT("service.name")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (gw_str_eq(key, names[i]))
            return true;
    return false;
}

static void put_process(struct otlp_buf *w, struct wire_view resource)
{
    char room[NUMBER];
    for (struct pair p; next_pair(&resource, RESOURCE_ATTRIBUTES, &p);) {
        unsigned field = field_of(p.key);
        gw_str text = as_text(&p.value, room);
        if (is_over(p.key))
            continue;
        if (field)
            put_text(w, field, text);
        else
            put_entry(w, P_TAGS, p.key, text);
    }
}

static void put_payload(struct otlp_buf *w, struct wire_view resource_spans)
{
    struct wire_view resource = resource_of(resource_spans), scope;
    gw_str service = text_of(resource, RESOURCE_ATTRIBUTES, GW_STR("service.name"));
    size_t payload = otlp_open(w, AGENT_PAYLOADS, LONG_BYTES);
    put_process(w, resource);
    while (next_in(&resource_spans, RS_SCOPE_SPANS, &scope))
        put_chunks(w, scope, service);
    otlp_close(w, payload, LONG_BYTES);
}

static bool is_ours(const struct wire_field *f)
{
    return f->number == REQUEST_RESOURCE_SPANS && f->type == WIRE_LEN && is_datadogs(f->body) &&
           all_have_place(f->body);
}

bool dd_from_otlp(gw_str body, struct otlp_buf *plain, struct otlp_buf *agent)
{
    const uint8_t *at = (const uint8_t *)body.ptr;
    struct wire_view v = {at, at + body.len}, look = v;
    bool any = false;
    for (struct wire_field f = {0}; !any && wire_next(&look, &f);)
        any = is_ours(&f);
    for (struct wire_field f = {0}; any && wire_next(&v, &f);)
        if (is_ours(&f))
            put_payload(agent, f.body);
        else
            otlp_append(plain, wire_text(f.whole));
    return any;
}
