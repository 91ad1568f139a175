/* api_traces.c: GET /api/traces, the traces among recent data; GET /api/traces/ID, one of them as OTLP/JSON.
 * Owns nothing beyond the call. Called by api.c, on the admin listener's threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "gateway/api/api_recent.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "logs_service.pb-c.h"
#include "trace_service.pb-c.h"

#include "core/delivery/trace_ids.h"
#include "exporters/encoding/otlp_json.h"
#include "exporters/encoding/otlp_read.h"
#include "gateway/api/trace_scan.h"
#include "translators/otlp/otlp_write.h"

enum { LIMIT = 100, MOST = 1000, DECODED = 64 << 20 };

/* --- a list --- */

static uint64_t duration_of(const struct scan_trace *t)
{
    return t->end > t->start ? t->end - t->start : 0;
}

static void write_services(FILE *to, const struct trace_scan *s, const struct scan_trace *t)
{
    fputs("\"services\":[", to);
    for (unsigned i = 0; i < t->services_n; i++) {
        fputs(i ? "," : "", to);
        gw_api_text(to, gw_str_z(trace_scan_text(s, t->services[i])));
    }
    putc(']', to);
}

/* The upper half, of the table of trace ids where no frame has it. */
static uint64_t high_of(const struct gw_api *api, const struct scan_trace *t)
{
    uint64_t high = t->high;
    if (!high && t->low && api->ids && !gw_trace_ids_find(api->ids, t->low, &high, gw_now()))
        high = 0;
    return high;
}

void gw_api_write_trace(const struct gw_api *api, const struct trace_scan *s, const struct scan_trace *t,
                        FILE *to)
{
    fprintf(to, "{\"trace_id\":\"%016llx%016llx\",", (unsigned long long)high_of(api, t),
            (unsigned long long)t->low);
    gw_api_time_of(to, "start", t->start);
    putc(',', to);
    gw_api_number_of(to, "duration", duration_of(t));
    putc(',', to);
    gw_api_text_of(to, "service", gw_str_z(trace_scan_text(s, t->service)));
    putc(',', to);
    gw_api_text_of(to, "root", gw_str_z(t->root));
    fprintf(to, ",\"spans\":%u,\"errors\":%u,", t->spans, t->errors);
    write_services(to, s, t);
    fprintf(to, ",\"logs\":%u,\"has_root\":%s,", t->logs, t->has_root ? "true" : "false");
    gw_api_text_of(to, "receiver", gw_str_z(trace_scan_text(s, t->receiver)));
    putc(',', to);
    gw_api_text_of(to, "client", gw_str_z(trace_scan_text(s, t->client)));
    fprintf(to, ",\"seq\":\"%llu\"}", (unsigned long long)t->seq);
}

bool gw_api_passes(const struct trace_scan *s, const struct scan_trace *t)
{
    return t->spans && gw_filter_passes_trace(trace_scan_filter(s), t->met, t->high, t->low, duration_of(t));
}

static int newest_first(const void *a, const void *b)
{
    const struct scan_trace *x = *(const struct scan_trace *const *)a,
                            *y = *(const struct scan_trace *const *)b;
    return x->start < y->start ? 1 : x->start > y->start ? -1 : 0;
}

static void write_list(const struct gw_api *api, struct trace_scan *s, uint64_t since, uint64_t limit,
                       FILE *to)
{
    size_t n, kept = 0;
    struct scan_trace *rows = trace_scan_rows(s, &n);
    struct scan_trace **order = malloc((n + 1) * sizeof *order);
    for (size_t i = 0; order && i < n; i++)
        if (rows[i].seq >= since && gw_api_passes(s, &rows[i]))
            order[kept++] = &rows[i];
    if (order)
        qsort(order, kept, sizeof *order, newest_first);
    fputs(",\"traces\":[", to);
    for (size_t i = 0; i < kept && i < limit; i++) {
        fputs(i ? ",\n" : "\n", to);
        gw_api_write_trace(api, s, order[i], to);
    }
    fputs("]}\n", to);
    free(order);
}

