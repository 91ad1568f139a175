/* dd_show.h: what a decoder made of a payload, as text that a test can compare.
 *
 *     [t=1 s=2 service=web meta{a=b} metrics{n=1 x=2.5}] [t=3 s=4] refused bad_span=1, left out tags=2
 *
 * One bracket for each chunk, spans in it are separated by "; ". Fields that are empty or zero are not shown.
 * What chunk and payload say themselves is shown where they say something. An error is shown alone: BAD_MSGPACK@5: its words.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_SHOW_H
#define DD_SHOW_H

#include "translators/ddtrace/dd_span.h"

#include <stdio.h>

struct shown {
    char text[8192];
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void append_text(struct shown *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    s->len += (size_t)vsnprintf(s->text + s->len, sizeof s->text - s->len, fmt, ap);
    va_end(ap);
    if (s->len >= sizeof s->text)
        s->len = sizeof s->text - 1;
}

static void show_text(struct shown *s, const char *name, gw_str value)
{
    if (value.len)
        append_text(s, " %s=%.*s", name, GW_FMT(value));
}

static void show_int(struct shown *s, const char *name, int64_t value)
{
    if (value)
        append_text(s, " %s=%lld", name, (long long)value);
}

static void show_texts(struct shown *s, const char *name, const struct dd_text *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        append_text(s, "%s%.*s=%.*s", i ? " " : name, GW_FMT(t[i].key), GW_FMT(t[i].value));
    if (n)
        append_text(s, "}");
}

static void show_value(struct shown *s, const struct dd_value *v)
{
    switch (v->type) {
    case DD_V_STRING:
        append_text(s, "'%.*s'", GW_FMT(v->s));
        return;
    case DD_V_BOOL:
        append_text(s, v->b ? "true" : "false");
        return;
    case DD_V_INT:
        append_text(s, "%lld", (long long)v->i);
        return;
    case DD_V_DOUBLE:
        append_text(s, "%.17gd", v->d);
        return;
    case DD_V_BYTES:
        append_text(s, "bytes %.*s", GW_FMT(v->s));
        return;
    case DD_V_LIST:
        for (size_t i = 0; i < v->list.n; i++) {
            append_text(s, "%s%.*s=", i ? "," : "{", GW_FMT(v->list.attrs[i].key));
            show_value(s, &v->list.attrs[i].value);
        }
        append_text(s, v->list.n ? "}" : "{}");
        return;
    case DD_V_ARRAY:
        for (size_t i = 0; i < v->array.n; i++) {
            append_text(s, i ? "," : "(");
            show_value(s, &v->array.items[i]);
        }
        append_text(s, v->array.n ? ")" : "()");
    }
}

static void show_parts(struct shown *s, const struct dd_span *sp)
{
    for (size_t i = 0; i < sp->links_n; i++) {
        const struct dd_link *l = &sp->links[i];
        append_text(s, " link{%llx%016llx:%llx", (unsigned long long)l->trace_id_high,
                    (unsigned long long)l->trace_id, (unsigned long long)l->span_id);
        show_text(s, "state", l->tracestate);
        show_int(s, "flags", l->flags);
        show_texts(s, " attrs{", l->attrs, l->attrs_n);
        append_text(s, "}");
    }
    for (size_t i = 0; i < sp->events_n; i++) {
        const struct dd_event *e = &sp->events[i];
        append_text(s, " event{%.*s@%lld", GW_FMT(e->name), (long long)e->time_unix_nano);
        for (size_t k = 0; k < e->attrs_n; k++) {
            append_text(s, " %.*s=", GW_FMT(e->attrs[k].key));
            show_value(s, &e->attrs[k].value);
        }
        append_text(s, "}");
    }
}

static void show_numbers(struct shown *s, const char *name, const struct dd_number *m, size_t n)
{
    for (size_t i = 0; i < n; i++, m++) {
        append_text(s, "%s%.*s=", i ? " " : name, GW_FMT(m->key));
        if (m->kind == DD_DOUBLE)
            append_text(s, "%.17gd", m->d);
        else if (m->kind == DD_UINT)
            append_text(s, "%lluu", (unsigned long long)m->u);
        else
            append_text(s, "%lld", (long long)m->i);
    }
    append_text(s, n ? "}" : "");
}

static void show_span(struct shown *s, const struct dd_span *sp)
{
    append_text(s, "t=%llu s=%llu", (unsigned long long)sp->trace_id, (unsigned long long)sp->span_id);
    if (sp->parent_id)
        append_text(s, " p=%llu", (unsigned long long)sp->parent_id);
    show_text(s, "service", sp->service);
    show_text(s, "name", sp->name);
    show_text(s, "resource", sp->resource);
    show_text(s, "type", sp->type);
    show_int(s, "start", sp->start);
    show_int(s, "duration", sp->duration);
    show_int(s, "error", sp->error);
    show_texts(s, " meta{", sp->meta, sp->meta_n);
    show_numbers(s, " metrics{", sp->metrics, sp->metrics_n);
    show_texts(s, " struct{", sp->meta_struct, sp->meta_struct_n);
    show_parts(s, sp);
}

/* What the chunk itself says, before its spans: "chunk priority=1 origin=rum tags{a=b}: ". */
static void show_chunk(struct shown *s, const struct dd_chunk *c)
{
    size_t from = s->len;
    append_text(s, "chunk");
    size_t said = s->len;
    if (c->priority != DD_NO_PRIORITY)
        append_text(s, " priority=%d", c->priority);
    if (c->mechanism != DD_NO_MECHANISM)
        append_text(s, " mechanism=%d", c->mechanism);
    show_text(s, "origin", c->origin);
    if (c->high)
        append_text(s, " high=%llx", (unsigned long long)c->high);
    append_text(s, c->dropped ? " dropped" : "");
    show_texts(s, " tags{", c->meta, c->meta_n);
    show_numbers(s, " numbers{", c->metrics, c->metrics_n);
    if (s->len > said)
        append_text(s, ": ");
    else
        s->text[s->len = from] = 0;
}

