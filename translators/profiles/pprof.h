/* pprof.h: checks that a file is a pprof profile (profile.proto of Google's pprof) and counts its contents.
 * Walks over wire bytes; nothing is decoded into objects, nothing is allocated.
 *
 *     Profile ─┬─ sample_type, period_type   what is measured: type and unit, by number in the string table
 *              ├─ sample                     locations from the leaf to the root, a value for each type, labels
 *              ├─ location ─▶ mapping, line ─▶ function     by id
 *              └─ string_table               the first is empty
 *
 * A profile is valid if every message ends where its length says, every field has its wire type, every text's
 * number is in the table, and every sample has a value for each type, as pprof's own reader requires. Unknown
 * fields are ignored.
 *
 * Threads: pure functions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROFILES_PPROF_H
#define PROFILES_PPROF_H

#include "core/base/err.h"
#include "core/base/protobuf_wire.h"

/* Numbers of fields, by message. */
enum {
    PPROF_SAMPLE_TYPE = 1,
    PPROF_SAMPLE = 2,
    PPROF_MAPPING = 3,
    PPROF_LOCATION = 4,
    PPROF_FUNCTION = 5,
    PPROF_STRING = 6,
    PPROF_TIME = 9,
    PPROF_DURATION = 10,
    PPROF_PERIOD_TYPE = 11,
    PPROF_PERIOD = 12,
};

struct pprof_contents {
    uint64_t sample_types, samples, mappings, locations, functions, strings, labels;
    uint64_t frames; /* ids of locations in all samples */
    uint64_t lines;  /* of all locations */
};

/* Cost: time O(raw.len), no memory. GW_BAD_PROFILE: err->pos ≤ raw.len is the place, and *out must not be
 * used. */
enum gw_code pprof_check(gw_str raw, struct pprof_contents *out, struct gw_err *) GW_MUST_CHECK;

/* Returns the values of a repeated integer field, packed or not: a view of the field's body, or of the whole
 * field if it is a varint. */
static inline struct wire_view pprof_ints(const struct wire_field *f)
{
    struct wire_view v = f->body;
    uint64_t tag;
    if (f->type == WIRE_VARINT) {
        v = f->whole;
        (void)wire_read_varint(&v, &tag);
    }
    return v;
}
/* The value of a varint field. */
static inline uint64_t pprof_int(const struct wire_field *f)
{
    struct wire_view v = pprof_ints(f);
    uint64_t n = 0;
    (void)wire_read_varint(&v, &n);
    return n;
}
static inline struct wire_view pprof_view(gw_str s)
{
    const uint8_t *at = (const uint8_t *)s.ptr;
    return (struct wire_view){at, s.len ? at + s.len : at};
}

#endif
