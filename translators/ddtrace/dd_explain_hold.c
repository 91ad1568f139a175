/* Copies chunks: once with their texts, to keep them, and then without, for each run.
 *
 * Keeps no state. Called by dd_explain_run.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_explain_hold.h"

enum { ROOTS = 4, SPAN_COST = 2048 };

/* How to copy: with texts, or only what holds them. */
struct copier {
    struct gw_arena *arena;
    bool texts;
};

static gw_str copy_text(const struct copier *c, gw_str s)
{
    return c->texts && s.len ? gw_arena_dup(c->arena, s) : s;
}

/* A copy of n elements; NULL for none. */
#define COPY(c, list, n)                                                                                     \
    ((n) ? memcpy_or_null(gw_arena_raw((c)->arena, (n), sizeof *(list)), (list), (n) * sizeof *(list)) : NULL)

static void *memcpy_or_null(void *to, const void *from, size_t n)
{
    return to ? memcpy(to, from, n) : NULL;
}

static struct dd_text *copy_texts(const struct copier *c, const struct dd_text *list, size_t *n)
{
    struct dd_text *copy = COPY(c, list, *n);
    for (size_t i = 0; copy && i < *n; i++)
        copy[i] = (struct dd_text){copy_text(c, list[i].key), copy_text(c, list[i].value)};
    *n = copy ? *n : 0;
    return copy;
}

static struct dd_number *copy_numbers(const struct copier *c, const struct dd_number *list, size_t *n)
{
    struct dd_number *copy = COPY(c, list, *n);
    for (size_t i = 0; copy && i < *n; i++)
        copy[i].key = copy_text(c, list[i].key);
    *n = copy ? *n : 0;
    return copy;
}

static struct dd_attr *copy_attrs(const struct copier *c, const struct dd_attr *list, size_t *n);

/* As deep as a decoder lets values be. */
static void copy_value(const struct copier *c, struct dd_value *v)
{
    if (v->type == DD_V_ARRAY) {
        v->array.items = COPY(c, v->array.items, v->array.n);
        v->array.n = v->array.items ? v->array.n : 0;
        for (size_t i = 0; i < v->array.n; i++)
            copy_value(c, &v->array.items[i]);
    } else if (v->type == DD_V_LIST) {
        v->list.attrs = copy_attrs(c, v->list.attrs, &v->list.n);
    } else if (v->type == DD_V_STRING || v->type == DD_V_BYTES) {
        v->s = copy_text(c, v->s);
    }
}

static struct dd_attr *copy_attrs(const struct copier *c, const struct dd_attr *list, size_t *n)
{
    struct dd_attr *copy = COPY(c, list, *n);
    for (size_t i = 0; copy && i < *n; i++) {
        copy[i].key = copy_text(c, copy[i].key);
        copy_value(c, &copy[i].value);
    }
    *n = copy ? *n : 0;
    return copy;
}

static void copy_parts(const struct copier *c, struct dd_span *s)
{
    s->links = COPY(c, s->links, s->links_n);
    s->links_n = s->links ? s->links_n : 0;
    for (size_t i = 0; i < s->links_n; i++) {
        s->links[i].tracestate = copy_text(c, s->links[i].tracestate);
        s->links[i].attrs = copy_texts(c, s->links[i].attrs, &s->links[i].attrs_n);
    }
    s->events = COPY(c, s->events, s->events_n);
    s->events_n = s->events ? s->events_n : 0;
    for (size_t i = 0; i < s->events_n; i++) {
        s->events[i].name = copy_text(c, s->events[i].name);
        s->events[i].attrs = copy_attrs(c, s->events[i].attrs, &s->events[i].attrs_n);
    }
}

static void copy_span(const struct copier *c, struct dd_span *s)
{
    s->service = copy_text(c, s->service);
    s->name = copy_text(c, s->name);
    s->resource = copy_text(c, s->resource);
    s->type = copy_text(c, s->type);
    s->meta = copy_texts(c, s->meta, &s->meta_n);
    s->metrics = copy_numbers(c, s->metrics, &s->metrics_n);
    s->meta_struct = copy_texts(c, s->meta_struct, &s->meta_struct_n);
    s->meta_raw = s->metrics_raw = s->attributes_raw = GW_NOSTR;
    s->plan = NULL;
    copy_parts(c, s);
}

/* All but the spans themselves. */
static void copy_said(const struct copier *c, struct dd_chunk *chunk)
{
    chunk->origin = copy_text(c, chunk->origin);
    chunk->meta = copy_texts(c, chunk->meta, &chunk->meta_n);
    chunk->metrics = copy_numbers(c, chunk->metrics, &chunk->metrics_n);
}

static void copy_payload(const struct copier *c, struct dd_payload *p)
{
    gw_str *const texts[] = {&p->runtime_id, &p->env, &p->host, &p->language, &p->service, &p->version};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = copy_text(c, *texts[i]);
    for (size_t i = 0; i < DD_FACTS; i++)
        p->facts[i] = copy_text(c, p->facts[i]);
    p->tags = copy_texts(c, p->tags, &p->tags_n);
    p->sole_runtime_id = p->sole_host = (struct dd_sole){0};
}

static bool is_local_root(const struct dd_chunk *chunk, size_t i)
{
    for (size_t k = 0; k < chunk->n; k++)
        if (chunk->spans[k].span_id == chunk->spans[i].parent_id)
            return false;
    return true;
}

/* The first few of them: looking at all would take the square of the chunk. */
static bool is_kept(const struct dd_chunk *chunk, size_t own, size_t i, unsigned *roots)
{
    if (i == own || i == 0 || i + 1 == chunk->n || chunk->spans[i].span_id == chunk->spans[own].parent_id)
        return true;
    bool root =
        *roots < ROOTS && (chunk->spans[i].parent_id == 0 || (chunk->n < 256 && is_local_root(chunk, i)));
    *roots += root;
    return root;
}

void dd_hold(struct gw_arena *arena, const struct dd_chunk *chunk, size_t own, bool narrow,
             struct dd_held *held)
{
    const struct copier c = {arena, true};
    unsigned roots = 0;
    size_t n = 0, before = arena->used;
    held->chunk = *chunk;
    held->chunk.spans = gw_arena_raw(arena, chunk->n, sizeof *chunk->spans);
    copy_said(&c, &held->chunk);
    for (size_t i = 0; i < chunk->n && held->chunk.spans; i++) {
        if (narrow && !is_kept(chunk, own, i, &roots))
            continue;
        held->own = i == own ? n : held->own;
        held->chunk.spans[n] = chunk->spans[i];
        copy_span(&c, &held->chunk.spans[n++]);
    }
    held->chunk.n = n;
    held->cost = n * SPAN_COST + (arena->used - before);
}

void dd_hold_payload(struct gw_arena *arena, const struct dd_payload *payload, struct dd_held *held)
{
    const struct copier c = {arena, true};
    held->payload = *payload;
    copy_payload(&c, &held->payload);
}

bool dd_held_chunk(const struct dd_held *held, struct gw_arena *arena, struct gw_arena *lasting,
                   struct dd_chunk *out)
{
    const struct copier c = {arena, false}, l = {lasting, false};
    *out = held->chunk;
    out->spans = COPY(&c, held->chunk.spans, held->chunk.n);
    out->payload = COPY(&l, &held->payload, 1);
    if (!out->spans || !out->payload)
        return false;
    copy_said(&c, out);
    copy_payload(&l, out->payload);
    for (size_t i = 0; i < out->n; i++)
        copy_span(&c, &out->spans[i]);
    return !arena->spent && !lasting->spent;
}
