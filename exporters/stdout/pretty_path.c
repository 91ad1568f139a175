/* pretty_path.c: Finds the path in a line of a stack trace, and cuts it in the middle. Owns nothing. Called by
 * pretty.c and pretty_log.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/stdout/pretty_path.h"

/* A line in pieces, of which one is the path. */
enum { PIECES = 8 };
struct frame {
    gw_str piece[PIECES];
    size_t n, path;
    const char *separators;
    unsigned kept; /* parts of the path that stay at its end */
};

static void add(struct frame *f, gw_str piece)
{
    f->piece[f->n++] = piece;
}

static gw_str until(gw_str s, const char *ends)
{
    size_t n = 0;
    while (n < s.len && !gw_char_in(s.ptr[n], ends))
        n++;
    return gw_str_n(s.ptr, n);
}

/* File "PATH", line 112, in get: as PATH:112 in get. */
static bool read_python(gw_str s, struct frame *f)
{
    static const gw_str file = GW_LIT("File \""), line = GW_LIT("\", line "), in = GW_LIT(", in ");
    const char *indent = s.ptr;
    size_t blanks = 0;
    while (blanks < s.len && s.ptr[blanks] == ' ')
        blanks++;
    s = gw_str_from(s, blanks);
    if (!gw_str_starts(s, file))
        return false;
    s = gw_str_from(s, file.len);
    gw_str path = until(s, "\"");
    s = gw_str_from(s, path.len);
    if (!gw_str_starts(s, line))
        return false;
    s = gw_str_from(s, line.len);
    gw_str number = until(s, ",");
    s = gw_str_from(s, number.len);
    *f = (struct frame){.path = 1, .separators = "/\\", .kept = 1};
    add(f, gw_str_n(indent, blanks));
    add(f, path);
    add(f, GW_STR(":"));
    add(f, number);
    if (gw_str_starts(s, in)) {
        add(f, GW_STR(" in "));
        add(f, gw_str_from(s, in.len));
    }
    return true;
}

static size_t count(gw_str s, const char *separators)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += gw_char_in(s.ptr[i], separators);
    return n;
}

/* The first word with two separators: before, word, after. */
static bool read_word(gw_str s, const char *ends, const char *separators, unsigned kept, struct frame *f)
{
    gw_str word;
    for (size_t at = 0; at < s.len; at += word.len + 1) {
        word = until(gw_str_from(s, at), ends);
        if (count(word, separators) < 2)
            continue;
        *f = (struct frame){.path = 1, .separators = separators, .kept = kept};
        add(f, gw_str_n(s.ptr, at));
        add(f, word);
        add(f, gw_str_from(s, at + word.len));
        return true;
    }
    return false;
}

static bool is_java(gw_str s)
{
    while (s.len && gw_char_in(*s.ptr, " \t"))
        s = gw_str_from(s, 1);
    return gw_str_starts(s, GW_STR("at ")) && until(s, "(").len < s.len;
}

/* How many bytes of s take at most so many columns. */
static size_t fitting(gw_str s, size_t columns)
{
    size_t used = 0;
    gw_str rest = s;
    while (rest.len) {
        gw_str one = rest;
        out_next_rune(&rest);
        used += out_columns(gw_str_n(one.ptr, one.len - rest.len));
        if (used > columns)
            return s.len - one.len;
    }
    return s.len;
}

/* The last parts of a path, with the separator before them. */
static gw_str end_of(gw_str path, const char *separators, unsigned parts)
{
    size_t at = path.len;
    for (; parts && at; parts--)
        while (at && !gw_char_in(path.ptr[--at], separators))
            ;
    return gw_str_from(path, at);
}

/* What stays of the beginning: up to a separator, if one fits; an ellipsis follows. */
static gw_str beginning_of(gw_str path, const char *separators, size_t columns)
{
    size_t n = fitting(path, columns), at = n;
    while (at > 1 && !gw_char_in(path.ptr[at - 1], separators))
        at--;
    return gw_str_n(path.ptr, at > 1 ? at : n);
}

/* The path in three pieces, where it has to be shorter: its beginning, an ellipsis, its end. */
static void shorten(struct frame *f, size_t columns)
{
    gw_str path = f->piece[f->path], end = end_of(path, f->separators, f->kept);
    if (*f->separators == '.')
        end = gw_str_from(end, 1); /* the beginning has one */
    size_t taken = out_columns(end) + 1;
    for (size_t i = 0; i < f->n; i++)
        taken += i == f->path ? 0 : out_columns(f->piece[i]);
    if (taken - out_columns(end) - 1 + out_columns(path) <= columns || end.len == path.len)
        return;
    memmove(&f->piece[f->path + 3], &f->piece[f->path + 1], (f->n - f->path - 1) * sizeof *f->piece);
    f->n += 2;
    f->piece[f->path] = beginning_of(path, f->separators, columns > taken ? columns - taken : 0);
    f->piece[f->path + 1] = GW_STR("…");
    f->piece[f->path + 2] = end;
}

static void put_pieces(struct pretty_line *l, enum pretty_style style, const struct frame *f, size_t columns)
{
    size_t rest = 0;
    for (size_t i = 0; i < f->n; i++)
        rest += out_columns(f->piece[i]);
    for (size_t i = 0; i < f->n; i++) {
        size_t wide = out_columns(f->piece[i]);
        bool is_last = rest > columns && wide >= columns; /* what follows does not fit */
        gw_str piece = is_last ? gw_str_n(f->piece[i].ptr, fitting(f->piece[i], columns - 1)) : f->piece[i];
        pretty_put_text(l, style, piece, SIZE_MAX);
        if (is_last) {
            pretty_put(l, style, "…");
            return;
        }
        columns -= wide;
        rest -= wide;
    }
}

void pretty_put_frame(struct pretty_line *l, enum pretty_style style, gw_str text, size_t columns)
{
    static const char ends[] = " \t\"'()<>,;|";
    struct frame f;
    columns = columns < l->left ? columns : l->left;
    if (!columns || fitting(text, columns) == text.len ||
        !(read_python(text, &f) || read_word(text, ends, "/\\", 1, &f) ||
          (is_java(text) && read_word(text, ends, ".", 2, &f)))) {
        pretty_put_text(l, style, text, columns);
        return;
    }
    shorten(&f, columns);
    put_pieces(l, style, &f, columns);
}
