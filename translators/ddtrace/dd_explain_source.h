/* dd_explain_source.h: what a sent span can come from, one by one, and the body without it. For dd_explain_run.c and dd_explain_span.c.
 *
 *     a source:      the field `service`; the tag "http.url" of meta; the chunk's priority; the header Datadog-Meta-Lang …
 *     taken away:    variation 0
 *     changed:       variation 1, 2, …: a text gets an x at its end, then one of its first words is another one
 *                    ("http://db:80/a" ─▶ …/ax, httpx://…, //dbx, :81, /ax), a number is one more, a flag the other one
 *
 * A part of what was sent that vanishes when its source is taken away depends on it; a part whose value changes with the source's
 * carries its value.
 *
 * Pure. Ownership: names and values are in the arena of the list.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_EXPLAIN_SOURCE_H
#define DD_EXPLAIN_SOURCE_H

#include "translators/ddtrace/dd_explain.h"

enum dd_source_kind {
    DD_SRC_SERVICE,
    DD_SRC_NAME,
    DD_SRC_RESOURCE,
    DD_SRC_TYPE,
    DD_SRC_TRACE_ID,
    DD_SRC_SPAN_ID,
    DD_SRC_PARENT_ID,
    DD_SRC_START,
    DD_SRC_DURATION,
    DD_SRC_ERROR,
    DD_SRC_LINK,
    DD_SRC_EVENT,
    DD_SRC_META,
    DD_SRC_METRIC,
    DD_SRC_STRUCT,
    DD_SRC_CHUNK_PRIORITY,
    DD_SRC_CHUNK_MECHANISM,
    DD_SRC_CHUNK_ORIGIN,
    DD_SRC_CHUNK_HIGH,
    DD_SRC_CHUNK_META,
    DD_SRC_CHUNK_METRIC,
    DD_SRC_PAYLOAD_FIELD,
    DD_SRC_PAYLOAD_TAG,
    DD_SRC_HEADER
};

struct dd_explain_source {
    enum dd_source_kind kind;
    enum dd_explained_section section;
    size_t index; /* of the link, the tag, …; of fields of payload and headers the row of their table */
    gw_str name;
    gw_str value; /* a serialized AnyValue, as it was received */
};

struct dd_source_list {
    struct gw_arena *arena;
    struct dd_explain_source *list;
    size_t n, room;
    bool more; /* than DD_EXPLAIN_SOURCES */
};

/* Each adds what is there. */
void dd_sources_of_span(struct dd_source_list *, const struct dd_span *, const struct dd_chunk *);
void dd_sources_of_payload(struct dd_source_list *, const struct dd_payload *);
void dd_sources_of_request(struct dd_source_list *, const struct dd_request *);

/* Each makes the variation of a source that is in the thing; false when the source is not there, or has no
 * such variation. */
bool dd_vary_span(const struct dd_explain_source *, unsigned variation, struct dd_span *, struct gw_arena *);
bool dd_vary_chunk(const struct dd_explain_source *, unsigned variation, struct dd_chunk *,
                   struct gw_arena *);
bool dd_vary_payload(const struct dd_explain_source *, unsigned variation, struct dd_payload *,
                     struct gw_arena *);
bool dd_vary_request(const struct dd_explain_source *, unsigned variation, struct dd_request *,
                     struct gw_arena *);

/* Takes all tags of these names from a span. */
void dd_take_tags(struct dd_span *, const gw_str *names, size_t n);
/* Takes all tags and texts of a span but the source and what tells spans apart. */
void dd_take_others(const struct dd_explain_source *, struct dd_span *);
/* Takes all that the chunk, the payload and the headers say but the source. */
void dd_take_other_chunk(const struct dd_explain_source *, struct dd_chunk *);
void dd_take_other_payload(const struct dd_explain_source *, struct dd_payload *);
void dd_take_other_request(const struct dd_explain_source *, struct dd_request *);
/* Of the tags that have the name of one, takes all others; `source` is one of meta, metrics or meta_struct. */
void dd_take_twins(const struct dd_explain_source *, struct dd_span *);

#endif
