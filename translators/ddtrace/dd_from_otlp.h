/* dd_from_otlp.h: converts OTLP from a Datadog SDK to an agent's payload, which is then translated by the
 * rules for Datadog's libraries. So an application looks the same whether it sends OTLP or Datadog's
 * protocol.
 *
 *     ResourceSpans with datadog.sdk.semantics = "datadog"     ─▶ TracerPayload of an AgentPayload ─▶ dd_translate
 *                   or _dd.sdk.otlp_export = "true" alone                                           (DD_AGENT_PROTOBUF)
 *                   or telemetry.sdk.name = "datadog", and no schema URL
 *     any other                                                ─▶ unchanged
 *
 * Such a resource has the attributes that a tracer sends once per process (language, versions, env, host,
 * runtime id, tags). Its spans have operation.name, resource.name, span.type and service.name beside
 * Datadog's own tags, and the span name is the resource. Datadog's spans have no list attributes: if a span
 * has one, its whole resource is passed on unchanged.
 *
 * Losses: an integer above 2^53 becomes a double; the instrumentation scope becomes that of the tracer's
 * integrations, not "dd-trace-js".
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_FROM_OTLP_H
#define DD_FROM_OTLP_H

#include "translators/otlp/otlp_write.h"

/* Before:  `body` is a well-formed ExportTraceServiceRequest (otlp_check.h); *plain and *agent are empty writers.
 * Returns: false if no resource is Datadog's; nothing is written then. True otherwise: each ResourceSpans is
 *          in *plain, byte for byte, or in *agent; either has `failed` set if there is no memory. */
bool dd_from_otlp(gw_str body, struct otlp_buf *plain, struct otlp_buf *agent);

#endif
