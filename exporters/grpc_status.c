/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem, strcasestr */
#include "exporters/grpc_status.h"

#include <grpc/status.h>
#include <stdio.h>

#include "rpc.pb-c.h"
#include "trace_service.pb-c.h"

enum { QUOTA_BYTES = 16 * 1024 };
static const int64_t longest_retry_delay = 24 * 3600; /* s; what a backend names beyond that is taken for this */

static const char *const status_names[] = {
    "OK",        "CANCELLED",       "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS",  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",    "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED",
};

static const enum gw_verdict verdicts[] = {
    [GRPC_STATUS_OK] = GW_DONE,
    [GRPC_STATUS_CANCELLED] = GW_RETRY,
    [GRPC_STATUS_UNKNOWN] = GW_REFUSED,
    [GRPC_STATUS_INVALID_ARGUMENT] = GW_REFUSED,
    [GRPC_STATUS_DEADLINE_EXCEEDED] = GW_RETRY,
    [GRPC_STATUS_NOT_FOUND] = GW_HOLD,
    [GRPC_STATUS_ALREADY_EXISTS] = GW_REFUSED,
    [GRPC_STATUS_PERMISSION_DENIED] = GW_HOLD,
    [GRPC_STATUS_RESOURCE_EXHAUSTED] = GW_SPLIT,
    [GRPC_STATUS_FAILED_PRECONDITION] = GW_REFUSED,
    [GRPC_STATUS_ABORTED] = GW_RETRY,
    [GRPC_STATUS_OUT_OF_RANGE] = GW_RETRY,
    [GRPC_STATUS_UNIMPLEMENTED] = GW_HOLD,
    [GRPC_STATUS_INTERNAL] = GW_REFUSED,
    [GRPC_STATUS_UNAVAILABLE] = GW_RETRY,
    [GRPC_STATUS_DATA_LOSS] = GW_RETRY,
    [GRPC_STATUS_UNAUTHENTICATED] = GW_HOLD,
};

/* What the transport writes, searched in this order in the message of any status but OK. */
static const struct {
    const char *needle, *remedy;
} transport[] = {
    {"CERTIFICATE_VERIFY_FAILED", "the server's certificate is not trusted: set tls.ca to the CA that signed it"},
    {"certificate verify failed", "the server's certificate is not trusted: set tls.ca to the CA that signed it"},
    {"is not in peer certificate", "the server's certificate is for another name: set tls.server_name to a name that it has"},
    {"Hostname Verification", "the server's certificate is for another name: set tls.server_name to a name that it has"},
    {"WRONG_VERSION_NUMBER", "the server does not speak TLS: use http:// in endpoint"},
    {"wrong version number", "the server does not speak TLS: use http:// in endpoint"},
    {"Ssl handshake failed", "TLS could not be agreed: does the server want a client certificate (tls.cert, tls.key)?"},
    {"http1.x", "this is an HTTP/1 server, not an OTLP/gRPC one: check the port in endpoint"},
    {"Connection refused", "is the backend running at that address?"},
    {"DNS resolution failed", "the host name in endpoint cannot be resolved"},
    {"Socket closed", NULL},
};

/* Remedies by status, where the transport had none. */
static const char *status_remedy(int status)
{
    switch (status) {
    case GRPC_STATUS_UNAUTHENTICATED:
        return "check the credentials in headers";
    case GRPC_STATUS_PERMISSION_DENIED:
        return "the credentials in headers may not write there: check them and what they may do";
    case GRPC_STATUS_NOT_FOUND:
        return "check the project or tenant in headers, and endpoint";
    case GRPC_STATUS_UNIMPLEMENTED:
        return "the server has no OTLP/gRPC service for this signal: check endpoint, signals and compression";
    case GRPC_STATUS_DEADLINE_EXCEEDED:
        return "no answer within timeout";
    default:
        return NULL;
    }
}

static bool holds(gw_str text, const char *needle)
{
    return memmem(text.ptr, text.len, needle, strlen(needle));
}

/* How servers say that a message is too long: gRPC C++, Python, Go ("larger than max"), Java ("exceeds maximum size"),
 * Rust's tonic ("message length too large"), proxies. */
