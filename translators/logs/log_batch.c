/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_batch.h"

#include <stdlib.h>

/* Field numbers of opentelemetry/proto/logs/v1/logs.proto and resource.proto. */
enum { RESOURCE_LOGS = 1, RL_RESOURCE = 1, RL_SCOPE_LOGS = 2, SL_SCOPE = 1, SL_RECORDS = 2, RESOURCE_ATTRIBUTES = 1, SCOPE_NAME = 1 };
enum {
    RECORD_TIME = 1,
    RECORD_SEVERITY = 2,
    RECORD_SEVERITY_TEXT = 3,
    RECORD_BODY = 5,
    RECORD_ATTRIBUTES = 6,
    RECORD_OBSERVED = 11
};

enum { KEEP_BUDGET = 64 << 20, KEEP_CHUNKS = 1 << 16, SLOTS = 256 };

struct log_batch *log_batch_new(const struct log_conf *conf)
{
    struct log_batch *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->conf = conf;
    b->setup = log_setup_take(conf);
    gw_arena_init(&b->keep, KEEP_BUDGET);
    return b;
}

static void give_back(struct log_batch *b)
{
    gw_budget_give(b->conf->host->budget, b->charged);
    b->charged = 0;
}

void log_batch_drop(struct log_batch *b)
{
    if (!b)
        return;
    give_back(b);
    otlp_fini(&b->records);
    gw_arena_fini(&b->keep);
    log_setup_drop(b->setup);
    free(b->slots);
    free(b);
}

size_t log_batch_records(const struct log_batch *b)
{
    return b->left;
}

size_t log_batch_bytes(const struct log_batch *b)
{
    return b->records.len;
}

static struct log_slot *slot(struct log_batch *b)
{
    if (b->n == b->cap) {
        size_t cap = b->cap ? 2 * b->cap : SLOTS;
        struct log_slot *more = realloc(b->slots, cap * sizeof *more);
        if (!more)
            return NULL;
        b->slots = more;
        b->cap = cap;
    }
    return &b->slots[b->n];
}

/* What a batch holds past its free part is the process's memory. */
static bool pay(struct log_batch *b)
{
    size_t held = b->records.len + b->n * sizeof *b->slots + b->keep.used;
    if (held < LOG_BATCH_FREE + b->charged)
        return true;
    if (!gw_budget_take(b->conf->host->budget, LOG_BATCH_STEP))
        return false;
    b->charged += LOG_BATCH_STEP;
    return true;
}

static void write_attrs(struct otlp_buf *w, const struct log_input *in)
{
    for (size_t i = 0; i < in->attrs_n; i++)
        if (in->attrs[i].is_int)
            otlp_attr_int(w, RECORD_ATTRIBUTES, in->attrs[i].key, in->attrs[i].number);
        else
            otlp_attr_text(w, RECORD_ATTRIBUTES, in->attrs[i].key, in->attrs[i].text);
    if (in->cut)
        otlp_attr_int(w, RECORD_ATTRIBUTES, GW_STR("log.record.truncated_bytes"), (int64_t)in->cut);
}

static void write_record(struct log_batch *b, const struct log_input *in)
{
    struct otlp_buf *w = &b->records;
    size_t record = otlp_open(w, SL_RECORDS, 2);
    otlp_fixed64(w, RECORD_TIME, in->time);
    otlp_fixed64(w, RECORD_OBSERVED, in->observed);
    otlp_uint(w, RECORD_SEVERITY, (uint64_t)in->severity);
    otlp_text(w, RECORD_SEVERITY_TEXT, in->severity_text);
    size_t body = otlp_open(w, RECORD_BODY, 2);
    otlp_any_text(w, in->text);
    otlp_close(w, body, 2);
    otlp_attr_text(w, RECORD_ATTRIBUTES, GW_STR("datadog.log.source"), in->source.len ? in->source : b->conf->source);
    if (otlp_room(w, b->conf->tags.len))
        otlp_end(w, otlp_put_bytes(w->data + w->len, gw_str_n((const char *)b->conf->tags.data, b->conf->tags.len)));
    write_attrs(w, in);
    otlp_close(w, record, 2);
}

static gw_str or_else(gw_str a, gw_str b)
{
    return a.len ? a : b;
}

static void link_slot(struct log_batch *b, struct log_scope *scope)
{
    b->slots[b->n].next = 0;
    if (scope->first)
        b->slots[scope->last - 1].next = (uint32_t)b->n + 1;
    else
        scope->first = (uint32_t)b->n + 1;
    scope->last = (uint32_t)++b->n;
    b->left++;
}

