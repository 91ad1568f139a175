/* OTLP/HTTP's table of answers, row by row.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <curl/curl.h>

#include "exporters/otlp/otlp_http_status.h"
#include "exporters/otlp/otlp_response.h"

#define PROTO GW_STR("application/x-protobuf")
#define JSON GW_STR("application/json; charset=utf-8")

static struct gw_outcome outcome_of(long status, gw_str type, gw_str body, gw_nsec retry_after)
{
    struct otlp_http_answer a = {
        .status = status, .content_type = type, .body = body, .retry_after = retry_after};
    struct gw_outcome out = {0};
    otlp_http_outcome(&a, &out);
    return out;
}

static void every_status_has_its_verdict(void **state)
{
    static const struct {
        long status;
        enum gw_verdict verdict;
    } table[] = {
        {200, GW_DONE},         {202, GW_DONE},         {301, GW_RETRY_SLOWLY}, {307, GW_RETRY_SLOWLY},
        {400, GW_REFUSED},      {401, GW_RETRY_SLOWLY}, {403, GW_RETRY_SLOWLY}, {404, GW_RETRY_SLOWLY},
        {405, GW_RETRY_SLOWLY}, {407, GW_RETRY_SLOWLY}, {408, GW_REFUSED},      {409, GW_REFUSED},
        {413, GW_SPLIT},        {415, GW_RETRY_SLOWLY}, {418, GW_REFUSED},      {422, GW_REFUSED},
        {429, GW_RETRY},        {500, GW_REFUSED},      {501, GW_REFUSED},      {502, GW_RETRY},
        {503, GW_RETRY},        {504, GW_RETRY},        {505, GW_REFUSED},      {599, GW_REFUSED}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct gw_outcome out = outcome_of(table[i].status, GW_NOSTR, GW_NOSTR, 0);
        if (out.verdict != table[i].verdict)
            fail_msg("status %ld: verdict %d, want %d", table[i].status, (int)out.verdict,
                     (int)table[i].verdict);
        assert_true((out.verdict == GW_RETRY_SLOWLY) == (out.remedy != NULL));
    }
}

/* partial_success { rejected_spans: 3, error_message: "no" } */
static void partial_success_counts_and_quotes(void **state)
{
    struct gw_outcome out = outcome_of(200, PROTO, GW_STR("\x0a\x06\x08\x03\x12\x02no"), 0);
    assert_int_equal(out.verdict, GW_DONE);
    assert_int_equal(out.rejected, 3);
    assert_string_equal(out.text, "no");
    out = outcome_of(
        200, JSON, GW_STR("{\"partialSuccess\":{\"rejectedSpans\":\"7\",\"errorMessage\":\"too old\"}}"), 0);
    assert_int_equal(out.rejected, 7);
    assert_string_equal(out.text, "too old");
    out = outcome_of(200, JSON, GW_STR("{}"), 0);
    assert_int_equal(out.rejected, 0);
    assert_string_equal(out.text, "");
}

