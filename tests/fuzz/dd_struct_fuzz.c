/* meta_struct values: whatever the bytes, one attribute comes out that packs as protobuf would, and bytes
 * that are not msgpack come out as they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "trace.pb-c.h"
#include "translators/ddtrace/dd_struct.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otlp_buf w;
    struct gw_arena arena;
    struct dd_oddities odd = {0};
    w = (struct otlp_buf){0};
    gw_arena_init(&arena, 16 << 20);
    bool ok = dd_write_struct(&w, &arena, 9, GW_STR("k"), gw_str_n((const char *)data, size), &odd);
    check(!w.failed);
    Opentelemetry__Proto__Trace__V1__Span *span =
        opentelemetry__proto__trace__v1__span__unpack(NULL, w.len, w.data);
    check(span && span->n_attributes == 1);
    const Opentelemetry__Proto__Common__V1__AnyValue *value = span->attributes[0]->value;
    if (!ok)
        check(value->bytes_value.len == size &&
              (size == 0 || memcmp(value->bytes_value.data, data, size) == 0));
    uint8_t *packed = malloc(w.len);
    check(opentelemetry__proto__trace__v1__span__get_packed_size(span) == w.len);
    opentelemetry__proto__trace__v1__span__pack(span, packed);
    check(memcmp(packed, w.data, w.len) == 0);
    free(packed);
    opentelemetry__proto__trace__v1__span__free_unpacked(span, NULL);
    otlp_fini(&w);
    gw_arena_fini(&arena);
    return 0;
}
