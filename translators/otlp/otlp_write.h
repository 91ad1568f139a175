/* otlp_write.h: writes OTLP's wire format directly.
 *
 * A protobuf message is a sequence of fields: a tag (number << 3 | type) and a value. A nested message is its
 * length followed by its fields. The length of a leaf message (an attribute) is known before it is written.
 * For other messages, space for the length is reserved and filled in afterwards:
 *
 *     otlp_open(w, field, 2)          tag, 2 bytes reserved ──▶ mark
 *       … fields …
 *     otlp_close(w, mark, 2)          the length, in the fewest bytes; if 2 was wrong, the contents
 *                                     are moved by a byte or two
 *
 * So the bytes are exactly those that a protobuf library would write; the tests compare them with protobuf-c.
 * This file knows nothing about Datadog.
 *
 * Errors: only lack of memory. A writer that could not grow is `failed`, stays so, and ignores further
 * writes; check it once, at the end. Text: OTLP strings must be UTF-8. otlp_text and the attribute functions
 * repair invalid bytes (U+FFFD); functions named `…_raw` do not check. Ownership: the buffer is malloc'd and
 * belongs to the caller; it becomes a frame without a copy. If `account` is set, the capacity is charged to
 * it, and a refusal counts as lack of memory.
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
    size_t repaired; /* texts that were repaired */
    bool failed;
    struct gw_budget *account; /* pays for cap; may be NULL; set it while cap is 0 */
};

/* Frees the buffer. Initialize a writer with (struct otlp_buf){0}. */
void otlp_fini(struct otlp_buf *);
/* Allocates exactly n bytes for an empty writer, for contents of known size. */
bool otlp_reserve(struct otlp_buf *, size_t n);
/* Slow path of otlp_room. */
bool otlp_grow(struct otlp_buf *, size_t n);

/* Makes room for n more bytes. Returns false, and marks the writer as failed, if there is no memory. */
static inline bool otlp_room(struct otlp_buf *w, size_t n)
{
    return __builtin_expect(w->cap - w->len >= n, 1) || otlp_grow(w, n);
}

/* Writes at p and returns the end. The caller made room. */
static inline uint8_t *otlp_put_bytes(uint8_t *p, gw_str s)
{
    if (s.len)
        memcpy(p, s.ptr, s.len);
    return p + s.len;
}

/* Copies n bytes in words and returns the OR of all of them: one pass copies and finds out whether every byte
 * is ASCII. */
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
        memcpy(&word, from + n - 8, 8); /* the last eight bytes; some were copied before */
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

/* Bytes of which OTLP_WIDE may be read from any offset, even beyond the end of a text: a request body without
 * its last OTLP_WIDE bytes. */
struct otlp_region {
    const char *from;
    size_t len;
};
enum { OTLP_WIDE = 32, OTLP_WIDER = 64 };

static inline bool otlp_may_read_wide(const struct otlp_region *r, gw_str s)
{
    return (uintptr_t)s.ptr - (uintptr_t)r->from < r->len && s.len <= OTLP_WIDE;
}

/* Copies OTLP_WIDE bytes (there must be room) and returns whether the first n are ASCII. This takes two moves
 * and a mask. A loop over a length that changes from text to text would be mispredicted nearly every time. */
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

/* Compares the first n < 16 bytes; 16 bytes of each may be read. */
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

/* Compares the first n bytes; OTLP_WIDE bytes of each may be read. */
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

/* Compares the first n bytes; OTLP_WIDER bytes of each may be read, and n may be up to OTLP_WIDER. */
static inline bool otlp_same_wider(const char *a, const char *b, size_t n)
{
    size_t second = n > OTLP_WIDE ? n - OTLP_WIDE : 0;
    unsigned low = otlp_same_wide(a, b, n - second),
             high = otlp_same_wide(a + OTLP_WIDE, b + OTLP_WIDE, second);
    return low & high; /* both, without a branch */
}

/* Copies s to p. Returns true if it is ASCII and so needs no UTF-8 check. */
static inline bool otlp_copy_ascii(uint8_t *p, gw_str s)
{
    return !(otlp_copy_bits(p, s.ptr, s.len) & OTLP_NOT_ASCII);
}

static inline void otlp_end(struct otlp_buf *w, uint8_t *p)
{
    w->len = (size_t)(p - w->data);
}

/* Appends fields that were written elsewhere. */
static inline void otlp_append(struct otlp_buf *w, gw_str written)
{
    if (otlp_room(w, written.len))
        otlp_end(w, otlp_put_bytes(w->data + w->len, written));
}

static inline gw_str otlp_written(const struct otlp_buf *w)
{
    return gw_str_n((const char *)w->data, w->len);
}

/* With `always`, default values are written too; otherwise zero is skipped, as in proto3. */
void otlp_uint(struct otlp_buf *, unsigned field, uint64_t v);
void otlp_fixed64(struct otlp_buf *, unsigned field, uint64_t v);
void otlp_fixed32(struct otlp_buf *, unsigned field, uint32_t v);
/* Writes bytes or text that is known to be UTF-8. Empty values are skipped, as in proto3. */
void otlp_bytes(struct otlp_buf *, unsigned field, gw_str s);
/* Writes text from outside; invalid UTF-8 is repaired. */
void otlp_text(struct otlp_buf *, unsigned field, gw_str s);

/* Opens a nested message. `guess` is the likely number of bytes of its length (2: 128 B … 16 KiB, 3: … 2
 * MiB). Returns the mark for otlp_close. */
size_t otlp_open(struct otlp_buf *, unsigned field, unsigned guess);
void otlp_close(struct otlp_buf *, size_t mark, unsigned guess);

/* Writes a KeyValue as element of `field` (attributes are field 9 of Span, 1 of Resource, 3 of
 * InstrumentationScope and Event, …). Invalid UTF-8 in keys and text values is repaired. */
void otlp_attr_text(struct otlp_buf *, unsigned field, gw_str key, gw_str value);
void otlp_attr_int(struct otlp_buf *, unsigned field, gw_str key, int64_t value);
void otlp_attr_double(struct otlp_buf *, unsigned field, gw_str key, double value);
void otlp_attr_bool(struct otlp_buf *, unsigned field, gw_str key, bool value);
void otlp_attr_bytes(struct otlp_buf *, unsigned field, gw_str key, gw_str value);
/* Writes an array of texts, as http.request.header.<name> needs it. */
void otlp_attr_texts(struct otlp_buf *, unsigned field, gw_str key, const gw_str *values, size_t n);
/* For nested values (arrays, kvlists): open, write an AnyValue's fields (1 string … 7 bytes), close. */
size_t otlp_attr_open(struct otlp_buf *, unsigned field, gw_str key, size_t *value_mark);
void otlp_attr_close(struct otlp_buf *, size_t mark, size_t value_mark);

/* Write the fields of AnyValue: between otlp_attr_open and _close, or inside ArrayValue.values. */
void otlp_any_text(struct otlp_buf *, gw_str value);
void otlp_any_bool(struct otlp_buf *, bool value);
void otlp_any_int(struct otlp_buf *, int64_t value);
void otlp_any_double(struct otlp_buf *, double value);
void otlp_any_bytes(struct otlp_buf *, gw_str value);

#endif
