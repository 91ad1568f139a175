/* Samples of span durations: collected while a request is translated, with their weights, and put into the
 * metric store when the request is accepted (dd_durations.h).
 *
 *     sample ─▶ counted: a class and a group ─▶ at the end its resource ─▶ at the commit its point
 *
 * A struct dd_durations belongs to one receiver thread. Called by dd_translate.c, dd_export.c and the receiver.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_durations.h"

#include <stdlib.h>

#include "translators/metrics/span_duration_metric.h"

enum {
    KEEP_REQUEST = 64 * 1024,
    RECENT = 128,
    BLOCK = 128,
    POINTS = 1024,
    RESOURCE_SLOTS = 256,
    RESOURCE_BYTES = 512 * 1024
};
/* per request; the number comes from the client, so it is limited */
static const uint64_t MOST_DROPPED = 10 * 1000 * 1000;

/* How many spans one span of a chunk stands for: base, plus its share of the traces that the tracer
 * dropped. */
struct weight {
    double base, odds;
};

/* A resource for which points were written. Its number is never used again. */
struct resource {
    uint64_t hash, number; /* number 0: a free slot */
    gw_str bytes;
    struct resource *next;
};

/* Spans of one class in one group of the request. */
struct counted {
    const struct dd_class *class;
    struct dd_group *group;
    const struct resource *resource; /* NULL: not counted */
    struct metric_point *point;
    uint64_t samples;
    struct counted *next;
};

struct sample {
    struct counted *of;
    const struct weight *weight;
    int64_t duration;
};

struct block {
    struct block *next;
    size_t n;
    struct sample samples[BLOCK];
};

/* A point that got a sample in this interval. */
struct known_point {
    const struct dd_class *class;
    uint64_t resource;
    uint32_t epoch;
    struct metric_point *point;
};

struct dd_durations {
    const struct dd_labels *labels;
    struct dd_classes classes;
    struct gw_arena resources_arena;
    struct resource *resources[RESOURCE_SLOTS];
    uint64_t last_resource;
    struct known_point points[POINTS];
    /* Of the current request. */
    struct gw_arena arena;
    bool off, alone, computed_top;
    uint64_t dropped, lost;
    double odds; /* sum over all chunks */
    struct counted *counted, **last_counted, *recent[RECENT];
    struct block *first, *last;
    const struct weight *weight; /* of the current chunk; NULL: the chunk is not counted */
    bool synthetics;
};

/* ---- life ---- */

struct dd_durations *dd_durations_new(const struct dd_labels *labels, struct gw_budget *account)
{
    struct dd_durations *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->labels = labels;
    dd_classes_init(&d->classes, account);
    gw_arena_init(&d->resources_arena, RESOURCE_BYTES);
    d->resources_arena.account = account;
    gw_arena_init(&d->arena, 0);
    return d;
}

void dd_durations_drop(struct dd_durations *d)
{
    if (!d)
        return;
    dd_classes_fini(&d->classes);
    gw_arena_fini(&d->resources_arena);
    gw_arena_fini(&d->arena);
    free(d);
}

void dd_durations_forget(struct dd_durations *d)
{
    gw_arena_reset(&d->arena, KEEP_REQUEST);
    d->counted = NULL;
    d->last_counted = &d->counted;
    memset(d->recent, 0, sizeof d->recent);
    d->first = d->last = NULL;
    d->weight = NULL;
    d->odds = 0;
    d->lost = d->dropped = 0;
}

/* Makes room by forgetting, if there is no room for more. */
static void tidy(struct dd_durations *d)
{
    bool forgot = dd_classes_tidy(&d->classes);
    if (d->resources_arena.spent) {
        gw_arena_reset(&d->resources_arena, RESOURCE_BYTES);
        memset(d->resources, 0, sizeof d->resources);
        forgot = true;
    }
    if (forgot)
        memset(d->points, 0, sizeof d->points);
}

