/* value_text.c: Writes a script's value as text (keys, tags, str()) and as JSON, with the keys of a map in
 * sorted order. Owns nothing. Called by the builtins and by the code that reads a script's result.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/pipeline/value.h"

#include <math.h>

gw_str sc_text(struct gw_arena *a, const struct sc_val *v)
{
    char number[GW_NUMBER_SIZE];
    struct gw_text b = {.arena = a};
    switch ((enum sc_type)v->type) {
    case SC_VOID:
    case SC_NIL:
        return GW_STR("");
    case SC_BOOL:
        return v->b ? GW_STR("true") : GW_STR("false");
    case SC_INT:
        return gw_arena_dup(a, gw_str_n(number, gw_i64_text(number, v->i)));
    case SC_FLOAT:
        if (v->digits_len)
            return gw_str_n(v->f.digits, v->digits_len);
        return gw_arena_dup(a, gw_str_n(number, gw_float_plain(number, v->f.v)));
    case SC_STR:
        return v->s;
    case SC_LIST:
    case SC_MAP:
        sc_json(&b, v);
        return gw_text_result(&b);
    }
    return GW_STR("");
}

static void json_list(struct gw_text *b, const struct sc_list *l)
{
    gw_text_put_char(b, '[');
    for (size_t i = 0; i < l->n && !b->arena->spent; i++) {
        if (i)
            gw_text_put_char(b, ',');
        sc_json(b, &l->items[i]);
    }
    gw_text_put_char(b, ']');
}

static void json_map(struct gw_text *b, const struct sc_map *m)
{
    gw_text_put_char(b, '{');
    for (size_t i = 0; i < m->n && !b->arena->spent; i++) {
        if (i)
            gw_text_put_char(b, ',');
        gw_text_put_json(b, m->pairs[i].name);
        gw_text_put_char(b, ':');
        sc_json(b, &m->pairs[i].val);
    }
    gw_text_put_char(b, '}');
}

void sc_json(struct gw_text *b, const struct sc_val *v)
{
    char number[GW_NUMBER_SIZE];
    switch ((enum sc_type)v->type) {
    case SC_VOID:
    case SC_NIL:
        gw_text_put_z(b, "null");
        return;
    case SC_BOOL:
        gw_text_put_z(b, v->b ? "true" : "false");
        return;
    case SC_INT:
        gw_text_put(b, number, gw_i64_text(number, v->i));
        return;
    case SC_FLOAT:
        if (v->digits_len)
            gw_text_put(b, v->f.digits, v->digits_len);
        else if (isfinite(v->f.v))
            gw_text_put(b, number, gw_float_json(number, v->f.v));
        else
            gw_text_put_z(b, "null"); /* JSON has no word for it */
        return;
    case SC_STR:
        gw_text_put_json(b, v->s);
        return;
    case SC_LIST:
    case SC_MAP:
        if (b->depth == SC_TEXT_DEPTH) {
            gw_text_put_z(b, "null");
            return;
        }
        b->depth++;
        if (v->type == SC_LIST)
            json_list(b, v->l);
        else
            json_map(b, v->m);
        b->depth--;
        return;
    }
}
