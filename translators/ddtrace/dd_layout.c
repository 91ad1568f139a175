/* Arranges the buffers of all groups as frames of complete ExportTraceServiceRequests. A first walk decides
 * which spans go into a frame and measures the messages around them; then the frame is written in one go.
 *
 * The state lives for one call. Called by dd_translate.c at the end of a payload.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_layout.h"

#include <stdlib.h>

/* Field numbers of opentelemetry/proto/trace/v1/trace.proto and collector/trace/v1/trace_service.proto. */
enum { REQUEST_RESOURCE_SPANS = 1 };
enum { RS_RESOURCE = 1, RS_SCOPE_SPANS = 2, RS_SCHEMA_URL = 3 };
enum { SS_SCOPE = 1, SS_SCHEMA_URL = 3 };
enum { SCOPE_NAME = 1, SCOPE_VERSION = 2 };

enum { SLACK = 64 /* the writer asks for a little more than it uses */ };

/* Adjacent spans of one scope that go into one frame. */
struct piece {
    const struct dd_scope *scope;
    size_t from, to; /* bytes of the scope's buffer */
    size_t size;     /* of the ScopeSpans message */
    uint32_t spans;
    struct dd_pending *pending; /* the first one at or after `from` */
    struct piece *next;
};

/* The pieces of one resource in one frame. */
struct part {
    const struct dd_group *group;
    gw_str resource;
    size_t size; /* of the ResourceSpans message */
    struct piece *first, **last;
    struct part *next;
};

struct frame_plan {
    size_t size, spans, incomplete;
    struct part *first, *last;
};

static size_t text_size(gw_str s)
{
    return s.len ? wire_len_field_size(s.len) : 0;
}

/* "datadog.flask", "datadog" alone, or the name that the library gives itself. */
static size_t name_size(const struct dd_layout *l, const struct dd_scope *s)
{
    if (s->said.names_itself)
        return s->name.len;
    return l->scope_name.len + (s->name.len ? 1 + s->name.len : 0);
}

static size_t scope_size(const struct dd_layout *l, const struct dd_scope *s)
{
    return wire_len_field_size(name_size(l, s)) + text_size(s->version);
}

/* Returns the size of ScopeSpans without its spans. */
static size_t piece_base(const struct dd_layout *l, const struct dd_scope *s)
{
    return wire_len_field_size(scope_size(l, s)) + text_size(l->schema_url);
}

static void put_scope(struct otlp_buf *w, const struct dd_layout *l, const struct dd_scope *s)
{
    uint8_t *p = wire_put_tag(w->data + w->len, SS_SCOPE, WIRE_LEN);
    p = wire_put_varint(p, scope_size(l, s));
    p = wire_put_varint(wire_put_tag(p, SCOPE_NAME, WIRE_LEN), name_size(l, s));
    if (!s->said.names_itself)
        p = otlp_put_bytes(p, l->scope_name);
    if (s->name.len) {
        if (!s->said.names_itself)
            *p++ = '.';
        p = otlp_put_bytes(p, s->name);
    }
    otlp_end(w, p);
    otlp_bytes(w, SCOPE_VERSION, s->version);
}

/* Writes the positions in the frame of this piece's incomplete ids. */
static uint32_t *put_incomplete_ids(const struct piece *piece, size_t moved, uint32_t *out)
{
    for (const struct dd_pending *p = piece->pending; p && p->offset < piece->to; p = p->next)
        if (!p->resolved)
            *out++ = (uint32_t)(moved + p->offset - piece->from);
    return out;
}

static uint32_t *put_piece(struct otlp_buf *w, const struct dd_layout *l, const struct piece *piece,
                           uint32_t *incomplete)
{
    uint8_t *p = wire_put_tag(w->data + w->len, RS_SCOPE_SPANS, WIRE_LEN);
    otlp_end(w, wire_put_varint(p, piece->size));
    put_scope(w, l, piece->scope);
    const struct otlp_buf *from = piece->scope->spans[l->schema].buf;
    incomplete = put_incomplete_ids(piece, w->len, incomplete);
    memcpy(w->data + w->len, from->data + piece->from, piece->to - piece->from);
    w->len += piece->to - piece->from;
    otlp_bytes(w, SS_SCHEMA_URL, l->schema_url);
    return incomplete;
}

enum gw_code dd_out_of_memory(struct gw_err *err)
{
    return gw_fail(err, GW_BUDGET, 0, "no memory for the translated spans");
}

static enum gw_code write_frame(const struct dd_layout *l, const struct frame_plan *plan,
                                struct gw_frame **out, struct gw_err *err)
{
    struct otlp_buf w = {.account = l->arena->account};
    uint32_t *incomplete = plan->incomplete ? malloc(plan->incomplete * sizeof *incomplete) : NULL,
             *u = incomplete;
    if (!otlp_reserve(&w, plan->size + SLACK) || (plan->incomplete && !incomplete)) {
        if (plan->incomplete && !incomplete)
            gw_budget_no_memory(l->arena->account);
        free(incomplete);
        otlp_fini(&w);
        return dd_out_of_memory(err);
    }
    for (const struct part *part = plan->first; part; part = part->next) {
        uint8_t *p = wire_put_tag(w.data + w.len, REQUEST_RESOURCE_SPANS, WIRE_LEN);
        p = wire_put_varint(p, part->size);
        p = wire_put_varint(wire_put_tag(p, RS_RESOURCE, WIRE_LEN), part->resource.len);
        otlp_end(&w, otlp_put_bytes(p, part->resource));
        for (const struct piece *piece = part->first; piece; piece = piece->next)
            u = put_piece(&w, l, piece, u);
        otlp_bytes(&w, RS_SCHEMA_URL, l->schema_url);
    }
    *out = gw_frame_new(GW_TRACES, l->schema, w.data, w.len, w.cap, (uint32_t)plan->spans);
    if (!*out) {
        gw_budget_no_memory(l->arena->account);
        free(incomplete);
        otlp_fini(&w);
        return dd_out_of_memory(err);
    }
    (*out)->arrived = l->arrived;
    (*out)->budget = w.account; /* the writer's budget pays until the frame is offered */
    (*out)->charged = w.cap;
    if (incomplete)
        gw_frame_pending_ids(*out, incomplete, (uint32_t)plan->incomplete);
    return GW_OK;
}

