/* fn_keys.c: Implements the builtins that read, write, rename and drop keys of the record. Owns nothing:
 * values are in the record's arena. Called by the evaluator.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "translators/pipeline/script_internal.h"

bool sc_arguments(struct sc_run *r, const struct sc_node *call, struct sc_val *vals)
{
    static const char letters[] = {[SC_VOID] = '-',  [SC_NIL] = 'n', [SC_BOOL] = 'b', [SC_INT] = 'i',
                                   [SC_FLOAT] = 'f', [SC_STR] = 's', [SC_LIST] = 'l', [SC_MAP] = 'm'};
    gw_str rest = gw_str_z(call->fn->params), one;
    for (uint32_t i = 0; i < call->n && gw_str_next(&rest, ' ', &one); i++) {
        vals[i] = sc_nil();
        if (!call->kid[i])
            continue;
        if (!sc_eval(r, call->kid[i], &vals[i]))
            return false;
        char letter = letters[vals[i].type];
        if (letter != *one.ptr && (*one.ptr != '*' || letter == '-'))
            return sc_run_fail(r, call->kid[i]->pos, "parameter %.*s: type not match: %s",
                               GW_FMT(gw_str_from(one, 2)), sc_type_name(vals[i].type));
    }
    return true;
}

bool fn_add_key(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v;
    (void)out;
    if (call->n == 1) {
        if (sc_get(r, call->kid[0], &v))
            sc_point_set(r->point, call->kid[0]->key, v);
        return true;
    }
    if (!sc_eval(r, call->kid[1], &v))
        return sc_fail_from(r->fault, r->frame->script->name, r->frame->script->text, call->pos);
    sc_point_set(r->point, call->kid[0]->key, v);
    return true;
}

bool fn_get_key(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    const struct sc_field *f = sc_point_get(r->point, call->kid[0]->key);
    *out = f ? f->val : sc_nil();
    return true;
}

bool fn_drop_key(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    (void)out;
    sc_point_del(r->point, call->kid[0]->key);
    return true;
}

bool fn_drop_origin_data(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    (void)call;
    (void)out;
    sc_point_del(r->point, GW_STR("message"));
    return true;
}

bool check_rename(struct sc_check *c, struct sc_node *call)
{
    const struct sc_node *old = call->kid[1];
    if (!sc_first_key(c, call))
        return false;
    return old->kind == SN_IDENT || old->kind == SN_ATTR ||
           sc_check_fail(c, old->pos, "rename: the old key is an identifier or a.b");
}

bool fn_rename(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    (void)out;
    sc_point_rename(r->point, call->kid[1]->key, call->kid[0]->key);
    return true;
}

bool check_set_tag(struct sc_check *c, struct sc_node *call)
{
    return sc_first_key(c, call) && (call->n == 1 || sc_want_key(c, call->kid[1]));
}

bool fn_set_tag(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v = sc_nil();
    (void)out;
    if (call->n == 2 ? !sc_eval(r, call->kid[1], &v) : false)
        return false;
    if (call->n == 1 && !sc_get(r, call->kid[0], &v))
        v = sc_nil();
    sc_point_set_tag(r->point, call->kid[0]->key, v);
    return true;
}

bool check_set_measurement(struct sc_check *c, struct sc_node *call)
{
    return sc_first_key(c, call) && (call->n == 1 || sc_want_bool(c, call->kid[1]));
}

bool fn_set_measurement(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v;
    (void)out;
    if (!sc_eval(r, call->kid[0], &v))
        return false;
    if (v.type == SC_STR)
        r->point->name = v.s;
    if (call->n == 2 && call->kid[1]->b && call->kid[0]->kind != SN_STR)
        sc_point_del(r->point, call->kid[0]->key);
    return true;
}

bool fn_pt_name(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v = sc_nil();
    if (call->n && !sc_try(r, call->kid[0], &v, NULL))
        return false;
    if (v.type == SC_STR)
        r->point->name = v.s;
    *out = sc_str(r->point->name);
    return true;
}

bool fn_nullif(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v, literal = sc_literal(call->kid[1]);
    (void)out;
    if (sc_get(r, call->kid[0], &v) && sc_same(&v, &literal))
        sc_point_del(r->point, call->kid[0]->key);
    return true;
}

static const gw_str cast_types[] = {GW_LIT("bool"), GW_LIT("int"), GW_LIT("float"), GW_LIT("str"),
                                    GW_LIT("string")};

bool check_cast(struct sc_check *c, struct sc_node *call)
{
    if (!sc_first_key(c, call) || !sc_want_text(c, call->kid[1]))
        return false;
    for (size_t i = 0; i < sizeof cast_types / sizeof *cast_types; i++)
        if (gw_str_eq(call->kid[1]->text, cast_types[i]))
            return true;
    return sc_check_fail(c, call->kid[1]->pos, "unsupported data type: %.*s", GW_FMT(call->kid[1]->text));
}

static double to_float(const struct sc_val *v)
{
    double d = 0;
    if (v->type != SC_STR)
        return sc_number(v);
    return gw_parse_float(v->s, &d) ? d : 0;
}

static bool to_bool(const struct sc_val *v)
{
    bool b = false;
    return v->type == SC_STR ? gw_parse_bool(v->s, &b) && b : sc_number(v) != 0;
}

/* By way of a float, as ever; but digits that JSON brought and a float lost are taken as they are. */
static int64_t to_int(const struct sc_val *v)
{
    int64_t i;
    if (v->type == SC_FLOAT && v->digits_len && gw_str_i64(gw_str_n(v->f.digits, v->digits_len), &i))
        return i;
    return v->type == SC_INT && (double)v->i == (double)(int64_t)(double)v->i &&
                   llabs(v->i) < (INT64_C(1) << 53)
               ? v->i
               : sc_trunc(to_float(v));
}

