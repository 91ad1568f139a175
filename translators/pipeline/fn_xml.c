#define _GNU_SOURCE /* memmem */
/* fn_xml.c: xml: the text that an XPath finds in an XML document.
 *
 * Of XPath: steps by name, *, text(), @name, . and .., from the root or anywhere (//), with predicates [n], [last()], [@a], [@a='v'],
 * [name='v'], [text()='v']; enough for log lines. Of XML: elements, attributes, CDATA,
 * entities of the standard and numbers; document types are skipped, not read. Not well-formed: nothing is set.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/pipeline/script_internal.h"

enum { DEPTH = 200, STEPS = 32, TESTS = 4, NODES = 100000 };

enum kind { ELEMENT, TEXT };

struct attr {
    gw_str name, value;
    struct attr *next;
};

struct xnode {
    enum kind kind;
    gw_str name; /* of an element; the text of text */
    struct attr *attrs;
    struct xnode *parent, *first, *last, *next;
};

struct reader {
    gw_str rest;
    struct gw_arena *arena;
    unsigned nodes;
};

static bool space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void blanks(struct reader *r)
{
    while (r->rest.len && space(*r->rest.ptr))
        r->rest = gw_str_n(r->rest.ptr + 1, r->rest.len - 1);
}

static bool take(struct reader *r, const char *z)
{
    gw_str s = gw_str_z(z);
    if (!gw_str_starts(r->rest, s))
        return false;
    r->rest = gw_str_n(r->rest.ptr + s.len, r->rest.len - s.len);
    return true;
}

/* What stands before `z`, which goes too; false when it does not come. */
static bool until(struct reader *r, const char *z, gw_str *out)
{
    for (size_t i = 0; i < r->rest.len; i++)
        if (gw_str_starts(gw_str_n(r->rest.ptr + i, r->rest.len - i), gw_str_z(z))) {
            *out = gw_str_n(r->rest.ptr, i);
            i += strlen(z);
            r->rest = gw_str_n(r->rest.ptr + i, r->rest.len - i);
            return true;
        }
    return false;
}

static bool name_char(char c)
{
    return gw_is_letter(c) || gw_is_digit(c) || strchr("_-.:", c) || (unsigned char)c >= 0x80;
}

static gw_str name(gw_str *s)
{
    size_t n = 0;
    while (n < s->len && s->ptr[n] && name_char(s->ptr[n]))
        n++;
    gw_str out = gw_str_n(s->ptr, n);
    *s = gw_str_n(s->ptr + n, s->len - n);
    return out;
}

