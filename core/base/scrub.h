/* scrub.h: removes secrets from texts that people or other programs read.
 *
 *   configuration ─▶ gw_secret_add…  ─▶ table of secrets and their encoded forms
 *                                                     │
 *   text, perhaps of a backend or a library ─▶ gw_scrub ─▶ the same text with *** in place of each
 *
 * A backend may answer "401: the key KEY is unknown"; a library may print the URL that it could not use,
 * with its password. Such texts pass gw_scrub at the one place where they leave ddgate: the log (log.c),
 * labels of metrics (metrics.c), dead letters (dead_letter.c), the output of `ddgate check` (main.c). A
 * backend's answer is also scrubbed before it is truncated (otlp_response.c).
 *
 * Found for each secret: the text itself; its percent-encoded, JSON, HTML and base64 forms, and base64 of a
 * text that contains it; its beginning, from 12 characters on, because texts are truncated. Of a URL's
 * user:password: both together, their base64 form (Basic authentication), and the password alone. In
 * addition, everything before the @ of any URL (gw_scrub, not gw_scrub_data).
 *
 * Forms of fewer than GW_SECRET_SHORTEST characters are not searched, because they occur in ordinary text:
 * such a short password is hidden together with its user, and in URLs, and nowhere else. A secret that is
 * only digits is found only if no digit is next to it.
 *
 * Secrets of earlier configurations stay secret: the GW_SECRETS_MOST that were added last.
 *
 * Cost: a text of 164 bytes takes 0.1 µs without secrets, 0.2 µs with three and 0.6 µs with a thousand
 * (bench/bench_scrub.c).
 *
 * Threads: any. Ownership: everything is copied. Errors: without memory for a new secret, the previous
 * table stays in use.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SCRUB_H
#define GW_SCRUB_H

#include "core/base/str.h"

enum { GW_SECRET_SHORTEST = 6, GW_SECRETS_MOST = 1024 };

/* Adds one secret. */
void gw_secret_add(gw_str);
/* Adds the secrets of a text: each line of a PEM block that is long enough; of any other text the text
 * itself. */
void gw_secret_add_text(gw_str);
/* Adds each of several secrets, separated by blanks, commas or line ends. */
void gw_secret_add_list(gw_str);
/* Adds the secrets of a URL: the part before its @, and values of its query whose name is like key or token. */
void gw_secret_add_url(gw_str);
/* Adds the value of a header: with and without "Bearer " and the like, and the decoded content of Basic. A
 * few headers are known to hold no secret. */
void gw_secret_add_header(gw_str name, gw_str value);

/* True for names of secrets: SLS_AK_SECRET, api-key, DB_PASSWORD. */
bool gw_secret_is_name(gw_str);

/* Replaces secrets in place; returns the new length, which is never larger. Writes no NUL. */
size_t gw_scrub(char *text, size_t n);
/* The same, but leaves other URLs unchanged: for data that a person may want to send again. */
size_t gw_scrub_data(char *text, size_t n);

/* Wipes the table; the last call of a process. */
void gw_secrets_forget(void);

#endif
