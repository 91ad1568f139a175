/* What each answer of a gRPC backend means, row by row of OTLP's table and of what servers say besides.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <grpc/status.h>

#include "core/base/protobuf_wire.h"
#include "exporters/otlp/grpc_status.h"

static struct gw_outcome judge(int status, const char *message, gw_str details)
{
    struct gw_grpc_answer a = {.status = status, .message = gw_str_z(message), .details = details};
    struct gw_outcome o;
    gw_grpc_judge(&a, &o);
    return o;
}

static void statuses_mean_what_otlp_says(void **state)
{
    static const struct {
        int status;
        const char *message;
        enum gw_verdict verdict;
        const char *text, *remedy; /* remedy: a part of it, or NULL */
    } table[] = {
        {GRPC_STATUS_CANCELLED, "", GW_RETRY, "CANCELLED", NULL},
        {GRPC_STATUS_DEADLINE_EXCEEDED, "Deadline Exceeded", GW_TIMED_OUT,
         "DEADLINE_EXCEEDED: Deadline Exceeded", "timeout"},
        {GRPC_STATUS_ABORTED, "x", GW_RETRY, "ABORTED: x", NULL},
        {GRPC_STATUS_OUT_OF_RANGE, "x", GW_RETRY, "OUT_OF_RANGE: x", NULL},
        {GRPC_STATUS_UNAVAILABLE, "x", GW_RETRY, "UNAVAILABLE: x", NULL},
        {GRPC_STATUS_DATA_LOSS, "x", GW_RETRY, "DATA_LOSS: x", NULL},
        {GRPC_STATUS_UNKNOWN, "x", GW_REFUSED, "UNKNOWN: x", NULL},
        {GRPC_STATUS_INVALID_ARGUMENT, "no", GW_REFUSED, "INVALID_ARGUMENT: no", NULL},
        {GRPC_STATUS_ALREADY_EXISTS, "x", GW_REFUSED, "ALREADY_EXISTS: x", NULL},
        {GRPC_STATUS_FAILED_PRECONDITION, "x", GW_REFUSED, "FAILED_PRECONDITION: x", NULL},
        {GRPC_STATUS_INTERNAL, "x", GW_REFUSED, "INTERNAL: x", NULL},
        {GRPC_STATUS_UNIMPLEMENTED, "unknown service", GW_REFUSED, "UNIMPLEMENTED: unknown service",
         "no OTLP/gRPC service"},
        {99, "x", GW_REFUSED, "unknown status: x", NULL},
        {-1, "x", GW_REFUSED, "unknown status: x", NULL},
        {GRPC_STATUS_UNAUTHENTICATED, "who", GW_RETRY_SLOWLY, "UNAUTHENTICATED: who", "credentials"},
        {GRPC_STATUS_PERMISSION_DENIED, "no", GW_RETRY_SLOWLY, "PERMISSION_DENIED: no", "credentials"},
        {GRPC_STATUS_NOT_FOUND, "project", GW_RETRY_SLOWLY, "NOT_FOUND: project", "project"},
        {GRPC_STATUS_RESOURCE_EXHAUSTED, "Received message larger than max (5000000 vs. 4194304)", GW_SPLIT,
         NULL, NULL},
        {GRPC_STATUS_RESOURCE_EXHAUSTED, "grpc: received message larger than max", GW_SPLIT, NULL, NULL},
        {GRPC_STATUS_RESOURCE_EXHAUSTED, "gRPC message exceeds maximum size 4194304: 5000000", GW_SPLIT, NULL,
         NULL},
        /* overload passes: only words about a size split, and teach one */
        {GRPC_STATUS_RESOURCE_EXHAUSTED, "", GW_RETRY, NULL, "overloaded"},
        {GRPC_STATUS_RESOURCE_EXHAUSTED, "slow down", GW_RETRY, NULL, "overloaded"},
        {GRPC_STATUS_RESOURCE_EXHAUSTED, "data refused due to high memory usage", GW_RETRY, NULL,
         "overloaded"},
        {GRPC_STATUS_RESOURCE_EXHAUSTED,
         "RATE_LIMITED: ingestion rate limit (local: 15000000 bytes, global: 0 bytes) exceeded while adding "
         "412 bytes for user 7",
         GW_RETRY, NULL, "overloaded"},
        {GRPC_STATUS_RESOURCE_EXHAUSTED, "Too many requests: queue size limit", GW_RETRY, NULL, "overloaded"},
        {GRPC_STATUS_RESOURCE_EXHAUSTED, "RATE_LIMITED: batch size (9000000 bytes) exceeds ingestion limit",
         GW_SPLIT, NULL, NULL},
        {GRPC_STATUS_RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE", GW_SPLIT, NULL, NULL},
        {GRPC_STATUS_UNKNOWN, "Payload Too Large", GW_SPLIT, NULL, NULL},
        {GRPC_STATUS_UNKNOWN, "PAYLOAD-TOO-LARGE", GW_SPLIT, NULL, NULL},
        {GRPC_STATUS_UNKNOWN, "unexpected HTTP status code received from server: 413", GW_SPLIT, NULL, NULL},
        {GRPC_STATUS_UNIMPLEMENTED, "Received http2 header with status: 404", GW_RETRY_SLOWLY, NULL,
         "does not answer as OTLP/gRPC"},
        {GRPC_STATUS_UNAVAILABLE, "Received http2 header with status: 503", GW_RETRY, NULL,
         "does not answer as OTLP/gRPC"},
        {GRPC_STATUS_INTERNAL, "Received RST_STREAM with error code 2", GW_RETRY, NULL, NULL},
        {GRPC_STATUS_INTERNAL, "Bad GRPC frame type 0x3c", GW_RETRY_SLOWLY, NULL,
         "does not answer as OTLP/gRPC"},
        {GRPC_STATUS_RESOURCE_EXHAUSTED, "Received RST_STREAM with error code 11", GW_RETRY, NULL, NULL},
        {GRPC_STATUS_PERMISSION_DENIED, "Received RST_STREAM with error code 12", GW_RETRY, NULL, NULL},
        {GRPC_STATUS_UNKNOWN, "Stream removed", GW_RETRY, NULL, NULL},
        {GRPC_STATUS_UNKNOWN, "No status received", GW_RETRY_SLOWLY, NULL, "does not answer as OTLP/gRPC"},
        {GRPC_STATUS_INTERNAL, "stream terminated by RST_STREAM with error code: PROTOCOL_ERROR", GW_RETRY,
         NULL, NULL},
        {GRPC_STATUS_INTERNAL, "server closed the stream without sending trailers", GW_RETRY, NULL, NULL},
        {GRPC_STATUS_UNKNOWN, "unexpected HTTP status code received from server: 404 (Not Found)",
         GW_RETRY_SLOWLY, NULL, "does not answer as OTLP/gRPC"},
        {GRPC_STATUS_RESOURCE_EXHAUSTED, "Received message larger than max (2000000 vs. 1048583)", GW_DONE,
         NULL, NULL},
        {GRPC_STATUS_OUT_OF_RANGE, "Error, decoded message length too large: found 5000000 bytes", GW_SPLIT,
         NULL, NULL},
        {GRPC_STATUS_RESOURCE_EXHAUSTED, "The incoming message exceeds the maximum configured message size.",
         GW_SPLIT, NULL, NULL},
        {GRPC_STATUS_UNKNOWN, "Received http2 header with status: 500", GW_RETRY_SLOWLY, NULL,
         "does not answer as OTLP/gRPC"},
        {GRPC_STATUS_UNKNOWN, "Received http2 header with status: 413", GW_SPLIT, NULL, NULL},
        {GRPC_STATUS_UNAVAILABLE, "Http response at 400 or 500 level, http status code: 413", GW_SPLIT, NULL,
         NULL},
        {GRPC_STATUS_INTERNAL, "413 Request Entity Too Large", GW_SPLIT, NULL, NULL},
        {GRPC_STATUS_INTERNAL, "Content Too Large", GW_SPLIT, NULL, NULL},
        {GRPC_STATUS_UNAVAILABLE, "upstream: request too large", GW_SPLIT, NULL, NULL},
        {GRPC_STATUS_INVALID_ARGUMENT, "PostBodyTooLarge: body size 20971520 must little than 10485760",
         GW_SPLIT, NULL, NULL},
        {GRPC_STATUS_INVALID_ARGUMENT, "batch is too big", GW_SPLIT, NULL, NULL},
        {GRPC_STATUS_FAILED_PRECONDITION, "Payload Size Limit", GW_SPLIT, NULL, NULL},
        /* what is retried must not be rejected for a word */
        {GRPC_STATUS_UNAVAILABLE, "sending queue too large", GW_RETRY, NULL, NULL},
        {GRPC_STATUS_DEADLINE_EXCEEDED, "the backlog is too big", GW_TIMED_OUT, NULL, "timeout"},
        {GRPC_STATUS_UNAVAILABLE, "request took too long, rate exceeds limit", GW_RETRY, NULL, NULL},
        {GRPC_STATUS_INVALID_ARGUMENT, "413", GW_REFUSED, NULL, NULL}, /* any number */
        {GRPC_STATUS_UNAVAILABLE, "last error: Connection refused", GW_RETRY, NULL, "running"},
        {GRPC_STATUS_UNAVAILABLE, "Trying to connect an http1.x server", GW_RETRY, NULL, "HTTP/1"},
        {GRPC_STATUS_UNAVAILABLE, "SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED", GW_RETRY, NULL,
         "tls.ca"},
        {GRPC_STATUS_UNAVAILABLE, "SSL routines::certificate verify failed", GW_RETRY, NULL, "tls.ca"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct gw_outcome o = judge(table[i].status, table[i].message, GW_NOSTR);
        assert_int_equal(o.verdict, table[i].verdict);
        assert_true(o.retry_after == 0);
        if (table[i].text)
            assert_string_equal(o.text, table[i].text);
        if (table[i].remedy)
            assert_non_null(strstr(o.remedy, table[i].remedy));
        else
            assert_null(o.remedy);
    }
}

/* google.rpc.Status { code 8, message "q", details [ Any { RetryInfo { retry_delay { 2 s, 500 ms } } } ] } */
static const char retry_info[] = "\x08\x08\x12\x01q\x1a\x36\x0a\x28type.googleapis.com/"
                                 "google.rpc.RetryInfo\x12\x0a\x0a\x08\x08\x02\x10\x80\xca\xb5\xee\x01";

static void retry_info_is_obeyed(void **state)
{
    gw_str details = {retry_info, sizeof retry_info - 1};
    struct gw_outcome o = judge(GRPC_STATUS_RESOURCE_EXHAUSTED, "quota", details);
    assert_int_equal(o.verdict, GW_RETRY);
    assert_true(o.retry_after == 2 * GW_SEC + 500 * GW_MSEC);
    assert_string_equal(o.text, "RESOURCE_EXHAUSTED: quota");
    o = judge(GRPC_STATUS_UNAVAILABLE, "", details);
    assert_int_equal(o.verdict, GW_RETRY);
    assert_true(o.retry_after == 2 * GW_SEC + 500 * GW_MSEC);
    o = judge(GRPC_STATUS_INVALID_ARGUMENT, "", details);
    assert_int_equal(o.verdict, GW_REFUSED);
}

/* RetryInfo { retry_delay { seconds: S nanos: N } } in a Status, as varints: negative ones take ten bytes. */
static gw_str retry_info_of(int64_t seconds, int32_t nanos, uint8_t out[128])
{
    uint8_t duration[32], *d = duration, *at = out;
    static const char url[] = "type.googleapis.com/google.rpc.RetryInfo";
    d = wire_put_varint(wire_put_varint(d, 1 << 3), (uint64_t)seconds);
    d = wire_put_varint(wire_put_varint(d, 2 << 3), (uint64_t)(int64_t)nanos);
    size_t duration_len = (size_t)(d - duration), info_len = duration_len + 2,
           any_len = 2 + sizeof url - 1 + 2 + info_len;
    at = wire_put_len_head(at, 3, any_len);
    at = wire_put_len_head(at, 1, sizeof url - 1);
    memcpy(at, url, sizeof url - 1);
    at = wire_put_len_head(wire_put_len_head(at + sizeof url - 1, 2, info_len), 1, duration_len);
    memcpy(at, duration, duration_len);
    return gw_str_n((const char *)out, (size_t)(at - out) + duration_len);
}

static void a_delay_is_bounded_whatever_its_numbers(void **state)
{
    static const struct {
        int64_t seconds;
        int32_t nanos;
        gw_nsec wait;
    } table[] = {
        {2, 500000000, 2500 * GW_MSEC},
        {0, 1, 1},
        {0, 0, 0},
        {-1, 0, 0},
        {0, -1, 0},
        {-5, 999999999, 0},
        {2, -500000000, 1500 * GW_MSEC},
        {0, INT32_MAX, INT32_MAX},
        {0, INT32_MIN, 0},
        {3600, 0, 3600 * GW_SEC},
        {3600, INT32_MAX, 3600 * GW_SEC},
        {3601, -500000000, 3600 * GW_SEC - 500 * GW_MSEC}, /* bounded before the sum, too */
        {(int64_t)1 << 33, 0, 3600 * GW_SEC},
        {INT64_MAX, INT32_MAX, 3600 * GW_SEC},
        {INT64_MIN, INT32_MIN, 0},
        {INT64_MIN, INT32_MAX, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint8_t bytes[128];
        struct gw_outcome o =
            judge(GRPC_STATUS_UNAVAILABLE, "", retry_info_of(table[i].seconds, table[i].nanos, bytes));
        if (o.verdict != GW_RETRY || o.retry_after != table[i].wait)
            fail_msg("%lld s %d ns: %lld", (long long)table[i].seconds, (int)table[i].nanos,
                     (long long)o.retry_after);
        o = judge(GRPC_STATUS_RESOURCE_EXHAUSTED, "quota",
                  retry_info_of(table[i].seconds, table[i].nanos, bytes));
        assert_int_equal(o.verdict, GW_RETRY); /* a time was named, whatever it is */
    }
}

static void a_pushback_names_a_time_or_none(void **state)
{
    static const struct {
        const char *pushback;
        enum gw_verdict exhausted; /* RESOURCE_EXHAUSTED is retried only when a time is named */
        gw_nsec wait;
    } table[] = {
        {"1500", GW_RETRY, 1500 * GW_MSEC},
        {"0", GW_RETRY, 0},
        {"3600001", GW_RETRY, 3600 * GW_SEC},
        {"9223372036854775807", GW_RETRY, 3600 * GW_SEC},
        {"99999999999999999999999", GW_RETRY, 3600 * GW_SEC},
        {"-1", GW_RETRY, 0},
        {"soon", GW_RETRY, 0},
        {"", GW_RETRY, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct gw_grpc_answer a = {.status = GRPC_STATUS_RESOURCE_EXHAUSTED,
                                   .pushback = gw_str_z(table[i].pushback)};
        struct gw_outcome o;
        gw_grpc_judge(&a, &o);
        if (o.verdict != table[i].exhausted || o.retry_after != table[i].wait)
            fail_msg("%s: verdict %d, %lld ns", table[i].pushback, (int)o.verdict, (long long)o.retry_after);
        a.status = GRPC_STATUS_UNAVAILABLE;
        gw_grpc_judge(&a, &o);
        assert_int_equal(o.verdict, GW_RETRY); /* what forbids gRPC to retry says nothing of the data */
    }
    struct gw_grpc_answer both = {.status = GRPC_STATUS_UNAVAILABLE,
                                  .details = {retry_info, sizeof retry_info - 1},
                                  .pushback = GW_LIT("1000")};
    struct gw_outcome o;
    gw_grpc_judge(&both, &o);
    assert_true(o.retry_after == 2500 * GW_MSEC); /* the later one */
    both.pushback = GW_STR("4000");
    gw_grpc_judge(&both, &o);
    assert_true(o.retry_after == 4000 * GW_MSEC);
}

static void details_that_are_cut_short_are_no_details(void **state)
{
    for (size_t len = 0; len < sizeof retry_info - 1; len++) {
        char *copy = malloc(len + 1); /* so that the address sanitizer sees its end */
        memcpy(copy, retry_info, len);
        struct gw_outcome o = judge(GRPC_STATUS_RESOURCE_EXHAUSTED, "too large", gw_str_n(copy, len));
        assert_int_equal(o.verdict, GW_SPLIT);
        free(copy);
    }
}

static void partial_success_is_read(void **state)
{
    static const char response[] = "\x0a\x0b\x08\x07\x12\x07too old";
    struct gw_grpc_answer a = {.status = GRPC_STATUS_OK, .response = {response, sizeof response - 1}};
    struct gw_outcome o;
    gw_grpc_judge(&a, &o);
    assert_int_equal(o.verdict, GW_DONE);
    assert_int_equal(o.rejected, 7);
    assert_string_equal(o.text, "too old");
    a.response = GW_NOSTR;
    gw_grpc_judge(&a, &o);
    assert_int_equal(o.verdict, GW_DONE);
    assert_int_equal(o.rejected, 0);
    assert_string_equal(o.text, "");
}

static void long_words_are_cut_between_characters(void **state)
{
    char message[1000];
    for (size_t i = 0; i + 2 < sizeof message; i += 2)
        memcpy(message + i, "\xc3\xa9\n", 3);
    struct gw_outcome o = judge(GRPC_STATUS_INTERNAL, message, GW_NOSTR);
    assert_true(strlen(o.text) < sizeof o.text);
    assert_true(gw_utf8_valid(gw_str_z(o.text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_mean_what_otlp_says),
        cmocka_unit_test(retry_info_is_obeyed),
        cmocka_unit_test(a_delay_is_bounded_whatever_its_numbers),
        cmocka_unit_test(a_pushback_names_a_time_or_none),
        cmocka_unit_test(details_that_are_cut_short_are_no_details),
        cmocka_unit_test(partial_success_is_read),
        cmocka_unit_test(long_words_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
