/* dd_tracestate.h: does a text read as W3C's tracestate? One that does not is dropped as a whole, never copied
 * in part.
 *
 *     congo=t61rcWkgMzE , rojo=00f067aa0ba902b7,,fw529a3039@dt=FfffMTyNDUz
 *     └key┘ └─ value ─┘ └ blanks and empty members are allowed
 *
 *     key     1 to 256 of a-z 0-9 _ - * / @, beginning with a letter or digit  (Trace Context level 2, which takes
 *             whatever level 1 took)
 *     value   1 to 256 printable ASCII characters but ',' and '=', the last of them no blank
 *     list    at most 32 members that are not empty, no key twice
 *
 * There is no greatest length: 512 bytes are what everybody must be able to pass on.
 *
 * Pure. A text that is not UTF-8 does not read.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_TRACESTATE_H
#define DD_TRACESTATE_H

#include "core/base/str.h"

enum { DD_TRACESTATE_MEMBERS = 32 };

/* An empty text is a list without members. */
bool dd_tracestate_valid(gw_str);

#endif