static bool speaks_of_size(gw_str text)
{
    static const char *const words[] = {"larger than max", "exceeds maximum", "too large", "too big", "message size", "message length"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (holds(text, words[i]))
            return true;
    return false;
}

/* Core makes these statuses itself when the peer answers something that is not gRPC. */
static bool not_grpc(const struct gw_grpc_answer *a)
{
    static const char *const words[] = {"http2 header with status", "No status received", "http1.x"};
    if (a->status != GRPC_STATUS_UNKNOWN && a->status != GRPC_STATUS_INTERNAL)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (holds(a->message, words[i]))
            return true;
    return false;
}

/* seconds and nanos as the backend wrote them; negative is none. */
static gw_nsec delay_of(const Google__Protobuf__Duration *d)
{
    if (!d || d->seconds < 0 || d->nanos < 0 || d->nanos >= GW_SEC)
        return 0;
    return (d->seconds < longest_retry_delay ? d->seconds : longest_retry_delay) * GW_SEC + d->nanos;
}

static bool read_retry_info(const Google__Protobuf__Any *any, gw_nsec *delay)
{
    gw_str type = gw_str_n((const char *)any->type_url.data, any->type_url.len);
    if (!gw_str_ends(type, GW_STR("/google.rpc.RetryInfo")))
        return false;
    Google__Rpc__RetryInfo *info = google__rpc__retry_info__unpack(NULL, any->value.len, any->value.data);
    if (!info)
        return false;
    *delay = delay_of(info->retry_delay);
    google__rpc__retry_info__free_unpacked(info, NULL);
    return true;
}

/* True when the details hold a RetryInfo. */
static bool retry_info(gw_str details, gw_nsec *delay)
{
    bool found = false;
    Google__Rpc__Status *status = google__rpc__status__unpack(NULL, details.len, (const uint8_t *)details.ptr);
    if (!details.len || !status)
        return false;
    for (size_t i = 0; i < status->n_details && !found; i++)
        found = read_retry_info(status->details[i], delay);
    google__rpc__status__free_unpacked(status, NULL);
    return found;
}

/* The three responses are alike on the wire: partial_success = 1 { rejected = 1, error_message = 2 }. */
static void read_partial(gw_str response, struct gw_outcome *out)
{
    Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse *r =
        opentelemetry__proto__collector__trace__v1__export_trace_service_response__unpack(NULL, response.len,
                                                                                          (const uint8_t *)response.ptr);
    if (!r)
        return;
    if (r->partial_success) {
        out->rejected = r->partial_success->rejected_spans > 0 ? (uint64_t)r->partial_success->rejected_spans : 0;
        snprintf(out->text, sizeof out->text, "%.*s", (int)r->partial_success->error_message.len,
                 (char *)r->partial_success->error_message.data);
    }
    opentelemetry__proto__collector__trace__v1__export_trace_service_response__free_unpacked(r, NULL);
}

static enum gw_verdict verdict_of(const struct gw_grpc_answer *a, bool told_when)
{
    bool known = a->status >= 0 && (size_t)a->status < sizeof verdicts / sizeof *verdicts;
    enum gw_verdict verdict = known ? verdicts[a->status] : GW_REFUSED;
    if (a->status == GRPC_STATUS_OUT_OF_RANGE && speaks_of_size(a->message))
        return GW_SPLIT;
    if (a->status == GRPC_STATUS_RESOURCE_EXHAUSTED && told_when)
        return GW_RETRY;
    if (a->status == GRPC_STATUS_RESOURCE_EXHAUSTED && !speaks_of_size(a->message) && a->sent <= QUOTA_BYTES)
        return GW_REFUSED;
    return not_grpc(a) ? GW_HOLD : verdict;
}

static const char *remedy_of(const struct gw_grpc_answer *a)
{
    for (size_t i = 0; i < sizeof transport / sizeof *transport; i++)
        if (holds(a->message, transport[i].needle))
            return transport[i].remedy;
    return not_grpc(a) ? "the server does not answer as OTLP/gRPC does: check the port in endpoint" : status_remedy(a->status);
}

void gw_grpc_judge(const struct gw_grpc_answer *a, struct gw_outcome *out)
{
    *out = (struct gw_outcome){.verdict = GW_DONE};
    if (a->status == GRPC_STATUS_OK) {
        read_partial(a->response, out);
        return;
    }
    bool told_when = retry_info(a->details, &out->retry_after), known = (size_t)a->status < sizeof status_names / sizeof *status_names;
    out->verdict = verdict_of(a, told_when);
    out->remedy = remedy_of(a);
    snprintf(out->text, sizeof out->text, "%s%s%.*s", known ? status_names[a->status] : "unknown status", a->message.len ? ": " : "",
             GW_FMT(a->message));
}
