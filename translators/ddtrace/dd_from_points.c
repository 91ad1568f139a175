/* dd_from_points.c: reads points and groups their spans by trace. Keeps no state. Called by the ddtrace
 * receiver.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_from_points.h"

#include <stdlib.h>

#include "translators/ddtrace/dd_point_span.h"

/* A span that was written, and its position. */
struct piece {
    struct dd_point_ids ids;
    size_t at, len;
};

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_span(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    int c = compare(x->ids.trace, y->ids.trace);
    return c ? c : compare(x->ids.span, y->ids.span);
}

static int by_chunk(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    int c = compare(x->ids.trace, y->ids.trace);
    c = c ? c : compare(x->ids.process, y->ids.process);
    return c ? c : compare(x->at, y->at);
}

/* --- whose a span is --- */

/* How many ancestors are searched. */
enum { GENERATIONS = 64 };

/* A tracer names its process on the first span that it sends of a trace; the other spans are of the same
 * process. */
static uint64_t process_of(const struct piece *sorted, size_t n, const struct piece *span)
{
    struct piece wanted = *span;
    for (int i = 0; i < GENERATIONS && !wanted.ids.process && wanted.ids.parent; i++) {
        wanted.ids.span = wanted.ids.parent;
        const struct piece *parent = bsearch(&wanted, sorted, n, sizeof *sorted, by_span);
        if (!parent)
            break;
        wanted = *parent;
    }
    return wanted.ids.process;
}

static void find_processes(struct piece *pieces, size_t n)
{
    if (n < 2)
        return;
    qsort(pieces, n, sizeof *pieces, by_span);
    for (size_t i = 0; i < n; i++)
        if (!pieces[i].ids.process)
            pieces[i].ids.process = process_of(pieces, n, &pieces[i]);
    qsort(pieces, n, sizeof *pieces, by_chunk);
}

/* --- points to payload --- */

static void count_bad(struct dd_points_bad *bad, const struct points *from, const char *why)
{
    (void)!gw_fail(bad->n++ ? NULL : &bad->first, points_code(from), from->pos, "%s", why);
}

static void keep(struct otlp_buf *spans, struct otlp_buf *pieces, struct dd_point_ids ids, gw_str span)
{
    struct piece piece = {ids, spans->len, span.len};
    otlp_append(spans, span);
    otlp_append(pieces, gw_str_n((const char *)&piece, sizeof piece));
}

static bool read_spans(struct points *from, struct otlp_buf *spans, struct otlp_buf *pieces,
                       struct dd_points_bad *bad)
{
    struct gw_arena *arena = from->arena;
    struct point point;
    enum points_got got;
    for (struct gw_snap snap = gw_arena_snap(arena);; gw_arena_back(arena, snap)) {
        struct gw_text span = {.arena = arena};
        struct dd_point_ids ids = {0};
        got = points_next(from, &point);
        if (arena->spent || spans->failed || pieces->failed)
            return false;
        if (got == POINTS_END)
            return true;
        const char *why = got == POINTS_BAD ? from->why : dd_point_span(&point, &span, &ids);
        if (arena->spent)
            return false;
        if (why)
            count_bad(bad, from, why);
        else
            keep(spans, pieces, ids, gw_text_result(&span));
    }
}

/* [[span,span],[span]] */
static void lay_together(const struct otlp_buf *spans, struct piece *pieces, size_t n, struct otlp_buf *to)
{
    find_processes(pieces, n);
    for (size_t i = 0; i < n; i++) {
        bool same = i && pieces[i].ids.trace == pieces[i - 1].ids.trace &&
                    pieces[i].ids.process == pieces[i - 1].ids.process;
        otlp_append(to, same ? GW_STR(",") : i ? GW_STR("],[") : GW_STR("[["));
        otlp_append(to, gw_str_n((const char *)spans->data + pieces[i].at, pieces[i].len));
    }
    otlp_append(to, n ? GW_STR("]]") : GW_STR("[]"));
}

enum gw_code dd_from_points(struct points *from, struct otlp_buf *payload, struct dd_points_bad *bad,
                            struct gw_err *err)
{
    struct otlp_buf spans = {.account = payload->account}, pieces = {.account = payload->account};
    bool good = read_spans(from, &spans, &pieces, bad);
    if (good)
        lay_together(&spans, (struct piece *)(void *)pieces.data, pieces.len / sizeof(struct piece), payload);
    otlp_fini(&spans);
    otlp_fini(&pieces);
    return good && !payload->failed ? GW_OK : gw_fail(err, GW_BUDGET, from->pos, "the spans of the points");
}
