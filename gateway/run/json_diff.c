/* json_diff.c: Writes JSON in lines, and compares texts line by line. Owns nothing beyond a call. Called by test_command.c and
 * test_case.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/run/json_diff.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "exporters/encoding/output_buffer.h"

enum { WIDTH = 110, AROUND = 2, JSON_MEMORY = 64 << 20, TABLE_MAX = 4 << 20 };

/* --- indented --- */

struct printer {
    FILE *to;
    const char *at, *end; /* JSON that was read once already */
};

static void skip_blanks(struct printer *p)
{
    while (p->at < p->end && gw_char_in(*p->at, " \t\r\n"))
        p->at++;
}

static const char *end_of_text(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        at += *at == '\\';
    return at < end ? at + 1 : end;
}

/* The end of the value that begins here. */
static const char *end_of_value(const char *at, const char *end)
{
    unsigned depth = 0;
    if (at < end && *at != '"' && *at != '{' && *at != '[') {
        while (at < end && !gw_char_in(*at, ",:]} \t\r\n"))
            at++;
        return at;
    }
    while (at < end) {
        if (*at == '"')
            at = end_of_text(at, end);
        else if (*at == '{' || *at == '[')
            depth++, at++;
        else if (*at == '}' || *at == ']')
            depth--, at++;
        else
            at++;
        if (!depth)
            break;
    }
    return at;
}

/* On one line, with a blank behind each comma and colon; with `to` NULL only its length is counted. */
static size_t put_flat(FILE *to, const char *at, const char *end)
{
    bool quoted = false;
    size_t n = 0;
    for (; at < end; at++) {
        if (!quoted && gw_char_in(*at, " \t\r\n"))
            continue;
        bool escape = quoted && *at == '\\' && at + 1 < end;
        if (to)
            fwrite(at, 1, escape ? 2 : 1, to);
        n += escape ? 2 : 1;
        if (!quoted && (*at == ',' || *at == ':')) {
            n++;
            if (to)
                fputc(' ', to);
        }
        quoted ^= *at == '"';
        at += escape;
    }
    return n;
}

static void put_break(FILE *to, unsigned depth)
{
    fprintf(to, "\n%*s", (int)(2 * depth), "");
}

/* The depth is bounded by the reader that took the text before. */
static void put_value(struct printer *p, unsigned depth)
{
    skip_blanks(p);
    const char *end = end_of_value(p->at, p->end);
    bool container = p->at < p->end && (*p->at == '{' || *p->at == '[');
    if (!container || 2 * depth + put_flat(NULL, p->at, end) <= WIDTH) {
        put_flat(p->to, p->at, end);
        p->at = end;
        return;
    }
    bool object = *p->at == '{', first = true;
    fputc(*p->at++, p->to);
    for (skip_blanks(p); p->at < end - 1; skip_blanks(p)) {
        if (!first)
            fputc(',', p->to);
        put_break(p->to, depth + 1);
        if (object) {
            const char *name = end_of_value(p->at, p->end);
            put_flat(p->to, p->at, name);
            fputs(": ", p->to);
            p->at = name;
            skip_blanks(p);
            p->at++; /* the colon */
        }
        put_value(p, depth + 1);
        skip_blanks(p);
        p->at += p->at < end - 1 && *p->at == ',';
        first = false;
    }
    put_break(p->to, depth);
    fputc(object ? '}' : ']', p->to);
    p->at = end;
}

bool gw_json_in_lines(gw_str json, char **out, size_t *len, struct gw_err *err)
{
    struct gw_arena arena;
    struct gw_json j;
    gw_arena_init(&arena, JSON_MEMORY);
    gw_json_init(&j, json, &arena);
    (void)gw_json_skip(&j);
    bool good = gw_json_end(&j);
    if (!good)
        gw_json_fail(&j, err);
    gw_arena_fini(&arena);
    FILE *to = good ? open_memstream(out, len) : NULL;
    if (!to)
        return false;
    struct printer p = {to, json.ptr, json.ptr + json.len};
    put_value(&p, 0);
    fputc('\n', to);
    return fclose(to) == 0;
}

/* --- differences --- */

struct lines {
    gw_str *list;
    size_t n;
};

