/* parse.c: Turns tokens into nodes: recursive descent for statements, precedence climbing for expressions.
 * DEPTH bounds the nesting. Nodes are in the script's arena. Called by load.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/text.h"
#include "translators/pipeline/ast.h"
#include "translators/pipeline/lex.h"

enum { DEPTH = 200 };

struct parser {
    struct sc_parse *out;
    struct sc_lexer lexer;
    struct sc_token t; /* the next one */
    unsigned depth;
};

/* Nodes that are collected before their number is known. */
struct kids {
    struct sc_node **kid;
    uint32_t n, cap;
};

static struct sc_node *expression(struct parser *, int level);
static struct sc_node *block(struct parser *);
static struct sc_node *statement(struct parser *);

static void *fail_at(struct parser *p, uint32_t pos, const char *words)
{
    sc_fail(p->out->fault, p->out->name, p->out->text, pos, "%s", words);
    return NULL;
}

static void advance(struct parser *p)
{
    p->t = sc_lex(&p->lexer);
}

static void *unexpected(struct parser *p)
{
    char words[120];
    const struct sc_token *t = &p->t;
    gw_str raw = gw_str_n(t->raw.ptr, t->raw.len < 40 ? t->raw.len : 40);
    if (t->type == ST_ERROR)
        snprintf(words, sizeof words, "%.*s", GW_FMT(t->value));
    else if (t->type == ST_EOF || t->type == ST_EOL)
        snprintf(words, sizeof words, "unexpected: end of %s", t->type == ST_EOF ? "input" : "line");
    else
        snprintf(words, sizeof words, "unexpected: %s\"%.*s\"",
                 t->type == ST_ID       ? "id "
                 : t->type == ST_NUMBER ? "number "
                                        : "",
                 GW_FMT(raw));
    return fail_at(p, t->pos, words);
}

static bool is(const struct parser *p, enum sc_token_type type)
{
    return p->t.type == type;
}

static bool take(struct parser *p, enum sc_token_type type)
{
    if (!is(p, type))
        return false;
    advance(p);
    return true;
}

static bool want(struct parser *p, enum sc_token_type type)
{
    if (take(p, type))
        return true;
    unexpected(p);
    return false;
}

static void lines(struct parser *p)
{
    while (is(p, ST_EOL))
        advance(p);
}

static struct sc_node *node(struct parser *p, enum sc_kind kind, uint32_t pos, uint32_t n)
{
    struct sc_node *x = gw_new(p->out->arena, struct sc_node, 1);
    struct sc_node **kid = n ? gw_new(p->out->arena, struct sc_node *, n) : NULL;
    if (!x || (n && !kid))
        return fail_at(p, pos, "the script is too large");
    x->kind = (uint8_t)kind;
    x->pos = pos;
    x->n = n;
    x->kid = kid;
    return x;
}

static struct sc_node *unary_node(struct parser *p, enum sc_kind kind, uint32_t pos, struct sc_node *a)
{
    struct sc_node *x = node(p, kind, pos, 1);
    if (x)
        x->kid[0] = a;
    return x;
}

static struct sc_node *binary_node(struct parser *p, enum sc_kind kind, uint32_t pos, struct sc_node *a,
                                   struct sc_node *b)
{
    struct sc_node *x = node(p, kind, pos, 2);
    if (!x)
        return NULL;
    x->kid[0] = a;
    x->kid[1] = b;
    return x;
}

static bool push(struct parser *p, struct kids *k, struct sc_node *x)
{
    if (!x)
        return false;
    if (k->n == k->cap) {
        struct sc_node **fresh = gw_arena_raw(p->out->arena, k->cap ? k->cap * 2 : 8, sizeof *fresh);
        if (!fresh)
            return fail_at(p, x->pos, "the script is too large") != NULL;
        if (k->n)
            memcpy(fresh, k->kid, k->n * sizeof *fresh);
        k->kid = fresh;
        k->cap = k->cap ? k->cap * 2 : 8;
    }
    k->kid[k->n++] = x;
    return true;
}

