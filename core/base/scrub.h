/* scrub.h: no secret in a text that people or other programs read.
 *
 *   configuration ─▶ gw_secret_add…  ─▶ table of secrets and of the forms that they are echoed in
 *                                                     │
 *   text, perhaps of a backend or a library ─▶ gw_scrub ─▶ the same text with *** in the place of each
 *
 * A backend may answer "401: the key KEY is unknown", a library may name the URL that it could not use, with its password: such texts
 * pass gw_scrub where they leave ddgate, at one place each: the log (log.c), labels of metrics (metrics.c), dead letters
 * (dead_letter.c), what `ddgate check` prints (main.c). What a backend says is scrubbed before it is cut to length as well
 * (otlp_response.c).
 *
 * What is found, for each secret: the text itself; its percent-encoded, JSON, HTML and base64 forms, and base64 of a text that holds it;
 * the beginning of it, from 12 characters on, for texts are cut. Of a URL's user:password: both together, their base64 form (Basic
 * authentication), and the password alone. Besides, whatever stands before the @ of any URL (gw_scrub, not gw_scrub_data).
 *
 * A form of fewer than GW_SECRET_SHORTEST characters is not looked for, as it would be found in every text: a password that short is hidden
 * together with its user, and in URLs, and nowhere else. A secret of digits alone is found only where no digit stands beside it.
 *
 * Secrets of earlier configurations stay secret, GW_SECRETS_MOST in all: the ones that were named last.
 *
 * Cost: a text of 164 bytes takes 0.1 µs without secrets, 0.2 µs with three and 0.6 µs with a thousand
 * (bench/bench_scrub.c).
 *
 * Threads: any. Ownership: everything is copied. Errors: where there is no memory to know a secret, the oldest table stays in use.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SCRUB_H
#define GW_SCRUB_H

#include "core/base/str.h"

enum { GW_SECRET_SHORTEST = 6, GW_SECRETS_MOST = 1024 };

/* One secret, as it is. */
void gw_secret_add(gw_str);
/* Of a text with a PEM block each line that is long enough; of any other the text itself. */
void gw_secret_add_text(gw_str);
/* Each of several that blanks, commas or lines separate. */
void gw_secret_add_list(gw_str);
/* What a URL holds before its @, and what its query gives names like key or token. */
void gw_secret_add_url(gw_str);
/* The value of a header: with and without "Bearer " and the like; what Basic encodes. A few headers are known to hold no secret. */
void gw_secret_add_header(gw_str name, gw_str value);

/* Does a name look like that of a secret: SLS_AK_SECRET, api-key, DB_PASSWORD? */
bool gw_secret_is_name(gw_str);

/* Replaces in place; returns the new length, which is never larger. No NUL is written. */
size_t gw_scrub(char *text, size_t n);
/* The same without URLs of others: for data that somebody may want to send again. */
size_t gw_scrub_data(char *text, size_t n);

/* Wipes all; the last thing that a process does. */
void gw_secrets_forget(void);

#endif
