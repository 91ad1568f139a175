/* otlp_http_status.h: decides by an HTTP answer, or by its absence, what happens to the data. OTLP
 * specification, "OTLP/HTTP Response".
 *
 *     200 … 299            taken, if it is an OTLP answer or an empty one; partial_success is read
 *     200 … 299, a page    the peer is not a backend: retry slowly, logged once with the remedy
 *     429 502 503 504      retry, not before Retry-After, or RetryInfo in the body: the later of the two, at
 *                          most an hour
 *     413, or its words    too large: split
 *     401 403 404 407 …    the data is good, the configuration is not: retry slowly, logged once
 *     4xx and 5xx, a page  the answer of a proxy, not of the backend: retry slowly
 *     other 4xx and 5xx    never accepted: rejected, with the backend's text
 *     3xx                  refused: the configuration must name the right endpoint
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
    gw_nsec retry_after; /* from the header; 0: none */
};

/* Returns the wait in a Retry-After header: seconds, with or without a fraction, or a date, compared with
 * the wall clock `wall`. Returns 0 for a time in the past and for any other text, and at most
 * OTLP_LONGEST_WAIT. */
gw_nsec otlp_http_retry_after(const char *header, gw_nsec wall);

void otlp_http_outcome(const struct otlp_http_answer *, struct gw_outcome *);

/* `code` is a CURLcode, `words` its text from libcurl, `uploaded` the number of bytes of the body that were
 * sent. */
void otlp_http_transport_error(int code, const char *words, size_t uploaded, struct gw_outcome *);

#endif
