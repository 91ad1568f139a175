/* dd_strings.h: makes texts from other texts, in an arena.
 *
 * Threads: pure functions. Results are in the arena, or the argument itself if nothing changes; empty if the
 * arena's budget is used up.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_STRINGS_H
#define DD_STRINGS_H

#include "core/base/arena.h"

/* Change ASCII letters only; other bytes are kept. */
gw_str dd_lower(struct gw_arena *, gw_str);
gw_str dd_upper(struct gw_arena *, gw_str);
/* Returns "a" + between + "b". */
gw_str dd_concat(struct gw_arena *, gw_str a, gw_str between, gw_str b);
/* Returns the index of `needle` (lower case, not empty) in s, compared without case; -1 if it is missing. */
long dd_find(gw_str s, gw_str needle);
/* Returns the text, with U+FFFD in place of invalid UTF-8. */
gw_str dd_utf8(struct gw_arena *, gw_str);
bool dd_is_among(gw_str, const gw_str *list, size_t n);

#endif
