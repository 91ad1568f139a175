/* The translator: decodes a payload chunk by chunk, scans and exports each, and arranges the result as
 * frames. Memory that a request needed is freed at its end.
 *
 * Owns a struct dd_translator, one per receiver thread. Called by the ddtrace receiver, tests, fuzzers and
 * the benchmark.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_translate.h"

#include "core/delivery/span_services.h"
#include "core/delivery/trace_ids.h"
#include "translators/ddtrace/dd_decide.h"
#include "translators/ddtrace/dd_durations.h"
#include "translators/ddtrace/dd_export.h"
#include "translators/ddtrace/dd_layout.h"
#include "translators/ddtrace/dd_privacy.h"
#include "translators/ddtrace/dd_resource.h"
#include "translators/ddtrace/dd_semconv.h"

#include <stdlib.h>

/* What a translator keeps from request to request, unless memory is short. */
enum { KEEP_ARENA = 256 * 1024, KEEP_BUFFERS = 8 * 1024 * 1024, KEEP_SMALL = 64 * 1024 };

struct dd_translator {
    struct gw_arena keep; /* data that outlives a chunk, until the end of the request */
    struct dd_groups groups;
    struct dd_writer writer;
    struct otlp_buf scratch;
    struct dd_tally tally;
    bool without_plans; /* no plan cache: dd_translator_without_plans */
};

struct dd_translator *dd_translator_new(const struct dd_options *opt)
{
    struct dd_translator *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    dd_names_init();
    dd_db_init();
    dd_writer_init(&t->writer, opt);
    gw_arena_init(&t->keep, 0);
    return t;
}

void dd_translator_drop(struct dd_translator *t)
{
    if (!t)
        return;
    dd_groups_fini(&t->groups);
    dd_writer_fini(&t->writer);
    otlp_fini(&t->scratch);
    gw_arena_fini(&t->keep);
    free(t);
}

void dd_translator_without_plans(struct dd_translator *t)
{
    t->without_plans = true;
}

static bool single_sampled(const struct dd_scanned *c, size_t i)
{
    const struct dd_span *s = &c->chunk->spans[i];
    if (c->known[i].plan) /* spans with a plan do not need them */
        return false;
    for (size_t k = 0; k < s->meta_n + s->metrics_n; k++)
        if (c->keys[i][k].name == DD_T_SPAN_SAMPLING)
            return true;
    return false;
}

/* Records a value of the payload's process. */
static void note_sole(struct dd_work *w, struct dd_sole *sole, gw_str said)
{
    if (!said.len || gw_str_eq(said, sole->text))
        return;
    sole->several |= sole->text.len > 0;
    if (!sole->text.len)
        sole->text = gw_arena_dup(w->groups->keep, said);
}

static bool record_trace_id(struct dd_work *w, struct dd_scanned *c)
{
    if (w->opt->trace_id_bits == 64) {
        c->high = 0;
        return true;
    }
    return !(c->has_tid || c->has_root) || dd_trace_ids_record(&w->ids, c->trace_id, c->high);
}

/* A trace whose lower half is zero is valid only if it has an upper half, which may be in another chunk. This
 * is rare: one trace in 2^64, and spans without a trace id. */
static bool has_trace_id(const struct dd_work *w, struct dd_scanned *c)
{
    if (c->trace_id || w->opt->trace_id_bits == 64)
        return c->trace_id != 0;
    if (!c->has_tid && !c->has_root) {
        c->high = w->ids.half_of_zero;
        if (!c->high && w->env->ids && !gw_trace_ids_find(w->env->ids, 0, &c->high, w->env->now))
            c->high = 0;
    }
    c->has_tid |= c->high != 0;
    return c->high != 0;
}

/* Returns a value whose top bit is set if the start or the duration is negative, or if their sum reaches
 * INT64_MAX (to which the decoder limits greater numbers). There is no branch, because it is computed for
 * every span. */
static inline uint64_t time_fault(const struct dd_span *s)
{
    uint64_t start = (uint64_t)s->start, duration = (uint64_t)s->duration;
    return start | duration | (start + duration + 1);
}

