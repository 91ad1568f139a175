/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_group.h"

static bool same_resource(const struct log_origin *a, const struct log_origin *b)
{
    return gw_str_eq(a->service, b->service) && gw_str_eq(a->env, b->env) && gw_str_eq(a->version, b->version) &&
           gw_str_eq(a->host, b->host);
}

static uint64_t add(uint64_t hash, gw_str s)
{
    hash ^= s.len;
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (uint8_t)s.ptr[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t hash_of(const struct log_origin *o)
{
    uint64_t hash = add(add(add(add(add(0xcbf29ce484222325u, o->service), o->env), o->version), o->host), o->logger);
    return hash ^ hash >> 32;
}

static struct log_origin copy(struct gw_arena *a, const struct log_origin *o)
{
    return (struct log_origin){gw_arena_dup(a, o->service), gw_arena_dup(a, o->env), gw_arena_dup(a, o->version), gw_arena_dup(a, o->host),
                               gw_arena_dup(a, o->logger)};
}

static void link_resource(struct log_groups *g, struct log_scope *fresh)
{
    for (struct log_scope *s = g->first_resource; s; s = s->other)
        if (same_resource(&s->origin, &fresh->origin)) {
            s->tail = s->tail->next = fresh;
            return;
        }
    fresh->tail = fresh;
    if (g->last_resource)
        g->last_resource->other = fresh;
    else
        g->first_resource = fresh;
    g->last_resource = fresh;
}

static struct log_scope *make(struct log_groups *g, struct gw_arena *a, const struct log_origin *o, uint64_t hash)
{
    struct log_scope *s = gw_new(a, struct log_scope, 1);
    if (!s)
        return NULL;
    s->origin = copy(a, o);
    s->hash = hash;
    if (a->spent)
        return NULL;
    s->chain = g->chains[hash % LOG_CHAINS];
    g->chains[hash % LOG_CHAINS] = s;
    g->n++;
    link_resource(g, s);
    return s;
}

struct log_scope *log_group_find(struct log_groups *g, struct gw_arena *a, const struct log_origin *o)
{
    if (g->last && same_resource(&g->last->origin, o) && gw_str_eq(g->last->origin.logger, o->logger))
        return g->last;
    uint64_t hash = hash_of(o);
    for (struct log_scope *s = g->chains[hash % LOG_CHAINS]; s; s = s->chain)
        if (s->hash == hash && same_resource(&s->origin, o) && gw_str_eq(s->origin.logger, o->logger))
            return g->last = s;
    return g->last = make(g, a, o, hash);
}
