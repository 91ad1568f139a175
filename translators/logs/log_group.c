/* log_group.c: Finds the resources and scopes of a batch by hash (log_group.h). A struct log_groups belongs to
 * a log_batch; scopes are in its arena. Called by log_batch.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_group.h"

#include "core/base/hash.h"

static bool same_resource(const struct log_origin *a, const struct log_origin *b)
{
    return gw_str_eq(a->service, b->service) && gw_str_eq(a->env, b->env) &&
           gw_str_eq(a->version, b->version) && gw_str_eq(a->host, b->host) && a->awaits == b->awaits &&
           gw_str_eq(a->more, b->more);
}

static uint64_t resource_hash(uint64_t seed, const struct log_origin *o)
{
    uint64_t h = gw_hash_text(gw_hash_text(gw_hash_text(seed, o->service), o->env), o->version);
    return gw_hash_mix(gw_hash_text(gw_hash_text(h, o->host), o->more) ^ o->awaits);
}

static struct log_origin copy_origin(struct gw_arena *a, const struct log_origin *o)
{
    return (struct log_origin){.service = gw_arena_dup(a, o->service),
                               .env = gw_arena_dup(a, o->env),
                               .version = gw_arena_dup(a, o->version),
                               .host = gw_arena_dup(a, o->host),
                               .logger = gw_arena_dup(a, o->logger),
                               .awaits = o->awaits,
                               .more = gw_arena_dup(a, o->more)};
}

static void link_resource(struct log_groups *g, struct log_scope *fresh)
{
    struct log_scope **chain = &g->resources[fresh->resource_hash % LOG_CHAINS];
    for (struct log_scope *s = *chain; s; s = s->resource_chain)
        if (s->resource_hash == fresh->resource_hash && same_resource(&s->origin, &fresh->origin)) {
            s->tail = s->tail->next = fresh;
            return;
        }
    fresh->resource_chain = *chain;
    *chain = fresh->tail = fresh;
    if (g->last_resource)
        g->last_resource->other = fresh;
    else
        g->first_resource = fresh;
    g->last_resource = fresh;
}

static struct log_scope *make_scope(struct log_groups *g, struct gw_arena *a, const struct log_origin *o,
                                    uint64_t resource, uint64_t hash)
{
    struct log_scope *s = gw_new(a, struct log_scope, 1);
    if (!s)
        return NULL;
    s->origin = copy_origin(a, o);
    s->hash = hash;
    s->resource_hash = resource;
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
    uint64_t resource = resource_hash(g->seed, o), hash = gw_hash_mix(gw_hash_text(resource, o->logger));
    for (struct log_scope *s = g->chains[hash % LOG_CHAINS]; s; s = s->chain)
        if (s->hash == hash && same_resource(&s->origin, o) && gw_str_eq(s->origin.logger, o->logger))
            return g->last = s;
    return g->last = make_scope(g, a, o, resource, hash);
}
