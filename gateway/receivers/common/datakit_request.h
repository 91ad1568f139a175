/* datakit_request.h: what requests to Datakit's /v1/write/CATEGORY have in common, whichever receiver takes them.
 *
 *     POST /v1/write/tracing?precision=…    Content-Type: application/json: JSON, else line protocol
 *     200                                   all points were taken: no body, as Datakit answers
 *     200 {"error_code": …, "message": …}   some cannot be read: the others were taken, so nobody is to send them again
 *     4xx, 5xx {"error_code": …, …}         nothing was taken
 *
 * Facts: Datakit's manual (API, "/v1/write/:category") and the names of its errors.
 *
 * Threads: the request's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DATAKIT_REQUEST_H
#define GW_DATAKIT_REQUEST_H

#include "gateway/http/http.h"

struct datakit_query {
    bool json;
    gw_str precision; /* n, u, ms, s, m, h; empty: missing */
};

struct datakit_query datakit_read_query(const struct gw_http_request *);

/* GW_NO_POINTS where a body has none, as Datakit has it. */
enum gw_code datakit_want_points(uint64_t points, struct gw_err *) GW_MUST_CHECK;

/* A reply with the text of an error, in Datakit's words: for site->word_error, and after gw_http_reply_error. */
void datakit_word_error(const struct gw_http_request *, const struct gw_err *, struct gw_http_reply *);
/* The good answer. `bad` points were left out, of which `first` is one. */
void datakit_answer(const struct gw_http_request *, uint64_t bad, const struct gw_err *first,
                    struct gw_http_reply *);

/* A line in the log, once for a client and path. */
void datakit_log_bad(const struct gw_http_request *, const char *component, uint64_t bad,
                     const struct gw_err *first);

#endif
