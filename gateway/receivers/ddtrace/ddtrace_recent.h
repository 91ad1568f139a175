/* ddtrace_recent.h: keeps a payload for somebody who looks (recent.h).
 *
 * Kept are the body as it came, inflated, and the headers by which it is translated: those of Datadog's names
 * and Content-Type. A key or token in any other header is not among them.
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
