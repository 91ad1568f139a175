/* line_span.c: Writes spans as Datakit's lines of the measurement `ddtrace`. The frames have Datadog's own
 * tags (attribute schema GW_DATADOG), so the span is written as its tracer sent it: texts are its meta,
 * numbers its metrics, and `message` is that span in JSON. Owns nothing. Called by line_protocol.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "exporters/encoding/line_point.h"
#include "exporters/encoding/line_signals.h"
#include "trace_service.pb-c.h"

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest request;
typedef Opentelemetry__Proto__Trace__V1__ResourceSpans resource_spans;
typedef Opentelemetry__Proto__Trace__V1__Span span;

/* One span of the request, and the data that decides its place in the trace. */
struct node {
    const span *span;
    line_attribute *const *resource;
    size_t resource_n;
    gw_str service;
    uint64_t high, low, id, parent;
    bool has_child;
};

/* --- entry, local, exit --- */

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_id(const void *a, const void *b)
{
    const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;
    int c = compare(x->high, y->high);
    c = c ? c : compare(x->low, y->low);
    return c ? c : compare(x->id, y->id);
}

static uint64_t upper_half(ProtobufCBinaryData id)
{
    return id.len == 16 ? line_id_number((ProtobufCBinaryData){8, id.data}) : 0;
}

static size_t count(const request *q)
{
    size_t n = 0;
    for (size_t i = 0; i < q->n_resource_spans; i++)
        for (size_t k = 0; k < q->resource_spans[i]->n_scope_spans; k++)
            n += q->resource_spans[i]->scope_spans[k]->n_spans;
    return n;
}

static struct node node_of(const span *s, const resource_spans *from)
{
    struct node n = {.span = s,
                     .high = upper_half(s->trace_id),
                     .low = line_id_number(s->trace_id),
                     .id = line_id_number(s->span_id),
                     .parent = line_id_number(s->parent_span_id)};
    if (from->resource) {
        n.resource = from->resource->attributes;
        n.resource_n = from->resource->n_attributes;
        n.service = line_text_of(line_find(n.resource, n.resource_n, "service.name"));
    }
    return n;
}

static void collect(const request *q, struct node *nodes)
{
    size_t n = 0;
    for (size_t i = 0; i < q->n_resource_spans; i++)
        for (size_t k = 0; k < q->resource_spans[i]->n_scope_spans; k++)
            for (size_t s = 0; s < q->resource_spans[i]->scope_spans[k]->n_spans; s++)
                nodes[n++] = node_of(q->resource_spans[i]->scope_spans[k]->spans[s], q->resource_spans[i]);
}

static struct node *parent_of(struct node **sorted, size_t n, const struct node *child)
{
    struct node wanted = {.high = child->high, .low = child->low, .id = child->parent}, *key = &wanted;
    if (!child->parent || child->parent == child->id)
        return NULL;
    struct node **found = bsearch(&key, sorted, n, sizeof key, by_id);
    return found ? *found : NULL;
}

/* Its place among the request's spans of its service. */
static gw_str type_of(struct node **sorted, size_t n, const struct node *node)
{
    const struct node *parent = parent_of(sorted, n, node);
    if (!parent || !gw_str_eq(parent->service, node->service))
        return GW_STR("entry");
    return node->has_child ? GW_STR("local") : GW_STR("exit");
}

/* --- the span as its tracer sent it --- */

/* Returns whether the translation added this attribute; it is not a tag that was sent. */
static bool is_added(gw_str name)
{
    static const gw_str added[] = {GW_LIT("operation.name"), GW_LIT("resource.name"), GW_LIT("span.type"),
                                   GW_LIT("sampling.priority"), GW_LIT("datadog.origin")};
    for (size_t i = 0; i < sizeof added / sizeof *added; i++)
        if (gw_str_eq(name, added[i]))
            return true;
    return false;
}

static bool is_number(const line_any *v)
{
    return v && (v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_INT_VALUE ||
                 v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_DOUBLE_VALUE);
}

static int by_key(const void *a, const void *b)
{
    gw_str x = line_bytes((*(line_attribute *const *)a)->key),
           y = line_bytes((*(line_attribute *const *)b)->key);
    size_t n = x.len < y.len ? x.len : y.len;
    int c = n ? memcmp(x.ptr, y.ptr, n) : 0;
    return c ? c : (x.len > y.len) - (x.len < y.len);
}

/* meta contains texts, so every value is written as text. */
static void put_meta_value(struct gw_text *t, const line_any *v)
{
    struct gw_text json = {.arena = t->arena};
    if (v && v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE) {
        gw_text_put_json(t, line_bytes(v->string_value));
        return;
    }
    line_put_json(&json, v);
    gw_text_put_json(t, gw_text_result(&json));
}

