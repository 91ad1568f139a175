/* lex.c: splits the text of a script into tokens. Tokens are views of the text; strings with escapes are
 * copied into the script's arena. Called by parse.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/pipeline/lex.h"

#include <stdio.h>

#include "core/base/text.h"

static int peek(const struct sc_lexer *l, size_t ahead)
{
    return l->at + ahead < l->text.len ? (unsigned char)l->text.ptr[l->at + ahead] : -1;
}

static bool alpha(int c)
{
    return c == '_' || gw_is_letter(c);
}

static bool is_hex(int c)
{
    return gw_hex_digit(c) >= 0;
}

static struct sc_token token(const struct sc_lexer *l, enum sc_token_type type, size_t from)
{
    return (struct sc_token){type, (uint32_t)from, gw_str_n(l->text.ptr + from, l->at - from), GW_NOSTR};
}

static struct sc_token wrong(struct sc_lexer *l, size_t from, gw_str words)
{
    struct sc_token t = token(l, ST_ERROR, from);
    t.value = words;
    l->at = l->text.len;
    return t;
}

static struct sc_token wrong_z(struct sc_lexer *l, size_t from, const char *words)
{
    return wrong(l, from, gw_str_z(words));
}

/* Blanks and comments. */
static void skip(struct sc_lexer *l)
{
    for (;;) {
        int c = peek(l, 0);
        if (c == ' ' || c == '\t' || c == '\r')
            l->at++;
        else if (c == '#')
            while (peek(l, 0) != '\n' && peek(l, 0) != -1)
                l->at++;
        else
            return;
    }
}

