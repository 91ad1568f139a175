/* Splits SQL text into tokens, in any of the dialects (dd_sql_lex.h).
 *
 * The state is in the caller's struct dd_sql_lexer. Called by dd_sql.c and dd_sql_about.c.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "translators/ddtrace/dd_sql_lex.h"

/* Classes of a byte. Bytes of UTF-8 count as letters. ALONE: always a token of its own. */
enum { BLANK = 1, LETTER = 2, DIGIT = 4, ALONE = 8, DOLLAR = 16 };
static const unsigned char classes[256] = {
    ['$'] = DOLLAR,
    [' '] = BLANK,
    ['\t' ... '\r'] = BLANK,
    ['a' ... 'z'] = LETTER,
    ['A' ... 'Z'] = LETTER,
    ['_'] = LETTER,
    [0x80 ... 0xFF] = LETTER,
    ['0' ... '9'] = DIGIT,
    [','] = ALONE,
    ['('] = ALONE,
    [')'] = ALONE,
    ['='] = ALONE,
    ['*'] = ALONE,
    ['<'] = ALONE,
    ['>'] = ALONE,
    [';'] = ALONE,
};

static inline unsigned class_of(char c)
{
    return classes[(unsigned char)c];
}

static inline bool is_blank(char c)
{
    return class_of(c) & BLANK;
}

static inline bool is_digit(char c)
{
    return class_of(c) & DIGIT;
}

static inline bool begins_word(char c)
{
    return class_of(c) & LETTER;
}

static inline bool in_word(char c)
{
    return class_of(c) & (LETTER | DIGIT);
}

static char char_at(gw_str s, size_t i)
{
    return i < s.len ? s.ptr[i] : '\0';
}

void dd_sql_lex(struct dd_sql_lexer *l, enum dd_sql_dialect dialect, gw_str query)
{
    *l = (struct dd_sql_lexer){
        .rest = query, .dialect = dialect, .last = DD_SQL_END, .backslash = dialect == DD_SQL_MYSQL};
}

static size_t word_len(gw_str s, size_t i)
{
    while (i < s.len && (in_word(s.ptr[i]) || s.ptr[i] == '$' || s.ptr[i] == '#' || s.ptr[i] == '@'))
        i++;
    return i;
}

/* From their second character on, names may contain $, and # and @ unless these are comments or operators. */
static size_t name_len(const struct dd_sql_lexer *l, gw_str s, size_t i)
{
    if (l->dialect == DD_SQL_SQLSERVER || l->dialect == DD_SQL_ORACLE)
        return word_len(s, i);
    while (i < s.len && (class_of(s.ptr[i]) & (LETTER | DIGIT | DOLLAR)))
        i++;
    return i;
}

/* ---- what runs to a closing mark ---- */

/* i is after the opening quote. A doubled quote is part of the text, and so is a character after a
 * backslash. */
static size_t quoted_len(struct dd_sql_lexer *l, gw_str s, size_t i, char quote, bool backslash)
{
    for (; i < s.len; i++) {
        if (backslash && s.ptr[i] == '\\') {
            i++;
        } else if (s.ptr[i] == quote) {
            if (char_at(s, i + 1) != quote)
                return i + 1;
            i++;
        }
    }
    l->open = true;
    return s.len;
}

static size_t len_until(struct dd_sql_lexer *l, gw_str s, size_t i, gw_str end)
{
    const char *found = i < s.len ? memmem(s.ptr + i, s.len - i, end.ptr, end.len) : NULL;
    if (found)
        return (size_t)(found - s.ptr) + end.len;
    l->open = true;
    return s.len;
}

/* Returns the length of $tag$ text $tag$ at the front, or 0. */
static size_t dollar_len(struct dd_sql_lexer *l, gw_str s)
{
    size_t i = 1;
    if (l->dialect != DD_SQL_POSTGRESQL && l->dialect != DD_SQL_STANDARD)
        return 0;
    if (!is_digit(char_at(s, i)))
        while (i < s.len && in_word(s.ptr[i]))
            i++;
    return char_at(s, i) == '$' ? len_until(l, s, i + 1, gw_str_n(s.ptr, i + 1)) : 0;
}

/* Oracle's q'[ text ]', from the delimiter on. */
static size_t delimited_len(struct dd_sql_lexer *l, gw_str s, size_t i)
{
    static const char open[] = "[({<", close[] = "])}>";
    char end[2] = {char_at(s, i), '\''};
    for (size_t k = 0; k < sizeof open - 1; k++)
        if (end[0] == open[k])
            end[0] = close[k];
    return len_until(l, s, i + 1, gw_str_n(end, 2));
}

