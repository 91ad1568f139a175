/* Reads v1.0: the payload, its chunks and their spans (dd_v10.h).
 *
 * Fields of a span that are tags in v0.4 (env, version, component, kind) are converted to those tags, so that
 * one mapping serves both; a field replaces an attribute of the same name.
 *
 * The state is in the caller's struct dd_decoder. Called by dd_decode.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_v10.h"

#include <stdio.h>

#include "translators/ddtrace/dd_plan.h"

enum {
    PAYLOAD_STRINGS = 1,
    PAYLOAD_CONTAINER_ID,
    PAYLOAD_LANGUAGE,
    PAYLOAD_LANGUAGE_VERSION,
    PAYLOAD_TRACER_VERSION,
    PAYLOAD_RUNTIME_ID,
    PAYLOAD_ENV,
    PAYLOAD_HOST,
    PAYLOAD_APP_VERSION,
    PAYLOAD_ATTRIBUTES,
    PAYLOAD_CHUNKS
};

enum {
    CHUNK_PRIORITY = 1,
    CHUNK_ORIGIN,
    CHUNK_ATTRIBUTES,
    CHUNK_SPANS,
    CHUNK_DROPPED,
    CHUNK_TRACE_ID,
    CHUNK_MECHANISM
};

enum {
    SPAN_SERVICE = 1,
    SPAN_NAME,
    SPAN_RESOURCE,
    SPAN_ID,
    SPAN_PARENT_ID,
    SPAN_START,
    SPAN_DURATION,
    SPAN_ERROR,
    SPAN_ATTRIBUTES,
    SPAN_TYPE,
    SPAN_LINKS,
    SPAN_EVENTS,
    SPAN_ENV,
    SPAN_VERSION,
    SPAN_COMPONENT,
    SPAN_KIND
};

/* ---- the payload ---- */

/* Returns the error for a value at the cursor that v1.0 does not have there. */
static enum gw_code bad_envelope(const struct dd_decoder *d, struct gw_err *err, const char *what,
                                 const char *want)
{
    return gw_fail(err, GW_BAD_ENVELOPE, dd_msgpack_pos(&d->in), "%s is %s, want %s", what,
                   dd_kind_name(dd_msgpack_kind(&d->in)), want);
}

enum gw_code dd_v10_begin(struct dd_decoder *d, struct gw_err *err)
{
    uint32_t n = 0;
    enum dd_got got = dd_msgpack_map(&d->in, &n);
    if (got == DD_OTHER_TYPE)
        return bad_envelope(d, err, "the payload", "a map");
    d->fields_left = n;
    return got || !dd_v10_texts_begin(d) ? dd_decode_fail(d, err) : GW_OK;
}

/* Reads the list of texts with which some payloads begin; it contains no text twice. */
static enum gw_code read_strings(struct dd_decoder *d, struct gw_err *err)
{
    uint32_t n = 0;
    gw_str text;
    enum dd_got got = dd_msgpack_array(&d->in, &n);
    if (got == DD_OTHER_TYPE)
        return bad_envelope(d, err, "the list of strings", "an array");
    for (uint32_t i = 0; !got && i < n; i++) {
        got = dd_msgpack_text(&d->in, &text);
        if (got == DD_OTHER_TYPE)
            return bad_envelope(d, err, "an entry of the list of strings", "text");
        if (!got && text.len)
            got = dd_v10_texts_add(d, text);
    }
    return got ? dd_decode_fail(d, err) : GW_OK;
}

static gw_str *text_field(struct dd_payload *p, uint32_t key)
{
    switch (key) {
    case PAYLOAD_CONTAINER_ID:
        return &p->facts[DD_FACT_CONTAINER_ID];
    case PAYLOAD_LANGUAGE:
        return &p->language;
    case PAYLOAD_LANGUAGE_VERSION:
        return &p->facts[DD_FACT_LANGUAGE_VERSION];
    case PAYLOAD_TRACER_VERSION:
        return &p->facts[DD_FACT_TRACER_VERSION];
    case PAYLOAD_RUNTIME_ID:
        return &p->runtime_id;
    case PAYLOAD_ENV:
        return &p->env;
    case PAYLOAD_HOST:
        return &p->host;
    case PAYLOAD_APP_VERSION:
        return &p->version;
    default:
        return NULL;
    }
}

