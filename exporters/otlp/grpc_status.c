/* Converts a gRPC status, its message and its metadata to a verdict, by tables. Keeps no state. Called by
 * otlp_grpc.c at the end of every call.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* memmem */
#include "exporters/otlp/grpc_status.h"

#include <grpc/status.h>
#include <stdio.h>

#include "exporters/otlp/answer_words.h"
#include "exporters/otlp/otlp_response.h"

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
    [GRPC_STATUS_DEADLINE_EXCEEDED] = GW_TIMED_OUT,
    [GRPC_STATUS_NOT_FOUND] = GW_RETRY_SLOWLY,
    [GRPC_STATUS_ALREADY_EXISTS] = GW_REFUSED,
    [GRPC_STATUS_PERMISSION_DENIED] = GW_RETRY_SLOWLY,
    [GRPC_STATUS_RESOURCE_EXHAUSTED] = GW_RETRY,
    [GRPC_STATUS_FAILED_PRECONDITION] = GW_REFUSED,
    [GRPC_STATUS_ABORTED] = GW_RETRY,
    [GRPC_STATUS_OUT_OF_RANGE] = GW_RETRY,
    [GRPC_STATUS_UNIMPLEMENTED] = GW_REFUSED,
    [GRPC_STATUS_INTERNAL] = GW_REFUSED,
    [GRPC_STATUS_UNAVAILABLE] = GW_RETRY,
    [GRPC_STATUS_DATA_LOSS] = GW_RETRY,
    [GRPC_STATUS_UNAUTHENTICATED] = GW_RETRY_SLOWLY,
};

/* Texts of the transport, searched in this order in the message of any status but OK. */
static const struct {
    const char *needle, *remedy;
} transport[] = {
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
    {"empty address list", "is tls.key the key of tls.cert?"}, /* Core's text if it could not use them */
    {"Socket closed", "the server closes the connection: does it want TLS (https://), or a client "
                      "certificate (tls.cert, tls.key)?"},
};

/* Remedies by status, if the transport's text has none. */
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
        return "no answer within timeout: requests become smaller and fewer";
    case GRPC_STATUS_RESOURCE_EXHAUSTED:
        return "the backend is overloaded or a quota of its is used up; ddgate waits";
    default:
        return NULL;
    }
}

static bool holds(gw_str text, const char *needle)
{
    return text.len && memmem(text.ptr, text.len, needle, strlen(needle));
}

/* For a final refusal, weaker hints are enough to split: the rest of the batch may then be taken. For a
 * retried one they are not, because the text may be about a queue of the backend. */
static bool is_too_large(const struct gw_grpc_answer *a, enum gw_verdict verdict)
{
    if (otlp_speaks_of_size(a->message))
        return true;
    bool may_be_ours = verdict == GW_REFUSED || a->status == GRPC_STATUS_OUT_OF_RANGE ||
                       (a->status == GRPC_STATUS_RESOURCE_EXHAUSTED);
    return may_be_ours && otlp_says_too_large(a->message);
}

/* gRPC libraries make up a status when the peer sends none. It may come from ddgate's library or from that of
 * a gateway in between, so texts of Core and of Go are searched. */
static bool is_made_by_library(const struct gw_grpc_answer *a, const char *const *words)
{
    while (*words && !holds(a->message, *words))
        words++;
    return *words;
}

/* The peer's answer was not gRPC. */
static bool not_grpc(const struct gw_grpc_answer *a)
{
    static const char *const words[] = {
        "http2 header with status",    "No status received",      "http1.x", "Bad GRPC frame type",
        "unexpected HTTP status code", "unexpected content-type", NULL};
    return is_made_by_library(a, words);
}

/* The answer was incomplete. */
static bool is_broken_off(const struct gw_grpc_answer *a)
{
    static const char *const words[] = {"RST_STREAM",
                                        "Stream removed",
                                        "GOAWAY received",
                                        "without sending trailers",
                                        "stream terminated",
                                        "error reading from server",
                                        NULL};
    return is_made_by_library(a, words);
}

/* Matches the limit of this process's own library: "Received message larger than max (2000000 vs.
 * 1048583)". */
static bool is_our_limit(const struct gw_grpc_answer *a)
{
    char limit[32];
    snprintf(limit, sizeof limit, "vs. %d)", GW_GRPC_MAX_ANSWER);
    return a->status == GRPC_STATUS_RESOURCE_EXHAUSTED && holds(a->message, limit);
}

static enum gw_verdict verdict_of(const struct gw_grpc_answer *a)
{
    bool known = a->status >= 0 && (size_t)a->status < sizeof verdicts / sizeof *verdicts;
    enum gw_verdict verdict = known ? verdicts[a->status] : GW_REFUSED;
    if (is_our_limit(a))
        return GW_DONE;
    if (is_too_large(a, verdict))
        return GW_SPLIT;
    if (is_broken_off(a))
        return GW_RETRY;
    return verdict == GW_REFUSED && not_grpc(a) ? GW_RETRY_SLOWLY : verdict;
}

static bool is_unreachable(const struct gw_grpc_answer *a)
{
    return a->status == GRPC_STATUS_UNAVAILABLE &&
           (holds(a->message, "failed to connect") || holds(a->message, "DNS resolution failed"));
}

static const char *remedy_of(const struct gw_grpc_answer *a, enum gw_verdict verdict)
{
    if (verdict == GW_DONE || verdict == GW_SPLIT || is_broken_off(a))
        return NULL;
    const char *tls = otlp_tls_remedy(a->message);
    if (tls)
        return tls;
    for (size_t i = 0; i < sizeof transport / sizeof *transport; i++)
        if (holds(a->message, transport[i].needle))
            return transport[i].remedy;
    return not_grpc(a) ? "the server does not answer as OTLP/gRPC does: check the port in endpoint, and "
                         "proxies on the way"
                       : status_remedy(a->status);
}

/* Reads whole milliseconds. */
static void read_pushback(gw_str text, gw_nsec *wait)
{
    gw_nsec t;
    if (otlp_response_delay(text, GW_MSEC, &t))
        *wait = t > *wait ? t : *wait;
}

void gw_grpc_judge(const struct gw_grpc_answer *a, struct gw_outcome *out)
{
    /* Longer than the outcome's text, because otlp_response_text truncates only after it has searched for
     * secrets. */
    char words[4096];
    *out = (struct gw_outcome){.verdict = GW_DONE};
    if (a->status == GRPC_STATUS_OK) {
        otlp_response_success(a->response, out);
        return;
    }
    otlp_response_status(a->details, out);
    read_pushback(a->pushback, &out->retry_after); /* the longer wait counts */
    bool known = (size_t)a->status < sizeof status_names / sizeof *status_names;
    int n = snprintf(words, sizeof words, "%s%s%.*s", known ? status_names[a->status] : "unknown status",
                     a->message.len ? ": " : "", GW_FMT(a->message));
    otlp_response_text(out, gw_str_n(words, (size_t)n < sizeof words ? (size_t)n : sizeof words - 1));
    out->verdict = verdict_of(a);
    out->remedy = remedy_of(a, out->verdict);
    out->unreachable = is_unreachable(a);
}
