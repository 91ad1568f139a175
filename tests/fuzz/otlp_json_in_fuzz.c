/* Any text as a request in OTLP/JSON. First byte: the signal. What is taken is well-formed by otlp_check and by
 * protobuf-c, and not much longer than the text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "logs_service.pb-c.h"
#include "metrics_service.pb-c.h"
#include "profiles_service.pb-c.h"
#include "trace_service.pb-c.h"
#include "translators/otlp/otlp_check.h"
#include "translators/otlp/otlp_json_in.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ProtobufCMessageDescriptor *const descriptors[] = {
        &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor,
        &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor,
        &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor,
        &opentelemetry__proto__collector__profiles__v1development__export_profiles_service_request__descriptor};
    struct otlp_buf w = {0};
    struct gw_arena arena;
    struct gw_err err = {0};
    struct otlp_contents c;
    if (size < 1)
        return 0;
    int signal = data[0] == 'p' ? 3 : data[0] % 3;
    gw_arena_init(&arena, 1 << 20);
    enum otlp_message m = (enum otlp_message)(OTLP_TRACES_REQUEST + signal);
    enum gw_code code = otlp_json_read(m, gw_str_n((const char *)data + 1, size - 1), &arena, &w, &err);
    if (code == GW_OK) {
        GW_ASSERT(otlp_check(m, otlp_written(&w), NULL, &c, &err) == GW_OK);
        ProtobufCMessage *read = protobuf_c_message_unpack(descriptors[signal], NULL, w.len, w.data);
        GW_ASSERT(read);
        protobuf_c_message_free_unpacked(read, NULL);
        GW_ASSERT(w.len <= 8 * size);
    } else {
        GW_ASSERT((code == GW_BAD_JSON && err.pos < size) || (code == GW_BUDGET && arena.spent));
    }
    otlp_fini(&w);
    gw_arena_fini(&arena);
    return 0;
}
