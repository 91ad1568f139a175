/* Endpoints, headers and TLS files: what is read, and what each mistake says.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <unistd.h>

#include "core/config/config_diagnostic.h"
#include "exporters/otlp/otlp_endpoint.h"

static const struct otlp_protocol grpc = {"gRPC", 4317, false, false}, http = {"OTLP/HTTP", 4318, true, true};

/* Opens the target; *said gets all mistakes as text (malloc'd). */
static enum gw_code open_target(struct otlp_endpoint *t, const struct otlp_endpoint_conf *c,
                                const struct otlp_protocol *p, char **said)
{
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    size_t len;
    enum gw_code code = otlp_endpoint_open(t, c, p, "exporters[0]", diagnostics);
    FILE *f = open_memstream(said, &len);
    gw_diagnostics_print(diagnostics, f);
    fclose(f);
    gw_diagnostics_drop(diagnostics);
    return code;
}

static void endpoints_are_read(void **state)
{
    static const struct {
        const char *endpoint;
        const struct otlp_protocol *protocol;
        const char *authority, *path;
        bool tls, loopback;
        enum gw_compression compression;
    } table[] = {
        {"http://127.0.0.1:4317", &grpc, "127.0.0.1:4317", "", false, true, GW_COMPRESS_NONE},
        {"http://localhost", &grpc, "localhost:4317", "", false, true, GW_COMPRESS_NONE},
        {"http://localhost/", &http, "localhost:4318", "", false, true, GW_COMPRESS_NONE},
        {"https://otel.example.com", &grpc, "otel.example.com:443", "", true, false, GW_COMPRESS_GZIP},
        {"https://p.cn-hangzhou.log.aliyuncs.com:10010", &grpc, "p.cn-hangzhou.log.aliyuncs.com:10010", "",
         true, false, GW_COMPRESS_GZIP},
        {"https://otel.example.com/opentelemetry/", &http, "otel.example.com:443", "/opentelemetry", true,
         false, GW_COMPRESS_GZIP},
        {"http://[::1]:5000", &grpc, "[::1]:5000", "", false, true, GW_COMPRESS_NONE},
        {"http://[2001:db8::7]", &http, "[2001:db8::7]:4318", "", false, false, GW_COMPRESS_GZIP},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct otlp_endpoint_conf c = {.endpoint = gw_str_z(table[i].endpoint)};
        struct otlp_endpoint t;
        char *said;
        assert_int_equal(open_target(&t, &c, table[i].protocol, &said), GW_OK);
        assert_string_equal(said, "");
        assert_string_equal(t.authority, table[i].authority);
        assert_string_equal(t.path, table[i].path);
        assert_int_equal(t.tls, table[i].tls);
        assert_int_equal(t.loopback, table[i].loopback);
        assert_int_equal(t.compression, table[i].compression);
        otlp_endpoint_close(&t);
        free(said);
    }
}

static void errors_name_the_remedy(void **state)
{
    static const struct {
        const char *endpoint;
        const struct otlp_protocol *protocol;
        const char *says;
    } table[] = {
        {"collector:4317", &grpc,
         "write http://collector:4317 for plain text or https://collector:4317 for TLS"},
        {"ftp://collector", &grpc, "its scheme must be http:// (plain text) or https:// (TLS)"},
        {"user:pw@h:4317", &grpc, "has no scheme: begin with http://"},
        {"http://", &grpc, "is no URL"},
        {"http://h:99999", &grpc, "is no URL"},
        {"http://h:4317/v1", &grpc, "gRPC has no path: write it without \"/v1\""},
        {"http://user:pw@h:4317", &grpc, "credentials do not belong into the URL"},
        {"http://h:4318/?a=b", &http, "an endpoint has no ?query"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct otlp_endpoint_conf c = {.endpoint = gw_str_z(table[i].endpoint)};
        struct otlp_endpoint t;
        char *said;
        assert_int_not_equal(open_target(&t, &c, table[i].protocol, &said), GW_OK);
        if (!strstr(said, table[i].says) || !strstr(said, "exporters[0].endpoint"))
            fail_msg("%s: said \"%s\", want \"%s\"", table[i].endpoint, said, table[i].says);
        assert_null(strstr(said, "pw")); /* no secret of a URL is repeated */
        otlp_endpoint_close(&t);
        free(said);
    }
}

static void an_empty_endpoint_is_off(void **state)
{
    struct otlp_endpoint_conf c = {0};
    struct otlp_endpoint t;
    char *said;
    assert_int_equal(open_target(&t, &c, &grpc, &said), GW_OK);
    assert_true(t.off);
    free(said);
}

static void headers_and_tls_files_are_all_checked_at_once(void **state)
{
    char no_pem[] = "/tmp/ddgate-target-XXXXXX";
    int fd = mkstemp(no_pem);
    assert_true(fd >= 0 && write(fd, "hello", 5) == 5);
    close(fd);
    struct gw_map_item headers[] = {{GW_STR("bad name"), GW_STR("x")},
                                    {GW_STR("content-type"), GW_STR("x")},
                                    {GW_STR("x-key"), GW_STR("secret-value\r\nx: y")},
                                    {GW_STR("x\0nul"), GW_STR("x")},
                                    {GW_STR("x-good"), GW_STR("fine value")}};
    struct otlp_endpoint_conf c = {.endpoint = GW_STR("https://h:1"),
                                   .headers = {headers, 5},
                                   .compression = OTLP_COMPRESS_ZSTD,
                                   .tls_ca = gw_str_z(no_pem),
                                   .tls_cert = GW_STR("/no/such/file.pem")};
    struct otlp_endpoint t;
    char *said;
    assert_int_not_equal(open_target(&t, &c, &grpc, &said), GW_OK);
    assert_non_null(strstr(said, "\"bad name\" is no header name"));
    assert_non_null(strstr(said, "\"x\" is no header name")); /* where its NUL cuts the message */
    assert_non_null(strstr(said, "\"content-type\" is set by the protocol itself"));
    assert_non_null(strstr(said, "the value of \"x-key\" has characters"));
    assert_non_null(strstr(said, "holds no PEM text"));
    assert_non_null(strstr(said, "cannot read \"/no/such/file.pem\": No such file"));
    assert_non_null(strstr(said, "tls.cert needs its key"));
    assert_non_null(strstr(said, "gRPC has no zstd: write gzip"));
    assert_null(strstr(said, "secret-value"));
    assert_null(strstr(said, "x-good"));
    otlp_endpoint_close(&t);
    free(said);
    unlink(no_pem);
}

static void tls_options_on_a_plain_endpoint_are_a_mistake(void **state)
{
    struct otlp_endpoint_conf c = {.endpoint = GW_STR("http://h:1"),
                                   .tls_ca = GW_STR("/etc/ssl/certs/ca-certificates.crt")};
    struct otlp_endpoint t;
    char *said;
    assert_int_not_equal(open_target(&t, &c, &grpc, &said), GW_OK);
    assert_non_null(strstr(said, "the endpoint is plain http://: write https://"));
    otlp_endpoint_close(&t);
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_read),
        cmocka_unit_test(errors_name_the_remedy),
        cmocka_unit_test(an_empty_endpoint_is_off),
        cmocka_unit_test(headers_and_tls_files_are_all_checked_at_once),
        cmocka_unit_test(tls_options_on_a_plain_endpoint_are_a_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
