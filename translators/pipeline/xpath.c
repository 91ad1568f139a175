/* xpath.c: Checks and evaluates XPath expressions with libxml2. Owns nothing between two calls. Called by
 * fn_xml.c, on the thread that reads the record.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/pipeline/xpath.h"

#include <libxml/xpathInternals.h>

#include "core/base/text.h"

enum { VISITS = 2000000, COMPARISONS = 300000000 }; /* some 30 and 80 ms */

#if LIBXML_VERSION >= 21200
typedef const xmlError *xml_error;
#else
typedef xmlError *xml_error;
#endif

/* Without these functions libxml2 would write to standard error: one of the context, and one of the thread
 * for unknown functions. */
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

/* Whether libxml2 may have to remove duplicates: there is a // that is not the first step, a step up or to
 * the side, a union, or a comparison of two sets. Too often true does no harm. */
static bool can_find_twice(gw_str s)
{
    for (size_t i = 0; i + 1 < s.len; i++) {
        char c = s.ptr[i], next = s.ptr[i + 1];
        bool literal = next == '\'' || next == '"' || (next >= '0' && next <= '9');
        if ((c == '/' && next == '/' && i) || (c == '.' && next == '.') || (c == ':' && next == ':') ||
            c == '|' || (c == '=' && !literal))
            return true;
    }
    return false;
}

bool sc_xpath_init(struct sc_xpath *x, struct gw_arena *a, gw_str expression)
{
    gw_str s = gw_trim_space(expression);
    /* The parentheses keep libxml2 from its streaming evaluation, which has no limit. */
    gw_str whole = gw_arena_printf(a, "(%.*s)%c", GW_FMT(s), '\0');
    gw_str alone = gw_arena_printf(a, "%.*s%c", GW_FMT(s), '\0');
    *x = (struct sc_xpath){whole.ptr, can_find_twice(s)};
    return whole.len && alone.len && gw_str_find(s, '\0') == s.len && is_xpath(alone.ptr);
}

bool sc_xpath_text(const struct sc_xpath *expression, const struct sc_xml *x, gw_str *out)
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
