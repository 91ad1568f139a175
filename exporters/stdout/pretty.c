/* pretty.c: writes traces as trees, with their logs. Owns nothing: scratch memory is the caller's arena.
 * Called by stdout.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/stdout/pretty.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/hex.h"
#include "exporters/stdout/pretty_log.h"
#include "exporters/stdout/pretty_path.h"
#include "exporters/stdout/pretty_span.h"

/* Levels whose branches are drawn; events and links that are shown per span; columns for times. */
enum { LEVELS = 24, EVENTS = 8, TIME = 9, SCRATCH = 64 * 1024 };

struct page {
    struct out *o;
    struct out scratch;
    const struct pretty *how;
    const struct pretty_trace *trace;
    uint64_t last; /* bit per level: no sibling follows */
    unsigned depth;
    /* whose stack was shown last in this trace: frameworks put one error on many spans */
    struct pretty_error told;
    struct pretty_log *logs; /* of this trace, sorted; those of a span are shown below it */
    size_t logs_n;
    const struct pretty_node *node; /* the span below which a log is printed; NULL: below the trace */
    bool more;                      /* a child of that span follows */
    const struct pretty_log *log;   /* the one that is being written */
};

static struct pretty_line line(struct page *p)
{
    return (struct pretty_line){p->o, &p->scratch, p->how->color ? "" : NULL,
                                p->how->columns ? p->how->columns : SIZE_MAX / 2};
}

static void spaces(struct pretty_line *l, size_t n)
{
    static const char blank[] = "                ";
    pretty_put_text(l, PRETTY_PLAIN, gw_str_n(blank, n < sizeof blank - 1 ? n : sizeof blank - 1), SIZE_MAX);
}

static void put_right(struct pretty_line *l, enum pretty_style style, const char *z, size_t columns)
{
    spaces(l, columns < TIME ? TIME - columns : 0);
    pretty_put(l, style, z);
}

/* --- head of a trace --- */

static void put_when(struct pretty_line *l, uint64_t unix_ns)
{
    char text[64];
    if (!pretty_when(text, unix_ns))
        return;
    pretty_put(l, PRETTY_PLAIN, " · ");
    pretty_put(l, PRETTY_PLAIN, text);
}

static void hex(char *out, ProtobufCBinaryData id)
{
    *gw_hex_put(out, id.data, id.len < 16 ? id.len : 16) = '\0';
}

static void head(struct page *p)
{
    const struct pretty_trace *t = p->trace;
    struct pretty_line l = line(p);
    char id[33] = "(no trace id)", duration[16], words[64];
    hex(id, t->spans[0]->span->trace_id);
    pretty_duration(duration, t->end > t->begin ? t->end - t->begin : 0);
    pretty_put(&l, PRETTY_DIM, "trace ");
    pretty_put(&l, PRETTY_BOLD, id);
    snprintf(words, sizeof words, "  %zu span%s · %s", t->n, t->n == 1 ? "" : "s", duration);
    pretty_put(&l, PRETTY_PLAIN, words);
    put_when(&l, t->begin);
    if (t->errors) {
        snprintf(words, sizeof words, "%zu error%s", t->errors, t->errors == 1 ? "" : "s");
        pretty_put(&l, PRETTY_PLAIN, " · ");
        pretty_put(&l, PRETTY_RED, words);
    }
    pretty_end(&l);
}

static void resource_line(struct page *p, const pretty_resource *r)
{
    struct pretty_line l = line(p);
    spaces(&l, 2);
    pretty_put_service(&l, pretty_resource_text(r, "service.name"));
    pretty_put_resource(&l, r);
    pretty_end(&l);
}

/* One line per resource; the same again (another request of the same process) is not repeated. */
static void resources(struct page *p)
{
    enum { MOST = 16 };
    size_t n = 0;
    const pretty_resource *before = NULL;
    size_t offsets[MOST], lengths[MOST];
    for (size_t i = 0; i < p->trace->n && n < MOST; i++) {
        const pretty_resource *r = p->trace->spans[i]->resource;
        if (!r || r == before)
            continue;
        before = r;
        size_t at = p->o->len, j = 0;
        resource_line(p, r);
        while (j < n && !gw_str_eq(gw_str_n(p->o->data + offsets[j], lengths[j]),
                                   gw_str_n(p->o->data + at, p->o->len - at)))
            j++;
        if (j < n || p->o->failed) {
            p->o->len = at;
        } else {
            offsets[n] = at;
            lengths[n++] = p->o->len - at;
        }
    }
}

