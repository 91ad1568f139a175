/* grpc_status.h: what a gRPC backend's answer means for the data. Pure: no gRPC object comes in here, only
 * what it said.
 *
 *   status OK            ─▶ DONE, with partial_success: what was rejected, and why
 *   status other         ─▶ the table of the OTLP specification ("OTLP/gRPC Response", Failures):
 *
 *     CANCELLED ABORTED OUT_OF_RANGE UNAVAILABLE DATA_LOSS   RETRY
 *     RESOURCE_EXHAUSTED                                     RETRY; where it names no time, our departure:
 *                                                            overload passes
 *     DEADLINE_EXCEEDED                                      TIMED_OUT
 *     UNAUTHENTICATED PERMISSION_DENIED NOT_FOUND            RETRY_SLOWLY: our departure, the data is good
 *     INVALID_ARGUMENT and all others                        REFUSED
 *
 *   and what is no word of the backend's:
 *     words that speak of a size that is too large, or of HTTP's 413     SPLIT
 *     (a proxy; Rust's tonic says OUT_OF_RANGE)
 *     a status that a gRPC library made for lack of one that was sent,   never REFUSED: nobody has looked at
 *     known by its words                                                 the data
 *       of an HTTP answer that is no gRPC                                RETRY_SLOWLY
 *       of a stream that was reset or has no trailers                    RETRY
 *     an answer that is longer than our library reads                    DONE: only what was taken has one
 *
 *   A time is named by RetryInfo, or by the trailer grpc-retry-pushback-ms that gRPC's own retries obey; of
 *   two the later one counts. A pushback that is negative or no number forbids gRPC to retry by itself, and
 *   says nothing of the data: it names no time.
 *
 * Texts of our own transport (refused connection, DNS, TLS) are recognised and get a remedy.
 * Threads: any. Secrets: texts come from the backend or the transport and never hold what we sent.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_GRPC_STATUS_H
#define GW_GRPC_STATUS_H

#include "core/delivery/exporter.h"

/* Our library reads answers up to this size: a number that nobody else has. */
enum { GW_GRPC_MAX_ANSWER = 1024 * 1024 + 7 };

struct gw_grpc_answer {
    int status;      /* grpc_status_code */
    gw_str message;  /* the backend's words or the transport's */
    gw_str details;  /* grpc-status-details-bin: a google.rpc.Status; may be empty */
    gw_str pushback; /* grpc-retry-pushback-ms; may be empty */
    gw_str response; /* the Export…ServiceResponse, with status OK; may be empty */
};

void gw_grpc_judge(const struct gw_grpc_answer *, struct gw_outcome *out);

#endif
