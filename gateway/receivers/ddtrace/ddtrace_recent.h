/* ddtrace_recent.h: keeps a payload for clients of the API and the page (recent.h).
 *
 * It keeps the decompressed body, and the headers that the translation needs: Datadog's and Content-Type.
 * Other headers, which may contain a key or token, are not kept.
 *
 * Threads: the request's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DDTRACE_RECENT_H
#define GW_DDTRACE_RECENT_H

#include "gateway/receivers/ddtrace/ddtrace.h"

/* Until gw_recent_end, frames of this thread are of this payload. Call it while gw_recent_wanted(). */
void ddtrace_recent_begin(const struct gw_http_request *, const struct dd_request *from,
                          const struct ddtrace_payload *);

#endif