/* Returns the earliest start of a span of the chunk; if there is none, the time of arrival. */
static int64_t earliest_start(const struct dd_work *w, const struct dd_chunk *chunk)
{
    int64_t earliest = INT64_MAX;
    for (size_t i = 0; i < chunk->n; i++)
        if (chunk->spans[i].start >= DD_YEAR_2000 && chunk->spans[i].start < earliest)
            earliest = chunk->spans[i].start;
    return earliest < INT64_MAX ? earliest : w->env->wall;
}

/* Repairs negative times (which may have been cast to unsigned) and sums past 2^63: the span gets a duration
 * of 0, and another start if its own is impossible. */
static void mend_times(struct dd_work *w, const struct dd_chunk *chunk)
{
    int64_t instead = -1; /* computed once, because a chunk may hold many such spans */
    uint64_t faults = 0;
    for (size_t i = 0; i < chunk->n; i++)
        faults |= time_fault(&chunk->spans[i]);
    for (size_t i = 0; i < chunk->n && faults >> 63; i++) {
        struct dd_span *s = &chunk->spans[i];
        if (!(time_fault(s) >> 63))
            continue;
        w->out->odd.bad_times++;
        s->duration = 0;
        if (s->start >= 0 && s->start < INT64_MAX)
            continue;
        instead = instead < 0 ? earliest_start(w, chunk) : instead;
        s->start = instead;
    }
}

/* Records services for log records that have none. Adjacent spans usually have the same service. */
static void note_services(const struct dd_work *w, const struct dd_chunk *chunk)
{
    struct gw_span_services *services = w->env->ids ? gw_trace_ids_services(w->env->ids) : NULL;
    gw_str last = GW_NOSTR;
    unsigned number = 0;
    if (!services || !gw_span_services_asked(services))
        return;
    for (size_t i = 0; i < chunk->n; i++) {
        gw_str service = chunk->spans[i].service;
        if (service.ptr != last.ptr && !gw_str_eq(service, last))
            number = gw_span_services_number(services, service);
        last = service;
        gw_span_services_learn(services, chunk->spans[i].span_id, number);
    }
}

/* Counts a span that is not exported. */
static bool drop_span(struct dd_work *w, struct dd_scanned *c, size_t i, enum gw_reason why)
{
    w->out->intake.not_taken[why]++;
    return !w->durations || !dd_durations_wanted(w->durations) || dd_count_dropped(w, c, i);
}

/* Drops a chunk, except the spans that single-span sampling kept. */
static bool drop_chunk(struct dd_work *w, struct dd_scanned *c, enum gw_reason why)
{
    bool finished = false;
    for (size_t i = 0; i < c->chunk->n; i++)
        if (!single_sampled(c, i)) {
            if (!drop_span(w, c, i, why))
                return false;
        } else if (!(finished = finished || dd_scan_finish(c, w->arena, w->scratch)) || !dd_export(w, c, i))
            return false;
    return true;
}

static bool export_chunk(struct dd_work *w, struct dd_scanned *c)
{
    if (!dd_scan_finish(c, w->arena, w->scratch))
        return false;
    for (size_t i = 0; i < c->chunk->n; i++)
        if (!dd_export(w, c, i))
            return false;
    return true;
}

static bool export_or_drop(struct dd_work *w, struct dd_scanned *c)
{
    if (w->durations)
        dd_durations_chunk(w->durations, c);
    enum dd_fate fate = dd_decide(c, w->opt, w->tally);
    w->out->gateway_sampled += fate == DD_SAMPLED_OUT;
    w->out->kept_errors += fate == DD_GOES_ON && c->sampling.regardless;
    return fate == DD_GOES_ON    ? export_chunk(w, c)
           : fate == DD_REJECTED ? drop_chunk(w, c, GW_REASON_SAMPLED_OUT)
                                 : drop_chunk(w, c, GW_REASON_GATEWAY_SAMPLED);
}

