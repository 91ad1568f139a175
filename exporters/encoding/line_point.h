/* line_point.h: one point of line protocol while it is put together. For line_span.c, line_log.c and line_metric.c.
 *
 * Names and values may come in any order, and are written in the order of their names. Of two tags, or two
 * fields, of one name the first stays. Names and texts are views, which outlive the point.
 *
 * Threads: one owner. Ownership: everything is the arena's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LINE_POINT_H
#define GW_LINE_POINT_H

#include "common.pb-c.h"
#include "core/base/text.h"
#include "exporters/encoding/line_ids.h"
#include "exporters/encoding/output_buffer.h"

typedef Opentelemetry__Proto__Common__V1__AnyValue line_any;
typedef Opentelemetry__Proto__Common__V1__KeyValue line_attribute;

struct line_value {
    gw_str name;
    size_t place; /* position in the request */
    enum { LINE_TEXT, LINE_INT, LINE_FLOAT, LINE_BOOL } type;
    union {
        gw_str text;
        int64_t i;
        double d;
        bool b;
    };
};

struct line_values {
    struct line_value *list;
    size_t n, room;
};

struct line_point {
    struct gw_arena *arena;
    gw_str measurement;
    struct line_values tags, fields;
    uint64_t time; /* ns; 0: the line has none */
};

/* Tags and fields without a value are left out, as are numbers that are not finite. */
void line_tag(struct line_point *, gw_str name, gw_str value);
void line_text(struct line_point *, gw_str name, gw_str value); /* a field even if it is empty */
void line_int(struct line_point *, gw_str name, int64_t value);
void line_float(struct line_point *, gw_str name, double value);
/* A field of the value's own type; lists, maps and bytes are JSON, numbers that are not finite text. */
void line_any_field(struct line_point *, gw_str name, const line_any *);
/* Adds a tag with an attribute's value; a value that is not text becomes JSON. */
void line_any_tag(struct line_point *, gw_str name, const line_any *);

/* The point as a line. False, and nothing written, when it has no field. */
bool line_write(struct out *, struct line_point *);

static inline gw_str line_bytes(ProtobufCBinaryData b)
{
    return gw_str_n((const char *)b.data, b.len);
}

/* The attribute's value; NULL if there is none. */
const line_any *line_find(line_attribute *const *, size_t n, const char *key);
/* Its text; empty if it is not text. */
gw_str line_text_of(const line_any *);

/* An id in the given form, in the arena. */
gw_str line_id(struct gw_arena *, ProtobufCBinaryData id, enum line_ids);
/* The last eight bytes of an id as a number. */
uint64_t line_id_number(ProtobufCBinaryData id);

/* Any value as JSON. */
void line_put_json(struct gw_text *, const line_any *);

/* The tags that a resource is: service, env, version, host, and its other attributes by their names. `all`: with
 * those. */
void line_resource(struct line_point *, line_attribute *const *, size_t n, bool all);

#endif
