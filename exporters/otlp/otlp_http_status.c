/* Converts an HTTP answer, or libcurl's error, to a verdict, by tables. Keeps no state. Called by otlp_http.c
 * at the end of every request.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/otlp/otlp_http_status.h"

#include <curl/curl.h>
#include <stdio.h>

#include "exporters/otlp/answer_words.h"
#include "exporters/otlp/otlp_response.h"

static bool is_type(gw_str content_type, gw_str type)
{
    return content_type.len >= type.len && gw_str_ieq(gw_str_n(content_type.ptr, type.len), type);
}

/* Uses the beginning of a text, HTML or JSON body. Protobuf was read before. */
static void words_of_body(const struct otlp_http_answer *a, struct gw_outcome *out)
{
    if (!out->text[0] && a->body.len && !is_type(a->content_type, GW_STR("application/x-protobuf")) &&
        gw_utf8_valid(a->body))
        otlp_response_text(out, gw_str_trim(a->body));
}

static void with_status(long status, struct gw_outcome *out)
{
    char words[sizeof out->text];
    snprintf(words, sizeof words, out->text[0] ? "HTTP %ld: %s" : "HTTP %ld%s", status, out->text);
    otlp_response_text(out, gw_str_z(words));
}

static bool is_retryable(long status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

/* Returns the remedy for a status that only a person can fix. */
static const char *remedy_of(long status)
{
    switch (status) {
    case 401:
    case 403:
        return "The backend refuses the credentials: check headers (or the keys) of this exporter.";
    case 404:
    case 405:
        return "There is no OTLP receiver at this URL: check endpoint (it is a base URL, /v1/traces is "
               "appended) and the project's name.";
    case 407:
        return "The proxy wants credentials: https_proxy may hold them as http://user:password@host:port.";
    case 415:
        return "The backend does not take this body: try encoding = \"json\", or compression = \"none\".";
    default:
        return NULL;
    }
}

static void redirected(const struct otlp_http_answer *a, struct gw_outcome *out)
{
    /* Longer than the outcome's text, because otlp_response_text truncates only after it has searched for
     * secrets. */
    char words[2048];
    snprintf(words, sizeof words, "HTTP %ld to %.*s", a->status, GW_FMT(a->location));
    otlp_response_text(out, gw_str_z(words));
    out->verdict = GW_RETRY_SLOWLY;
    out->remedy = "Redirects are not followed, they would carry data and credentials elsewhere: write that "
                  "URL as endpoint.";
}

gw_nsec otlp_http_retry_after(const char *header, gw_nsec wall)
{
    gw_nsec wait;
    if (otlp_response_delay(gw_str_trim(gw_str_z(header)), GW_SEC, &wait))
        return wait;
    time_t date = curl_getdate(header, NULL);
    int64_t now = wall / GW_SEC;
    if (date == -1 || date <= now)
        return 0;
    return date - now < OTLP_LONGEST_WAIT / GW_SEC ? (date - now) * GW_SEC : OTLP_LONGEST_WAIT;
}

/* Matches an HTML page, which comes from a proxy, a portal or a firewall. No OTLP backend answers with
 * one. */
static bool is_page(const struct otlp_http_answer *a)
{
    gw_str body = gw_str_trim(a->body);
    return is_type(a->content_type, GW_STR("text/html")) ||
           is_type(a->content_type, GW_STR("application/xhtml")) ||
           (body.len && body.ptr[0] == '<' && !is_type(a->content_type, GW_STR("application/x-protobuf")));
}

/* Decides by the Content-Type, or by the first byte if there is none. */
static bool is_json(const struct otlp_http_answer *a)
{
    gw_str body = gw_str_trim(a->body);
    return is_type(a->content_type, GW_STR("application/json")) ||
           (!is_type(a->content_type, GW_STR("application/x-protobuf")) && !is_page(a) && body.len &&
            body.ptr[0] == '{');
}

/* Accepts protobuf, JSON, and an empty body, which is protobuf's empty message. If the type is missing or
 * different, the bytes decide. */
static bool is_otlp(const struct otlp_http_answer *a)
{
    if (!gw_str_trim(a->body).len || is_type(a->content_type, GW_STR("application/x-protobuf")) || is_json(a))
        return true;
    return !is_type(a->content_type, GW_STR("text/")) && !is_page(a) && otlp_response_is_message(a->body);
}

static void taken(const struct otlp_http_answer *a, struct gw_outcome *out)
{
    if (!is_otlp(a)) {
        words_of_body(a, out);
        with_status(a->status, out);
        out->verdict = GW_RETRY_SLOWLY;
        out->remedy =
            "This is no answer of an OTLP backend, so nothing counts as delivered: check endpoint, and "
            "what else may answer there (a proxy, a login or maintenance page).";
    } else if (is_json(a)) {
        otlp_response_success_json(a->body, out);
    } else {
        otlp_response_success(a->body, out);
    }
}

static enum gw_verdict verdict_of(const struct otlp_http_answer *a, const struct gw_outcome *out)
{
    if (a->status == 413)
        return GW_SPLIT;
    if (is_retryable(a->status))
        return GW_RETRY;
    if (!out->remedy && otlp_speaks_of_size(gw_str_z(out->text)))
        return GW_SPLIT;
    return out->remedy || is_page(a) ? GW_RETRY_SLOWLY : GW_REFUSED;
}

void otlp_http_outcome(const struct otlp_http_answer *a, struct gw_outcome *out)
{
    if (a->status >= 200 && a->status < 300) {
        taken(a, out);
        return;
    }
    if (a->status >= 300 && a->status < 400) {
        redirected(a, out);
        return;
    }
    if (is_type(a->content_type, GW_STR("application/x-protobuf")))
        otlp_response_status(a->body, out);
    words_of_body(a, out);
    with_status(a->status, out);
    out->remedy = remedy_of(a->status);
    if (a->retry_after > out->retry_after)
        out->retry_after = a->retry_after;
    out->verdict = verdict_of(a, out);
    if (out->verdict == GW_RETRY_SLOWLY && !out->remedy)
        out->remedy =
            "This is a page of something on the way (a proxy, a firewall), not the backend's answer.";
}

void otlp_http_transport_error(int code, const char *words, size_t uploaded, struct gw_outcome *out)
{
    otlp_response_text(out, gw_str_z(words[0] ? words : curl_easy_strerror((CURLcode)code)));
    out->verdict = GW_RETRY;
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        out->verdict = GW_RETRY_SLOWLY;
        out->remedy = otlp_tls_remedy(gw_str_z(out->text));
        if (!out->remedy)
            out->remedy = "The backend's certificate is not trusted: set tls.ca to the CA that signed it, or "
                          "tls.server_name to the name it bears.";
        break;
    case CURLE_OPERATION_TIMEDOUT:
        if (uploaded) { /* else no connection was made */
            out->verdict = GW_TIMED_OUT;
            out->remedy = "No answer within timeout: requests become smaller and fewer.";
        }
        break;
    case CURLE_SSL_CERTPROBLEM:
        out->verdict = GW_RETRY_SLOWLY;
        out->remedy = "The client's certificate was not accepted: check tls.cert and tls.key.";
        break;
    case CURLE_SSL_CONNECT_ERROR:
        out->verdict = GW_RETRY_SLOWLY;
        out->remedy = "No TLS could be agreed on: is this a plain http:// port, or does the backend want a "
                      "client certificate?";
        break;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_HTTP2:
        out->remedy = "What answers there does not speak HTTP/1.1: a gRPC port (4317) wants otlp_grpc.";
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        out->unreachable = true;
        out->remedy = "Is the backend up, and the endpoint's host and port right?";
        break;
    default:
        break;
    }
}
