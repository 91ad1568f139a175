/* Finds points and resources by their bytes, and writes them as OTLP.
 *
 * The state is the caller's struct dd_stats_points. Called by dd_stats.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_stats_points.h"

#include "core/base/hash.h"
#include "core/base/random.h"
#include "translators/ddtrace/dd_semconv.h"
#include "translators/metrics/metric_wire.h"
#include "translators/metrics/span_duration_metric.h"

enum { FIRST_SLOTS = 64 };

void dd_stats_points_init(struct dd_stats_points *p, struct gw_arena *arena)
{
    *p = (struct dd_stats_points){.arena = arena, .seed = gw_random()};
    p->resources.last = &p->resources.first;
    p->points.last = &p->points.first;
}

void dd_stats_points_fini(struct dd_stats_points *p)
{
    for (struct dd_stats_node *n = p->points.first; n; n = n->next)
        exphist_fini(&((struct dd_stats_point *)n)->histogram);
}

/* --- tables --- */

static bool grow(struct dd_stats_table *t, struct gw_arena *arena)
{
    if (t->n < t->cap)
        return true;
    size_t cap = t->cap ? 2 * t->cap : FIRST_SLOTS;
    struct dd_stats_node **slots = gw_new(arena, struct dd_stats_node *, cap);
    if (!slots)
        return false;
    for (struct dd_stats_node *n = t->first; n; n = n->next) {
        n->chain = slots[n->hash & (cap - 1)];
        slots[n->hash & (cap - 1)] = n;
    }
    t->slots = slots;
    t->cap = cap;
    return true;
}

/* Returns a new node of `size` bytes; NULL: no memory. */
static void *insert(struct dd_stats_table *t, struct gw_arena *arena, uint64_t hash, gw_str bytes,
                    size_t size)
{
    struct dd_stats_node *n = grow(t, arena) ? gw_arena_array(arena, 1, size) : NULL;
    if (!n)
        return NULL;
    struct dd_stats_node **slot = &t->slots[hash & (t->cap - 1)];
    *n = (struct dd_stats_node){.chain = *slot, .hash = hash, .bytes = gw_arena_dup(arena, bytes)};
    if (arena->spent)
        return NULL;
    *slot = n;
    *t->last = n;
    t->last = &n->next;
    t->n++;
    return n;
}

static struct dd_stats_node *first_of(const struct dd_stats_table *t, uint64_t hash)
{
    return t->cap ? t->slots[hash & (t->cap - 1)] : NULL;
}

static bool is(const struct dd_stats_node *n, uint64_t hash, gw_str bytes)
{
    return n->hash == hash && gw_str_eq(n->bytes, bytes);
}

struct dd_stats_resource *dd_stats_resource(struct dd_stats_points *p, gw_str message)
{
    uint64_t hash = gw_hash_mix(gw_hash_text(p->seed, message));
    for (struct dd_stats_node *n = first_of(&p->resources, hash); n; n = n->chain)
        if (is(n, hash, message))
            return (struct dd_stats_resource *)n;
    struct dd_stats_resource *r = insert(&p->resources, p->arena, hash, message, sizeof *r);
    if (r)
        r->last = &r->first;
    return r;
}

struct dd_stats_point *dd_stats_point(struct dd_stats_points *p, struct dd_stats_resource *r, uint64_t start,
                                      uint64_t end, gw_str attributes)
{
    uint64_t hash = gw_hash_mix(gw_hash_text(r->node.hash ^ start, attributes) + end);
    for (struct dd_stats_node *n = first_of(&p->points, hash); n; n = n->chain) {
        struct dd_stats_point *at = (struct dd_stats_point *)n;
        if (is(n, hash, attributes) && at->resource == r && at->start == start && at->end == end)
            return at;
    }
    struct dd_stats_point *point = insert(&p->points, p->arena, hash, attributes, sizeof *point);
    if (!point)
        return NULL;
    point->resource = r;
    point->start = start;
    point->end = end;
    exphist_init(&point->histogram, p->arena->account);
    *r->last = point;
    r->last = &point->next_written;
    return point;
}

