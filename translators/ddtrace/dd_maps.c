/* SPDX-License-Identifier: Apache-2.0
 * Maps of tags in msgpack formats with text keys: the larger part of every span, so the usual entry takes the short way and
 * everything else goes through `odd_…`. */
#include "translators/ddtrace/dd_decode.h"

#define UNLIKELY(x) __builtin_expect(!!(x), 0)

enum dd_got dd_maps_scalar_text(struct dd_decoder *d, gw_str *out)
{
    enum dd_number_kind kind;
    union dd_number_value v;
    bool b;
    enum dd_got got = dd_msgpack_text(&d->in, out);
    if (got != DD_OTHER_TYPE)
        return got;
    got = dd_msgpack_bool(&d->in, &b);
    if (got == DD_TAKEN)
        *out = b ? GW_STR("true") : GW_STR("false");
    if (got != DD_OTHER_TYPE)
        return got;
    got = dd_msgpack_number(&d->in, &kind, &v);
    if (got == DD_TAKEN)
        *out = dd_decode_number_text(d->arena, kind, v);
    return got == DD_TAKEN && d->arena->spent ? DD_ILL_FORMED : got;
}

enum dd_got dd_maps_key(struct dd_decoder *d, gw_str *key, bool *named)
{
    enum dd_got got = dd_maps_scalar_text(d, key);
    *named = got == DD_TAKEN;
    return got == DD_OTHER_TYPE ? dd_msgpack_skip(&d->in) : got;
}

/* The header of a map and room for its entries. */
static enum dd_got open_map(struct dd_decoder *d, size_t size, void **entries, uint32_t *n)
{
    enum dd_got got = dd_msgpack_map(&d->in, n);
    *entries = NULL;
    if (got || *n == 0)
        return got;
    *entries = gw_arena_raw(d->arena, *n, size);
    return *entries ? DD_TAKEN : DD_ILL_FORMED;
}

/* The entry at d->in that is not short text and short text. *kept: it could be read all the same. */
static enum dd_got odd_text(struct dd_decoder *d, struct dd_text *t, bool *kept)
{
    const uint8_t *start = d->in.at;
    *kept = true;
    if (!dd_msgpack_text(&d->in, &t->key) && !dd_msgpack_text(&d->in, &t->value)) /* dd-trace-js writes str32, always */
        return DD_TAKEN;
    d->in.at = start;
    enum dd_got got = dd_maps_key(d, &t->key, kept);
    if (got)
        return got;
    got = dd_maps_scalar_text(d, &t->value);
    if (got != DD_OTHER_TYPE)
        return got;
    *kept = false;
    return dd_msgpack_skip(&d->in);
}

enum dd_got dd_maps_texts(struct dd_decoder *d, struct dd_text **out, size_t *out_n)
{
    struct dd_msgpack *in = &d->in;
    uint32_t n;
    void *entries;
    enum dd_got got = open_map(d, sizeof **out, &entries, &n);
    if (got)
        return got;
    struct dd_text *t = entries;
    const uint8_t *at = in->at; /* in a register: this is the innermost loop of all */
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *after = dd_msgpack_short_text(at, in->end, &t->key);
        if (after)
            after = dd_msgpack_short_text(after, in->end, &t->value);
        bool kept = true;
        if (UNLIKELY(!after)) {
            in->at = at;
            if (odd_text(d, t, &kept))
                return DD_ILL_FORMED;
            d->left_out.tags += !kept;
            after = in->at;
        }
        at = after;
        t += kept;
    }
    in->at = at;
    *out = entries;
    *out_n = (size_t)(t - *out);
    return DD_TAKEN;
}

enum dd_got dd_maps_number(struct dd_decoder *d, enum dd_number_kind *kind, union dd_number_value *v, bool *number)
{
    gw_str text;
    bool b = false;
    enum dd_got got = dd_msgpack_number(&d->in, kind, v);
    *number = true;
    if (got != DD_OTHER_TYPE)
        return got;
    got = dd_msgpack_text(&d->in, &text);
    if (got == DD_TAKEN)
        *number = dd_decode_text_number(text, kind, v);
    if (got != DD_OTHER_TYPE)
        return got;
    got = dd_msgpack_bool(&d->in, &b);
    *kind = DD_INT;
    v->i = b;
    if (got != DD_OTHER_TYPE)
        return got;
    *number = false;
    return dd_msgpack_skip(&d->in);
}

static enum dd_got odd_number(struct dd_decoder *d, struct dd_number *m, bool *kept)
{
    union dd_number_value v = {0};
    bool named, number = false;
    enum dd_got got = dd_maps_key(d, &m->key, &named);
    if (!got)
        got = dd_maps_number(d, &m->kind, &v, &number);
    m->u = v.u;
    *kept = named && number;
    return got;
}

enum dd_got dd_maps_numbers(struct dd_decoder *d, struct dd_number **out, size_t *out_n)
{
    struct dd_msgpack *in = &d->in;
    uint32_t n;
    void *entries;
    enum dd_got got = open_map(d, sizeof **out, &entries, &n);
    if (got)
        return got;
    struct dd_number *m = entries;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *start = in->at;
        union dd_number_value v;
        bool kept = true;
        if (UNLIKELY(dd_msgpack_text(in, &m->key) || dd_msgpack_number(in, &m->kind, &v))) {
            in->at = start;
            if (odd_number(d, m, &kept))
                return DD_ILL_FORMED;
            d->left_out.tags += !kept;
        } else {
            m->u = v.u;
        }
        m += kept;
    }
    *out = entries;
    *out_n = (size_t)(m - *out);
    return DD_TAKEN;
}

enum dd_got dd_maps_structs(struct dd_decoder *d, struct dd_text **out, size_t *out_n)
{
    uint32_t n;
    void *entries;
    enum dd_got got = open_map(d, sizeof **out, &entries, &n);
    if (got)
        return got;
    struct dd_text *t = entries;
    for (uint32_t i = 0; i < n; i++) {
        bool named;
        if (dd_maps_key(d, &t->key, &named))
            return DD_ILL_FORMED;
        bool nil = dd_msgpack_kind(&d->in) == DD_NIL;
        got = dd_msgpack_text(&d->in, &t->value);
        if (got == DD_OTHER_TYPE)
            got = dd_msgpack_raw(&d->in, &t->value);
        if (got)
            return got;
        d->left_out.tags += !named;
        t += named && !nil;
    }
    *out = entries;
    *out_n = (size_t)(t - *out);
    return DD_TAKEN;
}