/* --- a span --- */

/* The tree's branches to the left of a span (`own`) or of a line below it. */
static void branches(struct page *p, struct pretty_line *l, bool own)
{
    char deep[32];
    unsigned level = 1;
    if (p->depth > LEVELS) {
        level = p->depth - LEVELS + 1;
        snprintf(deep, sizeof deep, "…%u ", level - 1);
        pretty_put(l, PRETTY_DIM, deep);
    }
    for (; level <= p->depth; level++) {
        bool last = p->last >> (level & 63) & 1;
        if (own && level == p->depth)
            pretty_put(l, PRETTY_DIM, last ? "└─ " : "├─ ");
        else
            pretty_put(l, PRETTY_DIM, last ? "   " : "│  ");
    }
}

static const char *kind_word(int kind)
{
    switch (kind) {
    case OPENTELEMETRY__PROTO__TRACE__V1__SPAN__SPAN_KIND__SPAN_KIND_SERVER:
        return "server ";
    case OPENTELEMETRY__PROTO__TRACE__V1__SPAN__SPAN_KIND__SPAN_KIND_CLIENT:
        return "client ";
    case OPENTELEMETRY__PROTO__TRACE__V1__SPAN__SPAN_KIND__SPAN_KIND_PRODUCER:
        return "producer ";
    case OPENTELEMETRY__PROTO__TRACE__V1__SPAN__SPAN_KIND__SPAN_KIND_CONSUMER:
        return "consumer ";
    default:
        return "";
    }
}

static void put_times(struct page *p, struct pretty_line *l, const pretty_span *s)
{
    char text[24] = "+";
    uint64_t offset = s->start_time_unix_nano - p->trace->begin;
    size_t columns = pretty_duration(text + 1, offset) + 1;
    if (offset == 0)
        put_right(l, PRETTY_DIM, "0", 1);
    else
        put_right(l, PRETTY_DIM, text, columns);
    bool sane = s->end_time_unix_nano >= s->start_time_unix_nano;
    columns = pretty_duration(text, sane ? s->end_time_unix_nano - s->start_time_unix_nano : 0);
    put_right(l, PRETTY_PLAIN, text, columns);
    spaces(l, 2);
}

static bool failed(const pretty_span *s)
{
    return s->status &&
           s->status->code == OPENTELEMETRY__PROTO__TRACE__V1__STATUS__STATUS_CODE__STATUS_CODE_ERROR;
}

static void put_error(struct pretty_line *l, const struct pretty_error *e)
{
    pretty_put(l, PRETTY_RED, e->type.len || e->message.len ? "  ✗ " : "  ✗");
    pretty_put_text(l, PRETTY_RED, e->type, 80);
    if (e->type.len && e->message.len)
        pretty_put(l, PRETTY_RED, ": ");
    pretty_put_text(l, PRETTY_RED, e->message, 160);
}

static void span_line(struct page *p, const struct pretty_node *node, const struct pretty_error *e)
{
    const pretty_span *s = node->span;
    struct pretty_line l = line(p);
    gw_str service = pretty_resource_text(node->resource, "service.name");
    put_times(p, &l, s);
    branches(p, &l, true);
    if (node->orphan)
        pretty_put(&l, PRETTY_YELLOW, "↳ ");
    pretty_put(&l, PRETTY_DIM, kind_word(s->kind));
    pretty_put_text(&l, failed(s) ? PRETTY_RED : PRETTY_BOLD, pretty_bytes(s->name), 100);
    if (!node->parent || !gw_str_eq(service, pretty_resource_text(node->parent->resource, "service.name"))) {
        pretty_put(&l, PRETTY_PLAIN, " [");
        pretty_put_service(&l, service);
        pretty_put(&l, PRETTY_PLAIN, "]");
    }
    if (failed(s))
        put_error(&l, e);
    pretty_put_details(&l, s);
    if (node->orphan) {
        char id[33] = "";
        hex(id, s->parent_span_id);
        pretty_put(&l, PRETTY_DIM, "  parent ");
        pretty_put(&l, PRETTY_DIM, id);
        pretty_put(&l, PRETTY_DIM, " is not in this batch");
    }
    pretty_end(&l);
}

