/* SLS's endpoints and error codes, row by row. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/otlp/otlp_response.h"
#include "exporters/sls/sls_response.h"
#include "exporters/sls/sls_url.h"

static void endpoints_become_whole(void **state)
{
    static const struct {
        const char *endpoint, *grpc, *http;
    } table[] = {
        {"https://cn-hangzhou.log.aliyuncs.com", "https://p.cn-hangzhou.log.aliyuncs.com:10010",
         "https://p.cn-hangzhou.log.aliyuncs.com/opentelemetry"},
        {"https://p.cn-hangzhou.log.aliyuncs.com:10010", "https://p.cn-hangzhou.log.aliyuncs.com:10010",
         "https://p.cn-hangzhou.log.aliyuncs.com:10010/opentelemetry"},
        {"https://p.cn-hangzhou-intranet.log.aliyuncs.com/", "https://p.cn-hangzhou-intranet.log.aliyuncs.com:10010",
         "https://p.cn-hangzhou-intranet.log.aliyuncs.com/opentelemetry"},
        {"https://pp.cn-hangzhou.log.aliyuncs.com", "https://p.pp.cn-hangzhou.log.aliyuncs.com:10010",
         "https://p.pp.cn-hangzhou.log.aliyuncs.com/opentelemetry"},
        {"https://127.0.0.1:5000", "https://127.0.0.1:5000", "https://127.0.0.1:5000/opentelemetry"},
        {"https://proxy.example/sls/otlp/", "https://proxy.example:10010/sls/otlp", "https://proxy.example/sls/otlp"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char out[300];
        sls_url(gw_str_z(table[i].endpoint), GW_STR("p"), false, out, sizeof out);
        assert_string_equal(out, table[i].grpc);
        sls_url(gw_str_z(table[i].endpoint), GW_STR("p"), true, out, sizeof out);
        assert_string_equal(out, table[i].http);
    }
}

static void error_codes_are_explained(void **state)
{
    static const struct {
        const char *text;
        enum gw_verdict was, is;
        const char *remedy;
    } table[] = {
        {"HTTP 403: {\"errorCode\":\"WriteQuotaExceed\"}", GW_RETRY_SLOWLY, GW_RETRY, "quota"},
        {"ShardWriteQuotaExceed", GW_REFUSED, GW_RETRY, "quota"},
        {"HTTP 404: ProjectNotExist", GW_RETRY_SLOWLY, GW_RETRY_SLOWLY, "check project"},
        {"SignatureNotMatch", GW_REFUSED, GW_RETRY_SLOWLY, "access_key_secret"},
        {"something else", GW_REFUSED, GW_REFUSED, NULL},
        {"partial success that names ProjectNotExist", GW_DONE, GW_DONE, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct gw_outcome out = {.verdict = table[i].was};
        otlp_response_text(&out, gw_str_z(table[i].text));
        sls_response(&out);
        assert_int_equal(out.verdict, table[i].is);
        assert_true(table[i].remedy ? out.remedy && strstr(out.remedy, table[i].remedy) : !out.remedy);
        assert_int_equal(out.retry_after, table[i].is == GW_RETRY ? 5 * GW_SEC : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(endpoints_become_whole), cmocka_unit_test(error_codes_are_explained)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
