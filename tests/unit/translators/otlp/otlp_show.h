/* otlp_show.h: what a writer wrote, as one line of text: decoded by protobuf-c, which must also pack it to
 * the same bytes.
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

static inline __attribute__((format(printf, 2, 3))) void append_text(struct show *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(s->text + s->len, sizeof s->text - s->len, fmt, ap);
    va_end(ap);
    assert_in_range(n, 0, sizeof s->text - s->len - 1);
    s->len += (size_t)n;
}

static inline void dump_hex(struct show *s, ProtobufCBinaryData b)
{
    for (size_t i = 0; i < b.len; i++)
        append_text(s, "%02x", b.data[i]);
}

static inline void dump_text(struct show *s, ProtobufCBinaryData b)
{
    append_text(s, "\"%.*s\"", (int)b.len, b.data ? (const char *)b.data : "");
}

static inline void dump_attrs(struct show *s, show_attr **attrs, size_t n);

static inline void dump_any(struct show *s, const show_any *v)
{
    switch (v->value_case) {
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE:
        dump_text(s, v->string_value);
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BOOL_VALUE:
        append_text(s, v->bool_value ? "true" : "false");
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_INT_VALUE:
        append_text(s, "%" PRId64, v->int_value);
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_DOUBLE_VALUE:
        append_text(s, "%.17g%s", v->double_value,
                    v->double_value == (double)(int)v->double_value ? ".0" : "");
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_ARRAY_VALUE:
        append_text(s, "[");
        for (size_t i = 0; i < v->array_value->n_values; i++) {
            append_text(s, i ? " " : "");
            dump_any(s, v->array_value->values[i]);
        }
        append_text(s, "]");
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_KVLIST_VALUE:
        dump_attrs(s, v->kvlist_value->values, v->kvlist_value->n_values);
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BYTES_VALUE:
        append_text(s, "bytes:");
        dump_hex(s, v->bytes_value);
        break;
    default:
        append_text(s, "none");
    }
}

static inline void dump_attrs(struct show *s, show_attr **attrs, size_t n)
{
    append_text(s, "{");
    for (size_t i = 0; i < n; i++) {
        append_text(s, "%s%.*s=", i ? " " : "", (int)attrs[i]->key.len, (const char *)attrs[i]->key.data);
        dump_any(s, attrs[i]->value);
    }
    append_text(s, "}");
}

/* What stands in w must be fields of a Span, in the order and form that protobuf packs. */
static inline show_span *show_unpack(const struct otlp_buf *w)
{
    assert_false(w->failed);
    show_span *span =
        opentelemetry__proto__trace__v1__span__unpack(NULL, w->len, w->data ? w->data : (const uint8_t *)"");
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
        dump_attrs(s, span->attributes, span->n_attributes);
    for (size_t i = 0; i < span->n_links; i++) {
        Opentelemetry__Proto__Trace__V1__Span__Link *l = span->links[i];
        append_text(s, "%slink ", s->len ? " | " : "");
        dump_hex(s, l->trace_id);
        append_text(s, "/");
        dump_hex(s, l->span_id);
        append_text(s, " ");
        dump_text(s, l->trace_state);
        append_text(s, " flags=%x dropped=%u ", l->flags, l->dropped_attributes_count);
        dump_attrs(s, l->attributes, l->n_attributes);
    }
    for (size_t i = 0; i < span->n_events; i++) {
        Opentelemetry__Proto__Trace__V1__Span__Event *e = span->events[i];
        append_text(s, "%sevent ", s->len ? " | " : "");
        dump_text(s, e->name);
        append_text(s, " at %" PRIu64 " ", e->time_unix_nano);
        dump_attrs(s, e->attributes, e->n_attributes);
    }
    show_free(span);
    w->len = 0;
    return s->text;
}

#endif
