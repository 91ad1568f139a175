/* Groups spans by resource, and within it by scope: a hash table of identities, and the buffers that spans
 * are written into.
 *
 * A struct dd_groups belongs to one translator; its buffers are reused from request to request. Called by
 * dd_export.c, and by dd_translate.c at the end of the payload.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_group.h"

#include "translators/ddtrace/dd_hash.h"
#include "translators/ddtrace/dd_strings.h"

#include <stdlib.h>

enum {
    FIRST_SLOTS = 64,
    MAX_PROBES = 64,
    MAX_SCOPES = 64,
    IDENTITY_TEXTS = offsetof(struct dd_identity, payload) / sizeof(gw_str)
};

_Static_assert(sizeof(struct dd_identity) == IDENTITY_TEXTS * sizeof(gw_str) + sizeof(void *),
               "an identity is gw_strs and its payload");

void dd_groups_reset(struct dd_groups *g, struct gw_arena *keep, size_t keep_bytes)
{
    struct dd_buf **link = &g->spare;
    size_t kept = 0;
    while (*link)
        link = &(*link)->next;
    *link = g->used;
    for (link = &g->spare; *link;) {
        struct dd_buf *b = *link;
        b->w.len = 0;
        b->w.repaired = 0;
        b->w.failed = false;
        kept += b->w.cap;
        if (!b->w.cap || kept > keep_bytes) { /* without capacity there is nothing to keep */
            *link = b->next;
            otlp_fini(&b->w);
            free(b);
        } else {
            link = &b->next;
        }
    }
    *g = (struct dd_groups){.keep = keep, .spare = g->spare};
    g->last = NULL;
}

void dd_groups_fini(struct dd_groups *g)
{
    dd_groups_reset(g, g->keep, 0);
}

static uint64_t hash_of_identity(const struct dd_identity *id)
{
    const gw_str *s = (const gw_str *)id;
    uint64_t h = 0;
    for (int i = 0; i < IDENTITY_TEXTS; i++)
        h = h * 31 + dd_hash(s[i]);
    return h | 1;
}

static bool same_identity(const struct dd_identity *a, const struct dd_identity *b)
{
    const gw_str *s = (const gw_str *)a, *t = (const gw_str *)b;
    for (int i = 0; i < IDENTITY_TEXTS; i++)
        if (!dd_same(s[i], t[i]))
            return false;
    return a->payload == b->payload;
}

static void insert_group(struct dd_groups *g, struct dd_group *group)
{
    size_t i = group->hash & (g->slots - 1);
    for (int probe = 0; probe < MAX_PROBES; probe++, i = (i + 1) & (g->slots - 1))
        if (!g->table[i]) {
            g->table[i] = group;
            return;
        }
}

static bool grow_table(struct dd_groups *g)
{
    size_t slots = g->slots ? 2 * g->slots : FIRST_SLOTS;
    struct dd_group **table = gw_new(g->keep, struct dd_group *, slots);
    if (!table)
        return false;
    g->table = table;
    g->slots = slots;
    for (struct dd_group *group = g->first; group; group = group->next)
        insert_group(g, group);
    return true;
}

static struct dd_group *add_group(struct dd_groups *g, const struct dd_identity *id, uint64_t hash)
{
    if (2 * (g->n + 1) > g->slots && !grow_table(g))
        return NULL;
    struct dd_group *group = gw_new(g->keep, struct dd_group, 1);
    if (!group)
        return NULL;
    const gw_str *from = (const gw_str *)id;
    gw_str *to = (gw_str *)&group->id;
    for (int i = 0; i < IDENTITY_TEXTS; i++)
        to[i] = gw_arena_dup(g->keep, from[i]);
    if (g->keep->spent)
        return NULL;
    group->id.payload = id->payload;
    group->hash = hash;
    group->last_scope = &group->scopes;
    if (!g->last)
        g->last = &g->first;
    *g->last = group;
    g->last = &group->next;
    g->n++;
    insert_group(g, group);
    return group;
}

static struct dd_group *find_group(const struct dd_groups *g, const struct dd_identity *id, uint64_t hash)
{
    size_t i = hash & (g->slots - 1);
    for (int probe = 0; probe < MAX_PROBES && g->slots && g->table[i]; probe++, i = (i + 1) & (g->slots - 1))
        if (g->table[i]->hash == hash && same_identity(&g->table[i]->id, id))
            return g->table[i];
    return NULL;
}

bool dd_group_is(const struct dd_group *g, const struct dd_identity *id)
{
    return same_identity(&g->id, id);
}

struct dd_group *dd_group_of(struct dd_groups *g, const struct dd_identity *id)
{
    uint64_t hash = hash_of_identity(id);
    struct dd_group *group = find_group(g, id, hash);
    return group ? group : add_group(g, id, hash);
}

void dd_group_fact(struct dd_groups *g, struct dd_group *group, enum dd_fact fact, gw_str value)
{
    if (value.len && !group->facts[fact].len)
        group->facts[fact] = gw_arena_dup(g->keep, value);
}

static void merge_groups(struct dd_groups *g, struct dd_group *into, struct dd_group *from)
{
    for (int i = 0; i < DD_FACTS; i++)
        dd_group_fact(g, into, (enum dd_fact)i, from->facts[i]);
    *into->last_scope = from->scopes;
    if (from->scopes)
        into->last_scope = from->last_scope;
    from->scopes = NULL;
    from->into = into;
}