static void a_negative_or_broken_count_is_none(void **state)
{
    struct gw_outcome out =
        outcome_of(200, PROTO, GW_STR("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0);
    assert_int_equal(out.rejected, 0);
    out = outcome_of(200, PROTO, GW_STR("\x0a\xff"), 0);
    assert_int_equal(out.verdict, GW_DONE);
    out = outcome_of(200, JSON, GW_STR("{\"partialSuccess\":"), 0);
    assert_int_equal(out.verdict, GW_DONE);
    assert_int_equal(out.rejected, 0);
}

/* google.rpc.Status { code 14, message "wait", details RetryInfo { retry_delay { seconds 2 nanos 500000000 }
 * } } */
static void retry_info_and_retry_after_the_later_wins(void **state)
{
    static const char status[] = "\x08\x0e\x12\x04wait\x1a\x36\x0a\x28type.googleapis.com/"
                                 "google.rpc.RetryInfo\x12\x0a\x0a\x08\x08\x02\x10\x80\xca\xb5\xee\x01";
    gw_str body = gw_str_n(status, sizeof status - 1);
    struct gw_outcome out = outcome_of(503, PROTO, body, 0);
    assert_int_equal(out.verdict, GW_RETRY);
    assert_int_equal(out.retry_after, 2 * GW_SEC + 500 * GW_MSEC);
    assert_string_equal(out.text, "HTTP 503: wait");
    out = outcome_of(503, PROTO, body, 9 * GW_SEC);
    assert_int_equal(out.retry_after, 9 * GW_SEC);
}

/* Seen from 15 November 2023, 06:13:20 GMT. */
static void a_retry_after_is_seconds_or_a_date_and_bounded(void **state)
{
    static const struct {
        const char *header;
        gw_nsec wait;
    } table[] = {
        {"0", 0},
        {"1", GW_SEC},
        {" 120 ", 120 * GW_SEC},
        {"3599", 3599 * GW_SEC},
        {"3600", 3600 * GW_SEC},
        {"3601", 3600 * GW_SEC},
        {"8589934592", 3600 * GW_SEC},           /* 2^33 */
        {"9223372036854775807", 3600 * GW_SEC},  /* the largest that libcurl counts */
        {"18446744073709551617", 3600 * GW_SEC}, /* 2^64 + 1 */
        {"99999999999999999999999999999999", 3600 * GW_SEC},
        {"0.5", GW_SEC}, /* not earlier than it was asked for */
        {"1.5", 2 * GW_SEC},
        {"2.0", 2 * GW_SEC},
        {"1.", GW_SEC},
        {"3599.001", 3600 * GW_SEC},
        {"3600.9", 3600 * GW_SEC},
        {"-1", 0},
        {"-9223372036854775808", 0},
        {"+5", 0},
        {"1e3", 0},
        {"5 seconds", 0},
        {".", 0},
        {"1.2.3", 0},
        {"", 0},
        {"soon", 0},
        {"Wed, 15 Nov 2023 06:13:50 GMT", 30 * GW_SEC},
        {"Wednesday, 15-Nov-23 06:13:50 GMT", 30 * GW_SEC}, /* RFC 850 */
        {"Wed Nov 15 06:13:50 2023", 30 * GW_SEC},          /* asctime() */
        {"Wed, 15 Nov 2023 06:13:20 GMT", 0},
        {"Wed, 15 Nov 2023 06:13:19 GMT", 0},
        {"Wed, 15 Nov 2023 07:13:20 GMT", 3600 * GW_SEC},
        {"Thu, 16 Nov 2023 06:13:20 GMT", 3600 * GW_SEC},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 3600 * GW_SEC},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Wed, 99 Nov 2023 06:13:50 GMT", 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        gw_nsec wait = otlp_http_retry_after(table[i].header, 1700028800 * GW_SEC + 999 * GW_MSEC);
        if (wait != table[i].wait)
            fail_msg("Retry-After: %s: %lld ns, want %lld", table[i].header, (long long)wait,
                     (long long)table[i].wait);
    }
}

static void words_are_cut_and_harmless(void **state)
{
    char body[2000];
    memset(body, 'x', sizeof body);
    body[0] = '\x1b';
    body[1] = '\n';
    struct gw_outcome out = outcome_of(400, GW_STR("text/plain"), gw_str_n(body, sizeof body), 0);
    assert_int_equal(strlen(out.text), sizeof out.text - 1);
    assert_memory_equal(out.text, "HTTP 400:   xxx", 15);
    out = outcome_of(400, GW_STR("text/plain"), GW_STR("\xff\xfe"), 0);
    assert_string_equal(out.text, "HTTP 400");
}

static void a_redirect_names_its_target(void **state)
{
    struct otlp_http_answer a = {.status = 308, .location = GW_STR("https://elsewhere.example/v1/traces")};
    struct gw_outcome out = {0};
    otlp_http_outcome(&a, &out);
    assert_string_equal(out.text, "HTTP 308 to https://elsewhere.example/v1/traces");
    assert_non_null(strstr(out.remedy, "endpoint"));
}

static void transport_errors_are_retried_and_certificates_held(void **state)
{
    struct gw_outcome out = {0};
    otlp_http_transport_error(CURLE_COULDNT_CONNECT, "Failed to connect", 0, &out);
    assert_int_equal(out.verdict, GW_RETRY);
    assert_string_equal(out.text, "Failed to connect");
    out = (struct gw_outcome){0};
    otlp_http_transport_error(CURLE_OPERATION_TIMEDOUT, "", 0, &out); /* it never connected */
    assert_int_equal(out.verdict, GW_RETRY);
    assert_true(strlen(out.text) > 0);
    out = (struct gw_outcome){0};
    otlp_http_transport_error(CURLE_OPERATION_TIMEDOUT, "", 1, &out);
    assert_int_equal(out.verdict, GW_TIMED_OUT);
    out = (struct gw_outcome){0};
    otlp_http_transport_error(CURLE_PEER_FAILED_VERIFICATION, "self-signed", 0, &out);
    assert_int_equal(out.verdict, GW_RETRY_SLOWLY);
    assert_non_null(strstr(out.remedy, "tls.ca"));
    out = (struct gw_outcome){0};
    otlp_http_transport_error(CURLE_PEER_FAILED_VERIFICATION,
                              "SSL certificate problem: certificate has expired", 0, &out);
    assert_non_null(strstr(out.remedy, "has expired"));
}

/* Nobody but an OTLP backend can take data: a page that says 200 has taken none. */
static void only_an_otlp_answer_is_a_delivery(void **state)
{
    static const struct {
        gw_str type, body;
        enum gw_verdict verdict;
    } table[] = {
        {GW_LIT("application/x-protobuf"), GW_LIT(""), GW_DONE},
        {GW_LIT("application/x-protobuf"), GW_LIT("\x0a\x00"), GW_DONE},
        {GW_LIT("application/json"), GW_LIT("{}"), GW_DONE},
        {GW_LIT("application/json; charset=utf-8"), GW_LIT("{\"partialSuccess\":{}}"), GW_DONE},
        {GW_LIT(""), GW_LIT(""), GW_DONE},
        {GW_LIT(""), GW_LIT("{}"), GW_DONE},
        {GW_LIT("text/plain; charset=utf-8"), GW_LIT("{}\n"), GW_DONE},
        {GW_LIT("text/plain"), GW_LIT(""), GW_DONE},
        {GW_LIT("application/octet-stream"), GW_LIT("\x0a\x00"), GW_DONE},
        {GW_LIT("text/html"), GW_LIT("<html>down for maintenance</html>"), GW_RETRY_SLOWLY},
        {GW_LIT("Text/HTML; charset=utf-8"), GW_LIT("welcome"), GW_RETRY_SLOWLY},
        {GW_LIT(""), GW_LIT("<!doctype html>"), GW_RETRY_SLOWLY},
        {GW_LIT("application/xhtml+xml"), GW_LIT("<html/>"), GW_RETRY_SLOWLY},
        {GW_LIT("application/xml"), GW_LIT("<error/>"), GW_RETRY_SLOWLY},
        {GW_LIT("text/plain"), GW_LIT("healthy"), GW_RETRY_SLOWLY},
        {GW_LIT("application/octet-stream"), GW_LIT("\xff\xff"), GW_RETRY_SLOWLY},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct gw_outcome out = outcome_of(200, table[i].type, table[i].body, 0);
        if (out.verdict != table[i].verdict)
            fail_msg("%s \"%s\": verdict %d", table[i].type.ptr, table[i].body.ptr, (int)out.verdict);
        assert_true((out.verdict == GW_RETRY_SLOWLY) == (out.remedy != NULL));
    }
}

static void a_page_of_something_on_the_way_rejects_nothing(void **state)
{
    static const long statuses[] = {400, 406, 418, 500, 501, 520, 530};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct gw_outcome out =
            outcome_of(statuses[i], GW_STR("text/html"), GW_STR("<html>blocked</html>"), 0);
        assert_int_equal(out.verdict, GW_RETRY_SLOWLY);
        assert_non_null(out.remedy);
        out = outcome_of(statuses[i], GW_STR("text/plain"), GW_STR("blocked"), 0);
        assert_int_equal(out.verdict, GW_REFUSED);
    }
    assert_int_equal(outcome_of(413, GW_STR("text/html"), GW_STR("<html/>"), 0).verdict, GW_SPLIT);
}

