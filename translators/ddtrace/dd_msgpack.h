/* dd_msgpack.h: a cursor over msgpack bytes.
 *
 *      begin        at ──▶                         end
 *      [.. read ..][ next value ][ ............... ]        text comes out as a view; nothing is copied or allocated
 *
 * A typed read either takes the next value, or says why not, and leaves `at` where it was:
 *
 *      DD_TAKEN       the value is in *out, `at` stands behind it
 *      DD_OTHER_TYPE  a well-formed value of a type that cannot be read as this: the caller may skip it (dd_msgpack_skip)
 *      DD_ILL_FORMED  no msgpack: `bad`, `why` and `claimed` tell the place and the words (dd_msgpack_fail); read no further
 *
 * Reads are as tolerant as Datadog's agent, because tracers rely on it: nil is "", 0 or an empty container; text may be str or
 * bin; an integer may have any width and sign, or be a float without a fraction; a float may be an integer. A negative integer
 * read as unsigned keeps its 64 bits (some encoders write ids as signed). An unsigned above INT64_MAX read as signed is
 * INT64_MAX.
 *
 * Hostile input: a length or count is believed only as far as the remaining bytes allow (every value takes at least one byte),
 * so a count that was DD_TAKEN may size an allocation; a count above `max_elements` is refused as ill-formed. Skipping is
 * iterative: nesting costs no stack. Typed reads of containers nest only as deep as the code that calls them.
 *
 * Threads: one owner. Ownership: the bytes are the caller's and outlive every view.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_MSGPACK_H
#define DD_MSGPACK_H

#include "gateway/err.h"
#include "gateway/str.h"

enum dd_got { DD_TAKEN = 0, DD_OTHER_TYPE, DD_ILL_FORMED };

struct dd_msgpack {
    const uint8_t *at, *end, *begin;
    uint32_t max_elements; /* of one array or map */
    /* after DD_ILL_FORMED */
    const uint8_t *bad; /* the byte that cannot be read */
    const char *why;
    uint64_t claimed; /* the length or count that is too large; 0 where there is none */
};

/* What the next value is. DD_END: no byte is left. DD_NEVER: 0xc1, which msgpack never uses. */
enum dd_kind { DD_END, DD_NEVER, DD_NIL, DD_BOOL, DD_INTEGER, DD_FLOAT, DD_STR, DD_BIN, DD_ARRAY, DD_MAP, DD_EXT };

/* A number in the type that the wire had. DD_UINT only above INT64_MAX. */
enum dd_number_kind { DD_INT, DD_UINT, DD_DOUBLE };
union dd_number_value {
    int64_t i;
    uint64_t u;
    double d;
};

/* A number as what a field wants: false when it has a fraction or is out of range. */
bool dd_number_u64(enum dd_number_kind, union dd_number_value, uint64_t *out);
bool dd_number_i64(enum dd_number_kind, union dd_number_value, int64_t *out); /* an unsigned above INT64_MAX is INT64_MAX */
double dd_number_double(enum dd_number_kind, union dd_number_value);

void dd_msgpack_init(struct dd_msgpack *, gw_str bytes, uint32_t max_elements);

enum dd_kind dd_msgpack_kind(const struct dd_msgpack *);
const char *dd_kind_name(enum dd_kind); /* "map" */

/* The header of a container; its elements (maps: n keys and n values) follow. nil is an empty one. */
enum dd_got dd_msgpack_array(struct dd_msgpack *, uint32_t *n);
enum dd_got dd_msgpack_map(struct dd_msgpack *, uint32_t *n);

enum dd_got dd_msgpack_u64(struct dd_msgpack *, uint64_t *out);
enum dd_got dd_msgpack_i64(struct dd_msgpack *, int64_t *out);
enum dd_got dd_msgpack_number(struct dd_msgpack *, enum dd_number_kind *, union dd_number_value *); /* nil is DD_INT 0 */
enum dd_got dd_msgpack_double(struct dd_msgpack *, double *out);
enum dd_got dd_msgpack_bool(struct dd_msgpack *, bool *out); /* nil is false */
/* An extension: its type and bytes. */
enum dd_got dd_msgpack_ext(struct dd_msgpack *, int8_t *type, gw_str *out);

/* Takes nil, if that is next. */
static inline bool dd_msgpack_nil(struct dd_msgpack *in)
{
    if (in->at == in->end || *in->at != 0xc0)
        return false;
    in->at++;
    return true;
}

/* Moves behind the next value, whatever it is: DD_TAKEN or DD_ILL_FORMED. */
enum dd_got dd_msgpack_skip(struct dd_msgpack *);
/* The same, and *out is the value's bytes. */
enum dd_got dd_msgpack_raw(struct dd_msgpack *, gw_str *out);

/* Any length, any type: the slow path of dd_msgpack_text. */
enum dd_got dd_msgpack_text_any(struct dd_msgpack *, gw_str *out);

/* str, bin or nil. Short strings are decided here. */
static inline enum dd_got dd_msgpack_text(struct dd_msgpack *in, gw_str *out)
{
    const uint8_t *p = in->at;
    size_t left = (size_t)(in->end - p);
    if (__builtin_expect(left > 1, 1)) {
        size_t head = 1, len = *p - 0xa0u;
        if (len > 31) {
            if (*p != 0xd9)
                return dd_msgpack_text_any(in, out);
            head = 2;
            len = p[1];
        }
        if (__builtin_expect(len <= left - head, 1)) {
            *out = gw_str_n((const char *)p + head, len);
            in->at = p + head + len;
            return DD_TAKEN;
        }
    }
    return dd_msgpack_text_any(in, out);
}

/* Records the first byte that cannot be read; returns DD_ILL_FORMED. `why` is static text. */
enum dd_got dd_msgpack_bad(struct dd_msgpack *, const uint8_t *where, const char *why, uint64_t claimed);

/* Offset of `at`. */
static inline size_t dd_msgpack_pos(const struct dd_msgpack *in)
{
    return (size_t)(in->at - in->begin);
}

/* After DD_ILL_FORMED: the error for the sender, GW_BAD_MSGPACK. */
enum gw_code dd_msgpack_fail(const struct dd_msgpack *, struct gw_err *);

#endif
