/* dd_from_otlp.h: OTLP that was born in a Datadog SDK becomes an agent's payload, so that it is translated by the rules
 * for everything that Datadog's libraries send: one application looks the same by either road.
 *
 *     ResourceSpans with datadog.sdk.semantics = "datadog"     ─▶ TracerPayload of an AgentPayload ─▶ dd_translate
 *                   or _dd.sdk.otlp_export = "true" alone                                           (DD_AGENT_PROTOBUF)
 *                   or telemetry.sdk.name = "datadog", and no schema URL
 *     any other                                                ─▶ as it came
 *
 * Such a resource says what a tracer says once of its process (language, versions, env, host, runtime id, tags); its
 * spans have operation.name, resource.name, span.type and service.name beside Datadog's own tags, and their name is the
 * resource. What has no place in a span of Datadog's, an attribute that is a list, keeps its whole resource as it came.
 *
 * What the way costs: an integer above 2^53 is a double; the instrumentation scope is that of the tracer's integrations,
 * not "dd-trace-js".
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_FROM_OTLP_H
#define DD_FROM_OTLP_H

#include "translators/otlp/otlp_write.h"

/* Before:  `body` is a well-formed ExportTraceServiceRequest (otlp_check.h); *plain and *agent are empty writers.
 * After:   false: nothing of it is Datadog's, and nothing was written. True: each ResourceSpans stands in *plain, with
 *          its bytes as they came, or in *agent; either has `failed` where there is no memory. */
bool dd_from_otlp(gw_str body, struct otlp_buf *plain, struct otlp_buf *agent);

#endif
