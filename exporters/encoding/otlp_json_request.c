/* otlp_json_request.c: reads a request and writes it as text. Owns nothing but scratch. Called by exporters whose
 * backends take JSON.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/encoding/otlp_json_request.h"

#include "exporters/encoding/otlp_json.h"
#include "exporters/encoding/otlp_read.h"

/* Decoding takes so many times the bytes. */
enum { UNFOLD = 48, SCRATCH = 1024 * 1024 };

enum otlp_json_made otlp_json_request(enum gw_signal signal, gw_str request, size_t most, gw_str *text)
{
    struct gw_arena arena;
    struct out out;
    enum otlp_json_made made = OTLP_JSON_TOO_LARGE;
    gw_arena_init(&arena, request.len * UNFOLD + SCRATCH);
    out_init(&out, most);
    const ProtobufCMessage *message = otlp_read(&arena, signal, request);
    if (message)
        otlp_json(&out, message);
    if (arena.no_memory || out.no_memory)
        made = OTLP_JSON_NO_MEMORY;
    else if (message && !out.failed)
        made = OTLP_JSON_MADE;
    if (made == OTLP_JSON_MADE) {
        *text = gw_str_n(out.data, out.len);
        out = (struct out){0};
    }
    out_fini(&out);
    gw_arena_fini(&arena);
    return made;
}
