/* otlp_response.h: reads a backend's answer into an outcome (exporter.h).
 *
 *     200 / OK      Export…ServiceResponse.partial_success ─▶ rejected items and the backend's text
 *     anything else google.rpc.Status with RetryInfo       ─▶ its text and the wait
 *                   (gRPC: grpc-status-details-bin; HTTP: the body of an error answer; OTLP specification,
 *                   "Failures")
 *
 * A backend's bytes are not trusted: the caller limits them (a few KiB are needed), they are read in place,
 * and texts are truncated to the outcome's length. Lack of memory never changes the meaning of an answer: at
 * worst, JSON texts keep their escapes.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OTLP_RESPONSE_H
#define GW_OTLP_RESPONSE_H

#include "core/delivery/exporter.h"

/* Only this much of an answer is read. */
enum { OTLP_ANSWER_BYTES = 64 * 1024 };

/* Reads the body of a success answer of any signal into `rejected` and `text`. Bytes that are not such a
 * message count as an empty one, because the data was accepted. */
void otlp_response_success(gw_str body, struct gw_outcome *);
/* Returns whether the bytes are a protobuf message. */
bool otlp_response_is_message(gw_str body);
/* The same in OTLP/JSON: {"partialSuccess": {"rejectedSpans": "3", "errorMessage": "…"}}. */
void otlp_response_success_json(gw_str body, struct gw_outcome *);
/* Reads a google.rpc.Status into `text` and `retry_after`. Returns true if it contains a RetryInfo (whose
 * delay may be zero). Bytes that are not such a message count as an empty one. */
bool otlp_response_status(gw_str bytes, struct gw_outcome *);

/* The longest wait that a backend may ask for; a longer one is taken for a mistake and reduced to this. */
#define OTLP_LONGEST_WAIT (3600 * GW_SEC)

/* Reads a delay in decimal digits, with or without a fraction, in `unit`s: 0 … OTLP_LONGEST_WAIT, rounded up.
 * Returns false, with *out 0, for any other text: a sign, letters, nothing. */
bool otlp_response_delay(gw_str text, gw_nsec unit, gw_nsec *out);
/* Sets the backend's text, truncated, with control characters replaced. */
void otlp_response_text(struct gw_outcome *, gw_str words);

#endif
