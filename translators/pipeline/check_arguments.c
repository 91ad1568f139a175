/* check_arguments.c: Has the parts that the checks of builtins share: errors with their place, memory of the
 * script, and checks of arguments. Owns nothing. Called by the check_… functions of fn_*.c while a script
 * loads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "translators/pipeline/script_internal.h"

bool sc_check_fail(struct sc_check *c, uint32_t pos, const char *fmt, ...)
{
    char words[500];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    return sc_fail(&c->script->fault, c->script->name, c->script->text, pos, "%s", words);
}

void *sc_check_memory(struct sc_check *c, size_t size)
{
    void *p = gw_arena_array(&c->script->arena, 1, size);
    if (!p)
        sc_check_fail(c, 0, "the script is too large");
    return p;
}

bool sc_own(struct sc_check *c, void (*drop)(void *), void *what)
{
    struct sc_owned *o = sc_check_memory(c, sizeof *o);
    if (!o || ++c->script->owned_n > SC_EXPRESSIONS) {
        drop(what);
        return sc_check_fail(c, 0, "the script has more than %d expressions", SC_EXPRESSIONS);
    }
    *o = (struct sc_owned){drop, what, c->script->owned};
    c->script->owned = o;
    return true;
}

const char *sc_kind_name(const struct sc_node *x)
{
    static const char *const names[] = {"nil",
                                        "a bool",
                                        "an int",
                                        "a float",
                                        "text",
                                        "an identifier",
                                        "an attribute",
                                        "an index",
                                        "a slice",
                                        "a list",
                                        "a map",
                                        "parentheses",
                                        "a unary expression",
                                        "arithmetic",
                                        "a condition",
                                        "in",
                                        "an assignment",
                                        "a call"};
    return x->kind < sizeof names / sizeof *names ? names[x->kind] : "a statement";
}

bool sc_want_key(struct sc_check *c, const struct sc_node *x)
{
    return x->kind == SN_IDENT || x->kind == SN_ATTR || x->kind == SN_STR ||
           sc_check_fail(c, x->pos, "expected an identifier, a.b or text as key, got %s", sc_kind_name(x));
}

bool sc_want_text(struct sc_check *c, const struct sc_node *x)
{
    return x->kind == SN_STR || sc_check_fail(c, x->pos, "expected literal text, got %s", sc_kind_name(x));
}

bool sc_want_bool(struct sc_check *c, const struct sc_node *x)
{
    return x->kind == SN_BOOL || sc_check_fail(c, x->pos, "expected true or false, got %s", sc_kind_name(x));
}

bool sc_first_key(struct sc_check *c, struct sc_node *call)
{
    return sc_want_key(c, call->kid[0]);
}

bool sc_no_check(struct sc_check *c, struct sc_node *call)
{
    (void)c;
    (void)call;
    return true;
}

bool sc_link_use(struct sc_check *c, struct sc_node *call, const struct sc_node *name)
{
    struct sc_use *u = sc_check_memory(c, sizeof *u), **end = &c->script->uses;
    if (!u || !sc_want_text(c, name))
        return false;
    *u = (struct sc_use){call, name->text, NULL};
    while (*end)
        end = &(*end)->next;
    *end = u;
    return true;
}
