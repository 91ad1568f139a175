/* re.h: regular expressions of Go's RE2, run by PCRE2's JIT.
 *
 *     expression ──check, rewrite──▶ PCRE2 program ──▶ match, no match, or gave up
 *
 * Scripts were written for RE2, so what RE2 refuses is refused (look-around, back references, possessive
 * and atomic groups, \Z \h \R \K, comments, counts over 1000), and what has another meaning is rewritten:
 * \s has no vertical tab, \v is one, `$` is the very end, groups are numbered inside and named here, a `{`
 * that starts no count is a literal. \w \d \b are ASCII. A byte that is not UTF-8 counts as one U+FFFD,
 * also for `.`.
 *
 * RE2 is linear; backtracking is not. So a match has a budget of steps at every start position, start
 * positions are tried in slices, and the clock is read between slices: after RE_TIME_NS the answer is
 * RE_GAVE_UP, which callers treat as no match and count. Before that, a match that takes too long is tried
 * once more with a memory of failed positions (re_memo.h), for the same time.
 *
 * Ownership: an expression is made and freed by the code that loads scripts, and only read in between.
 * Threads: expressions are shared, a re_thread belongs to one thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RE_H
#define RE_H

#include "core/base/arena.h"
#include "translators/text/re_name.h"

enum { RE_GROUPS = 400 };
#define RE_TIME_NS INT64_C(50000000)

struct re;
struct re_thread;

/* NULL when it is refused: then why (RE_ERROR_SIZE bytes) has the reason in RE2's words. With `named_only`,
 * groups without a name capture nothing. */
struct re *re_compile(gw_str expression, bool named_only, char *why);
void re_drop(struct re *);
unsigned re_groups(const struct re *); /* without the whole, which is group 0 */
const struct re_name *re_names(const struct re *, size_t *n);

struct re_thread *re_thread_new(void);
void re_thread_drop(struct re_thread *);
/* Before text is matched that may lie where other text lay. */
void re_thread_forget(struct re_thread *);

enum re_result { RE_NO_MATCH, RE_MATCH, RE_GAVE_UP };

/* The leftmost match at or behind `from`. spans[2·g], spans[2·g+1]: from and to of group g, SIZE_MAX when it
 * took no part; room for 2 × (re_groups + 1). The arena is only used for text that is not UTF-8. */
enum re_result re_match(const struct re *, struct re_thread *, struct gw_arena *, gw_str text, size_t from,
                        size_t *spans);

#endif
