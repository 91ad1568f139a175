/* otlp_write.h: OTLP's wire format, written directly.
 *
 * Protobuf on the wire is a run of fields: a tag (number << 3 | type) and a value. A nested message is its
 * length and then its fields. Leaf messages (attributes) have lengths that are known before they are written.
 * For the others a place for the length is left open and filled in afterwards:
 *
 *     otlp_open(w, field, 2)          tag, 2 bytes left open ──▶ mark
 *       … fields …
 *     otlp_close(w, mark, 2)          the length, in the fewest bytes: the contents move by a byte or two when 2 was a wrong guess
 *
 * so what is written is exactly what protobuf would pack. Knows nothing of Datadog. protobuf-c is its oracle
 * in the tests.
 *
 * Errors: memory. A writer that could not grow is `failed` (sticky) and swallows what follows; ask once, at
 * the end. Text: OTLP strings must be UTF-8. otlp_text and the attribute functions repair what is not
 * (U+FFFD); `…_raw` ones trust. Ownership: the buffer is malloc'd and the caller's; it becomes a frame
 * without a copy. With an account its capacity is charged there, and what the account does not give is memory
 * that is out.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_WRITE_H
#define OTLP_WRITE_H

#include "core/base/budget.h"
#include "core/base/protobuf_wire.h"
#include "core/base/str.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct otlp_buf {
    uint8_t *data;
    size_t len, cap;
    size_t repaired; /* texts that were not UTF-8 */
    bool failed;
    struct gw_budget *account; /* pays for cap; may be NULL. Set while cap is 0 */
};

/* A writer begins as (struct otlp_buf){0}. */
void otlp_fini(struct otlp_buf *);
/* Exactly n bytes for an empty writer: what is written next is known to fit. */
bool otlp_reserve(struct otlp_buf *, size_t n);
/* Slow path of otlp_room. */
bool otlp_grow(struct otlp_buf *, size_t n);

/* Room for n more bytes, or false (and failed). */
static inline bool otlp_room(struct otlp_buf *w, size_t n)
{
    return __builtin_expect(w->cap - w->len >= n, 1) || otlp_grow(w, n);
}

/* Writes at p, returns the end; the room must be there. */
static inline uint8_t *otlp_put_bytes(uint8_t *p, gw_str s)
{
    if (s.len)
        memcpy(p, s.ptr, s.len);
    return p + s.len;
}

/* Copies n bytes in words and returns the bits of all of them, so that one pass both copies and tells whether
 * any byte is not ASCII. */
static inline uint64_t otlp_copy_bits(uint8_t *to, const char *from, size_t n)
{
    uint64_t bits = 0, word;
    uint32_t half;
    if (n >= 8) {
        for (size_t i = 0; i + 8 < n; i += 8) {
            memcpy(&word, from + i, 8);
            memcpy(to + i, &word, 8);
            bits |= word;
        }
        memcpy(&word, from + n - 8, 8); /* the last eight, some of them again */
        memcpy(to + n - 8, &word, 8);
        return bits | word;
    }
    if (n >= 4) {
        memcpy(&half, from, 4);
        memcpy(to, &half, 4);
        bits = half;
        memcpy(&half, from + n - 4, 4);
        memcpy(to + n - 4, &half, 4);
        return bits | half;
    }
    for (size_t i = 0; i < n; i++) {
        to[i] = (uint8_t)from[i];
        bits |= to[i];
    }
    return bits;
}
#define OTLP_NOT_ASCII 0x8080808080808080u

/* Bytes from which OTLP_WIDE of them may be read, whatever a text's own length: a request body but for its
 * last OTLP_WIDE bytes. */
struct otlp_region {
    const char *from;
    size_t len;
};
enum { OTLP_WIDE = 32, OTLP_WIDER = 64 };

static inline bool otlp_may_read_wide(const struct otlp_region *r, gw_str s)
{
    return (uintptr_t)s.ptr - (uintptr_t)r->from < r->len && s.len <= OTLP_WIDE;
}

/* Copies OTLP_WIDE bytes, so there must be room for them, and tells whether the first n are ASCII: two moves
 * and a mask, where a loop over a length that changes from text to text is guessed wrong by the processor
 * nearly every time. */
static inline bool otlp_copy_wide(uint8_t *to, const char *from, size_t n)
{
#ifdef __SSE2__
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)from),
            b = _mm_loadu_si128((const __m128i *)(const void *)(from + 16));
    uint64_t high = (uint32_t)_mm_movemask_epi8(a) | (uint64_t)(uint32_t)_mm_movemask_epi8(b) << 16;
    _mm_storeu_si128((__m128i *)(void *)to, a);
    _mm_storeu_si128((__m128i *)(void *)(to + 16), b);
    return !(high & (((uint64_t)1 << n) - 1));
#else
    return !(otlp_copy_bits(to, from, n) & OTLP_NOT_ASCII);
