/* xml_tree.c: builds the tree of xml_tree.h from the events of libxml2's parser. fn_xml.c calls it once a
 * record.
 *
 * libxml2's own tree builder is not used, for two reasons: a caller can set no limits in it, and it resolves
 * name spaces, which the reference engine does not. The parser reports events in its SAX 1 form, where names
 * come as they are written.
 *
 * libxml2 reads one document with one root element. Text before or after the root is an error for it, but the
 * reference engine accepts it. So the text is read in parts: the first begins at the first `<`, and the next
 * at the first `<` after the place where libxml2 stopped.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/pipeline/xml_tree.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <pthread.h>

#include "core/base/budget.h"
#include "core/base/text.h"

/* What libxml2 allocates for a node, with its name and the heap's own share; an attribute's value is a second
 * node. */
enum { NODE_BYTES = 192, ATTRIBUTE_BYTES = 320 };

struct builder {
    struct sc_xml *xml;
    xmlParserCtxt *parser;
    xmlNode *parent; /* the innermost open element, or the document */
    gw_str unread;   /* what the parser has not read yet */
    struct gw_text text;
    unsigned depth, siblings;
    int error; /* the first that libxml2 reported in this part, or 0 */
    bool failed;
};

static void fail_build(struct builder *b)
{
    b->failed = true;
    xmlStopParser(b->parser);
}

/* Accounts for libxml2's memory before it is allocated. */
static bool charge_memory(struct builder *b, size_t n)
{
    struct gw_arena *a = b->xml->arena;
    size_t room = a->budget > a->used ? a->budget - a->used : 0;
    if (room < b->xml->charged || room - b->xml->charged < n || !gw_budget_take(a->account, n)) {
        a->spent = true;
        fail_build(b);
        return false;
    }
    b->xml->charged += n;
    return true;
}

static bool count_node(struct builder *b, size_t bytes)
{
    if (b->failed)
        return false;
    if (++b->xml->nodes > SC_XML_NODES || ++b->siblings > SC_XML_SIBLINGS) {
        fail_build(b);
        return false;
    }
    return charge_memory(b, bytes);
}

static void append_node(struct builder *b, xmlNode *node)
{
    if (node && xmlAddChild(b->parent, node))
        return;
    xmlFreeNode(node);
    fail_build(b);
}

/* Makes a node of the text that was collected. Called before any other node. */
static void flush_text(struct builder *b)
{
    gw_str s = gw_text_result(&b->text);
    b->text.len = 0;
    if (s.len && count_node(b, NODE_BYTES + s.len))
        append_node(b, xmlNewDocTextLen(b->xml->doc, (const xmlChar *)s.ptr, (int)s.len));
}

/* ---- names ---- */

static struct sc_xml_prefix *find_prefix(const struct sc_xml *x, gw_str prefix)
{
    struct sc_xml_prefix *p = x->prefixes;
    while (p && !gw_str_eq(gw_str_z((const char *)p->ns.prefix), prefix))
        p = p->next;
    return p;
}

static struct sc_xml_prefix *add_prefix(struct sc_xml *x, gw_str prefix, const xmlChar *name_space)
{
    struct sc_xml_prefix *p = gw_new(x->arena, struct sc_xml_prefix, 1);
    char *z = gw_arena_array(x->arena, prefix.len + 1, 1);
    if (!p || !z)
        return NULL;
    memcpy(z, prefix.ptr, prefix.len);
    p->ns.type = XML_LOCAL_NAMESPACE;
    p->ns.prefix = (xmlChar *)z;
    p->ns.href = name_space ? name_space : p->ns.prefix;
    p->next = x->prefixes;
    x->prefixes = p;
    return p;
}

/* The entry of a prefix, made if necessary; NULL fails the build. */
static struct sc_xml_prefix *need_prefix(struct builder *b, gw_str prefix)
{
    unsigned n = 0;
    struct sc_xml_prefix *p = find_prefix(b->xml, prefix);
    if (p)
        return p;
    for (p = b->xml->prefixes; p; p = p->next)
        n++;
    p = n < SC_XML_PREFIXES ? add_prefix(b->xml, prefix, NULL) : NULL;
    if (!p)
        fail_build(b);
    return p;
}

