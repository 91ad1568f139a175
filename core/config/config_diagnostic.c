/* config_diagnostic.c: collects mistakes and warnings with their places, and prints them in order. Owns
 * copies of all texts. Called on the main thread while a configuration is read and opened.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/config/config_diagnostic.h"

#include <stdarg.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/scrub.h"

/* A configuration is written by people: what does not fit here is counted, but not shown. */
enum { BUDGET = 4 * 1024 * 1024 };

struct place {
    struct place *next;
    gw_str path;
    const char *file;
    unsigned line, column; /* column 0: the line as a whole */
    gw_str shown;          /* the line itself, and a mark below it; may be empty */
    bool left_empty, failed;
    gw_str from;  /* "env:NAME" of the first ${…} in the value; may be empty */
    size_t order; /* of having been named: the order of the file, over included files too */
};

struct item {
    struct item *next;
    const struct place *at; /* NULL: no file */
    bool warning;
    gw_str path, text;
};

struct gw_diagnostics {
    struct gw_arena arena;
    struct place *places; /* newest first */
    size_t places_n;
    struct item *items, **last;
    size_t errors, warnings, untold; /* untold: no room for the text */
};

struct gw_diagnostics *gw_diagnostics_new(void)
{
    struct gw_diagnostics *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    gw_arena_init(&p->arena, BUDGET);
    p->last = &p->items;
    return p;
}

void gw_diagnostics_drop(struct gw_diagnostics *p)
{
    if (!p)
        return;
    gw_arena_fini(&p->arena);
    free(p);
}

static const char *dup_z(struct gw_arena *a, const char *z)
{
    return z ? gw_arena_dup(a, gw_str_n(z, strlen(z) + 1)).ptr : NULL;
}

void gw_diagnostics_location(struct gw_diagnostics *p, const char *path, const char *file, unsigned line)
{
    struct place *fresh = gw_new(&p->arena, struct place, 1);
    if (!fresh)
        return;
    fresh->path = gw_arena_dup(&p->arena, gw_str_z(path));
    fresh->file = p->places && p->places->file && file && strcmp(p->places->file, file) == 0
                      ? p->places->file
                      : dup_z(&p->arena, file);
    fresh->line = line;
    fresh->order = p->places_n++;
    fresh->next = p->places;
    p->places = fresh;
}

/* The newest place of just this path. */
static struct place *find(const struct gw_diagnostics *p, const char *path)
{
    struct place *at = p->places;
    while (at && !gw_str_eq(at->path, gw_str_z(path)))
        at = at->next;
    return at;
}

void gw_diagnostics_left_empty(struct gw_diagnostics *p, const char *path)
{
    struct place *at = find(p, path);
    if (at)
        at->left_empty = true;
}

void gw_diagnostics_failed(struct gw_diagnostics *p, const char *path)
{
    struct place *at = find(p, path);
    if (at)
        at->failed = true;
}

void gw_diagnostics_expanded(struct gw_diagnostics *p, const char *path, gw_str raw)
{
    struct place *at = find(p, path);
    size_t begin = gw_str_find(raw, '$');
    while (begin + 1 < raw.len && raw.ptr[begin + 1] != '{')
        begin += 1 + gw_str_find(gw_str_from(raw, begin + 1), '$');
    gw_str inside = gw_str_from(raw, begin + 2);
    inside.len = gw_str_find(inside, '}');
    if (gw_str_starts(inside, GW_STR("env:")))
        inside.len = 4 + gw_str_find(gw_str_from(inside, 4), ':');
    if (at && inside.len)
        at->from = gw_arena_dup(&p->arena, inside);
}

bool gw_diagnostics_says(const struct gw_diagnostics *p, const char *text)
{
    for (const struct item *i = p->items; i; i = i->next)
        if (!i->warning && gw_str_eq(i->text, gw_str_z(text)))
            return true;
    return false;
}

bool gw_diagnostics_is_written(const struct gw_diagnostics *p, const char *path)
{
    const struct place *at = find(p, path);
    return at && !at->left_empty;
}

void gw_options_not_empty(struct gw_diagnostics *p, const char *path, const char *const *options)
{
    for (; p && *options; options++) {
        char where[GW_OPTION_PATH];
        gw_option_path(where, path, *options);
        const struct place *at = find(p, where);
        if (at && at->left_empty)
            gw_config_error(
                p, where, "is empty after its ${…} was replaced: set what it names, or leave the option out");
    }
}

static void print_place(const struct place *at, char *out, size_t size)
{
    if (at && at->file && at->line && at->column)
        snprintf(out, size, "%s:%u:%u", at->file, at->line, at->column);
    else if (at && at->file && at->line)
        snprintf(out, size, "%s:%u", at->file, at->line);
    else
        snprintf(out, size, "%s", at && at->file ? at->file : "");
}

void gw_diagnostics_where(const struct gw_diagnostics *p, const char *path, char *out, size_t size)
{
    const struct place *at = find(p, path);
    print_place(at, out, size);
    size_t n = strlen(out);
    if (at && at->from.len)
        snprintf(out + n, size - n, ", ${%.*s}", GW_FMT(at->from));
}

