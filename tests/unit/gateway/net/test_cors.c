/* CORS: which origins a configuration may name, and which origins of browsers they allow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/net/cors.h"
#include "tests/unit/gateway/net/diagnostics_text.h"

static const char *read_lists(struct gw_cors *c, const struct gw_list *origins, const struct gw_list *headers)
{
    struct gw_diagnostics *p = gw_diagnostics_new();
    assert_non_null(p);
    gw_cors_read(c, origins, headers, "receivers[0]", p);
    return diagnostics_text(p);
}

/* Reads one origin; what is said of it. */
static const char *read_one(struct gw_cors *c, gw_str *origin)
{
    return read_lists(c, &(struct gw_list){origin, 1}, &(struct gw_list){NULL, 0});
}

static bool allows(const char *configured, const char *origin)
{
    gw_str one = gw_str_z(configured);
    struct gw_cors c;
    assert_string_equal(read_one(&c, &one), "");
    return gw_cors_allows(&c, gw_str_z(origin));
}

static void test_an_origin_is_compared_whole(void **state)
{
    assert_true(allows("https://shop.example", "https://shop.example"));
    assert_true(allows("https://Shop.Example", "https://shop.example"));
    assert_true(allows("http://localhost:3000", "http://localhost:3000"));
    assert_true(allows("http://[::1]:3000", "http://[::1]:3000"));
    assert_true(allows("chrome-extension://abcdef", "chrome-extension://abcdef"));
    static const char *const others[] = {"http://shop.example",
                                         "https://shop.example:8443",
                                         "https://shop.example.evil.org",
                                         "https://evil-shop.example",
                                         "https://shop.exampl",
                                         "https://a.shop.example",
                                         "null",
                                         "*",
                                         "",
                                         "https://shop.example/"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(allows("https://shop.example", others[i]));
}

static void test_a_star_stands_for_labels(void **state)
{
    assert_true(allows("https://*.shop.example", "https://a.shop.example"));
    assert_true(allows("https://*.shop.example", "https://a.b-c.Shop.example"));
    assert_true(allows("http://*.test:3000", "http://a.test:3000"));
    static const char *const others[] = {"https://shop.example",
                                         "https://.shop.example",
                                         "https://evilshop.example",
                                         "http://a.shop.example",
                                         "https://a.shop.example:8443",
                                         "https://evil.org/.shop.example",
                                         "https://evil.org:1.shop.example",
                                         "https://u@a.shop.example"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(allows("https://*.shop.example", others[i]));
}

static void test_every_origin(void **state)
{
    assert_true(allows("*", "https://anything.example"));
    assert_true(allows("*", "null"));
    assert_false(allows("*", ""));
}

static void test_without_origins_nobody_is_allowed(void **state)
{
    struct gw_cors c;
    assert_string_equal(read_lists(&c, &(struct gw_list){NULL, 0}, &(struct gw_list){NULL, 0}), "");
    assert_false(gw_cors_allows(&c, GW_STR("https://shop.example")));
}

static void test_what_no_browser_sends_is_a_mistake(void **state)
{
    static const struct {
        const char *origin, *said;
    } cases[] = {
        {"shop.example", "write scheme://host or scheme://host:port, such as https://shop.example"},
        {"", "write scheme://host or scheme://host:port, such as https://shop.example"},
        {"https://", "write scheme://host or scheme://host:port, without a path"},
        {"https://shop.example/", "write scheme://host or scheme://host:port, without a path"},
        {"https://shop.example/app", "without a path"},
        {"https://user@shop.example", "without a path"},
        {"https://*", "* may only stand for the first labels"},
        {"https://a.*.example", "* may only stand for the first labels"},
        {"https://*.*.example", "* may only stand for the first labels"},
        {"https://[::1", "its host is no address of IPv6"},
        {"null", "it is the origin of sandboxed frames"},
        {"https://shop.example:443", "browsers leave out the usual port"},
        {"http://shop.example:80", "browsers leave out the usual port"},
        {"https://shop.example:", "its port is none from 1 to 65535"},
        {"https://shop.example:0", "its port is none from 1 to 65535"},
        {"https://shop.example:65536", "its port is none from 1 to 65535"},
        {"https://shop.example:x", "its port is none from 1 to 65535"},
        {"https://b\xc3\xbc"
         "cher.example",
         "write its host as browsers send it, in ASCII"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gw_str one = gw_str_z(cases[i].origin);
        struct gw_cors c;
        const char *said = read_one(&c, &one);
        assert_memory_equal(said, "receivers[0].cors.allowed_origins: ", 35);
        if (!strstr(said, cases[i].said))
            fail_msg("%s: %s", cases[i].origin, said);
    }
    gw_str two[] = {GW_LIT("https://shop.example"), GW_LIT("*")};
    struct gw_cors c;
    assert_non_null(
        strstr(read_lists(&c, &(struct gw_list){two, 2}, &(struct gw_list){NULL, 0}), "name it alone"));
}

static void test_headers_become_one(void **state)
{
    gw_str good[] = {GW_LIT("Authorization"), GW_LIT("X-Team")}, bad[] = {GW_LIT("X Team"), GW_LIT("X:")};
    struct gw_cors c;
    assert_string_equal(read_lists(&c, &(struct gw_list){NULL, 0}, &(struct gw_list){good, 2}), "");
    assert_string_equal(c.headers, "Authorization, X-Team");
    const char *said = read_lists(&c, &(struct gw_list){NULL, 0}, &(struct gw_list){bad, 2});
    assert_non_null(
        strstr(said, "receivers[0].cors.allowed_headers: \"X Team\" is not the name of a header"));
    assert_non_null(strstr(said, "\"X:\" is not the name"));
    char name[300];
    memset(name, 'x', sizeof name);
    gw_str two[] = {gw_str_n(name, sizeof name), gw_str_n(name, sizeof name)};
    said = read_lists(&c, &(struct gw_list){NULL, 0}, &(struct gw_list){two, 2});
    assert_non_null(strstr(said, "longer than 512 bytes together"));
    assert_int_equal(strlen(c.headers), sizeof name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_origin_is_compared_whole),
        cmocka_unit_test(test_a_star_stands_for_labels),
        cmocka_unit_test(test_every_origin),
        cmocka_unit_test(test_without_origins_nobody_is_allowed),
        cmocka_unit_test(test_what_no_browser_sends_is_a_mistake),
        cmocka_unit_test(test_headers_become_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
