/* xpath.h: the XPath expressions of scripts, by libxml2: version 1.0.
 *
 * An expression is checked when its script loads, and compiled for each record: libxml2 writes to a compiled
 * one while it evaluates it, and threads share the script.
 *
 * Time: libxml2 counts the nodes that an evaluation visits, and stops at a limit. It does not count the
 * comparisons when it removes duplicates, up to one with every node for each visit. An expression that can
 * find a node twice gets a lower limit in a large document.
 *
 * Threads: a struct sc_xpath is const once it is made.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_XPATH_H
#define SC_XPATH_H

#include "translators/pipeline/xml_tree.h"

struct sc_xpath {
    const char *text;
    bool finds_twice;
};

/* False when it is not a valid XPath, or the arena is spent. The text is copied to the arena. */
bool sc_xpath_init(struct sc_xpath *, struct gw_arena *, gw_str expression);
/* The text of the first node, in the tree's arena. False when none is found, the value is not a set of nodes,
 * or a limit is reached. */
bool sc_xpath_text(const struct sc_xpath *, const struct sc_xml *, gw_str *out);

#endif
