/* dd_translate.h: a Datadog trace payload becomes OTLP frames.
 *
 *   body ─▶ decode a chunk ─▶ scan it whole: ids, priority, origin, env, versions
 *                          └▶ write each span into the buffer of its resource and scope
 *   … next chunk …          ─▶ lay the buffers together: frames of ResourceSpans ▸ ScopeSpans ▸ Span, split near 1 MiB
 *
 * Pure: the same body, request, options and environment give the same bytes, but for the trace ids that the
 * process's table has. Tests, fuzzers and the benchmark call exactly this. docs/mapping.md says what becomes
 * of a span; the table of tags is dd_attrs.def, from which docs/reference/mapping.md is made.
 *
 * One bad span costs that span. A body that is not well-formed is an error, and nothing of it is used: no
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

/* On an error no frame is returned and intake counts what had been read as refused(bad_payload | budget). The
 * arena is used for scratch and left for the caller to reset. */
enum gw_code dd_translate(struct dd_translator *, struct gw_arena *, enum dd_format, gw_str body,
                          const struct dd_request *, const struct dd_env *, struct dd_result *,
                          struct gw_err *) GW_MUST_CHECK;

#endif
