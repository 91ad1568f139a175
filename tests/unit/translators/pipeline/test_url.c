/* url_parse and url_decode, as Go's net/url reads URLs. Each row says what is expected in words, then the map
 * as JSON or the error.
 * SPDX-License-Identifier: Apache-2.0 */
#include "script_run.h"

struct row {
    const char *what, *url, *expected;
};

static const struct row rows[] = {
    {"all parts", "https://user:pw@host:8080/p/q?x=1&y=2#f",
     "r = "
     "{\"host\":\"host:8080\",\"params\":{\"x\":\"1\",\"y\":\"2\"},\"path\":\"/p/"
     "q\",\"port\":\"8080\",\"scheme\":\"https\"}"},
    {"a path alone, as access logs have it", "/path?q=1",
     "r = {\"host\":\"\",\"params\":{\"q\":\"1\"},\"path\":\"/path\",\"port\":\"\",\"scheme\":\"\"}"},
    {"a host without a scheme", "//host/p",
     "r = {\"host\":\"host\",\"params\":{},\"path\":\"/p\",\"port\":\"\",\"scheme\":\"\"}"},
    {"no authority: everything behind the colon is opaque", "mailto:a@b.c",
     "r = {\"host\":\"\",\"params\":{},\"path\":\"\",\"port\":\"\",\"scheme\":\"mailto\"}"},
    {"one slash is a path, not a host", "http:/h/p",
     "r = {\"host\":\"\",\"params\":{},\"path\":\"/h/p\",\"port\":\"\",\"scheme\":\"http\"}"},
    {"a scheme and nothing behind its slashes", "httpshttps://",
     "r = {\"host\":\"\",\"params\":{},\"path\":\"\",\"port\":\"\",\"scheme\":\"httpshttps\"}"},
    {"a user and no host", "http://u@",
     "r = {\"host\":\"\",\"params\":{},\"path\":\"\",\"port\":\"\",\"scheme\":\"http\"}"},
    {"no text", "", "r = {\"host\":\"\",\"params\":{},\"path\":\"\",\"port\":\"\",\"scheme\":\"\"}"},
    {"an empty path stays empty", "http://h?x",
     "r = {\"host\":\"h\",\"params\":{\"x\":\"\"},\"path\":\"\",\"port\":\"\",\"scheme\":\"http\"}"},
    {"a port keeps its zeroes", "http://h:080/",
     "r = {\"host\":\"h:080\",\"params\":{},\"path\":\"/\",\"port\":\"080\",\"scheme\":\"http\"}"},
    {"an empty port keeps its colon", "http://h:/",
     "r = {\"host\":\"h:\",\"params\":{},\"path\":\"/\",\"port\":\"\",\"scheme\":\"http\"}"},
    {"an address of version 6 with its zone", "http://[fe80::1%25en0]:80/",
     "r = {\"host\":\"[fe80::1%en0]:80\",\"params\":{},\"path\":\"/\",\"port\":\"80\",\"scheme\":\"http\"}"},
    {"brackets without an address are taken as they are", "http://[a]/",
     "r = {\"host\":\"[a]\",\"params\":{},\"path\":\"/\",\"port\":\"\",\"scheme\":\"http\"}"},
    {"an escape of a host beyond ASCII", "http://%C3%A9/",
     "r = {\"host\":\"é\",\"params\":{},\"path\":\"/\",\"port\":\"\",\"scheme\":\"http\"}"},
    {"an escaped percent sign in a host", "http://h%25/",
     "r = {\"host\":\"h%\",\"params\":{},\"path\":\"/\",\"port\":\"\",\"scheme\":\"http\"}"},
    {"an escape of ASCII in a host", "http://h%41/",
     "error: failed to parse url http://h%41/: invalid URL escape"},
    {"angle brackets in a host, which are written as JSON writes them", "http://<h>/",
     "r = {\"host\":\"\\u003ch\\u003e\",\"params\":{},\"path\":\"/\",\"port\":\"\",\"scheme\":\"http\"}"},
    {"a blank in a host", "http://a b/",
     "error: failed to parse url http://a b/: invalid character in host name"},
    {"a bad escape in a user", "http://u%4&@h/",
     "error: failed to parse url http://u%4&@h/: invalid URL escape"},
    {"a character that no user may have", "http://u^@h/",
     "error: failed to parse url http://u^@h/: invalid userinfo"},
    {"an at sign in the user: the last one ends it", "http://u@v@h/",
     "r = {\"host\":\"h\",\"params\":{},\"path\":\"/\",\"port\":\"\",\"scheme\":\"http\"}"},
    {"a port that is no number", "http://h:port/",
     "error: failed to parse url http://h:port/: invalid port after host"},
    {"a bracket that is not closed", "http://[::1",
     "error: failed to parse url http://[::1: missing ']' in host"},
    {"a control character before the fragment", "http://h/\n",
     "error: failed to parse url http://h/\n: invalid control character in URL"},
    {"a control character in the fragment", "/p#\n",
     "r = {\"host\":\"\",\"params\":{},\"path\":\"/p\",\"port\":\"\",\"scheme\":\"\"}"},
    {"no scheme before the colon", ":x", "error: failed to parse url :x: missing protocol scheme"},
    {"a colon in the first part of a relative path", "1:x",
     "error: failed to parse url 1:x: first path segment in URL cannot contain colon"},
    {"a parameter that comes twice, one without a value, one that is no pair", "?a=1&a=2&b&c;d=1",
     "r = {\"host\":\"\",\"params\":{\"a\":\"1,2\",\"b\":\"\"},\"path\":\"\",\"port\":\"\",\"scheme\":\"\"}"},
    {"a bad escape in a parameter costs that parameter", "?a=%zz&b=1+2%2B",
     "r = {\"host\":\"\",\"params\":{\"b\":\"1 2+\"},\"path\":\"\",\"port\":\"\",\"scheme\":\"\"}"},
    {"a bad escape in the path", "/%zz", "error: failed to parse url /%zz: invalid URL escape"},
};

