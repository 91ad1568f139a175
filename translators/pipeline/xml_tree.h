/* xml_tree.h: parses untrusted text into an XML tree of libxml2.
 *
 *     text ──libxml2's parser──▶ events ──limits, xml_tree.c──▶ tree ──xpath.c──▶ text of a node
 *
 * The tree is the one that the reference engine (antchfx/xmlquery) builds:
 * - Text around the elements is ignored, so a log line may have words before its XML; there may be several
 * root elements.
 * - Names are compared as they are written: the name space of p:b is the text "p". xmlns attributes are
 * attributes.
 * - A CDATA section is a separate text node. A comment is an empty node that separates text nodes, and so
 * is a processing instruction.
 *
 * Nothing outside the text is read: no network, no files, no entities except the five of the standard. A
 * document type may be named, but one with an internal subset is refused. The text is UTF-8; a declared
 * encoding is ignored, so a sender cannot choose a converter.
 *
 * Limits: the enum below. libxml2 takes quadratic time in the last three. Memory is bounded by the arena's
 * budget, and charged to the arena's account until sc_xml_free.
 *
 * Threads: a tree has one owner. Call sc_xml_init first, on any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_XML_TREE_H
#define SC_XML_TREE_H

#include <libxml/tree.h>

#include "core/base/arena.h"

enum {
    SC_XML_NODES = 100000, /* elements, attributes, texts, comments of a record */
    SC_XML_DEPTH = 200,
    SC_XML_ATTRIBUTES = 256, /* of an element */
    SC_XML_PREFIXES = 64,    /* different ones in a record */
    SC_XML_SIBLINGS = 1000   /* texts and comments with no element between them */
};

/* A prefix of names, for XPath. */
struct sc_xml_prefix {
    xmlNs ns;
    unsigned open; /* elements around the present place that declare it */
    struct sc_xml_prefix *next;
};

struct sc_xml {
    xmlDoc *doc;
    struct sc_xml_prefix *prefixes; /* in the arena */
    unsigned nodes;
    struct gw_arena *arena;
    size_t charged; /* to arena->account */
};

void sc_xml_init(void);
/* False when the text is not well-formed, or beyond a limit; where the limit was the budget the arena is
 * `spent`. sc_xml_free comes after either result. */
bool sc_xml_read(struct sc_xml *, struct gw_arena *, gw_str text);
void sc_xml_free(struct sc_xml *);

#endif