static enum gw_code add(struct log_batch *b, const struct log_input *in)
{
    const struct log_options *o = b->conf->options;
    struct log_origin origin = {.service = or_else(in->service, b->conf->service),
                                .env = or_else(in->env, o->env),
                                .version = or_else(in->version, o->version),
                                .host = in->host};
    size_t before = b->records.len;
    struct log_slot *s = pay(b) ? slot(b) : NULL;
    struct log_scope *scope = s ? log_group_find(&b->groups, &b->keep, &origin) : NULL;
    if (!scope)
        return GW_BUSY;
    write_record(b, in);
    if (b->records.failed) {
        b->records.failed = false;
        b->records.len = before;
        return GW_BUSY;
    }
    *s = (struct log_slot){.at = (uint32_t)before, .len = (uint32_t)(b->records.len - before)};
    link_slot(b, scope);
    return GW_OK;
}

enum gw_code log_add(struct log_batch *b, const struct log_input *in)
{
    return add(b, in);
}

/* --- frames --- */

struct maker {
    struct log_batch *b;
    struct otlp_buf w;
    uint32_t items;
    struct gw_intake *intake;
    struct gw_frame **frames;
    size_t n, max;
};

static void resource_attr(struct maker *m, gw_str key, gw_str value)
{
    const struct gw_map *over = &m->b->conf->options->resource;
    for (size_t i = 0; i < over->n; i++)
        if (gw_str_eq(over->items[i].key, key))
            return;
    if (value.len)
        otlp_attr_text(&m->w, RESOURCE_ATTRIBUTES, key, value);
}

static void write_resource(struct maker *m, const struct log_origin *o)
{
    const struct otlp_buf *more = &m->b->conf->resource;
    size_t resource = otlp_open(&m->w, RL_RESOURCE, 1);
    resource_attr(m, GW_STR("service.name"), o->service);
    resource_attr(m, GW_STR("service.version"), o->version);
    resource_attr(m, GW_STR("deployment.environment.name"), o->env);
    resource_attr(m, GW_STR("host.name"), o->host);
    if (otlp_room(&m->w, more->len))
        otlp_end(&m->w, otlp_put_bytes(m->w.data + m->w.len, gw_str_n((const char *)more->data, more->len)));
    otlp_close(&m->w, resource, 1);
}

static void write_scope(struct maker *m, gw_str name)
{
    if (!name.len)
        return;
    size_t scope = otlp_open(&m->w, SL_SCOPE, 1);
    otlp_text(&m->w, SCOPE_NAME, name);
    otlp_close(&m->w, scope, 1);
}

/* Records of a scope until the frame is full; those that were written leave its list. */
static void write_records(struct maker *m, struct log_scope *s)
{
    const struct log_batch *b = m->b;
    do {
        const struct log_slot *slot = &b->slots[s->first - 1];
        if (otlp_room(&m->w, slot->len))
            otlp_end(&m->w, otlp_put_bytes(m->w.data + m->w.len, gw_str_n((const char *)b->records.data + slot->at, slot->len)));
        m->items++;
        s->first = slot->next;
    } while (s->first && m->w.len + b->slots[s->first - 1].len <= GW_FRAME_BYTES);
}

static void write_resource_logs(struct maker *m, struct log_scope *resource)
{
    size_t mark = otlp_open(&m->w, RESOURCE_LOGS, 3);
    write_resource(m, &resource->origin);
    for (struct log_scope *s = resource; s && m->w.len < GW_FRAME_BYTES; s = s->next) {
        if (!s->first)
            continue;
        size_t scope = otlp_open(&m->w, RL_SCOPE_LOGS, 3);
        write_scope(m, s->origin.logger);
        write_records(m, s);
        otlp_close(&m->w, scope, 3);
    }
    otlp_close(&m->w, mark, 3);
}

static bool empty(const struct log_scope *resource)
{
    for (const struct log_scope *s = resource; s; s = s->next)
        if (s->first)
            return false;
    return true;
}

/* The next frame of what is left. What memory was out for is refused. */
static void make_frame(struct maker *m)
{
    m->w = (struct otlp_buf){0};
    m->items = 0;
    for (struct log_scope *r = m->b->groups.first_resource; r && m->w.len < GW_FRAME_BYTES; r = r->other)
        while (!empty(r) && m->w.len < GW_FRAME_BYTES)
            write_resource_logs(m, r);
    struct gw_frame *f = m->w.failed ? NULL : gw_frame_new(GW_LOGS, GW_OTEL, m->w.data, m->w.len, m->w.cap, m->items);
    m->b->left -= m->items;
    m->intake->received += m->items;
    if (f) {
        m->frames[m->n++] = f;
        return;
    }
    m->intake->not_taken[GW_WHY_QUEUE_FULL] += m->items;
    otlp_fini(&m->w);
}

static void clear(struct log_batch *b)
{
    b->groups = (struct log_groups){0};
    gw_arena_reset(&b->keep, KEEP_CHUNKS);
    b->records.len = 0;
    b->n = 0;
    give_back(b);
}

size_t log_finish(struct log_batch *b, struct gw_frame **frames, size_t max, struct gw_intake *intake)
{
    struct maker m = {.b = b, .intake = intake, .frames = frames, .max = max};
    *intake = b->intake;
    b->intake = (struct gw_intake){0};
    while (b->left && m.n < max)
        make_frame(&m);
    if (!b->left)
        clear(b);
    return m.n;
}