void dd_durations_begin(struct dd_durations *d, const struct dd_request *r, bool alone,
                        const struct gw_arena *arena)
{
    dd_durations_forget(d);
    if (d->arena.account != arena->account)
        gw_arena_reset(&d->arena, 0);
    d->arena.account = arena->account;
    d->arena.budget = arena->budget;
    tidy(d);
    d->alone = alone;
    d->off = r->computed_stats && !alone;
    d->computed_top = r->computed_top_level;
    d->dropped = r->dropped_p0_traces < MOST_DROPPED ? r->dropped_p0_traces : MOST_DROPPED;
}

/* ---- chunks ---- */

/* True if the agent leaves the statistics to the receiver of its spans. */
static bool asks_for_statistics(const struct dd_span *root)
{
    for (size_t i = 0; i < root->meta_n; i++)
        if (gw_str_eq(root->meta[i].key, GW_STR("_dd.compute_stats")))
            return gw_str_eq(root->meta[i].value, GW_STR("1"));
    return false;
}

/* Returns how many spans one span stands for if one in 1 / rate was kept. A rate that is too low to be meant
 * is ignored. */
static double times(double rate)
{
    static const double least = 1e-12;
    return rate >= least && rate < 1 ? 1 / rate : 1;
}

static struct weight weigh(const struct dd_durations *d, const struct dd_scanned *c)
{
    double rate = dd_sampling_rate(&c->sampling, c->trace_id);
    struct weight w = {.base = 1};
    if (c->chunk->delivered)
        w.base = times(rate);
    else if (c->client_rate > 0 && c->client_rate < 1)
        w.base = times(c->client_rate);
    else if (d->dropped && !c->rejected)
        w.odds = times(rate) - 1;
    return w;
}

void dd_durations_chunk(struct dd_durations *d, const struct dd_scanned *c)
{
    d->weight = NULL;
    bool counted_by_agent =
        c->chunk->delivered && !d->alone && !asks_for_statistics(&c->chunk->spans[c->local_root]);
    if (d->off || counted_by_agent)
        return;
    struct weight *w = gw_arena_raw(&d->arena, 1, sizeof *w);
    if (!w) {
        d->lost += c->chunk->n;
        return;
    }
    *w = weigh(d, c);
    d->odds += w->odds;
    d->weight = w;
    d->synthetics = gw_str_starts(c->sampling.origin, GW_STR("synthetics"));
}

bool dd_durations_wanted(const struct dd_durations *d)
{
    return d->weight;
}

/* ---- spans ---- */

static bool is_trace_root(const struct dd_span *s)
{
    return s->parent_id == 0 || s->parent_id == s->span_id;
}

/* The tracer marks top-level spans. If it does not, a span is top-level if its parent is of another service
 * or process. */
static bool is_top(const struct dd_durations *d, struct dd_scanned *c, const struct dd_span *s, bool said,
                   struct gw_arena *arena)
{
    if (said || d->computed_top || c->chunk->delivered)
        return said;
    const struct dd_span *parent = is_trace_root(s) ? NULL : dd_scan_find(c, arena, s->parent_id);
    return !parent || !dd_same(parent->service, s->service);
}

static struct counted *counted_of(struct dd_durations *d, const struct dd_class *class,
                                  struct dd_group *group)
{
    struct counted **recent =
        &d->recent[dd_hash_fold((uintptr_t) class, (uintptr_t)group ^ 0x9E3779B97F4A7C15u) % RECENT];
    if (*recent && (*recent)->class == class && (*recent)->group == group)
        return *recent;
    struct counted *c = gw_new(&d->arena, struct counted, 1);
    if (!c)
        return NULL;
    *c = (struct counted){.class = class, .group = group};
    *d->last_counted = c; /* in order of first appearance, so that series are created in that order */
    d->last_counted = &c->next;
    return *recent = c;
}

static struct sample *new_sample(struct dd_durations *d)
{
    if (!d->last || d->last->n == BLOCK) {
        struct block *b = gw_arena_raw(&d->arena, 1, sizeof *b);
        if (!b)
            return NULL;
        b->next = NULL;
        b->n = 0;
        if (d->last)
            d->last->next = b;
        else
            d->first = b;
        d->last = b;
    }
    return &d->last->samples[d->last->n++];
}

