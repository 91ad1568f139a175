/* Reads v0.3 and v0.4 in msgpack: an array of chunks; a chunk is an array of spans; a span is a map with text
 * keys in any order. If a plan fits, the map of tags is compared in the body and not decoded (dd_plan.h).
 *
 * The state is in the caller's struct dd_decoder. Called by dd_decode.c; dd_scan.c reads the tags that a plan
 * left undecoded.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_decode.h"
#include "translators/ddtrace/dd_plan.h"

enum gw_code dd_v04_begin(struct dd_decoder *d, struct gw_err *err)
{
    uint32_t n;
    switch (dd_msgpack_array(&d->in, &n)) {
    case DD_TAKEN:
        d->chunks_left = n;
        return GW_OK;
    case DD_OTHER_TYPE:
        return gw_fail(err, GW_BAD_ENVELOPE, 0, "the payload is %s, want an array of chunks",
                       dd_kind_name(dd_msgpack_kind(&d->in)));
    default:
        return dd_decode_fail(d, err);
    }
}

/* Reads a map and remembers its position. */
static enum dd_got read_meta(struct dd_decoder *d, struct dd_span *s)
{
    const uint8_t *from = d->in.at;
    enum dd_got got = dd_maps_texts(d, &s->meta, &s->meta_n);
    s->meta_raw = gw_str_n((const char *)from, (size_t)(d->in.at - from));
    return got;
}

static enum dd_got read_metrics(struct dd_decoder *d, struct dd_span *s)
{
    const uint8_t *from = d->in.at;
    enum dd_got got = dd_maps_numbers(d, &s->metrics, &s->metrics_n);
    s->metrics_raw = gw_str_n((const char *)from, (size_t)(d->in.at - from));
    return got;
}

bool dd_v04_maps(struct dd_span *s, struct gw_arena *arena)
{
    struct dd_decoder d = {.format = DD_V04_MSGPACK, .arena = arena};
    s->plan = NULL;
    if (!s->meta_raw.len) /* v1.0 */
        return true;
    dd_msgpack_init(&d.in, s->meta_raw, DD_MAX_ELEMENTS);
    if (dd_maps_texts(&d, &s->meta, &s->meta_n))
        return false;
    dd_msgpack_init(&d.in, s->metrics_raw, DD_MAX_ELEMENTS);
    return !s->metrics_raw.len || !dd_maps_numbers(&d, &s->metrics, &s->metrics_n);
}

/* Reads a span by a plan, from its meta on, which tracers write after the names. `*metrics_planned`: the
 * metrics were read too. */
static enum dd_got plan_meta(struct dd_decoder *d, struct dd_span *s, bool metrics_planned)
{
    bool repeated = s->meta_raw.ptr;
    if (s->plan && !dd_v04_maps(s, d->arena)) /* if meta occurs twice, the later one counts */
        return DD_ILL_FORMED;
    if (d->plans && !repeated && !metrics_planned)
        s->plan = dd_plan_meta(d->plans, s, &d->in, d->arena);
    return s->plan ? DD_TAKEN : read_meta(d, s);
}

static enum dd_got plan_metrics(struct dd_decoder *d, struct dd_span *s, bool *metrics_planned)
{
    if (*metrics_planned) /* the same for metrics */
        *metrics_planned = false;
    else if (s->plan && dd_plan_metrics(d->plans, s, &d->in, d->arena))
        return *metrics_planned = true, DD_TAKEN;
    return read_metrics(d, s);
}

/* The state of a span while it is read. */
struct reading {
    bool metrics_planned, renamed; /* arguments of dd_plan_settled */
};

static inline enum dd_got read_field(struct dd_decoder *d, struct dd_span *s, enum dd_field field,
                                     struct reading *r)
{
    struct dd_msgpack *in = &d->in;
    switch (field) {
    case DD_F_SERVICE:
        r->renamed |= s->plan != NULL;
        return dd_msgpack_text(in, &s->service);
    case DD_F_NAME:
        r->renamed |= s->plan != NULL;
        return dd_msgpack_text(in, &s->name);
    case DD_F_RESOURCE:
        r->renamed |= s->plan != NULL;
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
        return plan_meta(d, s, r->metrics_planned);
    case DD_F_METRICS:
        return plan_metrics(d, s, &r->metrics_planned);
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

/* The fields by the bytes of their keys in a body, up to 15 bytes. */
struct wire_key {
    char bytes[16]; /* the rest is zero */
    uint8_t len;
};
#define KEY(field, length, name) [DD_F_##field] = {length name, sizeof(length name) - 1}
static const struct wire_key wire_keys[] = {KEY(SERVICE, "\xa7", "service"),
                                            KEY(NAME, "\xa4", "name"),
                                            KEY(RESOURCE, "\xa8", "resource"),
                                            KEY(TYPE, "\xa4", "type"),
                                            KEY(TRACE_ID, "\xa8", "trace_id"),
                                            KEY(SPAN_ID, "\xa7", "span_id"),
                                            KEY(PARENT_ID, "\xa9", "parent_id"),
                                            KEY(START, "\xa5", "start"),
                                            KEY(DURATION, "\xa8", "duration"),
                                            KEY(ERROR, "\xa5", "error"),
                                            KEY(META, "\xa4", "meta"),
                                            KEY(METRICS, "\xa7", "metrics"),
                                            KEY(META_STRUCT, "\xab", "meta_struct"),
                                            KEY(LINKS, "\xaa", "span_links"),
                                            KEY(EVENTS, "\xab", "span_events")};
#undef KEY

/* Reads the next key. A tracer writes the fields of all spans in one order, so the last span's order is tried
 * first. */
static inline enum dd_got read_key(struct dd_decoder *d, uint8_t *guess, enum dd_field *field)
{
    struct dd_msgpack *in = &d->in;
    const struct wire_key *likely = &wire_keys[*guess];
    gw_str key = GW_NOSTR;
    if (*guess && (size_t)(in->end - in->at) >= OTLP_WIDE &&
        otlp_same_narrow(likely->bytes, (const char *)in->at, likely->len)) {
        in->at += likely->len;
        *field = (enum dd_field) * guess;
        return DD_TAKEN;
    }
    enum dd_got got = dd_msgpack_text(in, &key);
    *field = dd_span_field(key);
    *guess = (uint8_t)*field;
    return got == DD_OTHER_TYPE ? dd_msgpack_skip(in) : got; /* a key that is not text is no known key */
}

static void clear_span(struct dd_span *s)
{
    memset(s, 0, offsetof(struct dd_span, meta)); /* in two parts, which compilers turn into moves */
    memset(&s->meta, 0, sizeof *s - offsetof(struct dd_span, meta));
}

enum dd_got dd_v04_span(struct dd_decoder *d, struct dd_span *s, enum gw_reason *why)
{
    uint32_t n;
    struct reading r = {0};
    enum dd_field field;
    enum dd_got got = dd_msgpack_map(&d->in, &n);
    clear_span(s);
    *why = GW_REASON_BAD_SPAN;
    for (uint32_t i = 0; !got && i < n; i++) {
        got = read_key(d, &d->order[i < DD_ORDER ? i : DD_ORDER - 1], &field);
        if (!got)
            got = read_field(d, s, field, &r);
    }
    if (!got && s->plan && !dd_plan_settled(d->plans, s, r.metrics_planned, r.renamed) &&
        !dd_v04_maps(s, d->arena))
        return DD_ILL_FORMED;
    return got;
}
