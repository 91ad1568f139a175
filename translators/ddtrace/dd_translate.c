/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_translate.h"

#include "translators/ddtrace/dd_layout.h"
#include "translators/ddtrace/dd_resource.h"
#include "translators/ddtrace/dd_semconv.h"

#include <stdlib.h>

enum { KEEP_ARENA = 256 * 1024, KEEP_BUFFERS = 8 * 1024 * 1024 };

struct learned {
    uint64_t low, high;
    struct learned *next;
};

struct dd_translator {
    const struct dd_options *opt;
    struct gw_arena keep; /* what outlives a chunk, until the request is over */
    struct dd_groups groups;
};

/* One call of dd_translate. */
struct work {
    struct dd_translator *t;
    const struct dd_request *req;
    const struct dd_env *env;
    struct dd_result *out;
    struct learned *learned;
};

struct facts {
    uint64_t high;
    bool has_tid, has_root, has_priority;
    double priority;
    gw_str env, runtime_id, language;
    int64_t pid;
};

struct dd_translator *dd_translator_new(const struct dd_options *opt)
{
    struct dd_translator *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->opt = opt;
    gw_arena_init(&t->keep, 0);
    return t;
}

void dd_translator_drop(struct dd_translator *t)
{
    if (!t)
        return;
    dd_groups_fini(&t->groups);
    gw_arena_fini(&t->keep);
    free(t);
}

static gw_str meta_of(const struct dd_span *s, const char *key)
{
    gw_str k = gw_str_z(key);
    for (size_t i = s->meta_n; i-- > 0;)
        if (gw_str_eq(s->meta[i].key, k))
            return s->meta[i].value;
    return GW_NOSTR;
}

static double number(const struct dd_number *n)
{
    return n->kind == DD_INT ? (double)n->i : n->kind == DD_UINT ? (double)n->u : n->d;
}

static bool metric_of(const struct dd_span *s, const char *key, double *out)
{
    gw_str k = gw_str_z(key);
    for (size_t i = s->metrics_n; i-- > 0;)
        if (gw_str_eq(s->metrics[i].key, k)) {
            *out = number(&s->metrics[i]);
            return true;
        }
    return false;
}

static void first_of(gw_str *to, gw_str from)
{
    if (!to->len)
        *to = from;
}

static void scan(struct work *w, const struct dd_chunk *c, struct facts *f)
{
    *f = (struct facts){0};
    for (size_t i = 0; i < c->n; i++) {
        const struct dd_span *s = &c->spans[i];
        uint64_t high;
        double d;
        gw_str tid = meta_of(s, "_dd.p.tid");
        f->has_root |= s->parent_id == 0;
        if (tid.len && gw_str_hex64(tid, &high)) {
            f->high = high;
            f->has_tid = true;
        } else if (tid.len) {
            w->out->odd.malformed_tid++;
        }
        if (metric_of(s, "_sampling_priority_v1", &d)) {
            f->priority = d;
            f->has_priority = true;
        }
        if (metric_of(s, "process_id", &d))
            f->pid = (int64_t)d;
        first_of(&f->env, meta_of(s, "env"));
        first_of(&f->runtime_id, meta_of(s, "runtime-id"));
        first_of(&f->language, meta_of(s, "language"));
    }
}

static uint64_t be64(uint64_t v)
{
    return __builtin_bswap64(v);
}

static uint64_t end_time(const struct dd_span *s)
{
    int64_t end, duration = s->duration > 0 ? s->duration : 0;
    return __builtin_add_overflow(s->start, duration, &end) ? INT64_MAX : (uint64_t)end;
}

static unsigned kind_of(gw_str kind)
{
    static const char *const names[] = {"", "internal", "server", "client", "producer", "consumer"};
    for (unsigned i = 1; i < 6; i++)
        if (gw_str_ieq(kind, gw_str_z(names[i])))
            return i;
    return 1;
}

static void write_number(struct otlp_buf *w, const struct dd_number *n)
{
    double d = number(n);
    if (n->kind == DD_INT || (n->kind == DD_DOUBLE && d == (double)(int64_t)d && d > -9.2e18 && d < 9.2e18))
        otlp_attr_int(w, 9, n->key, n->kind == DD_INT ? n->i : (int64_t)d);
    else
        otlp_attr_double(w, 9, n->key, d);
}

