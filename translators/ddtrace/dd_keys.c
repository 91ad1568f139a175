/* Removes entries from a list of attributes that was just written: those whose key occurs again later, and
 * those with an empty key (dd_keys.h).
 *
 * Keeps no state. Called by dd_any.c, dd_links.c, dd_events.c and dd_struct.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_keys.h"

#include "translators/ddtrace/dd_strings.h"

#include <stdlib.h>

enum { FEW = 16 }; /* up to this many entries are compared pairwise */

void dd_keys_note(struct dd_keys *k, struct gw_arena *arena, const struct otlp_buf *w, gw_str key)
{
    if (k->n % FEW == 0 && (k->n & (k->n - 1)) == 0) { /* at 0, 16, 32, 64 … entries the array is full */
        struct dd_key_at *more = gw_arena_raw(arena, k->n ? 2 * k->n : FEW, sizeof *more);
        if (more && k->n)
            memcpy(more, k->list, k->n * sizeof *more);
        k->list = more;
    }
    if (k->list)
        k->list[k->n++] = (struct dd_key_at){key, w->len};
    else
        k->n = 0;
}

/* Keys with invalid UTF-8 are repaired, and two of them may become equal. */
static void repair_keys(struct dd_keys *k, struct gw_arena *arena)
{
    for (size_t i = 0; i < k->n; i++)
        k->list[i].key = dd_utf8(arena, k->list[i].key);
}

static bool comes_again(const struct dd_keys *k, size_t i)
{
    for (size_t later = i + 1; later < k->n; later++)
        if (gw_str_eq(k->list[later].key, k->list[i].key))
            return true;
    return false;
}

static int by_key(const void *a, const void *b)
{
    const struct dd_key_at *x = *(struct dd_key_at *const *)a, *y = *(struct dd_key_at *const *)b;
    size_t shorter = x->key.len < y->key.len ? x->key.len : y->key.len;
    int order = shorter ? memcmp(x->key.ptr, y->key.ptr, shorter) : 0;
    if (order || x->key.len != y->key.len)
        return order ? order : x->key.len < y->key.len ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Sorts the keys, so that a long hostile list does not take quadratic time. */
static void mark_many(const struct dd_keys *k, struct gw_arena *arena, bool *out)
{
    struct dd_key_at **order = gw_arena_raw(arena, k->n, sizeof *order);
    if (!order)
        return;
    for (size_t i = 0; i < k->n; i++)
        order[i] = &k->list[i];
    qsort(order, k->n, sizeof *order, by_key);
    for (size_t i = 0; i + 1 < k->n; i++)
        if (gw_str_eq(order[i]->key, order[i + 1]->key))
            out[order[i] - k->list] = true;
}

static void take_out(const struct dd_keys *k, struct otlp_buf *w, const bool *out)
{
    size_t to = k->list[0].at;
    for (size_t i = 0; i < k->n; i++) {
        size_t from = k->list[i].at, end = i + 1 < k->n ? k->list[i + 1].at : w->len;
        if (out[i])
            continue;
        if (to != from)
            memmove(w->data + to, w->data + from, end - from);
        to += end - from;
    }
    w->len = to;
}

void dd_keys_finish(struct dd_keys *k, struct gw_arena *arena, struct otlp_buf *w, const gw_str *without,
                    size_t without_n, struct dd_oddities *odd)
{
    bool *out = k->n ? gw_new(arena, bool, k->n) : NULL, some = false;
    if (!out || w->failed)
        return;
    repair_keys(k, arena);
    if (k->n > FEW)
        mark_many(k, arena, out);
    for (size_t i = 0; i < k->n; i++) {
        gw_str key = k->list[i].key;
        odd->empty_keys += !key.len;
        out[i] |= !key.len || (k->n <= FEW && comes_again(k, i)) || dd_is_among(key, without, without_n);
        some |= out[i];
    }
    if (some)
        take_out(k, w, out);
}
