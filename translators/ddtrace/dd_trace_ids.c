/* Completes 64-bit trace ids within a payload: collects the upper half for each lower half, and fills it into
 * spans that were written before it was known.
 *
 * The state is the request's struct dd_trace_ids. Called by dd_translate.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_trace_ids.h"

#include <stdlib.h>

bool dd_trace_ids_record(struct dd_trace_ids *t, uint64_t low, uint64_t high)
{
    enum { ROOM = sizeof t->last->records / sizeof *t->last->records };
    if (!t->last || t->last->n == ROOM) {
        struct dd_id_block *fresh = gw_arena_raw(t->keep, 1, sizeof *fresh);
        if (!fresh)
            return false;
        fresh->n = 0;
        fresh->next = NULL;
        if (t->last)
            t->last->next = fresh;
        else
            t->first = fresh;
        t->last = fresh;
    }
    t->last->records[t->last->n++] = (struct dd_id_record){low, high};
    t->records_n++;
    if (!low && high)
        t->half_of_zero = high;
    return true;
}

static int by_low(const void *a, const void *b)
{
    const struct dd_id_record *x = a, *y = b;
    return x->low < y->low ? -1 : x->low > y->low;
}

/* Sorts the records by lower half and keeps one per trace: its first upper half that is not zero. */
static struct dd_id_record *sort_records(const struct dd_trace_ids *t, size_t *n)
{
    struct dd_id_record *all = gw_arena_raw(t->keep, t->records_n, sizeof *all);
    *n = 0;
    if (!all)
        return NULL;
    for (const struct dd_id_block *l = t->first; l; l = l->next) {
        memcpy(all + *n, l->records, l->n * sizeof *all);
        *n += l->n;
    }
    qsort(all, *n, sizeof *all, by_low);
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (kept && all[kept - 1].low == all[i].low)
            all[kept - 1].high |= all[kept - 1].high ? 0 : all[i].high;
        else
            all[kept++] = all[i];
    *n = kept;
    return all;
}

/* The sources of upper halves. */
struct known {
    const struct dd_id_record *records;
    size_t n;
    struct gw_trace_ids *ids;
    gw_nsec now;
};

static bool find_upper_half(const struct known *k, uint64_t low, uint64_t *high)
{
    struct dd_id_record key = {.low = low};
    const struct dd_id_record *l = k->n ? bsearch(&key, k->records, k->n, sizeof key, by_low) : NULL;
    if (l)
        *high = l->high;
    return l || (k->ids && gw_trace_ids_find(k->ids, low, high, k->now));
}

static void complete_ids(struct dd_spans *s, const struct known *k)
{
    uint64_t low = 0, high = 0;
    bool found = false; /* spans of one trace are adjacent */
    for (struct dd_pending *p = s->first_pending; p; p = p->next) {
        if (p == s->first_pending || p->low != low) {
            low = p->low;
            high = 0;
            found = find_upper_half(k, low, &high);
        }
        p->resolved = found;
        uint64_t wire = __builtin_bswap64(high);
        memcpy(s->buf->data + p->offset, &wire, sizeof wire);
    }
}

bool dd_trace_ids_complete(struct dd_trace_ids *t, struct dd_groups *groups, struct gw_trace_ids *ids,
                           gw_nsec now)
{
    struct known k = {.ids = ids, .now = now};
    if (t->pending && t->records_n && !(k.records = sort_records(t, &k.n)))
        return false;
    for (struct dd_group *g = t->pending ? groups->first : NULL; g; g = g->next)
        for (struct dd_scope *s = g->scopes; s; s = s->next)
            for (int r = 0; r < GW_ATTRIBUTE_SCHEMAS; r++)
                complete_ids(&s->spans[r], &k);
    for (const struct dd_id_block *l = t->first; l && ids; l = l->next)
        for (size_t i = 0; i < l->n; i++)
            gw_trace_ids_learn(ids, l->records[i].low, l->records[i].high, now);
    return true;
}
