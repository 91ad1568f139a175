/* Converts typed attributes to tags (dd_spread.h).
 *
 * Keeps no state. Called by the decoders of v1.0 and of an agent's idx payloads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_spread.h"

#include "translators/ddtrace/dd_decode.h"
#include "translators/ddtrace/dd_strings.h"

const gw_str dd_spread_promoted[DD_PROMOTEDS] = {[DD_PROMOTED_ENV] = GW_LIT("env"),
                                                 [DD_PROMOTED_VERSION] = GW_LIT("version"),
                                                 [DD_PROMOTED_COMPONENT] = GW_LIT("component"),
                                                 [DD_PROMOTED_KIND] = GW_LIT("span.kind")};
const gw_str dd_spread_kinds[DD_SPREAD_KINDS] = {GW_LIT(""),       GW_LIT("internal"), GW_LIT("server"),
                                                 GW_LIT("client"), GW_LIT("producer"), GW_LIT("consumer")};
const gw_str dd_spread_bools[2] = {GW_LIT("false"), GW_LIT("true")};

bool dd_spread_room(struct gw_arena *arena, void *list, size_t n, size_t *room)
{
    _Static_assert(sizeof(struct dd_text) == sizeof(struct dd_number), "an entry is an entry");
    void **entries = list;
    size_t more = *room ? 2 * *room : 8;
    struct dd_text *copy = gw_arena_raw(arena, more, sizeof *copy);
    if (!copy)
        return false;
    if (n)
        memcpy(copy, *entries, n * sizeof *copy);
    *entries = copy;
    *room = more;
    return true;
}

static bool put_struct(struct gw_arena *arena, struct dd_spread *to, gw_str key, gw_str value)
{
    if (to->structs_n == to->structs_room &&
        !dd_spread_room(arena, &to->structs, to->structs_n, &to->structs_room))
        return false;
    to->structs[to->structs_n++] = (struct dd_text){key, value};
    return true;
}

static bool spread_array(struct gw_arena *arena, struct dd_spread *to, gw_str key, const struct dd_value *v)
{
    bool room = v->array.n || dd_spread_text(arena, to, key, GW_STR("[]"));
    for (size_t i = 0; room && i < v->array.n; i++)
        room = dd_spread_value(arena, to, gw_arena_printf(arena, "%.*s.%zu", GW_FMT(key), i),
                               &v->array.items[i]);
    return room;
}

static bool spread_list(struct gw_arena *arena, struct dd_spread *to, gw_str key, const struct dd_value *v)
{
    bool room = v->list.n || dd_spread_text(arena, to, key, GW_STR("{}"));
    for (size_t i = 0; room && i < v->list.n; i++)
        room = dd_spread_value(arena, to, dd_concat(arena, key, GW_STR("."), v->list.attrs[i].key),
                               &v->list.attrs[i].value);
    return room;
}

bool dd_spread_value(struct gw_arena *arena, struct dd_spread *to, gw_str key, const struct dd_value *v)
{
    if (arena->spent)
        return false;
    switch (v->type) {
    case DD_V_STRING:
        return dd_spread_text(arena, to, key, v->s);
    case DD_V_BOOL:
        return dd_spread_text(arena, to, key, dd_spread_bools[v->b]);
    case DD_V_INT:
        return dd_spread_number(arena, to, (struct dd_number){.key = key, .kind = DD_INT, .i = v->i});
    case DD_V_DOUBLE:
        return dd_spread_number(arena, to, (struct dd_number){.key = key, .kind = DD_DOUBLE, .d = v->d});
    case DD_V_BYTES:
        return put_struct(arena, to, key, v->s);
    case DD_V_ARRAY:
        return spread_array(arena, to, key, v);
    case DD_V_LIST:
        return spread_list(arena, to, key, v);
    }
    return true;
}

bool dd_spread_texts(struct gw_arena *arena, struct dd_spread *s)
{
    bool room = true;
    for (size_t i = 0; room && i < s->metrics_n; i++) {
        const struct dd_number *n = &s->metrics[i];
        union dd_number_value v = {.u = n->u};
        room = dd_spread_text(arena, s, n->key, dd_decode_number_text(arena, n->kind, v));
    }
    for (size_t i = 0; room && i < s->structs_n; i++)
        room = dd_spread_text(arena, s, s->structs[i].key, s->structs[i].value);
    s->metrics_n = s->structs_n = 0;
    return room && !arena->spent;
}

void dd_spread_chunk(struct dd_chunk *chunk, const struct dd_spread *s, uint64_t *left_out)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->meta_n; i++)
        if (!gw_str_eq(s->meta[i].key, GW_STR("service")))
            s->meta[kept++] = s->meta[i];
    chunk->meta = s->meta;
    chunk->meta_n = kept;
    chunk->metrics = s->metrics;
    chunk->metrics_n = s->metrics_n;
    *left_out += s->structs_n;
}

void dd_spread_span(struct dd_span *span, const struct dd_spread *s)
{
    span->meta = s->meta;
    span->meta_n = s->meta_n;
    span->metrics = s->metrics;
    span->metrics_n = s->metrics_n;
    span->meta_struct = s->structs;
    span->meta_struct_n = s->structs_n;
}
