/* re_syntax.h: an expression of RE2's language as one of PCRE2's, or why it is none. Used by re.c.
 *
 * Ownership: the names are views of `from`; the rest is in the arena of `out`. Threads: pure functions.
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
    /* what comes of it */
    struct gw_text out; /* its arena is the caller's, too */
    struct re_name *names;
    size_t names_n, names_cap;
    unsigned groups;
    size_t at; /* where the reading stands in `from` */
};

/* False: RE2 refuses it, and *why says so in its words. */
bool re_rewrite(struct re_syntax *);

#endif
