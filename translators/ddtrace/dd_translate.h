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

#include "translators/ddtrace/dd_options.h"
#include "translators/ddtrace/dd_request.h"
#include "translators/ddtrace/dd_result.h"
#include "translators/ddtrace/dd_span.h"

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
