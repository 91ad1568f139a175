/* Writes Span.links from the native list and from the tag `_dd.span_links`; a link that is in both is written
 * once.
 *
 * Keeps no state; writes into the caller's buffer. Called by dd_derive.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_links.h"

#include "core/base/json.h"
#include "translators/ddtrace/dd_any.h"
#include "translators/ddtrace/dd_tracestate.h"

/* Field numbers of opentelemetry/proto/trace/v1/trace.proto. */
enum { SPAN_LINKS = 13 };
enum {
    LINK_TRACE_ID = 1,
    LINK_SPAN_ID = 2,
    LINK_TRACE_STATE = 3,
    LINK_ATTRIBUTES = 4,
    LINK_DROPPED = 5,
    LINK_FLAGS = 6
};

#define FLAGS_ARE_PRESENT UINT32_C(0x80000000)

enum {
    SEARCHED = 64 /* how many native links a JSON link is compared with, besides the one at its own index */
};

/* A link of either kind, without its attributes. */
struct link {
    uint64_t high, low, span_id;
    gw_str tracestate;
    uint64_t flags, dropped;
    gw_str attributes; /* JSON text */
};

static void write_id(struct otlp_buf *w, unsigned field, const uint64_t *words, size_t n)
{
    char id[16];
    for (size_t i = 0; i < 8 * n; i++)
        id[i] = (char)(words[i / 8] >> (56 - i % 8 * 8));
    otlp_bytes(w, field, gw_str_n(id, 8 * n));
}

static bool has_ids(const struct link *l)
{
    return (l->high || l->low) && l->span_id;
}

/* A trace state that cannot be parsed is left out. */
static gw_str parsed_state(gw_str said, struct dd_oddities *odd)
{
    if (dd_tracestate_valid(said))
        return said;
    odd->bad_tracestate++;
    return GW_NOSTR;
}

static size_t open_link(struct otlp_buf *w, const struct link *l, bool low_only)
{
    size_t mark = otlp_open(w, SPAN_LINKS, 2);
    write_id(w, LINK_TRACE_ID, (uint64_t[]){low_only ? 0 : l->high, l->low}, 2);
    write_id(w, LINK_SPAN_ID, &l->span_id, 1);
    otlp_text(w, LINK_TRACE_STATE, l->tracestate);
    return mark;
}

static void close_link(struct otlp_buf *w, const struct link *l, size_t mark)
{
    otlp_uint(w, LINK_DROPPED, l->dropped > UINT32_MAX ? UINT32_MAX : l->dropped);
    otlp_fixed32(w, LINK_FLAGS, (uint32_t)l->flags & ~FLAGS_ARE_PRESENT);
    otlp_close(w, mark, 2);
}

static bool write_native(struct otlp_buf *w, struct gw_arena *arena, const struct dd_link *native,
                         bool low_only, struct dd_oddities *odd)
{
    struct dd_keys keys = {0};
    struct link l = {.high = native->trace_id_high,
                     .low = native->trace_id,
                     .span_id = native->span_id,
                     .tracestate = parsed_state(native->tracestate, odd),
                     .flags = native->flags,
                     .dropped = native->dropped};
    if (!has_ids(&l) && !native->attrs_n && !l.tracestate.len)
        return false;
    size_t mark = open_link(w, &l, low_only);
    for (size_t i = 0; i < native->attrs_n; i++) {
        dd_keys_note(&keys, arena, w, native->attrs[i].key);
        otlp_attr_text(w, LINK_ATTRIBUTES, native->attrs[i].key, native->attrs[i].value);
    }
    dd_keys_finish(&keys, arena, w, NULL, 0, odd);
    close_link(w, &l, mark);
    return true;
}

/* ---- the JSON ---- */

/* Reads hexadecimal text or an integer. *ok is false for anything else. */
static void read_word(struct gw_json *j, uint64_t *high, uint64_t *low, bool *ok)
{
    struct gw_json_number n;
    gw_str text;
    if (gw_json_kind(j) == GW_JSON_NUMBER && gw_json_number(j, &n)) {
        *low = n.type == GW_JSON_DOUBLE ? 0 : n.u;
        *ok = *ok && (n.type == GW_JSON_UINT || (n.type == GW_JSON_INT && n.i >= 0));
    } else if (gw_json_kind(j) == GW_JSON_STRING && gw_json_text(j, &text)) {
        *ok = *ok && dd_hex_id(text, high, low);
    } else {
        *ok = *ok && gw_json_kind(j) == GW_JSON_NULL;
        gw_json_skip(j);
    }
}

/* Reads a non-negative whole number, as a number or as decimal text. */
static void read_count(struct gw_json *j, uint64_t *out, bool *ok)
{
    struct gw_json_number n;
    gw_str text;
    double d = -1;
    if (gw_json_kind(j) == GW_JSON_STRING && gw_json_text(j, &text)) {
        *ok = *ok && (text.len == 0 || gw_str_u64(text, out));
    } else if (gw_json_kind(j) == GW_JSON_NUMBER && gw_json_number(j, &n)) {
        if (n.type == GW_JSON_DOUBLE)
            d = n.d;
        else
            *out = n.u;
        if (d >= 0 && d < 0x1p63 && (double)(uint64_t)d == d)
            *out = (uint64_t)d;
        else
            *ok = *ok && (n.type == GW_JSON_UINT || (n.type == GW_JSON_INT && n.i >= 0));
    } else {
        *ok = *ok && gw_json_kind(j) == GW_JSON_NULL;
        gw_json_skip(j);
    }
}

