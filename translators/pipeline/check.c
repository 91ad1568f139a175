/* check.c: Checks a parsed script: names of functions, their arguments, break outside of loops. Blocks open a
 * scope for the patterns of add_pattern, which are added here, once, also in branches that never run. Owns
 * nothing: memory is the script's. Called by load.c; it calls the checks of the builtins, which share
 * check_arguments.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/config/did_you_mean.h"
#include "translators/pipeline/script_internal.h"

static bool check(struct sc_check *, struct sc_node *);

static const struct sc_fn functions[] = {
#define FN(name, style, params, min, max, text, check, run) {#name, style, params, min, max, check, run},
#include "translators/pipeline/functions.def"
#undef FN
};

static const struct sc_fn *sc_fn_find(gw_str name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (gw_str_eq(name, gw_str_z(functions[i].name)))
            return &functions[i];
    return NULL;
}

/* The index of a parameter by name, -1: unknown. The n-th parameter of "a b c" or "s:a b:b". */
static int parameter(const struct sc_fn *fn, gw_str name, int place, gw_str *found)
{
    gw_str rest = gw_str_z(fn->params), one;
    for (int i = 0; gw_str_next(&rest, ' ', &one); i++) {
        if (fn->style == SC_TYPED)
            one = gw_str_from(one, 2);
        if (place == i || (place < 0 && gw_str_eq(one, name))) {
            *found = one;
            return i;
        }
    }
    return -1;
}

static bool fits(const struct sc_fn *fn, int place, const struct sc_node *x)
{
    static const char letters[] = {[SN_NIL] = 'n', [SN_BOOL] = 'b', [SN_INT] = 'i', [SN_FLOAT] = 'f',
                                   [SN_STR] = 's', [SN_LIST] = 'l', [SN_MAP] = 'm'};
    gw_str rest = gw_str_z(fn->params), one = GW_STR("*");
    for (int i = 0; i <= place; i++)
        gw_str_next(&rest, ' ', &one);
    return x->kind >= sizeof letters || !letters[x->kind] || *one.ptr == '*' || *one.ptr == letters[x->kind];
}

/* Gives every argument the place of its parameter. */
static bool arrange(struct sc_check *c, struct sc_node *call)
{
    const struct sc_fn *fn = call->fn;
    bool named = false;
    gw_str name;
    struct sc_node **kid = sc_check_memory(c, sizeof *kid * ((size_t)fn->max + 1));
    if (!kid)
        return false;
    if ((int)call->n > fn->max)
        return sc_check_fail(c, call->pos, "%s takes at most %d arguments", fn->name, fn->max);
    for (uint32_t i = 0; i < call->n; i++) {
        struct sc_node *x = call->kid[i];
        int place = (int)i;
        if (x->kind == SN_ASSIGN) {
            named = true;
            place = parameter(fn, x->kid[0]->text, -1, &name);
            if (place < 0)
                return sc_check_fail(c, x->kid[0]->pos, "%s has no parameter %.*s", fn->name,
                                     GW_FMT(x->kid[0]->text));
            x = x->kid[1];
        } else if (fn->style == SC_NAMED_ONLY) {
            return sc_check_fail(c, x->pos, "must be a named parameter");
        } else if (named) {
            return sc_check_fail(c, x->pos, "positional arguments cannot follow named ones");
        }
        /* named arguments are checked at run time */
        if (x == call->kid[i] && fn->style == SC_TYPED && !fits(fn, place, x))
            return sc_check_fail(c, x->pos, "unexpected data type: %s", sc_kind_name(x));
        kid[place] = x;
    }
    for (int i = 0; i < fn->max; i++) {
        if (i < fn->min && !kid[i]) {
            parameter(fn, GW_NOSTR, i, &name);
            return sc_check_fail(c, call->pos, "parameter %.*s of %s is required", GW_FMT(name), fn->name);
        }
    }
    call->kid = kid;
    call->n = (uint32_t)fn->max;
    return true;
}

