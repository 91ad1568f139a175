/* Finds the keys of a list that stand there again later, and those that are empty (dd_keys.h).
 *
 * Keeps no state. Called by dd_any.c, dd_links.c and dd_events.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_keys.h"

#include <stdlib.h>

enum { FEW = 16 }; /* up to so many, each is compared with each */

bool dd_keys_add(struct dd_keys *k, struct gw_arena *arena, gw_str key)
{
    if (k->n % FEW == 0 && (k->n & (k->n - 1)) == 0) { /* 0, 16, 32, 64 …: the room is full */
        gw_str *more = gw_arena_raw(arena, k->n ? 2 * k->n : FEW, sizeof *more);
        if (more && k->n)
            memcpy(more, k->keys, k->n * sizeof *more);
        k->keys = more;
    }
    if (!k->keys)
        return false;
    k->keys[k->n++] = key;
    return true;
}

static bool repair_key(struct gw_arena *arena, gw_str *key)
{
    char *copy = gw_arena_raw(arena, key->len, 3);
    if (copy)
        *key = gw_str_n(copy, gw_utf8_repair(*key, copy));
    return copy;
}

static bool comes_again(const struct dd_keys *k, size_t i)
{
    for (size_t later = i + 1; later < k->n; later++)
        if (gw_str_eq(k->keys[later], k->keys[i]))
            return true;
    return false;
}

/* A key and where it stands. */
struct place {
    gw_str key;
    size_t at;
};

static int by_key(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    size_t shorter = x->key.len < y->key.len ? x->key.len : y->key.len;
    int order = shorter ? memcmp(x->key.ptr, y->key.ptr, shorter) : 0;
    if (order || x->key.len != y->key.len)
        return order ? order : x->key.len < y->key.len ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Sorted, so that a long list that somebody made up costs no more than its length says. */
static bool settle_many(struct dd_keys *k, struct gw_arena *arena)
{
    struct place *all = gw_arena_raw(arena, k->n, sizeof *all);
    if (!all)
        return false;
    for (size_t i = 0; i < k->n; i++)
        all[i] = (struct place){k->keys[i], i};
    qsort(all, k->n, sizeof *all, by_key);
    for (size_t i = 0; i + 1 < k->n; i++)
        if (gw_str_eq(all[i].key, all[i + 1].key))
            k->left_out[all[i].at] = true;
    return true;
}

static bool repair_keys(struct dd_keys *k, struct gw_arena *arena, struct dd_oddities *odd)
{
    for (size_t i = 0; i < k->n; i++) {
        if (gw_utf8_valid(k->keys[i]))
            continue;
        if (!repair_key(arena, &k->keys[i]))
            return false;
        odd->repaired_text++;
    }
    return true;
}

bool dd_keys_settle(struct dd_keys *k, struct gw_arena *arena, struct dd_oddities *odd)
{
    if (!k->n)
        return true;
    k->left_out = gw_new(arena, bool, k->n);
    if (!k->left_out || !repair_keys(k, arena, odd) || (k->n > FEW && !settle_many(k, arena)))
        return false;
    for (size_t i = 0; i < k->n; i++) {
        bool empty = k->keys[i].len == 0;
        odd->empty_keys += empty;
        k->left_out[i] |= empty || (k->n <= FEW && comes_again(k, i));
    }
    return true;
}