static void count_span(struct dd_durations *d, const struct dd_class *class, struct dd_group *group,
                       const struct dd_span *s)
{
    struct counted *c = class ? counted_of(d, class, group) : NULL;
    struct sample *sample = c ? new_sample(d) : NULL;
    if (!sample) {
        d->lost++;
        return;
    }
    *sample = (struct sample){c, d->weight, s->duration};
    c->samples++;
}

static struct dd_class_of class_of(const struct dd_durations *d, const struct dd_span *s, gw_str resource,
                                   bool top)
{
    return (struct dd_class_of){.service = s->service,
                                .operation = s->name,
                                .resource = resource.len ? resource : s->name,
                                .type = s->type,
                                .error = s->error != 0,
                                .top = top,
                                .root = is_trace_root(s),
                                .synthetics = d->synthetics};
}

static const struct dd_class *make_planned(struct dd_durations *d, const struct dd_plan *p,
                                           const struct dd_span *s, bool top, struct gw_arena *arena)
{
    struct dd_labelled said;
    dd_label_plan(&said, d->labels, p, arena);
    const struct dd_class_of of = class_of(d, s, p->safe_resource, top);
    return dd_class_of(&d->classes, d->labels, &said, &of, &d->arena);
}

static void learn_planned(const struct dd_durations *d, struct dd_plan *p, struct gw_arena *arena)
{
    struct dd_labelled said;
    dd_label_plan(&said, d->labels, p, arena);
    p->classes = (struct dd_planned_classes){.generation = d->classes.generation,
                                             .top = said.top && !said.partial,
                                             .partial = said.partial,
                                             .anywhere = dd_counts_anywhere(&said)};
}

void dd_durations_planned(struct dd_durations *d, struct dd_scanned *c, size_t i, struct dd_plan *p,
                          struct dd_group *group, struct gw_arena *arena)
{
    const struct dd_span *s = &c->chunk->spans[i];
    if (!d->weight)
        return;
    if (p->classes.generation != d->classes.generation)
        learn_planned(d, p, arena);
    if (p->classes.partial)
        return;
    bool top = is_top(d, c, s, p->classes.top, arena);
    if (!top && !p->classes.anywhere)
        return;
    const struct dd_class **known = &p->classes.of[top | is_trace_root(s) << 1], *class = *known;
    if (!class || d->synthetics) {
        class = make_planned(d, p, s, top, arena);
        if (class && class->kept && !d->synthetics)
            *known = class;
    }
    count_span(d, class, group, s);
}

void dd_durations_span(struct dd_durations *d, struct dd_scanned *c, size_t i, gw_str resource,
                       struct dd_group *group, struct gw_arena *arena)
{
    const struct dd_span *s = &c->chunk->spans[i];
    struct dd_labelled said;
    if (!d->weight)
        return;
    dd_label_span(&said, d->labels, s, c->keys[i], arena);
    bool top = !said.partial && is_top(d, c, s, said.top, arena);
    if (!top && !dd_counts_anywhere(&said))
        return;
    const struct dd_class_of of = class_of(d, s, resource, top);
    count_span(d, dd_class_of(&d->classes, d->labels, &said, &of, &d->arena), group, s);
}

/* ---- resources ---- */

static bool says_computed(const struct dd_payload *p)
{
    for (size_t i = 0; i < p->tags_n; i++)
        if (gw_str_eq(p->tags[i].key, GW_STR("_dd.stats_computed")))
            return gw_str_ieq(p->tags[i].value, GW_STR("true")) || gw_str_eq(p->tags[i].value, GW_STR("1"));
    return false;
}

/* Copies a resource without the attributes that points do not get. */
static gw_str copy_resource(struct dd_durations *d, struct gw_arena *arena, gw_str bytes)
{
    struct otlp_buf *w = &d->classes.written;
    w->len = 0;
    otlp_append(w, bytes);
    return w->failed ? GW_NOSTR : gw_arena_dup(arena, dd_without_excluded(d->labels, otlp_written(w)));
}

static const struct resource *remember(struct dd_durations *d, struct gw_arena *arena, gw_str bytes,
                                       uint64_t hash, struct resource **slot)
{
    struct resource *r = gw_new(arena, struct resource, 1);
    if (!r)
        return NULL;
    *r = (struct resource){.hash = hash, .bytes = gw_arena_dup(arena, bytes)};
    if (arena->spent)
        return NULL;
    if (slot) {
        r->number = ++d->last_resource;
        r->next = *slot;
        *slot = r;
    }
    return r;
}

