/* config_syntax.c: Parses libconfig's grammar a second time to find the place of a syntax error. Owns nothing.
 * Called by configuration.c and config_text.c when libconfig has refused a file.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "core/config/config_syntax.h"

#include <stdio.h>

enum { DEPTH = 32, SHOWN = 100 };

struct reader {
    gw_str text;
    size_t at;
    const char *what; /* NULL: nothing is wrong yet */
    size_t where;
};

static bool fail(struct reader *r, size_t where, const char *what)
{
    if (!r->what) {
        r->what = what;
        r->where = where;
    }
    return false;
}

static char peek(const struct reader *r)
{
    return r->at < r->text.len ? r->text.ptr[r->at] : '\0';
}

static bool starts(const struct reader *r, const char *word)
{
    return gw_str_starts(gw_str_from(r->text, r->at), gw_str_z(word));
}

static void skip_line(struct reader *r)
{
    while (r->at < r->text.len && r->text.ptr[r->at] != '\n')
        r->at++;
}

/* A comment that begins here; false: none does. */
static bool skip_comment(struct reader *r)
{
    if (peek(r) == '#' || starts(r, "//")) {
        skip_line(r);
        return true;
    }
    if (!starts(r, "/*"))
        return false;
    gw_str rest = gw_str_from(r->text, r->at + 2);
    const char *end = rest.len ? memmem(rest.ptr, rest.len, "*/", 2) : NULL;
    if (!end)
        fail(r, r->at, "this comment has no end: */ is missing");
    r->at = end ? (size_t)(end + 2 - r->text.ptr) : r->text.len;
    return true;
}

/* Blanks, comments, and lines of @include. */
static void skip_blanks(struct reader *r)
{
    for (;;) {
        while (r->at < r->text.len && gw_char_in(peek(r), " \t\r\n\f"))
            r->at++;
        if (starts(r, "@include"))
            skip_line(r);
        else if (r->at >= r->text.len || !skip_comment(r))
            return;
    }
}

static bool in_name(char c)
{
    return gw_is_letter(c) || gw_is_digit(c) || gw_char_in(c, "-_*");
}

static gw_str read_word(struct reader *r, const char *more)
{
    size_t from = r->at;
    while (r->at < r->text.len && (in_name(peek(r)) || gw_char_in(peek(r), more)))
        r->at++;
    return gw_str_n(r->text.ptr + from, r->at - from);
}

/* True if there is a line end between the quote at `open` and the closing one, and a setting after that line
 * end: then the quote at the end of the first line is missing. */
static bool runs_over(gw_str inside)
{
    size_t line = gw_str_find(inside, '\n');
    gw_str next = gw_str_from(inside, line + 1);
    return line < inside.len && gw_str_find(next, '=') < next.len;
}

static bool read_text(struct reader *r)
{
    size_t open = r->at++;
    while (r->at < r->text.len && peek(r) != '"')
        r->at += peek(r) == '\\' ? 2 : 1;
    if (r->at >= r->text.len)
        return fail(r, open, "this text has no end: its closing quote is missing");
    if (runs_over(gw_str_n(r->text.ptr + open, r->at - open)))
        return fail(r, open, "this text goes on over the line: its closing quote is missing");
    r->at++;
    return true;
}

static bool is_number(gw_str word)
{
    double value;
    uint64_t whole;
    bool hex = word.len > 2 && word.ptr[0] == '0' && gw_lower(word.ptr[1]) == 'x';
    for (int i = 0; i < 2 && word.len && gw_lower(word.ptr[word.len - 1]) == 'l'; i++)
        word.len--;
    if (word.len && (*word.ptr == '+' || *word.ptr == '-'))
        word = gw_str_from(word, 1);
    return hex ? gw_str_hex64(gw_str_from(word, 2), &whole)
           : gw_digit_at(word, 0) || (word.len && *word.ptr == '.') ? gw_str_double(word, &value)
                                                                    : false;
}

/* A number, true or false. */
static bool read_plain(struct reader *r)
{
    size_t from = r->at;
    gw_str word = read_word(r, "+.");
    if (is_number(word) || gw_str_ieq(word, GW_STR("true")) || gw_str_ieq(word, GW_STR("false")))
        return true;
    skip_blanks(r);
    if (word.len && peek(r) == '=')
        return fail(r, from, "a setting stands between { and }: a { is missing before this");
    r->at = from + word.len;
    if (peek(r) == '\'' || (word.len == 0 && starts(r, "`")))
        return fail(r, from, "text stands in double quotes: \"…\"");
    if (gw_digit_at(word, 0))
        return fail(r, from, "a value with a unit stands in quotes: \"10s\", \"8MiB\"");
    if (word.len || gw_char_in(peek(r), "/$.:@~%<>&|!?^"))
        return fail(r, from, "text stands in quotes: \"…\"");
    return fail(r, from, "a value is missing here");
}

static bool read_value(struct reader *, int depth);
static bool read_settings(struct reader *, char end, int depth);