/* --- lines below a span --- */

static struct pretty_line below(struct page *p, const struct pretty_node *node)
{
    struct pretty_line l = line(p);
    spaces(&l, TIME);
    spaces(&l, TIME + 2);
    branches(p, &l, false);
    pretty_put(&l, PRETTY_DIM, node->child ? "│    " : "     ");
    return l;
}

static void stack(struct page *p, const struct pretty_node *node, gw_str text)
{
    gw_str lines[PRETTY_STACK];
    size_t n = pretty_stack(text, lines);
    for (size_t i = 0; i < n; i++) {
        struct pretty_line l = below(p, node);
        pretty_put_frame(&l, PRETTY_DIM, lines[i], 160);
        pretty_end(&l);
    }
}

static void more(struct page *p, const struct pretty_node *node, size_t n, const char *what)
{
    char words[48];
    struct pretty_line l = below(p, node);
    snprintf(words, sizeof words, "… %zu more %s", n, what);
    pretty_put(&l, PRETTY_DIM, words);
    pretty_end(&l);
}

static void events(struct page *p, const struct pretty_node *node)
{
    const pretty_span *s = node->span;
    size_t n = 0;
    for (size_t i = 0; i < s->n_events; i++) {
        const Opentelemetry__Proto__Trace__V1__Span__Event *e = s->events[i];
        if (gw_str_eq(pretty_bytes(e->name), GW_STR("exception")) || n++ >= EVENTS)
            continue;
        struct pretty_line l = below(p, node);
        char text[24] = "• +";
        pretty_duration(text + strlen(text), e->time_unix_nano > s->start_time_unix_nano
                                                 ? e->time_unix_nano - s->start_time_unix_nano
                                                 : 0);
        pretty_put(&l, PRETTY_DIM, text);
        pretty_put(&l, PRETTY_DIM, " ");
        pretty_put_text(&l, PRETTY_PLAIN, pretty_bytes(e->name), 80);
        pretty_put_attributes(&l, e->attributes, e->n_attributes);
        pretty_end(&l);
    }
    if (n > EVENTS)
        more(p, node, n - EVENTS, "events");
}

static void links(struct page *p, const struct pretty_node *node)
{
    const pretty_span *s = node->span;
    for (size_t i = 0; i < s->n_links && i < EVENTS; i++) {
        struct pretty_line l = below(p, node);
        char trace[33] = "", span[33] = "";
        hex(trace, s->links[i]->trace_id);
        hex(span, s->links[i]->span_id);
        pretty_put(&l, PRETTY_DIM, "↗ link to trace ");
        pretty_put(&l, PRETTY_DIM, trace);
        pretty_put(&l, PRETTY_DIM, " span ");
        pretty_put(&l, PRETTY_DIM, span);
        pretty_put_attributes(&l, s->links[i]->attributes, s->links[i]->n_attributes);
        pretty_end(&l);
    }
    if (s->n_links > EVENTS)
        more(p, node, s->n_links - EVENTS, "links");
}

static bool same_error(const struct pretty_error *a, const struct pretty_error *b)
{
    return gw_str_eq(a->type, b->type) && gw_str_eq(a->message, b->message);
}

/* The stack of an error is shown where it came from: not on the spans that it passed through on its way up,
 * and once. */
static bool stack_is_news(const struct page *p, const struct pretty_node *node, const struct pretty_error *e)
{
    if (!failed(node->span) || !e->stack.len || (p->told.stack.len && same_error(e, &p->told)))
        return false;
    for (const struct pretty_node *child = node->child; child; child = child->next) {
        struct pretty_error deeper = pretty_error(child->span);
        if (failed(child->span) && deeper.stack.len && same_error(e, &deeper))
            return false;
    }
    return true;
}

/* --- logs --- */

static void put_offset(struct page *p, struct pretty_line *l, uint64_t unix_ns)
{
    char text[24] = "+";
    bool before = unix_ns < p->trace->begin;
    text[0] = before ? '-' : '+';
    size_t columns =
        pretty_duration(text + 1, before ? p->trace->begin - unix_ns : unix_ns - p->trace->begin) + 1;
    put_right(l, PRETTY_DIM, text, columns);
}