static bool write_span(struct work *k, struct otlp_buf *w, const struct dd_span *s, const struct facts *f, size_t *id_at)
{
    size_t at = w->len, mark = otlp_open(w, 2, 2);
    uint64_t ids[2] = {be64(f->high), be64(s->trace_id)}, span = be64(s->span_id), parent = be64(s->parent_id);
    otlp_bytes(w, 1, gw_str_n((const char *)ids, 16));
    otlp_bytes(w, 2, gw_str_n((const char *)&span, 8));
    if (s->parent_id && s->parent_id != s->span_id)
        otlp_bytes(w, 4, gw_str_n((const char *)&parent, 8));
    otlp_text(w, 5, s->resource.len ? s->resource : s->name);
    otlp_uint(w, 6, kind_of(meta_of(s, "span.kind")));
    otlp_fixed64(w, 7, (uint64_t)s->start);
    otlp_fixed64(w, 8, end_time(s));
    otlp_attr_text(w, 9, GW_STR("operation.name"), s->name);
    otlp_attr_text(w, 9, GW_STR("resource.name"), s->resource);
    otlp_attr_text(w, 9, GW_STR("span.type"), s->type);
    for (size_t i = 0; i < s->meta_n; i++)
        otlp_attr_text(w, 9, s->meta[i].key, s->meta[i].value);
    for (size_t i = 0; i < s->metrics_n; i++)
        write_number(w, &s->metrics[i]);
    size_t status = otlp_open(w, 15, 1);
    if (s->error) {
        otlp_text(w, 2, meta_of(s, "error.message"));
        otlp_uint(w, 3, 2);
        otlp_close(w, status, 1);
    } else {
        otlp_cancel(w, status, 15, 1);
    }
    otlp_fixed32(w, 16, f->has_priority && f->priority >= 1);
    otlp_close(w, mark, 2);
    *id_at = at + 1 + otlp_varint_size(w->len - mark) + 2;
    return !w->failed;
}

static bool export_span(struct work *k, const struct dd_span *s, const struct facts *f)
{
    gw_str own_env = meta_of(s, "env");
    struct dd_identity id = {.service = s->service,
                             .env = own_env.len ? own_env : f->env,
                             .version = meta_of(s, "version"),
                             .runtime_id = f->runtime_id,
                             .language = f->language.len ? f->language : k->req->lang};
    struct dd_group *group = dd_group_of(&k->t->groups, &id);
    struct dd_scope *scope = group ? dd_scope_of(&k->t->groups, group, meta_of(s, "component")) : NULL;
    if (!scope)
        return false;
    for (int r = 0; r < GW_RENDERINGS; r++) {
        size_t id_at;
        if (!(k->env->renderings & 1u << r))
            continue;
        struct otlp_buf *w = dd_scope_buf(&k->t->groups, scope, (enum gw_rendering)r);
        if (!w || !write_span(k, w, s, f, &id_at))
            return false;
        if (!f->has_tid && !f->has_root && !dd_scope_pending(&k->t->groups, &scope->spans[r], (uint32_t)id_at, s->trace_id))
            return false;
        scope->spans[r].n++;
    }
    return true;
}

static bool learn(struct work *w, uint64_t low, uint64_t high)
{
    struct learned *l = gw_new(&w->t->keep, struct learned, 1);
    if (!l)
        return false;
    *l = (struct learned){low, high, w->learned};
    w->learned = l;
    return true;
}

static bool take_chunk(struct work *w, const struct dd_chunk *c)
{
    struct facts f;
    scan(w, c, &f);
    if (c->n && (f.has_tid || f.has_root) && !learn(w, c->spans[0].trace_id, f.high))
        return false;
    w->out->chunks++;
    if (f.has_priority && f.priority <= 0 && !w->t->opt->keep_rejected) {
        w->out->intake.not_taken[GW_WHY_SAMPLED_OUT] += c->n;
        return true;
    }
    for (size_t i = 0; i < c->n; i++)
        if (!export_span(w, &c->spans[i], &f))
            return false;
    return true;
}

