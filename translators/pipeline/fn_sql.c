/* fn_sql.c: sql_cover: a statement without its literals, as Datadog's agent shows statements.
 *
 *     text ──next──▶ tokens ──put──▶ words with single blanks between them
 *
 * Literals become ?, lists of them one ?, lists of such groups one group; comments, semicolons and aliases
 * (AS and what follows) go. Text that cannot be read as tokens is left as it is. Traces have another
 * obfuscator (translators/ddtrace/dd_sql.h), which keeps the text's own form.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/pipeline/script_internal.h"

/* A token of one character is that character. */
enum token {
    END,
    NAME = 256,
    NUMBER,
    LITERAL, /* text, null, true, $1, %s, {…} */
    DOUBLE_QUOTED,
    BIND,
    COMMENT,
    AS,
    SAVEPOINT,
    SUBQUERY, /* select, update, delete: may follow a parenthesis */
    KEYWORD,
    OPERATOR, /* of several characters */
    COVERED,  /* what became a ?, or went with one */
    COVERED_PAREN,
    DROPPED,
    BRACKETED, /* an alias in [ ] */
    BAD
};

struct sql {
    gw_str text;
    size_t at;
    unsigned braces;
    bool backslashes, seen_backslash; /* whether \ escapes; whether there was one */
    struct gw_arena *arena;
};

static uint32_t rune_at(const struct sql *s, size_t at, size_t *len)
{
    if (at >= s->text.len)
        return *len = 0;
    gw_str rest = gw_str_n(s->text.ptr + at, s->text.len - at);
    uint32_t rune = gw_utf8_next(&rest);
    *len = s->text.len - at - rest.len;
    return rune;
}

static char peek(const struct sql *s)
{
    return s->at < s->text.len ? s->text.ptr[s->at] : 0;
}

/* Approximately letters: not ASCII, and not a blank, punctuation or a symbol. */
static bool letter(uint32_t c)
{
    static const uint32_t others[][2] = {
        {0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},       {0xBB, 0xBF},
        {0xD7, 0xD7},     {0xF7, 0xF7},     {0x2000, 0x2070},   {0x2190, 0x2BFF},
        {0x3000, 0x3004}, {0x3007, 0x3030}, {0xFE10, 0xFE6F},   {0xFF00, 0xFF20},
        {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0x1F000, 0x1FAFF}, {0xFFFD, 0xFFFD}};
    if (c < 0x80)
        return c == '_' || c == '@' || (gw_lower((char)c) >= 'a' && gw_lower((char)c) <= 'z');
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (c >= others[i][0] && c <= others[i][1])
            return false;
    return true;
}

/* Letters, digits and those of `more`. */
static void skip_word(struct sql *s, const char *more)
{
    size_t len;
    for (uint32_t c; (c = rune_at(s, s->at, &len)); s->at += len)
        if (!letter(c) && c != '#' && !(c < 0x80 && (gw_is_digit((int)c) || gw_char_in((char)c, more))))
            break;
}

