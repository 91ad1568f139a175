/* re_replace.h: all matches of an expression replaced, as Go's regexp.ReplaceAllString does it.
 *
 *     token=([^&]*)   token=$1…   ─▶   $1, ${1}, $name, ${name}: what the group matched; $$: one $
 *
 * `$1x` is the group with the name 1x, as in Go: write ${1}x. A name without a group is replaced by nothing.
 * An empty match directly after a match does not count.
 *
 * Ownership: the owner of the expression makes and drops the replacement. Threads: a replacement is shared, a
 * re_thread belongs to one thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RE_REPLACE_H
#define RE_REPLACE_H

#include "translators/text/re.h"

struct re_replacement;
/* NULL: no memory. Expression and template outlive it. */
struct re_replacement *re_replacement_new(const struct re *, gw_str template);
void re_replacement_drop(struct re_replacement *);

/* RE_MATCH: *out is the text with its matches replaced, in the arena. RE_NO_MATCH: it is as it was. RE_GAVE_UP, also for
 * want of memory: *out is empty. */
enum re_result re_replace(const struct re_replacement *, struct re_thread *, struct gw_arena *, gw_str text,
                          gw_str *out);

#endif