/* Writes ,"meta":{…} with the attributes that are numbers, or with those that are not; nothing if there are
 * none. */
static void put_tags(struct gw_text *t, const char *name, line_attribute **list, size_t n, bool numbers)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        if (is_number(list[i]->value) != numbers || is_added(line_bytes(list[i]->key)))
            continue;
        gw_text_put_z(t, any ? "," : name);
        any = true;
        gw_text_put_json(t, line_bytes(list[i]->key));
        gw_text_put_char(t, ':');
        if (numbers)
            line_put_json(t, list[i]->value);
        else
            put_meta_value(t, list[i]->value);
    }
    if (any)
        gw_text_put_char(t, '}');
}

static void put_attributes(struct gw_text *t, line_attribute *const *list, size_t n)
{
    gw_text_put_z(t, ",\"attributes\":{");
    for (size_t i = 0; i < n; i++) {
        if (i)
            gw_text_put_char(t, ',');
        gw_text_put_json(t, line_bytes(list[i]->key));
        gw_text_put_char(t, ':');
        line_put_json(t, list[i]->value);
    }
    gw_text_put_char(t, '}');
}

static void put_u64(struct gw_text *t, const char *name, uint64_t value)
{
    gw_text_put_z(t, name);
    gw_text_put_str(t, gw_arena_printf(t->arena, "%" PRIu64, value));
}

static void put_links(struct gw_text *t, const span *s)
{
    for (size_t i = 0; i < s->n_links; i++) {
        const Opentelemetry__Proto__Trace__V1__Span__Link *l = s->links[i];
        gw_text_put_z(t, i ? "," : ",\"span_links\":[");
        put_u64(t, "{\"trace_id\":", line_id_number(l->trace_id));
        put_u64(t, ",\"trace_id_high\":", upper_half(l->trace_id));
        put_u64(t, ",\"span_id\":", line_id_number(l->span_id));
        if (l->n_attributes)
            put_attributes(t, l->attributes, l->n_attributes);
        if (l->trace_state.len) {
            gw_text_put_z(t, ",\"tracestate\":");
            gw_text_put_json(t, line_bytes(l->trace_state));
        }
        if (l->flags) /* bit 31: there are flags */
            put_u64(t, ",\"flags\":", (l->flags & 0xff) | UINT64_C(1) << 31);
        gw_text_put_char(t, '}');
    }
    if (s->n_links)
        gw_text_put_char(t, ']');
}

static void put_events(struct gw_text *t, const span *s)
{
    for (size_t i = 0; i < s->n_events; i++) {
        const Opentelemetry__Proto__Trace__V1__Span__Event *e = s->events[i];
        gw_text_put_z(t, i ? "," : ",\"span_events\":[");
        put_u64(t, "{\"time_unix_nano\":", e->time_unix_nano);
        gw_text_put_z(t, ",\"name\":");
        gw_text_put_json(t, line_bytes(e->name));
        if (e->n_attributes)
            put_attributes(t, e->attributes, e->n_attributes);
        gw_text_put_char(t, '}');
    }
    if (s->n_events)
        gw_text_put_char(t, ']');
}

/* The line's values of a span, collected from its attributes. */
struct told {
    gw_str name, resource, type;
    line_attribute **sorted; /* the attributes by name */
    bool error;
    uint64_t duration;
};

static uint64_t duration_of(const span *s)
{
    return s->end_time_unix_nano > s->start_time_unix_nano ? s->end_time_unix_nano - s->start_time_unix_nano
                                                           : 0;
}

static gw_str own(const span *s, const char *key, gw_str otherwise)
{
    gw_str text = line_text_of(line_find(s->attributes, s->n_attributes, key));
    return text.len ? text : otherwise;
}

/* A span that no tracer of Datadog made has its name, and nothing else. */
static bool tell(struct gw_arena *arena, const span *s, struct told *t)
{
    t->name = own(s, "operation.name", line_bytes(s->name));
    t->resource = own(s, "resource.name", line_bytes(s->name));
    t->type = own(s, "span.type", GW_STR(""));
    t->error = s->status &&
               s->status->code == OPENTELEMETRY__PROTO__TRACE__V1__STATUS__STATUS_CODE__STATUS_CODE_ERROR;
    t->duration = duration_of(s);
    t->sorted = gw_arena_raw(arena, s->n_attributes + 1, sizeof(line_attribute *));
    if (!t->sorted)
        return false;
    if (s->n_attributes) {
        memcpy(t->sorted, s->attributes, s->n_attributes * sizeof(line_attribute *));
        qsort(t->sorted, s->n_attributes, sizeof(line_attribute *), by_key);
    }
    return true;
}

