/* grpc_status.h: decides by a gRPC backend's answer what happens to the data. Independent of gRPC's objects:
 * it reads only their contents.
 *
 *   status OK            ─▶ DONE, with partial_success: what was rejected, and why
 *   status other         ─▶ the table of the OTLP specification ("OTLP/gRPC Response", Failures):
 *
 *     CANCELLED ABORTED OUT_OF_RANGE UNAVAILABLE DATA_LOSS   RETRY
 *     RESOURCE_EXHAUSTED                                     RETRY, also without a retry time. This departs
 *                                                            from the specification: overload is temporary
 *     DEADLINE_EXCEEDED                                      TIMED_OUT
 *     UNAUTHENTICATED PERMISSION_DENIED NOT_FOUND            RETRY_SLOWLY. This departs too: the data is good
 *     INVALID_ARGUMENT and all others                        REFUSED
 *
 *   and answers that do not come from the backend itself:
 *     texts about a size that is too large, or HTTP's 413                SPLIT
 *     (from a proxy; Rust's tonic sends OUT_OF_RANGE)
 *     a status that a gRPC library made because none was sent,           never REFUSED: the backend has not
 *     recognized by its text                                             seen the data
 *       for an HTTP answer that is not gRPC                              RETRY_SLOWLY
 *       for a stream that was reset or has no trailers                   RETRY
 *     an answer that is longer than ddgate's library reads               DONE: only accepted data has one
 *
 *   The retry time comes from RetryInfo, or from the trailer grpc-retry-pushback-ms, which gRPC's own retries
 *   obey; if both are present, the later one counts. A pushback that is negative or not a number only forbids
 *   gRPC's own retries; it contains no time.
 *
 * Texts of the local transport (refused connection, DNS, TLS) are recognised and get a remedy. Threads: any.
 * Secrets: texts come from the backend or the transport, not from the request.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_GRPC_STATUS_H
#define GW_GRPC_STATUS_H

#include "core/delivery/exporter.h"

/* The largest answer that the library reads. The number is unusual, so that its error is recognized as the
 * library's own. */
enum { GW_GRPC_MAX_ANSWER = 1024 * 1024 + 7 };

struct gw_grpc_answer {
    int status;      /* grpc_status_code */
    gw_str message;  /* from the backend or from the transport */
    gw_str details;  /* grpc-status-details-bin: a google.rpc.Status; may be empty */
    gw_str pushback; /* grpc-retry-pushback-ms; may be empty */
    gw_str response; /* the Export…ServiceResponse, with status OK; may be empty */
};

void gw_grpc_judge(const struct gw_grpc_answer *, struct gw_outcome *out);

#endif
