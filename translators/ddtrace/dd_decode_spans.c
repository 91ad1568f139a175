/* Reads the spans of one msgpack chunk, with the function that reads one span of the payload's format. Valid
 * spans are passed on, the others are counted.
 *
 * Keeps no state; spans go to the decoder's arena. Called by dd_decode.c, dd_v07.c and dd_v10.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_decode.h"

/* The fewest bytes of a span that is kept (dd_decode_fault): a map with only `span_id` (v0.4, v0.7); v0.5 has
 * 12 values. In v1.0 one key and one id, because the chunk has the trace id. */
enum { LEAST_SPAN = sizeof "\x81\xa7span_id\x01" - 1, LEAST_SPAN_V10 = 3 };

/* Reads the next span into *s. *why is the reason why it is refused, or GW_REASONS if it is valid. */
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
        return d->format == DD_V10_MSGPACK ? dd_v10_pass(d, start, 1) : dd_decode_pass(d, start);
    *why = dd_decode_fault(s);
    return got;
}

enum dd_got dd_decode_spans(struct dd_decoder *d, dd_read_span_f *read, uint32_t n, struct dd_chunk *chunk,
                            struct gw_intake *intake)
{
    size_t least = d->format == DD_V10_MSGPACK ? LEAST_SPAN_V10 : LEAST_SPAN;
    size_t room = (size_t)(d->in.end - d->in.at) / least + 1;
    struct dd_span *spans = gw_arena_raw(d->arena, n < room ? n : room, sizeof *spans);
    if (!spans)
        return DD_ILL_FORMED;
    chunk->spans = spans; /* set before the first span is counted, because the body may end after any span */
    for (uint32_t i = 0; i < n; i++) {
        enum gw_reason why;
        GW_ASSERT(chunk->n < room);
        if (take_span(d, read, &spans[chunk->n], &why)) /* the next span overwrites a refused one */
            return DD_ILL_FORMED;
        dd_decode_count(intake, why);
        chunk->n += why == GW_REASONS;
    }
    return DD_TAKEN;
}
