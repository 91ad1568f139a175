/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_trace_ids.h"

#include <stdlib.h>

bool dd_join_learn(struct dd_join *j, uint64_t low, uint64_t high)
{
    enum { ROOM = sizeof j->last->lesson / sizeof *j->last->lesson };
    if (!j->last || j->last->n == ROOM) {
        struct dd_lessons *fresh = gw_arena_raw(j->keep, 1, sizeof *fresh);
        if (!fresh)
            return false;
        fresh->n = 0;
        fresh->next = NULL;
        if (j->last)
            j->last->next = fresh;
        else
            j->first = fresh;
        j->last = fresh;
    }
    j->last->lesson[j->last->n++] = (struct dd_lesson){low, high};
    j->lessons++;
    return true;
}

static int by_low(const void *a, const void *b)
{
    const struct dd_lesson *x = a, *y = b;
    return x->low < y->low ? -1 : x->low > y->low;
}

/* Sorted by low half; of one trace the lesson that says most stays. */
static struct dd_lesson *sorted(const struct dd_join *j, size_t *n)
{
    struct dd_lesson *all = gw_arena_raw(j->keep, j->lessons, sizeof *all);
    *n = 0;
    if (!all)
        return NULL;
    for (const struct dd_lessons *l = j->first; l; l = l->next) {
        memcpy(all + *n, l->lesson, l->n * sizeof *all);
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

struct known {
    const struct dd_lesson *lessons;
    size_t n;
    struct gw_trace_ids *ids;
    gw_nsec now;
};

static bool lookup(const struct known *k, uint64_t low, uint64_t *high)
{
    struct dd_lesson key = {.low = low};
    const struct dd_lesson *l = k->n ? bsearch(&key, k->lessons, k->n, sizeof key, by_low) : NULL;
    if (l)
        *high = l->high;
    return l || (k->ids && gw_trace_ids_find(k->ids, low, high, k->now));
}

static void resolve(struct dd_spans *s, const struct known *k)
{
    uint64_t low = 0, high = 0;
    bool found = false; /* spans of one trace stand next to each other */
    for (struct dd_pending *p = s->first_pending; p; p = p->next) {
        if (p == s->first_pending || p->low != low) {
            low = p->low;
            high = 0;
            found = lookup(k, low, &high);
        }
        p->resolved = found;
        uint64_t wire = __builtin_bswap64(high);
        memcpy(s->buf->data + p->offset, &wire, sizeof wire);
    }
}

bool dd_join_finish(struct dd_join *j, struct dd_groups *groups, struct gw_trace_ids *ids, gw_nsec now)
{
    struct known k = {.ids = ids, .now = now};
    if (j->pending && j->lessons && !(k.lessons = sorted(j, &k.n)))
        return false;
    for (struct dd_group *g = j->pending ? groups->first : NULL; g; g = g->next)
        for (struct dd_scope *s = g->scopes; s; s = s->next)
            for (int r = 0; r < GW_ATTRIBUTE_SCHEMAS; r++)
                resolve(&s->spans[r], &k);
    for (const struct dd_lessons *l = j->first; l && ids; l = l->next)
        for (size_t i = 0; i < l->n; i++)
            gw_trace_ids_learn(ids, l->lesson[i].low, l->lesson[i].high, now);
    return true;
}
