/* From a gRPC status, its words and its metadata to a verdict, by tables. Pure; called by otlp_grpc.c for
 * every call that ends.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* memmem, strcasestr */
#include "exporters/otlp/grpc_status.h"

#include <grpc/status.h>
#include <stdio.h>

#include "exporters/otlp/otlp_response.h"

enum { QUOTA_BYTES = 16 * 1024 };

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
    [GRPC_STATUS_NOT_FOUND] = GW_RETRY_SLOWLY,
    [GRPC_STATUS_ALREADY_EXISTS] = GW_REFUSED,
    [GRPC_STATUS_PERMISSION_DENIED] = GW_RETRY_SLOWLY,
    [GRPC_STATUS_RESOURCE_EXHAUSTED] = GW_SPLIT,
    [GRPC_STATUS_FAILED_PRECONDITION] = GW_REFUSED,
    [GRPC_STATUS_ABORTED] = GW_RETRY,
    [GRPC_STATUS_OUT_OF_RANGE] = GW_RETRY,
    [GRPC_STATUS_UNIMPLEMENTED] = GW_REFUSED,
    [GRPC_STATUS_INTERNAL] = GW_REFUSED,
    [GRPC_STATUS_UNAVAILABLE] = GW_RETRY,
    [GRPC_STATUS_DATA_LOSS] = GW_RETRY,
    [GRPC_STATUS_UNAUTHENTICATED] = GW_RETRY_SLOWLY,
};

/* What the transport writes, searched in this order in the message of any status but OK. */
static const struct {
    const char *needle, *remedy;
} transport[] = {
    {"CERTIFICATE_VERIFY_FAILED",
     "the server's certificate is not trusted: set tls.ca to the CA that signed it"},
    {"certificate verify failed",
     "the server's certificate is not trusted: set tls.ca to the CA that signed it"},
    {"is not in peer certificate",
     "the server's certificate is for another name: set tls.server_name to a name that it has"},
    {"Hostname Verification",
     "the server's certificate is for another name: set tls.server_name to a name that it has"},
    {"WRONG_VERSION_NUMBER", "the server does not speak TLS: use http:// in endpoint"},
    {"wrong version number", "the server does not speak TLS: use http:// in endpoint"},
    {"Ssl handshake failed",
     "TLS could not be agreed: does the server want a client certificate (tls.cert, tls.key)?"},
    {"http1.x", "this is an HTTP/1 server, not an OTLP/gRPC one: check the port in endpoint"},
    {"Failed parsing HTTP/2", "this is not an OTLP/gRPC server: check the port in endpoint"},
    {"missing selected ALPN",
     "this server speaks TLS but not HTTP/2, so it is not an OTLP/gRPC one: check the port in endpoint"},
    {"Connection refused", "is the backend running at that address?"},
    {"DNS resolution failed", "the host name in endpoint cannot be resolved"},
    {"empty address list", "is tls.key the key of tls.cert?"}, /* how Core says that it could not use them */
    {"Socket closed", "the server closes the connection: does it want TLS (https://), or a client "
                      "certificate (tls.cert, tls.key)?"},
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
    return text.len && memmem(text.ptr, text.len, needle, strlen(needle));
}

static bool holds_word(gw_str text, gw_str word)
{
    for (; text.len >= word.len; text = gw_str_from(text, 1))
        if (gw_str_ieq(gw_str_n(text.ptr, word.len), word))
            return true;
    return false;
}

/* How servers and proxies say that a message is too long: gRPC C++, Python, Go ("Received message larger than
 * max"), Java ("gRPC message exceeds maximum size"), .NET ("exceeds the maximum configured message size"),
 * Rust's tonic ("decoded message length too large"), HTTP's 413 in Core's words ("Received http2 header with
 * status: 413") and in its own. */
static bool speaks_of_message_size(gw_str text)
{
    static const gw_str words[] = {GW_LIT("larger than max"), GW_LIT("larger than the max"),
                                   GW_LIT("message size"),    GW_LIT("message length"),
                                   GW_LIT("request size"),    GW_LIT("body size"),
                                   GW_LIT("payload size"),    GW_LIT("exceeds maximum size"),
                                   GW_LIT("message too l"),   GW_LIT("request too l"),
                                   GW_LIT("entity too l"),    GW_LIT("content too l"),
                                   GW_LIT("payload too l"),   GW_LIT("body too l"),
                                   GW_LIT("status: 413"),     GW_LIT("status code: 413"),
                                   GW_LIT("http 413")};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (holds_word(text, words[i]))
            return true;
    return false;
}

/* What is refused for good is worth splitting for less: of a batch that holds something too large the rest is
 * taken. What is retried is not: a queue of the backend's may be too large as well. */
static bool is_too_large(const struct gw_grpc_answer *a, enum gw_verdict verdict)
{
    if (speaks_of_message_size(a->message))
        return true;
    bool passes_by_itself = verdict == GW_RETRY && a->status != GRPC_STATUS_OUT_OF_RANGE;
    return !passes_by_itself &&
           (holds_word(a->message, GW_STR("too large")) || holds_word(a->message, GW_STR("too big")));
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

static enum gw_verdict verdict_of(const struct gw_grpc_answer *a, bool told_when)
{
    bool known = a->status >= 0 && (size_t)a->status < sizeof verdicts / sizeof *verdicts;
    enum gw_verdict verdict = known ? verdicts[a->status] : GW_REFUSED;
    if (is_too_large(a, verdict))
        return GW_SPLIT;
    if (a->status == GRPC_STATUS_RESOURCE_EXHAUSTED && told_when)
        return GW_RETRY;
    if (a->status == GRPC_STATUS_RESOURCE_EXHAUSTED && a->sent <= QUOTA_BYTES)
        return GW_REFUSED;
    return not_grpc(a) ? GW_RETRY_SLOWLY : verdict;
}

static const char *remedy_of(const struct gw_grpc_answer *a)
{
    for (size_t i = 0; i < sizeof transport / sizeof *transport; i++)
        if (holds(a->message, transport[i].needle))
            return transport[i].remedy;
    return not_grpc(a) ? "the server does not answer as OTLP/gRPC does: check the port in endpoint"
                       : status_remedy(a->status);
}

/* Whole milliseconds. */
static bool read_pushback(gw_str text, gw_nsec *wait)
{
    gw_nsec t;
    if (!otlp_response_delay(text, GW_MSEC, &t))
        return false;
    *wait = t > *wait ? t : *wait;
    return true;
}

void gw_grpc_judge(const struct gw_grpc_answer *a, struct gw_outcome *out)
{
    /* room, so that it is otlp_response_text that cuts, between characters and after it has looked for secrets */
    char words[4096];
    *out = (struct gw_outcome){.verdict = GW_DONE};
    if (a->status == GRPC_STATUS_OK) {
        otlp_response_success(a->response, out);
        return;
    }
    bool in_details = otlp_response_status(a->details, out); /* both are read: the longer wait counts */
    bool in_pushback = read_pushback(a->pushback, &out->retry_after), told_when = in_details || in_pushback,
         known = (size_t)a->status < sizeof status_names / sizeof *status_names;
    int n = snprintf(words, sizeof words, "%s%s%.*s", known ? status_names[a->status] : "unknown status",
                     a->message.len ? ": " : "", GW_FMT(a->message));
    otlp_response_text(out, gw_str_n(words, (size_t)n < sizeof words ? (size_t)n : sizeof words - 1));
    out->verdict = verdict_of(a, told_when);
    out->remedy = remedy_of(a);
}