static const struct row decoded[] = {
    {"escapes and plus signs", "a%20b+c%2B", "r = a b c+"},
    {"an escape that is cut off", "a%4", "error: invalid URL escape \"%4\""},
    {"an escape that is none", "a%zz", "error: invalid URL escape \"%zz\""},
    {"an escape may make bytes that are no UTF-8", "%ff", "r = \xff"},
};

struct bed {
    struct gw_arena arena;
    struct sc_thread *thread;
};

static int set_up(void **state)
{
    static struct bed bed;
    gw_arena_init(&bed.arena, 4 << 20);
    bed.thread = sc_thread_new();
    *state = &bed;
    return bed.thread ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    sc_thread_drop(bed->thread);
    gw_arena_fini(&bed->arena);
    return 0;
}

static void run_rows(struct bed *bed, const struct row *r, size_t n, const char *script)
{
    for (size_t i = 0; i < n; i++) {
        const char *got = script_run(&bed->arena, bed->thread, gw_str_z(script), gw_str_z(r[i].url));
        if (strcmp(got, r[i].expected) != 0)
            fail_msg("%s: %s\n  gives    %s\n  expected %s", r[i].what, r[i].url, got, r[i].expected);
    }
}

static void parses_urls(void **state)
{
    run_rows(*state, rows, sizeof rows / sizeof *rows, "x = url_parse(_)\nadd_key(r, x)");
}

static void decodes_escapes(void **state)
{
    run_rows(*state, decoded, sizeof decoded / sizeof *decoded, "url_decode(_)\nrename(r, message)");
}

static void a_nul_is_a_control_character(void **state)
{
    struct bed *bed = *state;
    const char *got = script_run(&bed->arena, bed->thread, GW_STR("x = url_parse(_)\nadd_key(r, x)"),
                                 gw_str_n("http://h\0/", 10));
    assert_memory_equal(got, "error: failed to parse url http://h",
                        strlen("error: failed to parse url http://h"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_urls),
        cmocka_unit_test(decodes_escapes),
        cmocka_unit_test(a_nul_is_a_control_character),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
