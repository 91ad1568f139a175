/* err.h: what can go wrong, and what the one who caused it is told.
 *
 * There are four kinds of trouble, and each has one answer:
 *
 *   the user's configuration is wrong   all mistakes collected and printed as file:line, exit 2 before any socket opens (configuration.h)
 *   the input is wrong                  a gw_err with place and remedy to the sender, a count, a rate-limited log line
 *   the world is slow or away           a verdict (exporter.h), back-off, a bounded queue, then 429 to the sender
 *   we are wrong                        GW_ASSERT: says where and aborts; input never reaches one
 *
 * A function that can fail returns enum gw_code (GW_OK is 0), takes `struct gw_err *` last, and fills it with
 * the place and the words by gw_fail(). Codes, HTTP answers and advice are rows of errors.def, from which
 * docs/reference/errors.md is made.
 *
 * Ownership: a gw_err is plain caller's memory; the error path allocates nothing.
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
    size_t pos;     /* offset into the input that was read, in bytes; 0 where no place is meant */
    char what[160]; /* the particulars: "span 3: meta is an array, want a map" */
};

/* Fills err (which may be NULL) and returns code, so that a failing path is one statement. */
enum gw_code gw_fail(struct gw_err *err, enum gw_code code, size_t pos, const char *fmt, ...) GW_PRINTF(4, 5);

const char *gw_code_id(enum gw_code);     /* "BAD_MSGPACK" */
const char *gw_code_text(enum gw_code);   /* stable text, for people and tests */
const char *gw_code_advice(enum gw_code); /* what to do about it */
int gw_code_http(enum gw_code);           /* the status an HTTP sender gets */

/* Our own invariants only; kept in release builds. What is printed: panic.h. */
#define GW_ASSERT(cond) ((cond) ? (void)0 : gw_assert_failed(#cond, __FILE__, __LINE__))
void gw_assert_failed(const char *cond, const char *file, int line) __attribute__((noreturn));

#endif
