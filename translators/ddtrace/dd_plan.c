/* The cache of plans: finds the plan that fits a span, either in decoded form or while v0.4 msgpack is read,
 * and decides which plans are kept.
 *
 * A struct dd_plans belongs to one translator. Called by dd_v04.c (while decoding), dd_scan.c (lookup) and
 * dd_learn.c (new plans).
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_plan.h"

#include <stdlib.h>

void dd_plans_fini(struct dd_plans *p)
{
    for (size_t set = 0; set < DD_PLAN_SETS; set++)
        for (size_t way = 0; way < DD_PLAN_WAYS; way++)
            free(p->ways[set][way]);
    memset(p->ways, 0, sizeof p->ways);
}

bool dd_plan_plain(const struct dd_span *s)
{
    return !(s->error | (s->start < DD_YEAR_2000)) && !(s->meta_struct_n | s->links_n | s->events_n) &&
           s->meta_n + s->metrics_n <= DD_PLAN_ENTRIES;
}

uint64_t dd_plan_hash(const struct dd_span *s)
{
    return dd_hash_fold(dd_hash(s->resource) ^ s->service.len, dd_hash(s->name) ^ 0xA0761D6478BD642Fu) | 1;
}

/* Compares with a text of the plan, of which more bytes may be read than it has. */
static inline bool same_text(const struct otlp_region *body, gw_str mine, gw_str theirs)
{
    if (mine.len != theirs.len)
        return false;
    if (otlp_may_read_wide(body, theirs))
        return otlp_same_wide(mine.ptr, theirs.ptr, mine.len);
    return mine.len == 0 || memcmp(mine.ptr, theirs.ptr, mine.len) == 0;
}

/* The same, faster for the text at the address that was compared last time. A text in an arena may have been
 * overwritten since, so only texts in the body count. */
static inline bool same_place_or_text(const struct otlp_region *body, gw_str mine, const char **at,
                                      gw_str theirs)
{
    if (*at == theirs.ptr && mine.len == theirs.len)
        return true;
    if (!same_text(body, mine, theirs))
        return false;
    if ((uintptr_t)theirs.ptr - (uintptr_t)body->from < body->len)
        *at = theirs.ptr;
    return true;
}

/* Returns whether the text meets the demand of the plan's entry, for demands other than equality. */
static inline bool text_will_do(enum dd_demand demand, gw_str text)
{
    uint64_t upper, lower;
    return demand == DD_ITS_UPPER ? gw_str_hex64(text, &upper)
                                  : demand != DD_ITS_TRACE || dd_hex128(text, &upper, &lower);
}

static inline bool text_fits(const struct otlp_region *body, struct dd_expected *e, const struct dd_text *t)
{
    if (!same_place_or_text(body, e->key, &e->key_at, t->key))
        return false;
    if (e->demand == DD_EQUAL)
        return same_place_or_text(body, e->text, &e->text_at, t->value);
    return text_will_do(e->demand, t->value);
}

static inline bool number_fits(const struct otlp_region *body, struct dd_expected *e,
                               const struct dd_number *n)
{
    return same_place_or_text(body, e->key, &e->key_at, n->key) &&
           (e->demand != DD_EQUAL || (e->number.kind == n->kind && e->number.bits == n->u));
}

static bool entry_fits(const struct dd_plans *p, const struct dd_plan *plan, const struct dd_span *s,
                       size_t i)
{
    if (i < s->meta_n)
        return text_fits(&p->body, &plan->entries[i], &s->meta[i]);
    return i >= s->meta_n + s->metrics_n ||
           number_fits(&p->body, &plan->entries[i], &s->metrics[i - s->meta_n]);
}

static inline bool names_fit(const struct otlp_region *body, const struct dd_plan *plan,
                             const struct dd_span *s)
{
    return same_text(body, plan->resource, s->resource) && same_text(body, plan->name, s->name) &&
           same_text(body, plan->service, s->service);
}

/* A new body: the remembered addresses are invalid. */
static inline void forget_places(const struct dd_plans *p, struct dd_plan *plan)
{
    if (plan->met_in == p->request)
        return;
    plan->met_in = p->request;
    for (size_t i = 0; i < plan->meta_n + plan->metrics_n; i++)
        plan->entries[i].key_at = plan->entries[i].text_at = NULL;
}

static bool plan_fits(const struct dd_plans *p, struct dd_plan *plan, const struct dd_span *s)
{
    const struct otlp_region *body = &p->body;
    struct dd_expected *e = plan->entries;
    forget_places(p, plan);
    if (plan->meta_n != s->meta_n || plan->metrics_n != s->metrics_n || !names_fit(body, plan, s) ||
        !same_text(body, plan->type, s->type) || !entry_fits(p, plan, s, plan->suspect))
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
        if (ways[i] && ways[i]->hash == hash && plan_fits(p, ways[i], s)) {
            ways[i]->used_in = p->chunk;
            return ways[i];
        }
    return NULL;
}

/* ---- v0.4, as it stands in the body ---- */

