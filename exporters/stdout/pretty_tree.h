/* pretty_tree.h: builds the trees of a batch's spans, one per trace.
 *
 *      requests ▸ resources ▸ scopes ▸ spans ─▶ traces by start ▸ roots by start ▸ children by start
 *
 * Ids come from outside: a span may be its own parent, two spans may share an id, parents may form a ring.
 * Every span is still in exactly one place: of equal ids the first span gets the children, and a ring is
 * cut at one of its spans, which then counts as an orphan.
 *
 * Threads: one owner. Ownership: everything is the arena's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PRETTY_TREE_H
#define GW_PRETTY_TREE_H

#include "core/base/arena.h"
#include "trace_service.pb-c.h"

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest pretty_request;
typedef Opentelemetry__Proto__Trace__V1__Span pretty_span;
typedef Opentelemetry__Proto__Resource__V1__Resource pretty_resource;

struct pretty_node {
    const pretty_span *span;
    const pretty_resource *resource;           /* NULL: none */
    struct pretty_node *parent, *child, *next; /* next: the sibling that started after this one */
    size_t place;                              /* in the batch */
    bool orphan;                               /* names a parent that is not in the batch */
    unsigned char mark;                        /* while rings are sought */
};

struct pretty_trace {
    struct pretty_node *roots;
    struct pretty_node **spans; /* by start */
    size_t n, errors, place;
    uint64_t begin, end; /* unix ns */
};

/* NULL when the arena is spent (or there are no spans: *n is 0 then). */
struct pretty_trace *pretty_tree(struct gw_arena *, const pretty_request *const *requests, size_t requests_n,
                                 size_t *n);

#endif
