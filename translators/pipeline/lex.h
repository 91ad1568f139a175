/* lex.h: the words of a script.
 *
 * A lexical error is a token too (ST_ERROR, its words in `value`); nothing follows it. Comments and blanks do
 * not come out; an end of line does, because it ends statements.
 * Threads: one; a lexer is the caller's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_LEX_H
#define SC_LEX_H

#include "core/base/arena.h"

enum sc_token_type {
    ST_EOF,
    ST_ERROR,
    ST_EOL,
    ST_SEMI,
    ST_ID,
    ST_NUMBER,
    ST_STR,
    ST_COMMA,
    ST_COLON,
    ST_DOT,
    ST_LPAREN,
    ST_RPAREN,
    ST_LBRACKET,
    ST_RBRACKET,
    ST_LBRACE,
    ST_RBRACE,
    ST_ASSIGN,
    ST_ADD_ASSIGN,
    ST_SUB_ASSIGN,
    ST_MUL_ASSIGN,
    ST_DIV_ASSIGN,
    ST_MOD_ASSIGN,
    ST_ADD,
    ST_SUB,
    ST_MUL,
    ST_DIV,
    ST_MOD,
    ST_EQ,
    ST_NE,
    ST_LT,
    ST_LE,
    ST_GT,
    ST_GE,
    ST_AND,
    ST_OR,
    ST_NOT,
    ST_IF,
    ST_ELIF,
    ST_ELSE,
    ST_FOR,
    ST_IN,
    ST_BREAK,
    ST_CONTINUE,
    ST_TRUE,
    ST_FALSE,
    ST_NIL,
    ST_RESERVED /* a word that has no meaning, and may not be a name */
};

struct sc_token {
    enum sc_token_type type;
    uint32_t pos;
    gw_str raw;   /* as written */
    gw_str value; /* of identifiers and text: without quotes and escapes; of errors: the words */
};

struct sc_lexer {
    gw_str text;
    size_t at;
    struct gw_arena *arena;
    int parens, braces, brackets; /* open ones */
};

struct sc_token sc_lex(struct sc_lexer *);

#endif
