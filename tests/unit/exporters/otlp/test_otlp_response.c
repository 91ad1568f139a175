/* Partial success and errors as backends write them, and as no backend should.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/otlp/otlp_response.h"
#include "rpc.pb-c.h"
#include "trace_service.pb-c.h"

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse Response;

/* On the heap and no longer than it is, so that the address sanitizer sees a read behind it. */
static struct gw_outcome read_bytes(void (*read)(gw_str, struct gw_outcome *), const void *bytes, size_t len)
{
    struct gw_outcome out = {.verdict = GW_RETRY_SLOWLY};
    char *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    read(gw_str_n(copy, len), &out);
    free(copy);
    return out;
}

static struct gw_outcome read_json(const char *text)
{
    return read_bytes(otlp_response_success_json, text, strlen(text));
}

/* What protobuf-c packs is read as it was meant. */
static void what_protobuf_packs_is_read(void **state)
{
    static const int64_t counts[] = {0, 1, 127, 128, 1 << 20, INT64_MAX, -1, INT64_MIN};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        Response r = OPENTELEMETRY__PROTO__COLLECTOR__TRACE__V1__EXPORT_TRACE_SERVICE_RESPONSE__INIT;
        Opentelemetry__Proto__Collector__Trace__V1__ExportTracePartialSuccess partial =
            OPENTELEMETRY__PROTO__COLLECTOR__TRACE__V1__EXPORT_TRACE_PARTIAL_SUCCESS__INIT;
        uint8_t bytes[64], words[] = "too old";
        partial.rejected_spans = counts[i];
        partial.error_message = (ProtobufCBinaryData){sizeof words - 1, words};
        r.partial_success = &partial;
        size_t len =
            opentelemetry__proto__collector__trace__v1__export_trace_service_response__pack(&r, bytes);
        struct gw_outcome out = read_bytes(otlp_response_success, bytes, len);
        assert_int_equal(out.verdict, GW_DONE);
        assert_true(out.rejected == (counts[i] > 0 ? (uint64_t)counts[i] : 0));
        assert_string_equal(out.text, "too old");
    }
}

/* The data was taken; bytes that say no more than that say nothing. */
static void broken_answers_are_empty_ones(void **state)
{
    static const char whole[] = "\x0a\x0b\x08\x07\x12\x07too old";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        struct gw_outcome out = read_bytes(otlp_response_success, whole, len);
        assert_int_equal(out.verdict, GW_DONE);
        assert_int_equal(out.rejected, 0);
        assert_string_equal(out.text, "");
    }
    static const gw_str others[] = {GW_LIT("\x0b"), GW_LIT("\x0f\x01"),
                                    GW_LIT("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
                                    GW_LIT("<html>503</html>"), GW_LIT("\x08\x07")};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct gw_outcome out = read_bytes(otlp_response_success, others[i].ptr, others[i].len);
        assert_int_equal(out.verdict, GW_DONE);
        assert_int_equal(out.rejected, 0);
    }
}

static void unknown_fields_are_passed_over_and_the_last_one_counts(void **state)
{
    /* field 9 as fixed64, varint, fixed32; partial_success twice, rejected twice in the second */
    static const char bytes[] =
        "\x49xxxxxxxx\x48\x01\x4dyyyy\x0a\x02\x08\x05\x0a\x08\x08\x06\x08\x02\x12\x02no";
    struct gw_outcome out = read_bytes(otlp_response_success, bytes, sizeof bytes - 1);
    assert_int_equal(out.rejected, 2);
    assert_string_equal(out.text, "no");
}