/* The values of [ … ] and ( … ). */
static bool read_values(struct reader *r, char end, int depth)
{
    size_t open = r->at++, comma = 0;
    for (;;) {
        skip_blanks(r);
        if (peek(r) == end && !comma)
            break;
        if (peek(r) == end)
            return fail(r, comma, "nothing follows this comma: take it away");
        if (r->at >= r->text.len)
            return fail(r, open, end == ')' ? "this ( is not closed" : "this [ is not closed");
        if (end == ']' && gw_char_in(peek(r), "{[("))
            return fail(r, open, "groups stand between ( and ), texts and numbers between [ and ]");
        if (!read_value(r, depth + 1))
            return false;
        skip_blanks(r);
        comma = peek(r) == ',' ? r->at++ : 0;
        if (!comma && peek(r) != end)
            return fail(r, r->at,
                        r->at >= r->text.len         ? "the end of the file comes before the closing bracket"
                        : peek(r) == ';'             ? "a closing bracket is missing before this ;"
                        : gw_char_in(peek(r), ")]}") ? "this closes another bracket than the one that is open"
                                                     : "a comma is missing before this");
    }
    r->at++;
    return true;
}

static bool read_texts(struct reader *r)
{
    while (peek(r) == '"') { /* texts side by side are one */
        if (!read_text(r))
            return false;
        skip_blanks(r);
    }
    return true;
}

static bool read_value(struct reader *r, int depth)
{
    size_t open = r->at;
    if (depth > DEPTH)
        return fail(r, open, "brackets in brackets, too many");
    switch (peek(r)) {
    case '"':
        return read_texts(r);
    case '[':
        return read_values(r, ']', depth);
    case '(':
        return read_values(r, ')', depth);
    case '{':
        r->at++;
        if (!read_settings(r, '}', depth + 1))
            return r->what ? false : fail(r, open, "this { is not closed");
        r->at++;
        return true;
    default:
        return read_plain(r);
    }
}

static bool read_name(struct reader *r)
{
    size_t from = r->at;
    if (gw_is_letter(peek(r)) || peek(r) == '*') {
        read_word(r, "");
        if (peek(r) == '.')
            return fail(r, r->at, "no name has a dot: write the group, as in tls = { ca = \"…\"; };");
        return true;
    }
    if (peek(r) == '"')
        return fail(
            r, from,
            "a name stands without quotes here; if this is a value, a comma or a ; is missing before it");
    if (gw_char_in(peek(r), ")]}"))
        return fail(r, from, "this closes a bracket that is not open");
    return fail(r, from, "a name is expected here, as in name = value;");
}

/* Settings until `end`, which is left; '\0' is the end of the text. */
static bool read_settings(struct reader *r, char end, int depth)
{
    for (;;) {
        skip_blanks(r);
        if (r->at >= r->text.len)
            return end == '\0';
        if (end && peek(r) == end)
            return true;
        if (!read_name(r))
            return false;
        skip_blanks(r);
        if (peek(r) != '=' && peek(r) != ':')
            return fail(r, r->at, "a = is missing before this");
        r->at++;
        skip_blanks(r);
        if (!read_value(r, depth))
            return false;
        skip_blanks(r);
        if (peek(r) == ';' || peek(r) == ',')
            r->at++;
    }
}

/* --- the line --- */

/* Keys whose values are shown. */
static bool is_shown(gw_str key)
{
    static const char *const shown[] = {
        "type",    "listen",  "socket",     "path",       "name",      "level",    "format",      "signals",
        "mode",    "source",  "service",    "pipeline",   "directory", "protocol", "compression", "encoding",
        "timeout", "max_age", "max_memory", "queue_size", "when_full", "fsync",    NULL};
    for (const char *const *s = shown; *s; s++)
        if (gw_str_eq(key, gw_str_z(*s)))
            return true;
    return false;
}

/* Copies the line with * for values that may be secrets: quoted texts, and text after a = without quotes,
 * except of known keys. */
