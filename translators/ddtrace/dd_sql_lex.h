/* dd_sql_lex.h: splits SQL text into tokens, only for dd_sql.c and dd_sql_about.c.
 *
 *     SELECT "a", -1.5 FROM t -- c        WORD BLANK NAME PUNCT BLANK LITERAL BLANK WORD BLANK WORD BLANK COMMENT
 *
 * Every byte belongs to exactly one token. Tokens are as long as possible. At most a word or two are read
 * twice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_SQL_LEX_H
#define DD_SQL_LEX_H

#include "translators/ddtrace/dd_sql_dialect.h"

enum dd_sql_token {
    DD_SQL_END,
    DD_SQL_BLANK,
    DD_SQL_COMMENT,
    DD_SQL_WORD,        /* keyword or plain name */
    DD_SQL_NAME,        /* quoted name */
    DD_SQL_LITERAL,     /* text, number */
    DD_SQL_PLACEHOLDER, /* ? $1 :name @name %s */
    DD_SQL_PUNCT        /* one character, or :: */
};

struct dd_sql_lexer {
    gw_str rest;
    enum dd_sql_dialect dialect;
    enum dd_sql_token last; /* the last one that was not a blank or comment */
    char last_punct;        /* valid if that was DD_SQL_PUNCT */
    bool backslash;         /* \ escapes in '…' */
    bool open;              /* a literal or name was not closed */
};

void dd_sql_lex(struct dd_sql_lexer *, enum dd_sql_dialect, gw_str query);
/* Takes the next token; *text is its text. */
enum dd_sql_token dd_sql_next(struct dd_sql_lexer *, gw_str *text);

/* Takes all tokens up to the next one that is not a blank, a word or one plain character; also stops at IN
 * and VALUES. So it takes everything that certainly stays, which is most of a query. */
gw_str dd_sql_skip(struct dd_sql_lexer *);

/* Compares keywords in any case. The first letter distinguishes most words. */
static inline bool dd_sql_is(gw_str word, const char *lower_case_keyword)
{
    return word.len && gw_lower(*word.ptr) == *lower_case_keyword &&
           gw_str_ieq(word, gw_str_z(lower_case_keyword));
}

#endif
