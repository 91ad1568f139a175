/* The parts of multipart bodies, and what is none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "translators/profiles/multipart.h"

#define TYPE GW_STR("multipart/form-data; boundary=B")
#define HEAD "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"

/* "name=filename:body|…" of all parts, or "!" with the error's place. */
static void read_all(gw_str type, gw_str body, char *out, size_t size)
{
    struct multipart m;
    struct multipart_part p;
    struct gw_err err = {0};
    size_t n = 0;
    enum gw_code code = multipart_begin(&m, type, body, &err);
    out[0] = '\0';
    while (!code && !m.over) {
        code = multipart_next(&m, &p, &err);
        if (!code)
            n += (size_t)snprintf(out + n, size - n, "%.*s=%s%.*s:%.*s|", GW_FMT(p.name),
                                  p.is_file ? "" : "-", GW_FMT(p.filename), GW_FMT(p.body));
    }
    if (code) {
        assert_int_equal(code, GW_BAD_MULTIPART);
        assert_true(err.pos <= body.len);
        snprintf(out, size, "!%zu", err.pos);
    }
}

static void bodies(void **state)
{
    static const struct {
        const char *body, *parts;
    } cases[] = {
        {HEAD "x\r\n--B--\r\n", "a=-:x|"},
        {HEAD "x\r\n--B--", "a=-:x|"},
        {"preamble\r\n" HEAD "x\r\n--B--\r\nepilogue", "a=-:x|"},
        {HEAD "\r\n--B--\r\n", "a=-:|"},
        {"--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n\r\n--B--", "a=-:\r\n|"},
        {HEAD "x\r\n" HEAD "y\r\n--B--\r\n", "a=-:x|a=-:y|"},
        {"--B \t\r\ncontent-disposition:form-data;filename=\"f;\\\"\";name=b\r\nX: y\r\n\r\nx\r\n--B--",
         "b=f;\\\":x|"},
        {"--B\r\nContent-Disposition: form-data; name=\"a\"; filename=\"\"\r\n\r\nx\r\n--B--", "a=:x|"},
        /* text that begins like a delimiter */
        {HEAD "x\r\n--Bx\r\n--B\ry\r\n--B--\r\n", "a=-:x\r\n--Bx\r\n--B\ry|"},
        {HEAD "--B--\r\n--B--\r\n", "a=-:|"}, /* the empty line is the one of the delimiter */
        {"--B--\r\n", ""},
        /* cut short, or none */
        {HEAD "x\r\n--B", "!53"},
        {HEAD "x\r\n--B-", "!53"},
        {HEAD "x", "!53"},
        {HEAD, "!53"},
        {"--B\r\nContent-Disposition: form-data; name=\"a\"\r\n", "!5"},
        {"--B\r\nContent-Type: x\r\n\r\nx\r\n--B--", "!5"},
        {"--B\r\nno colon\r\n\r\nx\r\n--B--", "!5"},
        {"--B\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nx\r\n--B--", "!5"},
        {"--C--\r\n", "!0"},
        {"--B", "!0"},
        {"", "!0"},
    };
    char got[256];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_all(TYPE, gw_str_z(cases[i].body), got, sizeof got);
        if (cases[i].parts[0] == '!' && got[0] == '!')
            continue;
        assert_string_equal(got, cases[i].parts);
    }
}

static void content_types(void **state)
{
    static const char *const good[] = {
        "multipart/form-data; boundary=B",
        "Multipart/Form-Data;charset=utf-8; Boundary=\"B\"",
        "multipart/form-data ; boundary = B ; x=y",
    };
    static const char *const bad[] = {
        "",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=B",
        "multipart/form-data; boundary=\"B",
        "multipart/form-data; boundary=C",
        ("multipart/form-data; "
         "boundary=00000000000000000000000000000000000000000000000000000000000000000000001")};
    char got[256];
    gw_str body = GW_STR(HEAD "x\r\n--B--\r\n");
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        read_all(gw_str_z(good[i]), body, got, sizeof got);
        assert_string_equal(got, "a=-:x|");
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        read_all(gw_str_z(bad[i]), body, got, sizeof got);
        assert_int_equal(got[0], '!');
    }
}

static void every_cut_is_an_error(void **state)
{
    static const char whole[] = HEAD "x\r\n" HEAD "y\r\n--B--";
    char got[256];
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        read_all(TYPE, gw_str_n(whole, n), got, sizeof got);
        assert_int_equal(got[0], '!');
    }
}

static void too_many_parts(void **state)
{
    static char body[(MULTIPART_PARTS + 2) * sizeof(HEAD "\r\n")];
    char got[16 * 1024];
    size_t n = 0;
    for (int i = 0; i <= MULTIPART_PARTS; i++)
        n += (size_t)snprintf(body + n, sizeof body - n, HEAD "\r\n");
    n += (size_t)snprintf(body + n, sizeof body - n, "--B--");
    read_all(TYPE, gw_str_n(body, n), got, sizeof got);
    assert_int_equal(got[0], '!');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),
        cmocka_unit_test(content_types),
        cmocka_unit_test(every_cut_is_an_error),
        cmocka_unit_test(too_many_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