/* A number beyond the table makes only the field invalid here, because there is no span to refuse. */
static enum dd_got optional(struct dd_decoder *d, const uint8_t *start, enum dd_got got)
{
    if (got != DD_OTHER_TYPE)
        return got;
    d->texts.outside = false;
    d->left_out.tags++;
    return dd_v10_pass(d, start, 1);
}

/* Payload attributes must outlive the chunk. */
static enum dd_got read_payload_attributes(struct dd_decoder *d)
{
    const uint8_t *start = d->in.at;
    struct gw_arena *chunk = d->arena;
    d->arena = d->keep;
    enum dd_got got = dd_v10_attribute_texts(d, &d->payload->tags, &d->payload->tags_n);
    d->arena = chunk;
    return optional(d, start, got);
}

static enum gw_code read_chunks(struct dd_decoder *d, struct gw_err *err)
{
    uint32_t n = 0;
    enum dd_got got = dd_msgpack_array(&d->in, &n);
    if (got == DD_OTHER_TYPE)
        return bad_envelope(d, err, "chunks", "an array");
    d->chunks_left = n;
    return got ? dd_decode_fail(d, err) : GW_OK;
}

enum gw_code dd_v10_field(struct dd_decoder *d, struct gw_err *err)
{
    uint32_t key = 0;
    enum dd_got got = dd_v10_key(d, &key);
    const uint8_t *start = d->in.at;
    gw_str *field = text_field(d->payload, key);
    if (got)
        return dd_decode_fail(d, err);
    if (key == PAYLOAD_CHUNKS)
        return read_chunks(d, err);
    if (key == PAYLOAD_STRINGS)
        return read_strings(d, err);
    if (field)
        got = optional(d, start, dd_v10_text(d, field));
    else if (key == PAYLOAD_ATTRIBUTES)
        got = read_payload_attributes(d);
    else
        got = dd_v10_pass(d, start, 1);
    return got ? dd_decode_fail(d, err) : GW_OK;
}

/* ---- a span ---- */

/* Values of a span's own fields, and the names by which a plan was found. */
struct promoted {
    gw_str texts[DD_PROMOTEDS];
    const char *service, *name, *resource;
};

static enum dd_got read_kind(struct dd_decoder *d, gw_str *out)
{
    uint64_t kind;
    enum dd_got got = dd_msgpack_u64(&d->in, &kind);
    if (!got && kind < DD_SPREAD_KINDS)
        *out = dd_spread_kinds[kind];
    return got;
}

/* Reads the attributes by a plan, if one fits. */
static enum dd_got read_span_attributes(struct dd_decoder *d, struct dd_span *s, struct dd_spread *tags,
                                        struct promoted *p)
{
    const uint8_t *from = d->in.at;
    s->plan = d->plans && !tags->meta ? dd_plan_v10(d, s) : NULL;
    if (s->plan) {
        *tags = (struct dd_spread){s->meta, s->metrics, NULL, s->meta_n, s->metrics_n, 0, 0, 0, 0};
        p->service = s->service.ptr, p->name = s->name.ptr, p->resource = s->resource.ptr;
        return DD_TAKEN;
    }
    enum dd_got got = dd_v10_attributes(d, tags);
    s->attributes_raw = gw_str_n((const char *)from, (size_t)(d->in.at - from));
    return got;
}

/* Takes an empty list: links and events are rare, but most tracers write the fields. */
static inline bool take_empty(struct dd_msgpack *in)
{
    bool empty = in->at < in->end && *in->at == 0x90;
    in->at += empty;
    return empty;
}

static inline enum dd_got read_error(struct dd_msgpack *in, int32_t *out)
{
    if (in->at == in->end || (*in->at | 1) != 0xc3) /* not a bool */
        return dd_decode_error(in, out);
    *out = *in->at++ & 1;
    return DD_TAKEN;
}

