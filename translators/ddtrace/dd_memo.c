/* A cache of obfuscated queries, by the text that the tracer sent (dd_memo.h).
 *
 * One per translator; results are in its arena. Called by dd_semconv_db.c, and by dd_translate.c between
 * requests.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_memo.h"

#include "translators/ddtrace/dd_hash.h"

enum { MAX_CHAIN = 8 };

void dd_memo_init(struct dd_memo *m)
{
    memset(m, 0, sizeof *m);
    gw_arena_init(&m->arena, DD_MEMO_BYTES);
}

void dd_memo_fini(struct dd_memo *m)
{
    gw_arena_fini(&m->arena);
}

void dd_memo_tidy(struct dd_memo *m)
{
    if (!m->arena.spent)
        return;
    gw_arena_reset(&m->arena, DD_MEMO_BYTES);
    memset(m->slots, 0, sizeof m->slots);
}

const struct dd_query *dd_memo_get(const struct dd_memo *m, unsigned how, gw_str raw, uint64_t *hash)
{
    *hash = dd_hash(raw);
    for (const struct dd_memo_entry *e = m->slots[*hash % DD_MEMO_SLOTS]; e; e = e->next)
        if (e->hash == *hash && e->how == how && gw_str_eq(e->raw, raw))
            return &e->query;
    return NULL;
}

static bool chain_is_full(const struct dd_memo_entry *e)
{
    int n = 0;
    for (; e; e = e->next)
        n++;
    return n >= MAX_CHAIN;
}

const struct dd_query *dd_memo_put(struct dd_memo *m, unsigned how, gw_str raw, uint64_t hash,
                                   const struct dd_query *q)
{
    struct dd_memo_entry **slot = &m->slots[hash % DD_MEMO_SLOTS];
    if (m->arena.spent || raw.len > DD_MEMO_TEXT || chain_is_full(*slot))
        return NULL;
    struct dd_memo_entry *e = gw_new(&m->arena, struct dd_memo_entry, 1);
    if (!e)
        return NULL;
    e->hash = hash;
    e->how = how;
    e->raw = gw_arena_dup(&m->arena, raw);
    e->query.text = gw_arena_dup(&m->arena, q->text);
    e->query.operation = gw_arena_dup(&m->arena, q->operation);
    e->query.collection = gw_arena_dup(&m->arena, q->collection);
    e->query.summary = gw_arena_dup(&m->arena, q->summary);
    if (m->arena.spent)
        return NULL;
    e->next = *slot;
    *slot = e;
    return &e->query;
}
