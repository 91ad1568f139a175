/* log_batch.c: Keeps a batch of log records: a buffer of finished LogRecords, and the resource and scope of
 * each. Adds what the intake and the options set, and charges memory beyond the batch's free part. Owns a
 * struct log_batch, which one thread uses. Called by log_add.c, log_script.c and the log receivers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_batch.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/delivery/span_services.h"
#include "core/delivery/recent.h"
#include "core/delivery/trace_ids.h"
#include "translators/logs/log_resource.h"
#include "translators/logs/log_write.h"

enum { KEEP_BUDGET = 64 << 20, SCRATCH_BUDGET = 64 << 20, SLOTS = 256 };

void log_batch_begin_setup(struct log_batch *b)
{
    log_setup_drop(b->setup);
    b->generation = atomic_load_explicit(&b->conf->generation, memory_order_acquire);
    b->setup = log_setup_take(b->conf);
    log_clock_init(&b->clock, b->setup->zone);
    b->tail.valid = false;
    b->last.script = NULL;
    b->last.source = GW_NOSTR;
}

struct log_batch *log_batch_new(const struct log_conf *conf)
{
    struct log_batch *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->conf = conf;
    b->thread = sc_thread_new();
    if (!b->thread) {
        free(b);
        return NULL;
    }
    log_batch_begin_setup(b);
    b->groups.seed = gw_random();
    b->attrs.seed = b->resource.seed = b->tail.attrs.seed = b->groups.seed;
    gw_arena_init(&b->keep, KEEP_BUDGET);
    gw_arena_init(&b->scratch, SCRATCH_BUDGET);
    return b;
}

void log_batch_drop(struct log_batch *b)
{
    if (!b)
        return;
    gw_budget_give(b->conf->environment->budget, b->charged);
    otlp_fini(&b->records);
    otlp_fini(&b->attrs.w);
    otlp_fini(&b->resource.w);
    otlp_fini(&b->tail.attrs.w);
    gw_arena_fini(&b->keep);
    gw_arena_fini(&b->scratch);
    log_setup_drop(b->setup);
    sc_thread_drop(b->thread);
    free(b->slots);
    free(b);
}

const char *log_batch_fault(struct log_batch *b)
{
    if (!*b->fault)
        return NULL;
    snprintf(b->said, sizeof b->said, "%s", b->fault);
    *b->fault = '\0';
    return b->said;
}

size_t log_batch_records(const struct log_batch *b)
{
    return b->left;
}

size_t log_batch_bytes(const struct log_batch *b)
{
    return b->records.len;
}

static struct log_slot *next_slot(struct log_batch *b)
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

/* Memory of a batch above its free part is charged to the process. */
static bool pay_for_records(struct log_batch *b)
{
    size_t held = b->records.len + b->n * sizeof *b->slots + b->keep.used;
    if (b->records.len > LOG_BATCH_MOST)
        return false;
    if (held < LOG_BATCH_FREE + b->charged)
        return true;
    if (!gw_budget_take(b->conf->environment->budget, LOG_BATCH_STEP))
        return false;
    b->charged += LOG_BATCH_STEP;
    return true;
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

/* --- the envelope: values around the text, used if the text itself has none --- */

/* The intake's values of the container, if the tags have none. */
static gw_str add_resource(struct log_attrs *a, gw_str written)
{
    gw_str key, attribute;
    while (log_resource_next(&written, &key, &attribute))
        if (log_attrs_claim(a, key))
            otlp_append(&a->w, attribute);
    return otlp_written(&a->w);
}

/* Empty where the span is not known: then the record waits for it in its queue, where spans may come. */
static gw_str service_of_span(const struct log_batch *b, struct log_found *f)
{
    struct gw_trace_ids *ids = b->conf->environment->ids;
    if (!f->span || !f->trace.low || !ids || !b->setup->options.span_service)
        return GW_NOSTR;
    struct gw_span_services *services = gw_trace_ids_services(ids);
    gw_str found = gw_span_services_find(services, f->span);
    if (!found.len && gw_span_services_offered(services))
        f->origin.awaits = f->span;
    return found;
}

/* Of a record that does not name it, nor do its tags. */
static gw_str service_of(const struct log_batch *b, const struct log_input *in, struct log_found *f)
{
    if (in->service.len)
        return in->service;
    gw_str option = f->program.len && !b->setup->options.service.len ? f->program : b->setup->service;
    return log_or_else(service_of_span(b, f), option);
}

static void read_tags(struct log_batch *b, const struct log_input *in, gw_str tags, struct log_origin *o)
{
    log_attrs_begin(&b->resource, &b->scratch);
    log_tags_read(tags, &b->attrs, &b->resource, o);
    if (b->resource.w.len)
        o->more = add_resource(&b->resource, in->resource);
    b->attrs.w.failed |= b->resource.w.failed;
}

static void settle_origin(struct log_batch *b, const struct log_input *in, struct log_found *f)
{
    const struct log_options *options = &b->setup->options;
    struct log_origin *o = &f->origin;
    gw_str tags = log_or_else(f->tags, in->tags);
    o->more = in->resource;
    if (tags.len)
        read_tags(b, in, tags, o);
    if (!o->service.len)
        o->service = service_of(b, in, f);
    o->env = log_or_else(o->env, log_or_else(in->env, options->env));
    o->version = log_or_else(o->version, log_or_else(in->version, options->version));
    o->host = log_or_else(o->host, in->host);
}

static void write_tail(const struct log_batch *b, const struct log_input *in, gw_str source,
                       struct log_attrs *a)
{
    const struct gw_map *tags = &b->setup->options.tags;
    for (size_t i = 0; i < in->attrs_n; i++)
        if (in->attrs[i].is_int)
            log_attrs_int(a, in->attrs[i].key, in->attrs[i].number);
        else
            log_attrs_text(a, in->attrs[i].key, in->attrs[i].text);
    if (in->cut)
        log_attrs_int(a, GW_STR("log.record.truncated_bytes"), (int64_t)in->cut);
    log_attrs_text(a, GW_STR("datadog.log.source"), source);
    for (size_t i = 0; i < tags->n; i++)
        log_attrs_text(a, tags->items[i].key, tags->items[i].value);
}

static bool same_attr(const struct log_attr *a, const struct log_attr *b)
{
    return a->is_int == b->is_int && gw_str_eq(a->key, b->key) &&
           (a->is_int ? a->number == b->number : gw_str_eq(a->text, b->text));
}

static bool is_tail(const struct log_tail *t, const struct log_input *in, gw_str source)
{
    if (!t->valid || in->cut || in->attrs_n != t->n || !gw_str_eq(t->source, source))
        return false;
    for (size_t i = 0; i < t->n; i++)
        if (!same_attr(&t->known[i], &in->attrs[i]))
            return false;
    return true;
}

static bool keep_text(struct log_tail *t, size_t *used, gw_str *s)
{
    if (s->len > sizeof t->text - *used)
        return false;
    char *to = t->text + *used;
    if (s->len)
        memcpy(to, s->ptr, s->len);
    s->ptr = to;
    *used += s->len;
    return true;
}

/* True when all of it could be kept: few attributes, short texts. */
static bool keep_tail(struct log_batch *b, const struct log_input *in, gw_str source)
{
    struct log_tail *t = &b->tail;
    size_t used = 0;
    t->valid = false;
    if (in->cut || in->attrs_n > LOG_TAIL_ATTRS)
        return false;
    t->n = in->attrs_n;
    t->source = source;
    bool fits = keep_text(t, &used, &t->source);
    for (size_t i = 0; i < t->n && fits; i++) {
        t->known[i] = in->attrs[i];
        fits = keep_text(t, &used, &t->known[i].key) && keep_text(t, &used, &t->known[i].text);
    }
    if (!fits)
        return false;
    log_attrs_begin(&t->attrs, &b->scratch);
    write_tail(b, in, source, &t->attrs);
    return t->valid = !t->attrs.w.failed && !t->attrs.slots;
}

/* Appends the last serialized form, if the attributes are the same and none of the keys can be in the record
 * already. */
static void add_attrs(struct log_batch *b, const struct log_input *in, gw_str source)
{
    struct log_attrs *a = &b->attrs;
    if ((is_tail(&b->tail, in, source) || keep_tail(b, in, source)) && !(a->seen & b->tail.attrs.seen))
        otlp_append(&a->w, otlp_written(&b->tail.attrs.w));
    else
        write_tail(b, in, source, a);
}

static void settle_envelope(struct log_batch *b, const struct log_input *in, struct log_found *f)
{
    bool parsed = b->setup->options.parse == LOG_PARSE_AUTO;
    if (!f->time)
        f->time = in->time;
    if (!f->severity && in->severity) {
        f->severity = in->severity;
        f->severity_text = in->severity_text;
    }
    if (!f->severity && parsed)
        f->severity = LOG_SEVERITY_INFO;
    settle_origin(b, in, f);
    add_attrs(b, in, log_or_else(f->source, log_or_else(in->source, b->setup->source)));
    otlp_text(&b->attrs.w, LOG_EVENT_NAME, in->event_name); /* a field of LogRecord, among its attributes */
}

/* --- the record --- */

enum gw_code log_batch_write(struct log_batch *b, const struct log_input *in, struct log_found *f)
{
    size_t before = b->records.len;
    struct log_slot *s = pay_for_records(b) ? next_slot(b) : NULL;
    if (gw_recent_wanted())
        b->form = log_recent_form(b, in);
    settle_envelope(b, in, f);
    struct log_scope *scope = s ? log_group_find(&b->groups, &b->keep, &f->origin) : NULL;
    if (!scope || b->attrs.w.failed)
        return GW_BUSY;
    uint32_t id = log_write(&b->records, f, in->observed, &b->attrs.w);
    if (b->records.failed) {
        b->records.failed = false;
        b->records.len = before;
        return GW_BUSY;
    }
    if (gw_recent_wanted())
        log_recent_keep(b, in, f, gw_str_n((const char *)b->records.data + before, b->records.len - before));
    *s = (struct log_slot){.at = (uint32_t)before, .len = (uint32_t)(b->records.len - before), .id = id};
    link_slot(b, scope);
    return GW_OK;
}
