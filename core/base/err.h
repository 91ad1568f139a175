/* err.h: errors, and the texts for the person who can act on them.
 *
 * There are four kinds of errors, and each has one answer:
 *
 *   the user's configuration is wrong   all mistakes collected and printed as file:line, exit 2 before any socket opens (configuration.h)
 *   the input is wrong                  a gw_err with place and remedy to the sender, a count, a rate-limited log line
 *   the environment is slow or away     a verdict (exporter.h), back-off, a bounded queue, then 429 to the sender
 *   ddgate is wrong                     GW_ASSERT: prints the place and aborts; input never reaches one
 *
 * A function that can fail returns enum gw_code (GW_OK is 0), takes `struct gw_err *` as its last
 * parameter, and fills it with place and text by gw_fail(). Codes, HTTP statuses and advice are rows of
 * errors.def, from which docs/reference/errors.md is generated.
 *
 * Ownership: a gw_err is plain memory of the caller; the error path allocates nothing. Threads: any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_ERR_H
#define GW_ERR_H

#include <stddef.h>

#define GW_MUST_CHECK __attribute__((warn_unused_result))
#define GW_PRINTF(f, a) __attribute__((format(printf, f, a)))

enum gw_code {
    GW_OK,
#define ERROR(id, http, text, advice) GW_##id,
#include "core/base/errors.def"
#undef ERROR
    GW_CODES
};

struct gw_err {
    enum gw_code code;
    size_t pos;     /* offset into the input, in bytes; 0 if the error has no place */
    char what[160]; /* the details: "span 3: meta is an array, want a map" */
};

/* Fills err (which may be NULL) and returns code, so that a failing path is one statement. */
enum gw_code gw_fail(struct gw_err *err, enum gw_code code, size_t pos, const char *fmt, ...) GW_PRINTF(4, 5);

const char *gw_code_id(enum gw_code);     /* "BAD_MSGPACK" */
const char *gw_code_text(enum gw_code);   /* stable text, for people and tests */
const char *gw_code_advice(enum gw_code); /* what to do about it */
int gw_code_http(enum gw_code);           /* the status an HTTP sender gets */

/* For ddgate's own invariants only; kept in release builds. panic.h describes the report. */
#define GW_ASSERT(cond) ((cond) ? (void)0 : gw_assert_failed(#cond, __FILE__, __LINE__))
void gw_assert_failed(const char *cond, const char *file, int line) __attribute__((noreturn));

#endif
