/* answer_words.h: what the words of an answer mean where its status does not say it, for gRPC and HTTP alike.
 *
 *   sizes   "Received message larger than max (5000000 vs. 4194304)", "413 Request Entity Too Large",
 *           "PAYLOAD_TOO_LARGE", "batch size exceeds …"; but not "rate limit exceeded", nor "high memory
 *           usage": those pass
 *   TLS     "certificate has expired", "self-signed certificate": what to do about it
 *
 * Servers write these in any letter case, with blanks, dashes, underscores or nothing between the words: only
 * letters and digits are compared.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_ANSWER_WORDS_H
#define GW_ANSWER_WORDS_H

#include "core/base/str.h"

/* The text says that a message, request, body, payload or batch is too large. */
bool otlp_speaks_of_size(gw_str text);
/* It says that something is too large, whatever it is. */
bool otlp_says_too_large(gw_str text);
/* What to do about a TLS handshake that failed, a static text; NULL where the words are not of TLS. */
const char *otlp_tls_remedy(gw_str text);

#endif
