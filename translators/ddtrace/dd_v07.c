/* Reads v0.7 in msgpack: a map called TracerPayload. It describes the process once (dd_payload.h); its chunks
 * are maps that describe the trace once; their spans are those of v0.4. Keys come in any order; those of the
 * process may come after the chunks.
 *
 * The state is in the caller's struct dd_decoder. Called by dd_decode.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_decode.h"

enum gw_code dd_v07_begin(struct dd_decoder *d, struct gw_err *err)
{
    uint32_t n = 0;
    enum dd_got got = dd_msgpack_map(&d->in, &n);
    d->fields_left = n;
    if (got == DD_OTHER_TYPE)
        return gw_fail(err, GW_BAD_ENVELOPE, 0, "the payload is %s, want a map",
                       dd_kind_name(dd_msgpack_kind(&d->in)));
    return got ? dd_decode_fail(d, err) : GW_OK;
}

/* Skips a value of the wrong type and counts it. */
static enum dd_got pass_odd(struct dd_decoder *d, enum dd_got got)
{
    if (got != DD_OTHER_TYPE)
        return got;
    d->left_out.tags++;
    return dd_msgpack_skip(&d->in);
}

static gw_str *field_of(struct dd_payload *p, gw_str key)
{
    static const struct {
        gw_str key;
        size_t offset;
    } fields[] = {
        {GW_LIT("container_id"), offsetof(struct dd_payload, facts[DD_FACT_CONTAINER_ID])},
        {GW_LIT("language_name"), offsetof(struct dd_payload, language)},
        {GW_LIT("language_version"), offsetof(struct dd_payload, facts[DD_FACT_LANGUAGE_VERSION])},
        {GW_LIT("tracer_version"), offsetof(struct dd_payload, facts[DD_FACT_TRACER_VERSION])},
        {GW_LIT("runtime_id"), offsetof(struct dd_payload, runtime_id)},
        {GW_LIT("env"), offsetof(struct dd_payload, env)},
        {GW_LIT("hostname"), offsetof(struct dd_payload, host)},
        {GW_LIT("app_version"), offsetof(struct dd_payload, version)},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (gw_str_eq(fields[i].key, key))
            return (gw_str *)(void *)((char *)p + fields[i].offset);
    return NULL;
}

/* Data of the payload must outlive the chunk. */
static enum dd_got read_tags(struct dd_decoder *d)
{
    struct gw_arena *chunk = d->arena;
    d->arena = d->keep;
    enum dd_got got = pass_odd(d, dd_maps_texts(d, &d->payload->tags, &d->payload->tags_n));
    d->arena = chunk;
    return got;
}

static enum dd_got read_text(struct dd_decoder *d, gw_str *out)
{
    struct gw_arena *chunk = d->arena;
    d->arena = d->keep;
    enum dd_got got = pass_odd(d, dd_maps_scalar_text(d, out));
    d->arena = chunk;
    return got;
}

enum gw_code dd_v07_field(struct dd_decoder *d, struct gw_err *err)
{
    uint32_t n;
    gw_str key = GW_NOSTR;
    bool named;
    enum dd_got got = dd_maps_key(d, &key, &named);
    gw_str *field = field_of(d->payload, key);
    if (got)
        return dd_decode_fail(d, err);
    if (field) {
        got = read_text(d, field);
    } else if (gw_str_eq(key, GW_STR("tags"))) {
        got = read_tags(d);
    } else if (gw_str_eq(key, GW_STR("chunks"))) {
        got = dd_msgpack_array(&d->in, &n);
        if (got == DD_OTHER_TYPE)
            return gw_fail(err, GW_BAD_ENVELOPE, dd_msgpack_pos(&d->in), "chunks is %s, want an array",
                           dd_kind_name(dd_msgpack_kind(&d->in)));
        d->chunks_left = got ? 0 : n;
    } else {
        got = dd_msgpack_skip(&d->in);
    }
    return got ? dd_decode_fail(d, err) : GW_OK;
}

/* ---- a chunk ---- */

static enum dd_got read_priority(struct dd_decoder *d, int *out)
{
    enum dd_number_kind kind;
    union dd_number_value v;
    int64_t i;
    bool number;
    if (dd_msgpack_nil(&d->in))
        return DD_TAKEN;
    enum dd_got got = dd_maps_number(d, &kind, &v, &number);
    if (!got && number && dd_number_i64(kind, v, &i) && i > -100 && i < 100)
        *out = (int)i;
    d->left_out.tags += !got && !number;
    return got;
}

static enum dd_got read_dropped(struct dd_decoder *d, bool *out)
{
    int32_t v = 0;
    enum dd_got got = pass_odd(d, dd_decode_error(&d->in, &v));
    *out = v != 0;
    return got;
}

static enum gw_code read_spans(struct dd_decoder *d, struct dd_chunk *chunk, struct gw_intake *intake,
                               struct gw_err *err)
{
    uint32_t n = 0;
    if (chunk->spans)
        return gw_fail(err, GW_BAD_ENVELOPE, dd_msgpack_pos(&d->in), "chunk %llu has spans twice",
                       (unsigned long long)d->chunks);
    enum dd_got got = dd_msgpack_array(&d->in, &n);
    if (got == DD_OTHER_TYPE)
        return gw_fail(err, GW_BAD_ENVELOPE, dd_msgpack_pos(&d->in),
                       "the spans of chunk %llu are %s, want an array", (unsigned long long)d->chunks,
                       dd_kind_name(dd_msgpack_kind(&d->in)));
    if (!got && n)
        got = dd_decode_spans(d, dd_v04_span, n, chunk, intake);
    return got ? dd_decode_fail(d, err) : GW_OK;
}

static enum gw_code read_chunk_field(struct dd_decoder *d, struct dd_chunk *chunk, struct gw_intake *intake,
                                     struct gw_err *err)
{
    gw_str key = GW_NOSTR;
    bool named;
    enum dd_got got = dd_maps_key(d, &key, &named);
    if (got)
        return dd_decode_fail(d, err);
    if (gw_str_eq(key, GW_STR("spans")))
        return read_spans(d, chunk, intake, err);
    if (gw_str_eq(key, GW_STR("priority")))
        got = read_priority(d, &chunk->priority);
    else if (gw_str_eq(key, GW_STR("origin")))
        got = pass_odd(d, dd_maps_scalar_text(d, &chunk->origin));
    else if (gw_str_eq(key, GW_STR("tags")))
        got = pass_odd(d, dd_maps_texts(d, &chunk->meta, &chunk->meta_n));
    else if (gw_str_eq(key, GW_STR("dropped_trace")))
        got = read_dropped(d, &chunk->dropped);
    else
        got = dd_msgpack_skip(&d->in);
    return got ? dd_decode_fail(d, err) : GW_OK;
}

enum gw_code dd_v07_chunk(struct dd_decoder *d, struct dd_chunk *chunk, struct gw_intake *intake,
                          struct gw_err *err)
{
    uint32_t n = 0;
    enum gw_code code = GW_OK;
    enum dd_got got = dd_msgpack_map(&d->in, &n);
    if (got == DD_OTHER_TYPE)
        return gw_fail(err, GW_BAD_ENVELOPE, dd_msgpack_pos(&d->in), "chunk %llu is %s, want a map",
                       (unsigned long long)d->chunks, dd_kind_name(dd_msgpack_kind(&d->in)));
    if (got)
        return dd_decode_fail(d, err);
    for (uint32_t i = 0; code == GW_OK && i < n; i++)
        code = read_chunk_field(d, chunk, intake, err);
    return code;
}