/* Translates spans that all have one trace id. */
static bool translate_trace(struct dd_work *w, const struct dd_chunk *chunk)
{
    struct dd_scanned c;
    mend_times(w, chunk);
    note_services(w, chunk);
    w->writer->shapes.plans.trace++;
    if (!dd_scan(&c, chunk, w->arena, w->req->lang, &w->writer->shapes, &w->out->odd))
        return false;
    if (!has_trace_id(w, &c)) {
        w->out->intake.not_taken[GW_REASON_ZERO_TRACE_ID] += chunk->n;
        return true;
    }
    if (!record_trace_id(w, &c))
        return false;
    c.number = ++w->traces;
    note_sole(w, &chunk->payload->sole_runtime_id, c.runtime_id);
    note_sole(w, &chunk->payload->sole_host, c.host);
    return export_or_drop(w, &c);
}

/* For schemas that contain Datadog's tags: writes the chunk's own values as those tags of its local root that
 * v0.4 has for them. (The mechanism is such a tag in all formats.) */
static bool put_in_tags(const struct dd_work *w, struct dd_chunk *c)
{
    struct dd_text *meta = gw_arena_raw(w->arena, c->meta_n + 2, sizeof *meta);
    struct dd_number *metrics = gw_arena_raw(w->arena, c->metrics_n + 1, sizeof *metrics);
    if (!meta || !metrics)
        return false;
    if (c->meta_n)
        memcpy(meta, c->meta, c->meta_n * sizeof *meta);
    if (c->metrics_n)
        memcpy(metrics, c->metrics, c->metrics_n * sizeof *metrics);
    c->meta = meta;
    c->metrics = metrics;
    if (c->priority != DD_NO_PRIORITY)
        metrics[c->metrics_n++] =
            (struct dd_number){.key = dd_names[DD_T_PRIORITY].name, .kind = DD_INT, .i = c->priority};
    if (c->origin.len)
        meta[c->meta_n++] = (struct dd_text){dd_names[DD_T_DD_ORIGIN].name, c->origin};
    if (c->high)
        meta[c->meta_n++] = (struct dd_text){
            dd_names[DD_T_TID].name, gw_arena_printf(w->arena, "%016llx", (unsigned long long)c->high)};
    return !w->arena->spent;
}

static int by_trace(const void *a, const void *b)
{
    const struct dd_span *const *x = a, *const *y = b;
    if ((*x)->trace_id != (*y)->trace_id)
        return (*x)->trace_id < (*y)->trace_id ? -1 : 1;
    return *x < *y ? -1 : 1;
}

/* Handles a chunk with spans of several traces, which no tracer sends: each trace becomes a chunk of its
 * own. */
static bool translate_mixed_chunk(struct dd_work *w, const struct dd_chunk *chunk)
{
    const struct dd_span **order = gw_arena_raw(w->arena, chunk->n, sizeof *order);
    struct dd_span *spans = gw_arena_raw(w->arena, chunk->n, sizeof *spans);
    if (!order || !spans)
        return false;
    for (size_t i = 0; i < chunk->n; i++)
        order[i] = &chunk->spans[i];
    qsort(order, chunk->n, sizeof *order, by_trace);
    for (size_t i = 0; i < chunk->n; i++)
        spans[i] = *order[i];
    for (size_t from = 0, to; from < chunk->n; from = to) {
        for (to = from + 1; to < chunk->n && spans[to].trace_id == spans[from].trace_id;)
            to++;
        struct dd_chunk trace = *chunk; /* the chunk's upper half of the trace id belongs to one trace */
        trace.spans = spans + from;
        trace.n = to - from;
        trace.high = 0;
        if (!translate_trace(w, &trace))
            return false;
    }
    return true;
}

static bool translate_chunk(struct dd_work *w, struct dd_chunk *chunk)
{
    if (!chunk->n)
        return true;
    w->out->chunks++;
    if (w->env->privacy && !dd_privacy_chunk(w->env->privacy, chunk, w->arena))
        return false;
    if (w->env->schemas & ~(1u << GW_OTEL) && !put_in_tags(w, chunk))
        return false;
    for (size_t i = 1; i < chunk->n; i++)
        if (chunk->spans[i].trace_id != chunk->spans[0].trace_id)
            return translate_mixed_chunk(w, chunk);
    return translate_trace(w, chunk);
}