static inline enum dd_got read_span_field(struct dd_decoder *d, struct dd_span *s, struct dd_spread *tags,
                                          struct promoted *p, uint32_t key)
{
    switch (key) {
    case SPAN_SERVICE:
        return dd_v10_text(d, &s->service);
    case SPAN_NAME:
        return dd_v10_text(d, &s->name);
    case SPAN_RESOURCE:
        return dd_v10_text(d, &s->resource);
    case SPAN_ID:
        return dd_msgpack_u64(&d->in, &s->span_id);
    case SPAN_PARENT_ID:
        return dd_msgpack_u64(&d->in, &s->parent_id);
    case SPAN_START:
        return dd_msgpack_i64(&d->in, &s->start);
    case SPAN_DURATION:
        return dd_msgpack_i64(&d->in, &s->duration);
    case SPAN_ERROR:
        return read_error(&d->in, &s->error);
    case SPAN_ATTRIBUTES:
        return read_span_attributes(d, s, tags, p);
    case SPAN_TYPE:
        return dd_v10_text(d, &s->type);
    case SPAN_LINKS:
        return take_empty(&d->in) ? DD_TAKEN : dd_v10_links(d, s);
    case SPAN_EVENTS:
        return take_empty(&d->in) ? DD_TAKEN : dd_v10_events(d, s);
    case SPAN_ENV:
        return dd_v10_text(d, &p->texts[DD_PROMOTED_ENV]);
    case SPAN_VERSION:
        return dd_v10_text(d, &p->texts[DD_PROMOTED_VERSION]);
    case SPAN_COMPONENT:
        return dd_v10_text(d, &p->texts[DD_PROMOTED_COMPONENT]);
    case SPAN_KIND:
        return read_kind(d, &p->texts[DD_PROMOTED_KIND]);
    default:
        return dd_v10_pass(d, d->in.at, 1);
    }
}

/* A tag's key is a view of the table's entry, so addresses can be compared. The last such tag counts. */
static struct dd_text *find_tag(const struct dd_spread *tags, const char *key)
{
    for (size_t i = key ? tags->meta_n : 0; i-- > 0;)
        if (tags->meta[i].key.ptr == key)
            return &tags->meta[i];
    return NULL;
}

/* Adds tags for the fields; there is room for DD_PROMOTEDS of them. */
static bool promote(struct dd_decoder *d, struct dd_spread *tags, const struct promoted *p)
{
    if (!tags->meta && !(tags->meta = gw_arena_raw(d->arena, DD_PROMOTEDS, sizeof *tags->meta)))
        return false;
    for (size_t i = 0; i < DD_PROMOTEDS; i++) {
        struct dd_text *tag = p->texts[i].len ? find_tag(tags, d->texts.promoted[i]) : NULL;
        if (tag)
            tag->value = p->texts[i];
        else if (p->texts[i].len)
            tags->meta[tags->meta_n++] = (struct dd_text){dd_spread_promoted[i], p->texts[i]};
    }
    return true;
}

/* Discards the plan if it does not fit the fields after the attributes. */
static void settle_plan(struct dd_decoder *d, struct dd_span *s, const struct promoted *p)
{
    bool renamed = s->service.ptr != p->service || s->name.ptr != p->name || s->resource.ptr != p->resource;
    if (s->plan && (renamed || !dd_plan_v10_settled(s->plan, s, p->texts)))
        s->plan = NULL;
    else if (d->plans && s->attributes_raw.len)
        s->plan = dd_plan_v10_find(d->plans, s);
}

static enum dd_got read_span(struct dd_decoder *d, struct dd_span *s, enum gw_reason *why)
{
    struct dd_spread tags = {0};
    struct promoted p = {0};
    uint32_t n = 0, key = 0;
    enum dd_got got = dd_msgpack_map(&d->in, &n);
    *s = (struct dd_span){.trace_id = 1}; /* valid until the chunk's trace id is known */
    d->texts.outside = false;
    if (!got && n == 0) { /* dd-trace-go writes nil in this form */
        *why = GW_REASON_NIL_SPAN;
        return DD_OTHER_TYPE;
    }
    for (uint32_t i = 0; !got && i < n; i++) {
        got = dd_v10_key(d, &key);
        if (!got)
            got = read_span_field(d, s, &tags, &p, key);
    }
    *why = d->texts.outside ? GW_REASON_BAD_INDEX : GW_REASON_BAD_SPAN;
    if (!got && !promote(d, &tags, &p))
        return DD_ILL_FORMED;
    dd_spread_span(s, &tags);
    if (!got)
        settle_plan(d, s, &p);
    return got;
}

