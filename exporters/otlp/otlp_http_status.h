/* otlp_http_status.h: what an HTTP answer, or the lack of one, means for the data. OTLP specification,
 * "OTLP/HTTP Response".
 *
 *     200 … 299            taken, if it is an OTLP answer or an empty one; partial_success is read
 *     200 … 299, a page    who answers there is no backend: again slowly, said once with the remedy
 *     429 502 503 504      again; not before Retry-After, or RetryInfo in the body: of both the later one,
 *                          an hour at most
 *     413, or its words    too large: split
 *     401 403 404 407 …    the data is good, the configuration is not: again slowly, said once with the remedy
 *     4xx and 5xx, a page  a proxy's word, not the backend's: again slowly
 *     other 4xx and 5xx    never taken: rejected, with the backend's words
 *     3xx                  refused: the endpoint that is meant must be written down
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OTLP_HTTP_STATUS_H
#define GW_OTLP_HTTP_STATUS_H

#include "core/delivery/exporter.h"

struct otlp_http_answer {
    long status;
    gw_str content_type, body, location;
    gw_nsec retry_after; /* of the header; 0: none */
};

/* How long a Retry-After asks to wait: seconds, with a fraction or without, or a date, which is seen from the
 * wall time `wall`. 0 for a time that is over and for what is neither; OTLP_LONGEST_WAIT at most. */
gw_nsec otlp_http_retry_after(const char *header, gw_nsec wall);

void otlp_http_outcome(const struct otlp_http_answer *, struct gw_outcome *);

/* `code` is a CURLcode, `words` libcurl's own, `uploaded` what was sent of the body. */
void otlp_http_transport_error(int code, const char *words, size_t uploaded, struct gw_outcome *);

#endif