void gw_api_traces(const struct gw_api *api, struct gw_api_call *call, FILE *to)
{
    struct gw_filter filter;
    struct gw_api_range range;
    if (!gw_api_read_range(call, &filter, &range, LIMIT, MOST, to))
        return;
    gw_recent_look(gw_now());
    uint64_t cursor = gw_recent_state().next;
    struct trace_scan *s = trace_scan_new(api->budget, &filter, 0);
    if (!s) {
        gw_api_error(call, to, 503, "there is no memory to read recent data: max_memory is used up");
        return;
    }
    while (trace_scan_step(s, SIZE_MAX))
        continue;
    gw_api_write_head(cursor, trace_scan_is_partial(s), to);
    write_list(api, s, range.since, range.limit, to);
    trace_scan_drop(s);
}

/* --- one trace --- */

struct finder {
    const struct gw_api *api;
    struct gw_api_trace_id id;
    uint8_t low[8]; /* as it is in the bytes */
    int schema;     /* −1: the first exporter's */
    FILE *to;
    const char *head; /* of the list, before its first element */
    size_t found;
    bool is_partial;
};

static bool is_it(const struct finder *f, ProtobufCBinaryData id)
{
    uint64_t high;
    if (id.len != 16 || memcmp(id.data + 8, f->low, 8) != 0)
        return false;
    memcpy(&high, id.data, 8);
    high = be64toh(high);
    return !high || !f->id.high || high == f->id.high;
}

/* A frame is kept as it was when the request was answered; its sender completes ids later, as is done here. */
static void complete(const struct finder *f, ProtobufCBinaryData id)
{
    static const uint8_t none[8];
    uint64_t high = htobe64(f->id.high);
    if (memcmp(id.data, none, 8) == 0)
        memcpy(id.data, &high, 8);
}

static void write_message(struct finder *f, const ProtobufCMessage *m)
{
    struct out out;
    out_init(&out, DECODED);
    otlp_json(&out, m);
    if (out.failed) {
        f->is_partial = true;
    } else {
        fputs(f->found ? ",\n" : f->head, f->to);
        fwrite(out.data, 1, out.len, f->to);
        f->found++;
    }
    out_fini(&out);
}

/* Only spans of the trace are left. */
static size_t choose_spans(const struct finder *f, Opentelemetry__Proto__Trace__V1__ResourceSpans *r)
{
    size_t scopes = 0;
    for (size_t i = 0; i < r->n_scope_spans; i++) {
        Opentelemetry__Proto__Trace__V1__ScopeSpans *s = r->scope_spans[i];
        size_t n = 0;
        for (size_t k = 0; k < s->n_spans; k++)
            if (is_it(f, s->spans[k]->trace_id)) {
                complete(f, s->spans[k]->trace_id);
                s->spans[n++] = s->spans[k];
            }
        s->n_spans = n;
        if (n)
            r->scope_spans[scopes++] = s;
    }
    return r->n_scope_spans = scopes;
}

static size_t choose_records(const struct finder *f, Opentelemetry__Proto__Logs__V1__ResourceLogs *r)
{
    size_t scopes = 0;
    for (size_t i = 0; i < r->n_scope_logs; i++) {
        Opentelemetry__Proto__Logs__V1__ScopeLogs *s = r->scope_logs[i];
        size_t n = 0;
        for (size_t k = 0; k < s->n_log_records; k++)
            if (is_it(f, s->log_records[k]->trace_id)) {
                complete(f, s->log_records[k]->trace_id);
                s->log_records[n++] = s->log_records[k];
            }
        s->n_log_records = n;
        if (n)
            r->scope_logs[scopes++] = s;
    }
    return r->n_scope_logs = scopes;
}

static void take_request(struct finder *f, enum gw_signal signal, gw_str bytes)
{
    struct gw_arena arena;
    if (!bytes.len || !memmem(bytes.ptr, bytes.len, f->low, sizeof f->low))
        return;
    gw_arena_init(&arena, DECODED);
    const ProtobufCMessage *m = otlp_read(&arena, signal, bytes);
    f->is_partial = f->is_partial || !m;
    if (m && signal == GW_TRACES) {
        const Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest *q = (const void *)m;
        for (size_t i = 0; i < q->n_resource_spans; i++)
            if (choose_spans(f, q->resource_spans[i]))
                write_message(f, &q->resource_spans[i]->base);
    } else if (m) {
        const Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest *q = (const void *)m;
        for (size_t i = 0; i < q->n_resource_logs; i++)
            if (choose_records(f, q->resource_logs[i]))
                write_message(f, &q->resource_logs[i]->base);
    }
    gw_arena_fini(&arena);
}

