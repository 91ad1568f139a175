/* Any bytes as the payload of an agent. What is taken must be protobuf down to the chunks: the walker here reads
 * the same fields with protobuf_wire.h alone, and must find as many spans.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/protobuf_wire.h"
#include "tests/fuzz/dd_walk.h"

/* Numbers of the fields that hold chunks and spans, in payloads of both kinds. */
enum { PAYLOADS = 5, CHUNKS = 6, SPANS = 3, IDX_PAYLOADS = 11, IDX_CHUNKS = 11, IDX_SPANS = 4 };

/* Messages below `v` by the path of three numbers; every field on the way must be well-formed. */
static uint64_t spans_below(struct wire_view v, const unsigned *path, int left)
{
    struct wire_field f;
    uint64_t n = 0;
    if (left == 0)
        return 1;
    while (v.at < v.end) {
        must(wire_next(&v, &f));
        if (f.number == *path) {
            must(f.type == WIRE_LEN);
            n += spans_below(f.body, path + 1, left - 1);
        }
    }
    return n;
}

static uint64_t received_of(gw_str body)
{
    struct gw_arena arena;
    struct dd_decoder d;
    struct gw_err err;
    struct gw_intake intake = {0};
    struct dd_chunk chunk;
    bool more = true;
    gw_arena_init(&arena, 1 << 24);
    enum gw_code code = dd_decode_begin(&d, DD_AGENT_PROTOBUF, body, &arena, &err);
    while (!code && more)
        code = dd_decode_next(&d, &chunk, &more, &intake, &err);
    gw_arena_fini(&arena);
    return code ? UINT64_MAX : intake.received;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned v0[] = {PAYLOADS, CHUNKS, SPANS}, idx[] = {IDX_PAYLOADS, IDX_CHUNKS, IDX_SPANS};
    gw_str body = gw_str_n((const char *)data, size);
    struct wire_view whole = {data, data + size};
    if (!walk_payload(DD_AGENT_PROTOBUF, body, NULL))
        return 0;
    uint64_t received = received_of(body); /* not gone back for each chunk: more memory may be needed */
    if (received != UINT64_MAX)
        must(received == spans_below(whole, v0, 3) + spans_below(whole, idx, 3));
    return 0;
}