/* "exporters[0]" holds "exporters[0]", "exporters[0].timeout" and "exporters[0][1]", but not "exporters[01]".
 * "" holds all. */
static bool holds(gw_str outer, gw_str path)
{
    return gw_str_starts(path, outer) && (outer.len == 0 || outer.len == path.len ||
                                          path.ptr[outer.len] == '.' || path.ptr[outer.len] == '[');
}

static const struct place *locate(const struct gw_diagnostics *p, gw_str path)
{
    const struct place *best = NULL;
    for (const struct place *at = p->places; at; at = at->next)
        if (holds(at->path, path) && (!best || at->path.len > best->path.len))
            best = at;
    return best;
}

static bool has_mistake(const struct gw_diagnostics *p, const char *path)
{
    for (const struct item *i = p->items; i; i = i->next)
        if (!i->warning && gw_str_eq(i->path, gw_str_z(path)))
            return true;
    return false;
}

GW_PRINTF(4, 0)
static void add(struct gw_diagnostics *p, bool warning, const char *path, const char *fmt, va_list ap)
{
    char text[512];
    const struct place *known = find(p, path);
    if ((known && known->failed) || (warning && has_mistake(p, path)))
        return; /* a consequence of a mistake is not reported */
    warning ? p->warnings++ : p->errors++;
    vsnprintf(text, sizeof text, fmt, ap);
    text[gw_scrub(text, strlen(text))] = '\0';
    struct item *fresh = gw_new(&p->arena, struct item, 1);
    if (!fresh) {
        p->untold++;
        return;
    }
    fresh->at = locate(p, gw_str_z(path));
    fresh->warning = warning;
    fresh->path = gw_arena_dup(&p->arena, gw_str_z(path));
    fresh->text = gw_arena_dup(&p->arena, gw_str_z(text));
    *p->last = fresh;
    p->last = &fresh->next;
}

void gw_config_error(struct gw_diagnostics *p, const char *path, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(p, false, path, fmt, ap);
    va_end(ap);
}

void gw_config_warning(struct gw_diagnostics *p, const char *path, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(p, true, path, fmt, ap);
    va_end(ap);
}

void gw_option_path(char out[static GW_OPTION_PATH], const char *path, const char *option)
{
    snprintf(out, GW_OPTION_PATH, "%s%s%s", path, *path ? "." : "", option);
}

void gw_option_error(struct gw_diagnostics *p, const char *path, const char *option, const char *fmt, ...)
{
    char where[GW_OPTION_PATH];
    va_list ap;
    gw_option_path(where, path, option);
    va_start(ap, fmt);
    add(p, false, where, fmt, ap);
    va_end(ap);
}

void gw_option_warning(struct gw_diagnostics *p, const char *path, const char *option, const char *fmt, ...)
{
    char where[GW_OPTION_PATH];
    va_list ap;
    gw_option_path(where, path, option);
    va_start(ap, fmt);
    add(p, true, where, fmt, ap);
    va_end(ap);
}

void gw_diagnostics_syntax(struct gw_diagnostics *p, const char *file, unsigned line, unsigned column,
                           const char *what, const char *shown)
{
    gw_diagnostics_location(p, "", file, line);
    struct place *at = find(p, "");
    if (at) {
        at->column = column;
        at->shown = gw_arena_dup(&p->arena, gw_str_z(shown));
    }
    gw_config_error(p, "", "syntax error: %s", what);
}

size_t gw_diagnostics_errors(const struct gw_diagnostics *p)
{
    return p->errors;
}

static void print_item(const struct item *item, FILE *to)
{
    char where[1024];
    print_place(item->at, where, sizeof where);
    if (*where)
        fprintf(to, "%s: ", where);
    if (item->path.len)
        fprintf(to, "%.*s: ", GW_FMT(item->path));
    fprintf(to, "%s%.*s\n", item->warning ? "warning: " : "", GW_FMT(item->text));
    if (item->at && item->at->shown.len)
        fprintf(to, "%.*s\n", GW_FMT(item->at->shown));
}

static size_t order_of(const struct item *i)
{
    return i->at ? i->at->order + 1 : 0;
}

/* Puts the items in the order of their places, keeping the order of those at one place: a merge sort of the
 * list. */
static struct item *sorted(struct item *list, size_t n)
{
    if (n < 2)
        return list;
    struct item *half = list, **cut = &half;
    for (size_t i = 0; i < n / 2; i++)
        cut = &(*cut)->next;
    struct item *a = list, *b = *cut, *head = NULL, **end = &head;
    *cut = NULL;
    a = sorted(a, n / 2);
    b = sorted(b, n - n / 2);
    while (a && b) {
        struct item **from = order_of(b) < order_of(a) ? &b : &a;
        *end = *from;
        end = &(*end)->next;
        *from = *end;
    }
    *end = a ? a : b;
    return head;
}

void gw_diagnostics_print(struct gw_diagnostics *p, FILE *to)
{
    size_t told = p->errors + p->warnings - p->untold;
    p->items = sorted(p->items, told);
    for (p->last = &p->items; *p->last; p->last = &(*p->last)->next)
        print_item(*p->last, to);
    if (p->untold)
        fprintf(to, "and %zu more\n", p->untold);
}
