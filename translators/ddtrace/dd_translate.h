/* dd_translate.h: a Datadog trace payload becomes OTLP frames.
 *
 *   body ─▶ decode a chunk ─▶ scan it whole: ids, priority, origin, env, versions   (join before translate)
 *                          └▶ write each span into the buffer of its resource and scope
 *   … next chunk …          ─▶ lay the buffers together: frames of ResourceSpans ▸ ScopeSpans ▸ Span, cut near 1 MiB
 *
 * Pure: the same body, request, options and environment give the same bytes, but for what the id table has learned. Tests,
 * fuzzers and the benchmark call exactly this. MAPPING is the law; the tag table is dd_attrs.def.
 *
 * One bad span costs that span. A body that is not well-formed is an error, and nothing of it is used: no frame, no id.
 *
 * Ownership: a translator holds buffers that are reused from request to request; one per receiver thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_TRANSLATE_H
#define DD_TRANSLATE_H

#include "core/config/option.h"
#include "core/delivery/frame.h"
#include "core/delivery/ledger.h"
#include "core/delivery/trace_ids.h"
#include "translators/ddtrace/dd_request.h"
#include "translators/ddtrace/dd_span.h"

enum dd_span_name { DD_NAME_OTEL, DD_NAME_RESOURCE, DD_NAME_OPERATION };
enum dd_service_override { DD_SERVICE_SPLIT, DD_SERVICE_BASE };

/* What the user can set; the receiver's option rows fill it. */
struct dd_options {
    enum dd_span_name span_name;
    enum dd_service_override service_override;
    bool keep_rejected;     /* export chunks that the tracer decided against */
    struct gw_map resource; /* static resource attributes; win over what is found */
    struct gw_list promote; /* span tags that become resource attributes (DD_TAGS of whole applications) */
    struct gw_list strip;   /* tags that are not exported */
    int trace_id_bits;      /* 128, or 64: upper half always zero */
    bool obfuscate;         /* literals out of SQL, arguments out of Redis commands, secrets out of URLs: tracers leave that to the agent */
};

/* What the translator may know of the world. */
struct dd_env {
    gw_nsec now, wall;        /* monotonic (id table), wall (spans without a start) */
    gw_str host_name;         /* of this machine; for peers on it */
    struct gw_trace_ids *ids; /* NULL: no join across chunks */
    unsigned schemas;         /* bit per enum gw_attribute_schema to write */
};

/* What was odd but cost nothing: for counters. */
struct dd_oddities {
    uint64_t malformed_tid, conflicting_tid, bad_links, bad_events, bad_struct, bad_tags, repaired_text;
};

enum { DD_MAX_FRAMES = 256 };

struct dd_result {
    struct gw_frame *frames[DD_MAX_FRAMES]; /* the caller's references */
    size_t frames_n;
    struct gw_intake intake;
    struct dd_oddities odd;
    uint64_t chunks;
    uint64_t planned; /* spans that were translated by a plan (dd_plan.h) */
};

struct dd_translator;
struct dd_translator *dd_translator_new(const struct dd_options *); /* options are kept by reference */
void dd_translator_drop(struct dd_translator *);
/* From now on every span is translated the long way (dd_plan.h): the same bytes, for more time. For tests. */
void dd_translator_forgetful(struct dd_translator *);

/* On an error no frame is returned and intake counts what had been read as refused(bad_payload | budget). The arena is used
 * for scratch and left for the caller to reset. */
enum gw_code dd_translate(struct dd_translator *, struct gw_arena *, enum dd_format, gw_str body, const struct dd_request *,
                          const struct dd_env *, struct dd_result *, struct gw_err *) GW_MUST_CHECK;

#endif
