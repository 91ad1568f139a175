/* dd_msgpack.h: a cursor over msgpack bytes.
 *
 *      begin        at ──▶                         end
 *      [.. read ..][ next value ][ ............... ]        texts are views; nothing is copied or allocated
 *
 * A typed read takes the next value, or returns why it cannot and leaves `at` unchanged:
 *
 *      DD_TAKEN       the value is in *out, `at` is after it
 *      DD_OTHER_TYPE  a well-formed value of another type: the caller may skip it (dd_msgpack_skip)
 *      DD_ILL_FORMED  not msgpack: `bad`, `why` and `claimed` describe the error (dd_msgpack_fail); stop
 *
 * Reads are as tolerant as Datadog's agent, because tracers rely on it: nil is "", 0 or an empty container;
 * text may be str or bin; an integer may have any width and sign, or be a float without a fraction; a float
 * may be an integer. A negative integer read as unsigned keeps its 64 bits (some encoders write ids as
 * signed). An unsigned integer above INT64_MAX read as signed is INT64_MAX.
 *
 * Hostile input: a length or count is accepted only if the remaining bytes allow it (every value takes at
 * least one byte). So a count that was DD_TAKEN may size an allocation. A count above `max_elements` is
 * ill-formed. Skipping is iterative, so nesting uses no stack. Typed reads of containers nest only as deep as
 * the calling code.
 *
 * Threads: one owner. Ownership: the bytes belong to the caller and must outlive every view.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_MSGPACK_H
#define DD_MSGPACK_H

#include "core/base/err.h"
#include "core/base/str.h"

enum dd_got { DD_TAKEN = 0, DD_OTHER_TYPE, DD_ILL_FORMED };

struct dd_msgpack {
    const uint8_t *at, *end, *begin;
    uint32_t max_elements; /* of one array or map */
    /* Set after DD_ILL_FORMED. */
    const uint8_t *bad; /* the byte that cannot be read */
    const char *why;
    uint64_t claimed; /* the length or count that is too large; 0: not applicable */
};

/* The type of the next value. DD_END: there is none. DD_NEVER: 0xc1, which msgpack does not use. */
enum dd_kind {
    DD_END,
    DD_NEVER,
    DD_NIL,
    DD_BOOL,
    DD_INTEGER,
    DD_FLOAT,
    DD_STR,
    DD_BIN,
    DD_ARRAY,
    DD_MAP,
    DD_EXT
};

/* A number in the type that it has on the wire. DD_UINT only above INT64_MAX. */
enum dd_number_kind { DD_INT, DD_UINT, DD_DOUBLE };
union dd_number_value {
    int64_t i;
    uint64_t u;
    double d;
};

/* Converts a number to the type of a field. Returns false if it has a fraction or is out of range. */
bool dd_number_u64(enum dd_number_kind, union dd_number_value, uint64_t *out);
/* an unsigned value above INT64_MAX becomes INT64_MAX */
bool dd_number_i64(enum dd_number_kind, union dd_number_value, int64_t *out);
double dd_number_double(enum dd_number_kind, union dd_number_value);

void dd_msgpack_init(struct dd_msgpack *, gw_str bytes, uint32_t max_elements);

enum dd_kind dd_msgpack_kind(const struct dd_msgpack *);
const char *dd_kind_name(enum dd_kind); /* Returns "map", for instance. */

/* The reads below handle the usual forms inline and call these for the others. */
enum dd_got dd_msgpack_text_any(struct dd_msgpack *, gw_str *out);
enum dd_got dd_msgpack_u64_any(struct dd_msgpack *, uint64_t *out);
enum dd_got dd_msgpack_i64_any(struct dd_msgpack *, int64_t *out);
enum dd_got dd_msgpack_number_any(struct dd_msgpack *, enum dd_number_kind *, union dd_number_value *);
enum dd_got dd_msgpack_container_any(struct dd_msgpack *, enum dd_kind, uint32_t *n);

/* Takes nil if it is the next value. */
static inline bool dd_msgpack_nil(struct dd_msgpack *in)
{
    if (in->at == in->end || *in->at != 0xc0)
        return false;
    in->at++;
    return true;
}

/* Moves past the next value of any type. Returns DD_TAKEN or DD_ILL_FORMED. */
enum dd_got dd_msgpack_skip(struct dd_msgpack *);
/* The same, and *out is the value's bytes. */
enum dd_got dd_msgpack_raw(struct dd_msgpack *, gw_str *out);

static inline uint64_t dd_msgpack_be64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}

static inline uint32_t dd_msgpack_be32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}

/* Reads fixstr and str8, without a branch between them, because their lengths follow no pattern. Returns the
 * byte after the text, or NULL for another form or an incomplete text. */