static enum sc_token_type word_type(gw_str word)
{
    static const struct {
        const char *word;
        enum sc_token_type type;
    } rows[] = {{"if", ST_IF},
                {"elif", ST_ELIF},
                {"else", ST_ELSE},
                {"for", ST_FOR},
                {"in", ST_IN},
                {"break", ST_BREAK},
                {"continue", ST_CONTINUE},
                {"true", ST_TRUE},
                {"false", ST_FALSE},
                {"nil", ST_NIL},
                {"null", ST_NIL},
                {"inf", ST_NUMBER},
                {"nan", ST_NUMBER},
                {"while", ST_RESERVED},
                {"return", ST_RESERVED},
                {"str", ST_RESERVED},
                {"bool", ST_RESERVED},
                {"int", ST_RESERVED},
                {"float", ST_RESERVED},
                {"list", ST_RESERVED},
                {"map", ST_RESERVED},
                {"identifier", ST_RESERVED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (gw_str_ieq(word, gw_str_z(rows[i].word)))
            return rows[i].type;
    return ST_ID;
}

static struct sc_token lex_word(struct sc_lexer *l)
{
    size_t from = l->at;
    while (alpha(peek(l, 0)) || gw_is_digit(peek(l, 0)) || peek(l, 0) >= 0x80)
        l->at++;
    struct sc_token t = token(l, ST_ID, from);
    t.type = word_type(t.raw);
    t.value = t.raw;
    return t;
}

static struct sc_token lex_number(struct sc_lexer *l)
{
    size_t from = l->at;
    bool (*of)(int) = gw_is_digit;
    if (peek(l, 0) == '0' && (peek(l, 1) == 'x' || peek(l, 1) == 'X')) {
        l->at += 2;
        of = is_hex;
    }
    while (of(peek(l, 0)))
        l->at++;
    if (peek(l, 0) == '.')
        for (l->at++; of(peek(l, 0));)
            l->at++;
    if (peek(l, 0) == 'e' || peek(l, 0) == 'E') {
        l->at++;
        if (peek(l, 0) == '+' || peek(l, 0) == '-')
            l->at++;
        while (gw_is_digit(peek(l, 0)))
            l->at++;
    }
    if (alpha(peek(l, 0)))
        return wrong(
            l, from,
            gw_arena_printf(l->arena, "bad number: \"%.*s\"", GW_FMT(token(l, ST_NUMBER, from).raw)));
    return token(l, ST_NUMBER, from);
}

/* `any name`, raw. */
static struct sc_token lex_backquoted(struct sc_lexer *l)
{
    size_t from = l->at++;
    gw_str rest = gw_str_from(l->text, l->at);
    size_t len = gw_str_find(rest, '`');
    if (len == rest.len)
        return wrong_z(l, from, "unterminated raw string");
    l->at += len + 1;
    struct sc_token t = token(l, ST_ID, from);
    t.value = gw_str_n(rest.ptr, len);
    return t;
}

static bool is_quote(int c)
{
    return c == '"' || c == '\'';
}

/* """raw""", over lines; the first three quotes of either kind end it, and have to be the right ones. */
static struct sc_token lex_long(struct sc_lexer *l)
{
    size_t from = l->at;
    int quote = peek(l, 0);
    for (l->at += 3; !(is_quote(peek(l, 0)) && is_quote(peek(l, 1)) && is_quote(peek(l, 2))); l->at++)
        if (peek(l, 0) == -1)
            return wrong_z(l, from, "unterminated multi-line string");
    if (peek(l, 0) != quote || peek(l, 1) != quote || peek(l, 2) != quote)
        return wrong_z(l, from, "a multi-line string ends with other quotes than it began with");
    l->at += 3;
    struct sc_token t = token(l, ST_STR, from);
    t.value = gw_str_n(t.raw.ptr + 3, t.raw.len - 6);
    return t;
}

/* n digits of a base; false when there are not as many, or they mean nothing. */
static bool escape_number(struct sc_lexer *l, unsigned n, unsigned base, uint32_t *out)
{
    *out = 0;
    for (; n; n--, l->at++) {
        int c = peek(l, 0);
        int d = gw_hex_digit(c);
        if (d < 0 || d >= (int)base)
            return false;
        *out = *out * base + (unsigned)d;
    }
    return true;
}

/* After a backslash. NULL, or the mistake. */
static const char *lex_escape(struct sc_lexer *l, int quote, struct gw_text *b)
{
    static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
    int c = peek(l, 0);
    const char *hit = c > 0 ? strchr(from, c) : NULL;
    uint32_t rune;
    if (c == -1)
        return "escape sequence not terminated";
    if (hit || c == quote) {
        l->at++;
        gw_text_put_char(b, hit ? to[hit - from] : (char)c);
        return NULL;
    }
    if (gw_is_digit(c) && c < '8') {
        if (!escape_number(l, 3, 8, &rune) || rune > 255)
            return "illegal character in escape sequence";
        gw_text_put_char(b, (char)rune);
        return NULL;
    }
    if (c != 'x' && c != 'u' && c != 'U')
        return "unknown escape sequence";
    l->at++;
    if (!escape_number(l, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16, &rune))
        return "illegal character in escape sequence";
    if (c == 'x') {
        gw_text_put_char(b, (char)rune);
        return NULL;
    }
    if (rune > 0x10FFFF || (rune >= 0xD800 && rune < 0xE000))
        return "escape sequence is an invalid Unicode code point";
    gw_text_put_rune(b, rune);
    return NULL;
}

static struct sc_token lex_string(struct sc_lexer *l)
{
    size_t from = l->at;
    int quote = peek(l, 0);
    struct gw_text b = {.arena = l->arena};
    for (l->at++; peek(l, 0) != quote;) {
        int c = peek(l, 0);
        if (c == -1 || c == '\n')
            return wrong_z(l, from, "unterminated quoted string");
        l->at++;
        if (c != '\\') {
            gw_text_put_char(&b, (char)c);
            continue;
        }
        int what = peek(l, 0);
        const char *why = lex_escape(l, quote, &b);
        if (why)
            return wrong(l, from,
                         gw_arena_printf(l->arena, "%s: \\%c", why, what > 0x20 && what < 0x7F ? what : '?'));
    }
    l->at++;
    struct sc_token t = token(l, ST_STR, from);
    t.value = gw_text_result(&b);
    return t;
}

static struct sc_token end(struct sc_lexer *l)
{
    const char *open = l->parens     ? "unclosed left parenthesis"
                       : l->brackets ? "unclosed left bracket"
                       : l->braces   ? "unclosed left brace"
                                     : NULL;
    return open ? wrong_z(l, l->at, open) : token(l, ST_EOF, l->at);
}

static int *depth_of(struct sc_lexer *l, int c)
{
    return c == '(' || c == ')' ? &l->parens : c == '[' || c == ']' ? &l->brackets : &l->braces;
}

static struct sc_token lex_operator(struct sc_lexer *l)
{
    static const struct {
        char text[3];
        enum sc_token_type type;
    } rows[] = {{"+=", ST_ADD_ASSIGN}, {"-=", ST_SUB_ASSIGN}, {"*=", ST_MUL_ASSIGN}, {"/=", ST_DIV_ASSIGN},
                {"%=", ST_MOD_ASSIGN}, {"==", ST_EQ},         {"!=", ST_NE},         {"<=", ST_LE},
                {">=", ST_GE},         {"&&", ST_AND},        {"||", ST_OR},         {"+", ST_ADD},
                {"-", ST_SUB},         {"*", ST_MUL},         {"/", ST_DIV},         {"%", ST_MOD},
                {"=", ST_ASSIGN},      {"<", ST_LT},          {">", ST_GT},          {"!", ST_NOT},
                {",", ST_COMMA},       {":", ST_COLON},       {".", ST_DOT},         {";", ST_SEMI},
                {"\n", ST_EOL},        {"(", ST_LPAREN},      {")", ST_RPAREN},      {"[", ST_LBRACKET},
                {"]", ST_RBRACKET},    {"{", ST_LBRACE},      {"}", ST_RBRACE}};
    size_t from = l->at;
    int c = peek(l, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (c != rows[i].text[0] || (rows[i].text[1] && peek(l, 1) != rows[i].text[1]))
            continue;
        l->at += strlen(rows[i].text);
        if (gw_char_in((char)c, "([{"))
            (*depth_of(l, c))++;
        else if (gw_char_in((char)c, ")]}") && --*depth_of(l, c) < 0)
            return wrong(l, from,
                         gw_arena_printf(l->arena, "unexpected: '%c', nothing is open that it closes", c));
        return token(l, rows[i].type, from);
    }
    return wrong(l, from,
                 gw_arena_printf(l->arena, "unexpected character: '%c'", c > 0x20 && c < 0x7F ? c : '?'));
}

struct sc_token sc_lex(struct sc_lexer *l)
{
    skip(l);
    int c = peek(l, 0);
    if (c == -1)
        return end(l);
    if (gw_is_digit(c))
        return lex_number(l);
    if (alpha(c) || c >= 0x80)
        return lex_word(l);
    if (c == '`')
        return lex_backquoted(l);
    if (is_quote(c))
        return peek(l, 1) == c && peek(l, 2) == c ? lex_long(l) : lex_string(l);
    return c ? lex_operator(l) : wrong_z(l, l->at, "unexpected character: NUL");
}
