/* dd_tracestate.h: checks whether a text is a valid W3C tracestate. An invalid one is dropped as a whole,
 * never copied in part.
 *
 *     congo=t61rcWkgMzE , rojo=00f067aa0ba902b7,,fw529a3039@dt=FfffMTyNDUz
 *     └key┘ └─ value ─┘ └ blanks and empty members are allowed
 *
 *     key     1 to 256 of a-z 0-9 _ - * / @, beginning with a letter or digit (Trace Context level 2,
 *             which accepts everything that level 1 accepted)
 *     value   1 to 256 printable ASCII characters except ',' and '='; the last one is not a blank
 *     list    at most 32 non-empty members, no key twice
 *
 * The length is not limited: every implementation must be able to propagate 512 bytes, and may propagate
 * more.
 *
 * Threads: a pure function. A text with invalid UTF-8 is invalid.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_TRACESTATE_H
#define DD_TRACESTATE_H

#include "core/base/str.h"

enum { DD_TRACESTATE_MEMBERS = 32 };

/* An empty text is a list without members. */
bool dd_tracestate_valid(gw_str);

#endif