static enum gw_code read_chunks(struct work *w, struct gw_arena *arena, enum dd_format format, gw_str body, struct gw_err *err)
{
    struct dd_decoder d;
    enum gw_code code = dd_decode_begin(&d, format, body, arena, err);
    struct gw_snap snap = gw_arena_snap(arena);
    for (bool more = true; code == GW_OK && more; gw_arena_back(arena, snap)) {
        struct dd_chunk chunk = {0};
        code = dd_decode_next(&d, &chunk, &more, &w->out->intake, err);
        if (code == GW_OK && more && !take_chunk(w, &chunk))
            code = gw_fail(err, GW_BUDGET, 0, "no memory for the translated spans");
    }
    return code;
}

static uint64_t *half_at(struct dd_spans *s, const struct dd_pending *p)
{
    return (uint64_t *)(void *)(s->buf->data + p->offset);
}

static void resolve(struct work *w, struct dd_spans *s)
{
    for (struct dd_pending *p = s->first_pending; p; p = p->next) {
        uint64_t high = 0;
        for (struct learned *l = w->learned; l && !p->resolved; l = l->next)
            if (l->low == p->low) {
                high = l->high;
                p->resolved = true;
            }
        if (!p->resolved && w->env->ids)
            p->resolved = gw_ids_find(w->env->ids, p->low, &high, w->env->now);
        high = be64(high);
        memcpy(half_at(s, p), &high, 8);
    }
}

static void join(struct work *w)
{
    for (struct learned *l = w->learned; l && w->env->ids; l = l->next)
        gw_ids_learn(w->env->ids, l->low, l->high, w->env->now);
    for (struct dd_group *g = w->t->groups.first; g; g = g->next)
        for (struct dd_scope *s = g->scopes; s; s = s->next)
            for (int r = 0; r < GW_RENDERINGS; r++)
                resolve(w, &s->spans[r]);
}

static gw_str resource_bytes(const struct dd_group *g, void *ctx)
{
    struct work *w = ctx;
    struct otlp_buf buf = {0};
    dd_resource_write(&buf, g, w->req, w->t->opt);
    gw_str copy = gw_arena_dup(&w->t->keep, gw_str_n((char *)buf.data, buf.len));
    otlp_fini(&buf);
    return copy;
}

static enum gw_code lay_out(struct work *w, struct gw_err *err)
{
    enum gw_code code = GW_OK;
    for (int r = 0; r < GW_RENDERINGS && code == GW_OK; r++) {
        size_t n = 0;
        struct dd_layout l = {.groups = &w->t->groups,
                              .arena = &w->t->keep,
                              .rendering = (enum gw_rendering)r,
                              .frame_bytes = GW_FRAME_BYTES,
                              .max_frames = DD_MAX_FRAMES / GW_RENDERINGS,
                              .schema_url = GW_STR(DD_SCHEMA_URL),
                              .scope_prefix = GW_STR("datadog."),
                              .scope_version = w->req->tracer_version,
                              .arrived = w->env->now,
                              .resource = resource_bytes,
                              .resource_ctx = w};
        if (w->env->renderings & 1u << r)
            code = dd_layout_frames(&l, &w->out->frames[w->out->frames_n], &n, err);
        w->out->frames_n += n;
    }
    return code;
}

/* Nothing of this request is used: what had been read is refused. */
static void refuse(struct dd_result *out, enum gw_code code)
{
    uint64_t received = out->intake.received;
    for (size_t i = 0; i < out->frames_n; i++)
        gw_frame_drop(out->frames[i]);
    out->frames_n = 0;
    out->intake = (struct gw_intake){.received = received};
    out->intake.not_taken[code == GW_BUDGET ? GW_WHY_BUDGET : GW_WHY_BAD_PAYLOAD] = received;
}

enum gw_code dd_translate(struct dd_translator *t, struct gw_arena *arena, enum dd_format format, gw_str body, const struct dd_request *req,
                          const struct dd_env *env, struct dd_result *out, struct gw_err *err)
{
    struct work w = {.t = t, .req = req, .env = env, .out = out};
    *out = (struct dd_result){0};
    gw_arena_reset(&t->keep, KEEP_ARENA);
    t->keep.budget = arena->budget;
    dd_groups_reset(&t->groups, &t->keep, KEEP_BUFFERS);
    enum gw_code code = read_chunks(&w, arena, format, body, err);
    if (code == GW_OK) {
        join(&w);
        code = lay_out(&w, err);
    }
    if (code != GW_OK)
        refuse(out, code);
    return code;
}
