/* dd_walk.h: decodes a payload and asks of the result what must hold for any bytes: every view can be read,
 * the spans that are handed out are valid, all that was received is accounted for, and an error has a place
 * and words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_WALK_H
#define DD_WALK_H

#include <stdlib.h>

#include "translators/ddtrace/dd_span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool cond)
{
    if (!cond)
        abort();
}

static volatile unsigned char sink;

static void touch(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        sink ^= (unsigned char)s.ptr[i];
}

static void walk_texts(const struct dd_text *t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        touch(t[i].key);
        touch(t[i].value);
    }
}

static void walk_value(const struct dd_value *v, int depth)
{
    must(depth <= DD_MAX_DEPTH + 1 && v->type <= DD_V_LIST);
    if (v->type == DD_V_STRING || v->type == DD_V_BYTES)
        touch(v->s);
    for (size_t i = 0; v->type == DD_V_ARRAY && i < v->array.n; i++)
        walk_value(&v->array.items[i], depth + 1);
    for (size_t i = 0; v->type == DD_V_LIST && i < v->list.n; i++) {
        touch(v->list.attrs[i].key);
        walk_value(&v->list.attrs[i].value, depth + 1);
    }
}

static void walk_span(const struct dd_span *s)
{
    must(s->span_id);
    touch(s->service);
    touch(s->name);
    touch(s->resource);
    touch(s->type);
    walk_texts(s->meta, s->meta_n);
    walk_texts(s->meta_struct, s->meta_struct_n);
    for (size_t i = 0; i < s->metrics_n; i++) {
        touch(s->metrics[i].key);
        must(s->metrics[i].kind <= DD_DOUBLE && (s->metrics[i].kind != DD_UINT || s->metrics[i].i < 0));
    }
    for (size_t i = 0; i < s->links_n; i++) {
        touch(s->links[i].tracestate);
        walk_texts(s->links[i].attrs, s->links[i].attrs_n);
    }
    for (size_t i = 0; i < s->events_n; i++) {
        touch(s->events[i].name);
        for (size_t k = 0; k < s->events[i].attrs_n; k++) {
            touch(s->events[i].attrs[k].key);
            walk_value(&s->events[i].attrs[k].value, 0);
        }
    }
}

static void walk_chunk(const struct dd_chunk *c)
{
    touch(c->origin);
    walk_texts(c->meta, c->meta_n);
    for (size_t i = 0; i < c->metrics_n; i++)
        touch(c->metrics[i].key);
    for (size_t i = 0; i < c->n; i++)
        walk_span(&c->spans[i]);
}

static void walk_facts(const struct dd_payload *p)
{
    const gw_str texts[] = {p->runtime_id, p->env, p->host, p->language, p->service, p->version};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        touch(texts[i]);
    for (size_t i = 0; i < DD_FACTS; i++)
        touch(p->facts[i]);
    walk_texts(p->tags, p->tags_n);
}

/* What else must hold for a payload that was taken. */
typedef void walk_taken_f(const struct dd_decoder *, gw_str body);

/* True when the payload was taken. */
static inline bool walk_payload(enum dd_format format, gw_str body, walk_taken_f *taken)
{
    struct gw_arena arena, keep;
    struct dd_decoder d;
    struct gw_err err = {0};
    struct gw_intake intake = {0};
    struct dd_chunk chunk;
    uint64_t accounted = 0;
    bool more = true;
    gw_arena_init(&arena, 1 << 24);
    gw_arena_init(&keep, 1 << 24);
    enum gw_code code = dd_decode_begin(&d, format, body, &arena, &err);
    struct gw_snap snap = gw_arena_snap(&arena);
    d.keep = &keep;
    while (!code && more) {
        code = dd_decode_next(&d, &chunk, &more, &intake, &err);
        must(code || more == (chunk.n > 0));
        if (!code)
            walk_chunk(&chunk);
        accounted += chunk.n;
        gw_arena_back(&arena, snap);
    }
    for (int why = 0; why < GW_REASONS; why++)
        accounted += intake.not_taken[why];
    must(code || accounted == intake.received);
    must(!code || (err.code == code && err.pos <= body.len && err.what[0]));
    if (!code)
        walk_facts(d.payload);
    if (!code && taken)
        taken(&d, body);
    gw_arena_fini(&arena);
    gw_arena_fini(&keep);
    return code == GW_OK;
}

#endif
