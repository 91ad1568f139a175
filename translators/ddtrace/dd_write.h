/* dd_write.h: writes one scanned span as an OTLP Span.
 *
 *     dd_load    tags by number; of equal keys one counts: a metric before a meta, otherwise the last
 *     dd_derive  kind, status, attributes, events, links, name
 *     dd_write   once per attribute schema
 *
 * Contents of each attribute schema:
 *              fields of the span   attributes of the conventions   tags of the tracer                  exception event
 *     otel     yes                  yes                             unless their value is elsewhere     made, or completed
 *     both     yes                  yes                             all                                 made, or completed
 *     datadog  yes                  no                              all                                 as it was sent
 * A tag with an attribute's own name is written once: in mode otel as the attribute, in the others as the
 * tracer sent it.
 *
 * Ownership: a dd_writer belongs to a translator; its buffers are reused from span to span.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_WRITE_H
#define DD_WRITE_H

#include "core/delivery/frame.h"
#include "translators/ddtrace/dd_events.h"
#include "translators/ddtrace/dd_fields.h"
#include "translators/ddtrace/dd_options.h"
#include "translators/ddtrace/dd_scan.h"
#include "translators/otlp/otlp_write.h"

enum { DD_TWIN_SLOTS = 128 };

/* A slot of the table that finds keys that occur twice. */
struct dd_twin {
    uint32_t generation;  /* the span that used it; slots with another generation are free */
    uint32_t hash, index; /* index: entries of meta, then those of metrics */
};

struct dd_status {
    unsigned code; /* OTLP: 0 unset, 1 ok, 2 error */
    gw_str message;
    struct dd_error said; /* from error.*, whatever the code */
    bool exception;       /* an event is made from it */
};

struct dd_writer {
    const struct dd_options *opt;
    uint64_t stripped[DD_WORDS]; /* known names in opt->strip */
    struct dd_fields f;
    struct dd_memo memo;
    struct dd_shapes shapes;
    struct dd_key *keys; /* of the current span */
    uint32_t *rest;      /* entries whose keys the table does not have: those of meta, then of metrics */
    uint32_t rest_n;
    unsigned headers_n;
    struct dd_status status;
    /* the schema in which irregularities are counted, because all schemas contain them */
    enum gw_attribute_schema counting;
    uint64_t bad_struct, empty_keys; /* empty_keys: of tags */
    /* Of the current span, as fields of Span; sent_events: for mode datadog, if the exception was
     * completed. */
    struct otlp_buf events, sent_events, links;
    struct dd_twin twins[DD_TWIN_SLOTS];
    uint32_t generation;    /* of twins: the number of the current span */
    struct dd_trail *trail; /* dd_write records here what it wrote; NULL: not recorded */
};

/* Positions of a span's parts in the buffer; for dd_learn. */
enum dd_source { DD_FROM_ATTR, DD_FROM_TAG, DD_FROM_REST };
struct dd_trail {
    size_t name_at, name_end, attrs_at, attrs_end;
    struct dd_step {
        enum dd_source source;
        uint32_t number; /* of the attribute, the tag or the entry */
        size_t at;
    } steps[64];
    size_t n;      /* may exceed the number of steps that are stored */
    uint8_t width; /* of the span's length field; all positions are computed as if it were 2 */
};

void dd_writer_init(struct dd_writer *, const struct dd_options *);
void dd_writer_fini(struct dd_writer *);

/* Returns false if the arena's budget is used up. `keys` are those of the scan and may be changed. */
bool dd_load(struct dd_writer *, const struct dd_span *, struct dd_key *keys, struct gw_arena *);
void dd_derive(struct dd_writer *, struct dd_scanned *, struct dd_oddities *);
/* The cached path, without the two functions above: for a span that has a plan. Returns false, with nothing
 * written, if the plan does not fit after all (or there is no memory). */
bool dd_write_cached(struct dd_writer *, const struct dd_scanned *, const struct dd_plan *,
                     const struct dd_span *, struct gw_arena *, struct otlp_buf *, size_t *id_at);
/* Returns what a plan of this span depends on besides the span: the chunk's values, as bits. has_rate: the
 * span has _dd.p.ksr. */
unsigned dd_trace_says(const struct dd_scanned *, bool has_rate);
/* Returns whether the text equals the trace id that is written. */
bool dd_says_trace_id(const struct dd_scanned *, const struct dd_span *, gw_str text);
/* Appends a ScopeSpans.spans field. *id_at is the position of its trace id in the buffer. Returns false if
 * there is no memory. */
bool dd_write(struct dd_writer *, const struct dd_scanned *, struct otlp_buf *, enum gw_attribute_schema,
              size_t *id_at);

#endif
