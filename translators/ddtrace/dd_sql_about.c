/* Finds out what a SQL statement does and to which table: its verb, then the place of the table for that
 * verb.
 *
 * Keeps no state; results are views of the query. Called by dd_semconv_db.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_sql.h"
#include "translators/ddtrace/dd_sql_lex.h"

/* First words of statements, and the place of the table. */
enum where { NOWHERE, AFTER_FROM, AFTER_INTO, AT_ONCE, AFTER_TABLE, UNKNOWN };

static const struct {
    const char *word;
    enum where where;
} verbs[] = {
    {"select", AFTER_FROM},    {"insert", AFTER_INTO},  {"update", AT_ONCE},     {"delete", AFTER_FROM},
    {"merge", AFTER_INTO},     {"replace", AFTER_INTO}, {"upsert", AFTER_INTO},  {"create", AFTER_TABLE},
    {"alter", AFTER_TABLE},    {"drop", AFTER_TABLE},   {"truncate", AT_ONCE},   {"copy", AT_ONCE},
    {"call", NOWHERE},         {"exec", NOWHERE},       {"execute", NOWHERE},    {"begin", NOWHERE},
    {"start", NOWHERE},        {"commit", NOWHERE},     {"rollback", NOWHERE},   {"savepoint", NOWHERE},
    {"release", NOWHERE},      {"set", NOWHERE},        {"show", NOWHERE},       {"use", NOWHERE},
    {"grant", NOWHERE},        {"revoke", NOWHERE},     {"explain", NOWHERE},    {"describe", AT_ONCE},
    {"desc", AT_ONCE},         {"analyze", NOWHERE},    {"vacuum", NOWHERE},     {"declare", NOWHERE},
    {"fetch", NOWHERE},        {"close", NOWHERE},      {"open", NOWHERE},       {"lock", AFTER_TABLE},
    {"unlock", NOWHERE},       {"prepare", NOWHERE},    {"deallocate", NOWHERE}, {"values", NOWHERE},
    {"table", AT_ONCE},        {"with", NOWHERE},       {"pragma", NOWHERE},     {"listen", NOWHERE},
    {"notify", NOWHERE},       {"unlisten", NOWHERE},   {"discard", NOWHERE},    {"reset", NOWHERE},
    {"reindex", NOWHERE},      {"cluster", NOWHERE},    {"comment", NOWHERE},    {"refresh", NOWHERE},
    {"load", AFTER_INTO},      {"do", NOWHERE},         {"kill", NOWHERE},       {"flush", NOWHERE},
    {"optimize", AFTER_TABLE}, {"attach", NOWHERE},     {"detach", NOWHERE},     {"end", NOWHERE},
    {"abort", NOWHERE},        {"rename", AFTER_TABLE}, {"batch", NOWHERE},      {"import", NOWHERE},
    {"export", NOWHERE},       {"unload", NOWHERE},
};

static enum where where_of_verb(gw_str word)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (dd_sql_is(word, verbs[i].word))
            return verbs[i].where;
    return UNKNOWN;
}

