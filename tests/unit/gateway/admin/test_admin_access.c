/* Who may see the page and the API: tokens, names, other sites, addresses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/config/config_diagnostic.h"
#include "gateway/admin/admin_access.h"

static struct gw_admin_access access_of(const char *listen, const char *token, bool page, bool written,
                                        size_t errors)
{
    struct gw_admin_access a;
    const struct gw_admin_conf c = {
        .listen = gw_str_z(listen), .token = gw_str_z(token), .page = page, .is_page_written = written};
    struct gw_diagnostics *d = gw_diagnostics_new();
    gw_admin_access_read(&a, &c, d);
    assert_int_equal(gw_diagnostics_errors(d), errors);
    gw_diagnostics_drop(d);
    return a;
}

static unsigned answers(const struct gw_admin_access *a, enum gw_admin_place place, struct gw_admin_asker by)
{
    struct gw_admin_refusal r = gw_admin_access_refuses(a, place, &by);
    assert_true(!r.words == !r.status);
    return r.status;
}

static void an_open_address_that_asks_for_the_page_wants_a_token(void **state)
{
    access_of("127.0.0.1:1", "", true, true, 0);
    access_of("[::1]:1", "", true, true, 0);
    access_of("/run/x.sock", "", true, true, 0);
    access_of(":1", "", true, true, 1);
    access_of("0.0.0.0:1", "", true, true, 1);
    access_of("[::]:1", "", true, true, 1);
    access_of(":1", "0123456789abcdef", true, true, 0);
    access_of(":1", "", false, true, 0);
    access_of(":1", "", true, false, 0); /* as before there was a page */
    access_of("", "", true, true, 0);
}

static void without_a_token_it_shows_on_this_machine_only(void **state)
{
    static const struct {
        const char *address;
        bool local;
    } cases[] = {{"127.0.0.1:1", true},
                 {"[::1]:1", true},
                 {"/run/x.sock", true},
                 {"0.0.0.0:1", false},
                 {"192.0.2.7:1", false}};
    const struct gw_admin_conf on = {.page = true}, off = {.page = false};
    struct gw_admin_access none = access_of("127.0.0.1:1", "", true, false, 0),
                           token = access_of("127.0.0.1:1", "0123456789abcdef", true, false, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gw_address all[GW_LISTEN_ADDRESSES];
        struct gw_listen_error why;
        size_t n;
        assert_int_equal(gw_listen_resolve(gw_str_z(cases[i].address), all, &n, &why), GW_LISTEN_OK);
        assert_int_equal(gw_admin_access_shows(&none, &on, &all[0]), cases[i].local);
        assert_true(gw_admin_access_shows(&token, &on, &all[0]));
        assert_false(gw_admin_access_shows(&token, &off, &all[0]));
    }
}

static void names_that_may_be_anybodys_are_refused(void **state)
{
    struct gw_admin_access a = access_of("gate.internal:8127", "", true, false, 0);
    static const char *const good[] = {"127.0.0.1",    "127.0.0.1:8127", "[::1]:8127",
                                       "[::1]",        "localhost",      "LocalHost:1",
                                       "192.0.2.1:80", "gate.internal",  "GATE.internal:8127"};
    static const char *const bad[] = {"evil.example",
                                      "evil.example:8127",
                                      "127.0.0.1.evil.example",
                                      "localhost.evil.example",
                                      "",
                                      "1",
                                      "gate.internal.evil.example"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(answers(&a, GW_ADMIN_API, (struct gw_admin_asker){.host = good[i]}), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(answers(&a, GW_ADMIN_API, (struct gw_admin_asker){.host = bad[i]}), 403);
        assert_int_equal(answers(&a, GW_ADMIN_PAGE, (struct gw_admin_asker){.host = bad[i]}), 403);
        assert_int_equal(answers(&a, GW_ADMIN_FIGURES, (struct gw_admin_asker){.host = bad[i]}), 0);
    }
    assert_int_equal(answers(&a, GW_ADMIN_API, (struct gw_admin_asker){.host = NULL}), 403);
    assert_int_equal(answers(&a, GW_ADMIN_API, (struct gw_admin_asker){.host = "any", .by_file = true}), 0);
}

static void a_token_is_shown_in_two_ways(void **state)
{
    struct gw_admin_access a =
        access_of("127.0.0.1:1", "0123456789abcdef, another-token-000", true, false, 0);
    static const char *const good[] = {"Bearer 0123456789abcdef", "bearer another-token-000",
                                       "Basic eDowMTIzNDU2Nzg5YWJjZGVm" /* x: */,
                                       "Basic OjAxMjM0NTY3ODlhYmNkZWY=" /* : */};
    static const char *const bad[] = {"0123456789abcdef",
                                      "Bearer 0123456789abcde",
                                      "Bearer ",
                                      "Basic",
                                      "Basic ????",
                                      "Basic eDpubw==",
                                      "Basic MDEyMzQ1Njc4OWFiY2RlZg==" /* no colon */,
                                      "Basic eDow",
                                      ""};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(
            answers(&a, GW_ADMIN_API, (struct gw_admin_asker){.authorization = good[i], .host = "any"}), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(
            answers(&a, GW_ADMIN_PAGE, (struct gw_admin_asker){.authorization = bad[i], .host = "localhost"}),
            401);
    assert_int_equal(answers(&a, GW_ADMIN_API, (struct gw_admin_asker){.host = "localhost"}), 401);
    assert_int_equal(answers(&a, GW_ADMIN_FIGURES, (struct gw_admin_asker){.host = "any"}), 0);
}

static void other_sites_may_link_to_the_page_and_no_more(void **state)
{
    struct gw_admin_access a = access_of("127.0.0.1:1", "", true, false, 0);
    struct gw_admin_asker by = {
        .host = "localhost", .fetch_site = "cross-site", .fetch_mode = "navigate", .fetch_dest = "document"};
    assert_int_equal(answers(&a, GW_ADMIN_PAGE, by), 0);
    assert_int_equal(answers(&a, GW_ADMIN_API, by), 403);
    assert_int_equal(answers(&a, GW_ADMIN_FIGURES, by), 403);
    by.fetch_dest = "iframe";
    assert_int_equal(answers(&a, GW_ADMIN_PAGE, by), 403);
    by.fetch_site = "same-site";
    assert_int_equal(answers(&a, GW_ADMIN_API, by), 403);
    by.fetch_site = "same-origin";
    assert_int_equal(answers(&a, GW_ADMIN_API, by), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_address_that_asks_for_the_page_wants_a_token),
        cmocka_unit_test(without_a_token_it_shows_on_this_machine_only),
        cmocka_unit_test(names_that_may_be_anybodys_are_refused),
        cmocka_unit_test(a_token_is_shown_in_two_ways),
        cmocka_unit_test(other_sites_may_link_to_the_page_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