/* Behind an ampersand. */
static bool entity(struct gw_text *b, gw_str *s)
{
    static const char *const rows[][2] = {{"lt;", "<"}, {"gt;", ">"}, {"amp;", "&"}, {"quot;", "\""}, {"apos;", "'"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (gw_str_starts(*s, gw_str_z(rows[i][0]))) {
            gw_text_put_z(b, rows[i][1]);
            *s = gw_str_from(*s, strlen(rows[i][0]));
            return true;
        }
    size_t end = gw_str_find(*s, ';');
    uint64_t rune;
    bool hex = gw_str_starts(*s, GW_STR("#x"));
    if (end == s->len || !gw_str_starts(*s, GW_STR("#")))
        return false;
    gw_str digits = gw_str_n(s->ptr + 1 + hex, end - 1 - hex);
    if (!(hex ? gw_str_hex64(digits, &rune) : gw_str_u64(digits, &rune)) || rune > 0x10FFFF)
        return false;
    gw_text_put_rune(b, (uint32_t)rune);
    *s = gw_str_from(*s, end + 1);
    return true;
}

static bool plain(struct gw_arena *a, gw_str s, gw_str *out)
{
    struct gw_text b = {.arena = a};
    *out = s;
    if (gw_str_find(s, '&') == s.len)
        return true;
    while (s.len) {
        size_t n = gw_str_find(s, '&');
        gw_text_put(&b, s.ptr, n);
        s = gw_str_n(s.ptr + n, s.len - n);
        if (!s.len)
            break;
        s = gw_str_n(s.ptr + 1, s.len - 1);
        if (!entity(&b, &s))
            return false;
    }
    *out = gw_text_result(&b);
    return true;
}

static struct xnode *add(struct reader *r, struct xnode *parent, enum kind kind, gw_str s)
{
    struct xnode *x = ++r->nodes > NODES ? NULL : gw_new(r->arena, struct xnode, 1);
    if (!x)
        return NULL;
    *x = (struct xnode){.kind = kind, .name = s, .parent = parent};
    *(parent->last ? &parent->last->next : &parent->first) = x;
    parent->last = x;
    return x;
}

static bool attributes(struct reader *r, struct xnode *x)
{
    struct attr **end = &x->attrs;
    for (blanks(r); r->rest.len && *r->rest.ptr != '>' && *r->rest.ptr != '/' && *r->rest.ptr != '?'; blanks(r)) {
        struct attr *a = gw_new(r->arena, struct attr, 1);
        gw_str value;
        if (!a || !(a->name = name(&r->rest)).len)
            return false;
        blanks(r);
        if (!take(r, "="))
            return false;
        blanks(r);
        if (take(r, "\"") ? !until(r, "\"", &value) : !take(r, "'") || !until(r, "'", &value))
            return false;
        if (!plain(r->arena, value, &a->value))
            return false;
        *end = a;
        end = &a->next;
    }
    return true;
}

/* Whether the prefix of an element's name stands for a name space, as its own attributes or those around it say. */
static bool declared(const struct xnode *x)
{
    gw_str prefix = gw_str_n(x->name.ptr, gw_str_find(x->name, ':'));
    if (prefix.len == x->name.len || gw_str_eq(prefix, GW_STR("xml")))
        return true;
    for (; x; x = x->parent)
        for (const struct attr *a = x->attrs; a; a = a->next)
            if (gw_str_starts(a->name, GW_STR("xmlns:")) && gw_str_eq(gw_str_from(a->name, 6), prefix))
                return true;
    return false;
}

/* Behind a < that is no end tag. *open: the element that is now the innermost. */
static bool markup(struct reader *r, struct xnode **open, unsigned *depth)
{
    gw_str skipped, tag;
    if (take(r, "!--"))
        return until(r, "-->", &skipped);
    if (take(r, "![CDATA["))
        return until(r, "]]>", &skipped) && (!skipped.len || add(r, *open, TEXT, skipped));
    if (take(r, "?"))
        return until(r, "?>", &skipped);
    if (take(r, "!"))
        return until(r, ">", &skipped);
    if (!(tag = name(&r->rest)).len)
        return false;
    struct xnode *x = add(r, *open, ELEMENT, tag);
    if (!x || !attributes(r, x) || !declared(x))
        return false;
    if (take(r, "/>"))
        return true;
    *open = x;
    return ++*depth <= DEPTH && take(r, ">");
}

static bool document(struct reader *r, struct xnode *root)
{
    struct xnode *open = root;
    unsigned depth = 0;
    gw_str s, text;
    while (r->rest.len && !r->arena->spent) {
        size_t n = gw_str_find(r->rest, '<');
        s = gw_str_n(r->rest.ptr, n);
        r->rest = gw_str_n(r->rest.ptr + n, r->rest.len - n);
        if (n && (!plain(r->arena, s, &text) || (open == root ? gw_trim_space(s).len > 0 : !add(r, open, TEXT, text))))
            return false;
        if (!take(r, "<"))
            break;
        if (take(r, "/")) {
            if (open == root || !gw_str_eq(name(&r->rest), open->name))
                return false;
            blanks(r);
            if (!take(r, ">"))
                return false;
            open = open->parent;
            depth--;
        } else if (!markup(r, &open, &depth)) {
            return false;
        }
    }
    return open == root && root->first && !r->arena->spent;
}

enum axis { CHILD, ATTRIBUTE, TEXT_CHILD, SELF, PARENT };
enum test { POSITION, LAST, HAS_ATTR, ATTR_IS, CHILD_IS, TEXT_IS };

struct step {
    enum axis axis;
    bool anywhere; /* // before it */
    gw_str name;   /* * for any */
    struct {
        enum test test;
        uint64_t n;
        gw_str name, value;
    } tests[TESTS];
    size_t tests_n;
};

struct path {
    struct step steps[STEPS];
    size_t n;
};

/* 'v' or "v" */
static bool quoted(struct reader *r, gw_str *out)
{
    blanks(r);
    return take(r, "'") ? until(r, "'", out) : take(r, "\"") && until(r, "\"", out);
}

/* Behind a [ */
static bool read_test(struct reader *r, struct step *s)
{
    gw_str word;
    if (s->tests_n == TESTS)
        return false;
    size_t i = s->tests_n++;
    blanks(r);
    s->tests[i].test = take(r, "@") ? HAS_ATTR : take(r, "text()") ? TEXT_IS : take(r, "last()") ? LAST : CHILD_IS;
    if (s->tests[i].test == HAS_ATTR || s->tests[i].test == CHILD_IS) {
        word = name(&r->rest);
        if (!word.len)
            return false;
        s->tests[i].name = word;
        if (s->tests[i].test == CHILD_IS && gw_str_u64(word, &s->tests[i].n))
            s->tests[i].test = POSITION;
    }
    blanks(r);
    if (s->tests[i].test == HAS_ATTR && gw_str_starts(r->rest, GW_STR("=")))
        s->tests[i].test = ATTR_IS;
    if ((s->tests[i].test == ATTR_IS || s->tests[i].test == CHILD_IS || s->tests[i].test == TEXT_IS) &&
        (!take(r, "=") || !quoted(r, &s->tests[i].value)))
        return false;
    blanks(r);
    return take(r, "]");
}

static bool read_step(struct reader *r, struct step *s)
{
    if (take(r, ".."))
        s->axis = PARENT;
    else if (take(r, "."))
        s->axis = SELF;
    else if (take(r, "text()"))
        s->axis = TEXT_CHILD;
    else if (take(r, "@"))
        s->axis = ATTRIBUTE;
    if (s->axis == CHILD || s->axis == ATTRIBUTE)
        s->name = take(r, "*") ? GW_STR("*") : name(&r->rest);
    if ((s->axis == CHILD || s->axis == ATTRIBUTE) && !s->name.len)
        return false;
    while (take(r, "["))
        if (!read_test(r, s))
            return false;
    return true;
}

static bool read_path(struct path *p, gw_str s)
{
    struct reader r = {.rest = gw_trim_space(s)};
    if (gw_str_eq(r.rest, GW_STR("/"))) {
        p->steps[p->n++].axis = SELF;
        return true;
    }
    while (p->n < STEPS) {
        struct step *step = &p->steps[p->n];
        step->anywhere = take(&r, "//");
        if (!step->anywhere && !take(&r, "/") && p->n)
            return false;
        if (!read_step(&r, step))
            return false;
        p->n++;
        if (!r.rest.len)
            return true;
    }
    return false;
}

/* What XPath has and this has not: an axis, a union, a function, an operator. */
static bool beyond(gw_str s)
{
    static const char *const signs[] = {"::",
                                        "|",
                                        "()",
                                        "contains(",
                                        "starts-with(",
                                        "not(",
                                        "count(",
                                        "string(",
                                        "name(",
                                        "position(",
                                        " and ",
                                        " or ",
                                        "!=",
                                        "<",
                                        ">",
                                        "number(",
                                        "sum(",
                                        "concat(",
                                        "substring",
                                        "normalize-space(",
                                        "string-length(",
                                        "translate(",
                                        "true(",
                                        "false(",
                                        "boolean(",
                                        "id(",
                                        "floor(",
                                        "ceiling(",
                                        "round(",
                                        "lang("};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (memmem(s.ptr, s.len, signs[i], strlen(signs[i])))
            return true;
    return false;
}

/* An expression that is no XPath finds nothing; one that is, but with what is not here, is refused, lest it find nothing in silence. */
bool check_xml(struct sc_check *c, struct sc_node *call)
{
    struct path *p = sc_check_memory(c, sizeof *p);
    if (!p || !sc_first_key(c, call) || !sc_want_text(c, call->kid[1]) || !sc_want_key(c, call->kid[2]))
        return false;
    gw_str expression = call->kid[1]->text;
    call->data = read_path(p, expression) ? p : NULL;
    return call->data || !expression.len || !beyond(expression) ||
           sc_check_fail(c, call->kid[1]->pos, "xml: this XPath needs what is not known here: docs/pipeline.md says what is");
}

static void inner_text(struct gw_text *b, const struct xnode *x)
{
    if (x->kind == TEXT) {
        gw_text_put_str(b, x->name);
        return;
    }
    for (const struct xnode *kid = x->first; kid; kid = kid->next)
        inner_text(b, kid);
}

struct search {
    struct gw_arena *arena;
    const struct path *path;
    gw_str found;
    unsigned left; /* nodes that may still be looked at */
};

static const struct attr *attr_of(const struct xnode *x, gw_str name_)
{
    const struct attr *a = x->attrs;
    while (a && !gw_str_eq(name_, GW_STR("*")) && !gw_str_eq(a->name, name_))
        a = a->next;
    return a;
}

static bool text_is(struct search *s, const struct xnode *x, gw_str value)
{
    struct gw_text b = {.arena = s->arena};
    inner_text(&b, x);
    return gw_str_eq(gw_text_result(&b), value);
}

static bool matches(const struct step *step, const struct xnode *x)
{
    if (step->axis == TEXT_CHILD)
        return x->kind == TEXT;
    return x->kind == ELEMENT && (gw_str_eq(step->name, GW_STR("*")) || gw_str_eq(step->name, x->name));
}

/* Where x stands among its siblings that match the step, and how many there are. */
static void position(const struct step *step, const struct xnode *x, uint64_t *at, uint64_t *all)
{
    *at = *all = 0;
    for (const struct xnode *kid = x->parent ? x->parent->first : NULL; kid; kid = kid->next) {
        *all += matches(step, kid);
        if (kid == x)
            *at = *all;
    }
}

static bool tested(struct search *s, const struct step *step, const struct xnode *x)
{
    for (size_t i = 0; i < step->tests_n; i++) {
        uint64_t at = 0, all = 0;
        const struct attr *a = attr_of(x, step->tests[i].name);
        bool good = false;
        switch (step->tests[i].test) {
        case POSITION:
        case LAST:
            position(step, x, &at, &all);
            good = at == (step->tests[i].test == LAST ? all : step->tests[i].n);
            break;
        case HAS_ATTR:
            good = a != NULL;
            break;
        case ATTR_IS:
            good = a && gw_str_eq(a->value, step->tests[i].value);
            break;
        case TEXT_IS:
            good = text_is(s, x, step->tests[i].value);
            break;
        case CHILD_IS:
            for (const struct xnode *kid = x->first; kid && !good; kid = kid->next)
                good = kid->kind == ELEMENT && gw_str_eq(kid->name, step->tests[i].name) && text_is(s, kid, step->tests[i].value);
        }
        if (!good)
            return false;
    }
    return true;
}

static bool find(struct search *, const struct xnode *from, size_t at);

static bool arrive(struct search *s, const struct xnode *x, size_t at)
{
    if (!tested(s, &s->path->steps[at], x))
        return false;
    if (at + 1 < s->path->n)
        return find(s, x, at + 1);
    struct gw_text b = {.arena = s->arena};
    inner_text(&b, x);
    s->found = gw_text_result(&b);
    return true;
}

/* One step from a node, and with // from those below it. */
static bool find(struct search *s, const struct xnode *from, size_t at)
{
    const struct step *step = &s->path->steps[at];
    if (s->left == 0)
        return false;
    s->left--;
    if (step->axis == SELF)
        return arrive(s, from, at);
    if (step->axis == PARENT)
        return from->parent && arrive(s, from->parent, at);
    if (step->axis == ATTRIBUTE) {
        const struct attr *a = attr_of(from, step->name);
        if (a && at + 1 == s->path->n) {
            s->found = a->value;
            return true;
        }
    }
    for (const struct xnode *kid = from->first; kid; kid = kid->next) {
        if (step->axis != ATTRIBUTE && matches(step, kid) && arrive(s, kid, at))
            return true;
        if (step->anywhere && kid->kind == ELEMENT && find(s, kid, at))
            return true;
    }
    return false;
}

bool fn_xml(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    gw_str s;
    struct xnode root = {.kind = ELEMENT};
    (void)out;
    if (!call->data || !sc_get_text(r, call->kid[0], &s))
        return true;
    struct reader reader = {.rest = s, .arena = r->arena};
    struct search search = {.arena = r->arena, .path = call->data, .left = NODES};
    if (document(&reader, &root) && find(&search, &root, 0))
        sc_point_set(r->point, call->kid[2]->key, sc_str(search.found));
    return true;
}
