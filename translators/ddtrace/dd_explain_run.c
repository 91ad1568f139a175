/* Opens an explanation: translates the request once as it is, lists its spans, and runs it again for experiments.
 *
 * Owns a struct dd_explain. Called by `ddgate explain`, the API and tests; dd_explain_span.c does the experiments.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_explain_run.h"

#include <stdlib.h>

enum { SCRATCH = 256 << 20, ROOM_FOR_ROWS = 64 };

const char *dd_explained_place_name(enum dd_explained_place place)
{
    static const char *const names[] = {"field", "span", "event", "link", "scope", "resource"};
    return names[place];
}

const char *dd_explained_section_name(enum dd_explained_section section)
{
    static const char *const names[] = {"span", "chunk",   "payload",    "headers",
                                        "meta", "metrics", "meta_struct"};
    return names[section];
}

const char *dd_explained_fate_name(enum dd_explained_fate fate)
{
    static const char *const names[] = {"renamed", "kept", "resource", "field", "event", "used", "left_out"};
    return names[fate];
}

/* --- what an edit does to the chunks --- */

/* A second span of the same ids would be found in place of the first. Returns where ours is now. */
static size_t take_doubles(const struct dd_explain_row *row, struct dd_chunk *c)
{
    size_t n = 0, own = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct dd_span *s = &c->spans[i];
        if (i != row->index && s->span_id == row->span_id && s->trace_id == row->trace_id)
            continue;
        own = i == row->index ? n : own;
        c->spans[n++] = *s;
    }
    c->n = n;
    return own;
}

static void edit_span(struct dd_explain_run *r, struct dd_chunk *c, struct dd_span *s, struct gw_arena *arena)
{
    if (r->source)
        r->varied |= dd_vary_span(r->source, r->variation, s, arena) ||
                     dd_vary_chunk(r->source, r->variation, c, arena);
    if (r->alone)
        dd_take_twins(r->alone, s);
    if (r->only)
        dd_take_others(r->only, s);
    if (r->names && !r->of_all)
        dd_take_tags(s, r->names, r->names_n);
}

static void list_span(struct dd_explain_run *r, struct dd_chunk *c, size_t index, struct gw_arena *arena)
{
    if (r->wire)
        dd_sources_of_span(r->wire, &c->spans[index], c);
    if (r->safe && r->x->in.env->privacy)
        (void)!dd_privacy_chunk(r->x->in.env->privacy, c, arena);
    if (r->safe)
        dd_sources_of_span(r->safe, &c->spans[index], c);
}

/* What a payload says before its chunks is asked for with the chunk, what it says behind them in the end. */
static void edit_payload(struct dd_explain_run *r)
{
    if (r->source && !r->payload_varied)
        r->payload_varied = dd_vary_payload(r->source, r->variation, r->payload, &r->x->edits);
    r->varied |= r->payload_varied;
    if (r->said)
        dd_take_other_payload(r->said, r->payload);
}

static void edit_own_chunk(struct dd_explain_run *r, struct dd_chunk *c, struct gw_arena *arena)
{
    size_t index = r->held ? r->held->own : take_doubles(r->row, c);
    r->payload = c->payload;
    if (r->hold)
        dd_hold(&r->x->held_arena, c, index, false, r->hold);
    if (r->hold_narrow)
        dd_hold(&r->x->held_arena, c, index, true, r->hold_narrow);
    edit_payload(r);
    edit_span(r, c, &c->spans[index], arena);
    if (r->wire || r->safe)
        list_span(r, c, index, arena);
}

/* The body is over. */
static void end_payload(struct dd_explain_run *r)
{
    if (!r->payload)
        return;
    if (r->hold)
        dd_hold_payload(&r->x->held_arena, r->payload, r->hold);
    if (r->hold_narrow)
        dd_hold_payload(&r->x->held_arena, r->payload, r->hold_narrow);
    edit_payload(r);
    if (r->wire)
        dd_sources_of_payload(r->wire, r->payload);
    if (r->safe)
        dd_sources_of_payload(r->safe, r->payload);
}

static void edit_chunk(void *ctx, struct dd_chunk *c, struct gw_arena *arena)
{
    struct dd_explain_run *r = ctx;
    if (!c) {
        end_payload(r);
        return;
    }
    if (r->held || (r->row && r->seen == r->row->chunk))
        edit_own_chunk(r, c, arena);
    else if (!r->whole)
        c->n = 0;
    if (r->said)
        dd_take_other_chunk(r->said, c);
    for (size_t i = 0; i < c->n; i++) {
        struct dd_span *s = &c->spans[i];
        s->meta_raw = s->metrics_raw = s->attributes_raw =
            GW_NOSTR; /* what stood there is not what it is now */
        if (r->of_all)
            dd_take_tags(s, r->names, r->names_n);
    }
    r->seen++;
}

