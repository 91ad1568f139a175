/* file_index.c: Implements the hash table, the list and the heap of file_index.h. The caller owns the entries.
 * Called by the file receiver's reader and its offset tracker.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/file/file_index.h"

#include <stdlib.h>
#include <string.h>

/* --- by key --- */

static size_t slots_n(const struct file_index *ix)
{
    return ix->more ? ix->more_n : FILE_INDEX_FIRST;
}

static struct file_index_link **slots_of(struct file_index *ix)
{
    return ix->more ? ix->more : ix->first;
}

/* Inodes and watches are consecutive small numbers: the product's upper bits distinguish them. `n` is a power
 * of two. */
static size_t slot_of(uint64_t key, size_t n)
{
    return (size_t)((key * 0x9e3779b97f4a7c15u) >> 32) & (n - 1);
}

static void grow(struct file_index *ix)
{
    size_t from_n = slots_n(ix), n = 4 * from_n;
    struct file_index_link **from = slots_of(ix), **more = calloc(n, sizeof(struct file_index_link *));
    if (!more)
        return;
    for (size_t i = 0; i < from_n; i++)
        for (struct file_index_link *l = from[i], *next; l; l = next) {
            size_t to = slot_of(l->key, n);
            next = l->next;
            l->next = more[to];
            more[to] = l;
        }
    free(ix->more);
    memset(ix->first, 0, sizeof ix->first);
    ix->more = more;
    ix->more_n = n;
}

void file_index_add(struct file_index *ix, struct file_index_link *l, uint64_t key, void *of)
{
    file_index_remove(ix, l);
    if (ix->n >= slots_n(ix))
        grow(ix);
    struct file_index_link **slot = &slots_of(ix)[slot_of(key, slots_n(ix))];
    *l = (struct file_index_link){.next = *slot, .key = key, .of = of};
    *slot = l;
    ix->n++;
}

void file_index_remove(struct file_index *ix, struct file_index_link *l)
{
    if (!l->of)
        return;
    struct file_index_link **at = &slots_of(ix)[slot_of(l->key, slots_n(ix))];
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    l->of = NULL;
    ix->n--;
}

static struct file_index_link *with_key(struct file_index_link *l, uint64_t key)
{
    while (l && l->key != key)
        l = l->next;
    return l;
}

struct file_index_link *file_index_find(const struct file_index *ix, uint64_t key)
{
    struct file_index_link *const *slots = ix->more ? ix->more : ix->first;
    return with_key(slots[slot_of(key, slots_n(ix))], key);
}

struct file_index_link *file_index_next(const struct file_index_link *l)
{
    return with_key(l->next, l->key);
}

void file_index_fini(struct file_index *ix)
{
    free(ix->more);
    *ix = (struct file_index){0};
}

/* --- in order --- */

void file_list_append(struct file_list *list, struct file_link *l, struct file_tail *t)
{
    file_list_remove(list, l);
    *l = (struct file_link){.prev = list->last, .tail = t};
    if (list->last)
        list->last->next = l;
    else
        list->first = l;
    list->last = l;
    list->n++;
}

void file_list_remove(struct file_list *list, struct file_link *l)
{
    if (!l->tail)
        return;
    *(l->prev ? &l->prev->next : &list->first) = l->next;
    *(l->next ? &l->next->prev : &list->last) = l->prev;
    *l = (struct file_link){0};
    list->n--;
}

struct file_tail *file_list_next(struct file_list *list)
{
    struct file_tail *t = list->first ? list->first->tail : NULL;
    if (t)
        file_list_remove(list, list->first);
    return t;
}

/* --- by time --- */

bool file_timers_reserve(struct file_timers *h, size_t n)
{
    if (n <= h->cap)
        return true;
    size_t cap = n > 2 * h->cap ? n : 2 * h->cap;
    struct file_timer **items = realloc(h->items, cap * sizeof(struct file_timer *));
    if (!items)
        return false;
    h->items = items;
    h->cap = cap;
    return true;
}

static void put_at(struct file_timers *h, size_t at, struct file_timer *timer)
{
    h->items[at - 1] = timer;
    timer->at = at;
}

/* To where those above are due earlier, and those below later. */
static void sift(struct file_timers *h, size_t at, struct file_timer *timer)
{
    for (; at > 1 && h->items[at / 2 - 1]->due > timer->due; at /= 2)
        put_at(h, at, h->items[at / 2 - 1]);
    for (size_t below; (below = 2 * at) <= h->n; at = below) {
        if (below < h->n && h->items[below]->due < h->items[below - 1]->due)
            below++;
        if (h->items[below - 1]->due >= timer->due)
            break;
        put_at(h, at, h->items[below - 1]);
    }
    put_at(h, at, timer);
}

static void take_out(struct file_timers *h, struct file_timer *timer)
{
    size_t at = timer->at;
    struct file_timer *last = h->items[--h->n];
    timer->at = 0;
    if (last != timer)
        sift(h, at, last);
}

void file_timers_set(struct file_timers *h, struct file_timer *timer, struct file_tail *t, gw_nsec due)
{
    if (due == GW_NEVER) {
        if (timer->at)
            take_out(h, timer);
        return;
    }
    if (timer->at && timer->due == due)
        return;
    timer->due = due;
    timer->tail = t;
    sift(h, timer->at ? timer->at : ++h->n, timer);
}

gw_nsec file_timers_first(const struct file_timers *h)
{
    return h->n ? h->items[0]->due : GW_NEVER;
}

struct file_tail *file_timers_next(struct file_timers *h, gw_nsec now)
{
    if (!h->n || h->items[0]->due > now)
        return NULL;
    struct file_timer *timer = h->items[0];
    take_out(h, timer);
    return timer->tail;
}

void file_timers_fini(struct file_timers *h)
{
    free(h->items);
    *h = (struct file_timers){0};
}
