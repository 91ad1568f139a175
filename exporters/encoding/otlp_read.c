/* otlp_read.c: Unpacks OTLP bytes into protobuf-c structs, after it has measured their nesting. Owns nothing:
 * all memory is from the caller's arena. Called by the exporters that decode frames.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "exporters/encoding/otlp_read.h"

#include "core/base/protobuf_wire.h"
#include "logs_service.pb-c.h"
#include "metrics_service.pb-c.h"
#include "profiles_service.pb-c.h"
#include "trace_service.pb-c.h"

static const ProtobufCMessageDescriptor *const requests[GW_SIGNALS] = {
    [GW_TRACES] = &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor,
    [GW_LOGS] = &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor,
    [GW_METRICS] = &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor,
    [GW_PROFILES] =
        &opentelemetry__proto__collector__profiles__v1development__export_profiles_service_request__descriptor,
};

/* Well-formed down to its messages, and none of them deeper than `depth`. */
static bool valid(const ProtobufCMessageDescriptor *type, struct wire_view v, unsigned depth)
{
    for (struct wire_field f; v.at < v.end;) {
        if (!wire_next(&v, &f))
            return false;
        const ProtobufCFieldDescriptor *known =
            f.type == WIRE_LEN ? protobuf_c_message_descriptor_get_field(type, f.number) : NULL;
        if (known && known->type == PROTOBUF_C_TYPE_MESSAGE &&
            (depth == 0 || !valid(known->descriptor, f.body, depth - 1)))
            return false;
    }
    return true;
}

static void *take(void *arena, size_t n)
{
    return gw_arena_raw(arena, n, 1);
}

/* The arena gives everything back at once. */
static void give(void *arena, void *p)
{
}

const ProtobufCMessage *otlp_read(struct gw_arena *arena, enum gw_signal signal, gw_str bytes)
{
    ProtobufCAllocator allocator = {take, give, arena};
    const uint8_t *data = (const uint8_t *)bytes.ptr;
    if (!valid(requests[signal], (struct wire_view){data, data + bytes.len}, OTLP_READ_DEPTH))
        return NULL;
    return protobuf_c_message_unpack(requests[signal], &allocator, bytes.len, data);
}
