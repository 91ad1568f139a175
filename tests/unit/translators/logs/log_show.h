/* log_show.h: log records as text: decoded by protobuf-c, which must also pack them to the same bytes, one
 * line a record:
 *
 *     {service.name="shop"} logger @time INFO(9) trace:… span:… "body" {attributes}
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_SHOW_H
#define LOG_SHOW_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/base/budget.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/receiver.h"
#include "logs.pb-c.h"
#include "tests/unit/translators/otlp/otlp_show.h"
#include "translators/logs/log_record.h"

typedef Opentelemetry__Proto__Logs__V1__LogsData show_logs;
typedef Opentelemetry__Proto__Logs__V1__LogRecord show_record;

static inline void dump_record(struct show *s, const show_record *r)
{
    if (r->time_unix_nano)
        append_text(s, " @%" PRIu64 ".%09" PRIu64, r->time_unix_nano / 1000000000,
                    r->time_unix_nano % 1000000000);
    if (r->severity_number || r->severity_text.len)
        append_text(s, " %.*s(%d)", (int)r->severity_text.len, (const char *)r->severity_text.data,
                    r->severity_number);
    if (r->trace_id.len) {
        append_text(s, " trace:");
        dump_hex(s, r->trace_id);
    }
    if (r->span_id.len) {
        append_text(s, " span:");
        dump_hex(s, r->span_id);
    }
    append_text(s, " ");
    if (r->body)
        dump_any(s, r->body);
    append_text(s, " ");
    dump_attrs(s, r->attributes, r->n_attributes);
    append_text(s, "\n");
}

static inline void dump_logs(struct show *s, const show_logs *logs)
{
    for (size_t i = 0; i < logs->n_resource_logs; i++)
        for (size_t k = 0; k < logs->resource_logs[i]->n_scope_logs; k++)
            for (size_t n = 0; n < logs->resource_logs[i]->scope_logs[k]->n_log_records; n++) {
                const Opentelemetry__Proto__Logs__V1__ScopeLogs *scope =
                    logs->resource_logs[i]->scope_logs[k];
                dump_attrs(s, logs->resource_logs[i]->resource->attributes,
                           logs->resource_logs[i]->resource->n_attributes);
                if (scope->scope)
                    append_text(s, " %.*s", (int)scope->scope->name.len,
                                (const char *)scope->scope->name.data);
                dump_record(s, scope->log_records[n]);
            }
}

/* Appends the frame's records. */
static inline void dump_frame(struct show *s, const struct gw_frame *f)
{
    show_logs *logs = opentelemetry__proto__logs__v1__logs_data__unpack(NULL, f->len, f->data);
    assert_non_null(logs);
    uint8_t *packed = malloc(f->len + 64);
    size_t size = opentelemetry__proto__logs__v1__logs_data__get_packed_size(logs);
    assert_int_equal(size, f->len);
    opentelemetry__proto__logs__v1__logs_data__pack(logs, packed);
    free(packed);
    size_t records = 0;
    for (size_t i = 0; i < logs->n_resource_logs; i++)
        for (size_t k = 0; k < logs->resource_logs[i]->n_scope_logs; k++)
            records += logs->resource_logs[i]->scope_logs[k]->n_log_records;
    assert_int_equal(records, f->items);
    dump_logs(s, logs);
    opentelemetry__proto__logs__v1__logs_data__free_unpacked(logs, NULL);
}

/* A log_conf and a batch, and what lends to them. */
struct log_bed {
    struct gw_budget budget;
    struct log_environment host;
    struct log_options options;
    struct gw_diagnostics *diagnostics;
    struct log_conf *conf;
    struct log_batch *batch;
};

static inline void log_bed_open(struct log_bed *b, const char *receiver)
{
    b->budget.limit = b->budget.limit ? b->budget.limit : SIZE_MAX;
    b->host.budget = &b->budget;
    b->diagnostics = gw_diagnostics_new();
    b->conf = log_conf_new(&b->options, &b->host, "receivers[0]", receiver, b->diagnostics);
    assert_non_null(b->conf);
    b->batch = log_batch_new(b->conf);
    assert_non_null(b->batch);
}

static inline void log_bed_close(struct log_bed *b)
{
    log_batch_drop(b->batch);
    log_conf_drop(b->conf);
    gw_diagnostics_drop(b->diagnostics);
}

/* All that stands in the batch. */
static inline struct gw_intake log_bed_show(struct log_bed *b, struct show *s)
{
    struct gw_frame *frames[16];
    struct gw_intake intake;
    size_t n = log_finish(b->batch, frames, 16, &intake);
    s->len = 0;
    s->text[0] = 0;
    for (size_t i = 0; i < n; i++) {
        dump_frame(s, frames[i]);
        gw_frame_drop(frames[i]);
    }
    assert_int_equal(log_batch_records(b->batch), 0);
    return intake;
}

#endif
