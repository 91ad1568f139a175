/* Ends an interval: takes the cells of all shards, sorts them by resource and metric, writes them as frames
 * and offers these. Refused cells are kept for the next interval. Then it forgets series that are idle.
 *
 * A point is forgotten in three steps, because shards find points by their bytes and hold no reference:
 *     1  the flushing thread marks the point as forgettable       store's lock
 *     2  each shard that has a cell of the point clears the       that shard's lock
 *        mark; the other shards forget its bytes
 *     3  if the mark is still set, the point is freed             store's lock
 * A lookup of the point's id in between clears the mark (metric_points.c).
 *
 * Called by the receiver's flushing thread.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/base/random.h"
#include "translators/metrics/metric_store_internal.h"

/* --- life --- */

struct metric_store *metric_store_new(const struct metric_options *options, gw_nsec wall)
{
    struct metric_store *s = calloc(1, sizeof *s + options->shards * sizeof *s->shards);
    if (!s)
        return NULL;
    s->options = *options;
    s->seed = gw_random();
    s->interval_start = wall;
    gw_lock_init(&s->lock, GW_LOCK_METRIC_STORE);
    for (unsigned i = 0; i < options->shards; i++) {
        s->shards[i] = (struct metric_shard){.store = s, .number = i, .epoch = 1, .interval_start = wall};
        gw_lock_init(&s->shards[i].lock, GW_LOCK_METRIC_SHARD);
    }
    return s;
}

static void free_cells(struct metric_store *s, struct metric_cell *c)
{
    for (struct metric_cell *next; c; c = next) {
        next = c->next;
        metric_cell_free(s, c);
    }
}

static void shard_fini(struct metric_shard *s)
{
    free_cells(s->store, s->cells);
    for (size_t i = 0; i < s->aliases_cap; i++)
        metric_free(s->store, s->aliases[i].bytes, s->aliases[i].len);
    metric_free(s->store, s->aliases, s->aliases_cap * sizeof *s->aliases);
    gw_lock_fini(&s->lock);
}

void metric_store_drop(struct metric_store *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < s->options.shards; i++)
        shard_fini(&s->shards[i]);
    free_cells(s, s->held);
    metric_points_fini(s);
    gw_lock_fini(&s->lock);
    free(s);
}

const struct metric_counts *metric_store_counts(const struct metric_store *s)
{
    return &s->counts;
}

struct metric_shard *metric_store_shard(struct metric_store *s, unsigned number)
{
    return &s->shards[number];
}

/* --- cells --- */

static bool is_total(const struct metric_store *s, const struct metric_point *p)
{
    return s->options.cumulative && !p->time &&
           (p->metric->kind == METRIC_SUM || p->metric->kind == METRIC_HISTOGRAM ||
            p->metric->kind == METRIC_BUCKETS);
}

/* Merges a cell into the one that the point already has. Returns false if there is none yet, or no memory. */
static bool merge_into(struct metric_store *s, struct metric_cell **whole, struct metric_cell *c)
{
    if (!*whole) {
        *whole = c;
        return false;
    }
    if (!metric_cell_merge(s, *whole, c))
        return false;
    metric_cell_free(s, c);
    return true;
}

static void hold(struct metric_store *s, struct metric_cell *c)
{
    c->next = s->held;
    s->held = c;
}

/* A cell that does not fit into the total for lack of memory is dropped. Written alone, it would be taken for
 * the total. */
static void add_to_total(struct metric_store *s, struct metric_point *p, struct metric_cell *c)
{
    if (merge_into(s, &p->total, c) || p->total == c)
        return;
    /* only histograms can run out of memory here */
    atomic_fetch_add_explicit(&s->counts.no_memory, c->histogram.count, memory_order_relaxed);
    metric_cell_free(s, c);
}

/* True for a cell that got no sample because there was no memory. */
static bool is_empty(const struct metric_cell *c)
{
    enum metric_kind kind = c->point->metric->kind;
    return (kind == METRIC_HISTOGRAM && !c->histogram.count) || (kind == METRIC_SET && !c->set.n);
}

/* Adopts a cell of the interval that ends. */
static void take_cell(struct metric_store *s, struct metric_cell *c, gw_nsec wall)
{
    struct metric_point *p = c->point;
    p->last = wall;
    if (is_empty(c)) {
        metric_cell_free(s, c);
        return;
    }
    p->is_delivered = false;
    if (is_total(s, p))
        add_to_total(s, p, c);
    else if (!merge_into(s, &p->held, c))
        hold(s, c);
}

static struct metric_cell *end_interval(struct metric_shard *s, gw_nsec wall)
{
    gw_lock(&s->lock);
    struct metric_cell *cells = s->cells;
    s->cells = NULL;
    s->epoch++;
    s->interval_start = wall;
    gw_unlock(&s->lock);
    return cells;
}

static void take_cells(struct metric_store *s, gw_nsec wall)
{
    for (unsigned i = 0; i < s->options.shards; i++)
        for (struct metric_cell *c = end_interval(&s->shards[i], wall), *next; c; c = next) {
            next = c->next;
            take_cell(s, c, wall);
        }
    gw_lock(&s->lock);
    s->interval_start = wall;
    gw_unlock(&s->lock);
}

/* --- writing --- */

struct flush {
    struct metric_store *s;
    struct metric_writer writer;
    struct metric_resource *resources;
    struct metric_cell *written; /* cells in the open frame */
    metric_offer_f *offer;
    void *ctx;
};