static void words_about_a_size_split(void **state)
{
    struct gw_outcome out = outcome_of(400, GW_STR("text/plain"), GW_STR("http: request body too large"), 0);
    assert_int_equal(out.verdict, GW_SPLIT);
    out = outcome_of(500, GW_STR("text/plain"), GW_STR("PAYLOAD_TOO_LARGE"), 0);
    assert_int_equal(out.verdict, GW_SPLIT);
    out = outcome_of(503, GW_STR("text/plain"), GW_STR("request too large a load"), 0);
    assert_int_equal(out.verdict, GW_RETRY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_verdict),
        cmocka_unit_test(partial_success_counts_and_quotes),
        cmocka_unit_test(a_negative_or_broken_count_is_none),
        cmocka_unit_test(retry_info_and_retry_after_the_later_wins),
        cmocka_unit_test(a_retry_after_is_seconds_or_a_date_and_bounded),
        cmocka_unit_test(words_are_cut_and_harmless),
        cmocka_unit_test(a_redirect_names_its_target),
        cmocka_unit_test(only_an_otlp_answer_is_a_delivery),
        cmocka_unit_test(a_page_of_something_on_the_way_rejects_nothing),
        cmocka_unit_test(words_about_a_size_split),
        cmocka_unit_test(transport_errors_are_retried_and_certificates_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
