/* otlp_response.h: what a backend says, read into an outcome (exporter.h).
 *
 *     200 / OK      Export…ServiceResponse.partial_success ─▶ rejected items and the backend's words
 *     anything else google.rpc.Status with RetryInfo       ─▶ its words and how long to wait
 *                   (gRPC: grpc-status-details-bin; HTTP: the body of an error answer; OTLP specification,
 *                   "Failures")
 *
 * A backend's bytes are untrusted: they are bounded by the caller (a few KiB matter), walked where they
 * stand, and its words are cut to the outcome's text. Missing memory cannot change what an answer means: at
 * worst, words in JSON keep their escapes.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OTLP_RESPONSE_H
#define GW_OTLP_RESPONSE_H

#include "core/delivery/exporter.h"

/* More of an answer is not read. */
enum { OTLP_ANSWER_BYTES = 64 * 1024 };

/* The body of a good answer, of any signal: fills rejected and text. Bytes that are no such message are taken
 * as an empty one: the data was taken. */
void otlp_response_success(gw_str body, struct gw_outcome *);
/* Whether the bytes are a protobuf message at all. */
bool otlp_response_is_message(gw_str body);
/* The same in OTLP/JSON: {"partialSuccess": {"rejectedSpans": "3", "errorMessage": "…"}}. */
void otlp_response_success_json(gw_str body, struct gw_outcome *);
/* A google.rpc.Status: fills text and retry_after. True when a RetryInfo stood in it (its delay may be zero).
 * Bytes that are no such message are taken as an empty one. */
bool otlp_response_status(gw_str bytes, struct gw_outcome *);

/* The longest wait that a backend may ask for; more is taken for a mistake, and for this much. */
#define OTLP_LONGEST_WAIT (3600 * GW_SEC)

/* A delay in decimal digits, with a fraction or without, as a count of `unit`: 0 … OTLP_LONGEST_WAIT, not
 * less than was asked for. False, and *out is 0, for anything else: a sign, letters, nothing. */
bool otlp_response_delay(gw_str text, gw_nsec unit, gw_nsec *out);
/* The backend's words as text, cut and with control characters replaced. */
void otlp_response_text(struct gw_outcome *, gw_str words);

#endif
