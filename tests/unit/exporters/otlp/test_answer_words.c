/* Words of servers, proxies and TLS libraries, as they write them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/otlp/answer_words.h"

static void sizes_are_known_in_every_spelling(void **state)
{
    static const char *const sizes[] = {
        "Received message larger than max (5000000 vs. 4194304)",
        "grpc: received message larger than max (5000000 vs. 4194304)",
        "grpc: received message after decompression larger than max 4194304",
        "gRPC message exceeds maximum size 4194304: 5000000",
        "The incoming message exceeds the maximum configured message size.",
        "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes",
        "Received http2 header with status: 413",
        "Http response at 400 or 500 level, http status code: 413",
        "unexpected HTTP status code received from server: 413 (Request Entity Too Large)",
        "HTTP status code 413",
        "HTTP 413",
        "413 Request Entity Too Large",
        "REQUEST ENTITY TOO LARGE",
        "Payload Too Large",
        "payload_too_large",
        "PayloadTooLargeError: request entity too large",
        "content too large",
        "http: request body too large",
        "Request size exceeded",
        "request is too big",
        "max message size exceeded",
        "message-too-long",
        "RATE_LIMITED: batch size (9000000 bytes) exceeds ingestion limit (local: 1 bytes, global: 1 bytes)",
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (!otlp_speaks_of_size(gw_str_z(sizes[i])))
            fail_msg("%s", sizes[i]);
}

static void overload_is_not_a_size(void **state)
{
    static const char *const others[] = {
        "",
        "slow down",
        "data refused due to high memory usage",
        "RATE_LIMITED: ingestion rate limit (local: 15000000 bytes, global: 0 bytes) exceeded while adding 9 "
        "bytes",
        "Ingestion rate limit exceeded for user 7 (limit: 4194304 bytes/sec) while attempting to ingest 9 "
        "lines",
        "too many requests",
        "sending queue is full",
        "WriteQuotaExceed",
        "413",
        "error 4130",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (otlp_speaks_of_size(gw_str_z(others[i])) || otlp_says_too_large(gw_str_z(others[i])))
            fail_msg("%s", others[i]);
    assert_true(otlp_says_too_large(GW_STR("the trace is TOO BIG")));
}

static void endless_words_are_bounded(void **state)
{
    size_t n = 1 << 20;
    char *text = malloc(n);
    memset(text, 'x', n);
    assert_false(otlp_speaks_of_size(gw_str_n(text, n)));
    free(text);
}

static void a_certificate_that_has_expired_is_called_so(void **state)
{
    static const struct {
        const char *words, *remedy; /* a part of it */
    } table[] = {
        {"SSL certificate problem: certificate has expired", "expired"},
        {"routines::certificate verify failed: certificate has expired", "expired"},
        {"sslv3 alert certificate expired", "expired"},
        {"SSL certificate problem: certificate is not yet valid", "not valid yet"},
        {"SSL certificate problem: certificate revoked", "revoked"},
        {"SSL certificate problem: self-signed certificate in certificate chain", "tls.ca"},
        {"SSL certificate problem: unable to get local issuer certificate", "tls.ca"},
        {"error:0A000086:SSL routines::certificate verify failed", "tls.ca"},
        {"SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED", "tls.ca"},
        {"Peer name 127.0.0.1 is not in peer certificate", "tls.server_name"},
        {"SSL: no alternative certificate subject name matches target host name 'x'", "tls.server_name"},
        {"Hostname Verification Check failed.", "tls.server_name"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *remedy = otlp_tls_remedy(gw_str_z(table[i].words));
        if (!remedy || !strstr(remedy, table[i].remedy))
            fail_msg("%s: %s", table[i].words, remedy);
    }
    assert_null(otlp_tls_remedy(GW_STR("Connection refused")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_known_in_every_spelling),
        cmocka_unit_test(overload_is_not_a_size),
        cmocka_unit_test(endless_words_are_bounded),
        cmocka_unit_test(a_certificate_that_has_expired_is_called_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
