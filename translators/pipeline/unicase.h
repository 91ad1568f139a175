/* unicase.h: upper and lower case of all of Unicode, one code point for one, as Go's strings.ToUpper and
 * ToLower; and the script Han.
 *
 * Go uses the simple mappings of UnicodeData.txt, in every language: ß stays, İ becomes i, ς becomes Σ.
 * libunistring has the same for each code point; utf8proc turns ß into ẞ.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_UNICASE_H
#define SC_UNICASE_H

#include "core/base/arena.h"

bool sc_is_han(uint32_t rune);

/* The result is in the arena, or s itself when nothing changes. Bytes that are not UTF-8 become U+FFFD. */
gw_str sc_lower(struct gw_arena *, gw_str s);
gw_str sc_upper(struct gw_arena *, gw_str s);

#endif