static size_t comment_len(struct dd_sql_lexer *l, gw_str s)
{
    bool nests = l->dialect == DD_SQL_POSTGRESQL || l->dialect == DD_SQL_SQLSERVER;
    size_t depth = 1, i = 2;
    for (; i < s.len && depth; i++) {
        if (s.ptr[i] == '*' && char_at(s, i + 1) == '/') {
            depth--;
            i++;
        } else if (nests && s.ptr[i] == '/' && char_at(s, i + 1) == '*') {
            depth++;
            i++;
        }
    }
    return i < s.len ? i : s.len;
}

static bool begins_line_comment(const struct dd_sql_lexer *l, gw_str s)
{
    if (*s.ptr == '#')
        return l->dialect == DD_SQL_MYSQL;
    if (*s.ptr != '-' || char_at(s, 1) != '-')
        return false;
    return l->dialect != DD_SQL_MYSQL || s.len == 2 || is_blank(s.ptr[2]);
}

/* ---- literals ---- */

/* i is at its first digit or point. Also accepts 0x1F, 1e-5, 1_000, and letters that follow directly. */
static size_t number_len(gw_str s, size_t i)
{
    bool hex = char_at(s, i) == '0' && gw_lower(char_at(s, i + 1)) == 'x';
    for (; i < s.len; i++) {
        bool exponent_sign = !hex && (s.ptr[i] == '+' || s.ptr[i] == '-') && i > 0 &&
                             gw_lower(s.ptr[i - 1]) == 'e' && is_digit(char_at(s, i + 1));
        if (!in_word(s.ptr[i]) && s.ptr[i] != '.' && !exponent_sign)
            break;
    }
    return i;
}

static bool begins_number(gw_str s, size_t i)
{
    return is_digit(char_at(s, i)) || (char_at(s, i) == '.' && is_digit(char_at(s, i + 1)));
}

/* A sign belongs to the number if no operand comes before it. */
static bool begins_signed_number(const struct dd_sql_lexer *l, gw_str s)
{
    bool operand_before =
        l->last != DD_SQL_END && !(l->last == DD_SQL_PUNCT && l->last_punct != ')' && l->last_punct != ']');
    return (*s.ptr == '-' || *s.ptr == '+') && !operand_before && begins_number(s, 1);
}

/* Returns the length of a literal that begins with a word of n bytes, such as E'…', X'…', _utf8'…'; 0 if it
 * is only a word. */
static size_t prefixed_len(struct dd_sql_lexer *l, gw_str s, size_t n)
{
    gw_str word = gw_str_n(s.ptr, n);
    if (char_at(s, n) != '\'')
        return 0;
    if (l->dialect == DD_SQL_ORACLE && (dd_sql_is(word, "q") || dd_sql_is(word, "nq")))
        return delimited_len(l, s, n + 1);
    if (dd_sql_is(word, "e"))
        return quoted_len(l, s, n + 1, '\'', true);
    if (dd_sql_is(word, "x") || dd_sql_is(word, "b") || dd_sql_is(word, "n") || *s.ptr == '_')
        return quoted_len(l, s, n + 1, '\'', l->backslash);
    return 0;
}

/* ---- placeholders ---- */

static size_t placeholder_len(const struct dd_sql_lexer *l, gw_str s)
{
    size_t i = 1;
    switch (*s.ptr) {
    case '?':
        while (is_digit(char_at(s, i)))
            i++;
        return i;
    case '$':
        while (is_digit(char_at(s, i)))
            i++;
        return i > 1 ? i : 0;
    case '@':
        i = word_len(s, 1);
        return i > 1 ? i : 0;
    case ':':
        if (!(l->dialect == DD_SQL_POSTGRESQL ? begins_word(char_at(s, 1)) : in_word(char_at(s, 1))))
            return 0;
        return name_len(l, s, 1);
    case '%': /* Python's %s; %(name)s is split into other tokens, which are kept */
        return char_at(s, 1) == 's' && !in_word(char_at(s, 2)) ? 2 : 0;
    default:
        return 0;
    }
}

/* ---- tokens ---- */

static size_t blanks_len(gw_str s)
{
    size_t i = 0;
    while (i < s.len && is_blank(s.ptr[i]))
        i++;
    return i;
}