static const struct resource *resource_of(struct dd_durations *d, gw_str bytes)
{
    const struct resource *r = NULL;
    uint64_t hash = dd_hash(bytes);
    struct resource **slot = &d->resources[hash % RESOURCE_SLOTS];
    for (r = *slot; r; r = r->next)
        if (r->hash == hash && gw_str_eq(r->bytes, bytes))
            return r;
    if (!d->resources_arena.spent)
        r = remember(d, &d->resources_arena, bytes, hash, slot);
    return r ? r : remember(d, &d->arena, bytes, hash, NULL);
}

static struct dd_group *final_group(struct dd_group *g)
{
    while (g->into)
        g = g->into;
    return g;
}

void dd_durations_end(struct dd_durations *d, dd_resource_f *resource, void *ctx)
{
    for (struct counted *c = d->counted; c; c = c->next) {
        struct dd_group *g = c->group = final_group(c->group);
        if (!g->counted && (d->alone || !says_computed(g->id.payload))) {
            gw_str bytes = resource(g, ctx);
            g->counted = resource_of(d, d->labels->exclude.n ? copy_resource(d, &d->arena, bytes) : bytes);
            if (!g->counted)
                d->lost += c->samples;
        }
        c->resource = g->counted;
    }
}

/* ---- the commit ---- */

static struct known_point *known_point_of(struct dd_durations *d, const struct counted *c)
{
    uint64_t at = dd_hash_fold((uintptr_t)c->class, c->resource->number ^ 0xA0761D6478BD642Fu);
    return &d->points[at % POINTS];
}

static bool is_known(const struct known_point *k, const struct counted *c, uint32_t epoch)
{
    return k->point && k->class == c->class && k->resource == c->resource->number && k->epoch == epoch;
}

static struct metric_point *find_point(struct dd_durations *d, struct metric_shard *shard,
                                       const struct counted *c, const struct dd_durations_points *as)
{
    const struct known_point *k = known_point_of(d, c);
    if (is_known(k, c, metric_epoch(shard)))
        return k->point;
    const struct metric_id id = {.resource = c->resource->bytes,
                                 .name = GW_STR(SPAN_DURATION_NAME),
                                 .unit = GW_STR(SPAN_DURATION_UNIT),
                                 .attributes = c->class->attributes,
                                 .bounds = as->bounds,
                                 .kind = as->kind};
    return metric_learn(shard, GW_NOSTR, &id, c->samples);
}

/* Remembers a point that stays in place, so that it is found again without a lookup in the store. */
static void keep_point(struct dd_durations *d, const struct metric_shard *shard, const struct counted *c)
{
    if (c->class->kept && c->resource->number)
        *known_point_of(d, c) =
            (struct known_point){c->class, c->resource->number, metric_epoch(shard), c->point};
}

static void commit_block(struct dd_durations *d, struct metric_shard *shard, const struct block *b,
                         double share)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct sample *s = &b->samples[i];
        double weight = s->weight->base + s->weight->odds * share;
        if (s->of->point &&
            metric_add(shard, s->of->point, (double)s->duration / 1e9, weight == 1 ? 1 : 1 / weight) &&
            s->of->samples) {
            keep_point(d, shard, s->of);
            s->of->samples = 0;
        }
    }
}

uint64_t dd_durations_commit(struct dd_durations *d, struct metric_shard *shard,
                             const struct dd_durations_points *as)
{
    uint64_t nobodys = d->odds > 0 || d->off ? 0 : d->dropped;
    double share = d->odds > 0 ? (double)d->dropped / d->odds : 0;
    metric_begin(shard);
    metric_no_memory(shard, d->lost);
    for (struct counted *c = d->counted; c; c = c->next)
        c->point = c->resource ? find_point(d, shard, c, as) : NULL;
    for (const struct block *b = d->first; b; b = b->next)
        commit_block(d, shard, b, share);
    metric_end(shard);
    dd_durations_forget(d);
    return nobodys;
}