static void note_left_out(struct dd_work *w, const struct dd_decoder *d)
{
    w->out->odd.bad_links += d->left_out.links;
    w->out->odd.bad_events += d->left_out.events;
    w->out->odd.bad_tags += d->left_out.tags;
}

static enum gw_code read_chunks(struct dd_work *w, enum dd_format format, gw_str body, struct gw_err *err)
{
    struct dd_decoder d;
    enum gw_code code = dd_decode_begin(&d, format, body, w->arena, err);
    if (code != GW_OK)
        return code;
    struct gw_snap snap = gw_arena_snap(w->arena);
    struct dd_plans *plans = &w->writer->shapes.plans;
    d.plans = plans->off || w->env->privacy ? NULL : plans; /* privacy rules need all tags of a span */
    d.keep = w->groups->keep;
    for (bool more = true; code == GW_OK && more; gw_arena_back(w->arena, snap)) {
        struct dd_chunk chunk;
        plans->chunk++;
        code = dd_decode_next(&d, &chunk, &more, &w->out->intake, err);
        if (code == GW_OK && !translate_chunk(w, &chunk))
            code = dd_out_of_memory(err);
    }
    note_left_out(w, &d);
    return code;
}

/* The same where somebody changes what was read: without plans, which would copy from the body. */
static enum gw_code read_edited_chunks(struct dd_work *w, enum dd_format format, gw_str body,
                                       const struct dd_edit *edit, struct gw_err *err)
{
    struct dd_decoder d;
    enum gw_code code = dd_decode_begin(&d, format, body, w->arena, err);
    if (code != GW_OK)
        return code;
    struct gw_snap snap = gw_arena_snap(w->arena);
    d.keep = w->groups->keep;
    for (bool more = true; code == GW_OK && more; gw_arena_back(w->arena, snap)) {
        struct dd_chunk chunk;
        code = dd_decode_next(&d, &chunk, &more, &w->out->intake, err);
        if (code != GW_OK)
            break;
        edit->chunk(edit->ctx, chunk.n ? &chunk : NULL, w->arena);
        if (!translate_chunk(w, &chunk))
            code = dd_out_of_memory(err);
    }
    note_left_out(w, &d);
    return code;
}

/* The same where the chunks were read before. */
static enum gw_code take_edited_chunks(struct dd_work *w, const struct dd_edit *edit, struct gw_err *err)
{
    struct gw_snap snap = gw_arena_snap(w->arena);
    struct dd_chunk chunk;
    bool good = true;
    for (; good && edit->next(edit->ctx, &chunk, w->arena); gw_arena_back(w->arena, snap)) {
        w->out->intake.received += chunk.n;
        edit->chunk(edit->ctx, &chunk, w->arena);
        good = translate_chunk(w, &chunk);
    }
    edit->chunk(edit->ctx, NULL, w->arena);
    return good ? GW_OK : dd_out_of_memory(err);
}

/* Writes the resource once per group. */
static gw_str resource_bytes(struct dd_group *g, void *ctx)
{
    struct dd_work *w = ctx;
    if (g->resource.len)
        return g->resource;
    w->scratch->len = 0;
    dd_resource_write(w->scratch, g, w->req, w->opt);
    return g->resource = gw_arena_dup(w->groups->keep, otlp_written(w->scratch));
}

static enum gw_code lay_out_frames(struct dd_work *w, struct gw_err *err)
{
    enum gw_code code = GW_OK;
    for (int r = 0; r < GW_ATTRIBUTE_SCHEMAS && code == GW_OK; r++) {
        size_t n = 0;
        struct dd_layout l = {.groups = w->groups,
                              .arena = w->groups->keep,
                              .schema = (enum gw_attribute_schema)r,
                              .frame_bytes = GW_FRAME_BYTES,
                              .max_frames = DD_MAX_FRAMES / GW_ATTRIBUTE_SCHEMAS,
                              .schema_url = GW_STR(DD_SCHEMA_URL),
                              .scope_name = GW_STR("datadog"),
                              .arrived = w->env->now,
                              .resource = resource_bytes,
                              .resource_ctx = w};
        if (w->env->schemas & 1u << r)
            code = dd_layout_frames(&l, &w->out->frames[w->out->frames_n], &n, err);
        w->out->frames_n += n;
    }
    return code;
}

