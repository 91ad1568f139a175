/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_plan.h"

#include <stdlib.h>

void dd_plans_fini(struct dd_plans *p)
{
    for (size_t set = 0; set < DD_PLAN_SETS; set++)
        for (size_t way = 0; way < DD_PLAN_WAYS; way++)
            free(p->ways[set][way]);
    memset(p->ways, 0, sizeof p->ways);
}

uint64_t dd_plan_hash(const struct dd_span *s)
{
    uint64_t h = dd_hash(s->resource) ^ (uint64_t)s->meta_n << 32 ^ (uint64_t)s->metrics_n << 40;
    return dd_hash_fold(h ^ dd_hash(s->name), 0xA0761D6478BD642Fu ^ s->service.len);
}

/* Equality with a text of the plan, which may be read wide. */
static inline bool same(const struct otlp_region *body, gw_str mine, gw_str theirs)
{
    if (mine.len != theirs.len)
        return false;
    if (otlp_may_read_wide(body, theirs))
        return otlp_same_wide(mine.ptr, theirs.ptr, mine.len);
    return mine.len == 0 || memcmp(mine.ptr, theirs.ptr, mine.len) == 0;
}

static inline bool text_fits(const struct otlp_region *body, const struct dd_expected *e, const struct dd_text *t)
{
    uint64_t upper;
    if (!same(body, e->key, t->key))
        return false;
    if (e->demand == DD_EQUAL)
        return same(body, e->text, t->value);
    return e->demand != DD_ITS_UPPER || gw_str_hex64(t->value, &upper);
}

static inline bool number_fits(const struct otlp_region *body, const struct dd_expected *e, const struct dd_number *n)
{
    return same(body, e->key, n->key) && (e->demand != DD_EQUAL || (e->number.kind == n->kind && e->number.bits == n->u));
}

static bool entry_fits(const struct dd_plans *p, const struct dd_plan *plan, const struct dd_span *s, size_t i)
{
    if (i < s->meta_n)
        return text_fits(&p->body, &plan->entries[i], &s->meta[i]);
    return i >= s->meta_n + s->metrics_n || number_fits(&p->body, &plan->entries[i], &s->metrics[i - s->meta_n]);
}

static bool fits(const struct dd_plans *p, struct dd_plan *plan, const struct dd_span *s)
{
    const struct otlp_region *body = &p->body;
    const struct dd_expected *e = plan->entries;
    if (plan->meta_n != s->meta_n || plan->metrics_n != s->metrics_n || !same(body, plan->resource, s->resource) ||
        !same(body, plan->name, s->name) || !same(body, plan->service, s->service) || !same(body, plan->type, s->type) ||
        !entry_fits(p, plan, s, plan->suspect))
        return false;
    for (size_t i = 0; i < s->meta_n; i++, e++)
        if (!text_fits(body, e, &s->meta[i])) {
            plan->suspect = (uint16_t)i;
            return false;
        }
    for (size_t i = 0; i < s->metrics_n; i++, e++)
        if (!number_fits(body, e, &s->metrics[i])) {
            plan->suspect = (uint16_t)(s->meta_n + i);
            return false;
        }
    return true;
}

struct dd_plan *dd_plan_find(struct dd_plans *p, const struct dd_span *s, uint64_t hash)
{
    struct dd_plan **ways = p->ways[hash % DD_PLAN_SETS];
    for (size_t i = 0; i < DD_PLAN_WAYS; i++)
        if (ways[i] && ways[i]->hash == hash && fits(p, ways[i], s)) {
            ways[i]->scope = ways[i]->used_in == p->chunk ? ways[i]->scope : NULL;
            ways[i]->used_in = p->chunk;
            return ways[i];
        }
    return NULL;
}

bool dd_plan_wanted(struct dd_plans *p, uint64_t hash)
{
    struct dd_sight *sight = &p->sights[hash % DD_PLAN_SIGHTS];
    if (sight->hash != (uint32_t)(hash >> 32)) {
        *sight = (struct dd_sight){.hash = (uint32_t)(hash >> 32)};
        return false;
    }
    sight->times++;
    return sight->times < DD_PLAN_TRIES || sight->times % DD_PLAN_REST == 0;
}

struct dd_plan *dd_plan_take(struct dd_plans *p, uint64_t hash)
{
    struct dd_plan **ways = p->ways[hash % DD_PLAN_SETS], **oldest = ways;
    for (size_t i = 0; i < DD_PLAN_WAYS; i++) {
        if (!ways[i]) {
            oldest = &ways[i];
            break;
        }
        if (ways[i]->used_in < (*oldest)->used_in)
            oldest = &ways[i];
    }
    if (!*oldest)
        *oldest = malloc(DD_PLAN_BYTES);
    else if ((*oldest)->used_in == p->chunk) /* its spans may be still to be written */
        return NULL;
    if (*oldest)
        **oldest = (struct dd_plan){.hash = hash, .used_in = p->chunk};
    return *oldest;
}

void dd_plan_forget(struct dd_plans *p, struct dd_plan *plan)
{
    struct dd_plan **ways = p->ways[plan->hash % DD_PLAN_SETS];
    for (size_t i = 0; i < DD_PLAN_WAYS; i++)
        if (ways[i] == plan)
            ways[i] = NULL;
    free(plan);
}

void *dd_plan_room(struct dd_plan *plan, size_t bytes)
{
    size_t room = DD_PLAN_BYTES - offsetof(struct dd_plan, room), at = plan->room_used;
    bytes = (bytes + 7) & ~(size_t)7;
    if (bytes > room - at)
        return NULL;
    plan->room_used += bytes;
    return (char *)plan->room + at;
}

bool dd_plan_keep(struct dd_plan *plan, gw_str *text)
{
    char *copy = dd_plan_room(plan, text->len);
    if (!copy || plan->room_used + OTLP_WIDE > DD_PLAN_BYTES - offsetof(struct dd_plan, room))
        return false;
    if (text->len)
        memcpy(copy, text->ptr, text->len);
    *text = gw_str_n(copy, text->len);
    return true;
}
