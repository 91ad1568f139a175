/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/encoding/otlp_read.h"

#include "logs_service.pb-c.h"
#include "metrics_service.pb-c.h"
#include "trace_service.pb-c.h"

static const ProtobufCMessageDescriptor *const requests[GW_SIGNALS] = {
    [GW_TRACES] = &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor,
    [GW_LOGS] = &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor,
    [GW_METRICS] = &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor,
};

struct wire {
    const uint8_t *at, *end;
};

static bool varint(struct wire *w, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && w->at < w->end; shift += 7) {
        uint8_t byte = *w->at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool skip(struct wire *w, uint64_t n)
{
    if (n > (uint64_t)(w->end - w->at))
        return false;
    w->at += n;
    return true;
}

/* The payload of a length-delimited field. */
static bool cut(struct wire *w, struct wire *inner)
{
    uint64_t n;
    if (!varint(w, &n))
        return false;
    inner->at = w->at;
    if (!skip(w, n))
        return false;
    inner->end = w->at;
    return true;
}

/* Well-formed down to its messages, and none of them deeper than `depth`. */
static bool valid(const ProtobufCMessageDescriptor *type, struct wire w, unsigned depth)
{
    while (w.at < w.end) {
        uint64_t tag, value;
        struct wire inner;
        if (!varint(&w, &tag))
            return false;
        if ((tag & 7) == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
            const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
            if (!cut(&w, &inner))
                return false;
            if (f && f->type == PROTOBUF_C_TYPE_MESSAGE && (depth == 0 || !valid(f->descriptor, inner, depth - 1)))
                return false;
        } else if ((tag & 7) == PROTOBUF_C_WIRE_TYPE_VARINT ? !varint(&w, &value)
                                                            : !skip(&w, (tag & 7) == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4)) {
            return false;
        }
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
    if (!valid(requests[signal], (struct wire){data, data + bytes.len}, OTLP_READ_DEPTH))
        return NULL;
    return protobuf_c_message_unpack(requests[signal], &allocator, bytes.len, data);
}
