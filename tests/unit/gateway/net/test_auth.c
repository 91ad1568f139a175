/* Tokens: how they are read out of an option, and which headers let a sender in.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/config/config_diagnostic.h"
#include "gateway/net/auth.h"

#define OLD "old-token-0123456789abcdef"
#define NEW "new-token-0123456789abcdef"

static gw_str names[] = {GW_LIT("Authorization"), GW_LIT("DD-API-KEY"), GW_LIT("X-Api-Key")};
static const struct gw_list headers = {names, 3};

static void read_tokens(struct gw_auth *a, const char *tokens, const struct gw_list *list, char *said,
                        size_t size)
{
    struct gw_diagnostics *p = gw_diagnostics_new();
    FILE *f = fmemopen(said, size, "w");
    assert_non_null(p);
    assert_non_null(f);
    gw_auth_read(a, gw_str_z(tokens), list, "receivers[0]", p);
    gw_diagnostics_print(p, f);
    fputc('\0', f);
    fclose(f);
    gw_diagnostics_drop(p);
}

static void test_tokens_are_separated(void **state)
{
    struct gw_auth a;
    char said[1024];
    read_tokens(&a, "\n  " OLD ",\t" NEW "\r\n", &headers, said, sizeof said);
    assert_int_equal(a.n, 2);
    assert_string_equal(said, "");
    read_tokens(&a, "", &headers, said, sizeof said);
    assert_int_equal(a.n, 0);
    assert_string_equal(said, "");
}

static void test_bad_tokens_are_named_by_number_only(void **state)
{
    static const struct {
        const char *tokens, *said;
    } cases[] = {
        {" , \n", "receivers[0].auth.token: holds blanks and commas only, and no token\n"},
        {OLD " s3cr\xc3\xa9t-s3cr\xc3\xa9t-s3cr\xc3\xa9t",
         "receivers[0].auth.token: token 2 has characters that a header cannot carry: use letters, digits "
         "and -._~+/=\n"},
        {"hunter2", "receivers[0].auth.token: warning: token 1 is shorter than 16 characters and can be "
                    "guessed: `openssl rand -hex 32` "
                    "makes a good one\n"},
    };
    struct gw_auth a;
    char said[1024], many[GW_AUTH_TOKENS * 32 + 64] = "";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_tokens(&a, cases[i].tokens, &headers, said, sizeof said);
        assert_non_null(strstr(said, cases[i].said + strlen("receivers[0].auth.token: ")));
        assert_null(strstr(said, "s3cr"));
        assert_null(strstr(said, "hunter"));
    }
    for (int i = 0; i <= GW_AUTH_TOKENS; i++)
        strcat(many, NEW " ");
    read_tokens(&a, many, &headers, said, sizeof said);
    assert_non_null(strstr(said, "holds more than 16 tokens"));
    read_tokens(&a, OLD, &(struct gw_list){0}, said, sizeof said);
    assert_non_null(strstr(said, "receivers[0].auth.header"));
}

/* "name: value" lines of one request. */
static enum gw_code verdict(const struct gw_auth *a, const char *request)
{
    enum gw_code code = GW_NO_TOKEN;
    gw_str rest = gw_str_z(request), line;
    while (gw_str_next(&rest, '\n', &line)) {
        size_t colon = gw_str_find(line, ':');
        gw_auth_header(a, gw_str_n(line.ptr, colon), gw_str_trim(gw_str_from(line, colon + 1)), &code);
    }
    return code;
}

static void test_who_is_let_in(void **state)
{
    static const struct {
        const char *request;
        enum gw_code want;
    } cases[] = {
        {"", GW_NO_TOKEN},
        {"Host: x\nContent-Length: 3", GW_NO_TOKEN},
        {"Authorization: Bearer " OLD, GW_OK},
        {"authorization: bEARER   " NEW, GW_OK},
        {"DD-API-KEY: " NEW, GW_OK},
        {"dd-api-key: " OLD, GW_OK},
        {"x-api-key: " OLD, GW_OK},
        {"X-Other: " OLD, GW_NO_TOKEN},
        {"Authorization: " OLD, GW_BAD_TOKEN},
        {"Authorization: Bearer", GW_BAD_TOKEN},
        {"Authorization: Bearer ", GW_BAD_TOKEN},
        {"Authorization: Basic " OLD, GW_BAD_TOKEN},
        {"Authorization: Digest " OLD, GW_BAD_TOKEN},
        {"Authorization: Bearer " OLD "x", GW_BAD_TOKEN},
        {"Authorization: Bearer old-token-0123456789abcde", GW_BAD_TOKEN},
        {"Authorization: Bearer " OLD " " NEW, GW_BAD_TOKEN},
        {"DD-API-KEY: Bearer " OLD, GW_BAD_KEY},
        {"DD-API-KEY: ", GW_BAD_KEY},
        {"DD-API-KEY: nonsense", GW_BAD_KEY},
        {"DD-API-KEY: nonsense\nAuthorization: Bearer " NEW, GW_OK},
        {"Authorization: Bearer " NEW "\nDD-API-KEY: nonsense", GW_OK},
    };
    struct gw_auth a;
    char said[1024];
    read_tokens(&a, OLD " " NEW, &headers, said, sizeof said);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (verdict(&a, cases[i].request) != cases[i].want)
            fail_msg("%s: %s, not %s", cases[i].request, gw_code_id(verdict(&a, cases[i].request)),
                     gw_code_id(cases[i].want));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_are_separated),
        cmocka_unit_test(test_bad_tokens_are_named_by_number_only),
        cmocka_unit_test(test_who_is_let_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