/* --- OTLP --- */

struct writer {
    struct otlp_buf w;
    uint32_t items;
    struct gw_frame **frames;
    size_t n, max;
    size_t resource, scope, metric, data; /* marks of open messages */
};

static void open_resource(struct writer *o, const struct dd_stats_resource *r)
{
    o->resource = otlp_open(&o->w, RESOURCE_METRICS, 3);
    otlp_bytes(&o->w, RM_RESOURCE, r->node.bytes);
    o->scope = otlp_open(&o->w, RM_SCOPE_METRICS, 3);
    size_t scope = otlp_open(&o->w, SM_SCOPE, 1);
    otlp_bytes(&o->w, SCOPE_NAME, GW_STR(SPAN_DURATION_SCOPE));
    otlp_close(&o->w, scope, 1);
    o->metric = otlp_open(&o->w, SM_METRICS, 3);
    otlp_bytes(&o->w, METRIC_NAME, GW_STR(SPAN_DURATION_NAME));
    otlp_bytes(&o->w, METRIC_UNIT, GW_STR(SPAN_DURATION_UNIT));
    o->data = otlp_open(&o->w, METRIC_IS_EXPONENTIAL, 3);
}

static void close_resource(struct writer *o)
{
    otlp_uint(&o->w, DATA_TEMPORALITY, TEMPORALITY_DELTA);
    otlp_close(&o->w, o->data, 3);
    otlp_close(&o->w, o->metric, 3);
    otlp_close(&o->w, o->scope, 3);
    otlp_bytes(&o->w, RM_SCHEMA_URL, GW_STR(DD_SCHEMA_URL));
    otlp_close(&o->w, o->resource, 3);
}

static void put_point(struct writer *o, const struct dd_stats_point *p)
{
    size_t point = otlp_open(&o->w, DATA_POINTS, 2);
    otlp_append(&o->w, p->node.bytes);
    otlp_fixed64(&o->w, NUMBER_START, p->start);
    otlp_fixed64(&o->w, NUMBER_TIME, p->end);
    metric_put_histogram(&o->w, &p->histogram);
    otlp_close(&o->w, point, 2);
    o->items++;
}

static bool end_frame(struct writer *o)
{
    if (!o->items)
        return true;
    if (o->w.failed || o->n == o->max)
        return false;
    struct gw_frame *f = gw_frame_new(GW_METRICS, GW_OTEL, o->w.data, o->w.len, o->w.cap, o->items);
    if (!f) {
        gw_budget_no_memory(o->w.account);
        return false;
    }
    f->budget = o->w.account; /* the writer's budget pays until the frame is offered */
    f->charged = o->w.cap;
    o->w = (struct otlp_buf){.account = o->w.account};
    o->frames[o->n++] = f;
    o->items = 0;
    return true;
}

static bool put_resource(struct writer *o, const struct dd_stats_resource *r)
{
    bool good = true;
    for (const struct dd_stats_point *p = r->first; good && p;) {
        open_resource(o, r);
        do
            put_point(o, p);
        while ((p = p->next_written) && o->w.len < GW_FRAME_BYTES && !o->w.failed);
        close_resource(o);
        if (o->w.len >= GW_FRAME_BYTES || o->w.failed)
            good = end_frame(o);
    }
    return good;
}

bool dd_stats_write(const struct dd_stats_points *p, struct gw_frame **frames, size_t max, size_t *n)
{
    struct writer o = {.frames = frames, .max = max, .w.account = p->arena->account};
    bool good = true;
    for (struct dd_stats_node *r = p->resources.first; good && r; r = r->next)
        good = put_resource(&o, (struct dd_stats_resource *)r);
    good = good && end_frame(&o);
    while (!good && o.n)
        gw_frame_drop(frames[--o.n]);
    otlp_fini(&o.w);
    *n = o.n;
    return good;
}