static struct sc_node *parent(struct parser *p, enum sc_kind kind, uint32_t pos, const struct kids *k)
{
    struct sc_node *x = node(p, kind, pos, 0);
    if (x) {
        x->kid = k->kid;
        x->n = k->n;
    }
    return x;
}

/* Makes x usable where functions take a key. */
static struct sc_node *name_key(struct parser *p, struct sc_node *x, gw_str key)
{
    x->key = gw_str_eq(key, GW_STR("_")) ? GW_STR("message") : key;
    x->slot = sc_names_of(&p->out->names, p->out->arena, x->key);
    return x->slot == UINT32_MAX ? fail_at(p, x->pos, "the script is too large") : x;
}

static struct sc_node *identifier(struct parser *p)
{
    struct sc_token t = p->t;
    if (!want(p, ST_ID))
        return NULL;
    struct sc_node *x = node(p, SN_IDENT, t.pos, 0);
    if (!x)
        return NULL;
    x->text = t.value;
    return name_key(p, x, t.value);
}

static struct sc_node *text(struct parser *p)
{
    struct sc_node *x = node(p, SN_STR, p->t.pos, 0);
    if (!x)
        return NULL;
    x->text = p->t.value;
    advance(p);
    return name_key(p, x, x->text);
}

static struct sc_node *number(struct parser *p)
{
    struct sc_node *x = node(p, SN_INT, p->t.pos, 0);
    if (!x)
        return NULL;
    if (!gw_parse_int(p->t.raw, 0, &x->i)) {
        double f;
        x->kind = SN_FLOAT;
        bool good = gw_parse_float(p->t.raw, &f);
        x->f = f;
        if (!good)
            return fail_at(p, p->t.pos, "error parsing number: invalid syntax or out of range");
    }
    advance(p);
    return x;
}

/* Elements up to the closing token, which stays; newlines around them are skipped. */
static bool elements(struct parser *p, enum sc_token_type close, struct kids *k)
{
    for (lines(p); !is(p, close); lines(p)) {
        if (!push(p, k, expression(p, 0)))
            return false;
        lines(p);
        if (!is(p, close) && !want(p, ST_COMMA))
            return false;
    }
    return true;
}

static struct sc_node *list(struct parser *p)
{
    struct kids k = {0};
    uint32_t pos = p->t.pos;
    advance(p);
    return elements(p, ST_RBRACKET, &k) && want(p, ST_RBRACKET) ? parent(p, SN_LIST, pos, &k) : NULL;
}

static struct sc_node *map(struct parser *p)
{
    struct kids k = {0};
    uint32_t pos = p->t.pos;
    advance(p);
    lines(p);
    while (!is(p, ST_RBRACE)) {
        struct sc_node *name = expression(p, 0);
        if (!push(p, &k, name) || !want(p, ST_COLON))
            return NULL;
        lines(p);
        if (!push(p, &k, expression(p, 0)))
            return NULL;
        if (!is(p, ST_COMMA)) {
            lines(p);
            break;
        }
        advance(p);
        lines(p);
    }
    return want(p, ST_RBRACE) ? parent(p, SN_MAP, pos, &k) : NULL;
}

static struct sc_node *paren(struct parser *p)
{
    uint32_t pos = p->t.pos;
    advance(p);
    lines(p);
    struct sc_node *inner = expression(p, 0);
    if (!inner)
        return NULL;
    lines(p);
    return want(p, ST_RPAREN) ? unary_node(p, SN_PAREN, pos, inner) : NULL;
}