static bool fill_empty(gw_str *to, gw_str value)
{
    if (to->len || !value.len)
        return false;
    *to = value;
    return true;
}

static void hear_facts(struct dd_groups *g, struct dd_group *group, const struct dd_payload *said)
{
    for (int i = 0; i < DD_FACTS; i++)
        dd_group_fact(g, group, (enum dd_fact)i, said->facts[i]);
}

/* Adds facts about the process from `said` if the group does not have them. Returns true if that changed the
 * identity. */
static bool hear(struct dd_group *group, const struct dd_payload *said)
{
    struct dd_identity *id = &group->id;
    bool its_version = said->service.len ? dd_same(said->service, id->service) : !id->base_service.len;
    bool changed = fill_empty(&id->runtime_id, said->runtime_id);
    changed |= fill_empty(&id->host, said->host);
    changed |= fill_empty(&id->env, said->env);
    changed |= fill_empty(&id->language, said->language);
    changed |= its_version && fill_empty(&id->version, said->version);
    return changed;
}

/* Returns a copy in keep; invalid UTF-8 is repaired. */
static gw_str good_text(struct dd_groups *g, gw_str text)
{
    gw_str good = dd_utf8(g->keep, text);
    return good.ptr == text.ptr ? gw_arena_dup(g->keep, text) : good;
}

static gw_str sole_text(const struct dd_sole *s)
{
    return s->several ? GW_NOSTR : s->text;
}

/* Sets the tracer's version as the version of its components. */
static void complete_scopes(struct dd_groups *g, const struct dd_group *group)
{
    gw_str version = good_text(g, group->facts[DD_FACT_TRACER_VERSION]);
    for (struct dd_scope *s = group->scopes; s; s = s->next)
        if (!s->said.names_itself)
            s->version = version;
}

void dd_groups_complete(struct dd_groups *g, const struct dd_payload *others)
{
    bool changed = false;
    for (struct dd_group *group = g->first; group; group = group->next) {
        dd_payload_settle(group->id.payload); /* same payload as the group before: done already */
        changed |= hear(group, group->id.payload);
        changed |= fill_empty(&group->id.runtime_id, sole_text(&group->id.payload->sole_runtime_id));
        changed |= fill_empty(&group->id.host, sole_text(&group->id.payload->sole_host));
        changed |= hear(group, others);
        /* the headers first: dd-trace-java's contain "17.0.15", its payload "17" */
        hear_facts(g, group, others);
        hear_facts(g, group, group->id.payload);
        complete_scopes(g, group);
    }
    if (!changed || g->n < 2)
        return;
    memset(g->table, 0, g->slots * sizeof *g->table);
    for (struct dd_group *group = g->first; group; group = group->next) {
        group->hash = hash_of_identity(&group->id);
        struct dd_group *twin = find_group(g, &group->id, group->hash);
        if (twin)
            merge_groups(g, twin, group);
        else
            insert_group(g, group);
    }
}

static bool same_scope(const struct dd_scope_id *a, const struct dd_scope_id *b)
{
    return dd_same(a->name, b->name) && a->names_itself == b->names_itself && dd_same(a->version, b->version);
}

struct dd_scope *dd_scope_of(struct dd_groups *g, struct dd_group *group, const struct dd_scope_id *id)
{
    int n = 0;
    for (struct dd_scope *s = group->scopes; s; s = s->next, n++)
        if (same_scope(&s->said, id) || n == MAX_SCOPES)
            return s;
    struct dd_scope *s = gw_new(g->keep, struct dd_scope, 1);
    if (!s)
        return NULL;
    s->group = group;
    s->said = (struct dd_scope_id){gw_arena_dup(g->keep, id->name), gw_arena_dup(g->keep, id->version),
                                   id->names_itself};
    s->name = good_text(g, id->name);
    s->version = good_text(g, id->version);
    for (int r = 0; r < GW_ATTRIBUTE_SCHEMAS; r++)
        s->spans[r].last_pending = &s->spans[r].first_pending;
    *group->last_scope = s;
    group->last_scope = &s->next;
    return g->keep->spent ? NULL : s;
}

struct otlp_buf *dd_scope_buf(struct dd_groups *g, struct dd_scope *s, enum gw_attribute_schema r)
{
    if (s->spans[r].buf)
        return s->spans[r].buf;
    struct dd_buf *b = g->spare;
    if (b)
        g->spare = b->next;
    else
        b = calloc(1, sizeof *b);
    if (!b) {
        gw_budget_no_memory(g->keep->account);
        return NULL;
    }
    if (!b->w.cap)
        b->w.account = g->keep->account;
    b->next = g->used;
    g->used = b;
    return s->spans[r].buf = &b->w;
}

bool dd_scope_pending(struct dd_groups *g, struct dd_spans *spans, uint32_t offset, uint64_t low)
{
    struct dd_pending *p = gw_new(g->keep, struct dd_pending, 1);
    if (!p)
        return false;
    *p = (struct dd_pending){.low = low, .offset = offset};
    *spans->last_pending = p;
    spans->last_pending = &p->next;
    return true;
}
