/* log_fuzz: any bytes as a log record, by every way that a record can come. The first byte chooses the way.
 * Whatever comes, one record comes out, valid OTLP by protobuf-c; and where the line was left whole, its text
 * is in it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>

#include "core/base/budget.h"
#include "core/base/err.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/receiver.h"
#include "logs.pb-c.h"
#include "translators/logs/log_record.h"

typedef Opentelemetry__Proto__Logs__V1__LogsData logs_data;
typedef Opentelemetry__Proto__Logs__V1__LogRecord log_record;

static struct gw_budget budget = {.limit = SIZE_MAX};
static struct log_environment host = {.budget = &budget};
static struct log_batch *batches[2]; /* by option `parse` */

static void open_once(void)
{
    static struct log_options options[2] = {{.timezone = GW_LIT("UTC")},
                                            {.timezone = GW_LIT("UTC"), .parse = 1}};
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    for (int i = 0; i < 2 && !batches[i]; i++)
        batches[i] = log_batch_new(log_conf_new(&options[i], &host, "receivers[0]", "fuzz", diagnostics));
    gw_diagnostics_drop(diagnostics);
}

/* U+FFFD where the text is not UTF-8. */
static void check_whole(const log_record *r, gw_str text)
{
    char *valid = malloc(3 * text.len + 1);
    size_t len = gw_utf8_repair(text, valid);
    GW_ASSERT(r->body && r->body->string_value.len == len);
    GW_ASSERT(len == 0 || memcmp(r->body->string_value.data, valid, len) == 0);
    free(valid);
}

/* What stands in the body stood in the text, or was JSON's. */
static void check_body(const log_record *r, gw_str text)
{
    ProtobufCBinaryData body = r->body->string_value;
    bool escapes = text.len && memchr(text.ptr, '\\', text.len), valid = gw_utf8_valid(text);
    GW_ASSERT(body.len <= 3 * text.len);
    if (body.len && valid && !escapes)
        GW_ASSERT(memmem(text.ptr, text.len, body.data, body.len));
}

static void check_ids(const log_record *r)
{
    GW_ASSERT(r->trace_id.len == 0 || r->trace_id.len == 16);
    GW_ASSERT(r->span_id.len == 0 || r->span_id.len == 8);
    GW_ASSERT(r->severity_number >= 0 && r->severity_number <= 24);
}

/* Every key once. */
static void check_keys(const log_record *r)
{
    for (size_t i = 0; i < r->n_attributes && i < 200; i++)
        for (size_t k = i + 1; k < r->n_attributes && k < 200; k++) {
            ProtobufCBinaryData a = r->attributes[i]->key, b = r->attributes[k]->key;
            bool repaired = (a.len && memchr(a.data, 0xef, a.len)) || (b.len && memchr(b.data, 0xef, b.len));
            GW_ASSERT(repaired || a.len != b.len || memcmp(a.data, b.data, a.len) != 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_frame *frames[4];
    struct gw_intake intake;
    if (size == 0)
        return 0;
    open_once();
    gw_str text = gw_str_n((const char *)data + 1, size - 1);
    bool whole = data[0] & 1, item = data[0] & 2;
    struct log_input in = {
        .form = item ? LOG_ITEM : LOG_TEXT, .text = text, .observed = 1700000000000000000u};
    if (data[0] & 4)
        in.tags = text;
    if (log_add(batches[whole], &in) != GW_OK)
        return 0; /* memory */
    size_t n = log_finish(batches[whole], frames, 4, &intake);
    GW_ASSERT(n == 1 && intake.received == 1 && gw_intake_accepted(&intake) == 1 && frames[0]->items == 1);
    logs_data *logs =
        opentelemetry__proto__logs__v1__logs_data__unpack(NULL, frames[0]->len, frames[0]->data);
    GW_ASSERT(logs && logs->n_resource_logs == 1 && logs->resource_logs[0]->n_scope_logs == 1);
    GW_ASSERT(logs->resource_logs[0]->scope_logs[0]->n_log_records == 1);
    GW_ASSERT(opentelemetry__proto__logs__v1__logs_data__get_packed_size(logs) == frames[0]->len);
    const log_record *r = logs->resource_logs[0]->scope_logs[0]->log_records[0];
    check_ids(r);
    check_keys(r);
    if (whole && !item)
        check_whole(r, text);
    else if (!item)
        check_body(r, text);
    opentelemetry__proto__logs__v1__logs_data__free_unpacked(logs, NULL);
    gw_frame_drop(frames[0]);
    return 0;
}