/* Counts texts with invalid UTF-8, in one schema, because all schemas contain them. */
static uint64_t repaired_texts(const struct dd_work *w)
{
    uint64_t n = 0;
    enum gw_attribute_schema r = w->writer->counting;
    for (const struct dd_group *g = w->groups->first; g; g = g->next)
        for (const struct dd_scope *s = g->scopes; s; s = s->next)
            n += s->spans[r].buf ? s->spans[r].buf->repaired : 0;
    return n;
}

/* Returns facts of the process that resources get if neither spans nor the payload have them. */
static struct dd_payload other_facts(const struct dd_work *w)
{
    struct dd_payload p = {.host = w->req->peer_is_local ? w->env->host_name : GW_NOSTR};
    p.facts[DD_FACT_LANGUAGE_VERSION] = w->req->lang_version;
    p.facts[DD_FACT_TRACER_VERSION] = w->req->tracer_version;
    return p;
}

/* Integrations' own services ("postgres") are not the process's. */
static void note_process(const struct dd_work *w)
{
    const struct dd_group *g = w->groups->first;
    if (!g)
        return;
    const struct dd_identity *id = &g->id;
    w->out->process = (struct dd_process){
        .service = gw_arena_dup(w->arena, id->base_service.len ? id->base_service : id->service),
        .env = gw_arena_dup(w->arena, id->env),
        .host = gw_arena_dup(w->arena, id->host),
        .language = gw_arena_dup(w->arena, id->language),
        .language_version = gw_arena_dup(w->arena, g->facts[DD_FACT_LANGUAGE_VERSION]),
        .tracer_version = gw_arena_dup(w->arena, g->facts[DD_FACT_TRACER_VERSION])};
}

static enum gw_code finish_payload(struct dd_work *w, struct gw_err *err)
{
    w->out->odd.repaired_text += repaired_texts(w);
    w->out->odd.bad_struct += w->writer->bad_struct;
    w->out->odd.empty_keys += w->writer->empty_keys;
    const struct dd_payload others = other_facts(w);
    dd_groups_complete(w->groups, &others);
    note_process(w);
    if (!dd_trace_ids_complete(&w->ids, w->groups, w->env->ids, w->env->now))
        return dd_out_of_memory(err);
    enum gw_code code = lay_out_frames(w, err);
    if (code == GW_OK && w->durations)
        dd_durations_end(w->durations, resource_bytes, w);
    return code == GW_OK && (w->groups->keep->spent || w->scratch->failed) ? dd_out_of_memory(err) : code;
}

/* Discards everything from this request: the spans that were read count as refused. */
static void refuse_payload(struct dd_result *out, enum gw_code code)
{
    uint64_t received = out->intake.received;
    for (size_t i = 0; i < out->frames_n; i++)
        gw_frame_drop(out->frames[i]);
    out->frames_n = 0;
    out->gateway_sampled = out->kept_errors = 0;
    out->intake = (struct gw_intake){.received = received};
    out->intake.not_taken[code == GW_BUDGET ? GW_REASON_BUDGET
                          : code == GW_BUSY ? GW_REASON_QUEUE_FULL
                                            : GW_REASON_BAD_PAYLOAD] = received;
}

/* The request's arena has the account that pays; it is always the same one. */
static void charge_account(struct dd_translator *t, const struct gw_arena *arena)
{
    t->keep.budget = arena->budget;
    gw_budget_begin(arena->account);
    t->keep.account = t->scratch.account = t->writer.events.account = t->writer.sent_events.account =
        t->writer.links.account = arena->account;
}

static void begin_tally(struct dd_work *w, struct dd_tally *tally)
{
    if (!w->env->sampler)
        return;
    dd_tally_begin(tally, w->env->sampler, w->groups->keep, w->req->trace_count, w->req->dropped_p0_traces);
    w->tally = tally;
}