static void hide_values(gw_str line, char *out)
{
    gw_str key = GW_NOSTR;
    bool quoted = false, value = false;
    for (size_t i = 0; i < line.len; i++) {
        char c = line.ptr[i];
        bool structural = gw_char_in(c, " \t\"") || (!quoted && gw_char_in(c, "=:;,(){}[]"));
        bool hide = (quoted || value) && !is_shown(key) && !structural && (unsigned char)c < 0x80;
        out[i] = c == '\t' ? ' ' : hide ? '*' : (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
        quoted ^= c == '"' && (!quoted || i == 0 || line.ptr[i - 1] != '\\');
        if (quoted)
            continue;
        if (c == '=' || (c == ':' && !value))
            value = true;
        else if (gw_char_in(c, ";,({["))
            value = false;
        if (!value && in_name(c))
            key = gw_str_n(key.ptr && key.ptr + key.len == line.ptr + i ? key.ptr : line.ptr + i,
                           key.ptr && key.ptr + key.len == line.ptr + i ? key.len + 1 : 1);
    }
}

static size_t characters(gw_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return n;
}

static void show(gw_str text, size_t where, struct gw_syntax_fault *out)
{
    char clean[SHOWN + 8];
    size_t begin = where, end = where, lines = 1;
    while (begin && text.ptr[begin - 1] != '\n')
        begin--;
    for (size_t i = 0; i < begin; i++)
        lines += text.ptr[i] == '\n';
    while (end < text.len && text.ptr[end] != '\n' && text.ptr[end] != '\r')
        end++;
    out->line = (unsigned)lines;
    out->column = (unsigned)characters(gw_str_n(text.ptr + begin, where - begin)) + 1;
    out->shown[0] = '\0';
    if (where - begin >= SHOWN) /* such a long line is of no use in a message */
        return;
    gw_str line = gw_str_n(text.ptr + begin, end - begin < SHOWN ? end - begin : SHOWN);
    hide_values(line, clean);
    snprintf(out->shown, sizeof out->shown, "  %.*s\n  %*s^", (int)line.len, clean, (int)out->column - 1, "");
}

bool gw_syntax_find(gw_str text, struct gw_syntax_fault *out)
{
    struct reader r = {.text = text};
    read_settings(&r, '\0', 0);
    if (!r.what)
        return false;
    while (r.where == text.len && r.where && gw_char_in(text.ptr[r.where - 1], " \t\r\n"))
        r.where--, text.len--; /* the end of the file: behind the last word */
    out->what = r.what;
    show(text, r.where, out);
    return true;
}

bool gw_syntax_ends_in_text(gw_str text)
{
    struct reader r = {.text = text};
    while (r.at < text.len) {
        if (skip_comment(&r))
            continue;
        if (text.ptr[r.at++] != '"')
            continue;
        while (r.at < text.len && peek(&r) != '"')
            r.at += peek(&r) == '\\' ? 2 : 1;
        if (r.at++ >= text.len)
            return true;
    }
    return false;
}

/* --- other kinds --- */

/* The first line that is neither empty nor a comment, without blanks before it. */
static gw_str first_line(gw_str text)
{
    gw_str line;
    while (gw_str_next(&text, '\n', &line)) {
        line = gw_str_trim(line);
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (line.len && *line.ptr != '#')
            return line;
    }
    return GW_NOSTR;
}

/* "[name]" or "[[name.name]]" alone on a line. */
static bool has_sections(gw_str text)
{
    gw_str line;
    while (gw_str_next(&text, '\n', &line)) {
        size_t open = 0, name;
        line = gw_str_trim(line);
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        while (open < line.len && open < 2 && line.ptr[open] == '[')
            open++;
        for (name = open; name < line.len && (in_name(line.ptr[name]) || line.ptr[name] == '.');)
            name++;
        if (open && name > open && name + open == line.len && line.ptr[name] == ']')
            return true;
    }
    return false;
}

/* "name:", "name: value" or "- value", and no bracket or semicolon that ends it. */
static bool is_yaml(gw_str line)
{
    size_t colon = gw_str_find(line, ':');
    char last = line.len ? line.ptr[line.len - 1] : '\0';
    if (gw_str_starts(line, GW_STR("---")) || gw_str_starts(line, GW_STR("%YAML")))
        return true;
    for (size_t i = 0; i < colon; i++)
        if (!in_name(line.ptr[i]) && line.ptr[i] != '"' && line.ptr[i] != '.')
            return false;
    return colon > 0 && colon < line.len && (colon + 1 == line.len || line.ptr[colon + 1] == ' ') &&
           !gw_char_in(last, ";{(");
}

const char *gw_syntax_other_kind(gw_str text)
{
    static const char *const bom = "begins with a byte order mark (BOM): save it as UTF-8 without one";
    static const char *const utf16 = "is UTF-16: save it as UTF-8, without a byte order mark";
    if (gw_str_starts(text, GW_STR("\xef\xbb\xbf")))
        return bom;
    if (gw_str_starts(text, GW_STR("\xff\xfe")) || gw_str_starts(text, GW_STR("\xfe\xff")))
        return utf16;
    gw_str line = first_line(text);
    if (line.len == 0)
        return NULL;
    if (has_sections(text))
        return "is TOML or INI, and ddgate reads libconfig: write name = { key = \"value\"; }; for [name]. "
               "conf/ddgate.conf shows how";
    if (*line.ptr == '{' || *line.ptr == '[')
        return "is JSON, and ddgate reads libconfig: without the outer braces, names without quotes, name = "
               "value; "
               "conf/ddgate.conf shows how";
    if (*line.ptr == '<')
        return "is XML, and ddgate reads libconfig: name = value; conf/ddgate.conf shows how";
    if (is_yaml(line) && (gw_str_find(text, '{') == text.len || gw_str_find(text, ';') == text.len))
        return "is YAML, and ddgate reads libconfig: name = value; with groups in { } and lists in ( ). "
               "conf/ddgate.conf shows how";
    return NULL;
}