/* ---- a chunk ---- */

static enum gw_code read_spans(struct dd_decoder *d, struct dd_chunk *chunk, struct gw_intake *intake,
                               struct gw_err *err)
{
    uint32_t n = 0;
    char what[64];
    if (chunk->spans)
        return gw_fail(err, GW_BAD_ENVELOPE, dd_msgpack_pos(&d->in), "chunk %llu has spans twice",
                       (unsigned long long)d->chunks);
    enum dd_got got = dd_msgpack_array(&d->in, &n);
    if (got == DD_OTHER_TYPE) {
        snprintf(what, sizeof what, "the list of spans of chunk %llu", (unsigned long long)d->chunks);
        return bad_envelope(d, err, what, "an array");
    }
    if (!got && n)
        got = dd_decode_spans(d, read_span, n, chunk, intake);
    return got ? dd_decode_fail(d, err) : GW_OK;
}

static enum dd_got read_chunk_attributes(struct dd_decoder *d, struct dd_chunk *chunk)
{
    struct dd_spread tags = {0};
    enum dd_got got = dd_v10_attributes(d, &tags);
    if (!got)
        dd_spread_chunk(chunk, &tags, &d->left_out.tags);
    return got;
}

/* Tracers that have no mechanism send 0, the default. */
static enum dd_got read_mechanism(struct dd_decoder *d, int *out)
{
    uint64_t v;
    enum dd_got got = dd_msgpack_u64(&d->in, &v);
    if (!got && v > 0 && v <= UINT8_MAX)
        *out = (int)v;
    return got;
}

static enum dd_got read_priority(struct dd_decoder *d, int *out)
{
    int64_t v;
    if (dd_msgpack_nil(&d->in))
        return DD_TAKEN;
    enum dd_got got = dd_msgpack_i64(&d->in, &v);
    if (!got && v > -100 && v < 100)
        *out = (int)v;
    return got;
}

static enum dd_got read_chunk_fact(struct dd_decoder *d, struct dd_chunk *chunk, uint64_t *trace_id,
                                   uint32_t key)
{
    int32_t dropped = 0;
    enum dd_got got;
    switch (key) {
    case CHUNK_PRIORITY:
        return read_priority(d, &chunk->priority);
    case CHUNK_ORIGIN:
        return dd_v10_text(d, &chunk->origin);
    case CHUNK_ATTRIBUTES:
        return read_chunk_attributes(d, chunk);
    case CHUNK_DROPPED:
        got = dd_decode_error(&d->in, &dropped);
        chunk->dropped = dropped != 0;
        return got;
    case CHUNK_TRACE_ID:
        return dd_v10_trace_id(d, &chunk->high, trace_id);
    case CHUNK_MECHANISM:
        return read_mechanism(d, &chunk->mechanism);
    default:
        return dd_v10_pass(d, d->in.at, 1);
    }
}

enum gw_code dd_v10_chunk(struct dd_decoder *d, struct dd_chunk *chunk, struct gw_intake *intake,
                          struct gw_err *err)
{
    uint32_t n = 0, key = 0;
    uint64_t trace_id = 0;
    char what[32];
    enum gw_code code = GW_OK;
    enum dd_got got = dd_msgpack_map(&d->in, &n);
    if (got == DD_OTHER_TYPE) {
        snprintf(what, sizeof what, "chunk %llu", (unsigned long long)d->chunks);
        return bad_envelope(d, err, what, "a map");
    }
    for (uint32_t i = 0; !got && code == GW_OK && i < n; i++) {
        got = dd_v10_key(d, &key);
        const uint8_t *start = d->in.at;
        if (!got && key == CHUNK_SPANS)
            code = read_spans(d, chunk, intake, err);
        else if (!got)
            got = optional(d, start, read_chunk_fact(d, chunk, &trace_id, key));
    }
    for (size_t i = 0; i < chunk->n; i++)
        chunk->spans[i].trace_id = trace_id;
    return got ? dd_decode_fail(d, err) : code;
}
