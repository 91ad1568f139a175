/* answer_words.h: finds the meaning of an answer in its text if its status does not tell it; for gRPC and
 * HTTP.
 *
 *   sizes   "Received message larger than max (5000000 vs. 4194304)", "413 Request Entity Too Large",
 *           "PAYLOAD_TOO_LARGE", "batch size exceeds …"; but not "rate limit exceeded", nor "high memory
 *           usage", which pass by themselves
 *   TLS     "certificate has expired", "self-signed certificate": the remedy
 *
 * Servers write these texts in any letter case, with blanks, dashes, underscores or nothing between the
 * words, so only letters and digits are compared.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_ANSWER_WORDS_H
#define GW_ANSWER_WORDS_H

#include "core/base/str.h"

/* Returns whether the text means that a message, request, body, payload or batch is too large. */
bool otlp_speaks_of_size(gw_str text);
/* Returns whether the text means that something is too large, whatever it is. */
bool otlp_says_too_large(gw_str text);
/* Returns the remedy for a failed TLS handshake, a static text; NULL if the text is not about TLS. */
const char *otlp_tls_remedy(gw_str text);

#endif