/* Compares with the next bytes of the body and, if they are equal, moves past them. */
static inline bool take_run(struct dd_msgpack *in, gw_str run)
{
    const char *p = run.ptr, *q = (const char *)in->at;
    size_t left = run.len, room = (size_t)(in->end - in->at);
    if (__builtin_expect(room < left + OTLP_WIDER, 0)) {
        if (room < left || memcmp(p, q, left) != 0)
            return false;
    } else {
        for (; left > OTLP_WIDER; left -= OTLP_WIDER, p += OTLP_WIDER, q += OTLP_WIDER)
            if (!otlp_same_wider(p, q, OTLP_WIDER))
                return false;
        if (!otlp_same_wider(p, q, left))
            return false;
    }
    in->at += run.len;
    return true;
}

static bool take_meta(const struct dd_plan *plan, struct dd_msgpack *in, struct dd_text *meta)
{
    for (const struct dd_run *run = plan->meta;; run++) {
        if (!take_run(in, run->bytes))
            return false;
        if (run->entry == DD_PLAN_ENTRIES)
            return true;
        const struct dd_expected *e = &plan->entries[run->entry];
        struct dd_text *t = &meta[run->entry];
        t->key = e->key;
        if (dd_msgpack_text(in, &t->value) != DD_TAKEN || !text_will_do(e->demand, t->value))
            return false;
    }
}

static bool take_metrics(const struct dd_plan *plan, struct dd_msgpack *in, struct dd_number *metrics)
{
    union dd_number_value v;
    for (const struct dd_run *run = plan->metrics;; run++) {
        if (!take_run(in, run->bytes))
            return false;
        if (run->entry == DD_PLAN_ENTRIES)
            return true;
        struct dd_number *n = &metrics[run->entry - plan->meta_n];
        n->key = plan->entries[run->entry].key;
        if (dd_msgpack_number(in, &n->kind, &v) != DD_TAKEN)
            return false;
        n->u = v.u;
    }
}

static bool read_meta(struct dd_plan *plan, struct dd_span *s, struct dd_msgpack *in)
{
    struct dd_msgpack ahead = *in;
    if (!take_meta(plan, &ahead, s->meta))
        return false;
    for (unsigned i = 0; i < plan->looked_at_n && plan->looked_at[i] < plan->meta_n; i++) {
        const struct dd_expected *e = &plan->entries[plan->looked_at[i]];
        s->meta[plan->looked_at[i]] = (struct dd_text){e->key, e->text};
    }
    s->meta_n = plan->meta_n;
    s->meta_raw = gw_str_n((const char *)in->at, (size_t)(ahead.at - in->at));
    *in = ahead;
    return true;
}

struct dd_plan *dd_plan_meta(struct dd_plans *p, struct dd_span *s, struct dd_msgpack *in,
                             struct gw_arena *arena)
{
    uint64_t hash = dd_plan_hash(s);
    struct dd_plan **ways = p->ways[hash % DD_PLAN_SETS];
    for (size_t i = 0; i < DD_PLAN_WAYS; i++) {
        struct dd_plan *plan = ways[i];
        if (!plan || plan->hash != hash || !plan->meta || !names_fit(&p->body, plan, s))
            continue;
        if (!s->meta && !(s->meta = gw_arena_raw(arena, DD_PLAN_ENTRIES, sizeof *s->meta)))
            return NULL;
        if (read_meta(plan, s, in)) {
            plan->used_in = p->chunk;
            return plan;
        }
    }
    s->meta = NULL;
    return NULL;
}

bool dd_plan_metrics(const struct dd_plans *p, struct dd_span *s, struct dd_msgpack *in,
                     struct gw_arena *arena)
{
    struct dd_msgpack ahead = *in;
    const struct dd_plan *plan = s->plan;
    struct dd_number *metrics = plan->metrics ? gw_arena_raw(arena, plan->metrics_n, sizeof *metrics) : NULL;
    if (!metrics || !take_metrics(plan, &ahead, metrics))
        return false;
    for (unsigned i = 0; i < plan->looked_at_n; i++) {
        size_t entry = plan->looked_at[i];
        const struct dd_expected *e = &plan->entries[entry];
        if (entry >= plan->meta_n)
            metrics[entry - plan->meta_n] =
                (struct dd_number){.key = e->key, .kind = e->number.kind, .u = e->number.bits};
    }
    s->metrics = metrics;
    s->metrics_n = plan->metrics_n;
    s->metrics_raw = gw_str_n((const char *)in->at, (size_t)(ahead.at - in->at));
    *in = ahead;
    return true;
}

bool dd_plan_settled(const struct dd_plans *p, const struct dd_span *s, bool metrics_planned, bool renamed)
{
    struct dd_plan *plan = s->plan;
    forget_places(p, plan);
    if (s->metrics_n != plan->metrics_n || (renamed && !names_fit(&p->body, plan, s)) ||
        !same_text(&p->body, plan->type, s->type) || !dd_plan_plain(s))
        return false;
    for (size_t i = 0; i < s->metrics_n && !metrics_planned; i++)
        if (!number_fits(&p->body, &plan->entries[s->meta_n + i], &s->metrics[i]))
            return false;
    return true;
}

/* ---- which are kept ---- */

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
    else if ((*oldest)->used_in == p->chunk) /* spans of this plan may still have to be written */
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
    if (!copy || plan->room_used + OTLP_WIDER > DD_PLAN_BYTES - offsetof(struct dd_plan, room))
        return false;
    if (text->len)
        memcpy(copy, text->ptr, text->len);
    *text = gw_str_n(copy, text->len);
    return true;
}
