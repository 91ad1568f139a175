/* operate.c: The operators of scripts: arithmetic, comparison, `in`, and their rules for mixed types. Owns nothing:
 * results are in the record's arena. Called by the evaluator.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "translators/pipeline/operate.h"

static const char *const signs[] = {
    "", "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "!"};

static bool number_like(const struct sc_val *v)
{
    return v->type == SC_INT || v->type == SC_FLOAT || v->type == SC_BOOL;
}

static int64_t whole(const struct sc_val *v)
{
    return v->type == SC_BOOL ? v->b : v->i;
}

bool sc_unary(struct sc_run *r, const struct sc_node *x, struct sc_val *out)
{
    struct sc_val v;
    if (!sc_eval(r, x->kid[0], &v))
        return false;
    if (x->op == SO_NOT) {
        *out = sc_bool(!sc_truth(&v));
        return true;
    }
    if (!number_like(&v))
        return sc_run_fail(r, x->pos, "unsupported operand type for unary op %s: %s", signs[x->op],
                           sc_type_name(v.type));
    if (v.type == SC_FLOAT)
        *out = x->op == SO_SUB ? sc_float(-v.f.v) : v;
    else
        *out = sc_int(x->op == SO_SUB ? (int64_t)(0 - (uint64_t)whole(&v)) : whole(&v));
    return true;
}

static bool of_ints(struct sc_run *r, const struct sc_node *x, int64_t a, int64_t b, struct sc_val *out)
{
    uint64_t ua = (uint64_t)a, ub = (uint64_t)b;
    switch (x->op) {
    case SO_ADD:
        *out = sc_int((int64_t)(ua + ub));
        return true;
    case SO_SUB:
        *out = sc_int((int64_t)(ua - ub));
        return true;
    case SO_MUL:
        *out = sc_int((int64_t)(ua * ub));
        return true;
    default:
        if (b == 0)
            return sc_run_fail(r, x->pos, "integer %s by zero", x->op == SO_DIV ? "division" : "modulo");
        if (b == -1) /* INT64_MIN / -1 traps */
            *out = sc_int(x->op == SO_DIV ? (int64_t)(0 - ua) : 0);
        else
            *out = sc_int(x->op == SO_DIV ? a / b : a % b);
        return true;
    }
}

static bool of_floats(struct sc_run *r, const struct sc_node *x, double a, double b, struct sc_val *out)
{
    if (x->op == SO_MOD)
        return sc_run_fail(r, x->pos, "float does not support modulo operations");
    if (x->op == SO_DIV && b == 0)
        return sc_run_fail(r, x->pos, "float division by zero");
    *out = sc_float(x->op == SO_ADD ? a + b : x->op == SO_SUB ? a - b : x->op == SO_MUL ? a * b : a / b);
    return true;
}

static bool join(struct sc_run *r, const struct sc_node *x, gw_str a, gw_str b, struct sc_val *out)
{
    char *to = gw_arena_raw(r->arena, a.len + b.len, 1);
    if (!to)
        return sc_run_fail(r, x->pos, "the record's memory is spent");
    if (a.len)
        memcpy(to, a.ptr, a.len);
    if (b.len)
        memcpy(to + a.len, b.ptr, b.len);
    *out = sc_str(gw_str_n(to, a.len + b.len));
    return true;
}

bool sc_arithmetic(struct sc_run *r, const struct sc_node *x, const struct sc_val *a, const struct sc_val *b,
                   struct sc_val *out)
{
    if (!number_like(a) && a->type != SC_STR)
        return sc_run_fail(r, x->pos, "unsupported lhs data type: %s", sc_type_name(a->type));
    if (!number_like(b) && b->type != SC_STR)
        return sc_run_fail(r, x->pos, "unsupported rhs data type: %s", sc_type_name(b->type));
    if (a->type == SC_STR && b->type == SC_STR && x->op == SO_ADD)
        return join(r, x, a->s, b->s, out);
    if (a->type == SC_STR || b->type == SC_STR)
        return sc_run_fail(r, x->pos, "unsupported operand type(s) for %s: %s and %s", signs[x->op],
                           sc_type_name(a->type), sc_type_name(b->type));
    if (a->type == SC_FLOAT || b->type == SC_FLOAT)
        return of_floats(r, x, sc_number(a), sc_number(b), out);
    return of_ints(r, x, whole(a), whole(b), out);
}

static bool ordered(const struct sc_node *x, const struct sc_val *a, const struct sc_val *b)
{
    if (a->type == SC_FLOAT || b->type == SC_FLOAT) {
        double l = sc_number(a), m = sc_number(b);
        return x->op == SO_LT ? l < m : x->op == SO_LE ? l <= m : x->op == SO_GT ? l > m : l >= m;
    }
    int64_t l = whole(a), m = whole(b);
    return x->op == SO_LT ? l < m : x->op == SO_LE ? l <= m : x->op == SO_GT ? l > m : l >= m;
}

