/* SLS's endpoints and error codes, row by row, and the attributes that it wants on every resource.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/config/option.h"
#include "exporters/otlp/otlp_response.h"
#include "exporters/sls/sls_response.h"
#include "exporters/sls/sls_url.h"
#include "gateway/run/modules.h"
#include "tests/unit/exporters/request_frames.h"

static void endpoints_become_whole(void **state)
{
    static const struct {
        const char *endpoint, *grpc, *http;
    } table[] = {
        {"https://cn-hangzhou.log.aliyuncs.com", "https://p.cn-hangzhou.log.aliyuncs.com:10010",
         "https://p.cn-hangzhou.log.aliyuncs.com/opentelemetry"},
        {"https://p.cn-hangzhou.log.aliyuncs.com:10010", "https://p.cn-hangzhou.log.aliyuncs.com:10010",
         "https://p.cn-hangzhou.log.aliyuncs.com:10010/opentelemetry"},
        {"https://p.cn-hangzhou-intranet.log.aliyuncs.com/",
         "https://p.cn-hangzhou-intranet.log.aliyuncs.com:10010",
         "https://p.cn-hangzhou-intranet.log.aliyuncs.com/opentelemetry"},
        {"https://pp.cn-hangzhou.log.aliyuncs.com", "https://p.pp.cn-hangzhou.log.aliyuncs.com:10010",
         "https://p.pp.cn-hangzhou.log.aliyuncs.com/opentelemetry"},
        {"https://127.0.0.1:5000", "https://127.0.0.1:5000", "https://127.0.0.1:5000/opentelemetry"},
        {"https://proxy.example/sls/otlp/", "https://proxy.example:10010/sls/otlp",
         "https://proxy.example/sls/otlp"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char out[300];
        sls_url(gw_str_z(table[i].endpoint), GW_STR("p"), false, out, sizeof out);
        assert_string_equal(out, table[i].grpc);
        sls_url(gw_str_z(table[i].endpoint), GW_STR("p"), true, out, sizeof out);
        assert_string_equal(out, table[i].http);
    }
}

/* A project is a label of the host, not the beginning of one; paths, ports and what is no URL stay. */
static void odd_endpoints_are_left_to_the_check(void **state)
{
    static const struct {
        const char *endpoint, *project;
        bool http;
        const char *want;
    } table[] = {
        {"https://cn-hangzhou.log.aliyuncs.com", "", false, "https://cn-hangzhou.log.aliyuncs.com:10010"},
        /* it stands there already */
        {"https://cn.log.aliyuncs.com", "cn", false, "https://cn.log.aliyuncs.com:10010"},
        {"https://log.aliyuncs.com", "log.aliyuncs.com", false,
         "https://log.aliyuncs.com.log.aliyuncs.com:10010"},
        {"https://p.cn.log.aliyuncs.com.evil.example", "p", false,
         "https://p.cn.log.aliyuncs.com.evil.example:10010"},
        {"https://cn.log.aliyuncs.com.evil.example", "p", false,
         "https://cn.log.aliyuncs.com.evil.example:10010"},
        {"https://cn.log.aliyuncs.com:443/", "p", true, "https://p.cn.log.aliyuncs.com:443/opentelemetry"},
        {"https://cn.log.aliyuncs.com///", "p", true, "https://p.cn.log.aliyuncs.com/opentelemetry"},
        {"http://cn.log.aliyuncs.com", "p", true, "http://p.cn.log.aliyuncs.com/opentelemetry"},
        {"cn.log.aliyuncs.com", "p", true, "p.cn.log.aliyuncs.com/opentelemetry"},
        {"", "p", true, "/opentelemetry"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char out[300];
        sls_url(gw_str_z(table[i].endpoint), gw_str_z(table[i].project), table[i].http, out, sizeof out);
        assert_string_equal(out, table[i].want);
    }
    char small[9];
    sls_url(GW_STR("https://cn.log.aliyuncs.com"), GW_STR("p"), true, small, sizeof small);
    assert_string_equal(small, "https://"); /* cut, and ended */
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

/* The first code that stands in the words decides; a longer wait of the backend's stays. */
static void a_wait_of_the_backends_is_not_shortened(void **state)
{
    struct gw_outcome out = {.verdict = GW_REFUSED, .text = "WriteQuotaExceed", .retry_after = 60 * GW_SEC};
    sls_response(&out);
    assert_int_equal(out.verdict, GW_RETRY);
    assert_true(out.retry_after == 60 * GW_SEC);
    out = (struct gw_outcome){.verdict = GW_RETRY, .text = "ServerBusy, not Unauthorized"};
    sls_response(&out);
    assert_int_equal(out.verdict, GW_RETRY);
    assert_true(out.retry_after == 5 * GW_SEC);
    /* a size is split, whatever else it is */
    out = (struct gw_outcome){.verdict = GW_SPLIT, .text = "PostBodyTooLarge"};
    sls_response(&out);
    assert_int_equal(out.verdict, GW_SPLIT);
    out = (struct gw_outcome){.verdict = GW_RETRY, .text = ""};
    sls_response(&out);
    assert_true(out.verdict == GW_RETRY && out.retry_after == 0 && !out.remedy);
}

static void taken(void *times, const struct gw_outcome *o)
{
    assert_int_equal(o->verdict, GW_DONE);
    ++*(unsigned *)times;
}

/* What endpoint = "stdout" prints of one span whose sender named nothing; from malloc. */
static char *print_with(gw_str host_name)
{
    const struct gw_exporter *e = &gw_exporter_sls;
    struct gw_frame *f = request_frame(GW_TRACES, "span", 1);
    struct gw_batch batch = {.signal = GW_TRACES, .n = 1, .bytes = f->len, .items = 1, .frames = &f};
    struct gw_arena arena;
    char *text = calloc(1, 8192);
    unsigned times = 0;
    int ends[2], terminal = dup(STDOUT_FILENO);
    void *ctx = calloc(1, e->ctx_size);
    gw_arena_init(&arena, 1 << 16);
    assert_true(gw_opt_defaults(e->opts, ctx, &arena));
    assert_string_equal(e->opts[0].name, "endpoint");
    *(gw_str *)((char *)ctx + e->opts[0].offset) = GW_STR("stdout");
    fflush(stdout);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    const struct gw_export_host host = {.host_name = host_name};
    enum gw_code code = e->open(ctx, &host, "exporters[0]", NULL);
    e->send(ctx, &batch, GW_SEC, taken, &times);
    while (code == GW_OK && !times)
        e->wait(ctx, gw_now() + GW_SEC);
    e->close(ctx);
    dup2(terminal, STDOUT_FILENO);
    close(terminal);
    assert_int_equal(code, GW_OK);
    assert_true(read(ends[0], text, 8191) > 0);
    close(ends[0]);
    free(ctx);
    gw_frame_drop(f);
    gw_arena_fini(&arena);
    return text;
}

static void a_resource_without_a_host_gets_the_name_that_was_handed_in(void **state)
{
    char *named = print_with(GW_STR("gateway-7")), *nameless = print_with(GW_NOSTR);
    assert_non_null(strstr(named, "host=gateway-7"));
    assert_non_null(strstr(nameless, "host=unknown"));
    free(named);
    free(nameless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_become_whole),
        cmocka_unit_test(odd_endpoints_are_left_to_the_check),
        cmocka_unit_test(error_codes_are_explained),
        cmocka_unit_test(a_wait_of_the_backends_is_not_shortened),
        cmocka_unit_test(a_resource_without_a_host_gets_the_name_that_was_handed_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
