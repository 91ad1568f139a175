/* log_write.c: Writes one recent log record as JSON: decoded, with the line that it came as. Owns nothing beyond
 * the call. Called by handlers of the API, on the admin listener's threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/log_scan.h"

#include <endian.h>
#include <string.h>

#include "logs_service.pb-c.h"

#include "core/delivery/trace_ids.h"
#include "exporters/encoding/otlp_json.h"
#include "exporters/encoding/otlp_read.h"
#include "translators/otlp/otlp_write.h"

enum { DECODED = 64 << 20 };

typedef Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest logs_request;
typedef Opentelemetry__Proto__Logs__V1__ResourceLogs resource_logs;
typedef Opentelemetry__Proto__Logs__V1__LogRecord log_record;
typedef Opentelemetry__Proto__Common__V1__KeyValue key_value;
typedef Opentelemetry__Proto__Common__V1__AnyValue any_value;

static uint64_t be64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return be64toh(v);
}

/* As its sender completes it: the upper half is looked up again. */
static void complete(const struct gw_api *api, ProtobufCBinaryData id)
{
    uint64_t high;
    if (id.len != 16 || be64(id.data) || !api->ids ||
        !gw_trace_ids_find(api->ids, be64(id.data + 8), &high, gw_now()))
        return;
    high = htobe64(high);
    memcpy(id.data, &high, sizeof high);
}

static gw_str str_of(ProtobufCBinaryData text)
{
    return gw_str_n((const char *)text.data, text.len);
}

static void write_message(FILE *to, const ProtobufCMessage *m)
{
    struct out out;
    out_init(&out, DECODED);
    otlp_json(&out, m);
    if (out.failed)
        fputs("{}", to);
    else
        fwrite(out.data, 1, out.len, to);
    out_fini(&out);
}

static void write_attributes(FILE *to, const char *name, size_t n, key_value *const *attributes)
{
    fprintf(to, ",\"%s\":{", name);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? "," : "", to);
        gw_api_text(to, str_of(attributes[i]->key));
        putc(':', to);
        if (attributes[i]->value)
            write_message(to, &attributes[i]->value->base);
        else
            fputs("{}", to);
    }
    putc('}', to);
}

static bool is_text(const any_value *v)
{
    return v && v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE;
}

static gw_str text_of(size_t n, key_value *const *attributes, gw_str key)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(str_of(attributes[i]->key), key) && is_text(attributes[i]->value))
            return str_of(attributes[i]->value->string_value);
    return GW_NOSTR;
}

/* A structure stands as its JSON, as a text. */
static void write_body(FILE *to, const any_value *body)
{
    struct out out;
    fputs(",\"body\":", to);
    if (is_text(body)) {
        gw_api_text(to, str_of(body->string_value));
        return;
    }
    out_init(&out, DECODED);
    if (body)
        otlp_json(&out, &body->base);
    gw_api_text(to, out.failed ? GW_NOSTR : gw_str_n(out.data, out.len));
    out_fini(&out);
}

static void write_hex(FILE *to, const char *name, ProtobufCBinaryData id)
{
    fprintf(to, ",\"%s\":\"", name);
    for (size_t i = 0; i < id.len; i++)
        fprintf(to, "%02x", id.data[i]);
    putc('"', to);
}

static void write_member(FILE *to, const char *name, gw_str text)
{
    putc(',', to);
    gw_api_text_of(to, name, text);
}

static const char *severity_word(int number)
{
    static const char *const words[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
    return number >= 1 && number <= 24 ? words[(number - 1) / 4] : "";
}

static void write_record(const struct log_seen *l, const resource_logs *of, const log_record *r, FILE *to)
{
    size_t n = of->resource ? of->resource->n_attributes : 0;
    key_value *const *attributes = n ? of->resource->attributes : NULL;
    putc('{', to);
    gw_api_time_of(to, "time", r->time_unix_nano ? r->time_unix_nano : r->observed_time_unix_nano);
    write_member(to, "service", text_of(n, attributes, GW_STR("service.name")));
    write_member(to, "severity", gw_str_z(severity_word((int)r->severity_number)));
    fprintf(to, ",\"severity_number\":%d", (int)r->severity_number);
    write_body(to, r->body);
    write_hex(to, "trace_id", r->trace_id);
    write_hex(to, "span_id", r->span_id);
    write_member(to, "receiver", l->receiver);
    write_member(to, "source", l->source);
    write_member(to, "line", l->line);
    write_member(to, "script", l->script);
    write_member(to, "form", l->form);
    write_attributes(to, "attributes", r->n_attributes, r->attributes);
    write_attributes(to, "resource", n, attributes);
    fprintf(to, l->index ? ",\"seq\":\"%llu.%u\"}" : ",\"seq\":\"%llu\"}", (unsigned long long)l->number,
            l->index);
}

static gw_str text_of_view(struct wire_view v)
{
    return gw_str_n((const char *)v.at, (size_t)(v.end - v.at));
}

bool log_seen_write(const struct gw_api *api, const struct log_seen *l, bool as_otlp, FILE *to)
{
    struct gw_arena arena;
    struct otlp_buf w = {0};
    gw_arena_init(&arena, DECODED);
    bool whole = gw_api_record_request(text_of_view(l->resource), text_of_view(l->record), &w);
    const logs_request *q = whole ? (const void *)otlp_read(&arena, GW_LOGS, otlp_written(&w)) : NULL;
    if (q) {
        log_record *r = q->resource_logs[0]->scope_logs[0]->log_records[0];
        complete(api, r->trace_id);
        if (as_otlp)
            write_message(to, &q->resource_logs[0]->base);
        else
            write_record(l, q->resource_logs[0], r, to);
    }
    otlp_fini(&w);
    gw_arena_fini(&arena);
    return q;
}