/* Statements that may follow EXPLAIN …, or the subqueries of WITH …. */
static bool is_main_verb(gw_str word)
{
    static const char *const words[] = {"select", "insert", "update", "delete", "merge", "replace"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (dd_sql_is(word, words[i]))
            return true;
    return false;
}

/* Words that may come between a keyword and the name. */
static bool is_filler(gw_str word)
{
    static const char *const words[] = {"only",          "lateral",   "low_priority", "ignore",   "delayed",
                                        "high_priority", "quick",     "or",           "rollback", "abort",
                                        "fail",          "replace",   "if",           "not",      "exists",
                                        "table",         "overwrite", "into",         "from"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (dd_sql_is(word, words[i]))
            return true;
    return false;
}

/* The significant tokens, with their depth in parentheses. */
struct reader {
    struct dd_sql_lexer lexer;
    enum dd_sql_token kind;
    gw_str text;
    unsigned depth;
};

static bool next_token(struct reader *r)
{
    do
        r->kind = dd_sql_next(&r->lexer, &r->text);
    while (r->kind == DD_SQL_BLANK || r->kind == DD_SQL_COMMENT);
    if (r->kind == DD_SQL_PUNCT && *r->text.ptr == '(')
        r->depth++;
    else if (r->kind == DD_SQL_PUNCT && *r->text.ptr == ')' && r->depth)
        r->depth--;
    return r->kind != DD_SQL_END;
}

static bool is_keyword(const struct reader *r, const char *keyword)
{
    return r->kind == DD_SQL_WORD && dd_sql_is(r->text, keyword);
}

static bool is_punct(const struct reader *r, char c)
{
    return r->kind == DD_SQL_PUNCT && *r->text.ptr == c;
}

/* Finds the statement after "WITH x AS (…), y AS (…)" or "EXPLAIN (…) ANALYZE"; the reader is then at its
 * verb. Returns false at the end. */
static bool find_main_verb(struct reader *r, unsigned depth)
{
    while (next_token(r))
        if (r->depth <= depth && r->kind == DD_SQL_WORD && is_main_verb(r->text))
            return true;
    return false;
}

static gw_str unquoted_name(gw_str name)
{
    return name.len >= 2 && gw_char_in(*name.ptr, "\"`[") ? gw_str_n(name.ptr + 1, name.len - 2) : name;
}

/* Reads the name at the reader or shortly after it: parts separated by dots. `of_table`: a name followed by
 * an opening parenthesis is a function and not a table. */
static gw_str read_name(struct reader *r, bool of_table)
{
    unsigned fillers = 0;
    while (r->kind == DD_SQL_WORD && is_filler(r->text) && fillers++ < 4)
        next_token(r);
    if (r->kind != DD_SQL_WORD && r->kind != DD_SQL_NAME)
        return GW_NOSTR;
    gw_str name = r->text;
    bool parts = false;
    while (next_token(r) && is_punct(r, '.')) {
        if (!next_token(r) || (r->kind != DD_SQL_WORD && r->kind != DD_SQL_NAME))
            break;
        name.len = (size_t)(r->text.ptr + r->text.len - name.ptr);
        parts = true;
    }
    if (of_table && is_punct(r, '('))
        return GW_NOSTR;
    return parts ? name : unquoted_name(name);
}

/* Finds FROM at the statement's own depth; if a subquery follows it, the FROM inside. */
static gw_str after_from(struct reader *r)
{
    unsigned depth = r->depth;
    bool within = false, distinct = false;
    while (next_token(r)) {
        bool from = is_keyword(r, "from") && !distinct && (within || r->depth <= depth);
        distinct = is_keyword(r, "distinct");
        if (!from || !next_token(r))
            continue;
        if (!is_punct(r, '('))
            return read_name(r, true);
        within = true;
    }
    return GW_NOSTR;
}

static gw_str after_word(struct reader *r, const char *word, const char *other)
{
    while (next_token(r) && r->kind == DD_SQL_WORD)
        if (is_keyword(r, word) || (other && is_keyword(r, other)))
            return next_token(r) ? read_name(r, false) : GW_NOSTR;
    return GW_NOSTR;
}

/* INSERT [words] [INTO] name, MERGE [INTO] name, REPLACE [words] [INTO] name, LOAD DATA … INTO TABLE name. */
static gw_str after_into(struct reader *r)
{
    if (!next_token(r) || is_keyword(r, "data")) {
        while (next_token(r) && !is_keyword(r, "into"))
            continue;
    }
    return read_name(r, false);
}

static gw_str find_collection(struct reader *r, enum where where)
{
    switch (where) {
    case AFTER_FROM:
        return after_from(r);
    case AFTER_INTO:
        return after_into(r);
    case AT_ONCE:
        return next_token(r) ? read_name(r, false) : GW_NOSTR;
    case AFTER_TABLE:
        return after_word(r, "table", "view");
    default:
        return GW_NOSTR;
    }
}

void dd_sql_about(enum dd_sql_dialect dialect, gw_str query, struct dd_sql_about *out)
{
    struct reader r = {.depth = 0};
    *out = (struct dd_sql_about){0};
    dd_sql_lex(&r.lexer, dialect, query);
    while (next_token(&r) && is_punct(&r, '('))
        continue;
    enum where where = r.kind == DD_SQL_WORD ? where_of_verb(r.text) : UNKNOWN;
    if (where == UNKNOWN)
        return;
    out->operation = r.text;
    if (dd_sql_is(r.text, "with") || dd_sql_is(r.text, "explain")) {
        if (!find_main_verb(&r, r.depth))
            return;
        out->operation = r.text;
        where = where_of_verb(r.text);
    }
    out->collection = find_collection(&r, where);
}

gw_str dd_sql_summary(struct gw_arena *arena, const struct dd_sql_about *about)
{
    size_t n = about->operation.len;
    bool both = n && about->collection.len;
    char *text = gw_arena_raw(arena, n + 1 + about->collection.len, 1);
    if (!text)
        return GW_NOSTR;
    for (size_t i = 0; i < n; i++)
        text[i] = about->operation.ptr[i] >= 'a' && about->operation.ptr[i] <= 'z'
                      ? (char)(about->operation.ptr[i] - 32)
                      : about->operation.ptr[i];
    if (both)
        text[n++] = ' ';
    if (about->collection.len)
        memcpy(text + n, about->collection.ptr, about->collection.len);
    return gw_str_n(text, n + about->collection.len);
}
