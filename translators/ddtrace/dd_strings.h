/* dd_strings.h: text made of other text, in an arena.
 *
 * Pure. Results are the arena's, or the argument itself where nothing changes; empty when the arena's budget
 * is spent.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_STRINGS_H
#define DD_STRINGS_H

#include "core/base/arena.h"

/* ASCII letters alone; other bytes stay. */
gw_str dd_lower(struct gw_arena *, gw_str);
gw_str dd_upper(struct gw_arena *, gw_str);
/* "a" + between + "b". */
gw_str dd_concat(struct gw_arena *, gw_str a, gw_str between, gw_str b);
/* Index of `needle` (lower case, not empty) in s, compared without case; -1 when absent. */
long dd_find(gw_str s, gw_str needle);
/* The text, with U+FFFD for what is not UTF-8 in it. */
gw_str dd_utf8(struct gw_arena *, gw_str);
bool dd_is_among(gw_str, const gw_str *list, size_t n);

#endif
