/* line_log.c: Writes log records as Datakit's lines: the source is the measurement, the resource the tags,
 * everything else fields. Owns nothing. Called by line_protocol.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "exporters/encoding/line_point.h"
#include "exporters/encoding/line_signals.h"
#include "logs_service.pb-c.h"

typedef Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest request;
typedef Opentelemetry__Proto__Logs__V1__ResourceLogs resource_logs;
typedef Opentelemetry__Proto__Logs__V1__LogRecord record;

static const char source_key[] = "datadog.log.source";

/* Datakit's words, one for each four of OTLP's numbers; the record's own word comes first. */
static gw_str status_of(const record *r)
{
    static const gw_str words[] = {GW_LIT("debug"),   GW_LIT("debug"), GW_LIT("info"),
                                   GW_LIT("warning"), GW_LIT("error"), GW_LIT("critical")};
    int number = (int)r->severity_number;
    if (r->severity_text.len)
        return line_bytes(r->severity_text);
    return number > 0 && number <= 24 ? words[(number - 1) / 4] : GW_STR("info");
}

static gw_str measurement_of(const record *r, const struct line_point *p)
{
    gw_str source = line_text_of(line_find(r->attributes, r->n_attributes, source_key));
    for (size_t i = 0; !source.len && i < p->tags.n; i++)
        if (gw_str_eq(p->tags.list[i].name, GW_STR("service")))
            source = p->tags.list[i].text;
    return source.len ? source : GW_STR("default");
}

static bool write_record(struct out *o, struct gw_arena *arena, const resource_logs *from, const record *r,
                         enum line_ids ids)
{
    struct line_point p = {.arena = arena,
                           .time = r->time_unix_nano ? r->time_unix_nano : r->observed_time_unix_nano};
    if (from->resource)
        line_resource(&p, from->resource->attributes, from->resource->n_attributes, true);
    p.measurement = measurement_of(r, &p);
    line_any_field(&p, GW_STR("message"), r->body);
    line_text(&p, GW_STR("message"), GW_STR("")); /* stays only if there is no body */
    line_text(&p, GW_STR("status"), status_of(r));
    if (r->trace_id.len)
        line_text(&p, GW_STR("trace_id"), line_id(arena, r->trace_id, ids));
    if (r->span_id.len)
        line_text(&p, GW_STR("span_id"), line_id(arena, r->span_id, ids));
    if (r->event_name.len)
        line_text(&p, GW_STR("event_name"), line_bytes(r->event_name));
    for (size_t i = 0; i < r->n_attributes; i++)
        if (!gw_str_eq(line_bytes(r->attributes[i]->key), gw_str_z(source_key)))
            line_any_field(&p, line_bytes(r->attributes[i]->key), r->attributes[i]->value);
    return line_write(o, &p);
}

uint64_t line_protocol_logs(struct out *o, struct gw_arena *arena, const ProtobufCMessage *in,
                            enum line_ids ids)
{
    const request *q = (const request *)in;
    uint64_t left_out = 0;
    for (size_t i = 0; i < q->n_resource_logs; i++)
        for (size_t k = 0; k < q->resource_logs[i]->n_scope_logs; k++)
            for (size_t n = 0; n < q->resource_logs[i]->scope_logs[k]->n_log_records; n++) {
                struct gw_snap snap = gw_arena_snap(arena);
                left_out += !write_record(o, arena, q->resource_logs[i],
                                          q->resource_logs[i]->scope_logs[k]->log_records[n], ids);
                gw_arena_back(arena, snap);
            }
    return left_out;
}