/* --- runs --- */

static bool take_held(void *ctx, struct dd_chunk *c, struct gw_arena *arena)
{
    struct dd_explain_run *r = ctx;
    bool first = !r->taken;
    r->taken = true;
    return first && dd_held_chunk(r->held, arena, &r->x->edits, c);
}

static void drop_frames(struct dd_result *r)
{
    for (size_t i = 0; i < r->frames_n; i++)
        gw_frame_drop(r->frames[i]);
    r->frames_n = 0;
}

bool dd_explain_run(struct dd_explain *x, struct dd_explain_run *r)
{
    struct gw_err err;
    struct dd_request req = *x->in.request;
    struct dd_env env = *x->in.env;
    const struct dd_edit edit = {.chunk = edit_chunk, .next = r->held ? take_held : NULL, .ctx = r};
    drop_frames(&x->result);
    gw_arena_reset(&x->scratch, 1 << 20);
    gw_arena_reset(&x->edits, 1 << 16);
    env.ids = NULL;
    env.sampler = NULL;
    env.durations = NULL;
    env.schemas = r->shown ? 1u << GW_DATADOG : r->schemas;
    if (r->no_host)
        env.host_name = GW_NOSTR;
    r->x = x;
    r->seen = 0;
    r->payload = NULL;
    r->payload_varied = r->taken = false;
    r->varied = r->source && dd_vary_request(r->source, r->variation, &req, &x->edits);
    if (r->said)
        dd_take_other_request(r->said, &req);
    x->attempts++;
    x->work += r->held ? r->held->cost : x->in.body.len + 4096;
    return dd_translate_edited(r->shown ? x->translator_shown : x->translator, &x->scratch, x->in.format,
                               x->in.body, &req, &env, &edit, &x->result, &err) == GW_OK;
}

bool dd_explain_sent(struct dd_explain *x, const struct dd_explain_row *row, enum gw_attribute_schema schema,
                     struct dd_sent *out)
{
    return dd_sent_find(x->result.frames, x->result.frames_n, schema, row->trace_id, row->span_id, out);
}

/* --- the rows --- */

static void add_row(struct dd_explain *x, const struct dd_span *s, size_t chunk, size_t index)
{
    if (x->rows_n == x->rows_room) {
        size_t room = x->rows_room ? 2 * x->rows_room : ROOM_FOR_ROWS;
        struct dd_explain_row *more = gw_arena_raw(&x->arena, room, sizeof *more);
        if (!more)
            return;
        if (x->rows_n)
            memcpy(more, x->rows, x->rows_n * sizeof *more);
        x->rows = more;
        x->rows_room = room;
    }
    x->rows[x->rows_n++] = (struct dd_explain_row){.trace_id = s->trace_id,
                                                   .span_id = s->span_id,
                                                   .service = gw_arena_dup(&x->arena, s->service),
                                                   .name = gw_arena_dup(&x->arena, s->name),
                                                   .chunk = chunk,
                                                   .index = index};
}

struct listing {
    struct dd_explain *x;
    size_t chunks;
};

static void list_chunk(void *ctx, struct dd_chunk *c, struct gw_arena *arena)
{
    struct listing *l = ctx;
    if (!c)
        return;
    if (l->x->in.env->privacy)
        (void)!dd_privacy_chunk(l->x->in.env->privacy, c, arena);
    for (size_t i = 0; i < c->n; i++)
        add_row(l->x, &c->spans[i], l->chunks, i);
    l->chunks++;
    c->n = 0; /* nothing is to be made of it */
}

static bool list_rows(struct dd_explain *x, struct gw_err *err)
{
    struct listing l = {.x = x};
    const struct dd_edit edit = {.chunk = list_chunk, .ctx = &l};
    struct dd_env env = {.schemas = 1u << GW_OTEL, .privacy = x->in.env->privacy};
    if (dd_translate_edited(x->translator, &x->scratch, x->in.format, x->in.body, x->in.request, &env, &edit,
                            &x->result, err))
        return false;
    return !x->arena.spent || gw_arena_refusal(&x->arena, GW_BUDGET, "the list of spans", err) == GW_OK;
}

