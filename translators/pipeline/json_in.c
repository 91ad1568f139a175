/* json_in.c: Builds script values from the events of the JSON reader (core/base/json.h). Values are in the
 * caller's arena. Called by json(), load_json(), gjson() and the command's `--input json`.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/pipeline/json_in.h"

#include <math.h>

#include "core/base/json.h"

static bool read_value(struct gw_json *, struct sc_val *out);

static const uint64_t exact = (uint64_t)1 << 53; /* a double holds all integers up to here */

/* Keeps the digits of an integer of 64 bits that the double has rounded. */
static struct sc_val with_digits(double d, uint64_t magnitude, gw_str text)
{
    struct sc_val v = sc_float(d);
    /* such digits would be no JSON when they are written */
    bool zero_first = text.ptr[*text.ptr == '-'] == '0';
    if (magnitude > exact && !zero_first && text.len < 256) {
        v.digits_len = (uint8_t)text.len;
        v.f.digits = text.ptr;
    }
    return v;
}

static bool read_number(struct gw_json *j, struct sc_val *out)
{
    struct gw_json_number n;
    uint64_t u;
    if (!gw_json_number(j, &n))
        return false;
    bool negative = *n.text.ptr == '-';
    switch (n.type) {
    case GW_JSON_INT:
        u = negative ? -(uint64_t)n.i : (uint64_t)n.i;
        *out = with_digits(negative ? -(double)u : (double)u, u, n.text); /* -0 keeps its sign */
        return true;
    case GW_JSON_UINT:
        *out = with_digits((double)n.u, n.u, n.text);
        return true;
    case GW_JSON_DOUBLE:
        *out = gw_str_u64(gw_str_from(n.text, negative), &u) ? with_digits(n.d, u, n.text) : sc_float(n.d);
        return isfinite(n.d) || gw_json_bad(j, "a number beyond a double");
    }
    return false;
}

static bool read_list(struct gw_json *j, struct sc_val *out)
{
    struct sc_list *l = sc_list_new(j->arena);
    struct sc_val item;
    *out = (struct sc_val){.type = SC_LIST, .l = l};
    if (!l || !gw_json_array(j))
        return false;
    while (gw_json_item(j))
        if (!read_value(j, &item) || !sc_list_add(j->arena, l, item))
            return false;
    return !j->why;
}

static bool read_map(struct gw_json *j, struct sc_val *out)
{
    struct sc_map *m = sc_map_new(j->arena);
    struct sc_pair *pair;
    gw_str name;
    *out = (struct sc_val){.type = SC_MAP, .m = m};
    if (!m || !gw_json_object(j))
        return false;
    while (gw_json_member(j, &name)) {
        if (!(pair = sc_map_append(j->arena, m)))
            return false;
        pair->name = name;
        if (!read_value(j, &pair->val))
            return false;
    }
    return !j->why && sc_map_settle(j->arena, m);
}

static bool read_value(struct gw_json *j, struct sc_val *out)
{
    bool b;
    switch (gw_json_kind(j)) {
    case GW_JSON_OBJECT:
        return read_map(j, out);
    case GW_JSON_ARRAY:
        return read_list(j, out);
    case GW_JSON_STRING:
        out->type = SC_STR; /* field by field: a store of the whole struct costs a quarter of all reading */
        out->digits_len = 0;
        return gw_json_text(j, &out->s);
    case GW_JSON_NUMBER:
        return read_number(j, out);
    case GW_JSON_BOOL:
        if (!gw_json_bool(j, &b))
            return false;
        *out = sc_bool(b);
        return true;
    case GW_JSON_NULL:
        *out = sc_nil();
        return gw_json_null(j);
    case GW_JSON_NONE:
        return false;
    }
    return false;
}

bool sc_json_read(struct gw_arena *a, gw_str text, struct sc_val *out)
{
    struct gw_json j;
    gw_json_init(&j, text, a);
    j.dialect = GW_JSON_LOOSE;
    return read_value(&j, out) && gw_json_end(&j) && !a->spent;
}

bool sc_json_valid(gw_str text)
{
    struct gw_json j;
    gw_json_init(&j, text, NULL);
    j.dialect = GW_JSON_STRICT;
    return gw_json_skip(&j) && gw_json_end(&j);
}
