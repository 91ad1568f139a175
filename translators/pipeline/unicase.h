/* unicase.h: upper and lower case of all of Unicode, one code point for one, as Go's strings.ToUpper and
 * ToLower; and what is Han.
 *
 * Go maps by the simple mappings of UnicodeData.txt, whatever the language: ß stays as it is, İ becomes i, ς
 * becomes Σ. libunistring has the same for each code point; utf8proc makes ẞ of ß.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_UNICASE_H
#define SC_UNICASE_H

#include "core/base/arena.h"

bool sc_is_han(uint32_t rune);

/* In the arena; s itself when nothing changes. Bytes that are no UTF-8 become U+FFFD. */
gw_str sc_lower(struct gw_arena *, gw_str s);
gw_str sc_upper(struct gw_arena *, gw_str s);

#endif
