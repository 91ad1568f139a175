/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_decode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A span that is kept has at least 12 values (v0.5), or two keys, two ids and a map (v0.4: 20 bytes). */
enum { LEAST_SPAN = 13 };

static bool is_msgpack(const struct dd_decoder *d)
{
    return d->format == DD_V04_MSGPACK || d->format == DD_V05_MSGPACK;
}

enum gw_code dd_decode_begin(struct dd_decoder *d, enum dd_format format, gw_str body, struct gw_arena *arena, struct gw_err *err)
{
    *d = (struct dd_decoder){.format = format, .arena = arena};
    gw_json_init(&d->json, body, arena);
    dd_msgpack_init(&d->in, body, DD_MAX_ELEMENTS);
    if (body.len == 0) { /* old tracers probe for a path so */
        d->finished = true;
        return GW_OK;
    }
    switch (format) {
    case DD_V04_MSGPACK:
        return dd_v04_begin(d, err);
    case DD_V05_MSGPACK:
        return dd_v05_begin(d, err);
    default:
        return dd_json_begin(d, err);
    }
}

/* The next span into *s. *why is what it is refused for, GW_REASONS when it is sound. */
static enum dd_got take_span(struct dd_decoder *d, dd_read_span_f *read, struct dd_span *s, enum gw_reason *why)
{
    const uint8_t *start = d->in.at;
    if (dd_msgpack_nil(&d->in)) {
        *why = GW_REASON_NIL_SPAN;
        return DD_TAKEN;
    }
    enum dd_got got = read(d, s, why);
    if (got == DD_OTHER_TYPE)
        return dd_decode_pass(d, start);
    *why = dd_decode_fault(s);
    return got;
}

/* n spans follow; there is room for those that the remaining bytes could hold. */
static enum dd_got read_chunk(struct dd_decoder *d, uint32_t n, struct dd_chunk *chunk, struct gw_intake *intake)
{
    dd_read_span_f *read = d->format == DD_V04_MSGPACK ? dd_v04_span : dd_v05_span;
    size_t room = (size_t)(d->in.end - d->in.at) / LEAST_SPAN + 1;
    struct dd_span *spans = gw_arena_raw(d->arena, n < room ? n : room, sizeof *spans);
    if (!spans)
        return DD_ILL_FORMED;
    for (uint32_t i = 0; i < n; i++) {
        enum gw_reason why;
        if (take_span(d, read, &spans[chunk->n], &why)) /* a refused one leaves its place to the next */
            return DD_ILL_FORMED;
        dd_decode_count(intake, why);
        chunk->n += why == GW_REASONS;
    }
    chunk->spans = spans;
    return DD_TAKEN;
}

static enum gw_code next_msgpack(struct dd_decoder *d, struct dd_chunk *chunk, struct gw_intake *intake, struct gw_err *err)
{
    uint32_t n;
    for (; d->chunks_left; d->chunks_left--, d->chunks++) {
        enum dd_got got = dd_msgpack_array(&d->in, &n);
        if (got == DD_OTHER_TYPE)
            return gw_fail(err, GW_BAD_ENVELOPE, dd_msgpack_pos(&d->in), "chunk %llu is %s, want an array of spans",
                           (unsigned long long)d->chunks, dd_kind_name(dd_msgpack_kind(&d->in)));
        if (got || (n && read_chunk(d, n, chunk, intake)))
            return dd_decode_fail(d, err);
        if (chunk->n) {
            d->chunks_left--, d->chunks++;
            return GW_OK;
        }
    }
    d->finished = true;
    if (d->in.at != d->in.end)
        return gw_fail(err, GW_BAD_MSGPACK, dd_msgpack_pos(&d->in), "%zu bytes follow the payload", (size_t)(d->in.end - d->in.at));
    return GW_OK;
}

enum gw_code dd_decode_next(struct dd_decoder *d, struct dd_chunk *chunk, bool *more, struct gw_intake *intake, struct gw_err *err)
{
    enum gw_code code = GW_OK;
    *chunk = (struct dd_chunk){0};
    if (!d->finished)
        code = is_msgpack(d) ? next_msgpack(d, chunk, intake, err) : dd_json_next(d, chunk, intake, err);
    *more = code == GW_OK && chunk->n;
    return code;
}

enum dd_got dd_decode_error(struct dd_msgpack *in, int32_t *out)
{
    int64_t v;
    bool b;
    enum dd_got got = dd_msgpack_i64(in, &v);
    if (!got)
        *out = dd_decode_int32(v);
    if (got != DD_OTHER_TYPE)
        return got;
    got = dd_msgpack_bool(in, &b); /* whoever sends true means 1 */
    if (!got)
        *out = b;
    return got;
}

enum gw_code dd_decode_fail(const struct dd_decoder *d, struct gw_err *err)
{
    if (d->arena->spent)
        return gw_fail(err, GW_BUDGET, is_msgpack(d) ? dd_msgpack_pos(&d->in) : (size_t)(d->json.at - d->json.begin),
                       "the spans of this payload need more than %zu bytes", d->arena->budget);
    return is_msgpack(d) ? dd_msgpack_fail(&d->in, err) : gw_json_fail(&d->json, err);
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
        {GW_LIT("flags"), DD_F_FLAGS},
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
