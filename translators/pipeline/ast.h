/* ast.h: a script as a tree, and the mistakes in it.
 *
 *     text ──lex──▶ tokens ──parse──▶ nodes ──check──▶ nodes with the data that their functions need ──eval──▶ the record
 *
 * Nodes are in the script's arena and are only read once the script is checked, so threads share them. A
 * place is an offset into the text until a message needs line and column.
 * Threads: one while a script loads; a checked script is const.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_AST_H
#define SC_AST_H

#include "translators/pipeline/value.h"

enum sc_kind {
    SN_NIL,
    SN_BOOL,
    SN_INT,
    SN_FLOAT,
    SN_STR,
    SN_IDENT,
    SN_ATTR,  /* kid: what, name */
    SN_INDEX, /* kid: identifier or NULL, index… */
    SN_SLICE, /* kid: what, start, end, step; NULL where left out */
    SN_LIST,
    SN_MAP, /* kid: name, value, name, value… */
    SN_PAREN,
    SN_UNARY,
    SN_ARITH,
    SN_COND, /* comparisons, && and || */
    SN_IN,
    SN_ASSIGN, /* kid: left sides (number of them in i), then right sides */
    SN_CALL,
    SN_IF,    /* kid: condition, block, condition, block…, and the else block when their number is odd */
    SN_FOR,   /* kid: init, condition, step (NULL where left out), block */
    SN_FORIN, /* kid: identifier, what, block */
    SN_BREAK,
    SN_CONTINUE,
    SN_BLOCK
};

enum sc_op {
    SO_NONE,
    SO_ADD,
    SO_SUB,
    SO_MUL,
    SO_DIV,
    SO_MOD,
    SO_EQ,
    SO_NE,
    SO_LT,
    SO_LE,
    SO_GT,
    SO_GE,
    SO_AND,
    SO_OR,
    SO_NOT
};

struct sc_fn;

struct sc_node {
    uint8_t kind, op; /* op of SN_ASSIGN: SO_NONE for a plain = */
    uint32_t pos;
    uint32_t n;    /* of kids */
    uint32_t slot; /* for nodes with a key: the variable of that name */
    gw_str key;    /* the name it has as a key of functions: of identifiers, a.b, and text; `_` is message */
    gw_str text;   /* of identifiers: the name as written; of text: itself; of calls: the function */
    union {
        bool b;
        int64_t i;
        double f;
        const struct sc_fn *fn;
    };
    struct sc_node **kid;
    void *data; /* of calls: what the check prepared */
};

/* A mistake with its place: "main.p:3:7: …", and a line for each caller. */
struct sc_fault {
    char text[1024];
    gw_str name;  /* the script */
    uint32_t pos; /* in it */
    bool set;
};

/* The first fault stays. False, so that failing is one statement. */
/* Line and column (in characters), both from 1. */
void sc_place(gw_str text, uint32_t pos, unsigned *line, unsigned *column);
bool sc_fail(struct sc_fault *, gw_str name, gw_str text, uint32_t pos, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* Adds a caller's line. */
bool sc_fail_from(struct sc_fault *, gw_str name, gw_str text, uint32_t pos);
/* The fault for people: its text, the line it is about, and a caret under the place. `text` is that of the
 * script fault->name. */
gw_str sc_fault_show(struct gw_arena *, const struct sc_fault *, gw_str text);

/* The names of variables and keys of one script, numbered. */
struct sc_names {
    gw_str *names;
    uint32_t n, cap;
    uint32_t *table; /* open addressing: index + 1 */
    uint32_t table_n;
};
/* UINT32_MAX when the arena is spent. */
uint32_t sc_names_of(struct sc_names *, struct gw_arena *, gw_str name);

struct sc_parse {
    gw_str name, text;
    struct gw_arena *arena;
    struct sc_names names;
    struct sc_fault *fault;
};

/* The block of all statements, or NULL with the fault. */
struct sc_node *sc_parse(struct sc_parse *);

#endif
