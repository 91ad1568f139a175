/* grok.c: expands %{NAME:field:type} to one regular expression, and gives its captures their types. Owns the
 * table of patterns and the compiled expressions, in the script's arena. Called by the script check and by
 * grok().
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/text/grok.h"

#include <stdio.h>

#include "core/base/text.h"

enum { DEPTH = 32, EXPANDED = 1 << 20 };

struct builtin {
    gw_str name, text;
};

static const struct builtin builtins[] = {
#define PATTERN(name, text) {GW_LIT(name), GW_LIT(text)},
#include "translators/text/grok_patterns.def"
#undef PATTERN
};

struct expansion {
    struct gw_arena *arena;
    const struct grok_scope *scope;
    struct gw_text out;
    struct grok_typed *types;
    char *why;
    unsigned depth;
    struct grok_cut *cuts; /* of the pattern itself; NULL: not needed */
    size_t cuts_n;
};

static bool expand(struct expansion *, gw_str text);

static bool word(char c)
{
    return gw_is_digit(c) || c == '_' || gw_is_letter(c);
}

static const struct grok_def *find_def(const struct grok_scope *scope, gw_str name)
{
    for (; scope; scope = scope->outer)
        for (const struct grok_def *d = scope->defs; d; d = d->next)
            if (gw_str_eq(d->name, name))
                return d;
    return NULL;
}

static const struct builtin *find_builtin(gw_str name)
{
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
        if (gw_str_eq(builtins[i].name, name))
            return &builtins[i];
    return NULL;
}

static void set_type(struct expansion *x, gw_str field, enum grok_type type, bool replace)
{
    for (struct grok_typed *t = x->types; t; t = t->next)
        if (gw_str_eq(t->field, field)) {
            t->type = replace ? type : t->type;
            return;
        }
    struct grok_typed *t = gw_new(x->arena, struct grok_typed, 1);
    if (!t)
        return;
    *t = (struct grok_typed){field, type, x->types};
    x->types = t;
}

