/* Removes the data from SQL: a single pass over the tokens, which copies nothing until something changes.
 *
 * Keeps no state; results are views of the query or in the arena. Called by dd_semconv_db.c.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "translators/ddtrace/dd_sql.h"

#include "translators/ddtrace/dd_sql_lex.h"

/* The output so far. While it equals the beginning of the input, nothing is copied: `ptr` is the input then.
 * No token grows, so the output is never longer than the input. */
struct out {
    gw_str input;
    struct gw_arena *arena;
    char *copy; /* NULL: nothing has changed yet */
    size_t len;
    bool failed;
};

static bool start_copy(struct out *o)
{
    if (!o->copy && !o->failed) {
        o->copy = gw_arena_raw(o->arena, o->input.len, 1);
        o->failed = !o->copy;
        if (o->copy && o->len)
            memcpy(o->copy, o->input.ptr, o->len);
    }
    return o->copy != NULL;
}

static void append_text(struct out *o, gw_str s)
{
    if (s.len == 0)
        return;
    bool in_place = !o->copy && s.ptr == o->input.ptr + o->len;
    if (!in_place && start_copy(o))
        memcpy(o->copy + o->len, s.ptr, s.len);
    o->len += s.len;
}

static void put_question_mark(struct out *o, gw_str instead_of)
{
    append_text(o, gw_str_eq(instead_of, GW_STR("?")) ? instead_of : GW_STR("?"));
}

static void truncate_to(struct out *o, size_t len)
{
    if (len != o->len && start_copy(o))
        o->len = len;
}

static char last_byte(const struct out *o)
{
    return o->len == 0 ? ' ' : (o->copy ? o->copy : o->input.ptr)[o->len - 1];
}

/* A list of literals after IN or VALUES. */
struct list {
    enum {
        NO_LIST,
        EXPECTED /* IN or VALUES was seen */,
        ITEM /* an item may follow */,
        SEPARATOR /* a comma or the end */
    } state;
    bool values;  /* after VALUES further lists may follow … */
    size_t begin; /* length of the output up to and including '(' */
    size_t items;
    size_t complete; /* … and this is the length with the first of them; 0: not complete yet */
    bool comma;      /* a comma followed it */
};

static bool is_item(enum dd_sql_token kind, gw_str word)
{
    if (kind != DD_SQL_WORD)
        return kind == DD_SQL_LITERAL || kind == DD_SQL_PLACEHOLDER;
    return dd_sql_is(word, "null") || dd_sql_is(word, "true") || dd_sql_is(word, "false") ||
           dd_sql_is(word, "default");
}

static void list_closes(struct list *l, struct out *o, gw_str bracket)
{
    if (l->items > 1) {
        truncate_to(o, l->begin);
        append_text(o, GW_STR("?"));
    }
    append_text(o, bracket);
    if (l->complete)
        truncate_to(o, l->complete);
    else if (l->values)
        l->complete = o->len;
    l->state = NO_LIST;
    l->comma = false;
}

/* Passes a token that is not blank to the list. Returns true if it was the closing bracket and is written. */
static bool list_sees(struct list *l, struct out *o, enum dd_sql_token kind, gw_str text)
{
    char c = kind == DD_SQL_PUNCT ? *text.ptr : '\0';
    if (l->state == NO_LIST && !l->complete && kind != DD_SQL_WORD) /* the usual case */
        return false;
    if (l->state == SEPARATOR && c == ')') {
        list_closes(l, o, text);
        return true;
    }
    if (l->state == ITEM && is_item(kind, text)) {
        l->items++;
        l->state = SEPARATOR;
    } else if (l->state == SEPARATOR && c == ',') {
        l->state = ITEM;
    } else if ((l->state == EXPECTED || l->comma) && c == '(') {
        l->state = ITEM;
        l->items = 0;
        l->begin = o->len + 1;
    } else if (l->state == NO_LIST && l->complete && !l->comma && c == ',') {
        l->comma = true;
    } else {
        bool values = kind == DD_SQL_WORD && dd_sql_is(text, "values"),
             in = kind == DD_SQL_WORD && dd_sql_is(text, "in");
        *l = (struct list){.state = values || in ? EXPECTED : NO_LIST, .values = values};
    }
    return false;
}

static gw_str trim_query(gw_str s)
{
    while (s.len && gw_char_in(*s.ptr, " \t\r\n"))
        s.ptr++, s.len--;
    while (s.len && gw_char_in(s.ptr[s.len - 1], " \t\r\n;"))
        s.len--;
    return s;
}

static gw_str sanitize_tokens(struct gw_arena *arena, struct dd_sql_lexer *lexer)
{
    struct out o = {.input = lexer->rest, .arena = arena};
    struct list list = {.state = NO_LIST};
    bool after_comment = false;
    enum dd_sql_token kind;
    gw_str text;
    for (;;) {
        if (list.state == NO_LIST && !list.complete && !after_comment)
            append_text(&o, dd_sql_skip(lexer));
        if ((kind = dd_sql_next(lexer, &text)) == DD_SQL_END)
            break;
        if (kind == DD_SQL_COMMENT) {
            after_comment = true;
            continue;
        }
        if (kind == DD_SQL_BLANK) {
            if (!after_comment || (unsigned char)last_byte(&o) > ' ')
                append_text(&o, text);
            after_comment = false;
            continue;
        }
        if (after_comment && (unsigned char)last_byte(&o) > ' ')
            append_text(&o, GW_STR(" "));
        after_comment = false;
        if (list_sees(&list, &o, kind, text))
            continue;
        if (kind == DD_SQL_LITERAL)
            put_question_mark(&o, text);
        else
            append_text(&o, text);
    }
    return o.failed ? GW_NOSTR : trim_query(gw_str_n(o.copy ? o.copy : o.input.ptr, o.len));
}

/* Reads the text once. *open: a literal was not closed. */
static gw_str read_as(struct gw_arena *arena, enum dd_sql_dialect dialect, bool backslash, gw_str query,
                      bool *open)
{
    struct dd_sql_lexer lexer;
    dd_sql_lex(&lexer, dialect, query);
    lexer.backslash |= backslash;
    gw_str result = sanitize_tokens(arena, &lexer);
    *open = lexer.open;
    return result;
}

gw_str dd_sql_sanitize(struct gw_arena *arena, enum dd_sql_dialect dialect, gw_str query)
{
    bool open, still_open;
    query = trim_query(query);
    if (dialect != DD_SQL_STANDARD || query.len < 2 || !memmem(query.ptr, query.len, "\\'", 2))
        return read_as(arena, dialect, false, query, &open);
    /* \' is an escape or the end of a text. The reading that leaves no text open is used; the likelier one is
     * tried first. */
    gw_str escaped = read_as(arena, dialect, true, query, &open);
    gw_str plain = open ? read_as(arena, dialect, false, query, &still_open) : escaped;
    return open && !still_open ? plain : escaped;
}
