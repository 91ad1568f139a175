/* json_in.h: JSON text as a script's value.
 *
 * As the reference engine reads it: every number is a float, null is nil, of names that come twice the last
 * stays, the text may be as loose as GW_JSON_LOOSE (core/base/json.h), anything behind the value is an error,
 * and so is a number beyond a double. Other than there, an integer that a double would change keeps its
 * digits (value.h), unless it begins with a zero. Nesting is bounded by GW_JSON_DEPTH.
 *
 * Ownership: text without escapes is a view of the input.
 * Threads: the arena's owner.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_JSON_IN_H
#define SC_JSON_IN_H

#include "translators/pipeline/value.h"

/* False when the text is not JSON, or the arena is spent. */
bool sc_json_read(struct gw_arena *, gw_str text, struct sc_val *out);
/* Whether it is JSON by the letter (RFC 8259). */
bool sc_json_valid(gw_str text);

#endif
