/* point_value.h: values of tags and fields of points, and their times.
 *
 * Threads: pure functions. Ownership: lists are in the arena that is given.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef POINT_VALUE_H
#define POINT_VALUE_H

#include "core/base/text.h"

enum point_type {
    POINT_TEXT,
    POINT_INT,
    POINT_UINT, /* above INT64_MAX */
    POINT_DOUBLE,
    POINT_BOOL,
    POINT_OTHER /* a list, an object, null: `text` is its JSON */
};

struct point_value {
    gw_str name;
    enum point_type type;
    gw_str text;
    union {
        int64_t i;
        uint64_t u;
        double d;
        bool b;
    };
};

struct point_values {
    struct point_value *list;
    size_t n;
};

/* The next value of a list; NULL when the arena is spent. */
struct point_value *point_add(struct gw_arena *, struct point_values *, gw_str name);
/* A number as its type has it; an unsigned one that fits is an int. */
void point_set_uint(struct point_value *, uint64_t);
/* Nanoseconds of the unit named n, u, ms, s, m or h; 0 for any other name. */
uint64_t points_precision(gw_str name);
/* A time in units of `precision` as nanoseconds; false when that is past 64 bits. */
bool point_time(uint64_t time, uint64_t precision, uint64_t *ns);
/* The value as JSON. */
void point_put_json(struct gw_text *, const struct point_value *);

#endif
