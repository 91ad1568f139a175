/* re_syntax.h: an expression of RE2's language as one of PCRE2's, or why it is none. Used by re.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RE_SYNTAX_H
#define RE_SYNTAX_H

#include "core/base/text.h"
#include "translators/text/re.h"

struct re_syntax {
    gw_str from;
    size_t at;
    struct gw_text out;
    struct re_name *names; /* in the arena of `out` */
    size_t names_n, names_cap;
    unsigned groups;
    bool named_only;
    char *why;
};

bool re_rewrite(struct re_syntax *);

#endif