static struct sc_node *assignment(struct parser *p, uint32_t pos, enum sc_op op, const struct kids *left,
                                  const struct kids *right)
{
    struct sc_node *x = node(p, SN_ASSIGN, pos, left->n + right->n);
    if (!x)
        return NULL;
    x->op = (uint8_t)op;
    x->i = left->n;
    memcpy(x->kid, left->kid, left->n * sizeof *x->kid);
    memcpy(x->kid + left->n, right->kid, right->n * sizeof *x->kid);
    return x;
}

/* An argument: an expression, or name = expression. */
static struct sc_node *argument(struct parser *p)
{
    struct sc_node *x = expression(p, 0);
    if (!x || x->kind != SN_IDENT || !is(p, ST_ASSIGN))
        return x;
    uint32_t pos = p->t.pos;
    advance(p);
    lines(p);
    struct sc_node *value = expression(p, 0);
    return value ? assignment(p, pos, SO_NONE, &(struct kids){&x, 1, 1}, &(struct kids){&value, 1, 1}) : NULL;
}

static struct sc_node *call(struct parser *p, const struct sc_node *name)
{
    struct kids k = {0};
    advance(p);
    for (lines(p); !is(p, ST_RPAREN); lines(p)) {
        if (!push(p, &k, argument(p)))
            return NULL;
        if (is(p, ST_EOL)) {
            lines(p);
            if (!is(p, ST_RPAREN))
                return unexpected(p);
        } else if (!is(p, ST_RPAREN) && !want(p, ST_COMMA)) {
            return NULL;
        }
    }
    advance(p);
    struct sc_node *x = parent(p, SN_CALL, name->pos, &k);
    if (x)
        x->text = name->text;
    return x;
}

/* Adds one index to an index expression of `base`, which is an identifier or one already. */
static struct sc_node *indexed(struct parser *p, struct sc_node *base, uint32_t pos, struct sc_node *index)
{
    struct kids k = {0};
    if (base && base->kind == SN_INDEX) {
        for (uint32_t i = 0; i < base->n; i++)
            if (i && !push(p, &k, base->kid[i]))
                return NULL;
    }
    if (!push(p, &k, index))
        return NULL;
    struct sc_node *x = node(p, SN_INDEX, base ? base->pos : pos, k.n + 1);
    if (!x)
        return NULL;
    x->kid[0] = base && base->kind == SN_INDEX ? base->kid[0] : base;
    memcpy(x->kid + 1, k.kid, k.n * sizeof *x->kid);
    return x;
}

static bool part_ok(const struct sc_node *x)
{
    return !x || (x->kind != SN_FLOAT && x->kind != SN_LIST && x->kind != SN_STR);
}

/* Behind the first colon of [a:b:c]. */
static struct sc_node *slice(struct parser *p, struct sc_node *what, struct sc_node *start)
{
    struct sc_node *x = node(p, SN_SLICE, what->pos, 4);
    if (!x)
        return NULL;
    x->kid[0] = what;
    x->kid[1] = start;
    for (int i = 2; i < 4; i++) {
        lines(p);
        if (!is(p, ST_COLON) && !is(p, ST_RBRACKET) && !(x->kid[i] = expression(p, 0)))
            return NULL;
        if (i == 3 || !take(p, ST_COLON))
            break;
    }
    for (int i = 1; i < 4; i++)
        if (!part_ok(x->kid[i]))
            return fail_at(p, p->t.pos, "invalid slice: start, end and step are integers");
    return want(p, ST_RBRACKET) ? x : NULL;
}

static bool sliceable(const struct sc_node *x)
{
    return x->kind <= SN_IDENT || x->kind == SN_LIST || x->kind == SN_SLICE || x->kind == SN_CALL;
}

static struct sc_node *bracket(struct parser *p, struct sc_node *base)
{
    uint32_t pos = p->t.pos;
    bool may_index = !base || base->kind == SN_IDENT || base->kind == SN_INDEX,
         may_slice = base && sliceable(base);
    if (!may_index && !may_slice)
        return unexpected(p);
    advance(p);
    lines(p);
    if (may_slice && take(p, ST_COLON))
        return slice(p, base, NULL);
    struct sc_node *first = expression(p, 0);
    if (!first)
        return NULL;
    if (may_slice && take(p, ST_COLON))
        return slice(p, base, first);
    if (!may_index)
        return unexpected(p);
    lines(p);
    return want(p, ST_RBRACKET) ? indexed(p, base, pos, first) : NULL;
}

