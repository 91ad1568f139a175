/* config_syntax.h: where in a file the syntax goes wrong, to the column, and which kind of file it is that is none of ours.
 *
 *     ddgate.conf:3:14: syntax error: text stands in quotes: write "…"
 *       log = { level = info; };
 *                       ^
 *
 * libconfig knows the line alone, and not always the right one: a quote that is missing is found where the next one stands. So the text of a file
 * that libconfig refuses is read a second time here, by the same grammar, for the sake of the message.
 *
 * The line is shown as it is written, but for values that may be secrets: text stays readable where its key is known to hold none (type,
 * listen, level, …), and is hidden by * anywhere else.
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

/* The first place where the text breaks libconfig's grammar; false when there is none that this reader sees. */
bool gw_syntax_find(gw_str text, struct gw_syntax_fault *);
/* Does it end within a text? libconfig refuses that, and leaks memory. */
bool gw_syntax_ends_in_text(gw_str text);
/* "This is YAML: …", for a file of another kind; NULL: it may be ours. Static text. */
const char *gw_syntax_other_kind(gw_str text);

#endif