static bool type_of(gw_str word_, enum grok_type *type)
{
    static const struct {
        const char *word;
        enum grok_type type;
    } rows[] = {{"str", GROK_STR},
                {"string", GROK_STR},
                {"int", GROK_INT},
                {"float", GROK_FLOAT},
                {"bool", GROK_BOOL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (gw_str_eq(word_, gw_str_z(rows[i].word))) {
            *type = rows[i].type;
            return true;
        }
    return false;
}

/* NAME or NAME-with.dots: words joined by single - or . */
static bool name_ok(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!word(s.ptr[i]) && (i == 0 || i + 1 == s.len || !word(s.ptr[i - 1])))
            return false;
    return s.len > 0;
}

static gw_str field_name(struct gw_arena *a, gw_str s)
{
    gw_str out = gw_arena_dup(a, s);
    for (size_t i = 0; i < out.len; i++)
        if (!word(out.ptr[i]))
            ((char *)out.ptr)[i] = '_';
    return out;
}

/* The expansion of a named pattern: a script's definition, which is already expanded, or a built-in one,
 * which uses only built-in ones. */
static bool definition(struct expansion *x, gw_str name)
{
    const struct grok_def *def = find_def(x->scope, name);
    if (def) {
        gw_text_put_str(&x->out, def->text);
        for (const struct grok_typed *t = def->types; t; t = t->next)
            set_type(x, t->field, t->type, false);
        return true;
    }
    const struct builtin *b = find_builtin(name);
    if (!b || x->depth == DEPTH) {
        snprintf(x->why, RE_ERROR_SIZE, "no pattern found for %%{%.*s}",
                 (int)(name.len < 100 ? name.len : 100), name.ptr);
        return false;
    }
    const struct grok_scope *scope = x->scope;
    x->scope = NULL;
    x->depth++;
    bool good = expand(x, b->text);
    x->depth--;
    x->scope = scope;
    return good;
}

/* NAME, NAME:field or NAME:field:type, without the braces. */
static bool reference(struct expansion *x, gw_str inner)
{
    gw_str rest = inner, name, field = GW_NOSTR, type = GW_NOSTR;
    enum grok_type kind = GROK_STR;
    gw_str_next(&rest, ':', &name);
    bool has_field = gw_str_next(&rest, ':', &field), has_type = gw_str_next(&rest, ':', &type);
    if (!name_ok(name) || (has_type && !type_of(type, &kind))) {
        snprintf(x->why, RE_ERROR_SIZE, "invalid pattern `%%{%.*s}`",
                 (int)(inner.len < 100 ? inner.len : 100), inner.ptr);
        return false;
    }
    if (has_field)
        field = field_name(x->arena, field);
    if (has_type)
        set_type(x, field, kind, true);
    gw_text_put_z(&x->out, has_field ? "(?P<" : "(");
    gw_text_put_str(&x->out, field);
    gw_text_put_z(&x->out, has_field ? ">" : "");
    if (!definition(x, name))
        return false;
    gw_text_put_char(&x->out, ')');
    return true;
}

/* The length of %{…} at the head of s when its shape is right (one to three parts of word characters, - and
 * .), else 0. */
static size_t reference_len(gw_str s)
{
    size_t len = 2, parts = 1, part = 0;
    if (!gw_str_starts(s, GW_STR("%{")))
        return 0;
    for (; len < s.len && s.ptr[len] != '}'; len++) {
        if (s.ptr[len] == ':') {
            if (!part || ++parts > 3)
                return 0;
            part = 0;
        } else if (word(s.ptr[len]) || s.ptr[len] == '-' || s.ptr[len] == '.') {
            part++;
        } else {
            return 0;
        }
    }
    return len < s.len && part ? len + 1 : 0;
}

static void add_cut(struct expansion *x, size_t source)
{
    if (x->cuts && !x->depth)
        x->cuts[x->cuts_n++] = (struct grok_cut){source, x->out.len};
}

static bool expand(struct expansion *x, gw_str text)
{
    size_t whole = text.len;
    while (text.len) {
        add_cut(x, whole - text.len);
        size_t len = reference_len(text);
        if (len && !reference(x, gw_str_n(text.ptr + 2, len - 3)))
            return false;
        if (x->out.len > EXPANDED || x->arena->spent) {
            snprintf(x->why, RE_ERROR_SIZE, "the pattern is too large");
            return false;
        }
        if (!len) {
            len = 1 + gw_str_find(gw_str_from(text, 1), '%');
            gw_text_put(&x->out, text.ptr, len < text.len ? len : text.len);
        }
        text = gw_str_from(text, len);
    }
    add_cut(x, whole);
    return true;
}

bool grok_add(struct gw_arena *a, struct grok_scope *scope, gw_str name, gw_str pattern, char *why)
{
    struct expansion x = {.arena = a, .scope = scope, .out = {.arena = a}, .why = why};
    struct grok_def *def = gw_new(a, struct grok_def, 1);
    if (!expand(&x, pattern))
        return false;
    if (!def || a->spent) {
        snprintf(why, RE_ERROR_SIZE, "the script is too large");
        return false;
    }
    *def = (struct grok_def){name, gw_text_result(&x.out), x.types, scope->defs};
    scope->defs = def;
    return true;
}

static void add_field(struct grok *g, const struct re_name *name, const struct grok_typed *types)
{
    struct grok_field *f = g->fields;
    while (f < g->fields + g->n && !gw_str_eq(f->name, name->name))
        f++;
    if (f == g->fields + g->n) {
        *f = (struct grok_field){.name = name->name};
        g->n++;
        for (; types; types = types->next)
            if (gw_str_eq(types->field, f->name))
                f->type = types->type;
    }
    f->group = name->group;
}

/* At most one cut before and one after each %. */
static size_t most_cuts(gw_str pattern)
{
    size_t n = 3;
    for (size_t i = 0; i < pattern.len; i++)
        n += 2 * (pattern.ptr[i] == '%');
    return n;
}

struct grok *grok_compile(struct gw_arena *a, const struct grok_scope *scope, gw_str pattern, char *why)
{
    struct expansion x = {.arena = a, .scope = scope, .out = {.arena = a}, .why = why};
    x.cuts = gw_arena_raw(a, most_cuts(pattern), sizeof *x.cuts);
    if (!expand(&x, pattern))
        return NULL;
    struct grok *g = gw_new(a, struct grok, 1);
    gw_str expanded = gw_text_result(&x.out);
    struct re *re = g ? re_compile(expanded, true, why) : NULL;
    if (!re)
        return NULL;
    g->source = pattern;
    g->expanded = expanded;
    g->cuts = x.cuts;
    g->cuts_n = x.cuts ? x.cuts_n : 0;
    size_t n;
    const struct re_name *names = re_names(re, &n);
    g->re = re;
    g->fields = gw_new(a, struct grok_field, n);
    if (!g->fields) {
        snprintf(why, RE_ERROR_SIZE, "the script is too large");
        re_drop(re);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        add_field(g, &names[i], x.types);
    return g;
}

void grok_drop(struct grok *g)
{
    re_drop(g->re);
}

/* Matches the beginning of the pattern up to a cut; its end is *end. False: it does not match, or is not an
 * expression (*whole), because it ends within a group. */
static bool matches_until(const struct grok *g, size_t cut, struct re_thread *t, struct gw_arena *a,
                          gw_str text, size_t *end, bool *whole)
{
    char why[RE_ERROR_SIZE];
    size_t spans[2 * (RE_GROUPS + 1)];
    struct re *re = re_compile(gw_str_n(g->expanded.ptr, g->cuts[cut].expanded), true, why);
    *whole = re != NULL;
    bool matched = re && re_match(re, t, a, text, 0, spans) == RE_MATCH;
    *end = matched ? spans[1] : 0;
    re_drop(re);
    return matched;
}

struct grok_stop grok_find_stop(const struct grok *g, struct re_thread *t, struct gw_arena *a, gw_str text,
                                gw_nsec until)
{
    size_t next = g->cuts_n ? g->cuts_n - 1 : 0, end = 0;
    struct grok_stop stop = {.part = g->source};
    for (size_t i = next; i-- > 0;) {
        bool whole;
        if (until != GW_NEVER && gw_now() > until) {
            stop.late = true;
            return stop;
        }
        if (matches_until(g, i, t, a, text, &end, &whole)) {
            size_t from = g->cuts[i].source;
            stop.before = gw_str_n(g->source.ptr, from);
            stop.part = gw_str_n(g->source.ptr + from, g->cuts[next].source - from);
            stop.at = end;
            return stop;
        }
        next = whole ? i : next;
    }
    return stop;
}
