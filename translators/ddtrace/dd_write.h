/* dd_write.h: one span, scanned, becomes the bytes of an OTLP Span.
 *
 *     dd_load    tags by number; a key that comes twice counts once: a metric before a meta, the last before the others
 *     dd_derive  kind, status, attributes, events, links, name
 *     dd_write   once per attribute schema
 *
 * What each attribute schema holds:
 *              fields of the span   attributes of the conventions   tags of the tracer                  exception event
 *     otel     yes                  yes                             those that nothing else says        made, or completed
 *     both     yes                  yes                             all                                 made, or completed
 *     datadog  yes                  no                              all                                 as it was sent
 * A tag under an attribute's own name is written once: in mode otel as the attribute, in the others as the
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

/* Where a key was seen, to notice it the second time. */
struct dd_twin {
    uint32_t generation;  /* of the span; other slots are free */
    uint32_t hash, index; /* of the entry: those of meta, then those of metrics */
};

struct dd_status {
    unsigned code; /* OTLP: 0 unset, 1 ok, 2 error */
    gw_str message;
    struct dd_error said; /* by error.*, whatever the code */
    bool exception;       /* an event is made of it */
};

struct dd_writer {
    const struct dd_options *opt;
    uint64_t stripped[DD_WORDS]; /* of opt->strip: the known names */
    struct dd_fields f;
    struct dd_memo memo;
    struct dd_shapes shapes;
    struct dd_key *keys; /* of the span at hand */
    uint32_t *rest;      /* entries whose keys the table does not have: those of meta, then of metrics */
    uint32_t rest_n;
    unsigned headers_n;
    struct dd_status status;
    enum gw_attribute_schema counting; /* the schema that counts what all of them meet */
    uint64_t bad_struct, empty_keys;   /* empty_keys: of tags */
    /* of the span at hand, as fields of Span; sent_events: for mode datadog, where the exception was completed */
    struct otlp_buf events, sent_events, links;
    struct dd_twin twins[DD_TWIN_SLOTS];
    uint32_t generation;    /* of twins: the number of the span at hand */
    struct dd_trail *trail; /* where dd_write notes what it wrote; NULL: nowhere */
};

/* Where the parts of a span lie in the buffer; for dd_learn. */
enum dd_source { DD_FROM_ATTR, DD_FROM_TAG, DD_FROM_REST };
struct dd_trail {
    size_t name_at, name_end, attrs_at, attrs_end;
    struct dd_step {
        enum dd_source source;
        uint32_t number; /* of the attribute, the tag or the entry */
        size_t at;
    } steps[64];
    size_t n;      /* may be more than there are steps */
    uint8_t width; /* of the span's length: all places are as if it were 2 */
};

void dd_writer_init(struct dd_writer *, const struct dd_options *);
void dd_writer_fini(struct dd_writer *);

/* False when the arena's budget is spent. `keys` are those of the scan and may be changed. */
bool dd_load(struct dd_writer *, const struct dd_span *, struct dd_key *keys, struct gw_arena *);
void dd_derive(struct dd_writer *, struct dd_scanned *, struct dd_oddities *);
/* The cached path, without the two above: a span that has a plan. False, and nothing written, when the plan
 * does not fit after all (or memory is out). */
bool dd_write_cached(struct dd_writer *, const struct dd_scanned *, const struct dd_plan *,
                     const struct dd_span *, struct gw_arena *, struct otlp_buf *, size_t *id_at);
/* What a plan of this span depends on beside the span: bits for what the chunk says. has_rate: the span says
 * _dd.p.ksr. */
unsigned dd_trace_says(const struct dd_scanned *, bool has_rate);
/* The text is the very trace id that the span goes out with. */
bool dd_says_trace_id(const struct dd_scanned *, const struct dd_span *, gw_str text);
/* Appends a ScopeSpans.spans field. *id_at is the place of its trace id in the buffer. False when memory is
 * out. */
bool dd_write(struct dd_writer *, const struct dd_scanned *, struct otlp_buf *, enum gw_attribute_schema,
              size_t *id_at);

#endif
