/* body.c: keeps buffers of request bodies. They grow as bytes arrive, are charged to the memory budget, and
 * are kept for the next request. Each worker owns one pool. http_request.c takes and releases bodies.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/body.h"

#include <stdlib.h>

void gw_body_pool_init(struct gw_body_pool *p, struct gw_budget *budget, struct gw_budget *bodies,
                       size_t keep)
{
    *p = (struct gw_body_pool){.budget = budget, .bodies = bodies, .keep = keep};
}

size_t gw_body_most(const struct gw_budget *bodies)
{
    return bodies->limit - bodies->limit / 4;
}

void gw_body_pool_fini(struct gw_body_pool *p)
{
    gw_body_pool_trim(p, 0);
}

static struct gw_body take_kept(struct gw_body_pool *p, size_t i)
{
    struct gw_body b = p->kept[i];
    p->kept[i] = p->kept[--p->kept_n];
    p->kept_bytes -= b.cap;
    return b;
}

static void free_kept(struct gw_body_pool *p, size_t i)
{
    struct gw_body b = take_kept(p, i);
    gw_budget_give(p->budget, b.cap);
    free(b.data);
}

void gw_body_pool_trim(struct gw_body_pool *p, size_t keep)
{
    while (p->kept_bytes > keep) {
        size_t largest = 0;
        for (size_t i = 1; i < p->kept_n; i++)
            if (p->kept[i].cap > p->kept[largest].cap)
                largest = i;
        free_kept(p, largest);
    }
}

/* Charges n more bytes of a body whose buffer then has `cap` bytes. */
static bool take(struct gw_body_pool *p, size_t n, size_t cap)
{
    if (!gw_budget_take(p->bodies, n))
        return false;
    if (cap <= GW_BODY_SMALL ||
        atomic_load_explicit(&p->bodies->used, memory_order_relaxed) <= gw_body_most(p->bodies))
        return true;
    gw_budget_give(p->bodies, n);
    return false;
}

/* Takes the smallest unused buffer that holds `expect` bytes; if there is none, the largest, because it has
 * to grow least. */
static void adopt(struct gw_body_pool *p, struct gw_body *b, size_t expect)
{
    size_t best = 0;
    for (size_t i = 1; i < p->kept_n; i++) {
        size_t have = p->kept[best].cap, cap = p->kept[i].cap;
        if (have < expect ? cap > have : cap >= expect && cap < have)
            best = i;
    }
    if (p->kept_n && take(p, p->kept[best].cap, expect))
        *b = take_kept(p, best);
}

static bool charge(struct gw_body_pool *p, size_t n)
{
    if (gw_budget_take(p->budget, n))
        return true;
    gw_body_pool_trim(p, 0);
    return gw_budget_take(p->budget, n);
}

bool gw_body_grow(struct gw_body_pool *p, struct gw_body *b, size_t need, size_t expect)
{
    if (b->cap == 0)
        adopt(p, b, expect);
    if (need <= b->cap)
        return true;
    size_t cap = 2 * b->cap > GW_BODY_FIRST ? 2 * b->cap : GW_BODY_FIRST;
    if (cap > expect)
        cap = expect;
    if (cap < need)
        cap = need;
    size_t more = cap - b->cap;
    if (!take(p, more, cap))
        return false;
    bool charged = charge(p, more);
    char *data = charged ? realloc(b->data, cap) : NULL;
    if (!data) {
        gw_budget_give(p->bodies, more);
        gw_budget_give(p->budget, charged ? more : 0);
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void gw_body_release(struct gw_body_pool *p, struct gw_body *b)
{
    if (b->cap == 0)
        return;
    gw_budget_give(p->bodies, b->cap);
    b->len = 0;
    if (p->kept_n < GW_BODY_KEPT && b->cap <= p->keep - p->kept_bytes) {
        p->kept[p->kept_n++] = *b;
        p->kept_bytes += b->cap;
    } else {
        gw_budget_give(p->budget, b->cap);
        free(b->data);
    }
    *b = (struct gw_body){0};
}
