/* unicase.h: upper and lower case of all of Unicode, one code point for one, as Go's unicode.ToUpper and ToLower; and what is Han.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_UNICASE_H
#define SC_UNICASE_H

#include "core/base/arena.h"

bool sc_is_han(uint32_t);

/* In the arena; s itself when nothing changes. */
gw_str sc_lower(struct gw_arena *, gw_str s);
gw_str sc_upper(struct gw_arena *, gw_str s);

#endif
