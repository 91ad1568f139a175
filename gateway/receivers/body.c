/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/body.h"

#include <stdlib.h>

enum { FIRST = 16 * 1024 };

void gw_body_pool_init(struct gw_body_pool *p, struct gw_budget *budget, size_t limit, size_t keep)
{
    *p = (struct gw_body_pool){.budget = budget, .limit = limit, .keep = keep};
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

/* The share that a body of this capacity takes of what large bodies may have together. */
static bool fits(const struct gw_body_pool *p, size_t old_cap, size_t new_cap)
{
    size_t held = p->held - old_cap;
    size_t limit = new_cap > GW_BODY_SMALL ? p->limit - p->limit / 4 : p->limit;
    return held <= limit && new_cap <= limit - held;
}

/* The smallest unused buffer that holds `expect`, else the largest: it will have to grow the least. */
static void adopt(struct gw_body_pool *p, struct gw_body *b, size_t expect)
{
    size_t best = 0;
    for (size_t i = 1; i < p->kept_n; i++) {
        size_t have = p->kept[best].cap, cap = p->kept[i].cap;
        if (have < expect ? cap > have : cap >= expect && cap < have)
            best = i;
    }
    if (p->kept_n == 0 || !fits(p, 0, p->kept[best].cap))
        return;
    *b = take_kept(p, best);
    p->held += b->cap;
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
    size_t cap = 2 * b->cap > FIRST ? 2 * b->cap : FIRST;
    if (cap > expect)
        cap = expect;
    if (cap < need)
        cap = need;
    size_t more = cap - b->cap;
    if (!fits(p, b->cap, cap) || !charge(p, more))
        return false;
    char *data = realloc(b->data, cap);
    if (!data) {
        gw_budget_give(p->budget, more);
        return false;
    }
    p->held += more;
    b->data = data;
    b->cap = cap;
    return true;
}

void gw_body_release(struct gw_body_pool *p, struct gw_body *b)
{
    if (b->cap == 0)
        return;
    p->held -= b->cap;
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
