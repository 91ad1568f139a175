/* fault.c: Keeps the first error of a script or a run, with line, column and the chain of scripts that called
 * it. Owns no memory: the text is in the fault itself. Called by the parser, the check and the evaluator.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "core/base/text.h"
#include "translators/pipeline/ast.h"
#include "translators/pipeline/unicase.h"

void sc_place(gw_str text, uint32_t pos, unsigned *line, unsigned *column)
{
    size_t at = pos < text.len ? pos : text.len, begin = 0;
    *line = 1;
    for (size_t i = 0; i < at; i++)
        if (text.ptr[i] == '\n') {
            ++*line;
            begin = i + 1;
        }
    *column = (unsigned)gw_utf8_count(gw_str_n(text.ptr + begin, at - begin)) + 1;
}

bool sc_fail(struct sc_fault *f, gw_str name, gw_str text, uint32_t pos, const char *fmt, ...)
{
    unsigned line, column;
    va_list ap;
    if (f->set)
        return false;
    sc_place(text, pos, &line, &column);
    f->set = true;
    f->name = name;
    f->pos = pos;
    int n = snprintf(f->text, sizeof f->text, "%.*s:%u:%u: ", GW_FMT(name), line, column);
    if (n < 0 || (size_t)n >= sizeof f->text)
        return false;
    va_start(ap, fmt);
    vsnprintf(f->text + n, sizeof f->text - (size_t)n, fmt, ap);
    va_end(ap);
    return false;
}

bool sc_fail_from(struct sc_fault *f, gw_str name, gw_str text, uint32_t pos)
{
    unsigned line, column;
    size_t len = strlen(f->text);
    sc_place(text, pos, &line, &column);
    snprintf(f->text + len, sizeof f->text - len, "\n%.*s:%u:%u:", GW_FMT(name), line, column);
    return false;
}

gw_str sc_fault_show(struct gw_arena *a, const struct sc_fault *f, gw_str text)
{
    size_t at = f->pos < text.len ? f->pos : text.len, begin = at, end = at;
    struct gw_text b = {.arena = a};
    while (begin && text.ptr[begin - 1] != '\n')
        begin--;
    while (end < text.len && text.ptr[end] != '\n')
        end++;
    gw_text_put_z(&b, f->text);
    gw_text_put_z(&b, "\n    ");
    gw_text_put(&b, text.ptr + begin, end - begin);
    gw_text_put_z(&b, "\n    ");
    for (gw_str before = gw_str_n(text.ptr + begin, at - begin); before.len;) {
        uint32_t c = gw_utf8_next(&before);
        gw_text_put_z(&b, c == '\t' ? "\t" : sc_is_han(c) ? "  " : " ");
    }
    gw_text_put_char(&b, '^');
    return gw_text_result(&b);
}

static uint32_t hash_of(gw_str s)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 16777619u;
    return h;
}

static bool rehash(struct sc_names *t, struct gw_arena *a)
{
    uint32_t size = t->table_n ? t->table_n * 2 : 64;
    uint32_t *table = gw_new(a, uint32_t, size);
    gw_str *names = gw_arena_raw(a, size / 2, sizeof *names);
    if (!table || !names)
        return false;
    if (t->n)
        memcpy(names, t->names, t->n * sizeof *names);
    for (uint32_t i = 0; i < t->n; i++) {
        uint32_t at = hash_of(names[i]) & (size - 1);
        while (table[at])
            at = (at + 1) & (size - 1);
        table[at] = i + 1;
    }
    t->table = table;
    t->table_n = size;
    t->names = names;
    t->cap = size / 2;
    return true;
}

uint32_t sc_names_of(struct sc_names *t, struct gw_arena *a, gw_str name)
{
    if (t->n == t->cap && !rehash(t, a))
        return UINT32_MAX;
    uint32_t at = hash_of(name) & (t->table_n - 1);
    for (; t->table[at]; at = (at + 1) & (t->table_n - 1))
        if (gw_str_eq(t->names[t->table[at] - 1], name))
            return t->table[at] - 1;
    t->names[t->n] = name;
    t->table[at] = ++t->n;
    return t->n - 1;
}
