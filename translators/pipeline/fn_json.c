/* fn_json.c: Implements the builtins json, load_json, valid_json and gjson. Owns nothing: values are in the
 * record's arena. Called by the evaluator.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/pipeline/gpath.h"
#include "translators/pipeline/json_in.h"
#include "translators/pipeline/script_internal.h"

/* The arguments of a json() call, from the check. */
struct wants {
    gw_str key; /* to write */
    bool trim, take;
};

static bool ends_in_index(const struct sc_node *x)
{
    return x->kind == SN_ATTR ? ends_in_index(x->kid[1]) : x->kind == SN_INDEX;
}

bool check_json(struct sc_check *c, struct sc_node *call)
{
    const struct sc_node *path = call->kid[1], *key = call->kid[2], *take = call->kid[4];
    struct wants *w = sc_check_memory(c, sizeof *w);
    if (!w || !sc_first_key(c, call))
        return false;
    if (path->kind != SN_ATTR && path->kind != SN_IDENT && path->kind != SN_INDEX)
        return sc_check_fail(c, path->pos, "expected a path such as a.b[0].c");
    if ((key && !sc_want_key(c, key)) || (call->kid[3] && !sc_want_bool(c, call->kid[3])) ||
        (take && !sc_want_bool(c, take)))
        return false;
    if (take && take->b == ends_in_index(path))
        return sc_check_fail(c, take->pos, "does not support deleting elements in the list");
    *w = (struct wants){key                      ? key->key
                        : path->kind == SN_INDEX ? GW_STR("")
                                                 : path->key,
                        !call->kid[3] || call->kid[3]->b, take && take->b};
    call->data = w;
    return true;
}

static struct sc_val *member(struct sc_val *in, gw_str name, bool last, struct sc_map **owner)
{
    if (in->type != SC_MAP)
        return NULL;
    if (last)
        *owner = in->m;
    return sc_map_get(in->m, name);
}

/* Follows a path into JSON. *owner, *name: where the last step took it from, when that is a map. */
static struct sc_val *follow(struct sc_val *in, const struct sc_node *path, bool last, struct sc_map **owner,
                             gw_str *name)
{
    if (path->kind == SN_ATTR) {
        in = follow(in, path->kid[0], false, owner, name);
        return in ? follow(in, path->kid[1], last, owner, name) : NULL;
    }
    if (path->kind == SN_IDENT) {
        *name = path->text;
        return member(in, path->text, last, owner);
    }
    if (path->kid[0] && !(in = member(in, path->kid[0]->text, false, owner)))
        return NULL;
    for (uint32_t i = 1; i < path->n; i++) {
        const struct sc_node *index = path->kid[i];
        if (in->type != SC_LIST || (index->kind != SN_INT && index->kind != SN_FLOAT))
            return NULL;
        int64_t at = index->kind == SN_INT ? index->i : sc_trunc(index->f);
        if (at < 0)
            at += (int64_t)in->l->n;
        if (at < 0 || (uint64_t)at >= in->l->n)
            return NULL;
        in = &in->l->items[at];
    }
    return in;
}

/* A list of one kind of things; others, and empty ones, have no place on a point. */
static bool mixed(const struct sc_list *l)
{
    return !l->n;
}

static bool is_tag(const struct sc_point *p, gw_str key)
{
    const struct sc_field *f = sc_point_get(p, key);
    return f && f->tag;
}

bool fn_json(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    const struct wants *w = call->data;
    struct sc_map *owner = NULL;
    struct sc_val all;
    gw_str s, name = GW_NOSTR;
    (void)out;
    if (!sc_get_text(r, call->kid[0], &s) || !sc_json_read(r->arena, s, &all))
        return true;
    struct sc_val *found = follow(&all, call->kid[1], true, &owner, &name);
    if (!found || found->type == SC_NIL)
        return true;
    struct sc_val v = *found;
    if (v.type == SC_STR && w->trim)
        v.s = gw_trim_space(v.s);
    if (v.type == SC_LIST && mixed(v.l) && !is_tag(r->point, w->key))
        v = sc_nil();
    sc_point_set(r->point, w->key, v);
    if (w->take && owner) {
        sc_map_del(owner, name);
        sc_point_set(r->point, call->kid[0]->key, all);
    }
    return true;
}

bool fn_load_json(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v;
    if (!sc_eval(r, call->kid[0], &v))
        return false;
    if (v.type != SC_STR)
        return sc_run_fail(r, call->kid[0]->pos, "param data type expect string, got %s",
                           sc_type_name(v.type));
    if (!sc_json_read(r->arena, v.s, out))
        *out = sc_nil();
    return true;
}

bool fn_valid_json(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v;
    if (!sc_eval(r, call->kid[0], &v))
        return false;
    *out = sc_bool(v.type == SC_STR && sc_json_valid(v.s));
    return true;
}

bool check_gjson(struct sc_check *c, struct sc_node *call)
{
    if (!sc_first_key(c, call))
        return false;
    for (uint32_t i = 1; i < 3; i++) {
        const struct sc_node *x = call->kid[i];
        if (x && x->kind != SN_IDENT && x->kind != SN_STR)
            return sc_check_fail(c, x->pos, "gjson: expected text or an identifier");
    }
    return true;
}

static bool text_argument(struct sc_run *r, const struct sc_node *x, gw_str *out)
{
    struct sc_val v;
    if (!sc_eval(r, x, &v))
        return false;
    *out = v.s;
    return v.type == SC_STR ||
           sc_run_fail(r, x->pos, "param data type expect string, got %s", sc_type_name(v.type));
}

bool fn_gjson(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    gw_str path, key, s, raw;
    struct sc_val v;
    (void)out;
    if (!text_argument(r, call->kid[1], &path))
        return false;
    key = path;
    if (call->kid[2] && !text_argument(r, call->kid[2], &key))
        return false;
    if (!sc_get_text(r, call->kid[0], &s) || !gpath_get(r->arena, s, path, &raw) ||
        !sc_json_read(r->arena, raw, &v) || v.type == SC_NIL)
        return true;
    sc_point_set(r->point, gw_str_eq(key, GW_STR("_")) ? GW_STR("message") : key,
                 v.type == SC_LIST || v.type == SC_MAP ? sc_str(raw) : v);
    return true;
}
