/* dd_scan.h: reads a whole chunk before any of its spans is written.
 *
 * Values that apply to the trace or the process are on one span of a chunk, at any position: the upper half
 * of the trace id, the sampling decision, the origin, env, runtime-id. The local root (the span whose parent
 * is zero, else the first whose parent is not in the chunk) is read first, then the others in order. Keys are
 * looked up here, once, and kept as numbers.
 *
 * The caller makes sure that all spans of a chunk have one trace id. Ownership: everything is in the chunk's
 * arena, or a view of the body.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_SCAN_H
#define DD_SCAN_H

#include "translators/ddtrace/dd_group.h"
#include "translators/ddtrace/dd_names.h"
#include "translators/ddtrace/dd_plan.h"
#include "translators/ddtrace/dd_result.h"
#include "translators/ddtrace/dd_sampling.h"
#include "translators/ddtrace/dd_span.h"

enum {
    DD_DEAD = 0xFFFE,     /* instead of DD_UNKNOWN: the key occurs again later, or is stripped */
    DD_PROMOTED = 0xFFFD, /* on the resource: not written on the span in mode otel */
    /* http.request.headers.X, http.response.headers.X: written unchanged in modes both and datadog */
    DD_HEADER = 0xFFFC
};

/* A key of the wire and its number. */
struct dd_key {
    uint32_t hash;
    uint16_t name; /* enum dd_name, DD_UNKNOWN, or one of the above */
};

/* Spans of one operation usually have the same tags in the same order, so the keys of the last one are a good
 * guess. */
enum { DD_SHAPES = 64, DD_SHAPE_KEYS = 32 };
struct dd_shapes {
    uint16_t names[DD_SHAPES][DD_SHAPE_KEYS]; /* by operation name: the n-th key of its last span */
    struct dd_plans plans;
};

/* A span, and the plan that fits it. */
struct dd_known {
    struct dd_plan *plan; /* NULL: it takes the slow path */
    uint64_t hash;        /* dd_plan_hash; 0: spans of this kind get no plan */
};

struct dd_scanned {
    uint64_t number; /* of the chunk in its payload, from 1; set by the caller */
    const struct dd_chunk *chunk;
    struct dd_shapes *shapes; /* the translator's */
    /* By span: keys of meta, then of metrics, then room for those of meta_struct; NULL: the span has a
     * plan. */
    struct dd_key **keys;
    struct dd_known *known; /* by span */
    size_t local_root;
    uint64_t trace_id, high;
    bool has_tid, has_root; /* a span has the upper half; the trace's root is in this chunk */
    struct dd_sampling sampling;
    double client_rate; /* `_sample_rate`; 0: missing */
    bool rejected;      /* the tracer rejected the trace */
    double rate;        /* set by dd_scan_finish, like state and common; NAN: unknown */
    int mechanism;      /* -1: unknown */
    gw_str state;       /* trace_state of spans without a _dd.parent_id of their own; valid UTF-8 */
    gw_str common; /* attributes of all spans as bytes of Span: priority, origin, dropped, mechanism, rate */
    size_t common_own; /* length of the leading part that mode datadog writes */
    gw_str env, runtime_id, language, host;
    gw_str sdk_language; /* the payload's language, or the request's, in OpenTelemetry's spelling */
    gw_str facts[DD_FACTS];
    struct dd_version {
        gw_str service, version;
    } versions[32];
    size_t versions_n;
    uint32_t *by_id; /* span number + 1 by span id; made on first use */
    size_t by_id_slots;
};

/* Returns false if the arena's budget is used up. `lang` is the request's. */
bool dd_scan(struct dd_scanned *, const struct dd_chunk *, struct gw_arena *, gw_str lang, struct dd_shapes *,
             struct dd_oddities *);
/* Computes rate, state and common, when it is known what happens to the chunk. Needed if a span is
 * exported. */
bool dd_scan_finish(struct dd_scanned *, struct gw_arena *, struct otlp_buf *scratch);

/* Returns the keys of a span whose plan did not fit. NULL if the arena's budget is used up. */
struct dd_key *dd_scan_keys(struct dd_scanned *, size_t i, struct gw_arena *, struct dd_oddities *);

/* Returns java for jvm, nodejs for javascript and node, dotnet for .NET, go for golang; others in lower
 * case. */
gw_str dd_language(struct gw_arena *, gw_str);

/* Returns the span of the chunk with this id, or NULL. */
const struct dd_span *dd_scan_find(struct dd_scanned *, struct gw_arena *, uint64_t span_id);
/* Returns the version on a span of this service; empty if there is none. */
gw_str dd_scan_version(const struct dd_scanned *, gw_str service);

#endif
