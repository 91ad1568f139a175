/* Reads maps of tags in msgpack formats with text keys (v0.4: meta, metrics, meta_struct; attributes of span
 * links). They are the larger part of every span, so the loop handles the usual entry itself; functions named
 * …_any read all others.
 *
 * Keeps no state; entries go to the decoder's arena. Called by dd_v04.c, dd_v05.c (single values) and
 * dd_parts_msgpack.c.
 * SPDX-License-Identifier: Apache-2.0 */
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

/* Reads the entry at `at` and returns where the next one begins; NULL if the body is not well-formed or the
 * arena's budget is used up. *kept is true before the call; the function sets it to false if the entry is
 * left out. */
typedef const uint8_t *read_entry_f(struct dd_decoder *, const uint8_t *at, void *entry, bool *kept);

/* Reads a map into an array of entries of `size` bytes each. Always inlined, so that each caller has its own
 * loop with its own reader, and `at` in a register: this is the innermost loop of the decoder. */
__attribute__((always_inline)) static inline enum dd_got
read_entries(struct dd_decoder *d, read_entry_f *read, size_t size, void **out, size_t *out_n)
{
    uint32_t n;
    enum dd_got got = dd_msgpack_map(&d->in, &n);
    if (got)
        return got;
    *out = NULL;
    *out_n = 0;
    if (n == 0)
        return DD_TAKEN;
    char *entries = gw_arena_raw(d->arena, n, size), *entry = entries;
    if (!entries)
        return DD_ILL_FORMED;
    const uint8_t *at = d->in.at;
    for (uint32_t i = 0; i < n; i++) {
        bool kept = true;
        at = read(d, at, entry, &kept);
        if (UNLIKELY(!at))
            return DD_ILL_FORMED;
        entry += kept ? size : 0;
    }
    d->in.at = at;
    *out = entries;
    *out_n = (size_t)(entry - entries) / size;
    return DD_TAKEN;
}

/* Returns the reader's position after `got`, or NULL. */
static const uint8_t *next_entry(const struct dd_decoder *d, enum dd_got got)
{
    return got == DD_TAKEN ? d->in.at : NULL;
}

static enum dd_got read_any_text(struct dd_decoder *d, struct dd_text *t, bool *kept)
{
    enum dd_got got = dd_maps_key(d, &t->key, kept);
    if (got)
        return got;
    got = dd_maps_scalar_text(d, &t->value);
    if (got != DD_OTHER_TYPE)
        return got;
    *kept = false;
    return dd_msgpack_skip(&d->in);
}

/* Reads an entry that is not two short texts. */
static const uint8_t *text_entry_any(struct dd_decoder *d, const uint8_t *at, struct dd_text *t, bool *kept)
{
    d->in.at = at;
    /* dd-trace-js always writes str32 */
    if (!dd_msgpack_text(&d->in, &t->key) && !dd_msgpack_text(&d->in, &t->value))
        return d->in.at;
    d->in.at = at;
    enum dd_got got = read_any_text(d, t, kept);
    d->left_out.tags += !*kept;
    return next_entry(d, got);
}

static inline const uint8_t *text_entry(struct dd_decoder *d, const uint8_t *at, void *entry, bool *kept)
{
    struct dd_text *t = entry;
    const uint8_t *next = dd_msgpack_short_text(at, d->in.end, &t->key);
    if (next)
        next = dd_msgpack_short_text(next, d->in.end, &t->value);
    return UNLIKELY(!next) ? text_entry_any(d, at, t, kept) : next;
}

enum dd_got dd_maps_texts(struct dd_decoder *d, struct dd_text **out, size_t *out_n)
{
    void *entries = *out;
    enum dd_got got = read_entries(d, text_entry, sizeof **out, &entries, out_n);
    *out = entries;
    return got;
}

enum dd_got dd_maps_number(struct dd_decoder *d, enum dd_number_kind *kind, union dd_number_value *v,
                           bool *number)
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

/* Reads an entry that is not a text and a number. */
static const uint8_t *number_entry_any(struct dd_decoder *d, const uint8_t *at, struct dd_number *m,
                                       bool *kept)
{
    union dd_number_value v = {0};
    bool named, number = false;
    d->in.at = at;
    enum dd_got got = dd_maps_key(d, &m->key, &named);
    if (!got)
        got = dd_maps_number(d, &m->kind, &v, &number);
    m->u = v.u;
    *kept = named && number;
    d->left_out.tags += !*kept;
    return next_entry(d, got);
}

static inline const uint8_t *number_entry(struct dd_decoder *d, const uint8_t *at, void *entry, bool *kept)
{
    struct dd_number *m = entry;
    union dd_number_value v;
    d->in.at = at;
    if (UNLIKELY(dd_msgpack_text(&d->in, &m->key) || dd_msgpack_number(&d->in, &m->kind, &v)))
        return number_entry_any(d, at, m, kept);
    m->u = v.u;
    return d->in.at;
}

enum dd_got dd_maps_numbers(struct dd_decoder *d, struct dd_number **out, size_t *out_n)
{
    void *entries = *out;
    enum dd_got got = read_entries(d, number_entry, sizeof **out, &entries, out_n);
    *out = entries;
    return got;
}

/* Reads the bytes of a msgpack value, either inside a bin or directly. */
static const uint8_t *struct_entry(struct dd_decoder *d, const uint8_t *at, void *entry, bool *kept)
{
    struct dd_text *t = entry;
    bool named;
    d->in.at = at;
    if (dd_maps_key(d, &t->key, &named))
        return NULL;
    bool nil = dd_msgpack_kind(&d->in) == DD_NIL;
    enum dd_got got = dd_msgpack_text(&d->in, &t->value);
    if (got == DD_OTHER_TYPE)
        got = dd_msgpack_raw(&d->in, &t->value);
    *kept = named && !nil;
    d->left_out.tags += !named;
    return next_entry(d, got);
}

enum dd_got dd_maps_structs(struct dd_decoder *d, struct dd_text **out, size_t *out_n)
{
    void *entries = *out;
    enum dd_got got = read_entries(d, struct_entry, sizeof **out, &entries, out_n);
    *out = entries;
    return got;
}
