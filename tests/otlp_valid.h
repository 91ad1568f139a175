/* otlp_valid.h: what must hold of every frame of spans, whatever came in. Read by protobuf-c, so by a
 * writer's opposite.
 *
 * Each function returns NULL, or what is wrong, in words: unit tests fail with it, fuzzers abort.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_VALID_H
#define OTLP_VALID_H

#include <string.h>

#include "core/base/str.h"
#include "trace_service.pb-c.h"

typedef Opentelemetry__Proto__Common__V1__KeyValue valid_attr;
typedef Opentelemetry__Proto__Common__V1__AnyValue valid_any;
typedef Opentelemetry__Proto__Trace__V1__Span valid_span;
typedef Opentelemetry__Proto__Trace__V1__ResourceSpans valid_resource;
typedef Opentelemetry__Proto__Trace__V1__ScopeSpans valid_scope;
typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest valid_request;

static inline gw_str valid_text(ProtobufCBinaryData b)
{
    return gw_str_n((const char *)b.data, b.len);
}

static inline bool valid_zero(ProtobufCBinaryData b)
{
    for (size_t i = 0; i < b.len; i++)
        if (b.data[i])
            return false;
    return true;
}

static inline const char *valid_attrs(valid_attr **attrs, size_t n);

static inline const char *valid_value(const valid_any *v)
{
    const char *wrong = NULL;
    switch (v->value_case) {
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE:
        return gw_utf8_valid(valid_text(v->string_value)) ? NULL : "a text that is not UTF-8";
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_ARRAY_VALUE:
        for (size_t i = 0; i < v->array_value->n_values && !wrong; i++)
            wrong = valid_value(v->array_value->values[i]);
        return wrong;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_KVLIST_VALUE:
        return valid_attrs(v->kvlist_value->values, v->kvlist_value->n_values);
    default:
        return NULL;
    }
}

static inline const char *valid_attrs(valid_attr **attrs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!gw_utf8_valid(valid_text(attrs[i]->key)))
            return "a key that is not UTF-8";
        if (!attrs[i]->key.len)
            return "an empty key";
        if (!attrs[i]->value)
            return "a key without a value";
        const char *wrong = valid_value(attrs[i]->value);
        if (wrong)
            return wrong;
        for (size_t k = 0; k < i; k++)
            if (gw_str_eq(valid_text(attrs[k]->key), valid_text(attrs[i]->key)))
                return "a key that stands twice";
    }
    return NULL;
}

static inline const char *valid_links_and_events(const valid_span *s)
{
    const char *wrong = NULL;
    for (size_t i = 0; i < s->n_links && !wrong; i++) {
        const Opentelemetry__Proto__Trace__V1__Span__Link *l = s->links[i];
        if (l->trace_id.len != 16 || l->span_id.len != 8)
            return "a link's id of another length";
        if (l->flags & 0x80000000u)
            return "a link's flags with Datadog's mark in bit 31";
        wrong = gw_utf8_valid(valid_text(l->trace_state)) ? valid_attrs(l->attributes, l->n_attributes)
                                                          : "a link's state is not UTF-8";
    }
    for (size_t i = 0; i < s->n_events && !wrong; i++)
        wrong = gw_utf8_valid(valid_text(s->events[i]->name))
                    ? valid_attrs(s->events[i]->attributes, s->events[i]->n_attributes)
                    : "an event's name is not UTF-8";
    return wrong;
}

static inline const char *valid_of_span(const valid_span *s)
{
    if (s->trace_id.len != 16 || valid_zero(s->trace_id))
        return "no trace id";
    if (s->span_id.len != 8 || valid_zero(s->span_id))
        return "no span id";
    if (s->parent_span_id.len && (s->parent_span_id.len != 8 || valid_zero(s->parent_span_id)))
        return "a parent id of zeroes";
    if (s->parent_span_id.len && memcmp(s->parent_span_id.data, s->span_id.data, 8) == 0)
        return "a span that is its own parent";
    if (s->kind < 1 || s->kind > 5)
        return "a span without kind";
    if (s->end_time_unix_nano < s->start_time_unix_nano)
        return "a span that ends before it starts";
    if (!s->name.len || !gw_utf8_valid(valid_text(s->name)))
        return "a span without a name in UTF-8";
    if (!gw_utf8_valid(valid_text(s->trace_state)) ||
        (s->status && !gw_utf8_valid(valid_text(s->status->message))))
        return "a trace state or status message that is not UTF-8";
    const char *wrong = valid_attrs(s->attributes, s->n_attributes);
    return wrong ? wrong : valid_links_and_events(s);
}

static inline const char *valid_of_resource(const valid_resource *r)
{
    bool named = false;
    if (!r->resource || !r->schema_url.len)
        return "no resource, or no schema";
    const char *wrong = valid_attrs(r->resource->attributes, r->resource->n_attributes);
    for (size_t i = 0; i < r->resource->n_attributes; i++)
        named |= gw_str_eq(valid_text(r->resource->attributes[i]->key), GW_STR("service.name"));
    return wrong ? wrong : named ? NULL : "a resource without service.name";
}

/* And how many spans there are. */
static inline const char *valid_of_request(const valid_request *q, size_t *spans)
{
    const char *wrong = NULL;
    for (size_t i = 0; i < q->n_resource_spans && !wrong; i++) {
        const valid_resource *r = q->resource_spans[i];
        wrong = valid_of_resource(r);
        for (size_t k = 0; k < r->n_scope_spans && !wrong; k++) {
            const valid_scope *s = r->scope_spans[k];
            wrong = s->n_spans && s->scope && s->scope->name.len && gw_utf8_valid(valid_text(s->scope->name))
                        ? NULL
                        : "a scope of nothing";
            *spans += s->n_spans;
            for (size_t m = 0; m < s->n_spans && !wrong; m++)
                wrong = valid_of_span(s->spans[m]);
        }
    }
    return wrong;
}

#endif
