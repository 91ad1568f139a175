/* Secrets in texts: every form that they are echoed in, texts that are cut, and texts that must stay as they are.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/scrub.h"

static int forget(void **state)
{
    (void)state;
    gw_secrets_forget();
    return 0;
}

/* On the heap and no longer than it is, so that the address sanitizer sees a read behind it. */
static const char *scrubbed(const char *text)
{
    static char out[8192];
    size_t n = strlen(text);
    char *copy = malloc(n ? n : 1);
    memcpy(copy, text, n);
    n = gw_scrub(copy, n);
    memcpy(out, copy, n);
    out[n] = '\0';
    free(copy);
    return out;
}

static void forms_of_a_secret(void **state)
{
    static const struct {
        const char *text, *left;
    } cases[] = {
        {"the key s3cr/t\"&key is unknown", "the key *** is unknown"},
        {"s3cr/t\"&key", "***"},
        {"twice s3cr/t\"&keys3cr/t\"&key", "twice ******"},
        {"url s3cr%2Ft%22%26key!", "url ***!"},
        {"url s3cr%2ft%22%26key!", "url ***!"},
        {"json {\"k\":\"s3cr/t\\\"&key\"}", "json {\"k\":\"***\"}"},
        {"Go's {\"k\":\"s3cr/t\\\"\\u0026key\"}", "Go's {\"k\":\"***\"}"},
        {"php {\"k\":\"s3cr\\/t\\\"&key\"}", "php {\"k\":\"***\"}"},
        {"html s3cr/t&quot;&amp;key<", "html ***<"},
        {"base64 czNjci90IiZrZXk=.", "base64 ***."},
        {"cut s3cr/t\"&", "cut ***"},
        {"nothing s3cr of it", "nothing s3cr of it"},
    };
    (void)state;
    gw_secret_add(GW_STR("s3cr/t\"&key"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(scrubbed(cases[i].text), cases[i].left);
}

static void base64_of_what_holds_it(void **state)
{
    (void)state;
    gw_secret_add(GW_STR("0123456789abcdef"));
    assert_string_equal(scrubbed("eDowMTIzNDU2Nzg5YWJjZGVmOg=="), "eDo***");  /* x:…: */
    assert_string_equal(scrubbed("eHk6MDEyMzQ1Njc4OWFiY2RlZg=="), "eHk6***"); /* xy:… */
    assert_string_equal(scrubbed("<YTAxMjM0NTY3ODlhYmNkZWY=>"), "<YT***>");   /* a… */
}

static void a_beginning_is_enough_where_texts_are_cut(void **state)
{
    (void)state;
    gw_secret_add(GW_STR("abcdefghijklmnopqrstuvwxyz"));
    assert_string_equal(scrubbed("Bearer abcdefghijklmn; remedy"), "Bearer ***; remedy");
    assert_string_equal(scrubbed("Bearer abcdefghij"), "Bearer ***");
    assert_string_equal(scrubbed("Bearer abcdefghij klm"), "Bearer abcdefghij klm");
}

static void logins_and_urls(void **state)
{
    (void)state;
    gw_secret_add_url(GW_STR("odd://us%40er:p%20w/rd@proxy:3128/?api_key=querysecret&x=visible"));
    assert_string_equal(scrubbed("scheme of odd://us%40er:p%20w/rd@proxy:3128"),
                        "scheme of odd://***@proxy:3128");
    assert_string_equal(scrubbed("login us@er:p w/rd"), "login ***");
    assert_string_equal(scrubbed("Basic dXNAZXI6cCB3L3Jk"), "Basic ***");
    assert_string_equal(scrubbed("p w/rd"), "***");
    assert_string_equal(scrubbed("?api_key=querysecret&x=visible"), "?api_key=***&x=visible");
    /* of somebody else */
    assert_string_equal(scrubbed("HTTP 302 to https://a:b@c.example/x"),
                        "HTTP 302 to https://***@c.example/x");
    assert_string_equal(scrubbed("https://u@host and http://me:you@there:1"),
                        "https://host and http://***@there:1");
    assert_string_equal(scrubbed("https://host/a@b ssh://"), "https://host/a@b ssh://");
}

static void headers(void **state)
{
    (void)state;
    gw_secret_add_header(GW_STR("Authorization"), GW_STR("Bearer tok-12345"));
    gw_secret_add_header(GW_STR("proxy-authorization"), GW_STR("Basic YWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    gw_secret_add_header(GW_STR("x-honeycomb-team"), GW_STR("hny-team-key"));
    gw_secret_add_header(GW_STR("x-scope-orgid"), GW_STR("production"));
    assert_string_equal(scrubbed("tok-12345 is no token"), "*** is no token");
    assert_string_equal(scrubbed("aladdin:open sesame, open sesame, YWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
                        "***, ***, ***");
    assert_string_equal(scrubbed("hny-team-key of production"), "*** of production");
}

static void short_secrets_mangle_nothing(void **state)
{
    (void)state;
    gw_secret_add(GW_STR("a"));
    gw_secret_add(GW_STR("the"));
    gw_secret_add(GW_STR("12345"));
    gw_secret_add(GW_STR("1234567"));
    gw_secret_add_url(GW_STR("http://me:pw@proxy"));
    assert_string_equal(scrubbed("the backend takes 12345 of a pw"), "the backend takes 12345 of a pw");
    assert_string_equal(scrubbed("81234567 12345678 1234567."), "81234567 12345678 ***.");
    assert_string_equal(scrubbed("bWU6cHc="), "***"); /* me:pw */
}

static void lines_of_a_key(void **state)
{
    (void)state;
    gw_secret_add_text(
        GW_STR("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEA\n-----END "
               "PRIVATE KEY-----\n"));
    gw_secret_add_text(
        GW_STR("-----BEGIN PRIVATE KEY-----\\nQUJDREVGR0hJSktMTU5P\\n-----END PRIVATE KEY-----"));
    assert_string_equal(
        scrubbed(
            "-----BEGIN PRIVATE KEY----- MIIEvQIBADANBgkqhkiG9w0B AQEFAASCBKcwggSjAgEA QUJDREVGR0hJSktMTU5P"),
        "-----BEGIN PRIVATE KEY----- *** *** ***");
}

static void tokens_of_a_list(void **state)
{
    (void)state;
    gw_secret_add_list(GW_STR("first-token, second-token\nthird-token"));
    assert_string_equal(scrubbed("first-token|second-token|third-token"), "***|***|***");
}

static void the_ones_named_last_stay(void **state)
{
    char text[32];
    (void)state;
    gw_secret_add(GW_STR("kept-secret"));
    for (int i = 0; i < 3 * GW_SECRETS_MOST; i++) {
        snprintf(text, sizeof text, "secret-number-%06d", i);
        gw_secret_add(gw_str_z(text));
        if (i % 500 == 0)
            gw_secret_add(GW_STR("kept-secret"));
    }
    assert_string_equal(scrubbed("kept-secret"), "***");
    assert_string_equal(scrubbed(text), "***");
}

static void data_keeps_urls_of_others(void **state)
{
    char text[] = "{\"db\":\"postgres://a:b@c/d\",\"key\":\"of-ours\",\"n\":1234567}";
    (void)state;
    gw_secret_add(GW_STR("of-ours"));
    size_t n = gw_scrub_data(text, sizeof text - 1);
    assert_string_equal(gw_str_n(text, n).len ? (text[n] = '\0', text) : "",
                        "{\"db\":\"postgres://a:b@c/d\",\"key\":\"***\",\"n\":1234567}");
}

static void names_of_secrets(void **state)
{
    (void)state;
    assert_true(gw_secret_is_name(GW_STR("SLS_AK_SECRET")));
    assert_true(gw_secret_is_name(GW_STR("dd-api-key")));
    assert_true(gw_secret_is_name(GW_STR("DB_PASSWORD")));
    assert_false(gw_secret_is_name(GW_STR("REGION")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(forms_of_a_secret, forget),
        cmocka_unit_test_teardown(base64_of_what_holds_it, forget),
        cmocka_unit_test_teardown(a_beginning_is_enough_where_texts_are_cut, forget),
        cmocka_unit_test_teardown(logins_and_urls, forget),
        cmocka_unit_test_teardown(headers, forget),
        cmocka_unit_test_teardown(short_secrets_mangle_nothing, forget),
        cmocka_unit_test_teardown(lines_of_a_key, forget),
        cmocka_unit_test_teardown(tokens_of_a_list, forget),
        cmocka_unit_test_teardown(the_ones_named_last_stay, forget),
        cmocka_unit_test_teardown(data_keeps_urls_of_others, forget),
        cmocka_unit_test_teardown(names_of_secrets, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
