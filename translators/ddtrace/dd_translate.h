/* dd_translate.h: translates a Datadog trace payload to OTLP frames.
 *
 *   body ─▶ decode a chunk ─▶ scan all of it: ids, priority, origin, env, versions
 *                          └▶ write each span into the buffer of its resource and scope
 *   … next chunk …          ─▶ join the buffers: frames of ResourceSpans ▸ ScopeSpans ▸ Span, split near 1 MiB
 *
 * Deterministic: the same body, request, options and environment give the same bytes, except for trace ids
 * from the process's table. Tests, fuzzers and the benchmark call the same function. docs/mapping.md
 * describes the translation of a span; the table of tags is dd_attrs.def, from which
 * docs/reference/mapping.md is generated.
 *
 * A bad span is dropped alone. A body that is not well-formed is an error, and nothing from it is used: no
 * frame, no id.
 *
 * Ownership: a translator holds buffers that are reused from request to request; one per receiver thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_TRANSLATE_H
#define DD_TRANSLATE_H

#include "translators/ddtrace/dd_options.h"
#include "translators/ddtrace/dd_request.h"
#include "translators/ddtrace/dd_result.h"
#include "translators/ddtrace/dd_span.h"

struct dd_translator;
struct dd_translator *dd_translator_new(const struct dd_options *); /* options are kept by reference */
void dd_translator_drop(struct dd_translator *);
/* Turns the plan cache off (dd_plan.h): every span takes the slow path, which writes the same bytes. For
 * tests. */
void dd_translator_without_plans(struct dd_translator *);

/* On an error no frame is returned, and intake counts everything read so far as refused(bad_payload |
 * budget). The arena is used for scratch; the caller resets it. */
enum gw_code dd_translate(struct dd_translator *, struct gw_arena *, enum dd_format, gw_str body,
                          const struct dd_request *, const struct dd_env *, struct dd_result *,
                          struct gw_err *) GW_MUST_CHECK;

/* Whoever changes what was read before anything is made of it (dd_explain.h): called with each chunk, and with
 * NULL when the body is over, which is when all that a payload says of its process is there. A chunk that is
 * left without spans is passed over. Called from within dd_translate_edited, with the arena of the chunk. */
struct dd_edit {
    void (*chunk)(void *ctx, struct dd_chunk *, struct gw_arena *);
    /* Not NULL: chunks come from there, and no body is read. False: there are no more. */
    bool (*next)(void *ctx, struct dd_chunk *, struct gw_arena *);
    void *ctx;
};

/* dd_translate of what an edit leaves of the body; slower, for every span goes without a plan. */
enum gw_code dd_translate_edited(struct dd_translator *, struct gw_arena *, enum dd_format, gw_str body,
                                 const struct dd_request *, const struct dd_env *, const struct dd_edit *,
                                 struct dd_result *, struct gw_err *) GW_MUST_CHECK;

#endif