static enum token keyword(gw_str word)
{
    static const struct {
        const char *word;
        enum token token;
    } rows[] = {{"null", LITERAL},        {"true", LITERAL},    {"false", LITERAL},   {"as", AS},
                {"savepoint", SAVEPOINT}, {"select", SUBQUERY}, {"update", SUBQUERY}, {"delete", SUBQUERY},
                {"limit", KEYWORD},       {"alter", KEYWORD},   {"create", KEYWORD},  {"grant", KEYWORD},
                {"revoke", KEYWORD},      {"commit", KEYWORD},  {"begin", KEYWORD},   {"truncate", KEYWORD},
                {"drop", KEYWORD},        {"from", KEYWORD},    {"insert", KEYWORD},  {"into", KEYWORD},
                {"join", KEYWORD}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (gw_str_ieq(word, gw_str_z(rows[i].word)))
            return rows[i].token;
    return NAME;
}

static void skip_digits(struct sql *s, const char *digits)
{
    while (gw_char_in(peek(s), digits))
        s->at++;
}

static enum token number(struct sql *s, bool behind_dot)
{
    if (!behind_dot && peek(s) == '0' && s->at + 1 < s->text.len && gw_lower(s->text.ptr[s->at + 1]) == 'x') {
        s->at += 2;
        skip_digits(s, "0123456789abcdefABCDEF");
        return NUMBER;
    }
    skip_digits(s, "0123456789");
    if (!behind_dot && peek(s) == '.') {
        s->at++;
        skip_digits(s, "0123456789");
    }
    if (gw_lower(peek(s)) == 'e') {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-')
            s->at++;
        skip_digits(s, "0123456789");
    }
    return NUMBER;
}

static bool only_blanks(gw_str s)
{
    return gw_trim_space(s).len == 0;
}

/* After a quote; *out is the quoted text, or two quotes if it is empty. */
static bool quoted(struct sql *s, char quote, gw_str *out)
{
    struct gw_text b = {.arena = s->arena};
    for (;; s->at++) {
        if (s->at >= s->text.len)
            return false;
        char c = s->text.ptr[s->at];
        if (c == quote) {
            if (s->at + 1 >= s->text.len || s->text.ptr[s->at + 1] != quote)
                break;
            s->at++;
        } else if (c == '\\') {
            s->seen_backslash = true;
            if (s->backslashes && ++s->at >= s->text.len)
                return false;
        }
        gw_text_put_char(&b, s->text.ptr[s->at]);
    }
    s->at++;
    *out = gw_text_result(&b);
    if (only_blanks(*out))
        *out = gw_arena_dup(s->arena, gw_str_n((const char[2]){quote, quote}, 2));
    return true;
}

/* Behind a $: $1, or text between two $tag$. */
static enum token dollar(struct sql *s)
{
    gw_str tag;
    if (gw_is_digit(peek(s)))
        return number(s, false) == NUMBER ? LITERAL : BAD;
    if (!quoted(s, '$', &tag))
        return BAD;
    gw_str mark = gw_str_eq(tag, GW_STR("$$")) ? tag : gw_arena_printf(s->arena, "$%.*s$", GW_FMT(tag));
    for (; s->at + mark.len <= s->text.len; s->at++)
        if (memcmp(s->text.ptr + s->at, mark.ptr, mark.len) == 0) {
            s->at += mark.len;
            return LITERAL;
        }
    return BAD;
}

static enum token comment(struct sql *s, const char *end)
{
    size_t len = strlen(end);
    for (; s->at + len <= s->text.len; s->at++)
        if (memcmp(s->text.ptr + s->at, end, len) == 0) {
            s->at += len;
            return COMMENT;
        }
    s->at = s->text.len;
    return len == 1 ? COMMENT : BAD; /* one to the end of the line may end with the text */
}

/* Takes `z` if it is here. */
static bool take(struct sql *s, const char *z)
{
    if (!gw_str_starts(gw_str_from(s->text, s->at), gw_str_z(z)))
        return false;
    s->at += strlen(z);
    return true;
}

/* Behind a colon. */
static enum token colon(struct sql *s)
{
    size_t len;
    if (take(s, ":"))
        return OPERATOR;
    uint32_t c = rune_at(s, s->at, &len);
    if (gw_is_space(c) || c == '=')
        return ':';
    if (!letter(c) && c != '#' && !gw_is_digit(peek(s)))
        return BAD;
    skip_word(s, ".");
    return BIND;
}

static enum token minus(struct sql *s)
{
    if (take(s, "-"))
        return comment(s, "\n");
    if (peek(s) == '>' || gw_is_digit(peek(s))) /* an arrow counts as a number of no digits */
        return number(s, false);
    if (peek(s) == '.' && s->at + 1 < s->text.len && gw_is_digit(s->text.ptr[s->at + 1])) {
        s->at++;
        return number(s, true);
    }
    return '-';
}

static enum token percent(struct sql *s)
{
    size_t len;
    if (take(s, "(")) {
        s->at += gw_str_find(gw_str_from(s->text, s->at), ')') + 1;
        if (!letter(rune_at(s, s->at, &len)))
            return BAD;
        s->at += len;
        return LITERAL;
    }
    uint32_t c = rune_at(s, s->at, &len);
    if (!letter(c) && c != '#')
        return '%';
    s->at += len;
    return LITERAL;
}

static enum token bang(struct sql *s)
{
    size_t len;
    if (take(s, "=") || take(s, "~*") || take(s, "~"))
        return OPERATOR;
    uint32_t c = rune_at(s, s->at, &len);
    return c && (letter(c) || gw_is_space(c) ||
                 (c < 0x80 && (gw_is_digit((int)c) || gw_char_in((char)c, "(`'\"+-#"))))
               ? '!'
               : BAD;
}

static enum token brace(struct sql *s)
{
    if (s->at == 1 || s->braces) {
        s->braces++;
        return '{';
    }
    size_t close = gw_str_find(gw_str_from(s->text, s->at), '}');
    s->at += close + 1;
    return s->at <= s->text.len ? LITERAL : BAD;
}

static enum token quotes(struct sql *s, char c, gw_str *out)
{
    return !quoted(s, c, out) ? BAD : c == '\'' ? LITERAL : c == '"' ? DOUBLE_QUOTED : NAME;
}

/* Behind c, which is ASCII and begins neither a name nor a number. */
static enum token sign(struct sql *s, char c, gw_str *out)
{
    switch (c) {
    case ':':
        return colon(s);
    case '~':
        return take(s, "*") ? OPERATOR : '~';
    case '.':
        return gw_is_digit(peek(s)) ? number(s, true) : '.';
    case '/':
        return take(s, "/") ? comment(s, "\n") : take(s, "*") ? comment(s, "*/") : '/';
    case '-':
        return minus(s);
    case '#':
        s->at += s->at < s->text.len;
        return comment(s, "\n");
    case '<':
        return take(s, ">") || take(s, "=>") || take(s, "=") ? OPERATOR : '<';
    case '>':
        return take(s, "=") ? OPERATOR : '>';
    case '!':
        return bang(s);
    case '\'':
    case '"':
    case '`':
        return quotes(s, c, out);
    case '%':
        return percent(s);
    case '$':
        return dollar(s);
    case '{':
        return brace(s);
    case '}':
        return s->braces && s->braces-- ? '}' : BAD;
    default:
        return gw_char_in(c, "?=,;()+*&|^][") ? (enum token)c : BAD;
    }
}

static enum token next(struct sql *s, gw_str *out)
{
    size_t len, from;
    uint32_t c;
    enum token token;
    while (gw_is_space(c = rune_at(s, s->at, &len)) && len)
        s->at += len;
    from = s->at;
    *out = GW_NOSTR;
    if (!len)
        return END;
    if (c == 0xFFFD && len == 1)
        return BAD;
    if (letter(c)) {
        skip_word(s, ".*$");
        token = keyword(gw_str_n(s->text.ptr + from, s->at - from));
    } else if (c < 0x80 && gw_is_digit((int)c)) {
        token = number(s, false);
    } else {
        s->at += len;
        token = sign(s, c < 0x80 ? (char)c : 0, out);
    }
    if (!out->ptr)
        *out = gw_str_n(s->text.ptr + from, s->at - from);
    return token;
}

struct cover {
    struct gw_text out;
    enum token last;
    int values, groups; /* adjacent ?, and groups of them */
};

static bool covered(enum token t)
{
    return t == COVERED || t == COVERED_PAREN;
}

/* Leaves out aliases, comments and semicolons; *text is then without a pointer. False: a bracket that holds
 * no name. */
static bool drop(const struct cover *c, enum token *t, gw_str *text)
{
    bool alias = c->last == AS || (c->last == BRACKETED && *t == ']');
    if (c->last == BRACKETED && !alias && *t != NAME)
        return false;
    if (c->last != BRACKETED && !alias && *t != COMMENT && *t != ';' && *t != AS)
        return true;
    *t = c->last == BRACKETED && !alias ? BRACKETED
         : c->last == AS && *t == '['   ? BRACKETED
         : alias || *t == COMMENT       ? DROPPED
         : *t == ';'                    ? COVERED
                                        : AS;
    *text = GW_NOSTR;
    return true;
}

static void replace(const struct cover *c, enum token *t, gw_str *text)
{
    if (c->last == SAVEPOINT || (c->last == '=' && *t == DOUBLE_QUOTED) || *t == LITERAL || *t == NUMBER ||
        *t == '?') {
        *t = *t == '(' ? COVERED_PAREN : COVERED;
        *text = GW_STR("?");
    }
}

/* ( ?, ? ) and lists of it are one ( ? ). */
static void group(struct cover *c, enum token *t, gw_str *text, struct gw_arena *a)
{
    if ((c->last == '(' && covered(*t)) || (*t == '(' && c->groups > 0))
        c->groups++;
    if (c->groups > 0 && c->last == COVERED_PAREN && (*t == SUBQUERY || *t == NAME)) {
        c->values = c->groups = 0;
        *text = gw_arena_printf(a, "( %.*s", GW_FMT(*text));
    } else if (covered(*t)) {
        if (++c->values > 1) {
            *t = COVERED;
            *text = GW_NOSTR;
        }
    } else if ((c->values > 0 && (*t == ',' || *t == '?')) || c->groups > 1) {
        *t = *t == '(' ? COVERED_PAREN : COVERED;
        *text = GW_NOSTR;
    } else if (*t != ',' && *t != '(' && *t != ')') {
        c->values = c->groups = 0;
    }
}

static bool cover(struct sql *s, gw_str *out)
{
    struct cover c = {.out = {.arena = s->arena}};
    gw_str text;
    for (enum token t; (t = next(s, &text)) != END; c.last = t) {
        if (t == BAD || s->arena->spent || !drop(&c, &t, &text))
            return false;
        replace(&c, &t, &text);
        group(&c, &t, &text, s->arena);
        if (!text.ptr)
            continue;
        if (c.out.len && t != ',' && !(t == '=' && c.last == ':'))
            gw_text_put_char(&c.out, ' ');
        gw_text_put_str(&c.out, text);
    }
    *out = gw_text_result(&c.out);
    return out->len > 0;
}

bool fn_sql_cover(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    gw_str s, done;
    (void)out;
    if (!sc_get_text(r, call->kid[0], &s))
        return true;
    struct sql one = {.text = s, .backslashes = true, .arena = r->arena},
               other = {.text = s, .arena = r->arena};
    /* a \ that escapes may also be one that does not */
    if (cover(&one, &done) || (one.seen_backslash && cover(&other, &done)))
        sc_point_set(r->point, call->kid[0]->key, sc_str(done));
    return true;
}
