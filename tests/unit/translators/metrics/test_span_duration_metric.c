/* Attributes of the metric of span durations: keys and words of Datadog's SDKs, peer tags by the names of
 * spans, a key once; read back by protobuf-c.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "metrics_service.pb-c.h"
#include "tests/otlp_valid.h"
#include "translators/metrics/span_duration_metric.h"

static char text[4096];

static void put_value(const valid_any *v)
{
    size_t n = strlen(text);
    switch (v->value_case) {
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE:
        snprintf(text + n, sizeof text - n, "%.*s\n", (int)v->string_value.len, (char *)v->string_value.data);
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BOOL_VALUE:
        snprintf(text + n, sizeof text - n, "%s\n", v->bool_value ? "true" : "false");
        break;
    default:
        snprintf(text + n, sizeof text - n, "%lld\n", (long long)v->int_value);
    }
}

/* A line an attribute. */
static const char *attributes_of(const struct span_duration *s)
{
    struct otlp_buf w = {0};
    span_duration_attributes(&w, 1, s);
    Opentelemetry__Proto__Metrics__V1__ExponentialHistogramDataPoint *p =
        opentelemetry__proto__metrics__v1__exponential_histogram_data_point__unpack(NULL, w.len, w.data);
    assert_non_null(p);
    assert_null(valid_attrs(p->attributes, p->n_attributes));
    text[0] = '\0';
    for (size_t i = 0; i < p->n_attributes; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "%.*s=", (int)p->attributes[i]->key.len,
                 (char *)p->attributes[i]->key.data);
        put_value(p->attributes[i]->value);
    }
    opentelemetry__proto__metrics__v1__exponential_histogram_data_point__free_unpacked(p, NULL);
    otlp_fini(&w);
    return text;
}

static void words_are_those_of_datadogs_sdks(void **state)
{
    const struct span_duration s = {.service = GW_STR("shop"),
                                    .operation = GW_STR("web.request"),
                                    .resource = GW_STR("GET /cart"),
                                    .type = GW_STR("web"),
                                    .kind = GW_STR("Server"),
                                    .error = true,
                                    .synthetics = true,
                                    .top_level = true,
                                    .trace_root = SPAN_IS_NO_ROOT,
                                    .http_status = 503,
                                    .http_method = GW_STR("GET"),
                                    .http_endpoint = GW_STR("/cart"),
                                    .grpc_status = GW_STR("14"),
                                    .service_source = GW_STR("m")};
    assert_string_equal(attributes_of(&s), "span.name=GET /cart\n"
                                           "span.kind=SPAN_KIND_SERVER\n"
                                           "http.request.method=GET\n"
                                           "http.response.status_code=503\n"
                                           "http.route=/cart\n"
                                           "rpc.response.status_code=UNAVAILABLE\n"
                                           "status.code=STATUS_CODE_ERROR\n"
                                           "service.name=shop\n"
                                           "datadog.operation.name=web.request\n"
                                           "datadog.span.type=web\n"
                                           "datadog.span.top_level=true\n"
                                           "datadog.is_trace_root=false\n"
                                           "datadog.svc_src=m\n"
                                           "datadog.origin=synthetics\n");
}

static void what_is_not_said_is_not_written(void **state)
{
    const struct span_duration s = {.grpc_status = GW_STR("soon"), .kind = GW_STR("cat")};
    assert_string_equal(attributes_of(&s), "span.kind=SPAN_KIND_INTERNAL\n"
                                           "status.code=STATUS_CODE_OK\n"
                                           "datadog.span.top_level=false\n");
    const struct span_duration unknown = {.grpc_status = GW_STR("17")};
    assert_non_null(strstr(attributes_of(&unknown), "rpc.response.status_code=17\n"));
}

static void peer_tags_have_the_names_of_spans(void **state)
{
    const struct span_duration_tag peers[] = {
        {GW_STR("db.instance"), GW_STR("orders")}, {GW_STR("out.host"), GW_STR("db-1")},
        {GW_STR("db.hostname"), GW_STR("db-2")}, /* the name is taken */
        {GW_STR("db.name"), GW_STR("orders")},   /* used up */
        {GW_STR("peer.service"), GW_STR("")},      {GW_STR("db.hostname"), GW_STR("db-3")},
        {GW_STR("tenant"), GW_STR("a:b")},
    };
    const struct span_duration_tag tags[] = {{GW_STR("span.name"), GW_STR("x")},
                                             {GW_STR("region"), GW_STR("eu")}};
    const struct span_duration s = {.resource = GW_STR("r"),
                                    .peer_tags = peers,
                                    .peer_tags_n = 7,
                                    .tags = tags,
                                    .tags_n = 2,
                                    .db_type = GW_STR("postgresql")};
    assert_string_equal(strstr(attributes_of(&s), "db.namespace"), "db.namespace=orders\n"
                                                                   "server.address=db-1\n"
                                                                   "db.hostname=db-2\n"
                                                                   "tenant=a:b\n"
                                                                   "db.system.name=postgresql\n"
                                                                   "region=eu\n");
}

static void more_tags_than_there_is_room_for_are_left_out(void **state)
{
    struct span_duration_tag tags[200];
    char keys[200][8];
    for (int i = 0; i < 200; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", i);
        tags[i] = (struct span_duration_tag){gw_str_z(keys[i]), GW_STR("v")};
    }
    const struct span_duration s = {.tags = tags, .tags_n = 200};
    attributes_of(&s);
    assert_non_null(strstr(text, "k60="));
    assert_null(strstr(text, "k61="));
}

static void the_list_of_peer_tags_is_sorted(void **state)
{
    size_t n = 0;
    for (gw_str before = GW_NOSTR, t; (t = span_duration_peer_tag(n)).len; before = t, n++)
        assert_true(!before.len || strncmp(before.ptr, t.ptr, t.len) < 0);
    assert_true(n > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_those_of_datadogs_sdks),
        cmocka_unit_test(what_is_not_said_is_not_written),
        cmocka_unit_test(peer_tags_have_the_names_of_spans),
        cmocka_unit_test(more_tags_than_there_is_room_for_are_left_out),
        cmocka_unit_test(the_list_of_peer_tags_is_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
