/* Where requests go that are forwarded: to an agent as they came, to an intake by what they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/receivers/ddtrace/ddtrace_target.h"

static void options_are_read(void **state)
{
    static const struct {
        const char *text, *base, *socket, *site;
    } cases[] = {
        {"http://agent:8126", "http://agent:8126", "", ""},
        {"https://agent.example:8126/datadog/", "https://agent.example:8126/datadog", "", ""},
        {"unix:///var/run/datadog/apm.socket", "http://localhost", "/var/run/datadog/apm.socket", ""},
        {"datadoghq.com", "", "", "datadoghq.com"},
        {"us3.datadoghq.com", "", "", "us3.datadoghq.com"},
    };
    static const char *const bad[] = {"",         "agent",   "agent:8126", "http://",
                                      "unix://x", "ftp://a", "a.b/c",      "/a.socket"};
    struct ddtrace_upstream u;
    struct gw_err err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(ddtrace_upstream_read(&u, gw_str_z(cases[i].text), &err), GW_OK);
        assert_string_equal(u.base, cases[i].base);
        assert_string_equal(u.socket, cases[i].socket);
        assert_string_equal(u.site, cases[i].site);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ddtrace_upstream_read(&u, gw_str_z(bad[i]), &err), GW_BAD_REQUEST);
}

static void urls(void **state)
{
    static const struct {
        const char *upstream;
        enum ddtrace_quiet_row row;
        const char *path, *query, *subdomain, *url; /* NULL: refused */
    } cases[] = {
        {"http://a:1", DDTRACE_QUIET_CONFIG, "/v0.7/config", "", "", "http://a:1/v0.7/config"},
        {"unix:///s", DDTRACE_QUIET_DEBUGGER, "/debugger/v1/input", "ddtags=a%3Ab", "",
         "http://localhost/debugger/v1/input?ddtags=a%3Ab"},
        {"datadoghq.eu", DDTRACE_QUIET_PROFILES, "/profiling/v1/input", "", "",
         "https://intake.profile.datadoghq.eu/api/v2/profile"},
        {"datadoghq.eu", DDTRACE_QUIET_TELEMETRY, "/telemetry/proxy/api/v2/apmtelemetry", "", "",
         "https://instrumentation-telemetry-intake.datadoghq.eu/api/v2/apmtelemetry"},
        {"datadoghq.eu", DDTRACE_QUIET_DEBUGGER, "/debugger/v1/input", "ddtags=a%3Ab", "",
         "https://http-intake.logs.datadoghq.eu/api/v2/logs?ddtags=a%3Ab"},
        {"datadoghq.eu", DDTRACE_QUIET_DIAGNOSTICS, "/debugger/v1/diagnostics", "", "",
         "https://debugger-intake.datadoghq.eu/api/v2/debugger"},
        {"datadoghq.eu", DDTRACE_QUIET_EVENTS, "/evp_proxy/v2/api/v2/llmobs", "", "llmobs-intake",
         "https://llmobs-intake.datadoghq.eu/api/v2/llmobs"},
        {"datadoghq.eu", DDTRACE_QUIET_EVENTS, "/evp_proxy/v2/api/v2/llmobs", "", "", NULL},
        {"datadoghq.eu", DDTRACE_QUIET_EVENTS, "/evp_proxy/v2/api/v2/llmobs", "", "evil.com/", NULL},
        {"datadoghq.eu", DDTRACE_QUIET_EVENTS, "/evp_proxy/v2/api@evil.com/", "", "api", NULL},
        {"datadoghq.eu", DDTRACE_QUIET_EVENTS, "/evp_proxy/v2/api", "a=#b", "api", NULL},
        {"datadoghq.eu", DDTRACE_QUIET_EVENTS, "/evp_proxy/v2", "", "api", "https://api.datadoghq.eu"},
    };
    struct ddtrace_upstream u;
    char url[DDTRACE_URL];
    struct gw_err err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(ddtrace_upstream_read(&u, gw_str_z(cases[i].upstream), &err), GW_OK);
        enum gw_code code =
            ddtrace_upstream_url(&u, cases[i].row, gw_str_z(cases[i].path), gw_str_z(cases[i].query),
                                 gw_str_z(cases[i].subdomain), url, &err);
        assert_int_equal(code, cases[i].url ? GW_OK : GW_BAD_REQUEST);
        if (cases[i].url)
            assert_string_equal(url, cases[i].url);
    }
}

static void an_intake_takes_only_what_it_has_a_place_for(void **state)
{
    struct ddtrace_upstream site, agent;
    struct gw_err err;
    assert_int_equal(ddtrace_upstream_read(&site, GW_STR("datadoghq.com"), &err), GW_OK);
    assert_int_equal(ddtrace_upstream_read(&agent, GW_STR("http://a"), &err), GW_OK);
    assert_false(ddtrace_upstream_takes(&site, DDTRACE_QUIET_CONFIG));
    assert_false(ddtrace_upstream_takes(&site, DDTRACE_QUIET_STATS));
    assert_false(ddtrace_upstream_takes(&site, DDTRACE_QUIET_FLARE));
    assert_true(ddtrace_upstream_takes(&site, DDTRACE_QUIET_EVENTS));
    assert_string_equal(ddtrace_upstream_origin(&site, DDTRACE_QUIET_SYMBOLS), "agent-symdb");
    assert_null(ddtrace_upstream_origin(&site, DDTRACE_QUIET_PROFILES));
    assert_null(ddtrace_upstream_origin(&agent, DDTRACE_QUIET_SYMBOLS));
    for (int i = 0; i < DDTRACE_QUIETS; i++)
        assert_int_equal(ddtrace_upstream_takes(&agent, (enum ddtrace_quiet_row)i),
                         i != DDTRACE_QUIET_AGENT_STATS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_read),
        cmocka_unit_test(urls),
        cmocka_unit_test(an_intake_takes_only_what_it_has_a_place_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
