/* explanation_json.c: Writes an explanation of a span as JSON. Owns nothing beyond a call. Called by api_span.c and explain.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/explanation_json.h"

#include <stdlib.h>

#include "common.pb-c.h"
#include "exporters/encoding/otlp_json.h"
#include "gateway/api/api.h"
#include "resource.pb-c.h"
#include "trace.pb-c.h"

typedef Opentelemetry__Proto__Common__V1__AnyValue any_value;

enum { VALUE_MAX = 16 << 20 };

static const ProtobufCMessageDescriptor *const descriptors[] = {
    &opentelemetry__proto__trace__v1__span__descriptor,
    &opentelemetry__proto__resource__v1__resource__descriptor,
    &opentelemetry__proto__common__v1__instrumentation_scope__descriptor,
    &opentelemetry__proto__common__v1__any_value__descriptor};
enum message { SPAN, RESOURCE, SCOPE, ANY };

static ProtobufCMessage *unpack(enum message which, gw_str bytes)
{
    return protobuf_c_message_unpack(descriptors[which], NULL, bytes.len, (const uint8_t *)bytes.ptr);
}

/* The message as OTLP/JSON; {} where it cannot be read. */
static void write_message(FILE *to, enum message which, gw_str bytes)
{
    struct out out;
    ProtobufCMessage *m = unpack(which, bytes);
    out_init(&out, VALUE_MAX);
    if (m)
        otlp_json(&out, m);
    if (m && !out.failed)
        fwrite(out.data, 1, out.len, to);
    else
        fputs("{}", to);
    out_fini(&out);
    if (m)
        protobuf_c_message_free_unpacked(m, NULL);
}

/* The value of {"stringValue":…} and the like. */
static gw_str inner_json(const any_value *v)
{
    struct out out;
    out_init(&out, VALUE_MAX);
    otlp_json(&out, &v->base);
    gw_str text = out.failed ? GW_NOSTR : gw_str_n(out.data, out.len);
    size_t colon = gw_str_find(text, ':');
    gw_str inner =
        colon + 2 <= text.len ? gw_str_n(text.ptr + colon + 1, text.len - colon - 2) : GW_STR("null");
    if (v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_INT_VALUE && inner.len > 2)
        inner = gw_str_n(inner.ptr + 1, inner.len - 2); /* OTLP/JSON has such numbers as text */
    char *copy = malloc(inner.len + 1);
    if (copy) {
        memcpy(copy, inner.ptr, inner.len);
        copy[inner.len] = '\0';
    }
    out_fini(&out);
    return copy ? gw_str_n(copy, inner.len) : GW_NOSTR;
}

gw_str gw_any_text(gw_str any)
{
    ProtobufCMessage *m = unpack(ANY, any);
    const any_value *v = (const any_value *)m;
    gw_str text = GW_NOSTR;
    if (v && v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE) {
        size_t n = v->string_value.len;
        char *copy = malloc(n + 1);
        if (copy && n)
            memcpy(copy, v->string_value.data, n);
        if (copy)
            copy[n] = '\0';
        text = copy ? gw_str_n(copy, n) : GW_NOSTR;
    } else if (v) {
        text = inner_json(v);
    }
    if (m)
        protobuf_c_message_free_unpacked(m, NULL);
    return text;
}

static void write_names(FILE *to, const char *member, const gw_str *names, size_t n)
{
    fprintf(to, ",\"%s\":[", member);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? "," : "", to);
        gw_api_text(to, names[i]);
    }
    fputc(']', to);
}

static void write_part(FILE *to, const struct dd_explained_part *p)
{
    gw_str value = gw_any_text(p->value);
    fputs("{", to);
    gw_api_text_of(to, "section", gw_str_z(dd_explained_section_name(p->section)));
    fputc(',', to);
    gw_api_text_of(to, "name", p->name);
    fputc(',', to);
    gw_api_text_of(to, "value", value);
    write_names(to, "to", p->to, p->to_n);
    fputc(',', to);
    gw_api_text_of(to, "fate", gw_str_z(dd_explained_fate_name(p->fate)));
    fputc(',', to);
    gw_api_text_of(to, "why", p->why);
    fputc(',', to);
    gw_api_text_of(to, "row", p->row);
    fputc('}', to);
    free((char *)(uintptr_t)value.ptr);
}

static void write_parts(FILE *to, const struct dd_explained *e, bool tags)
{
    bool first = true;
    for (size_t i = 0; i < e->received_n; i++) {
        if ((e->received[i].section >= DD_OF_META) != tags)
            continue;
        fputs(first ? "" : ",", to);
        write_part(to, &e->received[i]);
        first = false;
    }
}

void gw_explained_received(FILE *to, const struct dd_explained *e)
{
    fputs("\"fields\":[", to);
    write_parts(to, e, false);
    fputs("],\"tags\":[", to);
    write_parts(to, e, true);
    fputc(']', to);
}

static void write_item(FILE *to, const struct dd_explained_item *item)
{
    fputc('{', to);
    gw_api_text_of(to, "name", item->name);
    fputc(',', to);
    gw_api_text_of(to, "where", gw_str_z(dd_explained_place_name(item->place)));
    fputs(",\"value\":", to);
    write_message(to, ANY, item->value);
    write_names(to, "from", item->from, item->from_n);
    fputc(',', to);
    gw_api_text_of(to, "why", item->why);
    fputc(',', to);
    gw_api_text_of(to, "row", item->row);
    fputc('}', to);
}

void gw_explained_sent(FILE *to, const struct dd_explained_sent *s, const gw_str *exporters, size_t n)
{
    static const char *const schemas[] = {[GW_OTEL] = "otel", [GW_BOTH] = "both", [GW_DATADOG] = "datadog"};
    fprintf(to, "{\"schema\":\"%s\"", schemas[s->schema]);
    write_names(to, "exporters", exporters, n);
    fputs(",\"span\":", to);
    write_message(to, SPAN, s->span);
    fputs(",\"resource\":", to);
    write_message(to, RESOURCE, s->resource);
    fputs(",\"scope\":", to);
    write_message(to, SCOPE, s->scope);
    fputs(",\"attributes\":[", to);
    for (size_t i = 0; i < s->n; i++) {
        fputs(i ? "," : "", to);
        write_item(to, &s->items[i]);
    }
    fputs("]}", to);
}