/* The text of a.b[0].c, which is its name as a key. */
static void attr_text(struct gw_text *b, const struct sc_node *x)
{
    if (x->kind == SN_ATTR) {
        attr_text(b, x->kid[0]);
        gw_text_put_char(b, '.');
        attr_text(b, x->kid[1]);
    } else if (x->kind == SN_INDEX) {
        if (x->kid[0])
            gw_text_put_str(b, x->kid[0]->text);
        for (uint32_t i = 1; i < x->n; i++) {
            const struct sc_node *index = x->kid[i];
            char number[GW_NUMBER_SIZE];
            gw_text_put_char(b, '[');
            if (index->kind == SN_INT)
                gw_text_put(b, number, gw_i64_text(number, index->i));
            else
                gw_text_put_str(b, index->text);
            gw_text_put_char(b, ']');
        }
    } else {
        gw_text_put_str(b, x->text);
    }
}

static struct sc_node *attribute(struct parser *p, struct sc_node *base)
{
    uint32_t pos = base->pos;
    advance(p);
    struct sc_node *name = identifier(p);
    while (name && is(p, ST_LBRACKET))
        name = bracket(p, name);
    if (!name)
        return NULL;
    if (name->kind == SN_SLICE)
        return unexpected(p);
    struct sc_node *x = binary_node(p, SN_ATTR, pos, base, name);
    if (!x)
        return NULL;
    struct gw_text b = {.arena = p->out->arena};
    attr_text(&b, x);
    return name_key(p, x, gw_text_result(&b));
}

static struct sc_node *literal(struct parser *p, enum sc_kind kind, bool b)
{
    struct sc_node *x = node(p, kind, p->t.pos, 0);
    if (x)
        x->b = b;
    advance(p);
    return x;
}

static struct sc_node *primary(struct parser *p)
{
    switch (p->t.type) {
    case ST_NUMBER:
        return number(p);
    case ST_STR:
        return text(p);
    case ST_ID:
        return identifier(p);
    case ST_TRUE:
    case ST_FALSE:
        return literal(p, SN_BOOL, is(p, ST_TRUE));
    case ST_NIL:
        return literal(p, SN_NIL, false);
    case ST_LBRACKET:
        return list(p);
    case ST_LBRACE:
        return map(p);
    case ST_LPAREN:
        return paren(p);
    case ST_DOT:
        advance(p);
        return is(p, ST_LBRACKET) ? bracket(p, NULL) : unexpected(p);
    default:
        return unexpected(p);
    }
}

static struct sc_node *postfix(struct parser *p)
{
    struct sc_node *x = primary(p);
    while (x) {
        if (is(p, ST_LPAREN) && x->kind == SN_IDENT)
            x = call(p, x);
        else if (is(p, ST_LBRACKET))
            x = bracket(p, x);
        else if (is(p, ST_DOT) && (x->kind == SN_IDENT || x->kind == SN_INDEX || x->kind == SN_ATTR))
            x = attribute(p, x);
        else
            return x;
    }
    return NULL;
}

