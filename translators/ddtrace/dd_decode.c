/* Decodes a payload: reads the envelope, then one chunk after another, with the functions of the payload's
 * format (dd_v04.c, dd_v05.c, dd_v07.c, dd_v10.c, dd_agent.c, dd_json.c). A span that cannot be read is
 * counted and skipped. A body that is not well-formed is an error.
 *
 * The state is in the caller's struct dd_decoder. Called by dd_translate.c, and by tests, fuzzers and
 * benchmarks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_decode.h"

const char *dd_format_name(enum dd_format format)
{
    static const char *const names[DD_FORMATS] = {
        [DD_V04_MSGPACK] = "v0.4",     [DD_V04_JSON] = "v0.4 json", [DD_V01_JSON] = "v0.1 json",
        [DD_V05_MSGPACK] = "v0.5",     [DD_V07_MSGPACK] = "v0.7",   [DD_V10_MSGPACK] = "v1.0",
        [DD_AGENT_PROTOBUF] = "agent",
    };
    return names[format];
}

enum gw_code dd_decode_begin(struct dd_decoder *d, enum dd_format format, gw_str body, struct gw_arena *arena,
                             struct gw_err *err)
{
    *d = (struct dd_decoder){.format = format, .arena = arena, .keep = arena};
    d->payload = gw_new(arena, struct dd_payload, 1);
    if (!d->payload)
        return dd_decode_fail(d, err);
    gw_json_init(&d->json, body, arena);
    dd_msgpack_init(&d->in, body, DD_MAX_ELEMENTS);
    if (body.len == 0) { /* old tracers send an empty body to find out whether a path exists */
        d->finished = true;
        return GW_OK;
    }
    switch (format) {
    case DD_V04_MSGPACK:
        return dd_v04_begin(d, err);
    case DD_V05_MSGPACK:
        return dd_v05_begin(d, err);
    case DD_V07_MSGPACK:
        return dd_v07_begin(d, err);
    case DD_AGENT_PROTOBUF:
        return dd_agent_begin(d, body, err);
    case DD_V10_MSGPACK:
        return dd_v10_begin(d, err);
    default:
        return dd_json_begin(d, err);
    }
}

/* v0.4, v0.5: an array of spans. */
static enum gw_code read_array(struct dd_decoder *d, struct dd_chunk *chunk, struct gw_intake *intake,
                               struct gw_err *err)
{
    uint32_t n;
    enum dd_got got = dd_msgpack_array(&d->in, &n);
    if (got == DD_OTHER_TYPE)
        return gw_fail(err, GW_BAD_ENVELOPE, dd_msgpack_pos(&d->in),
                       "chunk %llu is %s, want an array of spans", (unsigned long long)d->chunks,
                       dd_kind_name(dd_msgpack_kind(&d->in)));
    if (!got && n)
        got = dd_decode_spans(d, d->format == DD_V04_MSGPACK ? dd_v04_span : dd_v05_span, n, chunk, intake);
    return got ? dd_decode_fail(d, err) : GW_OK;
}

static enum gw_code next_msgpack(struct dd_decoder *d, struct dd_chunk *chunk, struct gw_intake *intake,
                                 struct gw_err *err)
{
    enum gw_code code = GW_OK;
    while (code == GW_OK && !chunk->n && (d->chunks_left || d->fields_left)) {
        if (d->chunks_left) {
            dd_decode_start_chunk(d, chunk);
            code = d->format == DD_V10_MSGPACK   ? dd_v10_chunk(d, chunk, intake, err)
                   : d->format == DD_V07_MSGPACK ? dd_v07_chunk(d, chunk, intake, err)
                                                 : read_array(d, chunk, intake, err);
            d->chunks_left--, d->chunks++;
        } else {
            d->fields_left--;
            code = d->format == DD_V10_MSGPACK ? dd_v10_field(d, err) : dd_v07_field(d, err);
        }
    }
    if (code || chunk->n)
        return code;
    d->finished = true;
    if (d->in.at != d->in.end)
        return gw_fail(err, GW_BAD_MSGPACK, dd_msgpack_pos(&d->in), "%zu bytes follow the payload",
                       (size_t)(d->in.end - d->in.at));
    return GW_OK;
}

enum gw_code dd_decode_next(struct dd_decoder *d, struct dd_chunk *chunk, bool *more,
                            struct gw_intake *intake, struct gw_err *err)
{
    enum gw_code code = GW_OK;
    dd_decode_start_chunk(d, chunk);
    if (!d->finished)
        code = dd_is_msgpack(d)                 ? next_msgpack(d, chunk, intake, err)
               : d->format == DD_AGENT_PROTOBUF ? dd_agent_next(d, chunk, intake, err)
                                                : dd_json_next(d, chunk, intake, err);
    *more = code == GW_OK && chunk->n;
    return code;
}
