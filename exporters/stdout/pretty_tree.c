/* pretty_tree.c: builds the trees of one batch: finds each span's parent by hash, sorts roots and children
 * by start, and so the traces. Everything lives in the batch's arena. Called by
 * pretty.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/stdout/pretty_tree.h"

#include <stdlib.h>

#define SAME(a, b) ((a).len == (b).len && ((a).len == 0 || memcmp((a).data, (b).data, (a).len) == 0))

static size_t count(const pretty_request *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_resource_spans; i++)
        for (size_t j = 0; j < r->resource_spans[i]->n_scope_spans; j++)
            n += r->resource_spans[i]->scope_spans[j]->n_spans;
    return n;
}

static struct pretty_node *collect(struct pretty_node *at, const struct pretty_node *first,
                                   const pretty_request *r)
{
    for (size_t i = 0; i < r->n_resource_spans; i++)
        for (size_t j = 0; j < r->resource_spans[i]->n_scope_spans; j++)
            for (size_t k = 0; k < r->resource_spans[i]->scope_spans[j]->n_spans; k++, at++)
                *at = (struct pretty_node){.span = r->resource_spans[i]->scope_spans[j]->spans[k],
                                           .resource = r->resource_spans[i]->resource,
                                           .place = (size_t)(at - first)};
    return at;
}

static int by_bytes(ProtobufCBinaryData a, ProtobufCBinaryData b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len ? memcmp(a.data, b.data, a.len) : 0;
}

static int by_place(const struct pretty_node *a, const struct pretty_node *b)
{
    return a->place < b->place ? -1 : a->place > b->place;
}

static int by_ids(const void *x, const void *y)
{
    const struct pretty_node *a = *(struct pretty_node *const *)x, *b = *(struct pretty_node *const *)y;
    int order = by_bytes(a->span->trace_id, b->span->trace_id);
    if (!order)
        order = by_bytes(a->span->span_id, b->span->span_id);
    return order ? order : by_place(a, b);
}

static int by_start(const void *x, const void *y)
{
    const struct pretty_node *a = *(struct pretty_node *const *)x, *b = *(struct pretty_node *const *)y;
    uint64_t s = a->span->start_time_unix_nano, t = b->span->start_time_unix_nano;
    return s != t ? (s < t ? -1 : 1) : by_place(a, b);
}

static int by_begin(const void *x, const void *y)
{
    const struct pretty_trace *a = x, *b = y;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* The first of the trace's spans (sorted by id) that has this id. */
static struct pretty_node *find(const struct pretty_trace *t, ProtobufCBinaryData id)
{
    size_t from = 0, to = t->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (by_bytes(t->spans[middle]->span->span_id, id) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from < t->n && SAME(t->spans[from]->span->span_id, id) ? t->spans[from] : NULL;
}

enum { FRESH, WALKED, DONE };

/* Parents were set from what the spans say; a walk towards the root that meets itself is a ring. */
static void cut_ring(struct pretty_node *start)
{
    struct pretty_node *at = start;
    for (; at && at->mark == FRESH; at = at->parent)
        at->mark = WALKED;
    if (at && at->mark == WALKED) {
        at->parent = NULL;
        at->orphan = true;
    }
    for (at = start; at && at->mark == WALKED; at = at->parent)
        at->mark = DONE;
}

static void link_spans(struct pretty_trace *t)
{
    for (size_t i = 0; i < t->n; i++) {
        struct pretty_node *node = t->spans[i];
        ProtobufCBinaryData id = node->span->parent_span_id;
        struct pretty_node *parent = id.len ? find(t, id) : NULL;
        node->parent = parent == node ? NULL : parent;
        node->orphan = id.len && !node->parent;
    }
    for (size_t i = 0; i < t->n; i++)
        cut_ring(t->spans[i]);
    qsort(t->spans, t->n, sizeof *t->spans, by_start);
    for (size_t i = t->n; i-- > 0;) { /* backwards, so that lists built at their heads end up in order */
        struct pretty_node *node = t->spans[i], **list = node->parent ? &node->parent->child : &t->roots;
        node->next = *list;
        *list = node;
    }
}

static void sum_up(struct pretty_trace *t)
{
    t->begin = UINT64_MAX;
    t->place = SIZE_MAX;
    for (size_t i = 0; i < t->n; i++) {
        const pretty_span *s = t->spans[i]->span;
        t->errors += s->status && s->status->code ==
                                      OPENTELEMETRY__PROTO__TRACE__V1__STATUS__STATUS_CODE__STATUS_CODE_ERROR;
        t->begin = s->start_time_unix_nano < t->begin ? s->start_time_unix_nano : t->begin;
        t->end = s->end_time_unix_nano > t->end ? s->end_time_unix_nano : t->end;
        t->place = t->spans[i]->place < t->place ? t->spans[i]->place : t->place;
    }
}

/* Cuts the sorted spans where the trace id changes. */
static size_t cut_traces(struct pretty_trace *traces, struct pretty_node **spans, size_t n)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !SAME(spans[i]->span->trace_id, spans[i - 1]->span->trace_id))
            traces[found++] = (struct pretty_trace){.spans = &spans[i]};
        traces[found - 1].n++;
    }
    return found;
}

struct pretty_trace *pretty_tree(struct gw_arena *arena, const pretty_request *const *requests,
                                 size_t requests_n, size_t *n)
{
    size_t spans_n = 0;
    for (size_t i = 0; i < requests_n; i++)
        spans_n += count(requests[i]);
    *n = 0;
    struct pretty_node *nodes = gw_new(arena, struct pretty_node, spans_n), *end = nodes;
    struct pretty_node **spans = gw_new(arena, struct pretty_node *, spans_n);
    struct pretty_trace *traces = gw_new(arena, struct pretty_trace, spans_n);
    if (arena->spent)
        return NULL;
    for (size_t i = 0; i < requests_n; i++)
        end = collect(end, nodes, requests[i]);
    for (size_t i = 0; i < spans_n; i++)
        spans[i] = &nodes[i];
    qsort(spans, spans_n, sizeof *spans, by_ids);
    *n = cut_traces(traces, spans, spans_n);
    for (size_t i = 0; i < *n; i++) {
        link_spans(&traces[i]);
        sum_up(&traces[i]);
    }
    qsort(traces, *n, sizeof *traces, by_begin);
    return traces;
}
