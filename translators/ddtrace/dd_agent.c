/* Reads the payload of a Datadog agent: AgentPayload contains TracerPayloads, these contain chunks, and
 * chunks contain spans. Fields that apply to a whole message may come after its contents. So dd_agent_begin
 * reads everything except the chunks first, and for each chunk everything except its spans.
 *
 * The state is in the caller's struct dd_decoder. Called by dd_decode.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_agent.h"

/* Fields of datadog.trace.AgentPayload. */
enum {
    AGENT_HOST = DD_PB(1, LEN),
    AGENT_ENV = DD_PB(2, LEN),
    AGENT_PAYLOADS = DD_PB(5, LEN),
    AGENT_TAGS = DD_PB(6, LEN),
    AGENT_IDX_PAYLOADS = DD_PB(11, LEN)
};

/* Fields of TracerPayload. */
enum { TRACER_CHUNKS = DD_PB(6, LEN), IDX_TRACER_CHUNKS = DD_PB(11, LEN) };

/* Fields of TraceChunk. */
enum {
    CHUNK_PRIORITY = DD_PB(1, VARINT),
    CHUNK_ORIGIN = DD_PB(2, LEN),
    CHUNK_SPANS = DD_PB(3, LEN),
    CHUNK_TAGS = DD_PB(4, LEN),
    CHUNK_DROPPED = DD_PB(5, VARINT)
};

static enum gw_code fail(const struct dd_decoder *d, struct gw_err *err)
{
    const struct dd_agent *a = d->agent;
    if (d->arena->spent)
        return gw_fail(err, GW_BUDGET, 0, "the spans of this payload need more than %zu bytes",
                       d->arena->budget);
    return gw_fail(err, GW_BAD_PROTOBUF, (size_t)(a->bad - a->body.at), "%s has a field that cannot be read",
                   a->message);
}

/* ---- the envelope ---- */

static enum dd_got read_own(struct dd_decoder *d, struct wire_view *v, uint32_t tag)
{
    uint64_t left_out = 0;
    struct dd_agent *a = d->agent;
    switch (tag) {
    case AGENT_HOST:
        return dd_agent_got(dd_pb_text(v, &a->host));
    case AGENT_ENV:
        return dd_agent_got(dd_pb_text(v, &a->env));
    case AGENT_TAGS:
        return dd_agent_add(d, &a->tags, v, tag, sizeof(struct dd_text), dd_agent_text_entry, &left_out);
    case AGENT_PAYLOADS:
    case AGENT_IDX_PAYLOADS:
        a->slots++;
        return dd_agent_got(dd_pb_skip(v, tag));
    default:
        return dd_agent_got(tag >> 3 != AGENT_PAYLOADS >> 3 && tag >> 3 != AGENT_IDX_PAYLOADS >> 3 &&
                            dd_pb_skip(v, tag));
    }
}

/* Reads the agent's own fields and finds its payloads. */
static bool read_agent(struct dd_decoder *d)
{
    struct wire_view v = d->agent->body;
    enum dd_got got = DD_TAKEN;
    uint32_t tag;
    while (!got && v.at < v.end)
        got = dd_pb_tag(&v, &tag) ? read_own(d, &v, tag) : DD_OTHER_TYPE;
    return got == DD_TAKEN || (got == DD_OTHER_TYPE && dd_agent_ill_formed(d, &v, "the AgentPayload"));
}

static bool read_part(struct dd_decoder *d, struct wire_view v, bool idx)
{
    struct dd_agent *a = d->agent;
    struct dd_agent_part said = {.idx = idx}, *part;
    if (!dd_agent_facts(d, v, &said))
        return false;
    if (said.rest.at == said.rest.end)
        return true;
    part = gw_arena_raw(d->arena, 1, sizeof *part);
    if (!part)
        return false;
    *part = said;
    if (a->last)
        a->last->next = part;
    else
        a->parts = part;
    a->last = part;
    return true;
}

static bool read_parts(struct dd_decoder *d)
{
    struct dd_agent *a = d->agent;
    struct wire_view v = a->body, part;
    uint32_t tag;
    size_t slots = 2;
    while (slots < 2 * a->slots)
        slots *= 2;
    a->slots = slots;
    a->known = gw_new(d->arena, struct dd_payload *, slots);
    if (!a->known)
        return false;
    while (v.at < v.end && dd_pb_tag(&v, &tag))
        if (tag != AGENT_PAYLOADS && tag != AGENT_IDX_PAYLOADS)
            (void)dd_pb_skip(&v, tag);
        else if (!dd_pb_bytes(&v, &part) || !read_part(d, part, tag == AGENT_IDX_PAYLOADS))
            return false;
    return true;
}

enum gw_code dd_agent_begin(struct dd_decoder *d, gw_str body, struct gw_err *err)
{
    const uint8_t *at = (const uint8_t *)body.ptr;
    d->agent = gw_new(d->arena, struct dd_agent, 1);
    if (!d->agent)
        return fail(d, err);
    d->agent->body = (struct wire_view){at, at + body.len};
    return read_agent(d) && read_parts(d) ? GW_OK : fail(d, err);
}

/* ---- chunks ---- */