static bool counted(struct sc_check *c, struct sc_node *call)
{
    const struct sc_fn *fn = call->fn;
    if ((int)call->n >= fn->min && (fn->max < 0 || (int)call->n <= fn->max))
        return true;
    if (fn->max < 0)
        return sc_check_fail(c, call->pos, "func %s expected at least %d arguments, got %u", fn->name,
                             fn->min, call->n);
    if (fn->min == fn->max)
        return sc_check_fail(c, call->pos, "func %s expected %d argument%s, got %u", fn->name, fn->min,
                             fn->min == 1 ? "" : "s", call->n);
    return sc_check_fail(c, call->pos, "func %s expected %d to %d arguments, got %u", fn->name, fn->min,
                         fn->max, call->n);
}

/* What the reference has and this has not, and why; else the name that was perhaps meant. */
static bool no_such_function(struct sc_check *c, const struct sc_node *call)
{
    static const struct {
        const char *name, *why;
    } absent[] = {{"geoip", "it needs a database of addresses"},
                  {"agg_create", "metrics are not aggregated here"},
                  {"agg_metric", "metrics are not aggregated here"},
                  {"query_refer_table", "it needs tables of reference"},
                  {"mquery_refer_table", "it needs tables of reference"},
                  {"http_request", "a script may not wait for a server"},
                  {"point_window", "records are not held back"},
                  {"window_hit", "records are not held back"}};
    static const char *const names[] = {
#define FN(name, style, params, min, max, text, check, run) #name,
#include "translators/pipeline/functions.def"
#undef FN
        NULL};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (gw_str_eq(call->text, gw_str_z(absent[i].name)))
            return sc_check_fail(c, call->pos, "unsupported func: `%s` is not here: %s", absent[i].name,
                                 absent[i].why);
    const char *near = gw_did_you_mean(call->text, names);
    return sc_check_fail(c, call->pos, "unsupported func: `%.*s`: there is no such function%s%s%s",
                         GW_FMT(call->text), near ? "; did you mean `" : " here", near ? near : "",
                         near ? "`?" : "");
}

static bool check_call(struct sc_check *c, struct sc_node *call)
{
    call->fn = sc_fn_find(call->text);
    if (!call->fn)
        return no_such_function(c, call);
    for (uint32_t i = 0; i < call->n; i++)
        if (!check(c, call->kid[i]))
            return sc_fail_from(&c->script->fault, c->script->name, c->script->text, call->pos);
    if (call->fn->style == SC_PLAIN ? !counted(c, call) : !arrange(c, call))
        return false;
    return call->fn->check(c, call);
}

static bool check_kids(struct sc_check *c, struct sc_node *x)
{
    for (uint32_t i = 0; i < x->n; i++)
        if (x->kid[i] && !check(c, x->kid[i]))
            return false;
    return true;
}

static bool check_map(struct sc_check *c, struct sc_node *x)
{
    for (uint32_t i = 0; i < x->n; i += 2) {
        const struct sc_node *name = x->kid[i];
        if (name->kind <= SN_FLOAT || name->kind == SN_LIST || name->kind == SN_MAP)
            return sc_check_fail(c, name->pos, "map key expect string, got %s", sc_kind_name(name));
    }
    return check_kids(c, x);
}

/* A block, with patterns of its own. */
static bool check_block(struct sc_check *c, struct sc_node *x)
{
    struct grok_scope scope = {NULL, c->scope};
    c->scope = &scope;
    bool good = check_kids(c, x);
    c->scope = (struct grok_scope *)scope.outer;
    return good;
}

static bool check_loop(struct sc_check *c, struct sc_node *x)
{
    c->loops++;
    bool good = check_kids(c, x);
    c->loops--;
    return good;
}

static bool check(struct sc_check *c, struct sc_node *x)
{
    switch ((enum sc_kind)x->kind) {
    case SN_CALL:
        return check_call(c, x);
    case SN_MAP:
        return check_map(c, x);
    case SN_BLOCK:
        return check_block(c, x);
    case SN_FOR:
    case SN_FORIN:
        return check_loop(c, x);
    case SN_BREAK:
    case SN_CONTINUE:
        return c->loops ||
               sc_check_fail(c, x->pos, "%s not in loop", x->kind == SN_BREAK ? "break" : "continue");
    default:
        return check_kids(c, x);
    }
}

bool sc_check(struct sc_script *s)
{
    struct sc_check c = {.script = s};
    return check(&c, s->root);
}
