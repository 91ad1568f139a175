/* Any bytes as a frame that is written as line protocol: they are refused, or each item is a line of the grammar
 * (measurement, tags, fields, time), or was left out. First byte: signal, and the form of ids.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/err.h"
#include "exporters/encoding/line_protocol.h"
#include "exporters/encoding/otlp_read.h"
#include "logs_service.pb-c.h"
#include "metrics_service.pb-c.h"
#include "trace_service.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Up to one of `ends` that no backslash escapes; something must stand there. */
static void take_word(gw_str *s, const char *ends)
{
    size_t n = 0;
    while (n < s->len && !gw_char_in(s->ptr[n], ends)) {
        GW_ASSERT((unsigned char)s->ptr[n] >= ' ');
        n += s->ptr[n] == '\\' && n + 1 < s->len && gw_char_in(s->ptr[n + 1], ",= ") ? 2 : 1;
    }
    GW_ASSERT(n && n <= s->len);
    *s = gw_str_from(*s, n);
}

static void take(gw_str *s, char c)
{
    GW_ASSERT(s->len && *s->ptr == c);
    *s = gw_str_from(*s, 1);
}

static void take_value(gw_str *s)
{
    if (*s->ptr != '"') {
        take_word(s, ", \n");
        return;
    }
    size_t n = 1;
    while (n < s->len && s->ptr[n] != '"')
        n += s->ptr[n] == '\\' ? 2 : 1;
    GW_ASSERT(n < s->len);
    *s = gw_str_from(*s, n + 1);
}

static void take_line(gw_str *s)
{
    take_word(s, ", ");
    while (*s->ptr == ',') {
        take(s, ',');
        take_word(s, "=");
        take(s, '=');
        take_word(s, ", ");
    }
    do {
        *s = gw_str_from(*s, 1); /* the blank before the first, a comma before others */
        take_word(s, "=");
        take(s, '=');
        take_value(s);
    } while (*s->ptr == ',');
    if (*s->ptr == ' ') {
        take(s, ' ');
        while (s->len && gw_is_digit(*s->ptr))
            *s = gw_str_from(*s, 1);
    }
    take(s, '\n');
}

static uint64_t count_spans(const Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest *q)
{
    uint64_t n = 0;
    for (size_t i = 0; i < q->n_resource_spans; i++)
        for (size_t k = 0; k < q->resource_spans[i]->n_scope_spans; k++)
            n += q->resource_spans[i]->scope_spans[k]->n_spans;
    return n;
}

static uint64_t count_records(const Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest *q)
{
    uint64_t n = 0;
    for (size_t i = 0; i < q->n_resource_logs; i++)
        for (size_t k = 0; k < q->resource_logs[i]->n_scope_logs; k++)
            n += q->resource_logs[i]->scope_logs[k]->n_log_records;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_arena arena;
    struct out o;
    uint64_t left_out, lines = 0;
    if (size == 0)
        return 0;
    enum gw_signal signal = (enum gw_signal)(data[0] % GW_SIGNALS);
    gw_str request = gw_str_n((const char *)data + 1, size - 1);
    gw_arena_init(&arena, size * 96 + (2 << 20));
    out_init(&o, 64 << 20);
    bool read = line_protocol(&o, &arena, signal, request, data[0] & 0x80 ? LINE_IDS_HEX : LINE_IDS_DECIMAL,
                              &left_out);
    if (read && !arena.spent && !o.failed) {
        const ProtobufCMessage *m = otlp_read(&arena, signal, request);
        for (gw_str rest = gw_str_n(o.data, o.len); rest.len; lines++)
            take_line(&rest);
        if (m && signal == GW_TRACES)
            GW_ASSERT(lines + left_out == count_spans((const void *)m));
        else if (m && signal == GW_LOGS)
            GW_ASSERT(lines + left_out == count_records((const void *)m));
    }
    out_fini(&o);
    gw_arena_fini(&arena);
    return 0;
}
