/* Functions for single values that the decoders of all formats use: keys of links and events, times, numbers
 * as text and text as numbers, the value of an event's attribute, and the error of a body that cannot be read
 * further.
 *
 * Keeps no state. Called by the files that read a format (dd_v04.c, dd_v05.c, dd_json*.c, dd_maps.c,
 * dd_parts*.c) and by dd_decode.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_decode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum dd_got dd_decode_error(struct dd_msgpack *in, int32_t *out)
{
    int64_t v;
    bool b;
    enum dd_got got = dd_msgpack_i64(in, &v);
    if (!got)
        *out = dd_decode_int32(v);
    if (got != DD_OTHER_TYPE)
        return got;
    got = dd_msgpack_bool(in, &b); /* a client that sends true means 1 */
    if (!got)
        *out = b;
    return got;
}

enum gw_code dd_decode_fail(const struct dd_decoder *d, struct gw_err *err)
{
    if (d->arena->spent || d->keep->spent)
        return gw_fail(err, GW_BUDGET,
                       dd_is_msgpack(d) ? dd_msgpack_pos(&d->in) : (size_t)(d->json.at - d->json.begin),
                       "the spans of this payload need more than %zu bytes", d->arena->budget);
    return dd_is_msgpack(d) ? dd_msgpack_fail(&d->in, err) : gw_json_fail(&d->json, err);
}

enum dd_field dd_part_field(gw_str key)
{
    static const struct {
        gw_str key;
        enum dd_field field;
    } fields[] = {
        {GW_LIT("trace_id"), DD_F_TRACE_ID},
        {GW_LIT("trace_id_high"), DD_F_TRACE_ID_HIGH},
        {GW_LIT("span_id"), DD_F_SPAN_ID},
        {GW_LIT("attributes"), DD_F_ATTRIBUTES},
        {GW_LIT("tracestate"), DD_F_TRACESTATE},
        {GW_LIT("trace_state"), DD_F_TRACESTATE}, /* dd-trace-php's name */
        {GW_LIT("flags"), DD_F_FLAGS},
        {GW_LIT("dropped_attributes_count"), DD_F_DROPPED},
        {GW_LIT("time_unix_nano"), DD_F_TIME},
        {GW_LIT("name"), DD_F_NAME},
        {GW_LIT("type"), DD_F_TYPE},
        {GW_LIT("string_value"), DD_F_STRING_VALUE},
        {GW_LIT("bool_value"), DD_F_BOOL_VALUE},
        {GW_LIT("int_value"), DD_F_INT_VALUE},
        {GW_LIT("double_value"), DD_F_DOUBLE_VALUE},
        {GW_LIT("array_value"), DD_F_ARRAY_VALUE},
        {GW_LIT("values"), DD_F_VALUES},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (gw_str_eq(fields[i].key, key))
            return fields[i].field;
    return DD_F_UNKNOWN;
}

int64_t dd_decode_time(enum dd_number_kind kind, union dd_number_value v)
{
    if (kind == DD_INT)
        return v.i;
    if (kind == DD_UINT || v.d >= 0x1p63)
        return INT64_MAX;
    return v.d >= -0x1p63 ? (int64_t)llround(v.d) : v.d < 0 ? INT64_MIN : 0;
}

gw_str dd_decode_number_text(struct gw_arena *arena, enum dd_number_kind kind, union dd_number_value v)
{
    char text[40];
    if (kind == DD_INT)
        return gw_arena_printf(arena, "%lld", (long long)v.i);
    if (kind == DD_UINT)
        return gw_arena_printf(arena, "%llu", (unsigned long long)v.u);
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v.d);
        if (strtod(text, NULL) == v.d)
            break;
    }
    return gw_arena_dup(arena, gw_str_z(text));
}

bool dd_decode_text_number(gw_str text, enum dd_number_kind *kind, union dd_number_value *v)
{
    *kind = DD_INT;
    if (gw_str_i64(text, &v->i))
        return true;
    *kind = DD_UINT;
    if (gw_str_u64(text, &v->u))
        return true;
    *kind = DD_DOUBLE;
    return gw_str_double(text, &v->d);
}

bool dd_decode_choose(const struct dd_typed *t, struct dd_value *out)
{
    static const int64_t type_of[] = {DD_V_STRING, DD_V_BOOL, DD_V_INT, DD_V_DOUBLE, DD_V_ARRAY};
    int64_t type = t->type >= 0 ? t->type : type_of[t->last ? t->last - DD_F_STRING_VALUE : 0];
    switch (type) {
    case DD_V_STRING:
        *out = (struct dd_value){.type = DD_V_STRING, .s = t->s};
        return true;
    case DD_V_BOOL:
        *out = (struct dd_value){.type = DD_V_BOOL, .b = t->b};
        return true;
    case DD_V_INT:
        *out = (struct dd_value){.type = DD_V_INT, .i = t->i};
        return true;
    case DD_V_DOUBLE:
        *out = (struct dd_value){.type = DD_V_DOUBLE, .d = t->d};
        return true;
    case DD_V_ARRAY:
        *out = (struct dd_value){.type = DD_V_ARRAY, .array = {t->items, t->n}};
        return true;
    default:
        return false;
    }
}
