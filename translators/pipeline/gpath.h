/* gpath.h: paths into JSON text, as in tidwall/gjson.
 *
 *     a.b   a.0   a.#   a.#.b   a.#(k=="v").b   a.#(n>1)#   na*e   a\.b   a|b
 *
 * A path works on the text itself: its result is a piece of the text, or an array of pieces. Of repeated
 * names the first counts. Modifiers (@reverse) and multipaths ({a,b}) are not supported: such a path finds
 * nothing.
 *
 * Threads: pure functions. Ownership: a result is a view of the text or in the arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_GPATH_H
#define SC_GPATH_H

#include "core/base/json.h"

enum { GPATH_DEPTH = 64 };

/* False: there is nothing, or null. *raw is JSON text. */
bool gpath_get(struct gw_arena *, gw_str json, gw_str path, gw_str *raw);

#endif
