/* config_syntax.h: the place of a syntax error in a file, to the column, and the kind of a file that is not
 * a configuration.
 *
 *     ddgate.conf:3:14: syntax error: text stands in quotes: write "…"
 *       log = { level = info; };
 *                       ^
 *
 * libconfig reports only the line, and not always the right one: it notices a missing quote at the next
 * quote. So this file parses a text that libconfig refuses a second time, by the same grammar, only for the
 * message.
 *
 * The line is shown as it is written, except values that may be secrets: text stays readable if its key is
 * known to hold none (type, listen, level, …), and is replaced by * otherwise.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CONFIG_SYNTAX_H
#define GW_CONFIG_SYNTAX_H

#include "core/base/str.h"

struct gw_syntax_fault {
    unsigned line, column; /* from 1; a column counts characters, not bytes */
    const char *what;      /* static text */
    char shown[512];       /* the line, and a second one with ^ below the place; no newline at the end */
};

/* The first place where the text violates libconfig's grammar; false if this reader finds none. */
bool gw_syntax_find(gw_str text, struct gw_syntax_fault *);
/* Does it end within a text? libconfig refuses that, and leaks memory. */
bool gw_syntax_ends_in_text(gw_str text);
/* "This is YAML: …", for a file of another kind; NULL: it may be a configuration. Static text. */
const char *gw_syntax_other_kind(gw_str text);

#endif