/* "p:b" as b with its prefix in *prefix, which is empty for "b" */
static const xmlChar *split_name(const xmlChar *name, gw_str *prefix)
{
    gw_str s = gw_str_z((const char *)name);
    size_t colon = gw_str_find(s, ':');
    bool has = colon && colon + 1 < s.len;
    *prefix = gw_str_n(s.ptr, has ? colon : 0);
    return has ? name + colon + 1 : name;
}

/* ---- events ---- */

/* An attribute, which may declare a prefix: xmlns:p */
static bool add_attribute(struct builder *b, xmlNode *node, const xmlChar *name, const xmlChar *value)
{
    gw_str prefix;
    struct sc_xml_prefix *p = NULL, *declared;
    const xmlChar *local = split_name(name, &prefix);
    if (!count_node(b, ATTRIBUTE_BYTES + strlen((const char *)value)) ||
        (prefix.len && !(p = need_prefix(b, prefix))))
        return false;
    b->siblings--;
    if (gw_str_eq(prefix, GW_STR("xmlns"))) {
        if (!(declared = need_prefix(b, gw_str_z((const char *)local))))
            return false;
        declared->open++;
    }
    if (xmlNewNsProp(node, p ? &p->ns : NULL, local, value))
        return true;
    fail_build(b);
    return false;
}

static void start_element(void *user, const xmlChar *name, const xmlChar **attributes)
{
    struct builder *b = user;
    gw_str prefix;
    const xmlChar *local = split_name(name, &prefix);
    flush_text(b);
    b->siblings = 0;
    if (!count_node(b, NODE_BYTES + strlen((const char *)name)))
        return;
    xmlNode *node = xmlNewDocNode(b->xml->doc, NULL, local, NULL);
    append_node(b, node);
    if (b->failed)
        return;
    for (size_t i = 0; attributes && attributes[i]; i += 2)
        if (!add_attribute(b, node, attributes[i], attributes[i + 1]))
            return;
    struct sc_xml_prefix *p = prefix.len ? find_prefix(b->xml, prefix) : NULL;
    if (++b->depth > SC_XML_DEPTH || (prefix.len && (!p || !p->open))) {
        fail_build(b);
        return;
    }
    node->ns = p ? &p->ns : NULL;
    b->parent = node;
    b->siblings = 0;
}

static void end_element(void *user, const xmlChar *name)
{
    struct builder *b = user;
    (void)name;
    flush_text(b);
    if (b->failed)
        return;
    for (const xmlAttr *a = b->parent->properties; a; a = a->next)
        if (a->ns && strcmp((const char *)a->ns->prefix, "xmlns") == 0)
            find_prefix(b->xml, gw_str_z((const char *)a->name))->open--;
    b->parent = b->parent->parent;
    b->depth--;
    b->siblings = 0;
}

static void characters(void *user, const xmlChar *s, int len)
{
    struct builder *b = user;
    if (b->depth && !b->failed)
        gw_text_put(&b->text, (const char *)s, (size_t)len);
}

static void cdata_section(void *user, const xmlChar *s, int len)
{
    struct builder *b = user;
    flush_text(b);
    if (b->depth && len && count_node(b, NODE_BYTES + (size_t)len))
        append_node(b, xmlNewCDataBlock(b->xml->doc, s, len));
}

static void separate_texts(struct builder *b)
{
    flush_text(b);
    if (b->depth && count_node(b, NODE_BYTES))
        append_node(b, xmlNewDocComment(b->xml->doc, BAD_CAST ""));
}

static void comment(void *user, const xmlChar *s)
{
    (void)s;
    separate_texts(user);
}

static void processing_instruction(void *user, const xmlChar *target, const xmlChar *data)
{
    (void)target;
    (void)data;
    separate_texts(user);
}

/* An unknown entity. */
static void unknown_entity(void *user, const xmlChar *name)
{
    (void)name;
    fail_build(user);
}