static void read_tracestate(struct gw_json *j, gw_str *out, bool *ok)
{
    if (gw_json_kind(j) == GW_JSON_STRING) {
        gw_json_text(j, out);
    } else {
        *ok = *ok && gw_json_kind(j) == GW_JSON_NULL;
        gw_json_skip(j);
    }
}

static void read_attributes(struct gw_json *j, gw_str *out, bool *ok)
{
    enum gw_json_kind kind = gw_json_kind(j);
    *ok = *ok && (kind == GW_JSON_OBJECT || kind == GW_JSON_NULL);
    gw_json_raw(j, out);
}

static bool has_members(gw_str object, struct gw_arena *arena)
{
    struct gw_json j;
    gw_str key;
    gw_json_init(&j, object, arena);
    return object.len && gw_json_kind(&j) == GW_JSON_OBJECT && gw_json_object(&j) && gw_json_member(&j, &key);
}

/* Reads one element of the array. *ok: it is a link. Unknown members are ignored. */
static void read_link(struct gw_json *j, struct link *l, bool *ok, struct dd_oddities *odd)
{
    gw_str key;
    if (gw_json_kind(j) != GW_JSON_OBJECT) {
        *ok = false;
        gw_json_skip(j);
        return;
    }
    gw_json_object(j);
    while (gw_json_member(j, &key)) {
        if (gw_str_eq(key, GW_STR("trace_id")))
            read_word(j, &l->high, &l->low, ok);
        else if (gw_str_eq(key, GW_STR("trace_id_high")))
            read_word(j, NULL, &l->high, ok);
        else if (gw_str_eq(key, GW_STR("span_id")))
            read_word(j, NULL, &l->span_id, ok);
        else if (gw_str_eq(key, GW_STR("tracestate")) || gw_str_eq(key, GW_STR("trace_state")))
            read_tracestate(j, &l->tracestate, ok);
        else if (gw_str_eq(key, GW_STR("flags")))
            read_count(j, &l->flags, ok);
        else if (gw_str_eq(key, GW_STR("dropped_attributes_count")))
            read_count(j, &l->dropped, ok);
        else if (gw_str_eq(key, GW_STR("attributes")))
            read_attributes(j, &l->attributes, ok);
        else
            gw_json_skip(j);
    }
    l->tracestate = parsed_state(l->tracestate, odd);
    *ok = *ok && (has_ids(l) || l->tracestate.len || has_members(l->attributes, j->arena));
}

/* Links without ids are compared by their attributes; tracers that send a link twice send the same
 * attributes. */
static bool same_attributes(const struct dd_link *native, gw_str json, struct gw_arena *arena)
{
    struct gw_json j;
    gw_str key, text;
    size_t n = 0;
    gw_json_init(&j, json, arena);
    if (gw_json_kind(&j) != GW_JSON_OBJECT)
        return !native->attrs_n;
    gw_json_object(&j);
    for (; gw_json_member(&j, &key); n++) {
        if (n >= native->attrs_n || gw_json_kind(&j) != GW_JSON_STRING || !gw_json_text(&j, &text) ||
            !gw_str_eq(key, native->attrs[n].key) || !gw_str_eq(text, native->attrs[n].value))
            return false;
    }
    return n == native->attrs_n;
}

static bool same_link(const struct dd_link *native, const struct link *l)
{
    return native->span_id == l->span_id && native->trace_id == l->low && native->trace_id_high == l->high;
}

/* Tracers that send both lists send them in the same order. */
static bool is_native(const struct dd_link *native, size_t n, const struct link *l, size_t place,
                      struct gw_arena *arena)
{
    bool same = place < n && same_link(&native[place], l);
    if (!has_ids(l))
        return same && same_attributes(&native[place], l->attributes, arena);
    for (size_t i = 0; !same && i < n && i < SEARCHED; i++)
        same = same_link(&native[i], l);
    return same;
}

static void write_parsed(struct otlp_buf *w, struct gw_arena *arena, const struct link *l, bool low_only,
                         struct dd_oddities *odd)
{
    struct gw_json attributes;
    size_t mark = open_link(w, l, low_only);
    gw_json_init(&attributes, l->attributes, arena);
    if (l->attributes.len)
        dd_attrs_json(w, LINK_ATTRIBUTES, &attributes, NULL, 0, odd);
    close_link(w, l, mark);
}

enum dd_tag_fate dd_write_links(struct otlp_buf *w, struct gw_arena *arena, const struct dd_link *native,
                                size_t n, gw_str json, bool low_only, struct dd_oddities *odd)
{
    bool all_good = true;
    for (size_t i = 0; i < n; i++)
        all_good &= write_native(w, arena, &native[i], low_only, odd);
    if (json.len == 0)
        return all_good ? DD_TAG_TAKEN : DD_TAG_MALFORMED;

    size_t undo = w->len;
    struct gw_json j;
    gw_json_init(&j, json, arena);
    gw_json_array(&j);
    for (size_t place = 0; gw_json_item(&j); place++) {
        struct link l = {0};
        bool ok = true;
        read_link(&j, &l, &ok, odd);
        if (ok && !j.why && !is_native(native, n, &l, place, arena))
            write_parsed(w, arena, &l, low_only, odd);
        all_good &= ok;
    }
    if (!gw_json_end(&j)) {
        w->len = undo;
        return DD_TAG_MALFORMED;
    }
    return all_good ? DD_TAG_TAKEN : DD_TAG_MALFORMED;
}