static bool condition(struct sc_run *r, const struct sc_node *x, const struct sc_val *a,
                      const struct sc_val *b, struct sc_val *out)
{
    if (x->op == SO_EQ || x->op == SO_NE) {
        *out = sc_bool(sc_equal(a, b) == (x->op == SO_EQ));
        return true;
    }
    if (!number_like(a) || !number_like(b))
        return sc_run_fail(r, x->pos, "not compareable: %s %s %s", sc_type_name(a->type), signs[x->op],
                           sc_type_name(b->type));
    if (x->op != SO_AND && x->op != SO_OR) {
        *out = sc_bool(ordered(x, a, b));
        return true;
    }
    if (a->type != SC_BOOL || b->type != SC_BOOL)
        return sc_run_fail(r, x->pos, "unsupported operand type(s) for %s: %s and %s", signs[x->op],
                           sc_type_name(a->type), sc_type_name(b->type));
    *out = sc_bool(x->op == SO_AND ? a->b && b->b : a->b || b->b);
    return true;
}

static bool among(struct sc_run *r, const struct sc_node *x, const struct sc_val *a, const struct sc_val *b,
                  struct sc_val *out)
{
    bool found = false;
    if (b->type != SC_STR && b->type != SC_MAP && b->type != SC_LIST)
        return sc_run_fail(r, x->pos, "unsupported rhs data type: %s", sc_type_name(b->type));
    if (b->type != SC_LIST && a->type != SC_STR)
        return sc_run_fail(r, x->pos, "unsupported lhs data type: %s", sc_type_name(a->type));
    if (b->type == SC_MAP)
        found = sc_map_get(b->m, a->s) != NULL;
    else if (b->type == SC_STR)
        found = a->s.len == 0 || (b->s.len && memmem(b->s.ptr, b->s.len, a->s.ptr, a->s.len) != NULL);
    else
        for (size_t i = 0; i < b->l->n && !found; i++)
            found = sc_same(a, &b->l->items[i]);
    *out = sc_bool(found);
    return true;
}

bool sc_binary(struct sc_run *r, const struct sc_node *x, struct sc_val *out)
{
    struct sc_val a, b;
    if (!sc_eval(r, x->kid[0], &a))
        return false;
    if (a.type == SC_BOOL && ((x->op == SO_OR && a.b) || (x->op == SO_AND && !a.b))) {
        *out = a;
        return true;
    }
    if (!sc_eval(r, x->kid[1], &b))
        return false;
    return x->kind == SN_ARITH  ? sc_arithmetic(r, x, &a, &b, out)
           : x->kind == SN_COND ? condition(r, x, &a, &b, out)
                                : among(r, x, &a, &b, out);
}

struct range {
    int64_t start, end, step;
};

static bool bound(struct sc_run *r, const struct sc_node *x, const char *what, int64_t *out, bool *given)
{
    struct sc_val v = sc_nil();
    if (x && !sc_eval(r, x, &v))
        return false;
    *given = v.type != SC_NIL && v.type != SC_VOID;
    if (*given && v.type != SC_INT)
        return sc_run_fail(r, x->pos, "%s type must be integer", what);
    if (*given)
        *out = v.i;
    return true;
}

/* From the node's three parts: where to begin, where to stop (not taken), how far to go. */
static bool range_of(struct sc_run *r, const struct sc_node *x, int64_t length, struct range *out)
{
    bool start, end, step;
    if (!bound(r, x->kid[1], "start", &out->start, &start) || !bound(r, x->kid[2], "end", &out->end, &end) ||
        !bound(r, x->kid[3], "step", &out->step, &step))
        return false;
    if (!step)
        out->step = 1;
    if (out->step == 0)
        return sc_run_fail(r, x->kid[3]->pos, "step must be non-zero");
    bool up = out->step > 0;
    out->start = !start ? (up ? 0 : length - 1) : out->start < 0 ? length + out->start : out->start;
    out->end = !end ? (up ? length : -1) : out->end < 0 ? length + out->end : out->end;
    if (up && out->start < 0)
        out->start = 0;
    if (up && out->end > length)
        out->end = length;
    if (!up && out->start > length - 1)
        out->start = length - 1;
    if (!up && out->end < -1)
        out->end = -1;
    if (out->step > length + 1)
        out->step = length + 1;
    if (out->step < -length - 1)
        out->step = -length - 1;
    return true;
}

bool sc_slice(struct sc_run *r, const struct sc_node *x, struct sc_val *out)
{
    struct sc_val what;
    struct range g;
    if (!sc_eval(r, x->kid[0], &what))
        return false;
    if (what.type != SC_STR && what.type != SC_LIST)
        return sc_run_fail(r, x->pos, "invalid obj type: %s", sc_type_name(what.type));
    if (!range_of(r, x, (int64_t)(what.type == SC_STR ? what.s.len : what.l->n), &g))
        return false;
    struct gw_text text = {.arena = r->arena};
    struct sc_list *l = what.type == SC_LIST ? sc_list_new(r->arena) : NULL;
    for (int64_t i = g.start; g.step > 0 ? i < g.end : i > g.end; i += g.step) {
        if (l)
            sc_list_add(r->arena, l, what.l->items[i]);
        else
            /* every byte of a text is returned as a character */
            gw_text_put_rune(&text, (unsigned char)what.s.ptr[i]);
    }
    if (r->arena->spent)
        return sc_run_fail(r, x->pos, "the record's memory is spent");
    *out = l ? (struct sc_val){.type = SC_LIST, .l = l} : sc_str(gw_text_result(&text));
    return true;
}