#endif
}

/* Equality of the first n < 16 bytes, where 16 may be read of both. */
static inline bool otlp_same_narrow(const char *a, const char *b, size_t n)
{
#ifdef __SSE2__
    __m128i p = _mm_loadu_si128((const __m128i *)(const void *)a),
            q = _mm_loadu_si128((const __m128i *)(const void *)b);
    return !(~(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(p, q)) & ((1u << n) - 1));
#else
    return memcmp(a, b, n) == 0;
#endif
}

/* Equality of the first n bytes, where OTLP_WIDE may be read of both. */
static inline bool otlp_same_wide(const char *a, const char *b, size_t n)
{
#ifdef __SSE2__
    const __m128i *p = (const __m128i *)(const void *)a, *q = (const __m128i *)(const void *)b;
    uint32_t low = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(p), _mm_loadu_si128(q)));
    uint32_t high =
        (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(p + 1), _mm_loadu_si128(q + 1)));
    return !(~(uint64_t)(low | high << 16) & (((uint64_t)1 << n) - 1));
#else
    return memcmp(a, b, n) == 0;
#endif
}

/* The same where OTLP_WIDER may be read of both, and n may be as much. */
static inline bool otlp_same_wider(const char *a, const char *b, size_t n)
{
    size_t second = n > OTLP_WIDE ? n - OTLP_WIDE : 0;
    unsigned low = otlp_same_wide(a, b, n - second),
             high = otlp_same_wide(a + OTLP_WIDE, b + OTLP_WIDE, second);
    return low & high; /* both, without a branch between them */
}

/* Copies s to p in any case; true when it is ASCII, and so needs no look at its UTF-8. */
static inline bool otlp_copy_ascii(uint8_t *p, gw_str s)
{
    return !(otlp_copy_bits(p, s.ptr, s.len) & OTLP_NOT_ASCII);
}

static inline void otlp_end(struct otlp_buf *w, uint8_t *p)
{
    w->len = (size_t)(p - w->data);
}

/* Fields that were written elsewhere, as they are. */
static inline void otlp_append(struct otlp_buf *w, gw_str written)
{
    if (otlp_room(w, written.len))
        otlp_end(w, otlp_put_bytes(w->data + w->len, written));
}

static inline gw_str otlp_written(const struct otlp_buf *w)
{
    return gw_str_n((const char *)w->data, w->len);
}

/* Default values are written too where `always` matters; plain ones skip zero, as proto3 does. */
void otlp_uint(struct otlp_buf *, unsigned field, uint64_t v);
void otlp_fixed64(struct otlp_buf *, unsigned field, uint64_t v);
void otlp_fixed32(struct otlp_buf *, unsigned field, uint32_t v);
/* bytes or trusted text; empty is skipped, as proto3 does. */
void otlp_bytes(struct otlp_buf *, unsigned field, gw_str s);
/* Text from outside: repaired when it is not UTF-8. */
void otlp_text(struct otlp_buf *, unsigned field, gw_str s);

/* Opens a nested message; `guess` is the number of bytes that its length will likely take (2: 128 B … 16 KiB,
 * 3: … 2 MiB). */
size_t otlp_open(struct otlp_buf *, unsigned field, unsigned guess);
void otlp_close(struct otlp_buf *, size_t mark, unsigned guess);

/* KeyValue as element of `field` (attributes are field 9 of Span, 1 of Resource, 3 of InstrumentationScope
 * and Event, …). Keys and text values come from outside and are repaired when they are not UTF-8. */
void otlp_attr_text(struct otlp_buf *, unsigned field, gw_str key, gw_str value);
void otlp_attr_int(struct otlp_buf *, unsigned field, gw_str key, int64_t value);
void otlp_attr_double(struct otlp_buf *, unsigned field, gw_str key, double value);
void otlp_attr_bool(struct otlp_buf *, unsigned field, gw_str key, bool value);
void otlp_attr_bytes(struct otlp_buf *, unsigned field, gw_str key, gw_str value);
/* A one-element array of text: http.request.header.<name> and the like. */
void otlp_attr_texts(struct otlp_buf *, unsigned field, gw_str key, const gw_str *values, size_t n);
/* For values that nest (arrays, kvlists): open, write an AnyValue's fields (1 string … 7 bytes), close. */
size_t otlp_attr_open(struct otlp_buf *, unsigned field, gw_str key, size_t *value_mark);
void otlp_attr_close(struct otlp_buf *, size_t mark, size_t value_mark);

/* The fields of AnyValue, for use between otlp_attr_open and _close or inside ArrayValue.values. */
void otlp_any_text(struct otlp_buf *, gw_str value);
void otlp_any_bool(struct otlp_buf *, bool value);
void otlp_any_int(struct otlp_buf *, int64_t value);
void otlp_any_double(struct otlp_buf *, double value);
void otlp_any_bytes(struct otlp_buf *, gw_str value);

#endif
