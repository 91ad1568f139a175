/* Files that hold a request: what each is taken for, and what is said of those that hold none.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/run/recorded_request.h"
#include "tests/unit/scratch.h"

static struct gw_recorded recorded;

/* The name of a file with this content. */
static const char *file_with(const char *name, const char *bytes, size_t len)
{
    static char folder[] = "/tmp/recorded-XXXXXX", path[512];
    if (strstr(folder, "XXXXXX"))
        assert_non_null(scratch_folder(folder));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *to = fopen(path, "wb");
    assert_non_null(to);
    assert_int_equal(fwrite(bytes, 1, len, to), len);
    assert_int_equal(fclose(to), 0);
    return path;
}

#define FILE_WITH(name, literal) file_with(name, literal, sizeof(literal) - 1)

static void check_protocol(const char *path, const char *protocol)
{
    struct gw_err err = {0};
    if (!gw_recorded_read(&recorded, path, NULL, &err))
        fail_msg("%s: %s", path, err.what);
    assert_string_equal(recorded.protocol, protocol);
}

static void check_refused(const char *path, const char *words)
{
    struct gw_err err = {0};
    assert_false(gw_recorded_read(&recorded, path, NULL, &err));
    if (!strstr(err.what, words))
        fail_msg("%s, want %s", err.what, words);
    gw_recorded_fini(&recorded);
}

static void test_guesses(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *protocol;
    } rows[] = {
#define ROW(literal, protocol) {literal, sizeof(literal) - 1, protocol}
        ROW("", "v0.4 msgpack"),
        ROW("\x91\x91\x80", "v0.4 msgpack"),
        ROW("\x92\x91\xa1x\x90", "v0.5 msgpack"),
        ROW("\x92\x90\x91\x91\x80", "v0.5 msgpack"),
        ROW("\x81\xa3"
            "env\xa1x",
            "v0.7 msgpack"),
        ROW("\x81\x0b\x90", "v1.0 msgpack"),
        ROW(" \n[[{}]]", "v0.4 JSON"),
        ROW("[ {} ]", "v0.1 JSON"),
        ROW("{\"resourceSpans\":[]}", "OTLP/JSON"),
        ROW("\x0a\x06\x12\x04\x12\x02\x12\x00", "OTLP"),
        ROW("\x12\x04prod", "agent protobuf"),
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_protocol(file_with("body", rows[i].bytes, rows[i].len), rows[i].protocol);
        gw_recorded_fini(&recorded);
    }
}

static void test_a_request_on_the_wire(void **state)
{
    check_protocol(
        FILE_WITH("wire",
                  "POST /v0.5/traces HTTP/1.1\r\nDatadog-Meta-Lang: go\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "2\r\n\x92\x90\r\n1;x=y\r\n\x90\r\n0\r\n\r\n"),
        "v0.5 msgpack");
    assert_true(gw_str_eq(recorded.request.lang, GW_STR("go")));
    assert_true(gw_str_eq(recorded.body, GW_STR("\x92\x90\x90")));
    gw_recorded_fini(&recorded);
    check_protocol(FILE_WITH("wire", "PUT /v0.3/traces HTTP/1.1\n\n[]"), "v0.4 JSON");
    gw_recorded_fini(&recorded);
    check_protocol(FILE_WITH("wire", "PUT /v1.0/traces HTTP/1.1\n\n\x90"), "v0.4 msgpack");
    gw_recorded_fini(&recorded);
}

static void test_headers_beside_the_body(void **state)
{
    FILE_WITH(
        "a.json",
        "{\"method\":\"PUT\",\"path\":\"/v0.4/traces\",\"headers\":[[\"Datadog-Meta-Lang\",\"java\"]]}");
    check_protocol(FILE_WITH("a.bin", "\x90"), "v0.4 msgpack");
    assert_true(gw_str_eq(recorded.request.lang, GW_STR("java")));
    gw_recorded_fini(&recorded);
    check_refused(FILE_WITH("b.json", "{\"path\":\"/v0.4/traces\",\"headers\":[]}"), "cannot be read");
}

static void test_what_is_no_request(void **state)
{
    check_refused("/nowhere/at/all", "cannot be read");
    check_refused(FILE_WITH("x", "GET /info HTTP/1.1\r\n\r\n"), "/info has no spans");
    check_refused(FILE_WITH("x", "PUT /v0.4/traces HTTP/1.1\nTransfer-Encoding: chunked\n\n5\r\nab"),
                  "chunked body is cut off");
    check_refused(FILE_WITH("x", "PUT /v0.4/traces HTTP/1.1\nContent-Encoding: br\n\nab"),
                  "gzip, deflate and zstd");
    check_refused(FILE_WITH("x", "{\"resourceSpans\":"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guesses), cmocka_unit_test(test_a_request_on_the_wire),
        cmocka_unit_test(test_headers_beside_the_body), cmocka_unit_test(test_what_is_no_request)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
