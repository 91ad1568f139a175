/* log_frames.c: Turns a batch into frames: ResourceLogs by ResourceLogs, in order, each frame near
 * GW_FRAME_BYTES. Completes 64-bit trace ids from the process's table, and notes unknown ones in the frame.
 * The state lives for one call of log_finish, which the log receivers call.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "translators/logs/log_batch.h"
#include "translators/logs/log_resource.h"

/* Field numbers of opentelemetry/proto/logs/v1/logs.proto and resource.proto. */
enum { RESOURCE_LOGS = 1, RL_RESOURCE = 1, RL_SCOPE_LOGS = 2, SL_SCOPE = 1, SCOPE_NAME = 1 };

enum { KEEP_CHUNKS = 1 << 16 };

struct maker {
    struct log_batch *b;
    struct otlp_buf w;
    uint32_t items;
    uint32_t *incomplete; /* offsets in w of ids that wait for their upper half */
    size_t incomplete_n, incomplete_cap;
    struct gw_pending_service *services; /* groups that wait for their span's service */
    size_t services_n, services_cap;
    struct gw_intake *intake;
    struct gw_frame **frames;
    size_t n, max;
    gw_nsec now;
    uint64_t news;             /* gw_trace_ids_news before the first id was looked up: 0: nothing is known */
    uint64_t asked, low, high; /* the id that was looked up last, and what became of it */
    bool known;
};

/* Option `resource` overrides found attributes. */
static bool is_overruled(const struct log_setup *s, gw_str key)
{
    const struct gw_map *over = &s->options.resource;
    for (size_t i = 0; i < over->n; i++)
        if (gw_str_eq(over->items[i].key, key))
            return true;
    return false;
}

static void resource_attr(struct otlp_buf *w, const struct log_setup *s, gw_str key, gw_str value)
{
    if (value.len && !is_overruled(s, key))
        otlp_attr_text(w, LOG_RESOURCE_ATTRIBUTES, key, value);
}

static void write_more(struct otlp_buf *w, const struct log_setup *s, gw_str more)
{
    gw_str key, entry;
    while (log_resource_next(&more, &key, &entry))
        if (!is_overruled(s, key))
            otlp_append(w, entry);
}

void log_write_resource(struct otlp_buf *w, const struct log_setup *s, const struct log_origin *o)
{
    resource_attr(w, s, GW_STR("service.name"), o->service);
    resource_attr(w, s, GW_STR("service.version"), o->version);
    resource_attr(w, s, GW_STR("deployment.environment.name"), o->env);
    resource_attr(w, s, GW_STR("host.name"), o->host);
    write_more(w, s, o->more);
    otlp_append(w, otlp_written(&s->resource));
}

static void write_resource(struct maker *m, const struct log_origin *o)
{
    size_t resource = otlp_open(&m->w, RL_RESOURCE, 1);
    log_write_resource(&m->w, m->b->setup, o);
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

static uint64_t read_be64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return be64toh(v);
}

static void write_be64(uint8_t *p, uint64_t v)
{
    v = htobe64(v);
    memcpy(p, &v, sizeof v);
}

static bool note_incomplete(struct maker *m, size_t offset)
{
    if (m->incomplete_n == m->incomplete_cap) {
        size_t cap = m->incomplete_cap ? 2 * m->incomplete_cap : 64;
        uint32_t *more = realloc(m->incomplete, cap * sizeof *more);
        if (!more)
            return false;
        m->incomplete = more;
        m->incomplete_cap = cap;
    }
    m->incomplete[m->incomplete_n++] = (uint32_t)offset;
    return true;
}

/* The group that begins at the end of w waits for its span. Without memory it keeps the service it has. */
static void note_service(struct maker *m, const struct log_origin *o)
{
    if (!o->awaits || !o->service.len || is_overruled(m->b->setup, GW_STR("service.name")))
        return;
    if (m->services_n == m->services_cap) {
        size_t cap = m->services_cap ? 2 * m->services_cap : 16;
        struct gw_pending_service *more = realloc(m->services, cap * sizeof *more);
        if (!more)
            return;
        m->services = more;
        m->services_cap = cap;
    }
    m->services[m->services_n++] = (struct gw_pending_service){o->awaits, (uint32_t)m->w.len};
}

/* Fills in the upper half of a 64-bit trace id where it is known; else the frame notes its place. */
static void complete_trace_id(struct maker *m, size_t offset)
{
    struct gw_trace_ids *ids = m->b->conf->environment->ids;
    uint64_t low = read_be64(m->w.data + offset + 8);
    if (!ids)
        return;
    if (m->news && (low != m->asked || !m->known)) {
        m->asked = m->low = low;
        m->known = gw_trace_ids_find(ids, low, &m->high, m->now) ||
                   (gw_trace_ids_rounded(low) && gw_trace_ids_repair(ids, low, &m->low, &m->high, m->now));
    }
    if (m->known) {
        write_be64(m->w.data + offset, m->high);
        write_be64(m->w.data + offset + 8, m->low);
    } else if (!note_incomplete(m, offset)) {
        m->w.failed = true;
    }
}