/* The state of the walk over all spans. */
struct walk {
    const struct dd_layout *l;
    struct frame_plan plan;
    struct gw_frame **frames;
    size_t *frames_n;
    struct gw_err *err;
};

/* Adds the sizes of the messages around the spans, which are known only when the frame is full. */
static void measure_frame(struct walk *k)
{
    k->plan.size = 0;
    for (struct part *part = k->plan.first; part; part = part->next) {
        part->size = wire_len_field_size(part->resource.len) + text_size(k->l->schema_url);
        for (struct piece *piece = part->first; piece; piece = piece->next) {
            piece->size = piece_base(k->l, piece->scope) + piece->to - piece->from;
            part->size += wire_len_field_size(piece->size);
        }
        k->plan.size += wire_len_field_size(part->size);
    }
}

static enum gw_code close_frame(struct walk *k)
{
    if (!k->plan.first)
        return GW_OK;
    measure_frame(k);
    enum gw_code code = write_frame(k->l, &k->plan, &k->frames[*k->frames_n], k->err);
    if (code == GW_OK)
        ++*k->frames_n;
    k->plan = (struct frame_plan){0};
    return code;
}

static struct part *part_of(struct walk *k, const struct dd_group *group, gw_str resource)
{
    struct part *part = k->plan.last;
    if (part && part->group == group)
        return part;
    struct part *fresh = gw_new(k->l->arena, struct part, 1);
    if (!fresh)
        return NULL;
    *fresh = (struct part){.group = group, .resource = resource, .last = &fresh->first};
    if (part)
        part->next = fresh;
    else
        k->plan.first = fresh;
    k->plan.last = fresh;
    k->plan.size += resource.len + k->l->schema_url.len + 2 * 16;
    return fresh;
}

static struct piece *piece_of(struct walk *k, struct part *part, const struct dd_scope *scope, size_t from)
{
    struct piece *piece = gw_new(k->l->arena, struct piece, 1);
    if (!piece)
        return NULL;
    *piece = (struct piece){.scope = scope, .from = from, .to = from};
    *part->last = piece;
    part->last = &piece->next;
    k->plan.size += piece_base(k->l, scope) + 16;
    return piece;
}

/* Returns the end of the span field that starts at `at`: one byte of tag, the length, the bytes. */
static size_t span_end(const struct otlp_buf *w, size_t at)
{
    size_t len = 0;
    unsigned shift = 0;
    at++;
    do
        len |= (size_t)(w->data[at] & 0x7F) << shift, shift += 7;
    while (w->data[at++] & 0x80);
    return at + len;
}

static bool frame_is_full(const struct walk *k, size_t more)
{
    return k->plan.first && k->plan.size + more > k->l->frame_bytes && *k->frames_n + 1 < k->l->max_frames;
}

static enum gw_code walk_scope(struct walk *k, const struct dd_group *group, gw_str resource,
                               const struct dd_scope *scope)
{
    const struct dd_spans *spans = &scope->spans[k->l->schema];
    struct dd_pending *pending = spans->first_pending;
    struct piece *piece = NULL;
    for (size_t at = 0, end; spans->buf && at < spans->buf->len; at = end) {
        end = span_end(spans->buf, at);
        if (frame_is_full(k, end - at)) {
            enum gw_code code = close_frame(k);
            if (code != GW_OK)
                return code;
            piece = NULL;
        }
        if (!piece) {
            struct part *part = part_of(k, group, resource);
            piece = part ? piece_of(k, part, scope, at) : NULL;
            if (!piece)
                return dd_out_of_memory(k->err);
            piece->pending = pending;
        }
        piece->to = end;
        k->plan.size += end - at;
        k->plan.spans++;
        for (; pending && pending->offset < end; pending = pending->next)
            k->plan.incomplete += !pending->resolved;
    }
    return GW_OK;
}

enum gw_code dd_layout_frames(const struct dd_layout *l, struct gw_frame **frames, size_t *n,
                              struct gw_err *err)
{
    struct walk k = {.l = l, .frames = frames, .frames_n = n, .err = err};
    for (struct dd_group *group = l->groups->first; group; group = group->next) {
        if (group->into)
            continue;
        gw_str resource = l->resource(group, l->resource_ctx);
        for (const struct dd_scope *scope = group->scopes; scope; scope = scope->next) {
            enum gw_code code = walk_scope(&k, group, resource, scope);
            if (code != GW_OK)
                return code;
        }
    }
    return close_frame(&k);
}
