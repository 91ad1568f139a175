/* did_you_mean.h: guesses which name of an option, a component or a function was meant by a misspelt one.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DID_YOU_MEAN_H
#define GW_DID_YOU_MEAN_H

#include "core/base/str.h"

/* The one of `names` (NULL-terminated) that a person who wrote `wrong` most likely meant; NULL when none is
 * near. */
const char *gw_did_you_mean(gw_str wrong, const char *const *names);

#endif