/* A line of a log record: the first has the record's time in the column of a span's start, the others are
 * indented below it. */
static struct pretty_line log_margin(void *page, bool first)
{
    struct page *p = page;
    struct pretty_line l = line(p);
    if (first)
        put_offset(p, &l, pretty_log_time(p->log->record));
    else
        spaces(&l, TIME);
    spaces(&l, TIME + 2);
    if (p->node) {
        branches(p, &l, false);
        pretty_put(&l, PRETTY_DIM, p->more ? "│  " : "   ");
    }
    pretty_put(&l, PRETTY_DIM, first ? "» " : "    ");
    return l;
}

/* Those of the span of `node` that are older than `child`, the next of its children (NULL: all); where `node` is
 * NULL, whatever of the trace is left. */
static void logs(struct page *p, const struct pretty_node *node, const struct pretty_node *child)
{
    if (!p->logs_n)
        return;
    const struct pretty_margin margin = {log_margin, p};
    size_t first = 0,
           n = node ? pretty_log_of_span(p->logs, p->logs_n, node->span->span_id, &first) : p->logs_n;
    p->node = node;
    p->more = child;
    for (size_t i = first; i < first + n; i++) {
        if (p->logs[i].shown || p->logs[i].left_out)
            continue;
        if (child && pretty_log_time(p->logs[i].record) >= child->span->start_time_unix_nano)
            break; /* they are in the order of time */
        p->log = &p->logs[i];
        p->logs[i].shown = true;
        pretty_put_log(&margin, &p->logs[i]);
    }
}

static void show(struct page *p, const struct pretty_node *node)
{
    struct pretty_error e = pretty_error(node->span);
    span_line(p, node, &e);
    if (stack_is_news(p, node, &e)) {
        stack(p, node, e.stack);
        p->told = e;
    }
    events(p, node);
    links(p, node);
    logs(p, node, node->child);
}

/* Depth first, without recursion, because clients decide how deep a trace is. */
static void trace(struct page *p, const struct pretty_trace *t)
{
    const struct pretty_node *node = t->roots;
    p->trace = t;
    p->depth = 0;
    p->told = (struct pretty_error){0};
    head(p);
    resources(p);
    while (node) {
        uint64_t bit = UINT64_C(1) << (p->depth & 63);
        p->last = node->next ? p->last & ~bit : p->last | bit;
        show(p, node);
        if (node->child) {
            node = node->child;
            p->depth++;
            continue;
        }
        while (node && !node->next) {
            node = node->parent;
            p->depth--;
            if (node)
                logs(p, node, NULL);
        }
        if (node && node->parent) {
            p->depth--;
            logs(p, node->parent, node->next);
            p->depth++;
        }
        node = node ? node->next : NULL;
    }
    logs(p, NULL, NULL);
    out_char(p->o, '\n');
}

bool pretty_traces(struct out *o, struct gw_arena *arena, const struct pretty *how,
                   const pretty_request *const *requests, size_t n, struct pretty_log *all, size_t all_n)
{
    size_t traces_n, first;
    struct pretty_trace *traces = pretty_tree(arena, requests, n, &traces_n);
    struct page p = {.o = o, .how = how};
    if (!traces)
        return false;
    pretty_log_sort(all, all_n);
    out_init(&p.scratch, SCRATCH);
    for (size_t i = 0; i < traces_n; i++) {
        p.logs_n = pretty_log_of_trace(all, all_n, traces[i].spans[0]->span->trace_id, &first);
        p.logs = all_n ? all + first : NULL;
        if (!how->selects || how->selects(how->ctx, &traces[i], p.logs, p.logs_n))
            trace(&p, &traces[i]);
    }
    out_fini(&p.scratch);
    return true;
}

static struct pretty_line alone_margin(void *page, bool first)
{
    struct pretty_line l = line(page);
    spaces(&l, first ? 0 : 4);
    return l;
}

void pretty_logs(struct out *o, const struct pretty *how, struct pretty_log *all, size_t n)
{
    struct page p = {.o = o, .how = how};
    const struct pretty_margin margin = {alone_margin, &p};
    out_init(&p.scratch, SCRATCH);
    for (size_t i = 0; i < n; i++) {
        pretty_put_log_alone(&margin, &all[i]);
        all[i].shown = true;
    }
    out_fini(&p.scratch);
}
