/* log_attrs.c: Collects the attributes of one record: writes each key once, as it is found. The keys are in a
 * short list, and in a hash table when there are many. A struct log_attrs belongs to a log_batch. Called by
 * the files that read records, and by log_batch.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_attrs.h"

#include "core/base/hash.h"

void log_attrs_begin(struct log_attrs *a, struct gw_arena *arena)
{
    a->w.len = 0;
    a->w.failed = false;
    a->arena = arena;
    a->seen = 0;
    a->n = 0;
    a->slots = 0;
}

struct log_attrs_mark log_attrs_here(const struct log_attrs *a)
{
    return (struct log_attrs_mark){a->w.len, a->n, a->seen};
}

void log_attrs_back(struct log_attrs *a, struct log_attrs_mark mark)
{
    a->w.len = mark.len;
    if (a->slots)
        return;
    a->n = mark.n;
    a->seen = mark.seen;
}

/* The key's slot in the table: its own, or a free one. */
static gw_str *key_slot(const struct log_attrs *a, gw_str key, uint64_t hash)
{
    size_t at = hash & (a->slots - 1);
    while (a->table[at].ptr && !gw_str_eq(a->table[at], key))
        at = (at + 1) & (a->slots - 1);
    return &a->table[at];
}

static void put_key(struct log_attrs *a, gw_str key)
{
    gw_str *at = key_slot(a, key, gw_hash_text(a->seed, key));
    *at = key.ptr ? key : GW_STR("");
}

/* A table of at least twice the keys. */
static bool grow_table(struct log_attrs *a)
{
    const gw_str *old = a->slots ? a->table : a->few;
    size_t old_n = a->slots ? a->slots : a->n, slots = a->slots ? 2 * a->slots : 4 * LOG_ATTRS_FEW;
    gw_str *table = gw_new(a->arena, gw_str, slots);
    if (!table)
        return false;
    a->table = table;
    a->slots = slots;
    for (size_t i = 0; i < old_n; i++)
        if (old[i].ptr)
            put_key(a, old[i]);
    return true;
}

static bool key_is_known(const struct log_attrs *a, gw_str key, uint64_t hash)
{
    if (a->slots)
        return key_slot(a, key, hash)->ptr;
    for (size_t i = 0; i < a->n; i++)
        if (gw_str_eq(a->few[i], key))
            return true;
    return false;
}

bool log_attrs_claim(struct log_attrs *a, gw_str key)
{
    uint64_t hash = gw_hash_text(a->seed, key), bit = UINT64_C(1) << (hash >> 32 & 63);
    if (a->seen & bit && key_is_known(a, key, hash))
        return false;
    bool full = a->slots ? 2 * a->n >= a->slots : a->n == LOG_ATTRS_FEW;
    if (full && !grow_table(a))
        return false;
    a->seen |= bit;
    if (a->slots)
        put_key(a, key);
    else
        a->few[a->n] = key.ptr ? key : GW_STR("");
    a->n++;
    return true;
}