/* Closes a message, which may move its content: the noted positions move with it. */
static void close_noted(struct maker *m, size_t mark, unsigned guess, size_t first)
{
    size_t before = m->w.len;
    otlp_close(&m->w, mark, guess);
    for (size_t i = first; i < m->incomplete_n; i++)
        m->incomplete[i] = (uint32_t)(m->incomplete[i] + m->w.len - before);
}

/* Records of a scope until the frame is full; those that were written leave its list. */
static void write_records(struct maker *m, struct log_scope *s)
{
    const struct log_batch *b = m->b;
    do {
        const struct log_slot *slot = &b->slots[s->first - 1];
        size_t at = m->w.len;
        otlp_append(&m->w, gw_str_n((const char *)b->records.data + slot->at, slot->len));
        if (slot->id && !m->w.failed)
            complete_trace_id(m, at + slot->id);
        m->items++;
        s->first = slot->next;
    } while (s->first && m->w.len + b->slots[s->first - 1].len <= GW_FRAME_BYTES);
}

static void write_resource_logs(struct maker *m, struct log_scope *resource)
{
    note_service(m, &resource->origin);
    size_t mark = otlp_open(&m->w, RESOURCE_LOGS, 3), noted = m->incomplete_n;
    write_resource(m, &resource->origin);
    for (struct log_scope *s = resource; s && m->w.len < GW_FRAME_BYTES; s = s->next) {
        if (!s->first)
            continue;
        size_t scope = otlp_open(&m->w, RL_SCOPE_LOGS, 3), noted_here = m->incomplete_n;
        write_scope(m, s->origin.logger);
        write_records(m, s);
        close_noted(m, scope, 3, noted_here);
    }
    close_noted(m, mark, 3, noted);
}

static bool is_written(const struct log_scope *resource)
{
    for (const struct log_scope *s = resource; s; s = s->next)
        if (s->first)
            return false;
    return true;
}

static struct gw_frame *frame_of(struct maker *m)
{
    struct gw_frame *f =
        m->w.failed ? NULL : gw_frame_new(GW_LOGS, GW_OTEL, m->w.data, m->w.len, m->w.cap, m->items);
    if (!f)
        return NULL;
    f->has_lines = m->b->has_lines;
    if (m->incomplete_n) {
        gw_frame_pending_ids(f, m->incomplete, (uint32_t)m->incomplete_n);
        f->news = m->news;
        m->incomplete = NULL;
    }
    if (m->services_n) {
        gw_frame_pending_services(f, m->services, (uint32_t)m->services_n);
        m->services = NULL;
    }
    return f;
}

/* Makes the next frame of the remaining records. Records without memory are refused. */
static void make_frame(struct maker *m)
{
    m->w = (struct otlp_buf){0};
    m->incomplete = NULL;
    m->items = 0;
    m->incomplete_n = m->incomplete_cap = 0;
    m->services = NULL;
    m->services_n = m->services_cap = 0;
    for (struct log_scope *r = m->b->groups.first_resource; r && m->w.len < GW_FRAME_BYTES; r = r->other)
        while (!is_written(r) && m->w.len < GW_FRAME_BYTES)
            write_resource_logs(m, r);
    struct gw_frame *f = frame_of(m);
    m->b->left -= m->items;
    m->intake->received += m->items;
    if (f) {
        m->frames[m->n++] = f;
    } else {
        m->intake->not_taken[GW_REASON_QUEUE_FULL] += m->items;
        otlp_fini(&m->w);
    }
    free(m->incomplete);
    free(m->services);
}

static void clear_batch(struct log_batch *b)
{
    b->groups = (struct log_groups){.seed = b->groups.seed};
    gw_arena_reset(&b->keep, KEEP_CHUNKS);
    b->records.len = 0;
    b->n = 0;
    b->has_lines = false;
    if (b->records.cap > LOG_BATCH_FREE) /* a large request is finished: others need the memory */
        otlp_fini(&b->records);
    if (b->attrs.w.cap > LOG_BATCH_FREE)
        otlp_fini(&b->attrs.w);
    gw_budget_give(b->conf->environment->budget, b->charged);
    b->charged = 0;
}

size_t log_finish(struct log_batch *b, struct gw_frame **frames, size_t max, struct gw_intake *intake)
{
    struct gw_trace_ids *ids = b->conf->environment->ids;
    struct maker m = {.b = b,
                      .intake = intake,
                      .frames = frames,
                      .max = max,
                      .now = gw_now(),
                      .news = ids ? gw_trace_ids_news(ids) : 0};
    *intake = b->intake;
    b->intake = (struct gw_intake){0};
    while (b->left && m.n < max)
        make_frame(&m);
    if (!b->left)
        clear_batch(b);
    return m.n;
}