bool fn_cast(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v, to = sc_nil();
    (void)out;
    if (!sc_get(r, call->kid[0], &v))
        return true;
    switch (*call->kid[1]->text.ptr) {
    case 'b':
        to = sc_bool(to_bool(&v));
        break;
    case 'i':
        to = sc_int(to_int(&v));
        break;
    case 'f':
        to = v.type == SC_FLOAT ? v : sc_float(to_float(&v));
        break;
    default:
        if (call->kid[1]->text.len == 3) /* "string" gives nil */
            to = v.type == SC_LIST || v.type == SC_MAP ? sc_str(GW_STR("")) : sc_str(sc_text(r->arena, &v));
    }
    sc_point_set(r->point, call->kid[0]->key, to);
    return true;
}

static bool number_literal(const struct sc_node *x)
{
    return x->kind == SN_INT || x->kind == SN_FLOAT;
}

static double literal_number(const struct sc_node *x)
{
    return x->kind == SN_INT ? (double)x->i : x->f;
}

bool check_group_between(struct sc_check *c, struct sc_node *call)
{
    const struct sc_node *range = call->kid[1];
    if (!sc_first_key(c, call) || (call->n == 4 && !sc_want_key(c, call->kid[3])))
        return false;
    if (range->kind != SN_LIST || range->n != 2 || !number_literal(range->kid[0]) ||
        !number_literal(range->kid[1]))
        return sc_check_fail(c, range->pos, "a range is a list of two numbers");
    if (literal_number(range->kid[0]) > literal_number(range->kid[1]))
        return sc_check_fail(c, call->pos, "the range begins behind its end");
    return true;
}

/* Sets the value of a group, which is a literal. */
static bool set_group(struct sc_run *r, const struct sc_node *call)
{
    const struct sc_node *value = call->kid[2], *key = call->kid[call->n == 4 ? 3 : 0];
    if (value->kind < SN_BOOL || value->kind > SN_STR)
        return false;
    sc_point_set(r->point, key->key, sc_literal(value));
    return true;
}

bool fn_group_between(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v;
    (void)out;
    if (!sc_get(r, call->kid[0], &v))
        return true;
    double d = to_float(&v);
    if (d < literal_number(call->kid[1]->kid[0]) || d > literal_number(call->kid[1]->kid[1]))
        return true;
    return set_group(r, call) || sc_run_fail(r, call->pos, "unsupported group type");
}

bool check_group_in(struct sc_check *c, struct sc_node *call)
{
    return sc_first_key(c, call) && (call->n < 4 || sc_want_key(c, call->kid[3]));
}

bool fn_group_in(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v, set = sc_nil();
    const struct sc_node *list = call->kid[1];
    (void)out;
    if (!sc_get(r, call->kid[0], &v))
        return true;
    if ((list->kind == SN_LIST || list->kind == SN_IDENT) && !sc_try(r, list, &set, NULL))
        return false;
    for (size_t i = 0; set.type == SC_LIST && i < set.l->n; i++)
        if (sc_same(&v, &set.l->items[i])) {
            set_group(r, call);
            return true;
        }
    return true;
}

static gw_str alias(gw_str name)
{
    return gw_str_eq(name, GW_STR("_")) ? GW_STR("message") : name;
}

bool fn_pt_kvs_get(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val vals[2];
    if (!sc_arguments(r, call, vals))
        return false;
    const struct sc_field *f = sc_point_get(r->point, alias(vals[0].s));
    *out = f ? f->val : sc_nil();
    return true;
}

bool fn_pt_kvs_set(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val vals[4];
    if (!sc_arguments(r, call, vals))
        return false;
    if (sc_truth(&vals[2]))
        sc_point_set_tag(r->point, vals[0].s, vals[1]);
    else
        sc_point_set(r->point, vals[0].s, vals[1]);
    *out = sc_bool(true);
    return true;
}

bool fn_pt_kvs_del(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val name;
    (void)out;
    if (!sc_arguments(r, call, &name))
        return false;
    sc_point_del(r->point, alias(name.s));
    return true;
}

bool fn_pt_kvs_keys(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val vals[2];
    struct sc_list *l = sc_list_new(r->arena);
    if (!sc_arguments(r, call, vals) || !l)
        return false;
    bool tags = vals[0].type != SC_BOOL || vals[0].b, fields = vals[1].type != SC_BOOL || vals[1].b;
    for (size_t i = 0; i < r->point->n; i++)
        if (r->point->fields[i].tag ? tags : fields)
            sc_list_add(r->arena, l, sc_str(r->point->fields[i].key));
    *out = (struct sc_val){.type = SC_LIST, .l = l};
    return true;
}
