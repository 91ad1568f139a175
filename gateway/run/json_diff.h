/* json_diff.h: JSON in lines that people read, and the lines in which two differ. For `ddgate test`.
 *
 *     {"key": "a", "value": {"stringValue": "b"}}      what fits into a line stays on one
 *
 * Threads: pure. Ownership: texts are malloc'd and the caller's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_JSON_DIFF_H
#define GW_JSON_DIFF_H

#include <stdio.h>

#include "core/base/err.h"
#include "core/base/str.h"

/* The same JSON, indented by two blanks; ends with a line end. False: it is no JSON, as *err says, or there is no memory. */
bool gw_json_in_lines(gw_str json, char **out, size_t *len, struct gw_err *err) GW_MUST_CHECK;

/* Prints the lines that differ, "- " what is wanted, "+ " what there is, with some around them; at most so many lines. */
void gw_diff_print(FILE *, gw_str want, gw_str got, unsigned most, bool coloured);

#endif