static struct sc_node *unary(struct parser *p)
{
    uint32_t pos = p->t.pos;
    enum sc_op op = is(p, ST_ADD) ? SO_ADD : is(p, ST_SUB) ? SO_SUB : is(p, ST_NOT) ? SO_NOT : SO_NONE;
    if (op == SO_NONE)
        return postfix(p);
    if (++p->depth > DEPTH)
        return fail_at(p, pos, "nested too deeply");
    advance(p);
    struct sc_node *x = unary(p);
    p->depth--;
    if (!x)
        return NULL;
    if (op != SO_NOT && (x->kind == SN_INT || x->kind == SN_FLOAT)) {
        if (op == SO_SUB && x->kind == SN_INT)
            x->i = (int64_t)(0 - (uint64_t)x->i);
        else if (op == SO_SUB)
            x->f = -x->f;
        x->pos = pos;
        return x;
    }
    struct sc_node *y = unary_node(p, SN_UNARY, pos, x);
    if (y)
        y->op = (uint8_t)op;
    return y;
}

struct infix {
    int level;
    enum sc_kind kind;
    enum sc_op op;
};

static struct infix infix_of(enum sc_token_type type)
{
    switch (type) {
    case ST_OR:
        return (struct infix){1, SN_COND, SO_OR};
    case ST_AND:
        return (struct infix){2, SN_COND, SO_AND};
    case ST_IN:
        return (struct infix){3, SN_IN, SO_NONE};
    case ST_EQ:
    case ST_NE:
    case ST_LT:
    case ST_LE:
    case ST_GT:
    case ST_GE:
        return (struct infix){4, SN_COND, (enum sc_op)(SO_EQ + (type - ST_EQ))};
    case ST_ADD:
    case ST_SUB:
        return (struct infix){5, SN_ARITH, (enum sc_op)(SO_ADD + (type - ST_ADD))};
    case ST_MUL:
    case ST_DIV:
    case ST_MOD:
        return (struct infix){6, SN_ARITH, (enum sc_op)(SO_ADD + (type - ST_ADD))};
    default:
        return (struct infix){0, SN_NIL, SO_NONE};
    }
}

static bool literal_zero(const struct sc_node *x)
{
    return (x->kind == SN_INT && x->i == 0) || (x->kind == SN_FLOAT && x->f == 0);
}

/* Operators that bind more tightly than `level`; all of them lean to the left. */
static struct sc_node *expression(struct parser *p, int level)
{
    if (++p->depth > DEPTH)
        return fail_at(p, p->t.pos, "nested too deeply");
    struct sc_node *left = unary(p);
    while (left) {
        struct infix in = infix_of(p->t.type);
        uint32_t pos = p->t.pos;
        if (in.level <= level)
            break;
        advance(p);
        lines(p);
        struct sc_node *right = expression(p, in.level);
        if (!right)
            return NULL;
        if ((in.op == SO_DIV || in.op == SO_MOD) && literal_zero(right))
            return fail_at(p, pos, "division or modulo by zero");
        left = binary_node(p, in.kind, pos, left, right);
        if (left)
            left->op = (uint8_t)in.op;
    }
    p->depth--;
    return left;
}

static enum sc_op assigning(enum sc_token_type type)
{
    return type >= ST_ADD_ASSIGN && type <= ST_MOD_ASSIGN ? (enum sc_op)(SO_ADD + (type - ST_ADD_ASSIGN))
                                                          : SO_NONE;
}

static bool comma_list(struct parser *p, struct kids *k)
{
    do {
        lines(p);
        if (!push(p, k, expression(p, 0)))
            return false;
    } while (take(p, ST_COMMA));
    return true;
}

/* An expression, or an assignment to it. */
static struct sc_node *simple(struct parser *p)
{
    struct kids left = {0}, right = {0};
    struct sc_node *first = expression(p, 0);
    if (!push(p, &left, first))
        return NULL;
    uint32_t pos = p->t.pos;
    enum sc_op op = assigning(p->t.type);
    if (op != SO_NONE) {
        advance(p);
        lines(p);
        return push(p, &right, expression(p, 0)) ? assignment(p, pos, op, &left, &right) : NULL;
    }
    if (take(p, ST_COMMA) && !comma_list(p, &left))
        return NULL;
    if (!is(p, ST_ASSIGN))
        return left.n == 1 ? first : unexpected(p);
    pos = p->t.pos;
    advance(p);
    return comma_list(p, &right) ? assignment(p, pos, SO_NONE, &left, &right) : NULL;
}