/* A document type: the parser has read its names. */
static void document_type(void *user, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id)
{
    struct builder *b = user;
    (void)name;
    (void)public_id;
    (void)system_id;
    if (*b->parser->input->cur == '[')
        fail_build(b);
}

static void parser_error(void *user, const char *format, ...)
{
    struct builder *b = user;
    (void)format;
    if (!b->error)
        b->error = b->parser->errNo;
}

static const xmlSAXHandler events = {
    .initialized = 1, /* SAX 1 */
    .startElement = start_element,
    .endElement = end_element,
    .characters = characters,
    .ignorableWhitespace = characters,
    .cdataBlock = cdata_section,
    .comment = comment,
    .processingInstruction = processing_instruction,
    .reference = unknown_entity,
    .internalSubset = document_type,
    .error = parser_error,
};

/* ---- reading ---- */

/* libxml2 compares each attribute of an element with all before it, so an element with too many must not
 * reach it. Counts the quoted values of each tag; a `<` always starts again, because it is not allowed in a
 * value. */
static bool attributes_within_limit(gw_str s)
{
    unsigned values = 0;
    char quote = 0;
    bool in_tag = false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '<') {
            in_tag = true;
            quote = 0;
            values = 0;
        } else if (in_tag && quote) {
            quote = c == quote ? 0 : quote;
        } else if (in_tag && (c == '"' || c == '\'')) {
            quote = c;
            if (++values > SC_XML_ATTRIBUTES)
                return false;
        } else if (c == '>') {
            in_tag = false;
        }
    }
    return true;
}

static int read_unread(void *user, char *to, int len)
{
    struct builder *b = user;
    size_t n = b->unread.len < (size_t)len ? b->unread.len : (size_t)len;
    if (n)
        memcpy(to, b->unread.ptr, n);
    b->unread = gw_str_from(b->unread, n);
    return (int)n;
}

/* From the first `<` on. */
static gw_str from_markup(gw_str s)
{
    return gw_str_from(s, gw_str_find(s, '<'));
}

/* Reads one part of the text; *rest becomes the next part. */
static bool read_part(struct builder *b, gw_str *rest)
{
    b->unread = *rest;
    b->error = 0;
    xmlCtxtReadIO(b->parser, read_unread, NULL, b, NULL, NULL,
                  XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_OLD10);
    if (b->failed || b->depth || b->xml->arena->spent)
        return false;
    if (b->error && b->error != XML_ERR_DOCUMENT_END && b->error != XML_ERR_DOCUMENT_EMPTY)
        return false;
    long consumed = b->error ? xmlByteConsumed(b->parser) : (long)rest->len;
    if (consumed <= 0)
        return false;
    *rest = from_markup(gw_str_from(*rest, (size_t)consumed));
    return true;
}

static void init_parser(void)
{
    xmlInitParser();
}

void sc_xml_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_parser);
}

/* The prefixes that need no declaration. */
static bool add_known_prefixes(struct sc_xml *x)
{
    struct sc_xml_prefix *xml = add_prefix(x, GW_STR("xml"), XML_XML_NAMESPACE),
                         *xmlns = add_prefix(x, GW_STR("xmlns"), NULL);
    if (xml)
        xml->open = 1;
    return xml && xmlns;
}

bool sc_xml_read(struct sc_xml *x, struct gw_arena *a, gw_str text)
{
    *x = (struct sc_xml){.arena = a, .doc = xmlNewDoc(BAD_CAST "1.0")};
    struct builder b = {
        .xml = x, .parser = xmlNewParserCtxt(), .parent = (xmlNode *)x->doc, .text = {.arena = a}};
    bool good = x->doc && b.parser && add_known_prefixes(x) && gw_str_find(text, '\0') == text.len &&
                attributes_within_limit(text);
    if (good) {
        *b.parser->sax = events;
        b.parser->userData = &b;
        for (gw_str rest = from_markup(text); good && rest.len;)
            good = read_part(&b, &rest);
    }
    xmlFreeParserCtxt(b.parser);
    return good;
}

void sc_xml_free(struct sc_xml *x)
{
    xmlFreeDoc(x->doc);
    gw_budget_give(x->arena->account, x->charged);
    x->charged = 0;
}
