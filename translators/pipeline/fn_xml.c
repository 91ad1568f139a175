/* fn_xml.c: the builtin xml: the text of the first node that an XPath finds in a record's XML.
 *
 * The XPath is libxml2's, version 1.0. The reference engine has a few functions more; a script that uses one does not load, lest it find
 * nothing in silence. An expression that is no XPath finds nothing, there and here, and so does one whose value is not a set of nodes.
 *
 * Compiled expressions are not kept: libxml2 writes to them while it evaluates, and threads share the script.
 *
 * Time: libxml2 counts the nodes that an evaluation visits, and stops at a limit. It does not count the comparisons when it removes
 * duplicates, up to one with every node for each visit. An expression that can find a node twice gets a lower limit in a large document.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include <libxml/xpathInternals.h>

#include "translators/pipeline/script_internal.h"
#include "translators/pipeline/xml_tree.h"

enum { VISITS = 2000000, COMPARISONS = 300000000 }; /* some 30 and 80 ms */

struct xpath {
    const char *text;
    bool finds_twice;
};

#if LIBXML_VERSION >= 21200
typedef const xmlError *xml_error;
#else
typedef xmlError *xml_error;
#endif

/* Without functions of its own libxml2 would write to standard error: one of the context, and one of the thread for unknown functions. */
static void ignore_error(void *user, xml_error error)
{
    (void)user;
    (void)error;
}

static void ignore_message(void *user, const char *format, ...)
{
    (void)user;
    (void)format;
}

static xmlXPathContext *new_context(xmlDoc *doc, unsigned long limit)
{
    xmlXPathContext *c = xmlXPathNewContext(doc);
    xmlSetGenericErrorFunc(NULL, ignore_message);
    if (c) {
        c->error = ignore_error;
        c->opLimit = limit;
        c->node = (xmlNode *)doc;
    }
    return c;
}

static bool is_xpath(const char *expression)
{
    xmlXPathContext *c = new_context(NULL, VISITS);
    xmlXPathCompExpr *compiled = c ? xmlXPathCtxtCompile(c, BAD_CAST expression) : NULL;
    xmlXPathFreeCompExpr(compiled);
    xmlXPathFreeContext(c);
    return compiled;
}

/* A function that the reference engine has, and XPath 1.0 has not. */
static bool has_unknown_function(gw_str s)
{
    static const char *const functions[] = {"ends-with(", "matches(", "replace(", "reverse("};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (s.len && memmem(s.ptr, s.len, functions[i], strlen(functions[i])))
            return true;
    return false;
}

/* Whether libxml2 may have to remove duplicates: there is a // that is not the first step, a step up or to the side, a union, or a
 * comparison of two sets. Too often true does no harm. */
static bool can_find_twice(gw_str s)
{
    for (size_t i = 0; i + 1 < s.len; i++) {
        char c = s.ptr[i], next = s.ptr[i + 1];
        bool literal = next == '\'' || next == '"' || (next >= '0' && next <= '9');
        if ((c == '/' && next == '/' && i) || (c == '.' && next == '.') || (c == ':' && next == ':') || c == '|' || (c == '=' && !literal))
            return true;
    }
    return false;
}

bool check_xml(struct sc_check *c, struct sc_node *call)
{
    struct xpath *x = sc_check_memory(c, sizeof *x);
    sc_xml_init();
    if (!x || !sc_first_key(c, call) || !sc_want_text(c, call->kid[1]) || !sc_want_key(c, call->kid[2]))
        return false;
    gw_str s = gw_trim_space(call->kid[1]->text);
    /* The parentheses keep libxml2 from its streaming evaluation, which has no limit. */
    gw_str whole = gw_arena_printf(&c->script->arena, "(%.*s)%c", GW_FMT(s), '\0');
    gw_str alone = gw_arena_printf(&c->script->arena, "%.*s%c", GW_FMT(s), '\0');
    if (!whole.len || !alone.len)
        return sc_check_fail(c, call->pos, "the script is too large");
    if (gw_str_find(s, '\0') < s.len || !is_xpath(alone.ptr))
        return true;
    *x = (struct xpath){whole.ptr, can_find_twice(s)};
    call->data = x;
    return !has_unknown_function(s) ||
           sc_check_fail(c, call->kid[1]->pos,
                         "xml: ends-with, matches, replace and reverse are not known here: docs/pipeline.md says what is");
}

/* The text of the first node; false when there is none. */
static bool find_text(const struct sc_xml *x, const struct xpath *expression, gw_str *out)
{
    unsigned long limit = expression->finds_twice ? COMPARISONS / (x->nodes + 1) : VISITS;
    xmlXPathContext *c = new_context(x->doc, limit < VISITS ? limit : VISITS);
    xmlXPathObject *found = NULL;
    xmlChar *text = NULL;
    for (const struct sc_xml_prefix *p = x->prefixes; c && p; p = p->next)
        xmlXPathRegisterNs(c, p->ns.prefix, p->ns.href);
    if (c && xmlXPathOrderDocElems(x->doc) >= 0)
        found = xmlXPathEval(BAD_CAST expression->text, c);
    if (found && found->type == XPATH_NODESET && !xmlXPathNodeSetIsEmpty(found->nodesetval))
        text = xmlXPathCastNodeToString(found->nodesetval->nodeTab[0]);
    if (text)
        *out = gw_arena_dup(x->arena, gw_str_z((const char *)text));
    bool good = text;
    xmlFree(text);
    xmlXPathFreeObject(found);
    xmlXPathFreeContext(c);
    return good;
}

bool fn_xml(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    gw_str s, text;
    struct sc_xml x;
    (void)out;
    if (!call->data || !sc_get_text(r, call->kid[0], &s))
        return true;
    sc_look_at_clock(r);
    bool found = sc_xml_read(&x, r->arena, s) && find_text(&x, call->data, &text);
    sc_xml_free(&x);
    sc_look_at_clock(r);
    if (found)
        sc_point_set(r->point, call->kid[2]->key, sc_str(text));
    return true;
}
