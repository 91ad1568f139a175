/* SPDX-License-Identifier: Apache-2.0
 * v0.3 and v0.4: an array of chunks, a chunk an array of spans, a span a map with text keys in any order. */
#include "translators/ddtrace/dd_decode.h"
enum gw_code dd_v04_begin(struct dd_decoder *d, struct gw_err *err)
{
    uint32_t n;
    switch (dd_msgpack_array(&d->in, &n)) {
    case DD_TAKEN:
        d->chunks_left = n;
        return GW_OK;
    case DD_OTHER_TYPE:
        return gw_fail(err, GW_BAD_ENVELOPE, 0, "the payload is %s, want an array of chunks", dd_kind_name(dd_msgpack_kind(&d->in)));
    default:
        return dd_decode_fail(d, err);
    }
}

static inline enum dd_got read_field(struct dd_decoder *d, struct dd_span *s, enum dd_field field)
{
    struct dd_msgpack *in = &d->in;
    switch (field) {
    case DD_F_SERVICE:
        return dd_msgpack_text(in, &s->service);
    case DD_F_NAME:
        return dd_msgpack_text(in, &s->name);
    case DD_F_RESOURCE:
        return dd_msgpack_text(in, &s->resource);
    case DD_F_TYPE:
        return dd_msgpack_text(in, &s->type);
    case DD_F_TRACE_ID:
        return dd_msgpack_u64(in, &s->trace_id);
    case DD_F_SPAN_ID:
        return dd_msgpack_u64(in, &s->span_id);
    case DD_F_PARENT_ID:
        return dd_msgpack_u64(in, &s->parent_id);
    case DD_F_START:
        return dd_msgpack_i64(in, &s->start);
    case DD_F_DURATION:
        return dd_msgpack_i64(in, &s->duration);
    case DD_F_ERROR:
        return dd_decode_error(in, &s->error);
    case DD_F_META:
        return dd_maps_texts(d, &s->meta, &s->meta_n);
    case DD_F_METRICS:
        return dd_maps_numbers(d, &s->metrics, &s->metrics_n);
    case DD_F_META_STRUCT:
        return dd_maps_structs(d, &s->meta_struct, &s->meta_struct_n);
    case DD_F_LINKS:
        return dd_parts_links(d, s);
    case DD_F_EVENTS:
        return dd_parts_events(d, s);
    default:
        return dd_msgpack_skip(in);
    }
}

enum dd_got dd_v04_span(struct dd_decoder *d, struct dd_span *s, enum gw_reason *why)
{
    uint32_t n;
    enum dd_got got = dd_msgpack_map(&d->in, &n);
    *s = (struct dd_span){0};
    *why = GW_WHY_BAD_SPAN;
    for (uint32_t i = 0; !got && i < n; i++) {
        gw_str key = GW_NOSTR;
        got = dd_msgpack_text(&d->in, &key);
        if (got == DD_OTHER_TYPE) /* no text names nothing */
            got = dd_msgpack_skip(&d->in);
        if (!got)
            got = read_field(d, s, dd_span_field(key));
    }
    return got;
}
