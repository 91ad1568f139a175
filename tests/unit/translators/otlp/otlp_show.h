/* otlp_show.h: what a writer wrote, as one line of text: decoded by protobuf-c, which must also pack it to the same bytes.
 *
 *     {k="v" n=1 d=2.5 b=true a=["x" 1] m={k="v"} z=bytes:00ff e=none}
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_SHOW_H
#define OTLP_SHOW_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "trace.pb-c.h"
#include "translators/otlp/otlp_write.h"

typedef Opentelemetry__Proto__Common__V1__KeyValue show_attr;
typedef Opentelemetry__Proto__Common__V1__AnyValue show_any;
typedef Opentelemetry__Proto__Trace__V1__Span show_span;

struct show {
    char text[8192];
    size_t len;
};

static inline __attribute__((format(printf, 2, 3))) void say(struct show *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(s->text + s->len, sizeof s->text - s->len, fmt, ap);
    va_end(ap);
    assert_in_range(n, 0, sizeof s->text - s->len - 1);
    s->len += (size_t)n;
}

static inline void say_hex(struct show *s, ProtobufCBinaryData b)
{
    for (size_t i = 0; i < b.len; i++)
        say(s, "%02x", b.data[i]);
}

static inline void say_text(struct show *s, ProtobufCBinaryData b)
{
    say(s, "\"%.*s\"", (int)b.len, b.data ? (const char *)b.data : "");
}

static inline void say_attrs(struct show *s, show_attr **attrs, size_t n);

static inline void say_any(struct show *s, const show_any *v)
{
    switch (v->value_case) {
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE:
        say_text(s, v->string_value);
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BOOL_VALUE:
        say(s, v->bool_value ? "true" : "false");
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_INT_VALUE:
        say(s, "%" PRId64, v->int_value);
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_DOUBLE_VALUE:
        say(s, "%.17g%s", v->double_value, v->double_value == (double)(int)v->double_value ? ".0" : "");
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_ARRAY_VALUE:
        say(s, "[");
        for (size_t i = 0; i < v->array_value->n_values; i++) {
            say(s, i ? " " : "");
            say_any(s, v->array_value->values[i]);
        }
        say(s, "]");
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_KVLIST_VALUE:
        say_attrs(s, v->kvlist_value->values, v->kvlist_value->n_values);
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BYTES_VALUE:
        say(s, "bytes:");
        say_hex(s, v->bytes_value);
        break;
    default:
        say(s, "none");
    }
}

static inline void say_attrs(struct show *s, show_attr **attrs, size_t n)
{
    say(s, "{");
    for (size_t i = 0; i < n; i++) {
        say(s, "%s%.*s=", i ? " " : "", (int)attrs[i]->key.len, (const char *)attrs[i]->key.data);
        say_any(s, attrs[i]->value);
    }
    say(s, "}");
}

/* What stands in w must be fields of a Span, in the order and form that protobuf packs. */
static inline show_span *show_unpack(const struct otlp_buf *w)
{
    assert_false(w->failed);
    show_span *span = opentelemetry__proto__trace__v1__span__unpack(NULL, w->len, w->data ? w->data : (const uint8_t *)"");
    assert_non_null(span);
    uint8_t *packed = malloc(w->len + 1);
    assert_int_equal(opentelemetry__proto__trace__v1__span__get_packed_size(span), w->len);
    opentelemetry__proto__trace__v1__span__pack(span, packed);
    assert_memory_equal(packed, w->data ? w->data : packed, w->len);
    free(packed);
    return span;
}

static inline void show_free(show_span *span)
{
    opentelemetry__proto__trace__v1__span__free_unpacked(span, NULL);
}

/* The attributes (field 9), links (13) and events (11) that stand in w; w is emptied. */
static inline const char *show(struct show *s, struct otlp_buf *w)
{
    show_span *span = show_unpack(w);
    s->len = 0;
    s->text[0] = '\0';
    if (span->n_attributes)
        say_attrs(s, span->attributes, span->n_attributes);
    for (size_t i = 0; i < span->n_links; i++) {
        Opentelemetry__Proto__Trace__V1__Span__Link *l = span->links[i];
        say(s, "%slink ", s->len ? " | " : "");
        say_hex(s, l->trace_id);
        say(s, "/");
        say_hex(s, l->span_id);
        say(s, " ");
        say_text(s, l->trace_state);
        say(s, " flags=%x dropped=%u ", l->flags, l->dropped_attributes_count);
        say_attrs(s, l->attributes, l->n_attributes);
    }
    for (size_t i = 0; i < span->n_events; i++) {
        Opentelemetry__Proto__Trace__V1__Span__Event *e = span->events[i];
        say(s, "%sevent ", s->len ? " | " : "");
        say_text(s, e->name);
        say(s, " at %" PRIu64 " ", e->time_unix_nano);
        say_attrs(s, e->attributes, e->n_attributes);
    }
    show_free(span);
    w->len = 0;
    return s->text;
}

#endif