static void json_is_read_as_backends_write_it(void **state)
{
    static const struct {
        const char *json;
        uint64_t rejected;
        const char *text;
    } table[] = {
        {"{}", 0, ""},
        {"{\"partialSuccess\":{}}", 0, ""},
        {"{\"partialSuccess\":null}", 0, ""},
        {"{\"partialSuccess\":[1,{\"rejectedSpans\":3}]}", 0, ""},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"no\"}}", 3, "no"},
        {"{\"partialSuccess\":{\"rejectedLogRecords\":4}}", 4, ""},
        {" { \"partialSuccess\" : { \"rejectedDataPoints\" : \"5\" } } \n", 5, ""},
        {"{\"partialSuccess\":{\"other\":{\"rejectedSpans\":9},\"rejectedSpans\":\"1\"},\"more\":[{}]}", 1,
         ""},
        {"{\"partialSuccess\":{\"errorMessage\":\"line\\nbreak \\u00e9 \\\"q\\\"\",\"rejectedSpans\":\"2\"}}",
         2, "line break é \"q\""},
        {"{\"partialSuccess\":{\"errorMessage\":null,\"rejectedSpans\":\"2\"}}", 2, ""},
        {"{\"partialSuccess\":{\"errorMessage\":7}}", 0, ""},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"9223372036854775807\"}}", INT64_MAX, ""},
        /* counts that are none */
        {"{\"partialSuccess\":{\"rejectedSpans\":\"9223372036854775808\"}}", 0, ""},
        {"{\"partialSuccess\":{\"rejectedSpans\":99999999999999999999999}}", 0, ""},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"-3\"}}", 0, ""},
        {"{\"partialSuccess\":{\"rejectedSpans\":-3}}", 0, ""},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"\"}}", 0, ""},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"many\"}}", 0, ""},
        {"{\"partialSuccess\":{\"rejectedSpans\":[3]}}", 0, ""},
        /* no JSON: as if nothing had been said */
        {"", 0, ""},
        {"ok", 0, ""},
        {"[]", 0, ""},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"3\"", 0, ""},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"3\"}} trailing", 0, ""},
        {"{\"partialSuccess\":{\"errorMessage\":\"unfinished}}", 0, ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct gw_outcome out = read_json(table[i].json);
        if (out.verdict != GW_DONE || out.rejected != table[i].rejected ||
            strcmp(out.text, table[i].text) != 0)
            fail_msg("%s: %llu rejected, \"%s\"", table[i].json, (unsigned long long)out.rejected, out.text);
    }
}

static void json_that_nests_without_end_is_none(void **state)
{
    char deep[OTLP_ANSWER_BYTES];
    memset(deep, '[', sizeof deep);
    memcpy(deep, "{\"partialSuccess\":", 18);
    struct gw_outcome out = read_bytes(otlp_response_success_json, deep, sizeof deep);
    assert_int_equal(out.verdict, GW_DONE);
    assert_int_equal(out.rejected, 0);
}

static void a_status_tells_its_words_and_when(void **state)
{
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
    Google__Rpc__RetryInfo info = GOOGLE__RPC__RETRY_INFO__INIT;
    Google__Protobuf__Any other = GOOGLE__PROTOBUF__ANY__INIT, any = GOOGLE__PROTOBUF__ANY__INIT,
                          *details[] = {&other, &any};
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    uint8_t packed_info[64], bytes[256], words[] = "wait", url[] = "type.googleapis.com/google.rpc.RetryInfo",
                                         else_[] = "x/google.rpc.Help";
    delay.seconds = 7;
    info.retry_delay = &delay;
    any.value = (ProtobufCBinaryData){google__rpc__retry_info__pack(&info, packed_info), packed_info};
    any.type_url = (ProtobufCBinaryData){sizeof url - 1, url};
    other.type_url = (ProtobufCBinaryData){sizeof else_ - 1, else_};
    status.message = (ProtobufCBinaryData){sizeof words - 1, words};
    status.details = details;
    status.n_details = 2;
    size_t len = google__rpc__status__pack(&status, bytes);
    struct gw_outcome out = {0};
    assert_true(otlp_response_status(gw_str_n((const char *)bytes, len), &out));
    assert_true(out.retry_after == 7 * GW_SEC);
    assert_string_equal(out.text, "wait");
    status.n_details = 1; /* nothing but help */
    out = (struct gw_outcome){0};
    len = google__rpc__status__pack(&status, bytes);
    assert_false(otlp_response_status(gw_str_n((const char *)bytes, len), &out));
    assert_true(out.retry_after == 0);
    assert_string_equal(out.text, "wait");
    assert_false(otlp_response_status(GW_NOSTR, &out));
}

static void words_are_cut_between_characters(void **state)
{
    struct gw_outcome out;
    char words[600];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(words, 'x', shift);
        for (size_t i = shift; i + 4 <= sizeof words; i += 4)
            memcpy(words + i, "\xf0\x9f\x98\x80", 4);
        otlp_response_text(&out, gw_str_n(words, 500));
        assert_true(strlen(out.text) > sizeof out.text - 5 && strlen(out.text) < sizeof out.text);
        assert_true(gw_utf8_valid(gw_str_z(out.text)));
    }
    otlp_response_text(&out, GW_STR("\x1b[31m\x7f\n"));
    assert_string_equal(out.text, " [31m  ");
    otlp_response_text(&out, GW_NOSTR);
    assert_string_equal(out.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_protobuf_packs_is_read),
        cmocka_unit_test(broken_answers_are_empty_ones),
        cmocka_unit_test(unknown_fields_are_passed_over_and_the_last_one_counts),
        cmocka_unit_test(json_is_read_as_backends_write_it),
        cmocka_unit_test(json_that_nests_without_end_is_none),
        cmocka_unit_test(a_status_tells_its_words_and_when),
        cmocka_unit_test(words_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
