/* Frames with added resource attributes, read back by protobuf-c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/sender/resource_override.h"
#include "trace_service.pb-c.h"

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest Request;
typedef Opentelemetry__Proto__Trace__V1__ResourceSpans ResourceSpans;
typedef Opentelemetry__Proto__Resource__V1__Resource Resource;
typedef Opentelemetry__Proto__Common__V1__KeyValue KeyValue;
typedef Opentelemetry__Proto__Common__V1__AnyValue AnyValue;
#define request_pack opentelemetry__proto__collector__trace__v1__export_trace_service_request__pack
#define request_size opentelemetry__proto__collector__trace__v1__export_trace_service_request__get_packed_size
#define request_unpack opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack
#define request_free opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked

static const struct gw_map_item always[] = {{GW_LIT("sls.otel.project"), GW_LIT("my-project")},
                                            {GW_LIT("sls.otel.akid"), GW_LIT("ak")}};
static const struct gw_map_item missing[] = {{GW_LIT("host.name"), GW_LIT("this-host")},
                                             {GW_LIT("service.version"), GW_LIT("")}};

static ProtobufCBinaryData bytes(const char *z)
{
    return (ProtobufCBinaryData){strlen(z), (uint8_t *)(uintptr_t)z};
}

/* Two resources: one with host.name, one that has no resource at all; each with one scope of one span. */
static struct gw_frame *a_frame(void)
{
    AnyValue value;
    KeyValue kv = OPENTELEMETRY__PROTO__COMMON__V1__KEY_VALUE__INIT, *kvs[] = {&kv};
    Resource resource = OPENTELEMETRY__PROTO__RESOURCE__V1__RESOURCE__INIT;
    Opentelemetry__Proto__Trace__V1__Span span = OPENTELEMETRY__PROTO__TRACE__V1__SPAN__INIT,
                                          *spans[] = {&span};
    Opentelemetry__Proto__Trace__V1__ScopeSpans scope = OPENTELEMETRY__PROTO__TRACE__V1__SCOPE_SPANS__INIT,
                                                *scopes[] = {&scope};
    ResourceSpans with = OPENTELEMETRY__PROTO__TRACE__V1__RESOURCE_SPANS__INIT, without = with,
                  *all[] = {&with, &without};
    Request request = OPENTELEMETRY__PROTO__COLLECTOR__TRACE__V1__EXPORT_TRACE_SERVICE_REQUEST__INIT;
    opentelemetry__proto__common__v1__any_value__init(&value);
    value.value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE;
    value.string_value = bytes("sender-host");
    kv.key = bytes("host.name");
    kv.value = &value;
    resource.n_attributes = 1;
    resource.attributes = kvs;
    span.name = bytes("GET /a");
    scope.n_spans = 1;
    scope.spans = spans;
    with.resource = &resource;
    with.n_scope_spans = without.n_scope_spans = 1;
    with.scope_spans = without.scope_spans = scopes;
    with.schema_url = bytes("https://schema");
    request.n_resource_spans = 2;
    request.resource_spans = all;
    size_t len = request_size(&request);
    uint8_t *data = malloc(len);
    request_pack(&request, data);
    return gw_frame_new(GW_TRACES, GW_OTEL, data, len, len, 2);
}

/* "key=value;" of every attribute, in order. */
static void show(const Resource *r, char *out)
{
    *out = '\0';
    for (size_t i = 0; r && i < r->n_attributes; i++) {
        const KeyValue *kv = r->attributes[i];
        out += sprintf(out, "%.*s=%.*s;", (int)kv->key.len, kv->key.data, (int)kv->value->string_value.len,
                       kv->value->string_value.data);
    }
}

static void every_resource_gets_what_it_lacks(void **state)
{
    const struct gw_resource_override override = {always, 2, missing, 2};
    struct gw_frame *frame = a_frame(), *copy = gw_resource_override_frame(&override, frame);
    char text[500];
    assert_ptr_not_equal(copy, frame);
    assert_int_equal(copy->items, 2);
    assert_int_equal(copy->arrived, frame->arrived);
    Request *r = request_unpack(NULL, copy->len, copy->data);
    assert_non_null(r);
    assert_int_equal(r->n_resource_spans, 2);
    show(r->resource_spans[0]->resource, text);
    assert_string_equal(
        text, "host.name=sender-host;sls.otel.project=my-project;sls.otel.akid=ak;service.version=;");
    show(r->resource_spans[1]->resource, text);
    assert_string_equal(text,
                        "sls.otel.project=my-project;sls.otel.akid=ak;host.name=this-host;service.version=;");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(r->resource_spans[i]->n_scope_spans, 1);
        assert_memory_equal(r->resource_spans[i]->scope_spans[0]->spans[0]->name.data, "GET /a", 6);
    }
    assert_int_equal(r->resource_spans[0]->schema_url.len, 14);
    request_free(r, NULL);
    gw_frame_drop(copy);
    gw_frame_drop(frame);
}

static void what_lacks_nothing_is_not_copied(void **state)
{
    const struct gw_resource_override fill = {NULL, 0, missing, 2}, nothing = {NULL, 0, NULL, 0};
    struct gw_frame *frame = a_frame(), *filled = gw_resource_override_frame(&fill, frame),
                    *same = gw_resource_override_frame(&fill, filled);
    assert_ptr_not_equal(filled, frame);
    assert_ptr_equal(same, filled);
    gw_frame_drop(same);
    gw_frame_drop(filled);
    same = gw_resource_override_frame(&nothing, frame);
    assert_ptr_equal(same, frame);
    gw_frame_drop(same);
    gw_frame_drop(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_resource_gets_what_it_lacks),
                                       cmocka_unit_test(what_lacks_nothing_is_not_copied)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
