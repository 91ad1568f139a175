/* Reads payloads in JSON: v0.2 to v0.4 are an array of chunks of spans, v0.1 is a flat array of spans. Field
 * names and tolerances are those of the msgpack formats.
 *
 * The state is in the caller's struct dd_decoder. Called by dd_decode.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_json.h"

enum gw_code dd_json_begin(struct dd_decoder *d, struct gw_err *err)
{
    struct gw_json *j = &d->json;
    switch (gw_json_kind(j)) {
    case GW_JSON_ARRAY:
        return gw_json_array(j) ? GW_OK : gw_json_fail(j, err);
    case GW_JSON_NULL:
        d->finished = true;
        return gw_json_null(j) && gw_json_end(j) ? GW_OK : gw_json_fail(j, err);
    case GW_JSON_NONE:
        gw_json_bad(j, "no value begins here");
        return gw_json_fail(j, err);
    default:
        return gw_fail(err, GW_BAD_ENVELOPE, (size_t)(j->at - j->begin), "the payload is %s, want an array",
                       gw_json_kind_name(gw_json_kind(j)));
    }
}

static enum dd_got read_field(struct dd_decoder *d, struct dd_span *s, enum dd_field field)
{
    switch (field) {
    case DD_F_SERVICE:
        return dd_json_text(d, &s->service);
    case DD_F_NAME:
        return dd_json_text(d, &s->name);
    case DD_F_RESOURCE:
        return dd_json_text(d, &s->resource);
    case DD_F_TYPE:
        return dd_json_text(d, &s->type);
    case DD_F_TRACE_ID:
        return dd_json_u64(d, &s->trace_id);
    case DD_F_SPAN_ID:
        return dd_json_u64(d, &s->span_id);
    case DD_F_PARENT_ID:
        return dd_json_u64(d, &s->parent_id);
    case DD_F_START:
        return dd_json_i64(d, &s->start);
    case DD_F_DURATION:
        return dd_json_i64(d, &s->duration);
    case DD_F_ERROR:
        return dd_json_error(d, &s->error);
    case DD_F_META:
        return dd_json_texts(d, &s->meta, &s->meta_n);
    case DD_F_METRICS:
        return dd_json_numbers(d, s);
    case DD_F_META_STRUCT:
        return dd_json_structs(d, s);
    case DD_F_LINKS:
        return dd_json_links(d, s);
    case DD_F_EVENTS:
        return dd_json_events(d, s);
    default:
        return dd_json_done(gw_json_skip(&d->json));
    }
}

static enum dd_got read_span(struct dd_decoder *d, struct dd_span *s)
{
    gw_str key;
    enum dd_got got;
    *s = (struct dd_span){0};
    if (!dd_json_enter(d, GW_JSON_OBJECT, &got))
        return got;
    while (gw_json_member(&d->json, &key)) {
        got = read_field(d, s, dd_span_field(key));
        if (got)
            return got;
    }
    return dd_json_walked(d);
}

/* Reads the next span into *s. *why is the reason why it is refused, or GW_REASONS if it is valid. */
static enum dd_got take_span(struct dd_decoder *d, struct dd_span *s, enum gw_reason *why)
{
    struct gw_json before = d->json;
    if (gw_json_kind(&d->json) == GW_JSON_NULL) {
        *why = GW_REASON_NIL_SPAN;
        return dd_json_done(gw_json_null(&d->json));
    }
    enum dd_got got = read_span(d, s);
    *why = got ? GW_REASON_BAD_SPAN : dd_decode_fault(s);
    return got == DD_OTHER_TYPE ? dd_json_pass(d, &before) : got;
}

static enum dd_got keep_span(struct dd_decoder *d, struct dd_chunk *chunk, const struct dd_span *s)
{
    chunk->spans = dd_json_room(d, chunk->spans, chunk->n, sizeof *s);
    if (!chunk->spans)
        return DD_ILL_FORMED;
    chunk->spans[chunk->n++] = *s;
    return DD_TAKEN;
}

/* The elements of a chunk. */
static enum dd_got read_chunk(struct dd_decoder *d, struct dd_chunk *chunk, struct gw_intake *intake)
{
    struct dd_span s;
    enum gw_reason why;
    while (gw_json_item(&d->json)) {
        if (take_span(d, &s, &why) || (why == GW_REASONS && keep_span(d, chunk, &s)))
            return DD_ILL_FORMED;
        dd_decode_count(intake, why);
    }
    return dd_json_walked(d);
}

/* v0.1: reads spans while the trace id stays the same. *over: the payload's array has ended. */
static enum dd_got read_run(struct dd_decoder *d, struct dd_chunk *chunk, struct gw_intake *intake,
                            bool *over)
{
    struct dd_span s;
    enum gw_reason why;
    for (;;) {
        struct gw_json before = d->json;
        struct dd_left_out left_out = d->left_out;
        if (!gw_json_item(&d->json)) {
            *over = true;
            return dd_json_walked(d);
        }
        if (take_span(d, &s, &why))
            return DD_ILL_FORMED;
        if (why == GW_REASONS && chunk->n && chunk->spans[0].trace_id != s.trace_id) {
            d->json = before; /* it is the first span of the next chunk */
            d->left_out = left_out;
            return DD_TAKEN;
        }
        dd_decode_count(intake, why);
        if (why == GW_REASONS && keep_span(d, chunk, &s))
            return DD_ILL_FORMED;
    }
}

enum gw_code dd_json_next(struct dd_decoder *d, struct dd_chunk *chunk, struct gw_intake *intake,
                          struct gw_err *err)
{
    struct gw_json *j = &d->json;
    bool over = false;
    for (; !over && !chunk->n; d->chunks++) {
        enum dd_got got = DD_TAKEN;
        if (d->format == DD_V01_JSON)
            got = read_run(d, chunk, intake, &over);
        else if (!gw_json_item(j))
            over = true;
        else if (dd_json_enter(d, GW_JSON_ARRAY, &got))
            got = read_chunk(d, chunk, intake);
        if (got == DD_OTHER_TYPE)
            return gw_fail(err, GW_BAD_ENVELOPE, (size_t)(j->at - j->begin),
                           "chunk %llu is %s, want an array of spans", (unsigned long long)d->chunks,
                           gw_json_kind_name(gw_json_kind(j)));
        if (got || j->why)
            return dd_decode_fail(d, err);
    }
    d->finished = over;
    return !over || gw_json_end(j) ? GW_OK : gw_json_fail(j, err);
}
