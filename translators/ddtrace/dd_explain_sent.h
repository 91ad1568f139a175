/* dd_explain_sent.h: a sent span as a flat list of named values. For those who explain it.
 *
 *     frames ─▶ the span of an id, its scope and resource ─▶ "kind" = 3, "url.full" = "…", "events[exception].exception.type" = "…"
 *
 * Names are those of OTLP/JSON. An event's parts are named by the event's name, since its place changes when
 * another one goes: "events[exception#2].…" is of the second one of a name.
 *
 * Pure. Ownership: views of the frames, and what had to be written anew in the arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_EXPLAIN_SENT_H
#define DD_EXPLAIN_SENT_H

#include "translators/ddtrace/dd_explain.h"

enum { DD_SENT_ITEMS = 4096 };

struct dd_sent {
    gw_str span, scope, resource; /* serialized; without an item where it was not sent */
    struct dd_explained_item *items;
    size_t n;
};

/* The bytes of the span of these ids in the frames of a schema, without items; false when it is not there. */
bool dd_sent_find(struct gw_frame *const *, size_t n, enum gw_attribute_schema, uint64_t trace_id,
                  uint64_t span_id, struct dd_sent *);
/* The same in one serialized request. */
bool dd_sent_find_in(gw_str request, uint64_t trace_id, uint64_t span_id, struct dd_sent *);
/* Fills in the items; as many as the arena has room for. */
void dd_sent_list(struct gw_arena *, struct dd_sent *);
/* The item of this place and name; `hint` is where to look first. */
const struct dd_explained_item *dd_sent_item(const struct dd_sent *, enum dd_explained_place, gw_str name,
                                             size_t hint);

/* A serialized AnyValue, in the arena. */
gw_str dd_sent_text(struct gw_arena *, gw_str);
gw_str dd_sent_int(struct gw_arena *, int64_t);
gw_str dd_sent_double(struct gw_arena *, double);

#endif