static struct lines split(gw_str text)
{
    struct lines l = {NULL, 0};
    gw_str rest = text, line;
    size_t room = 1;
    for (size_t i = 0; i < text.len; i++)
        room += text.ptr[i] == '\n';
    l.list = calloc(room + 1, sizeof *l.list);
    while (l.list && rest.len && gw_str_next(&rest, '\n', &line))
        l.list[l.n++] = line;
    return l;
}

struct diff {
    FILE *to;
    const struct lines *want, *got;
    unsigned left; /* lines that may still be printed */
    bool coloured;
};

static void put_line(struct diff *d, char mark, gw_str line)
{
    struct out out;
    const char *colour = !d->coloured ? "" : mark == '-' ? "\033[31m" : mark == '+' ? "\033[32m" : "";
    if (d->left == 0)
        return;
    out_init(&out, 1 << 20);
    out_shown(&out, line, SIZE_MAX);
    fprintf(d->to, "      %s%c %.*s%s\n", colour, mark, (int)(out.failed ? 0 : out.len),
            out.data ? out.data : "", *colour ? "\033[0m" : "");
    out_fini(&out);
    if (--d->left == 0)
        fputs("      … more lines differ\n", d->to);
}

/* How long the longest common part of the rests is, for each pair of rests. */
static uint32_t *common_table(const struct lines *a, const struct lines *b)
{
    size_t width = b->n + 1;
    uint32_t *t = (a->n + 1) * width <= TABLE_MAX ? calloc((a->n + 1) * width, sizeof *t) : NULL;
    for (size_t i = a->n; t && i-- > 0;)
        for (size_t k = b->n; k-- > 0;) {
            uint32_t down = t[(i + 1) * width + k], right = t[i * width + k + 1];
            t[i * width + k] = gw_str_eq(a->list[i], b->list[k]) ? t[(i + 1) * width + k + 1] + 1
                               : down > right                    ? down
                                                                 : right;
        }
    return t;
}

/* Marks each line: 0 both have it. */
static void mark(const struct lines *a, const struct lines *b, bool *only_a, bool *only_b)
{
    uint32_t *t = common_table(a, b);
    size_t i = 0, k = 0, width = b->n + 1;
    while (i < a->n || k < b->n)
        if (i < a->n && k < b->n && gw_str_eq(a->list[i], b->list[k])) {
            i++;
            k++;
        } else if (k == b->n || (i < a->n && t && t[(i + 1) * width + k] >= t[i * width + k + 1])) {
            only_a[i++] = true;
        } else if (i == a->n || t) {
            only_b[k++] = true;
        } else { /* too long for a table */
            only_a[i++] = true;
            only_b[k++] = true;
        }
    free(t);
}

/* A line that both have is shown where one that differs is near. */
static bool is_near(const bool *only, size_t n, size_t at)
{
    for (size_t i = at > AROUND ? at - AROUND : 0; i < n && i <= at + AROUND; i++)
        if (only[i])
            return true;
    return false;
}

static void put_marked(struct diff *d, const bool *only_a, const bool *only_b)
{
    size_t i = 0, k = 0;
    bool gap = false;
    while (i < d->want->n || k < d->got->n) {
        if (i < d->want->n && only_a[i]) {
            put_line(d, '-', d->want->list[i++]);
        } else if (k < d->got->n && only_b[k]) {
            put_line(d, '+', d->got->list[k++]);
        } else {
            bool shown = is_near(only_a, d->want->n, i) || is_near(only_b, d->got->n, k);
            if (shown)
                put_line(d, ' ', d->got->list[k]);
            else if (!gap && i)
                put_line(d, ' ', GW_STR("…"));
            gap = !shown;
            i++;
            k++;
        }
    }
}

void gw_diff_print(FILE *to, gw_str want, gw_str got, unsigned most, bool coloured)
{
    struct lines a = split(want), b = split(got);
    bool *only_a = calloc(a.n + 1, 1), *only_b = calloc(b.n + 1, 1);
    struct diff d = {to, &a, &b, most, coloured};
    if (a.list && b.list && only_a && only_b) {
        mark(&a, &b, only_a, only_b);
        put_marked(&d, only_a, only_b);
    }
    free(only_a);
    free(only_b);
    free(a.list);
    free(b.list);
}