/* What the payload says of its process. */
static void show_facts(struct shown *s, const struct dd_payload *p)
{
    static const char *const names[DD_FACTS] = {[DD_FACT_PID] = "pid",
                                                [DD_FACT_CONTAINER_ID] = "container",
                                                [DD_FACT_LANGUAGE_VERSION] = "language_version",
                                                [DD_FACT_TRACER_VERSION] = "tracer_version"};
    size_t from = s->len;
    show_text(s, "runtime_id", p->runtime_id);
    show_text(s, "env", p->env);
    show_text(s, "host", p->host);
    show_text(s, "language", p->language);
    show_text(s, "service", p->service);
    show_text(s, "version", p->version);
    for (int i = 0; i < DD_FACTS; i++)
        if (p->facts[i].len)
            show_text(s, names[i] ? names[i] : "fact", p->facts[i]);
    show_texts(s, " tags{", p->tags, p->tags_n);
    if (s->len > from)
        append_text(s, " of the payload");
}

/* Decodes body; the text is overwritten by the next call. */
static inline const char *show_payload(enum dd_format format, gw_str body, size_t budget)
{
    static struct shown shown;
    struct shown *s = &shown;
    struct gw_arena arena;
    struct dd_decoder d;
    struct gw_err err = {0};
    struct gw_intake intake = {0};
    uint64_t valid = 0, refused = 0;
    bool more = true;
    *s = (struct shown){.len = 0};
    gw_arena_init(&arena, budget);
    enum gw_code code = dd_decode_begin(&d, format, body, &arena, &err);
    while (!code && more) {
        struct dd_chunk chunk;
        code = dd_decode_next(&d, &chunk, &more, &intake, &err);
        for (size_t i = 0; i < chunk.n && more; i++) {
            append_text(s, i ? "; " : s->len ? " [" : "[");
            if (i == 0)
                show_chunk(s, &chunk);
            show_span(s, &chunk.spans[i]);
            valid++;
        }
        if (more)
            append_text(s, "]");
    }
    for (int why = 0; why < GW_REASONS; why++) {
        if (intake.not_taken[why] && !code)
            append_text(s, "%s%s=%llu",
                        refused  ? " "
                        : s->len ? " refused "
                                 : "refused ",
                        gw_reason_label(why), (unsigned long long)intake.not_taken[why]);
        refused += intake.not_taken[why];
    }
    if (!code)
        show_facts(s, d.payload);
    if (d.left_out.tags + d.left_out.links + d.left_out.events && !code)
        append_text(s, ", left out tags=%llu links=%llu events=%llu", (unsigned long long)d.left_out.tags,
                    (unsigned long long)d.left_out.links, (unsigned long long)d.left_out.events);
    if (!code && intake.received != valid + refused)
        append_text(s, " RECEIVED %llu", (unsigned long long)intake.received);
    if (code) {
        s->len = 0;
        append_text(s, "%s@%zu: %s", gw_code_id(code), err.pos, err.what);
    }
    gw_arena_fini(&arena);
    return s->text;
}

#endif
