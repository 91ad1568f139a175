/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/protobuf_wire.h"
#include "descriptors.h"
#include "gateway/receivers/otlp/otlp_descriptors.h"

static gw_str name_of(gw_str file)
{
    struct wire_view v = {(const uint8_t *)file.ptr, (const uint8_t *)file.ptr + file.len};
    struct wire_field f = {0};
    assert_true(wire_next(&v, &f));
    assert_int_equal(f.number, 1);
    return wire_text(f.body);
}

static bool begins(const struct otlp_descriptors *d, size_t i, const char *name)
{
    return d->n > i && gw_str_eq(name_of(d->files[i]), gw_str_z(name));
}

static void test_a_file_comes_with_what_it_imports(void **state)
{
    struct otlp_descriptors d;
    assert_true(
        otlp_descriptors_of_file(GW_STR("opentelemetry/proto/collector/trace/v1/trace_service.proto"), &d));
    assert_int_equal(d.n, 4);
    assert_true(begins(&d, 0, "opentelemetry/proto/collector/trace/v1/trace_service.proto"));
    assert_true(begins(&d, 1, "opentelemetry/proto/trace/v1/trace.proto"));
    assert_true(otlp_descriptors_of_file(GW_STR("grpc/health/v1/health.proto"), &d));
    assert_int_equal(d.n, 1);
    assert_false(otlp_descriptors_of_file(GW_STR("grpc/health/v1/health"), &d));
    assert_false(otlp_descriptors_of_file(GW_NOSTR, &d));
}

static void test_every_kind_of_symbol_is_found(void **state)
{
    static const char *const symbols[] = {
        "opentelemetry.proto.trace.v1.Span",
        "opentelemetry.proto.trace.v1.Span.name",
        "opentelemetry.proto.trace.v1.Span.Event",
        "opentelemetry.proto.trace.v1.Span.Event.name",
        "opentelemetry.proto.trace.v1.Span.SpanKind",
        "opentelemetry.proto.trace.v1.Span.SPAN_KIND_SERVER", /* values stand beside their enum */
        "opentelemetry.proto.trace.v1.SPAN_FLAGS_DO_NOT_USE",
    };
    struct otlp_descriptors d;
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        assert_true(otlp_descriptors_of_symbol(gw_str_z(symbols[i]), &d));
        assert_true(begins(&d, 0, "opentelemetry/proto/trace/v1/trace.proto"));
    }
    assert_true(otlp_descriptors_of_symbol(GW_STR("opentelemetry.proto.common.v1.AnyValue.value"), &d));
    assert_true(begins(&d, 0, "opentelemetry/proto/common/v1/common.proto"));
    assert_true(otlp_descriptors_of_symbol(GW_STR("grpc.health.v1.Health.Check"), &d));
    assert_true(begins(&d, 0, "grpc/health/v1/health.proto"));
    assert_true(otlp_descriptors_of_symbol(GW_STR("grpc.reflection.v1alpha.ServerReflection"), &d));
    assert_true(begins(&d, 0, "grpc/reflection/v1alpha/reflection.proto"));
}

static void test_other_symbols_are_not(void **state)
{
    static const char *const symbols[] = {
        "",
        ".",
        "opentelemetry",
        "opentelemetry.proto.trace.v1",
        "opentelemetry.proto.trace.v1.",
        "Span",
        ".opentelemetry.proto.trace.v1.Span",
        "opentelemetry.proto.trace.v1.Span.",
        "opentelemetry.proto.trace.v1.Spa",
        "opentelemetry.proto.trace.v1.Span.SpanKind.SPAN_KIND_SERVER",
        "opentelemetry.proto.trace.v1.SPAN_KIND_SERVER",
        "opentelemetry.proto.trace.v1.Span.name.x",
        "grpc.reflection.v1alph.ServerReflection",
    };
    struct otlp_descriptors d;
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        assert_false(otlp_descriptors_of_symbol(gw_str_z(symbols[i]), &d));
}

static void test_messages_are_told_from_the_rest(void **state)
{
    assert_true(otlp_descriptors_has_message(GW_STR("opentelemetry.proto.trace.v1.Span.Event")));
    assert_false(otlp_descriptors_has_message(GW_STR("opentelemetry.proto.trace.v1.Span.SpanKind")));
    assert_false(otlp_descriptors_has_message(GW_STR("grpc.health.v1.Health")));
    assert_false(otlp_descriptors_has_message(GW_STR("no.such")));
}

/* As gateway/receivers/otlp/otlp_descriptors.h says, whatever is added to proto/served. */
static void test_there_is_room_for_all_files(void **state)
{
    struct wire_view v = {descriptors, descriptors + descriptors_len};
    size_t n = 0;
    for (struct wire_field f = {0}; wire_next(&v, &f); n++) {
        struct otlp_descriptors d;
        assert_true(otlp_descriptors_of_file(name_of(wire_text(f.body)), &d));
        assert_ptr_equal(d.files[0].ptr, f.body.at);
    }
    assert_ptr_equal(v.at, v.end);
    assert_in_range(n, 13, OTLP_DESCRIPTORS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_comes_with_what_it_imports),
        cmocka_unit_test(test_every_kind_of_symbol_is_found),
        cmocka_unit_test(test_other_symbols_are_not),
        cmocka_unit_test(test_messages_are_told_from_the_rest),
        cmocka_unit_test(test_there_is_room_for_all_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
