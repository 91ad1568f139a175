/* Reads single values of JSON payloads, with the tolerances of dd_msgpack.c, and walks over arrays and
 * objects.
 *
 * Keeps no state. Called by the other dd_json*.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_json.h"

/* The next value has another type than the caller reads; null is accepted as empty. */
static enum dd_got other_kind(struct dd_decoder *d, enum gw_json_kind kind)
{
    if (kind == GW_JSON_NULL)
        return dd_json_done(gw_json_null(&d->json));
    return kind == GW_JSON_NONE ? dd_json_done(gw_json_bad(&d->json, "want a value")) : DD_OTHER_TYPE;
}

enum dd_got dd_json_text(struct dd_decoder *d, gw_str *out)
{
    enum gw_json_kind kind = gw_json_kind(&d->json);
    *out = GW_NOSTR;
    return kind == GW_JSON_STRING ? dd_json_done(gw_json_text(&d->json, out)) : other_kind(d, kind);
}

enum dd_got dd_json_bool(struct dd_decoder *d, bool *out)
{
    enum gw_json_kind kind = gw_json_kind(&d->json);
    *out = false;
    return kind == GW_JSON_BOOL ? dd_json_done(gw_json_bool(&d->json, out)) : other_kind(d, kind);
}

enum dd_got dd_json_number(struct dd_decoder *d, enum dd_number_kind *kind, union dd_number_value *v)
{
    enum gw_json_kind next = gw_json_kind(&d->json);
    struct gw_json_number n;
    *kind = DD_INT;
    v->i = 0;
    if (next != GW_JSON_NUMBER)
        return other_kind(d, next);
    if (!gw_json_number(&d->json, &n))
        return DD_ILL_FORMED;
    *kind = n.type == GW_JSON_INT ? DD_INT : n.type == GW_JSON_UINT ? DD_UINT : DD_DOUBLE;
    v->u = n.u;
    return DD_TAKEN;
}

enum dd_got dd_json_u64(struct dd_decoder *d, uint64_t *out)
{
    enum dd_number_kind kind;
    union dd_number_value v;
    enum dd_got got = dd_json_number(d, &kind, &v);
    return got ? got : dd_number_u64(kind, v, out) ? DD_TAKEN : DD_OTHER_TYPE;
}

enum dd_got dd_json_i64(struct dd_decoder *d, int64_t *out)
{
    enum dd_number_kind kind;
    union dd_number_value v;
    enum dd_got got = dd_json_number(d, &kind, &v);
    return got ? got : dd_number_i64(kind, v, out) ? DD_TAKEN : DD_OTHER_TYPE;
}

enum dd_got dd_json_double(struct dd_decoder *d, double *out)
{
    enum dd_number_kind kind;
    union dd_number_value v;
    enum dd_got got = dd_json_number(d, &kind, &v);
    if (!got)
        *out = dd_number_double(kind, v);
    return got;
}

enum dd_got dd_json_scalar(struct dd_decoder *d, gw_str *out)
{
    struct gw_json_number n;
    bool b;
    switch (gw_json_kind(&d->json)) {
    case GW_JSON_NUMBER:
        if (!gw_json_number(&d->json, &n))
            return DD_ILL_FORMED;
        *out = n.text;
        return DD_TAKEN;
    case GW_JSON_BOOL:
        if (!gw_json_bool(&d->json, &b))
            return DD_ILL_FORMED;
        *out = b ? GW_STR("true") : GW_STR("false");
        return DD_TAKEN;
    default:
        return dd_json_text(d, out);
    }
}

enum dd_got dd_json_error(struct dd_decoder *d, int32_t *out)
{
    int64_t v;
    bool b;
    enum dd_got got;
    if (gw_json_kind(&d->json) == GW_JSON_BOOL) {
        got = dd_json_bool(d, &b);
        v = b;
    } else {
        got = dd_json_i64(d, &v);
    }
    if (!got)
        *out = dd_decode_int32(v);
    return got;
}

bool dd_json_enter(struct dd_decoder *d, enum gw_json_kind want, enum dd_got *got)
{
    enum gw_json_kind kind = gw_json_kind(&d->json);
    if (kind != want) {
        *got = other_kind(d, kind);
        return false;
    }
    *got = dd_json_done(want == GW_JSON_ARRAY ? gw_json_array(&d->json) : gw_json_object(&d->json));
    return *got == DD_TAKEN;
}

enum dd_got dd_json_walked(struct dd_decoder *d)
{
    return dd_json_done(!d->json.why);
}

enum dd_got dd_json_pass(struct dd_decoder *d, const struct gw_json *before)
{
    d->json = *before;
    return dd_json_done(gw_json_skip(&d->json));
}

void *dd_json_room(struct dd_decoder *d, void *items, size_t n, size_t size)
{
    if (n && (n < 8 || (n & (n - 1))))
        return items;
    void *more = gw_arena_raw(d->arena, n ? 2 * n : 8, size);
    if (more && n)
        memcpy(more, items, n * size);
    return more;
}
