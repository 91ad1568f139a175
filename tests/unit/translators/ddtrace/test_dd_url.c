/* Parts of URLs, and what is hidden in them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/translators/ddtrace/arena_bed.h"
#include "translators/ddtrace/dd_url.h"

static void urls_are_split(void **state)
{
    static const struct {
        const char *url, *scheme, *userinfo, *host;
        int port;
        const char *path, *query, *fragment;
    } cases[] = {
        {"https://user:pw@host.example:8443/path/x?a=b&c=d#top", "https", "user:pw", "host.example", 8443,
         "/path/x", "a=b&c=d", "top"},
        {"http://127.0.0.1:21141/a", "http", "", "127.0.0.1", 21141, "/a", "", ""},
        {"http://[::1]:80/", "http", "", "::1", 80, "/", "", ""},
        {"http://[fe80::1%25eth0]", "http", "", "fe80::1%25eth0", 0, "", "", ""},
        {"http://[::1", "http", "", "[::1", 0, "", "", ""},
        {"HTTP://HOST?x", "HTTP", "", "HOST", 0, "", "x", ""},
        {"http://h#f?q", "http", "", "h", 0, "", "", "f?q"},
        {"http://h:0/", "http", "", "h", 0, "/", "", ""},
        {"http://h:65536/", "http", "", "h", 0, "/", "", ""},
        {"http://h:80a/", "http", "", "h", 0, "/", "", ""},
        {"http://a@b@h/p@q", "http", "a@b", "h", 0, "/p@q", "", ""},
        {"http://", "http", "", "", 0, "", "", ""},
        {"http:///p", "http", "", "", 0, "/p", "", ""},
        {"jdbc:mysql://db:3306/x", "jdbc:mysql", "", "db", 3306, "/x", "", ""},
        {"unix:///run/x.sock", "unix", "", "", 0, "/run/x.sock", "", ""},
        {"/path?q=1#f", "", "", "", 0, "/path", "q=1", "f"},
        {"path", "", "", "", 0, "path", "", ""},
        {"host:80/path", "", "", "", 0, "host:80/path", "", ""},
        {"//double/slash", "", "", "", 0, "//double/slash", "", ""},
        {"/go?to=http://x/", "", "", "", 0, "/go", "to=http://x/", ""},
        {"1http://h/", "", "", "", 0, "1http://h/", "", ""},
        {"://h", "", "", "", 0, "://h", "", ""},
        {"?", "", "", "", 0, "", "", ""},
        {"", "", "", "", 0, "", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dd_url u;
        dd_url_split(gw_str_z(cases[i].url), &u);
        if (!gw_str_eq(u.scheme, gw_str_z(cases[i].scheme)) ||
            !gw_str_eq(u.userinfo, gw_str_z(cases[i].userinfo)) ||
            !gw_str_eq(u.host, gw_str_z(cases[i].host)) || u.port != cases[i].port ||
            !gw_str_eq(u.path, gw_str_z(cases[i].path)) || !gw_str_eq(u.query, gw_str_z(cases[i].query)) ||
            !gw_str_eq(u.fragment, gw_str_z(cases[i].fragment)) || u.absolute != (*cases[i].scheme != '\0'))
            fail_msg("%s: %.*s | %.*s | %.*s | %d | %.*s | %.*s | %.*s", cases[i].url, GW_FMT(u.scheme),
                     GW_FMT(u.userinfo), GW_FMT(u.host), u.port, GW_FMT(u.path), GW_FMT(u.query),
                     GW_FMT(u.fragment));
    }
}

static void authorities_are_split(void **state)
{
    static const struct {
        const char *text, *host;
        int port;
    } cases[] = {
        {"host", "host", 0}, {"host:80", "host", 80},           {"[::1]:80", "::1", 80}, {"[::1]", "::1", 0},
        {"::1", "::1", 0},   {"2001:db8::1", "2001:db8::1", 0}, {":80", "", 80},         {"host:", "host", 0},
        {"", "", 0},         {"[::1]x:80", "::1", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gw_str host;
        int port;
        dd_url_authority(gw_str_z(cases[i].text), &host, &port);
        if (!gw_str_eq(host, gw_str_z(cases[i].host)) || port != cases[i].port)
            fail_msg("%s: \"%.*s\" %d", cases[i].text, GW_FMT(host), port);
    }
    assert_int_equal(dd_url_default_port(GW_STR("HTTPS")), 443);
    assert_int_equal(dd_url_default_port(GW_STR("wss")), 443);
    assert_int_equal(dd_url_default_port(GW_STR("http")), 80);
    assert_int_equal(dd_url_default_port(GW_STR("ws")), 80);
    assert_int_equal(dd_url_default_port(GW_STR("ftp")), 0);
}

static void secrets_are_hidden_and_nothing_else(void **state)
{
    static const char *const cases[][2] = {
        {"https://user:secret@h/p", "https://REDACTED:REDACTED@h/p"},
        {"https://user@h/p", "https://REDACTED@h/p"},
        {"https://user:@h", "https://REDACTED:REDACTED@h"},
        {"https://a:b@c:d@h/", "https://REDACTED:REDACTED@h/"},
        {"//user:secret@h/p", "//REDACTED:REDACTED@h/p"},
        {"postgres://u:p@db:5432/x?sslmode=require",
         "postgres://REDACTED:REDACTED@db:5432/x?sslmode=require"},
        {"jdbc:mysql://u:p@db/x", "jdbc:mysql://REDACTED:REDACTED@db/x"},
        {"https://b.s3.amazonaws.com/"
         "k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F2026&X-Amz-Security-Token=t&X-Amz-"
         "Signature=fe5f&x=1",
         "https://b.s3.amazonaws.com/"
         "k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=REDACTED&X-Amz-Security-Token=REDACTED&"
         "X-Amz-Signature=REDACTED&x=1"},
        {"/?AWSAccessKeyId=AKIA&Signature=x&sig=y&X-Goog-Signature=z",
         "/?AWSAccessKeyId=REDACTED&Signature=REDACTED&sig=REDACTED&X-Goog-Signature=REDACTED"},
        {"/?OSSAccessKeyId=L&security-token=t", "/?OSSAccessKeyId=REDACTED&security-token=REDACTED"},
        {"/l?PASSWORD=1&passwd=2&api_key=3&api-key=4&apikey=5&client_secret=6&token=7&access_token=8&auth=9",
         "/l?PASSWORD=REDACTED&passwd=REDACTED&api_key=REDACTED&api-key=REDACTED&apikey=REDACTED&client_"
         "secret=REDACTED&token=REDACTED&"
         "access_token=REDACTED&auth=REDACTED"},
        {"/?user%5Bpassword%5D=x&user[new_password]=y",
         "/?user%5Bpassword%5D=REDACTED&user[new_password]=REDACTED"},
        {"/cb#access_token=x&state=1", "/cb#access_token=REDACTED&state=1"},
        {"/?token=a=b=c&&x", "/?token=REDACTED&&x"},
        {"?token=x", "?token=REDACTED"},
    };
    static const char *const same[] = {
        "",
        "/",
        "http://h/p?q=1&page=2#top",
        "http://h/p@q?x=a@b",
        "http://@h/",
        "//double/slash@x",
        "/?token",
        "/?token=",
        "/?=x",
        "/?design=1&bypass=2&key=3&author=4&tokens=5&signal=6&monkey=7",
        "/?&&==&",
        "not a url at all: %zz \xff",
        "http://[::1",
        "//",
        "http://",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gw_str got = dd_url_redact(&arena, gw_str_z(cases[i][0]));
        if (!gw_str_eq(got, gw_str_z(cases[i][1])))
            fail_msg("%s: %.*s", cases[i][0], GW_FMT(got));
        gw_str again = dd_url_redact(&arena, got);
        assert_true(gw_str_eq(again, got));
    }
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        gw_str got = dd_url_redact(&arena, gw_str_z(same[i]));
        if (got.ptr != same[i] || got.len != strlen(same[i]))
            fail_msg("%s: %.*s", same[i], GW_FMT(got));
    }
    assert_true(gw_str_eq(dd_url_redact_query(&arena, GW_STR("a=1&sig=2#x")), GW_STR("a=1&sig=REDACTED")));
    assert_int_equal(dd_url_redact(&arena, GW_NOSTR).len, 0);
}

static void without_memory_nothing_leaks(void **state)
{
    struct gw_arena small;
    gw_arena_init(&small, 0);
    assert_int_equal(dd_url_redact(&small, GW_STR("http://u:p@h/")).len, 0);
    gw_arena_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_split),
        cmocka_unit_test(authorities_are_split),
        cmocka_unit_test(secrets_are_hidden_and_nothing_else),
        cmocka_unit_test(without_memory_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, arena_open, arena_close);
}
