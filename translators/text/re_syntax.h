/* re_syntax.h: translates an expression of RE2's language to PCRE2's, or returns why it is invalid. Used by
 * re.c.
 *
 * Ownership: the names are views of `from`; the rest is in the arena of `out`.
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RE_SYNTAX_H
#define RE_SYNTAX_H

#include "core/base/text.h"
#include "translators/text/re_name.h"

struct re_syntax {
    /* the caller's */
    gw_str from;
    bool named_only; /* groups without a name capture nothing */
    char *why;       /* RE_ERROR_SIZE bytes */
    /* the result */
    struct gw_text out; /* its arena is the caller's, too */
    struct re_name *names;
    size_t names_n, names_cap;
    unsigned groups;
    size_t at; /* the position in `from` */
};

/* False: RE2 refuses it, and *why has the reason in RE2's words. */
bool re_rewrite(struct re_syntax *);

#endif