static size_t take_quoted(struct dd_sql_lexer *l, gw_str s, enum dd_sql_token *kind)
{
    switch (*s.ptr) {
    case '\'':
        *kind = DD_SQL_LITERAL;
        return quoted_len(l, s, 1, '\'', l->backslash);
    case '"':
        *kind = l->dialect == DD_SQL_MYSQL ? DD_SQL_LITERAL : DD_SQL_NAME;
        return quoted_len(l, s, 1, '"', l->dialect == DD_SQL_MYSQL);
    case '`':
        *kind = DD_SQL_NAME;
        return quoted_len(l, s, 1, '`', false);
    case '[':
        if (l->dialect != DD_SQL_SQLSERVER)
            return 0;
        *kind = DD_SQL_NAME;
        return quoted_len(l, s, 1, ']', false);
    case '$':
        *kind = DD_SQL_LITERAL;
        return dollar_len(l, s);
    default:
        return 0;
    }
}

static size_t take_word(struct dd_sql_lexer *l, gw_str s, enum dd_sql_token *kind)
{
    bool temporary = *s.ptr == '#' && l->dialect == DD_SQL_SQLSERVER;
    if (!begins_word(*s.ptr) && !temporary)
        return 0;
    size_t n = name_len(l, s, 1), literal = prefixed_len(l, s, n);
    *kind = literal ? DD_SQL_LITERAL : DD_SQL_WORD;
    return literal ? literal : n;
}

static size_t take_number(struct dd_sql_lexer *l, gw_str s, enum dd_sql_token *kind)
{
    *kind = DD_SQL_LITERAL;
    if (begins_signed_number(l, s))
        return number_len(s, 1);
    return begins_number(s, 0) ? number_len(s, 0) : 0;
}

static size_t take_comment(struct dd_sql_lexer *l, gw_str s, enum dd_sql_token *kind)
{
    *kind = DD_SQL_COMMENT;
    if (*s.ptr == '/' && char_at(s, 1) == '*')
        return comment_len(l, s);
    return begins_line_comment(l, s) ? gw_str_find(s, '\n') : 0;
}

/* Reads a token that begins with a character that is not a letter, a blank or ALONE. */
static size_t take_other(struct dd_sql_lexer *l, gw_str s, enum dd_sql_token *kind)
{
    size_t n;
    if ((n = take_comment(l, s, kind)) || (n = take_word(l, s, kind)) || (n = take_quoted(l, s, kind)) ||
        (n = take_number(l, s, kind)))
        return n;
    n = placeholder_len(l, s);
    *kind = n ? DD_SQL_PLACEHOLDER : DD_SQL_PUNCT;
    return n ? n : gw_str_starts(s, GW_STR("::")) ? 2 : 1;
}

enum dd_sql_token dd_sql_next(struct dd_sql_lexer *l, gw_str *text)
{
    enum dd_sql_token kind = DD_SQL_PUNCT;
    gw_str s = l->rest;
    size_t n = 1;
    if (s.len == 0) {
        *text = GW_NOSTR;
        return DD_SQL_END;
    }
    unsigned class = class_of(*s.ptr);
    if (class & BLANK) {
        n = blanks_len(s);
        *text = gw_str_n(s.ptr, n);
        l->rest = gw_str_from(s, n);
        return DD_SQL_BLANK;
    }
    if (class & LETTER)
        n = take_word(l, s, &kind);
    else if (!(class & ALONE))
        n = take_other(l, s, &kind);
    if (kind == DD_SQL_NAME && l->open) /* a name whose quote is not closed may be data */
        kind = DD_SQL_LITERAL;
    *text = gw_str_n(s.ptr, n);
    l->rest = gw_str_from(s, n);
    if (kind != DD_SQL_COMMENT) {
        l->last = kind;
        l->last_punct = *s.ptr;
    }
    return kind;
}

static bool is_list_word(gw_str word)
{
    return (word.len == 2 && dd_sql_is(word, "in")) || (word.len == 6 && dd_sql_is(word, "values"));
}

gw_str dd_sql_skip(struct dd_sql_lexer *l)
{
    gw_str s = l->rest;
    size_t i = 0;
    while (i < s.len) {
        unsigned class = class_of(s.ptr[i]);
        if (class & LETTER) {
            size_t end = name_len(l, s, i + 1);
            if (char_at(s, end) == '\'' || is_list_word(gw_str_n(s.ptr + i, end - i)))
                break;
            l->last = DD_SQL_WORD;
            i = end;
        } else if (class & ALONE) {
            l->last = DD_SQL_PUNCT;
            l->last_punct = s.ptr[i++];
        } else if (class & BLANK) {
            i++;
        } else {
            break;
        }
    }
    l->rest = gw_str_from(s, i);
    return gw_str_n(s.ptr, i);
}