static bool is_asked(const struct finder *f, const struct gw_recent_entry *e)
{
    return f->schema < 0 ? e->is_first : e->schema == f->schema;
}

static bool see_spans(void *finder, const struct gw_recent_entry *e)
{
    struct finder *f = finder;
    if (e->kind == GW_RECENT_FRAME && e->signal == GW_TRACES && is_asked(f, e))
        take_request(f, GW_TRACES, e->parts[GW_FRAME_DATA]);
    return true;
}

static bool see_records(void *finder, const struct gw_recent_entry *e)
{
    struct finder *f = finder;
    struct otlp_buf w = {0};
    if (e->kind == GW_RECENT_FRAME && e->signal == GW_LOGS) {
        take_request(f, GW_LOGS, e->parts[GW_FRAME_DATA]);
    } else if (e->kind == GW_RECENT_LINE &&
               gw_api_record_request(e->parts[GW_LINE_RESOURCE], e->parts[GW_LINE_RECORD], &w)) {
        take_request(f, GW_LOGS, otlp_written(&w));
    }
    otlp_fini(&w);
    return true;
}

bool gw_api_read_trace_id(const struct gw_api *api, struct gw_api_call *call, struct gw_api_trace_id *id,
                          FILE *to)
{
    struct gw_filter_word w = {0};
    struct gw_err err;
    struct gw_filter filter;
    char text[64];
    gw_str segment = call->segments[0];
    snprintf(text, sizeof text, "trace:%.32s", segment.ptr);
    if ((segment.len != 16 && segment.len != 32) || gw_filter_read(&filter, gw_str_z(text), &err) != GW_OK ||
        filter.n != 1) {
        gw_api_error(call, to, 400, "a trace id has 32 hexadecimal digits, or the 16 of its lower half");
        return false;
    }
    w = filter.words[0];
    *id = (struct gw_api_trace_id){w.high, w.number};
    if (!id->high && id->low && api->ids && !gw_trace_ids_find(api->ids, id->low, &id->high, gw_now()))
        id->high = 0;
    return true;
}

/* False: the schema is written wrong, and the error is written. */
static bool read_schema(struct gw_api_call *call, int *schema, FILE *to)
{
    static const char *const names[GW_ATTRIBUTE_SCHEMAS] = {"otel", "both", "datadog"};
    gw_str text = gw_api_query(call, "schema");
    *schema = -1;
    for (int i = 0; i < GW_ATTRIBUTE_SCHEMAS; i++)
        if (text.ptr && gw_str_eq(text, gw_str_z(names[i])))
            *schema = i;
    if (!text.ptr || *schema >= 0)
        return true;
    gw_api_error(call, to, 400, "schema is otel, both or datadog");
    return false;
}

void gw_api_trace(const struct gw_api *api, struct gw_api_call *call, FILE *to)
{
    struct finder f = {.api = api, .to = to};
    if (!gw_api_read_trace_id(api, call, &f.id, to) || !read_schema(call, &f.schema, to))
        return;
    uint64_t low = htobe64(f.id.low);
    memcpy(f.low, &low, sizeof f.low);
    gw_recent_look(gw_now());
    f.head = "{\"resourceSpans\":[\n";
    gw_api_each_entry(api, 0, see_spans, &f);
    if (!f.found) {
        gw_api_error(
            call, to, 404,
            "recent data has no span of this trace (any more): it is kept in memory, admin.recent is its "
            "size, and only while somebody looks or the option is set");
        return;
    }
    fputs("],\n\"resourceLogs\":[", to);
    f.found = 0;
    f.head = "\n";
    gw_api_each_entry(api, 0, see_records, &f);
    fputs("]}\n", to);
    if (gw_api_query(call, "download").len)
        snprintf(call->file, sizeof call->file, "trace-%016llx%016llx.json", (unsigned long long)f.id.high,
                 (unsigned long long)f.id.low);
}
