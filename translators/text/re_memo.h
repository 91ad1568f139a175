/* re_memo.h: runs an expression that backtracks too long once more, with a memory of failed positions.
 *
 * `(.*) (.*) (.*) …` has as many ways to split a text as there are ways to choose its blanks, and a
 * backtracking search tries them all. But what can follow a place of the expression at a place of the text
 * does not depend on how both were reached, because there are no back references. So a pair that has failed
 * need not be tried again, and the work is at most places times places. Places within a repeated group are
 * left out, because the number of repetitions is not part of the pair.
 *
 *     (?C)(.*) (?C)(.*) …      PCRE2 calls back: was this place tried at this place of the text? Then it backtracks.
 *
 * The result is the same: only failing positions are skipped.
 *
 * Ownership: a re_memo belongs to its expression. Threads: it is shared and const; the memory of a match is
 * the caller's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RE_MEMO_H
#define RE_MEMO_H

#include <pcre2.h>

#include "core/base/arena.h"

struct re_memo;

/* Of an expression as PCRE2 has it, compiled with these options. NULL: no memory. */
struct re_memo *re_memo_new(gw_str expression, uint32_t options);
void re_memo_drop(struct re_memo *);
/* As pcre2_match at or behind `from`; PCRE2_ERROR_MATCHLIMIT when it takes longer than `ns`, or more memory
 * than a few MiB. */
int re_memo_match(const struct re_memo *, gw_str text, size_t from, pcre2_match_data *, int64_t ns);

#endif