/* Adds the cell to the list of its metric, and the metric to the list of its resource. */
static void sort_cell(struct flush *f, struct metric_cell *c)
{
    struct metric_metric *m = c->point->metric;
    struct metric_resource *r = m->resource;
    if (m->kind == METRIC_SUM && c->number < 0)
        m->has_negative = true;
    if (!m->to_write && !r->to_write) {
        r->next_to_write = f->resources;
        f->resources = r;
    }
    if (!m->to_write) {
        m->next_to_write = r->to_write;
        r->to_write = m;
    }
    c->next = m->to_write;
    m->to_write = c;
}

static void sort_cells(struct flush *f)
{
    struct metric_store *s = f->s;
    struct metric_cell *c = s->held;
    s->held = NULL;
    for (struct metric_cell *next; c; c = next) {
        next = c->next;
        sort_cell(f, c);
    }
    if (!s->options.cumulative)
        return;
    gw_lock(&s->lock);
    for (size_t i = 0; i < s->points.cap; i++)
        for (struct metric_node *n = s->points.chains[i]; n; n = n->next)
            if (((struct metric_point *)n)->total)
                sort_cell(f, ((struct metric_point *)n)->total);
    gw_unlock(&s->lock);
}

/* A delivered cell is freed, and one that was refused is kept. A total always stays with its point. */
static void settle(struct flush *f, struct metric_cell *c, bool delivered)
{
    struct metric_point *p = c->point;
    if (p->total == c)
        return;
    if (!delivered) {
        hold(f->s, c);
        return;
    }
    if (p->held == c)
        p->held = NULL;
    p->is_delivered = true;
    metric_cell_free(f->s, c);
}

static void settle_all(struct flush *f, struct metric_cell *c, bool delivered)
{
    for (struct metric_cell *next; c; c = next) {
        next = c->next;
        settle(f, c, delivered);
    }
}

static bool send_frame(struct flush *f)
{
    struct gw_frame *frame = metric_write_frame(&f->writer);
    bool delivered = frame && f->offer(f->ctx, frame) == GW_OK;
    settle_all(f, f->written, delivered);
    f->written = NULL;
    return delivered;
}

static bool write_metric(struct flush *f, struct metric_metric *m)
{
    bool good = true;
    while (good && m->to_write) {
        struct metric_cell *c = m->to_write;
        m->to_write = c->next;
        c->next = f->written;
        f->written = c;
        metric_write_point(&f->writer, c);
        if (f->writer.w.len >= GW_FRAME_BYTES || f->writer.w.failed)
            good = send_frame(f);
    }
    settle_all(f, m->to_write, false);
    m->to_write = NULL;
    return good;
}

static bool write_resources(struct flush *f)
{
    bool good = true;
    for (struct metric_resource *r = f->resources; r; r = r->next_to_write) {
        for (struct metric_metric *m = r->to_write; m; m = m->next_to_write)
            if (good)
                good = write_metric(f, m);
            else
                settle_all(f, m->to_write, false), m->to_write = NULL;
        r->to_write = NULL;
    }
    return good && f->written ? send_frame(f) : good;
}

/* --- what is forgotten --- */

/* A point with a time of its own gets no further samples, so it is idle as soon as it is delivered. */
static bool is_idle(const struct metric_point *p, gw_nsec wall)
{
    if (p->held)
        return false;
    return (p->time && p->is_delivered) || wall - p->last >= METRIC_IDLE;
}

static struct metric_point *mark_idle(struct metric_store *s, gw_nsec wall)
{
    struct metric_point *idle = NULL;
    gw_lock(&s->lock);
    for (size_t i = 0; i < s->points.cap; i++)
        for (struct metric_node *n = s->points.chains[i]; n; n = n->next) {
            struct metric_point *p = (struct metric_point *)n;
            if (!is_idle(p, wall))
                continue;
            atomic_store_explicit(&p->forgettable, true, memory_order_relaxed);
            p->next_idle = idle;
            idle = p;
        }
    gw_unlock(&s->lock);
    return idle;
}

static void ask_shard(struct metric_shard *s, struct metric_point *idle)
{
    gw_lock(&s->lock);
    for (struct metric_point *p = idle; p; p = p->next_idle)
        if (p->at[s->number].cell && p->at[s->number].epoch == s->epoch)
            atomic_store_explicit(&p->forgettable, false, memory_order_relaxed);
    metric_forget_aliases(s);
    gw_unlock(&s->lock);
}

static void forget_idle(struct metric_store *s, gw_nsec wall)
{
    struct metric_point *idle = mark_idle(s, wall);
    for (unsigned i = 0; idle && i < s->options.shards; i++)
        ask_shard(&s->shards[i], idle);
    gw_lock(&s->lock);
    for (struct metric_point *p = idle, *next; p; p = next) {
        next = p->next_idle;
        if (atomic_load_explicit(&p->forgettable, memory_order_relaxed))
            metric_point_free(s, p);
    }
    gw_unlock(&s->lock);
}

bool metric_store_flush(struct metric_store *s, gw_nsec wall, metric_offer_f *offer, void *ctx)
{
    struct flush f = {.s = s, .writer = {.store = s, .wall = wall}, .offer = offer, .ctx = ctx};
    take_cells(s, wall);
    sort_cells(&f);
    bool delivered = write_resources(&f);
    forget_idle(s, wall);
    return delivered;
}