static enum dd_got read_chunk_field(struct dd_decoder *d, struct wire_view *v, uint32_t tag,
                                    struct dd_chunk *chunk, struct dd_agent_tags *tags)
{
    switch (tag) {
    case CHUNK_PRIORITY:
        return dd_agent_got(dd_agent_priority(v, chunk));
    case CHUNK_ORIGIN:
        return dd_agent_got(dd_pb_text(v, &chunk->origin));
    case CHUNK_DROPPED:
        return dd_agent_got(dd_agent_flag(v, &chunk->dropped));
    case CHUNK_TAGS:
        return dd_agent_add(d, &tags->texts, v, tag, sizeof(struct dd_text), dd_agent_text_entry,
                            &d->left_out.tags);
    case CHUNK_SPANS:
        return dd_agent_got(dd_agent_count_span(v, &tags->spans));
    default:
        return dd_agent_got(tag >> 3 > CHUNK_DROPPED >> 3 && dd_pb_skip(v, tag));
    }
}

/* v0.x, idx */
static const struct kind {
    uint32_t chunk, span; /* tags */
    dd_agent_chunk_f *read_field;
    dd_agent_span_f *read_span;
} kinds[2] = {{TRACER_CHUNKS, CHUNK_SPANS, read_chunk_field, dd_agent_span},
              {IDX_TRACER_CHUNKS, DD_AGENT_IDX_SPANS, dd_agent_idx_chunk_field, dd_agent_idx_span}};

/* Reads everything in a chunk except its spans. Sets *room to the number of spans that may be valid. */
static bool read_chunk_fields(struct dd_decoder *d, struct wire_view v, const struct kind *kind,
                              struct dd_chunk *chunk, size_t *room)
{
    struct dd_agent_tags tags = {0};
    enum dd_got got = DD_TAKEN;
    uint32_t tag;
    while (!got && v.at < v.end)
        got = dd_pb_tag(&v, &tag) ? kind->read_field(d, &v, tag, chunk, &tags) : DD_OTHER_TYPE;
    dd_spread_chunk(chunk, &tags.typed, &d->left_out.tags);
    if (tags.texts.n) {
        chunk->meta = tags.texts.items;
        chunk->meta_n = tags.texts.n;
    }
    *room = tags.spans;
    return got == DD_TAKEN || (got == DD_OTHER_TYPE && dd_agent_ill_formed(d, &v, "a TraceChunk"));
}

/* Splits off the next message of a repeated field. The containing message was walked over before, so it is
 * well-formed. Returns false at the end. */
static bool next_of(struct wire_view *v, uint32_t wanted, struct wire_view *message)
{
    uint32_t tag;
    while (v->at < v->end && dd_pb_tag(v, &tag)) {
        if (tag == wanted)
            return dd_pb_bytes(v, message);
        if (!dd_pb_skip(v, tag))
            break;
    }
    return false;
}

static bool read_spans(struct dd_decoder *d, struct wire_view v, const struct kind *kind,
                       struct dd_chunk *chunk, size_t room, struct gw_intake *intake)
{
    struct wire_view message;
    /* one more: the last span may be refused */
    chunk->spans = gw_arena_raw(d->arena, room + 1, sizeof *chunk->spans);
    if (!chunk->spans)
        return false;
    while (next_of(&v, kind->span, &message)) {
        enum gw_reason why = GW_REASON_BAD_SPAN;
        struct dd_span *s = &chunk->spans[chunk->n];
        enum dd_got got = kind->read_span(d, message, s, &why);
        if (got == DD_ILL_FORMED)
            return false;
        why = got ? why : dd_decode_fault(s);
        dd_decode_count(intake, why);
        chunk->n += why == GW_REASONS;
    }
    return true;
}

static bool read_chunk(struct dd_decoder *d, struct wire_view v, struct dd_chunk *chunk,
                       struct gw_intake *intake)
{
    size_t room;
    const struct kind *kind = &kinds[d->agent->part->idx];
    d->payload = d->agent->part->payload;
    d->agent->trace_id = 0;
    dd_decode_start_chunk(d, chunk);
    chunk->delivered = true;
    return read_chunk_fields(d, v, kind, chunk, &room) && read_spans(d, v, kind, chunk, room, intake);
}

/* Moves to the next chunk of the payload that has a valid span. */
static bool next_of_part(struct dd_decoder *d, struct dd_chunk *chunk, struct gw_intake *intake)
{
    struct dd_agent_part *part = d->agent->part;
    struct wire_view message;
    while (!chunk->n && next_of(&part->rest, kinds[part->idx].chunk, &message)) {
        d->chunks++;
        if (!read_chunk(d, message, chunk, intake))
            return false;
    }
    return true;
}

enum gw_code dd_agent_next(struct dd_decoder *d, struct dd_chunk *chunk, struct gw_intake *intake,
                           struct gw_err *err)
{
    struct dd_agent *a = d->agent;
    while (!chunk->n && a->parts) {
        a->part = a->parts;
        if (!next_of_part(d, chunk, intake))
            return fail(d, err);
        if (!chunk->n)
            a->parts = a->parts->next;
    }
    d->finished = !chunk->n;
    return GW_OK;
}