static inline const uint8_t *dd_msgpack_short_text(const uint8_t *p, const uint8_t *end, gw_str *out)
{
    size_t left = (size_t)(end - p);
    if (__builtin_expect(left < 2, 0))
        return NULL;
    size_t first = p[0], second = p[1], wide = first == 0xd9;
    size_t head = 1 + wide, len = wide ? second : first & 31;
    if (__builtin_expect(((first & 0xe0) != 0xa0 && !wide) || len > left - head, 0))
        return NULL;
    *out = gw_str_n((const char *)p + head, len);
    return p + head + len;
}

/* Reads str, bin or nil. */
static inline enum dd_got dd_msgpack_text(struct dd_msgpack *in, gw_str *out)
{
    const uint8_t *after = dd_msgpack_short_text(in->at, in->end, out);
    if (__builtin_expect(!after, 0))
        return dd_msgpack_text_any(in, out);
    in->at = after;
    return DD_TAKEN;
}

/* Reads the header of a container; its elements follow (maps: n keys and n values). nil is an empty
 * container. Inline: up to 15 elements, and maps of up to 255 (a span of v1.0 has 16 fields). */
static inline enum dd_got dd_msgpack_array(struct dd_msgpack *in, uint32_t *n)
{
    size_t left = (size_t)(in->end - in->at);
    if (__builtin_expect(left < 16 || (*in->at & 0xf0) != 0x90, 0))
        return dd_msgpack_container_any(in, DD_ARRAY, n);
    *n = *in->at++ & 15;
    return DD_TAKEN;
}

static inline enum dd_got dd_msgpack_map(struct dd_msgpack *in, uint32_t *n)
{
    size_t left = (size_t)(in->end - in->at);
    if (left < 3 + 2 * UINT8_MAX)
        return dd_msgpack_container_any(in, DD_MAP, n);
    if (in->at[0] == 0xde && in->at[1] == 0) {
        *n = in->at[2];
        in->at += 3;
        return DD_TAKEN;
    }
    if (__builtin_expect((*in->at & 0xf0) != 0x80, 0))
        return dd_msgpack_container_any(in, DD_MAP, n);
    *n = *in->at++ & 15;
    return DD_TAKEN;
}

/* Inline: ids, which are uint64, and small numbers. */
static inline enum dd_got dd_msgpack_u64(struct dd_msgpack *in, uint64_t *out)
{
    const uint8_t *p = in->at;
    size_t left = (size_t)(in->end - p);
    if (__builtin_expect(left >= 9 && *p == 0xcf, 1)) {
        *out = dd_msgpack_be64(p + 1);
        in->at = p + 9;
        return DD_TAKEN;
    }
    if (left < 1 || *p >= 0x80)
        return dd_msgpack_u64_any(in, out);
    *out = *p;
    in->at = p + 1;
    return DD_TAKEN;
}

/* Inline: values of 64 bits (start) or 32 bits (most durations), and small numbers. */
static inline enum dd_got dd_msgpack_i64(struct dd_msgpack *in, int64_t *out)
{
    const uint8_t *p = in->at;
    size_t left = (size_t)(in->end - p);
    if (left < 9)
        return dd_msgpack_i64_any(in, out);
    if (*p == 0xcf || *p == 0xd3) {
        uint64_t v = dd_msgpack_be64(p + 1);
        *out = *p == 0xcf && v > INT64_MAX ? INT64_MAX : (int64_t)v;
        in->at = p + 9;
    } else if (*p == 0xce || *p == 0xd2) {
        uint32_t v = dd_msgpack_be32(p + 1);
        *out = *p == 0xce ? (int64_t)v : (int32_t)v;
        in->at = p + 5;
    } else if (*p < 0x80) {
        *out = *p;
        in->at = p + 1;
    } else {
        return dd_msgpack_i64_any(in, out);
    }
    return DD_TAKEN;
}

/* Reads any number in its own type; nil is DD_INT 0. Inline: float64 and small integers. */
static inline enum dd_got dd_msgpack_number(struct dd_msgpack *in, enum dd_number_kind *kind,
                                            union dd_number_value *v)
{
    const uint8_t *p = in->at;
    size_t left = (size_t)(in->end - p);
    if (left >= 9 && *p == 0xcb) {
        *kind = DD_DOUBLE;
        v->u = dd_msgpack_be64(p + 1); /* the bits of the double */
        in->at = p + 9;
        return DD_TAKEN;
    }
    if (left < 1 || *p >= 0x80)
        return dd_msgpack_number_any(in, kind, v);
    *kind = DD_INT;
    v->i = *p;
    in->at = p + 1;
    return DD_TAKEN;
}

enum dd_got dd_msgpack_double(struct dd_msgpack *, double *out);
enum dd_got dd_msgpack_bool(struct dd_msgpack *, bool *out); /* nil is false */

/* Returns the offset of `at`. */
static inline size_t dd_msgpack_pos(const struct dd_msgpack *in)
{
    return (size_t)(in->at - in->begin);
}

/* After DD_ILL_FORMED: returns the error for the sender, GW_BAD_MSGPACK. */
enum gw_code dd_msgpack_fail(const struct dd_msgpack *, struct gw_err *);

#endif