static struct sc_node *conditional(struct parser *p)
{
    struct kids k = {0};
    uint32_t pos = p->t.pos;
    do {
        advance(p);
        if (!push(p, &k, expression(p, 0)) || !push(p, &k, block(p)))
            return NULL;
    } while (is(p, ST_ELIF));
    if (take(p, ST_ELSE) && !push(p, &k, block(p)))
        return NULL;
    return parent(p, SN_IF, pos, &k);
}

static struct sc_node *for_in(struct parser *p, uint32_t pos, const struct sc_node *in)
{
    if (in->kid[0]->kind != SN_IDENT)
        return fail_at(p, in->kid[0]->pos, "what stands before `in` is not an identifier");
    if (in->kid[1]->kind <= SN_FLOAT)
        return fail_at(p, in->kid[1]->pos, "object is not iterable");
    struct sc_node *x = node(p, SN_FORIN, pos, 3);
    if (!x)
        return NULL;
    x->kid[0] = in->kid[0];
    x->kid[1] = in->kid[1];
    return (x->kid[2] = block(p)) ? x : NULL;
}

static struct sc_node *loop(struct parser *p)
{
    uint32_t pos = p->t.pos;
    struct sc_node *init = NULL;
    advance(p);
    if (!is(p, ST_SEMI) && !(init = simple(p)))
        return NULL;
    if (init && init->kind == SN_IN && !is(p, ST_SEMI))
        return for_in(p, pos, init);
    struct sc_node *x = node(p, SN_FOR, pos, 4);
    if (!x || !want(p, ST_SEMI))
        return NULL;
    x->kid[0] = init;
    if (!is(p, ST_SEMI) && !(x->kid[1] = expression(p, 0)))
        return NULL;
    if (!want(p, ST_SEMI))
        return NULL;
    if (!is(p, ST_LBRACE) && !(x->kid[2] = simple(p)))
        return NULL;
    return (x->kid[3] = block(p)) ? x : NULL;
}

static struct sc_node *statement(struct parser *p)
{
    if (++p->depth > DEPTH)
        return fail_at(p, p->t.pos, "nested too deeply");
    struct sc_node *x;
    if (is(p, ST_IF))
        x = conditional(p);
    else if (is(p, ST_FOR))
        x = loop(p);
    else if (is(p, ST_BREAK) || is(p, ST_CONTINUE))
        x = literal(p, is(p, ST_BREAK) ? SN_BREAK : SN_CONTINUE, false);
    else
        x = simple(p);
    p->depth--;
    return x;
}

static bool separators(struct parser *p)
{
    bool any = false;
    for (; is(p, ST_EOL) || is(p, ST_SEMI); any = true)
        advance(p);
    return any;
}

/* Statements up to `close`, which stays. */
static struct sc_node *statements(struct parser *p, uint32_t pos, enum sc_token_type close)
{
    struct kids k = {0};
    separators(p);
    while (!is(p, close)) {
        if (!push(p, &k, statement(p)))
            return NULL;
        if (!separators(p) && !is(p, close))
            return unexpected(p);
    }
    return parent(p, SN_BLOCK, pos, &k);
}

static struct sc_node *block(struct parser *p)
{
    uint32_t pos = p->t.pos;
    if (!want(p, ST_LBRACE))
        return NULL;
    struct sc_node *x = statements(p, pos, ST_RBRACE);
    return x && want(p, ST_RBRACE) ? x : NULL;
}

struct sc_node *sc_parse(struct sc_parse *out)
{
    struct parser p = {.out = out, .lexer = {.text = out->text, .arena = out->arena}};
    advance(&p);
    if (is(&p, ST_EOF)) {
        return unexpected(&p);
    }
    return statements(&p, 0, ST_EOF);
}
