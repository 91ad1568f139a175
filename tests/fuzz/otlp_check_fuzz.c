/* Any bytes as an OTLP request. First byte: the signal; second: how long a piece may be. protobuf-c is the oracle:
 * what is well-formed it reads, what is not it does not (but see is_stricter); the items of all
 * pieces together are those that it finds in them, and pieces have no faults.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "logs_service.pb-c.h"
#include "metrics_service.pb-c.h"
#include "profiles_service.pb-c.h"
#include "trace_service.pb-c.h"
#include "translators/otlp/otlp_cut.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *descriptor(enum otlp_message m)
{
    return m == OTLP_TRACES_REQUEST
               ? &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor
           : m == OTLP_LOGS_REQUEST
               ? &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor
           : m == OTLP_METRICS_REQUEST
               ? &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor
               : &opentelemetry__proto__collector__profiles__v1development__export_profiles_service_request__descriptor;
}

static uint64_t spans_of(const Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest *r)
{
    uint64_t n = 0;
    for (size_t i = 0; i < r->n_resource_spans; i++)
        for (size_t k = 0; k < r->resource_spans[i]->n_scope_spans; k++)
            n += r->resource_spans[i]->scope_spans[k]->n_spans;
    return n;
}

static uint64_t records_of(const Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest *r)
{
    uint64_t n = 0;
    for (size_t i = 0; i < r->n_resource_logs; i++)
        for (size_t k = 0; k < r->resource_logs[i]->n_scope_logs; k++)
            n += r->resource_logs[i]->scope_logs[k]->n_log_records;
    return n;
}

#define DATA(name) OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_##name
static uint64_t points_of_metric(const Opentelemetry__Proto__Metrics__V1__Metric *m)
{
    switch (m->data_case) {
    case DATA(GAUGE):
        return m->gauge->n_data_points;
    case DATA(SUM):
        return m->sum->n_data_points;
    case DATA(HISTOGRAM):
        return m->histogram->n_data_points;
    case DATA(EXPONENTIAL_HISTOGRAM):
        return m->exponential_histogram->n_data_points;
    case DATA(SUMMARY):
        return m->summary->n_data_points;
    default:
        return 0;
    }
}

static uint64_t points_of(const Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest *r)
{
    uint64_t n = 0;
    for (size_t i = 0; i < r->n_resource_metrics; i++)
        for (size_t k = 0; k < r->resource_metrics[i]->n_scope_metrics; k++)
            for (size_t j = 0; j < r->resource_metrics[i]->scope_metrics[k]->n_metrics; j++)
                n += points_of_metric(r->resource_metrics[i]->scope_metrics[k]->metrics[j]);
    return n;
}

static uint64_t
profiles_of(const Opentelemetry__Proto__Collector__Profiles__V1development__ExportProfilesServiceRequest *r)
{
    uint64_t n = 0;
    for (size_t i = 0; i < r->n_resource_profiles; i++)
        for (size_t k = 0; k < r->resource_profiles[i]->n_scope_profiles; k++)
            n += r->resource_profiles[i]->scope_profiles[k]->n_profiles;
    return n;
}

static uint64_t items_of(enum otlp_message m, const ProtobufCMessage *message)
{
    return m == OTLP_TRACES_REQUEST    ? spans_of((const void *)message)
           : m == OTLP_LOGS_REQUEST    ? records_of((const void *)message)
           : m == OTLP_METRICS_REQUEST ? points_of((const void *)message)
                                       : profiles_of((const void *)message);
}

struct pieces {
    enum otlp_message m;
    uint64_t items, bytes;
};

static bool take(void *ctx, struct otlp_buf *piece, uint64_t items)
{
    struct pieces *p = ctx;
    struct otlp_contents c;
    struct gw_err err;
    ProtobufCMessage *read = protobuf_c_message_unpack(descriptor(p->m), NULL, piece->len, piece->data);
    GW_ASSERT(otlp_check(p->m, otlp_written(piece), NULL, &c, &err) == GW_OK);
    GW_ASSERT(!c.faulty && c.items == items && items);
    GW_ASSERT(read && items_of(p->m, read) == items);
    protobuf_c_message_free_unpacked(read, NULL);
    p->items += items;
    p->bytes += piece->len;
    otlp_fini(piece);
    return true;
}

static void see(void *n, const uint8_t *trace_id, const uint8_t *span_id, gw_str service)
{
    static const uint8_t none[16];
    GW_ASSERT(memcmp(trace_id, none, 16) != 0 && memcmp(span_id, none, 8) != 0);
    GW_ASSERT(!service.len || service.ptr);
    ++*(uint64_t *)n;
}

static bool reads(enum otlp_message m, gw_str body)
{
    ProtobufCMessage *read =
        protobuf_c_message_unpack(descriptor(m), NULL, body.len, (const uint8_t *)body.ptr);
    if (read)
        protobuf_c_message_free_unpacked(read, NULL);
    return read != NULL;
}

/* protobuf-c takes field number 0, which Google's reader does not, and some fields of another wire type, which
 * Google's reader takes for unknown ones and the collector refuses. */
static bool is_stricter(const struct gw_err *err)
{
    return strstr(err->what, "without a number") || strstr(err->what, "another wire type");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otlp_contents c;
    struct gw_err err = {0};
    uint64_t seen = 0;
    const struct otlp_observer observer = {see, &seen};
    if (size < 2)
        return 0;
    unsigned signal = data[0] == 'p' ? 3 : data[0] % 3; /* 'p': profiles, which came later */
    enum otlp_message m = (enum otlp_message)(OTLP_TRACES_REQUEST + signal);
    gw_str body = gw_str_n((const char *)data + 2, size - 2);
    enum gw_code code = otlp_check(m, body, &observer, &c, &err);
    if (code) {
        GW_ASSERT(code == GW_BAD_PROTOBUF && err.pos <= body.len);
        GW_ASSERT(is_stricter(&err) || !reads(m, body));
        return 0;
    }
    GW_ASSERT(reads(m, body) || c.refused[OTLP_TOO_DEEP]);
    struct pieces p = {.m = m};
    const struct otlp_cut how = {.request = m, .piece = 64u << data[1] % 12, .take = take, .ctx = &p};
    GW_ASSERT(otlp_cut(&how, body, &c));
    GW_ASSERT(p.items == c.items - otlp_refused(&c));
    GW_ASSERT(seen <= p.items || m != OTLP_TRACES_REQUEST || c.faulty);
    GW_ASSERT(p.bytes <= 8 * body.len + 64);
    return 0;
}
