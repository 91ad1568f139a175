/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/otlp/otlp_response.h"

#include <json-c/json.h>

#include "any.pb-c.h"
#include "rpc.pb-c.h"
#include "trace_service.pb-c.h"

/* The answers to traces, logs and metrics differ in names only: partial_success = 1 { rejected_… = 1; error_message = 2 }. */
typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse Response;
#define response_unpack opentelemetry__proto__collector__trace__v1__export_trace_service_response__unpack
#define response_free opentelemetry__proto__collector__trace__v1__export_trace_service_response__free_unpacked

/* The longest wait that a backend may ask for; more is a mistake of its. */
#define LONGEST_WAIT (3600 * GW_SEC)

void otlp_response_text(struct gw_outcome *out, gw_str words)
{
    size_t n = words.len < sizeof out->text - 1 ? words.len : sizeof out->text - 1;
    while (n < words.len && n > 0 && ((unsigned char)words.ptr[n] & 0xC0) == 0x80)
        n--; /* not in the middle of a character */
    for (size_t i = 0; i < n; i++)
        out->text[i] = (unsigned char)words.ptr[i] < ' ' || words.ptr[i] == 0x7F ? ' ' : words.ptr[i];
    out->text[n] = '\0';
}

static gw_str view(ProtobufCBinaryData b)
{
    return gw_str_n((const char *)b.data, b.len);
}

void otlp_response_success(gw_str body, struct gw_outcome *out)
{
    out->verdict = GW_DONE;
    if (body.len == 0)
        return;
    Response *r = response_unpack(NULL, body.len, (const uint8_t *)body.ptr);
    if (r && r->partial_success) {
        int64_t rejected = r->partial_success->rejected_spans;
        out->rejected = rejected > 0 ? (uint64_t)rejected : 0;
        otlp_response_text(out, view(r->partial_success->error_message));
    }
    if (r)
        response_free(r, NULL);
}

void otlp_response_success_json(gw_str body, struct gw_outcome *out)
{
    static const char *const counts[] = {"rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"};
    struct json_tokener *reader = body.len && body.len < OTLP_ANSWER_BYTES ? json_tokener_new() : NULL;
    struct json_object *root = reader ? json_tokener_parse_ex(reader, body.ptr, (int)body.len) : NULL, *partial, *field;
    out->verdict = GW_DONE;
    if (json_object_object_get_ex(root, "partialSuccess", &partial)) {
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            if (json_object_object_get_ex(partial, counts[i], &field) && json_object_get_int64(field) > 0)
                out->rejected = (uint64_t)json_object_get_int64(field); /* a string is read as its number */
        if (json_object_object_get_ex(partial, "errorMessage", &field))
            otlp_response_text(out, gw_str_n(json_object_get_string(field), (size_t)json_object_get_string_len(field)));
    }
    json_object_put(root);
    if (reader)
        json_tokener_free(reader);
}

static gw_nsec delay_of(const Google__Protobuf__Duration *d)
{
    if (!d || d->seconds < 0 || d->nanos < 0)
        return 0;
    return d->seconds >= LONGEST_WAIT / GW_SEC ? LONGEST_WAIT : d->seconds * GW_SEC + d->nanos;
}

/* Reads one element of Status.details if it is a RetryInfo. */
static bool read_retry_info(const Google__Protobuf__Any *any, gw_nsec *wait)
{
    if (!gw_str_ends(view(any->type_url), GW_STR("/google.rpc.RetryInfo")))
        return false;
    Google__Rpc__RetryInfo *info = google__rpc__retry_info__unpack(NULL, any->value.len, any->value.data);
    if (!info)
        return false;
    *wait = delay_of(info->retry_delay);
    google__rpc__retry_info__free_unpacked(info, NULL);
    return true;
}

bool otlp_response_status(gw_str bytes, struct gw_outcome *out)
{
    bool named = false;
    Google__Rpc__Status *status = bytes.len ? google__rpc__status__unpack(NULL, bytes.len, (const uint8_t *)bytes.ptr) : NULL;
    if (!status)
        return false;
    if (status->message.len)
        otlp_response_text(out, view(status->message));
    for (size_t i = 0; i < status->n_details && !named; i++)
        named = read_retry_info(status->details[i], &out->retry_after);
    google__rpc__status__free_unpacked(status, NULL);
    return named;
}