static bool translate_once(struct dd_explain *x, struct dd_result *result, struct gw_err *err)
{
    struct dd_env env = *x->in.env;
    env.ids = NULL;
    env.sampler = NULL;
    env.durations = NULL;
    return dd_translate(x->translator, &x->scratch, x->in.format, x->in.body, x->in.request, &env, result,
                        err) == GW_OK;
}

static bool open_translators(struct dd_explain *x)
{
    x->shown = *x->in.options;
    x->shown.keep_rejected = true;
    x->shown.resource.n = x->shown.promote.n = x->shown.strip.n = 0;
    x->translator = dd_translator_new(x->in.options);
    x->translator_shown = dd_translator_new(&x->shown);
    gw_arena_init(&x->arena, SCRATCH);
    gw_arena_init(&x->scratch, SCRATCH);
    gw_arena_init(&x->edits, SCRATCH);
    gw_arena_init(&x->held_arena, SCRATCH);
    x->held_arena.account = x->arena.account = x->scratch.account = x->edits.account = x->in.account;
    return x->translator && x->translator_shown;
}

struct dd_explain *dd_explain_new(const struct dd_explain_input *in, struct dd_result *result,
                                  struct gw_err *err)
{
    struct dd_explain *x = calloc(1, sizeof *x);
    *result = (struct dd_result){0};
    if (x)
        x->in = *in;
    if (!x || !open_translators(x)) {
        gw_fail(err, GW_BUSY, 0, "there is no memory to explain anything");
    } else if (translate_once(x, result, err)) {
        if (list_rows(x, err))
            return x;
        drop_frames(result);
    }
    dd_explain_drop(x);
    return NULL;
}

void dd_explain_drop(struct dd_explain *x)
{
    if (!x)
        return;
    drop_frames(&x->result);
    dd_translator_drop(x->translator);
    dd_translator_drop(x->translator_shown);
    gw_arena_fini(&x->arena);
    gw_arena_fini(&x->scratch);
    gw_arena_fini(&x->edits);
    gw_arena_fini(&x->held_arena);
    free(x);
}

size_t dd_explain_rows(const struct dd_explain *x, const struct dd_explain_row **rows)
{
    *rows = x->rows;
    return x->rows_n;
}

void dd_explain_match(const struct dd_explained_sent *explained, struct dd_explained_sent *sent)
{
    const struct dd_sent known = {.items = explained->items, .n = explained->n};
    for (size_t i = 0; i < sent->n; i++) {
        struct dd_explained_item *item = &sent->items[i];
        const struct dd_explained_item *same = dd_sent_item(&known, item->place, item->name, i);
        if (same) {
            item->from = same->from;
            item->from_n = same->from_n;
            item->why = same->why;
            item->row = same->row;
        } else {
            item->why = GW_STR("made by ddgate: of what the peer or another request said");
        }
    }
}

static struct dd_explained_part as_it_came(struct gw_arena *arena, const struct dd_explained_item *item)
{
    struct dd_explained_part p = {.section = item->place == DD_AT_RESOURCE ? DD_OF_PAYLOAD
                                             : item->place == DD_AT_SPAN   ? DD_OF_META
                                                                           : DD_OF_SPAN,
                                  .name = item->name,
                                  .value = item->value,
                                  .to = gw_new(arena, gw_str, 1),
                                  .to_n = 1,
                                  .fate = DD_FATE_KEPT,
                                  .why = GW_STR("OTLP goes on as it came")};
    if (p.to)
        p.to[0] = item->name;
    return p;
}

bool dd_explain_otlp(struct gw_arena *arena, gw_str span, gw_str scope, gw_str resource,
                     struct dd_explained *out)
{
    struct dd_sent sent = {.span = span, .scope = scope, .resource = resource};
    *out = (struct dd_explained){0};
    dd_sent_list(arena, &sent);
    out->received = gw_new(arena, struct dd_explained_part, sent.n + 1);
    for (size_t i = 0; i < sent.n && out->received; i++) {
        struct dd_explained_item *item = &sent.items[i];
        out->received[out->received_n++] = as_it_came(arena, item);
        item->from = gw_new(arena, gw_str, 1);
        item->why = GW_STR("OTLP goes on as it came");
        if (item->from)
            item->from[item->from_n++] = item->name;
    }
    out->sent[out->sent_n++] = (struct dd_explained_sent){.schema = GW_OTEL,
                                                          .span = span,
                                                          .scope = scope,
                                                          .resource = resource,
                                                          .items = sent.items,
                                                          .n = sent.n};
    return !arena->spent;
}
