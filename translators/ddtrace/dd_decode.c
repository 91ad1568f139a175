/* The decoder of a payload: reads the envelope, then chunk after chunk, by the functions of the payload's
 * format (dd_v04.c, dd_v05.c, dd_json.c). A span that cannot be read is counted and passed over; a body that
 * is not well-formed is an error.
 *
 * The state is the caller's struct dd_decoder. Called by dd_translate.c, by tests, fuzzers and benchmarks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_decode.h"

/* A span that is kept has at least 12 values (v0.5), or two keys, two ids and a map (v0.4: 20 bytes). */
enum { LEAST_SPAN = 13 };

enum gw_code dd_decode_begin(struct dd_decoder *d, enum dd_format format, gw_str body, struct gw_arena *arena,
                             struct gw_err *err)
{
    *d = (struct dd_decoder){.format = format, .arena = arena};
    gw_json_init(&d->json, body, arena);
    dd_msgpack_init(&d->in, body, DD_MAX_ELEMENTS);
    if (body.len == 0) { /* old tracers probe for a path so */
        d->finished = true;
        return GW_OK;
    }
    switch (format) {
    case DD_V04_MSGPACK:
        return dd_v04_begin(d, err);
    case DD_V05_MSGPACK:
        return dd_v05_begin(d, err);
    default:
        return dd_json_begin(d, err);
    }
}

/* The next span into *s. *why is the reason why it is refused, GW_REASONS when it is valid. */
static enum dd_got take_span(struct dd_decoder *d, dd_read_span_f *read, struct dd_span *s,
                             enum gw_reason *why)
{
    const uint8_t *start = d->in.at;
    if (dd_msgpack_nil(&d->in)) {
        *why = GW_REASON_NIL_SPAN;
        return DD_TAKEN;
    }
    enum dd_got got = read(d, s, why);
    if (got == DD_OTHER_TYPE)
        return dd_decode_pass(d, start);
    *why = dd_decode_fault(s);
    return got;
}

/* n spans follow; there is room for those that the remaining bytes could hold. */
static enum dd_got read_chunk(struct dd_decoder *d, uint32_t n, struct dd_chunk *chunk,
                              struct gw_intake *intake)
{
    dd_read_span_f *read = d->format == DD_V04_MSGPACK ? dd_v04_span : dd_v05_span;
    size_t room = (size_t)(d->in.end - d->in.at) / LEAST_SPAN + 1;
    struct dd_span *spans = gw_arena_raw(d->arena, n < room ? n : room, sizeof *spans);
    if (!spans)
        return DD_ILL_FORMED;
    for (uint32_t i = 0; i < n; i++) {
        enum gw_reason why;
        if (take_span(d, read, &spans[chunk->n], &why)) /* a refused one leaves its place to the next */
            return DD_ILL_FORMED;
        dd_decode_count(intake, why);
        chunk->n += why == GW_REASONS;
    }
    chunk->spans = spans;
    return DD_TAKEN;
}

static enum gw_code next_msgpack(struct dd_decoder *d, struct dd_chunk *chunk, struct gw_intake *intake,
                                 struct gw_err *err)
{
    uint32_t n;
    for (; d->chunks_left; d->chunks_left--, d->chunks++) {
        enum dd_got got = dd_msgpack_array(&d->in, &n);
        if (got == DD_OTHER_TYPE)
            return gw_fail(err, GW_BAD_ENVELOPE, dd_msgpack_pos(&d->in),
                           "chunk %llu is %s, want an array of spans", (unsigned long long)d->chunks,
                           dd_kind_name(dd_msgpack_kind(&d->in)));
        if (got || (n && read_chunk(d, n, chunk, intake)))
            return dd_decode_fail(d, err);
        if (chunk->n) {
            d->chunks_left--, d->chunks++;
            return GW_OK;
        }
    }
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
    *chunk = (struct dd_chunk){0};
    if (!d->finished)
        code = dd_is_msgpack(d) ? next_msgpack(d, chunk, intake, err) : dd_json_next(d, chunk, intake, err);
    *more = code == GW_OK && chunk->n;
    return code;
}
