/* Reads v0.5: [dictionary, chunks]. A span is an array of 12; its texts and the keys of its tags are indices
 * into the dictionary. Java's dictionary contains duplicates, and its entry 0 is not the empty text: an index
 * means the entry with this number and nothing else.
 *
 * The state is in the caller's struct dd_decoder. Called by dd_decode.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_decode.h"

#include <stdio.h>

enum { FIELDS = 12 };

/* Returns the error for a value at the cursor that v0.5 does not have there. */
static enum gw_code bad_envelope(struct dd_decoder *d, struct gw_err *err, const char *what, const char *want)
{
    const char *kind = dd_kind_name(dd_msgpack_kind(&d->in));
    return gw_fail(err, GW_BAD_ENVELOPE, dd_msgpack_pos(&d->in), "%s is %s, want %s", what, kind, want);
}

static enum gw_code read_dictionary(struct dd_decoder *d, struct gw_err *err)
{
    uint32_t n;
    enum dd_got got = dd_msgpack_array(&d->in, &n);
    if (got == DD_OTHER_TYPE)
        return bad_envelope(d, err, "the dictionary", "an array");
    if (!got && n && !(d->dictionary = gw_arena_raw(d->arena, n, sizeof *d->dictionary)))
        got = DD_ILL_FORMED;
    for (uint32_t i = 0; !got && i < n; i++) {
        got = dd_maps_scalar_text(d, &d->dictionary[i]);
        if (got == DD_OTHER_TYPE) {
            char what[48];
            snprintf(what, sizeof what, "entry %u of the dictionary", i);
            return bad_envelope(d, err, what, "text");
        }
    }
    d->dictionary_n = n;
    return got ? dd_decode_fail(d, err) : GW_OK;
}

enum gw_code dd_v05_begin(struct dd_decoder *d, struct gw_err *err)
{
    uint32_t n, chunks = 0;
    enum dd_got got = dd_msgpack_array(&d->in, &n);
    if (got == DD_OTHER_TYPE)
        return bad_envelope(d, err, "the payload", "[dictionary, chunks]");
    if (got)
        return dd_decode_fail(d, err);
    if (n == 0) /* a probe: `90` or nil */
        return GW_OK;
    if (n != 2)
        return gw_fail(err, GW_BAD_ENVELOPE, 0, "the payload is an array of %u, want [dictionary, chunks]",
                       n);
    enum gw_code code = read_dictionary(d, err);
    if (code)
        return code;
    got = dd_msgpack_array(&d->in, &chunks);
    d->chunks_left = chunks;
    if (got == DD_OTHER_TYPE)
        return bad_envelope(d, err, "the second element", "an array of chunks");
    return got ? dd_decode_fail(d, err) : GW_OK;
}

/* Reads any other form of an index: a wider number, or nil for the empty text. */
static enum dd_got read_index_any(struct dd_decoder *d, gw_str *out, bool *outside)
{
    uint64_t index;
    *out = GW_NOSTR;
    if (dd_msgpack_nil(&d->in))
        return DD_TAKEN;
    enum dd_got got = dd_msgpack_u64(&d->in, &index);
    if (got)
        return got;
    if (index >= d->dictionary_n) {
        *outside = true;
        return DD_OTHER_TYPE;
    }
    *out = d->dictionary[index];
    return DD_TAKEN;
}

static inline enum dd_got read_index(struct dd_decoder *d, gw_str *out, bool *outside)
{
    return dd_take_index(&d->in, d->dictionary, d->dictionary_n, out) ? DD_TAKEN
                                                                      : read_index_any(d, out, outside);
}

static enum dd_got read_meta(struct dd_decoder *d, struct dd_span *s, bool *outside)
{
    uint32_t n;
    enum dd_got got = dd_msgpack_map(&d->in, &n);
    if (got || n == 0)
        return got;
    struct dd_text *t = gw_arena_raw(d->arena, n, sizeof *t);
    if (!t)
        return DD_ILL_FORMED;
    s->meta = t;
    s->meta_n = n;
    for (uint32_t i = 0; i < n; i++, t++)
        if ((got = read_index(d, &t->key, outside)) || (got = read_index(d, &t->value, outside)))
            return got;
    return DD_TAKEN;
}

static enum dd_got read_metrics(struct dd_decoder *d, struct dd_span *s, bool *outside)
{
    uint32_t n;
    union dd_number_value v;
    enum dd_got got = dd_msgpack_map(&d->in, &n);
    if (got || n == 0)
        return got;
    struct dd_number *m = gw_arena_raw(d->arena, n, sizeof *m);
    if (!m)
        return DD_ILL_FORMED;
    s->metrics = m;
    for (uint32_t i = 0; i < n; i++) {
        bool number = true;
        if ((got = read_index(d, &m->key, outside)) || (got = dd_maps_number(d, &m->kind, &v, &number)))
            return got;
        m->u = v.u;
        m += number;
        d->left_out.tags += !number;
    }
    s->metrics_n = (size_t)(m - s->metrics);
    return DD_TAKEN;
}

/* The 12 fields, in the order of the wire. */
static enum dd_got read_fields(struct dd_decoder *d, struct dd_span *s, bool *outside)
{
    struct dd_msgpack *in = &d->in;
    enum dd_got got;
    if ((got = read_index(d, &s->service, outside)) || (got = read_index(d, &s->name, outside)) ||
        (got = read_index(d, &s->resource, outside)))
        return got;
    if ((got = dd_msgpack_u64(in, &s->trace_id)) || (got = dd_msgpack_u64(in, &s->span_id)) ||
        (got = dd_msgpack_u64(in, &s->parent_id)))
        return got;
    if ((got = dd_msgpack_i64(in, &s->start)) || (got = dd_msgpack_i64(in, &s->duration)) ||
        (got = dd_decode_error(in, &s->error)))
        return got;
    if ((got = read_meta(d, s, outside)) || (got = read_metrics(d, s, outside)))
        return got;
    return read_index(d, &s->type, outside);
}

enum dd_got dd_v05_span(struct dd_decoder *d, struct dd_span *s, enum gw_reason *why)
{
    uint32_t n;
    bool outside = false;
    enum dd_got got = dd_msgpack_array(&d->in, &n);
    *s = (struct dd_span){0};
    if (!got && n != FIELDS) {
        outside = true;
        got = DD_OTHER_TYPE;
    }
    if (!got)
        got = read_fields(d, s, &outside);
    *why = outside ? GW_REASON_BAD_INDEX : GW_REASON_BAD_SPAN;
    return got;
}
