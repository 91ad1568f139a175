/* load.c: Loads a set of scripts: parses and checks each, then links scripts that use each other. The set owns
 * its scripts. Called by the log configuration and by `ddgate pipeline`, on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "translators/pipeline/script_internal.h"

struct sc_thread;

static void parse(struct sc_script *s)
{
    struct sc_parse p = {.name = s->name, .text = s->text, .arena = &s->arena, .fault = &s->fault};
    if (s->text.len > SC_SCRIPT_MAX) {
        sc_fail(&s->fault, s->name, s->text, 0, "the script is larger than %d bytes", SC_SCRIPT_MAX);
        return;
    }
    s->root = sc_parse(&p);
    s->names = p.names;
    if (s->root && !sc_check(s))
        s->root = NULL;
}

static struct sc_script *find(const struct sc_set *set, gw_str name)
{
    for (size_t i = 0; i < set->n; i++)
        if (gw_str_eq(set->scripts[i].name, name))
            return &set->scripts[i];
    return NULL;
}

/* The way from `at` back to `s` over uses, as " -> a -> s"; false if there is none. A search visits `at`
 * once. */
static bool leads_back(const struct sc_set *set, struct sc_script *at, const struct sc_script *s,
                       uint32_t search, struct gw_text *way)
{
    size_t before = way->len;
    gw_text_put_z(way, " -> ");
    gw_text_put_str(way, at->name);
    if (at == s)
        return true;
    if (at->searched != search) {
        at->searched = search;
        for (const struct sc_use *u = at->uses; u; u = u->next) {
            struct sc_script *other = find(set, u->name);
            if (other && leads_back(set, other, s, search, way))
                return true;
        }
    }
    way->len = before;
    return false;
}

/* A script that uses itself, by way of others or not, is broken where the way begins. */
static void find_circle(const struct sc_set *set, struct sc_script *s, uint32_t search)
{
    for (const struct sc_use *u = s->uses; u && !s->fault.set; u = u->next) {
        struct sc_script *other = find(set, u->name);
        struct gw_text way = {.arena = &s->arena};
        if (other && leads_back(set, other, s, search, &way))
            sc_fail(&s->fault, s->name, s->text, u->call->pos, "circular dependency: %.*s%.*s",
                    GW_FMT(s->name), GW_FMT(gw_text_result(&way)));
    }
}

/* Links the scripts that s uses, which are linked first; circles were removed before. False when s cannot
 * run. */
static bool link(struct sc_set *set, struct sc_script *s)
{
    for (const struct sc_use *u = s->uses; s->root && u; u = u->next) {
        struct sc_script *other = find(set, u->name);
        if (!other) {
            sc_fail(&s->fault, s->name, s->text, u->call->pos, "script %.*s not found", GW_FMT(u->name));
            s->root = NULL;
        } else if (!(other->linked ? other->root != NULL : link(set, other))) {
            s->fault = other->fault;
            sc_fail_from(&s->fault, s->name, s->text, u->call->pos);
            s->root = NULL;
        }
        u->call->data = other;
    }
    s->linked = true;
    return s->root != NULL;
}

static void join(struct sc_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        find_circle(set, &set->scripts[i], (uint32_t)i + 1);
    for (size_t i = 0; i < set->n; i++)
        if (set->scripts[i].fault.set)
            set->scripts[i].root = NULL;
    for (size_t i = 0; i < set->n; i++)
        if (!set->scripts[i].linked)
            link(set, &set->scripts[i]);
}

struct sc_set *sc_load(const struct sc_source *sources, size_t n)
{
    struct sc_set *set = calloc(1, sizeof *set);
    if (!set || !(set->scripts = calloc(n ? n : 1, sizeof *set->scripts))) {
        free(set);
        return NULL;
    }
    for (set->n = 0; set->n < n; set->n++) {
        struct sc_script *s = &set->scripts[set->n];
        gw_arena_init(&s->arena, SC_SCRIPT_MEMORY);
        s->set = set;
        s->name = gw_arena_dup(&s->arena, sources[set->n].name);
        s->text = gw_arena_dup(&s->arena, sources[set->n].text);
        s->cache = sc_cache_new();
        if (!s->cache || s->arena.spent) {
            set->n++;
            sc_drop(set);
            return NULL;
        }
        parse(s);
    }
    join(set);
    return set;
}

void sc_drop(struct sc_set *set)
{
    for (size_t i = 0; set && i < set->n; i++) {
        struct sc_script *s = &set->scripts[i];
        for (struct sc_owned *o = s->owned; o; o = o->next)
            o->drop(o->what);
        sc_cache_drop(s->cache);
        gw_arena_fini(&s->arena);
    }
    if (set)
        free(set->scripts);
    free(set);
}

const struct sc_script *sc_find(const struct sc_set *set, gw_str name)
{
    return find(set, name);
}

gw_str sc_name(const struct sc_script *s)
{
    return s->name;
}

const struct sc_fault *sc_broken(const struct sc_script *s)
{
    return s->root ? NULL : &s->fault;
}

gw_str sc_source_text(const struct sc_set *set, gw_str name)
{
    const struct sc_script *s = find(set, name);
    return s ? s->text : GW_NOSTR;
}

gw_str sc_missing(const struct sc_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        for (const struct sc_use *u = set->scripts[i].uses; u; u = u->next)
            if (!find(set, u->name))
                return u->name;
    return GW_NOSTR;
}
