/* dd_spread.h: converts typed attributes to tags, as struct dd_span has them. v1.0 has typed attributes in
 * msgpack (dd_v10.h), an agent's idx payload in protobuf (dd_agent.h); the conversion is the same.
 *
 *     text, bool        a text of meta; true, false
 *     integer, double   a number of metrics
 *     bytes             an entry of meta_struct, which is where tracers put bytes in v0.4
 *     array, list       a tag for each value in it: key.0, key.1, … and key.NAME, as tracers do in v0.4.
 *                       An empty one becomes the text [] or {}, so that it is not lost
 *
 * Fields of these formats that are tags in v0.4 (env, version, component, kind of a span) win over an
 * attribute of the same name, as in Datadog's agent.
 *
 * Ownership: arrays are in the caller's arena, keys and texts are views. Functions return false if the
 * arena's budget is used up.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_SPREAD_H
#define DD_SPREAD_H

#include "core/base/arena.h"
#include "translators/ddtrace/dd_span.h"

/* Tags while they are collected; initialize with zero. */
struct dd_spread {
    struct dd_text *meta;
    struct dd_number *metrics;
    struct dd_text *structs;
    size_t meta_n, metrics_n, structs_n;
    size_t meta_room, metrics_room, structs_room;
};

/* Makes room in one of the lists; `size` is that of an entry. */
bool dd_spread_room(struct gw_arena *, void *list, size_t n, size_t *room);

static inline bool dd_spread_text(struct gw_arena *arena, struct dd_spread *to, gw_str key, gw_str value)
{
    if (to->meta_n == to->meta_room && !dd_spread_room(arena, &to->meta, to->meta_n, &to->meta_room))
        return false;
    to->meta[to->meta_n++] = (struct dd_text){key, value};
    return true;
}

static inline bool dd_spread_number(struct gw_arena *arena, struct dd_spread *to, struct dd_number number)
{
    if (to->metrics_n == to->metrics_room &&
        !dd_spread_room(arena, &to->metrics, to->metrics_n, &to->metrics_room))
        return false;
    to->metrics[to->metrics_n++] = number;
    return true;
}

/* Adds a value of any type. */
bool dd_spread_value(struct gw_arena *, struct dd_spread *, gw_str key, const struct dd_value *);

/* For links and payloads, where all tags are texts: numbers and bytes are appended to meta, after the
 * texts. */
bool dd_spread_texts(struct gw_arena *, struct dd_spread *);

/* For a chunk: its tags become those of its local root. Its `service` is left out, because that span has it
 * too; bytes are left out and counted. */
void dd_spread_chunk(struct dd_chunk *, const struct dd_spread *, uint64_t *left_out);

void dd_spread_span(struct dd_span *, const struct dd_spread *);

/* The names of the tags that are made from fields, by enum dd_promoted; the kinds of a span by
 * OpenTelemetry's numbers; the text of a bool. */
enum { DD_SPREAD_KINDS = 6 };
extern const gw_str dd_spread_promoted[DD_PROMOTEDS], dd_spread_kinds[DD_SPREAD_KINDS], dd_spread_bools[2];

#endif