static void begin_durations(struct dd_work *w)
{
    w->durations = w->env->durations;
    if (w->durations)
        dd_durations_begin(w->durations, w->req, w->env->statistics_dropped, w->arena);
}

static void shrink_buffer(struct otlp_buf *b, size_t keep)
{
    if (b->cap > keep)
        otlp_fini(b);
    b->failed = false;
}

/* Frees the memory that a request needed at its end, without waiting for the next request. */
static void release_memory(struct dd_translator *t)
{
    const struct gw_budget *whole = t->keep.account;
    while (whole && whole->parent)
        whole = whole->parent;
    bool scarce = whole && atomic_load_explicit(&whole->used, memory_order_relaxed) > whole->limit / 2;
    gw_arena_reset(&t->keep, scarce ? 0 : KEEP_ARENA);
    dd_groups_reset(&t->groups, &t->keep, scarce ? 0 : KEEP_BUFFERS);
    shrink_buffer(&t->writer.events, KEEP_SMALL);
    shrink_buffer(&t->writer.sent_events, KEEP_SMALL);
    shrink_buffer(&t->writer.links, KEEP_SMALL);
    shrink_buffer(&t->scratch, KEEP_SMALL);
}

/* `edit` is a constant of both callers: the one without pays nothing for the other. */
static inline __attribute__((always_inline)) enum gw_code
translate(struct dd_translator *t, struct gw_arena *arena, enum dd_format format, gw_str body,
          const struct dd_request *req, const struct dd_env *env, const struct dd_edit *edit,
          struct dd_result *out, struct gw_err *err)
{
    struct dd_work w = {.opt = t->writer.opt,
                        .req = req,
                        .env = env,
                        .out = out,
                        .arena = arena,
                        .groups = &t->groups,
                        .writer = &t->writer,
                        .ids = {.keep = &t->keep},
                        .scratch = &t->scratch};
    *out = (struct dd_result){0};
    charge_account(t, arena);
    t->groups.keep = &t->keep;
    dd_memo_tidy(&t->writer.memo);
    t->writer.counting = env->schemas ? (enum gw_attribute_schema)__builtin_ctz(env->schemas) : GW_OTEL;
    t->writer.bad_struct = t->writer.empty_keys = 0;
    t->writer.f.body = (struct otlp_region){body.ptr, body.len > OTLP_WIDE ? body.len - OTLP_WIDE : 0};
    t->writer.shapes.plans.body = t->writer.f.body;
    t->writer.shapes.plans.request++;
    t->writer.shapes.plans.off = t->without_plans || env->schemas != 1u << GW_OTEL ||
                                 t->writer.opt->strip.n || t->writer.opt->promote.n;
    if (env->privacy)
        dd_privacy_begin(env->privacy);
    begin_tally(&w, &t->tally);
    begin_durations(&w);
    enum gw_code code = !edit        ? read_chunks(&w, format, body, err)
                        : edit->next ? take_edited_chunks(&w, edit, err)
                                     : read_edited_chunks(&w, format, body, edit, err);
    if (code == GW_OK)
        code = finish_payload(&w, err);
    code = gw_arena_refusal(arena, code, "the translated spans", err);
    if (w.tally)
        dd_tally_end(w.tally, code == GW_OK, env->now);
    if (code != GW_OK)
        refuse_payload(out, code);
    release_memory(t);
    return code;
}

enum gw_code dd_translate(struct dd_translator *t, struct gw_arena *arena, enum dd_format format, gw_str body,
                          const struct dd_request *req, const struct dd_env *env, struct dd_result *out,
                          struct gw_err *err)
{
    return translate(t, arena, format, body, req, env, NULL, out, err);
}

enum gw_code dd_translate_edited(struct dd_translator *t, struct gw_arena *arena, enum dd_format format,
                                 gw_str body, const struct dd_request *req, const struct dd_env *env,
                                 const struct dd_edit *edit, struct dd_result *out, struct gw_err *err)
{
    return translate(t, arena, format, body, req, env, edit, out, err);
}