static gw_str message(struct gw_arena *arena, const struct node *n, const struct told *told)
{
    const span *s = n->span;
    struct gw_text t = {.arena = arena};
    const struct {
        const char *name;
        gw_str value;
    } texts[] = {{"{\"name\":", told->name},
                 {",\"service\":", n->service},
                 {",\"resource\":", told->resource},
                 {",\"type\":", told->type}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        gw_text_put_z(&t, texts[i].name);
        gw_text_put_json(&t, texts[i].value);
    }
    put_u64(&t, ",\"start\":", s->start_time_unix_nano);
    put_u64(&t, ",\"duration\":", told->duration);
    put_tags(&t, ",\"meta\":{", told->sorted, s->n_attributes, false);
    put_tags(&t, ",\"metrics\":{", told->sorted, s->n_attributes, true);
    put_links(&t, s);
    put_events(&t, s);
    put_u64(&t, ",\"span_id\":", n->id);
    put_u64(&t, ",\"trace_id\":", n->low);
    put_u64(&t, ",\"parent_id\":", n->parent);
    gw_text_put_z(&t, told->error ? ",\"error\":1}" : ",\"error\":0}");
    return gw_text_result(&t);
}

/* --- the line --- */

static void put_line_tags(struct line_point *p, const struct node *n, const struct told *told,
                          gw_str span_type)
{
    static const struct {
        const char *attribute;
        gw_str tag;
    } own_tags[] = {{"env", GW_LIT("env")},
                    {"version", GW_LIT("version")},
                    {"http.method", GW_LIT("http_method")},
                    {"http.request.method", GW_LIT("http_method")},
                    {"http.status_code", GW_LIT("http_status_code")},
                    {"http.response.status_code", GW_LIT("http_status_code")}};
    const span *s = n->span;
    for (size_t i = 0; i < sizeof own_tags / sizeof *own_tags; i++)
        line_any_tag(p, own_tags[i].tag, line_find(s->attributes, s->n_attributes, own_tags[i].attribute));
    line_resource(p, n->resource, n->resource_n, false);
    line_tag(p, GW_STR("operation"), told->name);
    line_tag(p, GW_STR("span_type"), span_type);
    line_tag(p, GW_STR("status"), told->error ? GW_STR("error") : GW_STR("ok"));
    line_tag(p, GW_STR("type"), told->type.len ? told->type : GW_STR("custom"));
}

static void put_pid(struct line_point *p, const span *s)
{
    static const char *const names[] = {"system.pid", "process_id"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const line_any *pid = line_find(s->attributes, s->n_attributes, names[i]);
        struct gw_text t = {.arena = p->arena};
        if (!is_number(pid))
            continue;
        line_put_json(&t, pid);
        line_text(p, GW_STR("pid"), gw_text_result(&t));
        return;
    }
}

static int64_t microseconds(uint64_t ns)
{
    return (int64_t)(ns / 1000);
}

static bool write_span(struct out *o, struct gw_arena *arena, const struct node *n, gw_str span_type,
                       enum line_ids ids)
{
    struct told told;
    const span *s = n->span;
    struct line_point p = {.arena = arena, .measurement = GW_STR("ddtrace"), .time = s->start_time_unix_nano};
    if (!tell(arena, s, &told))
        return false;
    put_line_tags(&p, n, &told, span_type);
    line_int(&p, GW_STR("duration"), microseconds(told.duration));
    line_text(&p, GW_STR("message"), message(arena, n, &told));
    line_text(&p, GW_STR("parent_id"), line_id(arena, s->parent_span_id, ids));
    put_pid(&p, s);
    line_text(&p, GW_STR("resource"), told.resource);
    line_text(&p, GW_STR("span_id"), line_id(arena, s->span_id, ids));
    line_int(&p, GW_STR("start"), microseconds(s->start_time_unix_nano));
    line_text(&p, GW_STR("trace_id"), line_id(arena, s->trace_id, ids));
    return line_write(o, &p);
}

uint64_t line_protocol_spans(struct out *o, struct gw_arena *arena, const ProtobufCMessage *in,
                             enum line_ids ids)
{
    const request *q = (const request *)in;
    size_t n = count(q);
    struct node *nodes = gw_arena_raw(arena, n, sizeof *nodes),
                **sorted = gw_arena_raw(arena, n, sizeof *sorted);
    uint64_t left_out = 0;
    if (!nodes || !sorted)
        return n;
    collect(q, nodes);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &nodes[i];
    if (n > 1)
        qsort(sorted, n, sizeof *sorted, by_id);
    for (size_t i = 0; i < n; i++) {
        struct node *parent = parent_of(sorted, n, &nodes[i]);
        if (parent)
            parent->has_child = true;
    }
    for (size_t i = 0; i < n; i++) {
        struct gw_snap snap = gw_arena_snap(arena);
        left_out += !write_span(o, arena, &nodes[i], type_of(sorted, n, &nodes[i]), ids);
        gw_arena_back(arena, snap);
    }
    return left_out;
}
